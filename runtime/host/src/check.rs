//! Holds a manifest against its module before anything is run: names exist, signatures fit, numbers are possible.
//!
//! After it, code may index plan arguments and element sizes without asking again. Addresses are not trusted: they
//! are compared with the memory's size whenever they are used (`memory.rs`), since the module itself writes some.

use crate::element::element_bytes;
use crate::error::Error;
use kcc_abi::{DimValue, ERROR_VALUES, Manifest, Pipeline, PlanArg, Tensor};
use wasmtime::{ExternType, FuncType, ValType};

/// Most axes that a tensor can have.
pub(crate) const MAX_RANK: usize = 32;

/// Checks `manifest` against `module`.
pub(crate) fn check(module: &wasmtime::Module, manifest: &Manifest) -> Result<(), Error> {
    let bad = |text: String| Err(Error::Manifest(text));
    if let Some(import) = module.imports().next() {
        return Err(Error::Module(format!(
            "it imports `{}` from `{}`, and this runtime has nothing to offer for that",
            import.name(),
            import.module()
        )));
    }
    match module.get_export("memory") {
        Some(ExternType::Memory(memory)) if memory.is_64() || memory.is_shared() => {
            return bad("the memory is shared or 64-bit".to_string());
        }
        Some(ExternType::Memory(_)) => {}
        _ => return bad("the module exports no `memory`".to_string()),
    }
    for (position, pipeline) in manifest.pipelines.iter().enumerate() {
        if manifest.pipelines[..position].iter().any(|other| other.name == pipeline.name) {
            return bad(format!("two pipelines are called `{}`", pipeline.name));
        }
        check_pipeline(module, pipeline).or_else(|text| bad(format!("pipeline `{}`: {text}", pipeline.name)))?;
    }
    for failure in &manifest.failures {
        if failure.values.len() > ERROR_VALUES {
            return bad(format!("status {} has {} values", failure.status, failure.values.len()));
        }
    }
    Ok(())
}

fn check_pipeline(module: &wasmtime::Module, pipeline: &Pipeline) -> Result<(), String> {
    let mut wanted = Vec::new();
    for (position, arg) in pipeline.plan_args.iter().enumerate() {
        let (name, ty) = match arg {
            PlanArg::Size { name, .. } => (name, ValType::I32),
            PlanArg::Scalar { name, elem } => {
                (name, scalar_type(elem).ok_or_else(|| format!("there is no element type `{elem}`"))?)
            }
        };
        if pipeline.plan_args[..position].iter().any(|other| arg_name(other) == name) {
            return Err(format!("two arguments of its plan are called `{name}`"));
        }
        wanted.push(ty);
    }
    check_export(module, &pipeline.run, &[])?;
    match &pipeline.plan {
        Some(plan) => check_export(module, plan, &wanted)?,
        None if wanted.is_empty() => {}
        None => return Err("it has sizes but no plan".to_string()),
    }
    let tensors: Vec<&Tensor> = pipeline.params.iter().chain(&pipeline.results).collect();
    for (position, tensor) in tensors.iter().enumerate() {
        if tensors[..position].iter().any(|other| other.name == tensor.name) {
            return Err(format!("two of its tensors are called `{}`", tensor.name));
        }
        check_tensor(pipeline, tensor).map_err(|text| format!("`{}`: {text}", tensor.name))?;
    }
    Ok(())
}

fn check_tensor(pipeline: &Pipeline, tensor: &Tensor) -> Result<(), String> {
    if element_bytes(&tensor.elem).is_none() {
        return Err(format!("there is no element type `{}`", tensor.elem));
    }
    if tensor.dims.len() > MAX_RANK {
        return Err(format!("it has {} axes, at most {MAX_RANK} are possible", tensor.dims.len()));
    }
    for dim in &tensor.dims {
        if let DimValue::Arg { arg, scale, .. } = &dim.value {
            if !matches!(pipeline.plan_args.get(*arg), Some(PlanArg::Size { .. })) {
                return Err(format!("extent `{}` refers to argument {arg}, which is no size", dim.text));
            }
            if *scale < 1 {
                return Err(format!("extent `{}` has factor {scale}", dim.text));
            }
        }
    }
    Ok(())
}

/// Checks that `name` is exported as a function `(params) -> i32`.
fn check_export(module: &wasmtime::Module, name: &str, params: &[ValType]) -> Result<(), String> {
    let fits = |ty: &FuncType| {
        ty.params().len() == params.len()
            && ty.params().zip(params).all(|(found, wanted)| ValType::eq(&found, wanted))
            && ty.results().len() == 1
            && ty.results().all(|found| ValType::eq(&found, &ValType::I32))
    };
    match module.get_export(name) {
        Some(ExternType::Func(ty)) if fits(&ty) => Ok(()),
        Some(ExternType::Func(ty)) => Err(format!("export `{name}` has type {ty}, which does not fit the manifest")),
        Some(_) => Err(format!("export `{name}` is not a function")),
        None => Err(format!("there is no export `{name}`")),
    }
}

/// The type in which a scalar of type `elem` is passed.
fn scalar_type(elem: &str) -> Option<ValType> {
    match elem {
        "bool" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" => Some(ValType::I32),
        "i64" | "u64" => Some(ValType::I64),
        "f16" | "f32" => Some(ValType::F32),
        "f64" => Some(ValType::F64),
        _ => None,
    }
}

/// Name of an argument of `plan`.
pub(crate) fn arg_name(arg: &PlanArg) -> &String {
    match arg {
        PlanArg::Size { name, .. } | PlanArg::Scalar { name, .. } => name,
    }
}
