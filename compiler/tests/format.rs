//! Formatting: nothing but the layout changes, no comment is lost, and formatting again changes nothing, for every `.k`
//! text of the project, for random trees, and for programs with comments and line ends strewn into them.

// Tests read the library from its folder.
#![allow(clippy::disallowed_methods)]

mod random;

use kcc_compiler::source::FileId;
use kcc_compiler::syntax::format::{comments, format};
use kcc_compiler::syntax::{parse, print};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random::Random;
use std::path::{Path, PathBuf};

/// Formats, and holds what must hold of every result; that the tree is the same is held by `format` itself.
fn formatted(text: &str) -> String {
    let out = format(text, FileId(0)).unwrap_or_else(|diagnostics| panic!("{diagnostics:?}\n{text}"));
    let again = format(&out, FileId(0)).expect("formatted text parses");
    assert_eq!(again, out, "formatting twice, of\n{text}");
    assert_eq!(comments(text), comments(&out));
    for line in out.lines() {
        assert_eq!(line, line.trim_end(), "blanks at the end of a line of\n{out}");
    }
    assert!(!out.contains("\n\n\n") && !out.starts_with('\n') && (out.is_empty() || out.ends_with('\n')), "{out}");
    out
}

/// All `.k` files below the project's folder, and the `k` blocks of its pages.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut out = Vec::new();
    for folder in ["std", "examples", "tests/corpus", "compiler/tests/programs", "docs", "cli/templates"] {
        collect(&root.join(folder), &mut out);
    }
    out
}

fn collect(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, out);
            continue;
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("k") => out.push((path.clone(), std::fs::read_to_string(&path).unwrap())),
            Some("md") => {
                let page = std::fs::read_to_string(&path).unwrap();
                let blocks = page.split("\n```k\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
                out.extend(blocks.map(|(block, _)| (path.clone(), block.to_string())));
            }
            _ => {}
        }
    }
}

#[test]
fn every_text_of_the_project_survives() {
    let mut count = 0;
    for (path, text) in texts() {
        // Pages also show parts of programs, and the corpus programs that are refused.
        if parse(&text, FileId(0)).1.is_empty() {
            assert!(formatted(&text).lines().count() > 0, "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 60, "only {count} texts");
}

#[test]
fn the_library_and_the_examples_are_formatted() {
    for (path, text) in texts() {
        let path = path.to_string_lossy().replace('\\', "/");
        if path.ends_with(".k") && ["/std/", "/examples/", "/templates/"].iter().any(|folder| path.contains(folder)) {
            assert!(formatted(&text) == text, "run `kcc fmt` on {path}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_formatted(seed: u64) {
        let printed = print(&Random::new(seed).file());
        prop_assert_eq!(formatted(&printed), printed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn comments_anywhere_are_kept(seed: u64, program in 0..6usize) {
        strew(PROGRAMS[program], seed)?;
    }

    #[test]
    fn comments_in_random_trees_are_kept(seed: u64) {
        strew(&print(&Random::new(seed).file()), seed)?;
    }
}

const PROGRAMS: [&str; 6] = [
    include_str!("programs/resize.k"),
    include_str!("programs/yolo.k"),
    include_str!("programs/bpe.k"),
    include_str!("programs/speech.k"),
    include_str!("programs/ctc.k"),
    include_str!("../../examples/imagenet/pipeline.k"),
];

/// Puts comments and line ends at random places where they leave a program, and formats that.
fn strew(program: &str, seed: u64) -> Result<(), TestCaseError> {
    let mut random = Random::new(seed);
    let mut text = program.to_string();
    let mut put = 0;
    for number in 0..24 {
        let at = random.below(text.len() + 1);
        if !text.is_char_boundary(at) {
            continue;
        }
        let strewn = match random.below(5) {
            0 => "\n".to_string(),
            1 => "\n\n\n".to_string(),
            2 => "\t".to_string(),
            3 => format!("\n  // own {number}\n"),
            _ => format!(" // behind {number}\n"),
        };
        let candidate = format!("{}{strewn}{}", &text[..at], &text[at..]);
        // Inside of a word, a text or another comment, something else changes; a line end may end a statement.
        let is_same = parse(&candidate, FileId(0)).1.is_empty() && comments(&candidate).len() > comments(&text).len()
            || strewn.trim().is_empty() && parse(&candidate, FileId(0)).1.is_empty();
        if is_same {
            text = candidate;
            put += 1;
        }
    }
    prop_assume!(put > 0);
    formatted(&text);
    Ok(())
}

#[test]
fn style() {
    let cases = [
        // Blanks, commas, line ends.
        ("const A=[1,2,\n3,]\nconst   B = 0xFF_ff", "const A = [1, 2, 3]\nconst B = 0xFF_ff\n"),
        ("const A = [\n1,2,\n3]", "const A = [\n    1, 2,\n    3,\n]\n"),
        ("const A = f(\na)", "const A = f(\n    a,\n)\n"),
        (
            "fn f( x:f32[2*N] )->f32{x[..-1,clamp:i else 0]}",
            "fn f(x: f32[2 * N]) -> f32 { x[..-1, clamp: i else 0] }\n",
        ),
        ("fn f() {\n\n\n  a\n\n\n\n  b\n\n}\n\n\n\nconst A = 1", "fn f() {\n    a\n\n    b\n}\n\nconst A = 1\n"),
        // Blocks: the author decides, but all of an `if` break together.
        ("fn f() { if a { b } else {\nc } }", "fn f() {\n    if a {\n        b\n    } else {\n        c\n    }\n}\n"),
        (
            "fn f() { loop i in 0..2 { a = i\nb = i } }",
            "fn f() {\n    loop i in 0..2 {\n        a = i\n        b = i\n    }\n}\n",
        ),
        // Comments.
        ("const A = [ // a\n1, // b\n2 // c\n// d\n]", "const A = [ // a\n    1, // b\n    2, // c\n    // d\n]\n"),
        (
            "fn f() { // a\n// b\n\n// c\nx // d\n// e\n}\n// f\n",
            "fn f() { // a\n    // b\n\n    // c\n    x // d\n    // e\n}\n// f\n",
        ),
        ("const A = // a\n1 + // b\n2", "const A = // a\n    1 + // b\n    2\n"),
        ("// a\n\n\n// b\n/// c\n// d\nconst A = 1", "// a\n\n// b\n/// c\n// d\nconst A = 1\n"),
        ("", ""),
        ("\n// a", "// a\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(formatted(text), expected);
    }
}

#[test]
fn long_lines_break_outermost_first() {
    let name = "a_name_of_thirty_characters_ab";
    let cases = [
        // Behind the loosest operator; parentheses do not indent.
        (
            format!("const A = {name} * {name} + {name} * ({name} - {name})"),
            format!("const A = {name} * {name} +\n    {name} * ({name} - {name})\n"),
        ),
        // A polynomial fills its lines.
        (
            format!("const A = {name} + x * ({name} + x * ({name} + x * ({name} + x * ({name} + x * ({name} + x)))))"),
            format!(
                "const A = {name} + x * ({name} + x * ({name} +\n    x * ({name} + x * ({name} + x * ({name} +\n    x)))))\n"
            ),
        ),
        // The last block goes on over lines, the call around it stays.
        (
            format!("const A = f32(sum i in 0..{name} {{ {name}[i] * {name}[i] * {name}[i] }})"),
            format!("const A = f32(sum i in 0..{name} {{\n    {name}[i] * {name}[i] * {name}[i]\n}})\n"),
        ),
        (
            format!("const A = f({name}, {name}, {name}, {name})"),
            format!("const A = f(\n    {name},\n    {name},\n    {name},\n    {name},\n)\n"),
        ),
        // Short elements share lines.
        (
            format!("const A = [{name}, {name}, {name}, {name}, {name}]"),
            format!("const A = [\n    {name}, {name}, {name},\n    {name}, {name},\n]\n"),
        ),
        // A signature: results and facts first, then parameters.
        (
            format!("fn {name}({name}: f32[N]) -> f32[N] where {name} <= {name} {{\nx }}"),
            format!("fn {name}({name}: f32[N]) -> f32[N]\n    where {name} <= {name} {{\n    x\n}}\n"),
        ),
        (
            format!("fn {name}({name}: f32[N], {name}: f32[{name}, {name}]) {{\nx }}"),
            format!("fn {name}(\n    {name}: f32[N],\n    {name}: f32[{name}, {name}],\n) {{\n    x\n}}\n"),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(formatted(&text), expected);
    }
}

#[test]
fn what_is_no_program_is_refused() {
    let slips = format("fn f() { a && b }\nconst A = ", FileId(0)).expect_err("a slip");
    assert_eq!(slips.len(), 2);
}
