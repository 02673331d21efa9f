//! `kcc build`: a source file to a module, or to the text of a level.

use crate::args::{Build, Emit};
use crate::compile::{Source, options};
use crate::files::explain;
use crate::report::{Outcome, fault, stdout};
use kcc_compiler::pipeline::text::Form;
use std::path::Path;
use std::time::Instant;

/// Runs the command.
pub fn run(args: &Build, std: Option<&Path>) -> Outcome {
    let source = Source::open(&args.file, std)?;
    let options = options(&args.compile);
    if let Some(emit) = args.emit {
        let text = source.text(&options, form(emit))?;
        return match &args.output {
            None => stdout(&text),
            Some(path) => std::fs::write(path, text).map_err(|error| fault(path.display(), explain(&error))),
        };
    }
    let start = Instant::now();
    let lowered = source.lower(&options)?;
    let built = source.build(lowered, &options)?;
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    let path = args.output.clone().unwrap_or_else(|| args.file.with_extension("wasm"));
    std::fs::write(&path, &built.wasm).map_err(|error| fault(path.display(), explain(&error)))?;
    let pipelines = built.manifest.pipelines.len();
    stdout(&format!(
        "{}: {} in {milliseconds:.1} ms, {pipelines} pipeline{}, {}\n",
        path.display(),
        size(built.wasm.len() as u64),
        if pipelines == 1 { "" } else { "s" },
        memory(&built.manifest.memory)
    ))
}

fn form(emit: Emit) -> Form {
    match emit {
        Emit::Ast => Form::Ast,
        Emit::Hir => Form::Hir,
        Emit::Tensor => Form::Tensor,
        Emit::Loops => Form::Loops,
        Emit::Plan => Form::Plan,
        Emit::Wat => Form::Wat,
        Emit::Manifest => Form::Manifest,
    }
}

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// What a module says about its memory.
pub fn memory(memory: &kcc_abi::Memory) -> String {
    match memory.max_pages {
        Some(pages) => format!("at most {} of memory", size(u64::from(pages) << 16)),
        None => "no bound on its memory below 4 GiB".to_string(),
    }
}
