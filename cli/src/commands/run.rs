//! `kcc run`: inputs from the command line through a pipeline, on the compiled module or on the reference evaluator.

use super::execute::{self, Ran};
use super::inspect::MAX_MODULE;
use crate::args::{Engine, Run};
use crate::compile::{Source, options};
use crate::files::read_limited;
use crate::input;
use crate::output::{self, Named, json_values, summary::summary};
use crate::param::{Param, value_type};
use crate::report::{Fail, Outcome, fault, note, stdout};
use kcc_runtime::{Error, Module};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Runs the command.
pub fn run(args: &Run, std: Option<&Path>) -> Outcome {
    let outcome = attempt(args, std);
    if args.json
        && let Err(Fail::Fault(message) | Fail::Usage(message)) = &outcome
    {
        stdout(&format!("{:#}\n", json!({ "error": { "message": message } })))?;
    }
    outcome
}

fn attempt(args: &Run, std: Option<&Path>) -> Outcome {
    let targets = args.outputs.iter().map(|argument| output::target(argument)).collect::<Outcome<Vec<_>>>()?;
    for argument in &args.inputs {
        input::split(argument)?;
    }
    let is_module = args.file.extension().is_some_and(|extension| extension == "wasm");
    let program = if is_module { Program::Module(module(args)?) } else { source_program(args, std)? };
    let names = program.pipelines();
    let position = choose(&names, args.pipeline.as_deref())?;
    let pipeline = names[position].clone();
    let (params, results) = program.signature(position)?;
    let result_names: Vec<&str> = results.iter().map(|result| result.name.as_str()).collect();
    let chosen = output::resolve(&targets, &pipeline, &result_names)?;
    let inputs = input::decode_all(&pipeline, &params, &args.inputs)?;
    let rate = args.rate.or_else(|| inputs.iter().find_map(|input| input.rate));
    let values: Vec<_> = inputs.into_iter().map(|input| input.value).collect();
    let repeat = args.repeat.unwrap_or(1);
    let ran = match &program {
        Program::Module(module) => execute::in_wasmtime(module, &pipeline, &params, &values, repeat),
        Program::Lowered { source, lowered } => {
            execute::in_evaluator(lowered, position, &values, repeat, |name| source.seen(name))
        }
    }?;
    let named: Vec<Named<'_>> = result_names
        .iter()
        .zip(ran.results.iter().cloned())
        .map(|(name, mut value)| {
            output::canonical(&mut value);
            Named { name, value }
        })
        .collect();
    output::write_all(&targets, &chosen, &named, rate)?;
    if args.json {
        return stdout(&as_json(&pipeline, &named, &ran, args.repeat.is_some()));
    }
    for (position, result) in named.iter().enumerate() {
        if !chosen.contains(&position) {
            stdout(&summary(result.name, &result.value))?;
        }
    }
    if args.repeat.is_some() {
        stdout(&times(&ran))?;
    }
    Ok(())
}

/// What is to be run.
enum Program<'a> {
    Module(Module),
    Lowered { source: Source<'a>, lowered: Box<kcc_compiler::pipeline::Lowered> },
}

impl Program<'_> {
    fn pipelines(&self) -> Vec<String> {
        match self {
            Program::Module(module) => module.pipelines().iter().map(|pipeline| pipeline.name.clone()).collect(),
            Program::Lowered { lowered, .. } => lowered.program.pipelines.iter().map(|p| p.name.clone()).collect(),
        }
    }

    /// Parameters and results.
    fn signature(&self, position: usize) -> Outcome<(Vec<Param>, Vec<Param>)> {
        match self {
            Program::Module(module) => {
                let pipeline = &module.pipelines()[position];
                let all = |tensors: &[kcc_abi::Tensor]| tensors.iter().map(Param::of_manifest).collect();
                let params: Result<_, String> = all(&pipeline.params);
                Ok((params.map_err(Fail::Fault)?, all(&pipeline.results).map_err(Fail::Fault)?))
            }
            Program::Lowered { lowered, .. } => {
                let (program, names) = (&lowered.program, &lowered.program.names);
                let pipeline = &program.pipelines[position];
                let params = pipeline.params.iter();
                let params = params.map(|id| Param::of_tensor(&pipeline.tensors[*id].name, pipeline, *id, names));
                let results = pipeline.results.iter();
                let results = results.map(|(name, id)| Param::of_tensor(name, pipeline, *id, names));
                Ok((params.collect(), results.collect()))
            }
        }
    }
}

fn source_program<'a>(args: &'a Run, std: Option<&Path>) -> Outcome<Program<'a>> {
    let source = Source::open(&args.file, std)?;
    let options = options(&args.compile);
    let lowered = source.lower(&options)?;
    match args.engine {
        Engine::Eval => Ok(Program::Lowered { source, lowered: Box::new(lowered) }),
        Engine::Wasmtime => {
            let built = source.build(lowered, &options)?;
            let engine = execute::engine(args.cache.as_deref())?;
            let module = Module::from_bytes(&engine, &built.wasm).map_err(runtime_fail)?;
            Ok(Program::Module(remark_cache(module)))
        }
    }
}

fn module(args: &Run) -> Outcome<Module> {
    if args.engine == Engine::Eval {
        return Err(Fail::Usage("the reference evaluator runs sources, not modules".to_string()));
    }
    if !args.compile.sizes.is_empty() || args.compile.max_memory.is_some() {
        return Err(Fail::Usage("a module is compiled already: --size and --max-memory are for sources".to_string()));
    }
    let wasm = read_limited(&args.file, MAX_MODULE).map_err(|problem| fault(args.file.display(), problem))?;
    let engine = execute::engine(args.cache.as_deref())?;
    let module = Module::from_bytes(&engine, &wasm).map_err(|error| fault(args.file.display(), error))?;
    Ok(remark_cache(module))
}

fn remark_cache(module: Module) -> Module {
    if let kcc_runtime::CacheUse::NotStored(reason) = module.cache_use() {
        note(&format!("compiled code was not kept: {reason}"));
    }
    module
}

/// Finds the pipeline that is meant.
fn choose(names: &[String], wanted: Option<&str>) -> Outcome<usize> {
    let list = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (wanted, names) {
        (_, []) => Err(Fail::Fault("the file has no pipeline".to_string())),
        (None, [_]) => Ok(0),
        (None, _) => Err(Fail::Usage(format!("the file has several pipelines, name one: {}", list()))),
        (Some(wanted), _) => names
            .iter()
            .position(|name| name == wanted)
            .ok_or_else(|| Fail::Usage(format!("there is no pipeline `{wanted}`, the file has {}", list()))),
    }
}

/// The runtime's errors by whose fault they are.
pub fn runtime_fail(error: Error) -> Fail {
    match error {
        Error::NoPipeline { .. } | Error::NoTensor { .. } => Fail::Usage(error.to_string()),
        _ => Fail::Fault(error.to_string()),
    }
}

fn as_json(pipeline: &str, results: &[Named<'_>], ran: &Ran, with_times: bool) -> String {
    // Built as text: numbers keep their shortest exact form, which a JSON value of doubles would lose.
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let all: Vec<String> = results
        .iter()
        .map(|result| {
            format!(
                "    {{ \"name\": {}, \"type\": {}, \"elem\": \"{}\", \"shape\": {:?}, \"values\": {} }}",
                quote(result.name),
                quote(&value_type(&result.value)),
                result.value.elem,
                result.value.dims,
                json_values(&result.value)
            )
        })
        .collect();
    let seconds: Vec<f64> = ran.times.iter().map(Duration::as_secs_f64).collect();
    let times = if with_times { format!(",\n  \"seconds\": {seconds:?}") } else { String::new() };
    format!("{{\n  \"pipeline\": {},\n  \"results\": [\n{}\n  ]{times}\n}}\n", quote(pipeline), all.join(",\n"))
}

fn times(ran: &Ran) -> String {
    let mut sorted = ran.times.clone();
    sorted.sort();
    let (Some(best), Some(worst)) = (sorted.first(), sorted.last()) else { return String::new() };
    let median = sorted[sorted.len() / 2];
    format!("{} runs: median {}, best {}, worst {}\n", sorted.len(), time(median), time(*best), time(*worst))
}

fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        _ if seconds >= 1.0 => format!("{seconds:.3} s"),
        _ if seconds >= 1e-3 => format!("{:.3} ms", seconds * 1e3),
        _ => format!("{:.2} µs", seconds * 1e6),
    }
}
