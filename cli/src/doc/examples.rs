//! Running the examples in documentation on the reference evaluator.

use crate::commands::execute::{BUDGET, explain};
use kcc_compiler::pipeline::{self, Options, Rejected};
use kcc_compiler::source::{Resolved, Resolver};
use kcc_compiler::tensor::eval;

/// Files as they are, but for a root that exists only here.
struct WithRoot<'a> {
    files: &'a dyn Resolver,
    name: &'a str,
    text: &'a str,
}

impl Resolver for WithRoot<'_> {
    fn source(&self, from: &str, path: &str) -> Result<Resolved, String> {
        if from.is_empty() && path == self.name {
            return Ok(Resolved { name: path.to_string(), text: self.text.to_string(), is_std: false });
        }
        self.files.source(from, path)
    }

    fn bytes(&self, from: &str, path: &str) -> Result<Vec<u8>, String> {
        self.files.bytes(from, path)
    }
}

/// Runs the statements of an example as a test. Before them stands `prelude`, which brings what they use into scope; the
/// program has the name `root`, so that relative paths in it are right.
pub fn run(files: &dyn Resolver, root: &str, prelude: &str, example: &str) -> Result<(), String> {
    const NAME: &str = "example of the documentation";
    let text = format!("{prelude}\ntest \"{NAME}\" {{\n{example}}}\n");
    let files = WithRoot { files, name: root, text: &text };
    let options = Options { tests: true, ..Options::default() };
    let first = |rejected: Box<Rejected>| {
        rejected.diagnostics.first().map_or_else(String::new, |diagnostic| diagnostic.message.clone())
    };
    let lowered =
        pipeline::check(&files, root).and_then(|checked| pipeline::lower(checked, &options)).map_err(first)?;
    let position = lowered.program.pipelines.iter().position(|pipeline| pipeline.name == NAME);
    let position = position.ok_or("it holds no statements")?;
    eval::run(&lowered.program, position, &[], BUDGET)
        .map(|_| ())
        .map_err(|error| explain(&lowered, &error, str::to_string))
}
