//! What the tests of refusals share: programs with the diagnostics that they give.

use crate::support::{check_files, show};

/// Program, line and column of the first diagnostic, all diagnostics.
pub type Refusal = (&'static str, &'static str, &'static [&'static str]);

/// Holds that each program gives its diagnostics, the first of them at its place.
pub fn hold(refusals: &[Refusal]) {
    let mut wrong = String::new();
    for (text, place, messages) in refusals {
        let Err(rejected) = check_files(&[("main.k", text)]) else {
            wrong += &format!("accepted:\n{text}\n");
            continue;
        };
        let found: Vec<String> =
            rejected.diagnostics.iter().map(|d| format!("E{:04} {}", d.code.0, d.message)).collect();
        let (line, column) = rejected.sources.line_column(rejected.diagnostics[0].labels[0].span);
        if found != *messages || format!("{line}:{column}") != *place {
            wrong += &format!("{text}\n  expected at {place}: {messages:?}\n{}\n", show(&rejected));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The whole text of a refusal.
pub fn refusal(files: &[(&str, &str)]) -> String {
    match check_files(files) {
        Ok(_) => panic!("accepted:\n{}", files[0].1),
        Err(rejected) => show(&rejected),
    }
}
