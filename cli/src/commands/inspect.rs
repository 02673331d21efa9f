//! `kcc inspect`: what a module says of itself, after the runtime has held it against the module.

use super::build::{memory, size};
use super::run::runtime_fail;
use crate::args::Inspect;
use crate::files::read_limited;
use crate::report::{Outcome, fault, stdout};
use kcc_abi::{Manifest, Pipeline, PlanArg, Tensor};
use kcc_runtime::{Engine, Module};
use std::fmt::Write;

/// Largest module that is read.
pub const MAX_MODULE: u64 = 1 << 30;

/// Runs the command.
pub fn run(args: &Inspect) -> Outcome {
    let wasm = read_limited(&args.file, MAX_MODULE).map_err(|problem| fault(args.file.display(), problem))?;
    let engine = Engine::new().map_err(runtime_fail)?;
    let module = Module::from_bytes(&engine, &wasm).map_err(|error| fault(args.file.display(), error))?;
    let manifest = module.manifest();
    if args.json {
        let text = serde_json::to_string_pretty(manifest).map_err(|error| fault(args.file.display(), error))?;
        return stdout(&format!("{text}\n"));
    }
    stdout(&describe(manifest, wasm.len() as u64))
}

fn describe(manifest: &Manifest, bytes: u64) -> String {
    let mut out = format!(
        "{}, profile {}, ABI {}.{}, language {}, kcc {}\n{} at first, {}\nsources {}\n",
        size(bytes),
        manifest.profile,
        manifest.abi[0],
        manifest.abi[1],
        manifest.language,
        manifest.compiler,
        size(u64::from(manifest.memory.initial_pages) << 16),
        memory(&manifest.memory),
        manifest.source_hash,
    );
    for pipeline in &manifest.pipelines {
        out.push('\n');
        for line in pipeline.doc.lines() {
            let _ = writeln!(out, "/// {line}");
        }
        let _ = writeln!(out, "{}", signature(pipeline));
        let args: Vec<String> = pipeline.plan_args.iter().map(plan_arg).collect();
        if !args.is_empty() {
            let _ = writeln!(out, "  plan takes {}", args.join(", "));
        }
        for step in &pipeline.steps {
            let _ = writeln!(out, "  {} {} ({})", step.binding, step.name, step.kind);
        }
    }
    out
}

/// A pipeline as it would be declared.
pub fn signature(pipeline: &Pipeline) -> String {
    let params: Vec<String> = pipeline.params.iter().map(|param| format!("{}: {}", param.name, ty(param))).collect();
    let results = match &pipeline.results[..] {
        [one] if one.name == "result" => ty(one),
        all => {
            let all: Vec<String> = all.iter().map(|result| format!("{}: {}", result.name, ty(result))).collect();
            format!("({})", all.join(", "))
        }
    };
    format!("pipeline {}({}) -> {results}", pipeline.name, params.join(", "))
}

fn plan_arg(arg: &PlanArg) -> String {
    match arg {
        PlanArg::Size { name, max: Some(max) } => format!("{name} <= {max}"),
        PlanArg::Size { name, max: None } => name.clone(),
        PlanArg::Scalar { name, elem } => format!("{name}: {elem}"),
    }
}

fn ty(tensor: &Tensor) -> String {
    let dims: Vec<&str> = tensor.dims.iter().map(|dim| dim.text.as_str()).collect();
    if dims.is_empty() { tensor.elem.clone() } else { format!("{}[{}]", tensor.elem, dims.join(", ")) }
}
