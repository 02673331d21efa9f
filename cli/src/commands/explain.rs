//! `kcc explain`: what became of each pipeline, for who wrote it: what was fused and why not, what it costs, what runs in
//! vectors, what stays checked, where everything lies.

use super::build::{memory, size};
use crate::args::Explain;
use crate::compile::{Source, options};
use crate::explain::{Report, json, report, text};
use crate::report::{Fail, Outcome, stdout};
use std::path::Path;

/// Runs the command.
pub fn run(args: &Explain, std: Option<&Path>) -> Outcome {
    let source = Source::open(&args.file, std)?;
    let options = options(&args.compile);
    let lowered = source.lower(&options)?;
    let built = source.build(lowered, &options)?;
    let wanted = |name: &str| args.pipeline.as_ref().is_none_or(|wanted| wanted == name);
    let names = built.manifest.pipelines.iter().map(|pipeline| pipeline.name.as_str());
    let reports: Vec<Report> = names
        .enumerate()
        .filter(|(_, name)| wanted(name))
        .map(|(position, _)| report(&built, position, &source))
        .collect();
    if let (true, Some(wanted)) = (reports.is_empty(), &args.pipeline) {
        return Err(Fail::Usage(format!("there is no pipeline `{wanted}`")));
    }
    if args.json {
        let reports: Vec<serde_json::Value> = reports.iter().map(json::json).collect();
        let whole = serde_json::json!({ "module_bytes": built.wasm.len(), "pipelines": reports });
        return stdout(&format!("{whole:#}\n"));
    }
    let mut out = format!("{}, {}\n", size(built.wasm.len() as u64), memory(&built.manifest.memory));
    for report in &reports {
        out.push('\n');
        out.push_str(&text::show(report));
    }
    stdout(&out)
}
