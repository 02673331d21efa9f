//! The front end on one program in memory, with the standard library around it: what is said about it.

use kcc_compiler::diag::Diagnostic;
use kcc_compiler::pipeline::{self, Options, Rejected};
use kcc_compiler::source::{Resolved, Resolver, SourceMap};

/// The name of the root file.
pub const ROOT: &str = "main.k";

/// What is said about a program: its sources, and errors and warnings in order.
pub struct Said {
    /// For rendering.
    pub sources: SourceMap,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

impl Said {
    /// As users see it.
    pub fn render(&self) -> String {
        kcc_compiler::diag::render::render(&self.diagnostics, &self.sources, false)
    }
}

/// Everything that is said about a program up to Tensor IR, its tests included; `sizes` are fixed as by `--size`.
pub fn say(text: &str, sizes: &[(String, i64)]) -> Said {
    let refused = |rejected: Box<Rejected>| {
        let Rejected { sources, diagnostics } = *rejected;
        Said { sources, diagnostics }
    };
    let checked = match pipeline::check(&Library { root: text }, ROOT) {
        Ok(checked) => checked,
        Err(rejected) => return refused(rejected),
    };
    let has_tests = !checked.program.tests.is_empty();
    let options = Options { sizes: sizes.to_vec(), ..Options::default() };
    let lowered = pipeline::lower(checked.clone(), &options).and_then(|lowered| {
        if has_tests { pipeline::lower(checked, &Options { tests: true, ..Options::default() }) } else { Ok(lowered) }
    });
    match lowered {
        Ok(lowered) => Said { sources: lowered.sources, diagnostics: lowered.warnings },
        Err(rejected) => refused(rejected),
    }
}

/// A root file in memory, beside it nothing.
pub struct Library<'a> {
    /// Its text.
    pub root: &'a str,
}

impl Resolver for Library<'_> {
    fn source(&self, _from: &str, path: &str) -> Result<Resolved, String> {
        if path.strip_prefix("./").unwrap_or(path) == ROOT {
            return Ok(Resolved { name: ROOT.to_string(), text: self.root.to_string(), is_std: false });
        }
        let text = path.strip_prefix("std/").and_then(kcc_std::source).ok_or("there is no such file")?;
        Ok(Resolved { name: path.to_string(), text: text.to_string(), is_std: true })
    }

    fn bytes(&self, _from: &str, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("there is no file {path}"))
    }
}

/// Reads `--size N=480 --size M=2` from the rest of a fence's or header's line.
///
/// # Errors
/// The word that is not understood.
pub fn sizes(words: &str) -> Result<Vec<(String, i64)>, String> {
    let mut sizes = Vec::new();
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        let value = words.next().filter(|_| word == "--size").and_then(|value| value.split_once('='));
        let size = value.and_then(|(name, value)| Some((name.to_string(), value.parse().ok()?)));
        sizes.push(size.ok_or_else(|| format!("`{word}` is no `--size NAME=NUMBER`"))?);
    }
    Ok(sizes)
}
