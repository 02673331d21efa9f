//! Running a program on back ends and comparing: equal bits or both NaN, the same failure with the same values.

use super::{PIPELINE, Program};
use crate::array::{Array, same_bits};
use crate::engines::{self, Engine, Prepared};
use kcc_compiler::pipeline::{self, Lowered, Options};
use kcc_compiler::tensor::{Stmt, fuse::Rule};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// What a call gives: results by name, or what it failed with.
pub type Outcome = Result<Vec<(String, Array)>, String>;

/// What became of a program.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// All back ends agree.
    Agreed,
    /// The compiler does not accept it: its diagnostics.
    Refused(String),
    /// The compiler or a back end panicked: where, and what it said.
    Panicked(String),
    /// A back end gives something else than the first one.
    Differs {
        /// The number of the call.
        call: usize,
        /// The other back end.
        engine: Engine,
        /// How.
        what: String,
    },
}

impl Verdict {
    /// What a smaller program must have in common with a larger one to show the same fault.
    pub fn fault(&self) -> Option<String> {
        match self {
            Verdict::Agreed => None,
            Verdict::Refused(text) | Verdict::Panicked(text) => Some(text.lines().next().unwrap_or("").to_string()),
            Verdict::Differs { what, .. } => Some(what.split(':').next().unwrap_or("").to_string()),
        }
    }
}

/// A program that was run.
#[derive(Debug)]
pub struct Examined {
    /// Whether all agree.
    pub verdict: Verdict,
    /// What the first back end gave at each call.
    pub outcomes: Vec<Outcome>,
    /// Stages before fusion.
    pub stages: usize,
    /// What became of them.
    pub rules: Vec<Rule>,
}

/// Runs a program on these back ends.
pub fn examine(program: &Program, engines: &[Engine]) -> Examined {
    let mut examined = Examined { verdict: Verdict::Agreed, outcomes: Vec::new(), stages: 0, rules: Vec::new() };
    let text = program.text();
    let verdict = catching(|| compare(&text, program, engines, &mut examined));
    examined.verdict = match verdict {
        Ok(Ok(())) => Verdict::Agreed,
        Ok(Err(verdict)) => verdict,
        Err(panic) => Verdict::Panicked(panic),
    };
    examined
}

fn compare(text: &str, program: &Program, engines: &[Engine], examined: &mut Examined) -> Result<(), Verdict> {
    let checked = engines::check(text).map_err(Verdict::Refused)?;
    let lower = |fuse: bool| {
        let options = Options { fuse, ..Options::default() };
        pipeline::lower(checked.clone(), &options).map_err(|e| Verdict::Refused(engines::shown(&e)))
    };
    let unfused = lower(false)?;
    examined.stages = stages(&unfused);
    let fused = if engines.iter().all(|engine| *engine == Engine::Unfused) { None } else { Some(lower(true)?) };
    examined.rules = fused.iter().flat_map(|lowered| lowered.decisions.iter().map(|decision| decision.rule)).collect();
    for engine in engines {
        let lowered = match (engine, &fused) {
            (Engine::Unfused, _) | (_, None) => unfused.clone(),
            (_, Some(fused)) => fused.clone(),
        };
        let prepared = engines::finish(lowered, *engine, false).map_err(Verdict::Refused)?;
        let Some(number) = prepared.pipelines().iter().position(|name| name == PIPELINE) else {
            return Err(Verdict::Refused(format!("there is no pipeline `{PIPELINE}`")));
        };
        run_calls(program, &prepared, number, *engine, examined)?;
    }
    Ok(())
}

fn run_calls(
    program: &Program,
    prepared: &Prepared,
    number: usize,
    engine: Engine,
    examined: &mut Examined,
) -> Result<(), Verdict> {
    for (call, inputs) in program.calls.iter().enumerate() {
        let arrays: Vec<Array> = inputs.iter().map(|(_, array)| array.clone()).collect();
        let outcome = prepared.run(number, &arrays);
        match examined.outcomes.get(call) {
            None => examined.outcomes.push(outcome),
            Some(first) => {
                if let Some(what) = difference(first, &outcome) {
                    return Err(Verdict::Differs { call, engine, what });
                }
            }
        }
    }
    Ok(())
}

/// How two outcomes differ, if they do. What stands before the colon is the kind of difference.
fn difference(first: &Outcome, other: &Outcome) -> Option<String> {
    match (first, other) {
        (Err(a), Err(b)) if a == b || is_of_sizes(a) || is_of_sizes(b) => None,
        (Err(a), Err(b)) => Some(format!("other failure: `{a}` and `{b}`")),
        (Ok(_), Err(b)) => Some(format!("fails: `{b}`")),
        (Err(a), Ok(_)) => Some(format!("does not fail: `{a}`")),
        (Ok(a), Ok(b)) => {
            if a.len() != b.len() {
                return Some(format!("results: {} and {}", a.len(), b.len()));
            }
            let (first, second) = a.iter().zip(b).find(|(a, b)| a.0 != b.0 || !same_bits(&a.1, &b.1))?;
            let ((name, a), (_, b)) = (first, second);
            if a.dims != b.dims || a.elem != b.elem {
                return Some(format!("shape: {name} is {}{:?} and {}{:?}", a.elem, a.dims, b.elem, b.dims));
            }
            let (at, (x, y)) = a.values().zip(b.values()).enumerate().find(|(_, (x, y))| x != y)?;
            Some(format!("bits: {name}{:?} is {x:?} ({:#x}) and {y:?} ({:#x})", a.place(at), x.bits, y.bits))
        }
    }
}

/// Whether a failure is one of sizes: a module refuses those when it plans, with a text of its own, the evaluator when it
/// comes to the stage. All other failures have the same text and values everywhere.
fn is_of_sizes(message: &str) -> bool {
    ["the size `", "at these sizes", "size "].iter().any(|start| message.starts_with(start))
}

/// Stages of a lowered program.
fn stages(lowered: &Lowered) -> usize {
    let stmts = lowered.program.pipelines.iter().flat_map(|pipeline| &pipeline.body.stmts);
    stmts.filter(|stmt| matches!(stmt, Stmt::Stage(_))).count()
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The value, or where it panicked and with which message. Panics are no longer printed by this process.
fn catching<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let inside = PANIC.with(|panic| panic.borrow().is_some());
            if !inside {
                return before(info);
            }
            let place = info.location().map_or(String::new(), |place| format!("{}:{}", place.file(), place.line()));
            let said = info.payload_as_str().unwrap_or("");
            PANIC.with(|panic| *panic.borrow_mut() = Some(format!("{place}\n{said}")));
        }));
    });
    PANIC.with(|panic| *panic.borrow_mut() = Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(run));
    let said = PANIC.with(|panic| panic.borrow_mut().take()).unwrap_or_default();
    result.map_err(|_| said)
}
