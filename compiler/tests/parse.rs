//! The parser on whole programs, on each rule about lines, and on typical slips.

use kcc_compiler::diag::Diagnostic;
use kcc_compiler::source::FileId;
use kcc_compiler::syntax::{ast, parse};
use std::path::Path;

fn parsed(text: &str) -> (ast::File, Vec<Diagnostic>) {
    parse(text, FileId(0))
}

/// `E0101 3:14 message` of each diagnostic.
fn messages(text: &str) -> Vec<String> {
    parsed(text)
        .1
        .iter()
        .map(|diagnostic| {
            let before = &text[..diagnostic.labels[0].span.start as usize];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            format!("{} {line}:{column} {}", diagnostic.code, diagnostic.message)
        })
        .collect()
}

#[test]
fn the_programs_of_the_design_parse() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(messages(&text), Vec::<String>::new(), "{}", path.display());
        assert!(!parsed(&text).0.items.is_empty());
        count += 1;
    }
    assert_eq!(count, 9);
}
