//! The back ends that every program of the tests runs on, behind one call.
//!
//! [`prepare`] compiles a program for one engine, [`Prepared::run`] binds inputs and runs. Results come back by name in the
//! order of the pipeline's results. Nothing is kept between runs: each has an instance of its own.

use crate::array::Array;
use kcc_compiler::diag::render::render;
use kcc_compiler::pipeline::{self, Options, Rejected};
use kcc_compiler::source::{Resolved, Resolver};
use kcc_compiler::tensor;

/// A back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The reference evaluator on Tensor IR as lowered.
    Unfused,
    /// The reference evaluator on fused Tensor IR.
    Eval,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 2] = [Engine::Unfused, Engine::Eval];

    /// Its name on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Unfused => "unfused",
            Engine::Eval => "eval",
        }
    }

    /// The engine with this name.
    pub fn from_name(name: &str) -> Option<Engine> {
        Engine::ALL.into_iter().find(|engine| engine.name() == name)
    }

    /// The options that a program is compiled with for it.
    pub fn options(self, tests: bool) -> Options {
        Options { fuse: self != Engine::Unfused, tests, ..Options::default() }
    }
}

/// Instructions that the evaluator may execute in one run.
const BUDGET: u64 = 20_000_000_000;

/// A program ready to run.
pub enum Prepared {
    /// For the evaluator.
    Tensor(tensor::Program),
}

/// Compiles a program (its root file's text) for an engine; `tests` makes its tests pipelines.
///
/// # Errors
/// The diagnostics as users see them.
pub fn prepare(text: &str, engine: Engine, tests: bool) -> Result<Prepared, String> {
    let options = engine.options(tests);
    let shown = |rejected: Box<Rejected>| render(&rejected.diagnostics, &rejected.sources, false);
    let checked = pipeline::check(&Library { root: text }, ROOT).map_err(shown)?;
    let lowered = pipeline::lower(checked, &options).map_err(shown)?;
    match engine {
        Engine::Unfused | Engine::Eval => Ok(Prepared::Tensor(lowered.program)),
    }
}

const ROOT: &str = "program.k";

/// A program in memory with the standard library around it.
struct Library<'a> {
    root: &'a str,
}

impl Resolver for Library<'_> {
    fn source(&self, _from: &str, path: &str) -> Result<Resolved, String> {
        if path == ROOT {
            return Ok(Resolved { name: path.to_string(), text: self.root.to_string(), is_std: false });
        }
        let text = path.strip_prefix("std/").and_then(kcc_std::source).ok_or("there is no such module")?;
        Ok(Resolved { name: path.to_string(), text: text.to_string(), is_std: true })
    }

    fn bytes(&self, _from: &str, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path}: programs of the tests embed no files"))
    }
}

impl Prepared {
    /// Names of the pipelines, in order.
    pub fn pipelines(&self) -> Vec<String> {
        match self {
            Prepared::Tensor(program) => program.pipelines.iter().map(|pipeline| pipeline.name.clone()).collect(),
        }
    }

    /// Runs a pipeline on inputs in the order of its parameters.
    ///
    /// # Errors
    /// What the call failed with.
    pub fn run(&self, pipeline: usize, inputs: &[Array]) -> Result<Vec<(String, Array)>, String> {
        match self {
            Prepared::Tensor(program) => evaluate(program, pipeline, inputs),
        }
    }
}

fn evaluate(program: &tensor::Program, number: usize, inputs: &[Array]) -> Result<Vec<(String, Array)>, String> {
    let values: Vec<tensor::eval::TensorValue> = inputs
        .iter()
        .map(|array| tensor::eval::TensorValue {
            elem: array.elem,
            dims: array.dims.iter().map(|extent| *extent as i64).collect(),
            bytes: array.bytes.clone(),
        })
        .collect();
    let results = tensor::eval::run(program, number, &values, BUDGET).map_err(|e| e.to_string())?;
    let names = program.pipelines[number].results.iter().map(|(name, _)| name.clone());
    Ok(names
        .zip(results)
        .map(|(name, value)| {
            let dims = value.dims.iter().map(|extent| *extent as usize).collect();
            (name, Array { elem: value.elem, dims, bytes: value.bytes })
        })
        .collect())
}
