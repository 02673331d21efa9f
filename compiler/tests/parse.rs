//! The parser on whole programs, on each rule about lines, and on typical slips.

// Tests read files and may say what they skip.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

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

/// The statements of `fn f() { … }`, printed one a line, or the messages.
fn statements(body: &str) -> Vec<String> {
    let text = format!("fn f() {{\n{body}\n}}");
    let found = messages(&text);
    if !found.is_empty() {
        return found;
    }
    let file = parsed(&text).0;
    let ast::ItemKind::Fn(function) = &file.items[0].kind else { panic!("{file:?}") };
    function.body.stmts.iter().map(|stmt| text[stmt.span.start as usize..stmt.span.end as usize].to_string()).collect()
}

#[test]
fn a_line_is_a_statement_unless_it_goes_on() {
    let cases: &[(&str, usize)] = &[
        ("a\nb", 2),
        ("a +\nb", 1),
        ("f(a,\nb)", 1),
        ("f(\na\n)", 1),
        ("x[\n-1\n]", 1),
        ("a\n.b", 1),
        ("if a { b }\nelse { c }", 1),
        ("a\n+ b\n* c\nand d\nis f32", 1),
        ("a\n// comment\n\n== b", 1),
        ("let a =\nb", 1),
        ("(a)\n(b)", 2),
        ("a\n(b)", 2),
        ("a\n[b]", 2),
        ("f(for i {\nlet a = 1\na\n})", 1),
        ("-a\nb", 2),
        ("loop i in 0..2 { a = i }\n-a", 2),
        ("return\n-a", 2),
        ("a -\nb", 1),
        ("a\n~b", 2),
        ("a\nnot b", 2),
    ];
    for (body, count) in cases {
        let found = statements(body);
        assert_eq!(found.len(), *count, "{body:?}: {found:?}");
        assert!(!found[0].starts_with("E0"), "{body:?}: {found:?}");
    }
    assert_eq!(statements("let a = b\n-c"), ["E0105 3:1 this line begins with `-` after a complete expression"]);
    assert_eq!(statements("a\n-c"), ["E0105 3:1 this line begins with `-` after a complete expression"]);
    let text = "fn f(a: i32)\n-> i32\nwhere a <= 3,\na >= 1 {\na\n}\nweights w: f32[3]\nfrom \"a\" \"b\"";
    assert_eq!(messages(text), Vec::<String>::new());
}

/// The value of `const A = text`.
fn value(text: &str) -> ast::ExprKind {
    let text = format!("const A = {text}");
    assert_eq!(messages(&text), Vec::<String>::new(), "{text}");
    let file = parsed(&text).0;
    let [ast::Item { kind: ast::ItemKind::Const { value, .. }, .. }] = &file.items[..] else { panic!("{file:?}") };
    value.kind.clone()
}

#[test]
fn reducer_words_are_words_only_before_a_name() {
    use ast::ExprKind::*;
    assert!(matches!(value("max i { x[i] }"), Reduce { scan: false, .. }));
    assert!(matches!(value("scan sum i, j in 0..3 { x }"), Reduce { scan: true, .. }));
    assert!(matches!(value("max(a, b)"), Call { .. }));
    assert!(matches!(value("sum"), Name(_)));
    assert!(matches!(value("count + max * scan"), Binary(..)));
    assert!(matches!(value("f(sum, max: 3)"), Call { .. }));
    assert!(matches!(value("sum sum { sum }"), Reduce { .. }));
    assert!(matches!(value("keep.count"), Field(..)));
    assert!(matches!(value("for i in 0..max by 2 { by * i }"), For { .. }));
    assert!(matches!(value("dim + list + state + test + model + weights + number"), Binary(..)));
    assert_eq!(messages("fn f(state: list i32[dim], list: dim, max: list[3], scan: f32) { }"), Vec::<String>::new());
}

#[test]
fn operators_bind_as_in_python() {
    let cases = [
        ("a or b and c", "a or (b and c)"),
        ("not a == b", "not (a == b)"),
        ("not a and b", "(not a) and b"),
        ("a == b | c", "a == (b | c)"),
        ("a | b ^ c & d << e", "a | (b ^ (c & (d << e)))"),
        ("a << b + c", "a << (b + c)"),
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c % d", "((a / b) * c) % d"),
        ("-a * b", "(-a) * b"),
        ("-a.b[c](d)", "-(((a.b)[c])(d))"),
        ("~a & b", "(~a) & b"),
        ("a & b == c", "(a & b) == c"),
        ("a + b is f32 and c", "((a + b) is f32) and c"),
        ("|t| t + 1", "|t| (t + 1)"),
    ];
    for (plain, explicit) in cases {
        let printed = |text| {
            let (file, _) = parsed(&format!("const A = {text}"));
            kcc_compiler::syntax::print(&file)
        };
        assert_eq!(printed(plain), printed(explicit), "{plain}");
    }
}

#[test]
fn literals() {
    use ast::ExprKind::*;
    assert_eq!(value("0xFF_ff"), Int(0xFFFF));
    assert_eq!(value("0b1010"), Int(10));
    assert_eq!(value("18_446_744_073_709_551_615"), Int(u64::MAX));
    assert_eq!(value("1_0.5_0e-1_0"), Float("10.50e-10".into()));
    assert_eq!(value("1e5"), Float("1e5".into()));
    assert_eq!(value("inf"), Float("inf".into()));
    assert_eq!(value("'\\n'"), Byte(b'\n'));
    assert_eq!(value("\"é\\x00\""), Text("é\0".into()));
    assert!(matches!(value("x[0..3]"), Index { .. }));
    let digits = "9".repeat(1_000_000);
    for text in [digits.clone(), format!("1.{digits}"), format!("0x{digits}")] {
        let found = messages(&format!("const A = {text}\nconst B = {text}"));
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("E0104 1:11 ") && found[0].len() < 200, "{found:?}");
    }
}

#[test]
fn chains_in_facts_are_two_facts() {
    let (file, diagnostics) = parsed("fn f(x: f32[N]) where 1 <= k < N, T: number, C == G * groups { }");
    assert!(diagnostics.is_empty());
    assert_eq!(
        kcc_compiler::syntax::print(&file).lines().next(),
        Some("fn f(x: f32[N]) where 1 <= k, k < N, T: number, C == G * groups { }")
    );
}

/// One slip each, with the one message it must give.
const SLIPS: &[(&str, &str)] = &[
    ("fn f() {\n    let a = 1;\n    a\n}", "E0107 2:14 a statement ends with its line, not with `;`"),
    ("fn f() { a && b }", "E0107 1:12 `&&` is written `and`"),
    ("fn f() { a || b }", "E0107 1:12 `||` is written `or`"),
    ("fn f() { !a }", "E0107 1:10 `!` is written `not`"),
    ("fn f() { a ** b }", "E0107 1:12 there is no operator `**`"),
    ("fn f() { for i in 0..=3 { i } }", "E0107 1:20 a range never includes its upper bound"),
    ("/* a\n b */\nconst A = 1", "E0107 1:1 comments of several lines do not exist"),
    ("const A = 'abc'", "E0107 1:11 `'…'` is a single byte"),
    ("const A = \"abc", "E0104 1:11 the text is not closed on its line"),
    ("const A = \"a\\qb\"", "E0104 1:13 `\\q` is not an escape"),
    ("const A = 10px", "E0104 1:11 `10px` is not a number"),
    ("const A = 3 @ 4", "E0102 1:13 `@` has no meaning in a program"),
    ("const größe = 3", "E0102 1:9 `ö` has no meaning in a program"),
    ("fn f() {\n    let a = (1 + 2\n    let b = 2\n    a\n}", "E0103 2:13 `(` is never closed"),
    ("fn f() {\n    for i { x[i]\n}\n\nfn g() { 1 }", "E0103 1:8 `{` is never closed"),
    ("fn f() {\n    1\n}}\nfn g() { 1 }", "E0103 3:2 `}` closes nothing"),
    ("fn f() { x[i, }", "E0103 1:11 `[` is never closed"),
    ("fn f(x: f32[N] -> f32[N] { x }\nfn g() { 1 }", "E0103 1:5 `(` is never closed"),
    ("const A = [1, 2\nconst B = 3", "E0103 1:11 `[` is never closed"),
    ("fn f() { (x: a, 3]) }", "E0103 1:18 `]` closes nothing"),
    ("fn f(x f32[N]) { x }", "E0101 1:8 expected `:`, found `f32`"),
    ("fn f(x: f32[N]) -> f32[N]\n{\n    x\n}", "E0101 2:1 `{` begins a line of its own"),
    ("fn f() { if a = 1 { x } }", "E0101 1:15 expected `{`, found `=`"),
    ("fn f() { if a: b }", "E0101 1:14 expected `{`, found `:`"),
    ("def f() { x }", "E0101 1:1 expected an item, found `def`"),
    ("let a = 1", "E0101 1:1 expected an item, found `let`"),
    ("import nn", "E0101 1:1 expected an item, found `import`"),
    ("use nn", "E0101 1:5 this names no module"),
    ("fn f() {\n    if a { b } elif c { d }\n}", "E0101 2:16 expected the end of the line, found `elif`"),
    ("fn f() { sum { x[i] } }", "E0101 1:14 expected the end of the line, found `{`"),
    ("fn f() { for i in 0..N x[i] }", "E0101 1:24 expected `,`, `by` or `{`, found `x`"),
    ("fn f() { for i in range(N) { x[i] } }", "E0101 1:28 expected `..`, found `{`"),
    ("fn f() { a b }", "E0101 1:12 expected the end of the line, found `b`"),
    ("fn f() { let x := 4 }", "E0101 1:17 expected a type, found `=`"),
    ("fn f() { x = x + }", "E0101 1:18 expected an expression, found `}`"),
    ("fn f() {\n    x = * x\n    let y = 2\n}", "E0101 2:9 expected an expression, found `*`"),
    ("fn f() where N < = 3 { x }", "E0101 1:18 expected an expression, found `=`"),
    ("struct P { a: f32 b: f32 }", "E0101 1:19 expected `,` or `}`, found `b`"),
    ("const is = 3", "E0101 1:7 expected a name, found `is`"),
    ("const A = if a { 1 } else 2", "E0101 1:27 expected `if` or `{`, found `2`"),
    ("fn f(x: f32[N,,M]) { let a = 1 }", "E0101 1:15 expected `]` or an expression, found `,`"),
    ("fn f() { a < b < c }", "E0108 1:14 comparisons do not chain"),
    ("/// nothing", "E0109 1:1 `///` documents no item here"),
    ("fn f() {\n    /// nothing\n    a\n}", "E0109 2:5 `///` documents no item here"),
    ("fn f() { g(x) = 4 }", "E0110 1:10 this cannot be assigned to"),
    ("fn f() -> (f32, f32) { x }", "E0111 1:12 each of several results needs a name"),
    ("fn f() { assert a, \"b {c\" }", "E0112 1:23 `{` is never closed in this message"),
    ("fn f() { assert a, \"b } c\" }", "E0112 1:23 `}` closes nothing in this message"),
    ("fn f() { assert a, \"b {} c\" }", "E0112 1:24 one expression is expected between `{` and `}`"),
    ("fn f() { assert a, \"b {c +} d\" }", "E0101 1:27 expected an expression, found the end of the line"),
    ("fn f() -> f32[3 <= N] { x }", "E0113 1:15 only a name can have a bound here"),
];

#[test]
fn one_slip_gives_one_message() {
    for (text, message) in SLIPS {
        assert_eq!(messages(text), [*message], "{text}");
    }
}

#[test]
fn a_slip_hides_no_other() {
    // Every slip that ends with its item, between sound items and two more slips, is still its own message.
    let text = "fn a() {\n    let x = f(1 2)\n    let y = [3 4]\n    x y\n    z\n}\nfn b( {\n    1 +\n}\nconst C = 5\nconst D = = 6";
    assert_eq!(
        messages(text),
        [
            "E0101 2:17 expected `)` or `,`, found `2`",
            "E0101 3:16 expected `,` or `]`, found `4`",
            "E0101 4:7 expected the end of the line, found `y`",
            "E0103 7:5 `(` is never closed",
            "E0101 11:11 expected an expression, found `=`",
        ]
    );
    let names: Vec<String> = parsed(text)
        .0
        .items
        .iter()
        .filter_map(|item| match &item.kind {
            ast::ItemKind::Fn(function) => Some(function.name.text.clone()),
            ast::ItemKind::Const { name, .. } => Some(name.text.clone()),
            _ => None,
        })
        .collect();
    assert!(names.contains(&"a".to_string()) && names.contains(&"C".to_string()), "{names:?}");
}

#[test]
fn depth_is_bounded_and_bounded_depth_fits_the_stack() {
    // What nests once a repetition, and what stands at the bottom.
    let nests = [
        ("(", "x", ")"),
        ("f(", "x", ")"),
        ("x[", "0", "]"),
        ("[", "x", "]"),
        ("{ ", "x", " }"),
        ("-", "x", ""),
        ("x + ", "x", ""),
        ("for i, j { ", "x", " }"),
        ("for i, j in 0..", "0", " { x }"),
        ("if a { ", "x", " }"),
        ("if ", "x", " { x }"),
        ("if a { x } else ", "{ x }", ""),
        ("|a, b| ", "x", ""),
        ("x", "", ".x"),
        ("x", "", "(a, b)"),
        ("x + for i, j { x } + ", "x", ""),
    ];
    for (before, middle, after) in nests {
        let text = |count: usize| format!("const A = {}{middle}{}", before.repeat(count), after.repeat(count));
        let refused = messages(&text(20_000));
        assert_eq!(refused.len(), 1, "{before}");
        assert!(refused[0].starts_with("E0106 1:"), "{refused:?}");
        let most = (1..=400).rev().find(|count| messages(&text(*count)).is_empty()).unwrap_or(0);
        assert!(most >= 30, "{before}: only {most}");
        let deepest = text(most);
        let run = move || kcc_compiler::syntax::print(&parsed(&deepest).0).len();
        std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
    }
}
