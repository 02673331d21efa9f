//! What the tests of the front end share: a resolver over files in memory.

use kcc_compiler::pipeline::{Checked, Rejected, check};
use kcc_compiler::source::{Resolved, Resolver};

/// Files by name; `std/…` are std's.
pub struct Files<'a>(pub &'a [(&'a str, &'a str)]);

impl Resolver for Files<'_> {
    fn source(&self, _from: &str, path: &str) -> Result<Resolved, String> {
        let name = path.strip_prefix("./").unwrap_or(path);
        match self.0.iter().find(|(known, _)| *known == name) {
            Some((name, text)) => {
                Ok(Resolved { name: (*name).to_string(), text: (*text).to_string(), is_std: name.starts_with("std/") })
            }
            None => Err("no such file".to_string()),
        }
    }

    fn bytes(&self, _from: &str, path: &str) -> Result<Vec<u8>, String> {
        match self.0.iter().find(|(known, _)| *known == path) {
            Some((_, text)) => Ok(text.as_bytes().to_vec()),
            None => Err("no such file".to_string()),
        }
    }
}

/// Checks a program of several files; the root is `main.k`.
pub fn check_files(files: &[(&str, &str)]) -> Result<Checked, Box<Rejected>> {
    check(&Files(files), "main.k")
}

/// The diagnostics as text: code, line and column, message, then labels, notes and help.
pub fn show(rejected: &Rejected) -> String {
    let mut out = String::new();
    for diagnostic in &rejected.diagnostics {
        let (line, column) = rejected.sources.line_column(diagnostic.labels[0].span);
        out += &format!("E{:04} {line}:{column} {}\n", diagnostic.code.0, diagnostic.message);
        for label in &diagnostic.labels {
            let (line, column) = rejected.sources.line_column(label.span);
            let file = &rejected.sources.file(label.span.file).name;
            out += &format!("  {file}:{line}:{column} `{}` {}\n", rejected.sources.text(label.span), label.text);
        }
        for note in &diagnostic.notes {
            out += &format!("  note: {note}\n");
        }
        for help in &diagnostic.help {
            out += &format!("  help: {help}\n");
        }
    }
    out
}
