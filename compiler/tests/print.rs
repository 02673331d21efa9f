//! Printing and parsing: every tree survives the way through text, every program its way through the tree, and no
//! text makes the parser panic.

// Tests read the library from its folder.
#![allow(clippy::disallowed_methods)]

mod random;

use kcc_compiler::source::FileId;
use kcc_compiler::syntax::blank::blank_spans;
use kcc_compiler::syntax::{parse, print};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random::Random;

/// Parses, prints and parses again; the text must not change any more, nor the tree.
fn round_trip(text: &str) -> String {
    let (mut tree, diagnostics) = parse(text, FileId(0));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let printed = print(&tree);
    let (mut again, diagnostics) = parse(&printed, FileId(0));
    assert!(diagnostics.is_empty(), "{diagnostics:?}\n{printed}");
    blank_spans(&mut tree);
    blank_spans(&mut again);
    assert_eq!(tree, again, "{printed}");
    assert_eq!(print(&again), printed);
    printed
}

#[test]
fn programs_survive() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs")).unwrap() {
        round_trip(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
}

#[test]
fn one_style() {
    let printed = round_trip(
        "use std.nn\nuse \"./boxes.k\" as b (iou as overlap, Box)\n\n\n/// Doc.\n///\n///   indented\nfn  f( x:f32[ N,3 ],k : dim=2 )->(a:f32[N],b:i32[K<=N])where N<=8192,1<=k<=N{let(a,b)=g(x,stride:2)\nif  not(a[0]<1.0){return a}else if a[0,-1..]== 2.0{b}else{c}\n(a,-(b+c)*d)}",
    );
    assert_eq!(
        printed,
        "use std.nn
use \"./boxes.k\" as b (iou as overlap, Box)

/// Doc.
///
///   indented
fn f(x: f32[N, 3], k: dim = 2) -> (a: f32[N], b: i32[K <= N]) where N <= 8192, 1 <= k, k <= N {
    let (a, b) = g(x, stride: 2)
    if not a[0] < 1.0 { return a } else if a[0, -1..] == 2.0 { b } else { c }
    (a, -(b + c) * d)
}
"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn random_trees_survive(seed: u64) {
        let tree = Random::new(seed).file();
        let printed = print(&tree);
        let (mut again, diagnostics) = parse(&printed, FileId(0));
        prop_assert!(diagnostics.is_empty(), "{diagnostics:?}\n{printed}");
        blank_spans(&mut again);
        prop_assert_eq!(&tree, &again, "{}", printed);
    }

    #[test]
    fn random_text_gives_a_tree(text in "\\PC*|[ -~\n]{0,200}") {
        check_spans(&text);
    }

    #[test]
    fn random_tokens_give_a_tree(words in prop::collection::vec(0..WORDS.len(), 0..80)) {
        let text: String = words.iter().map(|word| WORDS[*word]).collect();
        check_spans(&text);
    }

    #[test]
    fn damaged_programs_give_a_tree(program in 0..4usize, at: prop::sample::Index, word in 0..WORDS.len(), cut in 0..6usize) {
        let program = [
            include_str!("programs/resize.k"),
            include_str!("programs/yolo.k"),
            include_str!("programs/bpe.k"),
            include_str!("programs/speech.k"),
        ][program];
        let at = at.index(program.len());
        let text = format!("{}{}{}", &program[..at], WORDS[word], &program[(at + cut).min(program.len())..]);
        check_spans(&text);
    }
}

/// Every message points into the text, at whole characters.
fn check_spans(text: &str) {
    let (_, diagnostics) = parse(text, FileId(0));
    for diagnostic in diagnostics {
        for label in diagnostic.labels {
            assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{label:?}");
        }
    }
}

const WORDS: [&str; 90] = [
    " ",
    " ",
    "\n",
    "\n",
    "x",
    "y ",
    " sum",
    " max ",
    " 1",
    "2.5",
    "0x1F",
    "'a'",
    "\"t\"",
    "\"{x}\"",
    "// c\n",
    "/// d\n",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "..",
    "->",
    "=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "|",
    "^",
    "~",
    "<<",
    ">>",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "+=",
    ";",
    "&&",
    "||",
    "!",
    "**",
    "..=",
    " and ",
    " or ",
    " not ",
    " is ",
    " if ",
    " else ",
    " for ",
    " in ",
    " by ",
    "\nlet ",
    " var ",
    "\nloop ",
    "\nwhile ",
    "\nbreak",
    "\nreturn ",
    "\nassert ",
    " static ",
    " true ",
    " inf",
    "\nuse ",
    " as ",
    "\nconst ",
    "\nfn ",
    "\npipeline ",
    "\nstruct ",
    " from ",
    " where ",
    "\nstate ",
    "\nmodel ",
    "\nweights ",
    "\ntest ",
    "é",
    "\"",
    "'",
    "/*",
    "*/",
    "#",
    "1x",
];
