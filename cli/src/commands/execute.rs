//! Runs one pipeline on decoded inputs, in Wasmtime or in the reference evaluator.

use super::run::runtime_fail;
use crate::param::{Param, value_type};
use crate::progress::Progress;
use crate::report::{Fail, Outcome};
use kcc_abi::PlanArg;
use kcc_compiler::pipeline::Lowered;
use kcc_compiler::tensor::eval::{self, EvalError, TensorValue};
use kcc_compiler::types::Scalar;
use kcc_runtime::{Engine, Instance, Module, Options, Value};
use std::path::Path;
use std::time::{Duration, Instant};

/// Steps that the evaluator may take.
pub const BUDGET: u64 = 20_000_000_000;

/// Results of the last run, and the time of each.
pub struct Ran {
    /// In the order of the pipeline.
    pub results: Vec<TensorValue>,
    /// One a run; without planning, reading or writing files.
    pub times: Vec<Duration>,
}

/// An engine, with a cache if asked for.
pub fn engine(cache: Option<&Path>) -> Outcome<Engine> {
    Engine::with(Options { cache: cache.map(Path::to_path_buf), ..Options::default() }).map_err(runtime_fail)
}

/// On the compiled module.
pub fn in_wasmtime(
    module: &Module,
    pipeline: &str,
    params: &[Param],
    inputs: &[TensorValue],
    repeat: u32,
) -> Outcome<Ran> {
    let mut instance = module.instantiate().map_err(runtime_fail)?;
    plan(&mut instance, pipeline, params, inputs)?;
    for (param, input) in params.iter().zip(inputs) {
        let mut view = instance.bytes_mut(pipeline, &param.name).map_err(runtime_fail)?;
        if view.len() != input.bytes.len() {
            return Err(Fail::Fault(format!("`{}` is {}, which does not fit", param.name, value_type(input))));
        }
        view.copy_from_slice(&input.bytes);
    }
    let _progress = Progress::start(format!("running {pipeline}"));
    let mut times = Vec::new();
    for _ in 0..repeat {
        let start = Instant::now();
        instance.run(pipeline).map_err(runtime_fail)?;
        times.push(start.elapsed());
    }
    let described = module.pipeline(pipeline).map_err(runtime_fail)?;
    let mut results = Vec::new();
    for result in &described.results {
        let view = instance.bytes(pipeline, &result.name).map_err(runtime_fail)?;
        let elem =
            Scalar::from_name(&result.elem).ok_or_else(|| Fail::Fault(format!("unknown type {}", result.elem)))?;
        let dims = view.shape().iter().map(|extent| i64::from(*extent)).collect();
        results.push(TensorValue { elem, dims, bytes: view.to_vec() });
    }
    Ok(Ran { results, times })
}

/// Gives the instance the sizes that the inputs have, and the scalars that reach a size.
fn plan(instance: &mut Instance, pipeline: &str, params: &[Param], inputs: &[TensorValue]) -> Outcome {
    let extents: Vec<Vec<u32>> = params
        .iter()
        .zip(inputs)
        .map(|(param, input)| {
            let fits = input.dims.iter().map(|extent| u32::try_from(*extent).ok()).collect();
            let fits: Option<Vec<u32>> = fits;
            fits.ok_or_else(|| Fail::Fault(format!("`{}` is {}, which is too large", param.name, value_type(input))))
        })
        .collect::<Outcome<_>>()?;
    let shapes: Vec<(&str, &[u32])> =
        params.iter().zip(&extents).map(|(param, shape)| (param.name.as_str(), shape.as_slice())).collect();
    let described = instance.module().pipeline(pipeline).map_err(runtime_fail)?;
    let is_plan_scalar = |param: &Param| {
        described.plan_args.iter().any(|arg| matches!(arg, PlanArg::Scalar { name, .. } if *name == param.name))
    };
    let scalars: Vec<(&str, Value)> = params
        .iter()
        .zip(inputs)
        .filter(|(param, _)| is_plan_scalar(param))
        .map(|(param, input)| (param.name.as_str(), scalar(input)))
        .collect();
    instance.plan_shapes(pipeline, &shapes, &scalars).map_err(runtime_fail)
}

/// A rank-0 value for the runtime.
fn scalar(value: &TensorValue) -> Value {
    let bits = kcc_compiler::types::Const::from_le_bytes(value.elem, &value.bytes);
    match value.elem {
        Scalar::Bool => Value::Bool(bits.bits != 0),
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => Value::Int(bits.bits as i64),
        Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => Value::UInt(bits.bits),
        Scalar::F16 => Value::F32(kcc_runtime::f16_to_f32(bits.bits as u16)),
        Scalar::F32 => Value::F32(bits.as_f32()),
        Scalar::F64 => Value::F64(bits.as_f64()),
    }
}

/// On the reference evaluator. `seen` turns a source name into what the user knows it by.
pub fn in_evaluator(
    lowered: &Lowered,
    pipeline: usize,
    inputs: &[TensorValue],
    repeat: u32,
    seen: impl Fn(&str) -> String,
) -> Outcome<Ran> {
    let name = &lowered.program.pipelines[pipeline].name;
    let _progress = Progress::start(format!("evaluating {name}"));
    let mut times = Vec::new();
    let mut results = Vec::new();
    for _ in 0..repeat {
        let start = Instant::now();
        results = eval::run(&lowered.program, pipeline, inputs, BUDGET)
            .map_err(|error| Fail::Fault(format!("{name}: {}", explain(lowered, &error, &seen))))?;
        times.push(start.elapsed());
    }
    Ok(Ran { results, times })
}

/// An evaluator's error with its place, as a module's failure shows it.
pub fn explain(lowered: &Lowered, error: &EvalError, seen: impl Fn(&str) -> String) -> String {
    let origin = match error {
        EvalError::Fact { origin, .. } | EvalError::Failed { origin, .. } => *origin,
        EvalError::Inputs(_)
        | EvalError::Size { .. }
        | EvalError::Budget
        | EvalError::Memory { .. }
        | EvalError::Invalid(_) => return error.to_string(),
    };
    let span = lowered.program.origins.user_span(origin, &lowered.sources);
    let (line, column) = lowered.sources.line_column(span);
    format!("{error} ({}:{line}:{column})", seen(&lowered.sources.file(span.file).name))
}
