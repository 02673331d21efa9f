//! `kcc check`: diagnostics only, for people or as JSON.

use crate::args::Check;
use crate::compile::Source;
use crate::progress::Progress;
use crate::report::{Fail, Outcome, note, stdout};
use kcc_compiler::diag::json;
use kcc_compiler::pipeline::{self, Options};
use std::path::Path;

/// Runs the command. What only shows when everything is inlined is found too: pipelines and tests go to Tensor IR.
pub fn run(args: &Check, std: Option<&Path>) -> Outcome {
    let source = Source::open(&args.file, std)?;
    let progress = Progress::start(format!("checking {}", args.file.display()));
    let checked = source.check().and_then(|checked| {
        let tests = Options { tests: true, ..Options::default() };
        pipeline::lower(checked.clone(), &tests)?;
        pipeline::lower(checked, &Options::default())
    });
    drop(progress);
    let (diagnostics, sources, is_fine) = match checked {
        Ok(lowered) => (lowered.warnings, lowered.sources, true),
        Err(rejected) => (rejected.diagnostics, rejected.sources, false),
    };
    if args.json {
        stdout(&format!("{:#}\n", json::to_json(&diagnostics, &source.relocate(&sources))))?;
    } else {
        source.show(&diagnostics, &sources);
    }
    match (is_fine, diagnostics.len()) {
        (false, _) => Err(Fail::Said),
        (true, 0) if !args.json => {
            note(&format!("{}: no errors", args.file.display()));
            Ok(())
        }
        (true, _) => Ok(()),
    }
}
