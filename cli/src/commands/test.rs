//! `kcc test`: each test of a file on the reference evaluator and on the compiled module. Both must pass; if they
//! disagree, that is a bug of ours and is said so.

use super::execute::{self, BUDGET, explain};
use crate::args::Test;
use crate::compile::{Source, options};
use crate::progress::Progress;
use crate::report::{Fail, Outcome, error, note, stdout};
use kcc_compiler::pipeline::Options;
use kcc_compiler::tensor::eval;
use kcc_runtime::{Error, Module};
use std::path::Path;

/// Runs the command.
pub fn run(args: &Test, std: Option<&Path>) -> Outcome {
    let source = Source::open(&args.file, std)?;
    let options = Options { tests: true, ..options(&args.compile) };
    let lowered = source.lower(&options)?;
    let built = source.build(lowered.clone(), &options)?;
    let engine = execute::engine(None)?;
    let module = Module::from_bytes(&engine, &built.wasm).map_err(|error| Fail::Fault(error.to_string()))?;
    let (mut passed, mut failed) = (0, 0);
    for (position, pipeline) in lowered.program.pipelines.iter().enumerate() {
        let name = &pipeline.name;
        if args.filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
            continue;
        }
        let progress = Progress::start(format!("testing {name}"));
        let evaluated = eval::run(&lowered.program, position, &[], BUDGET)
            .map(|_| ())
            .map_err(|error| explain(&lowered, &error, |file| source.seen(file)));
        let compiled = module.instantiate().and_then(|mut instance| {
            instance.plan(name, &[])?;
            instance.run(name)
        });
        let compiled = compiled.map_err(|error| in_module(&error, |file| source.seen(file)));
        drop(progress);
        match (evaluated, compiled) {
            (Ok(()), Ok(())) => {
                passed += 1;
                stdout(&format!("ok    {name}\n"))?;
            }
            (Err(evaluated), Err(compiled)) if places_agree(&evaluated, &compiled) => {
                failed += 1;
                stdout(&format!("FAIL  {name}\n      {evaluated}\n"))?;
            }
            (evaluated, compiled) => {
                failed += 1;
                let say = |outcome: Result<(), String>| outcome.err().unwrap_or_else(|| "passed".to_string());
                stdout(&format!(
                    "FAIL  {name}\n      evaluator: {}\n      module:    {}\n",
                    say(evaluated),
                    say(compiled)
                ))?;
                error("evaluator and module disagree: that is a bug in kcc, please report it with the program");
            }
        }
    }
    if passed + failed == 0 {
        note(&format!("{}: no tests", args.file.display()));
        return Ok(());
    }
    stdout(&format!("{passed} passed, {failed} failed\n"))?;
    if failed == 0 { Ok(()) } else { Err(Fail::Said) }
}

/// A module's failure in the evaluator's form.
fn in_module(error: &Error, seen: impl Fn(&str) -> String) -> String {
    match error {
        Error::Call(call) => match &call.place {
            Some(place) => format!("{} ({}:{}:{})", call.message, seen(&place.file), place.line, place.column),
            None => call.message.clone(),
        },
        other => other.to_string(),
    }
}

/// Whether both failed at the same place; the wording may differ.
fn places_agree(evaluated: &str, compiled: &str) -> bool {
    let place = |text: &str| text.rsplit_once('(').map(|(_, place)| place.to_string());
    place(evaluated) == place(compiled)
}
