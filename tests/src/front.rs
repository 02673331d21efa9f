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

/// Options of the command line that a program in a document or in the corpus is compiled with.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--size N=480`.
    pub sizes: Vec<(String, i64)>,
    /// `--max-memory BYTES`; with it the program is built to the end.
    pub max_memory: Option<u64>,
}

/// Everything that is said about a program up to Tensor IR, its tests included; up to the module where memory is limited.
pub fn say(text: &str, flags: &Flags) -> Said {
    let refused = |rejected: Box<Rejected>| {
        let Rejected { sources, diagnostics } = *rejected;
        Said { sources, diagnostics }
    };
    let checked = match pipeline::check(&Library { root: text }, ROOT) {
        Ok(checked) => checked,
        Err(rejected) => return refused(rejected),
    };
    let has_tests = !checked.program.tests.is_empty();
    let options = Options { sizes: flags.sizes.clone(), max_memory: flags.max_memory, ..Options::default() };
    let lowered = pipeline::lower(checked.clone(), &options).and_then(|lowered| {
        if has_tests { pipeline::lower(checked, &Options { tests: true, ..Options::default() }) } else { Ok(lowered) }
    });
    match lowered {
        Ok(lowered) if flags.max_memory.is_some() => match pipeline::build(lowered, &options) {
            Ok(built) => Said { sources: built.sources, diagnostics: built.warnings },
            Err(rejected) => refused(rejected),
        },
        Ok(lowered) => Said { sources: lowered.sources, diagnostics: lowered.warnings },
        Err(rejected) => refused(rejected),
    }
}

/// A root file in memory; beside it only `notes.txt`, for programs that embed it.
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
        if path == "notes.txt" { Ok(b"no tensor".to_vec()) } else { Err(format!("there is no file {path}")) }
    }
}

/// Reads `--size N=480 --max-memory 65536` from the rest of a fence's or header's line.
///
/// # Errors
/// The word that is not understood.
pub fn flags(words: &str) -> Result<Flags, String> {
    let mut flags = Flags::default();
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or("");
        let bad = || format!("`{word} {value}` is neither `--size NAME=NUMBER` nor `--max-memory BYTES`");
        match word {
            "--size" => {
                let (name, number) = value.split_once('=').ok_or_else(bad)?;
                flags.sizes.push((name.to_string(), number.parse().map_err(|_| bad())?));
            }
            "--max-memory" => flags.max_memory = Some(value.parse().map_err(|_| bad())?),
            _ => return Err(bad()),
        }
    }
    Ok(flags)
}
