//! Programs that the checker accepts, and what they become.

mod support;

use kcc_compiler::hir::print::{print, type_text};
use kcc_compiler::pipeline::Checked;
use support::{check_files, show};

fn accept(files: &[(&str, &str)]) -> Checked {
    match check_files(files) {
        Ok(checked) => checked,
        Err(rejected) => panic!("refused:\n{}\n{}", show(&rejected), files[0].1),
    }
}

/// The program as text.
fn hir(text: &str) -> String {
    print(&accept(&[("main.k", text)]).program)
}

/// The type of the value of the last pipeline.
fn result(text: &str) -> String {
    let checked = accept(&[("main.k", text)]);
    let id = checked.program.pipelines.last().expect("a pipeline");
    let value = checked.program.fns[id.0 as usize].body.value.as_ref().expect("a value");
    type_text(&checked.program.names, &value.ty)
}

#[test]
fn a_pipeline_of_one_comprehension() {
    let text = "pipeline double(x: f32[N]) -> f32[N] {\n    for i { x[i] * 2 }\n}\n";
    assert_eq!(
        hir(text),
        "fn 0 double(x%0: f32[N]) -> f32[N] sizes N@0.0 {\n    \
         for i%1 in 0:i32..size(N) { (* x%0[i%1], 2.0:f32) }\n}\npipeline 0\n"
    );
}

#[test]
fn literals_take_the_type_they_are_used_at() {
    for (body, ty) in [
        ("1", "i32"),
        ("1.0", "f32"),
        ("a + 1", "f64"),
        ("1 / 3 * a", "f64"),
        ("max(0, a)", "f64"),
        ("if b > 1 { 0 } else { a }", "f64"),
        ("if b > 1 { 0 } else { 0.5 }", "f32"),
        ("[1, a, 2]", "f64[3]"),
        ("[1, 2.5]", "f32[2]"),
        ("b + -1", "i32"),
        ("(1, 2.5)", "(i32, f32)"),
        ("pick(1, a)", "f64"),
        ("pick(1, 2.5)", "f32"),
        ("pick(1, 2)", "i32"),
        ("root(2)", "f32"),
        ("root(2) * a", "f64"),
        ("u8(200)", "u8"),
        ("f16(0.1)", "f16"),
        ("f16(0.1) + 1", "f32"),
        ("for i in 0..2 { 0.0 }", "f32[2]"),
        ("bits(a) | 1", "u64"),
        ("\"ab\"", "u8[2]"),
        ("'a' == 97", "bool"),
        ("-nan", "f32"),
    ] {
        let text = format!(
            "fn pick(x: T, y: T) -> T where T: number {{ x + y }}\nfn root(x: T) -> T where T: float {{ sqrt(x) }}\n\
             test \"t\" {{\n    let a = f64(1)\n    let b = 1\n    let r = {body}\n    assert a > f64(b)\n}}\n"
        );
        let checked = accept(&[("main.k", &text)]);
        let function = &checked.program.fns[checked.program.tests[0].1.0 as usize];
        let local = function.locals.iter().find(|local| local.name == "r").expect("a local");
        assert_eq!(type_text(&checked.program.names, &local.ty), ty, "{body}");
    }
}

#[test]
fn views_have_their_shapes() {
    for (body, ty) in [
        ("x[0]", "f32[W]"),
        ("x[-1, 2]", "f32"),
        ("x[.., 1..3]", "f32[H, 2]"),
        ("x[1.., ..-1]", "f32[H - 1, W - 1]"),
        ("x[.., -2..]", "f32[H, 2]"),
        ("transpose(x)", "f32[W, H]"),
        ("transpose(x, 1, 0)", "f32[W, H]"),
        ("flatten(x)", "f32[H*W]"),
        ("reshape(x, W, H)", "f32[W, H]"),
        ("concat(x, x, x)", "f32[3*H, W]"),
        ("concat(x, x[.., 0..1], axis: -1)", "f32[H, W + 1]"),
        ("stack(x, x)", "f32[2, H, W]"),
        ("stack(x, x, axis: 2)", "f32[H, W, 2]"),
        ("x[.., 0] + flatten(y)", "f32[H]"),
        ("x + y", "f32[H, W]"),
        ("x + 1", "f32[H, W]"),
        ("extent(x, 1)", "i32"),
        ("for i, j { x[i, j] }", "f32[H, W]"),
        ("for i { x[i] }", "f32[H, W]"),
        ("for i { [x[i, 0], 1] }", "f32[H, 2]"),
        ("for i in 0..H by 2 { i }", "i32[((H + 1) / 2)]"),
        ("for i { sum j { x[i, j] } }", "f32[H]"),
        ("for i { scan max j { x[i, j] } }", "f32[H, W]"),
        ("argmax i, j { x[i, j] }", "(i32, i32)"),
        ("for i { argmin j { x[i, j] } }", "i32[H]"),
        ("count i { x[i, 0] > 0 }", "i32"),
        ("any i, j { x[i, j] > 0 }", "bool"),
        ("x > 0", "bool[H, W]"),
        ("row(x)", "f32[H]"),
        ("spread(x)", "(lo: f32[H], hi: f32[H])"),
        ("spread(x).hi", "f32[H]"),
        ("half(x)", "f32[H, W]"),
    ] {
        let text = format!(
            "fn row(x: T[N]) -> T where T: number {{ sum i {{ x[i] }} }}\n\
             fn spread(x: f32[N]) -> (lo: f32, hi: f32) {{ (min i {{ x[i] }}, max i {{ x[i] }}) }}\n\
             fn half(x: f32) -> f32 {{ x / 2 }}\n\
             fn f(x: f32[H, W], y: f32[H, 1]) -> f32 where H >= 2, W >= 4 {{\n    let r = {body}\n    x[0, 0]\n}}\n"
        );
        let checked = accept(&[("main.k", &text)]);
        let function = checked.program.fns.iter().find(|function| function.name == "f").expect("it was checked");
        let local = function.locals.iter().find(|local| local.name == "r").expect("a local");
        assert_eq!(type_text(&checked.program.names, &local.ty), ty, "{body}");
    }
}

const TAPS: &str = "
fn taps(n: dim, out: dim, support: f64, filter: fn(f64) -> f64) -> (first: i32[out], weight: f64[out, k]) {
    let wide = max(f64(n) / f64(out), 1.0)
    let reach = support * wide
    let k = dim(ceil(reach)) * 2 + 1
    let first = for i in 0..out { max(i32(f64(i) - reach), 0) }
    let weight = for i, j in 0..k { filter(f64(first[i] + j) / wide) }
    (first, weight)
}
fn triangle(t: f64) -> f64 { max(0.0, 1.0 - abs(t)) }
";

#[test]
fn the_caller_sees_the_expression_behind_a_size_of_the_body() {
    let folded = format!("{TAPS}pipeline p(x: u8[400]) -> f64[100, 9] {{ taps(400, 100, 1.0, triangle).weight }}\n");
    assert_eq!(result(&folded), "f64[100, 9]");
    let symbolic = format!(
        "{TAPS}fn p(x: u8[W], s: f64) -> f64[50, k] {{\n    \
         let k = dim(ceil(s * 2.0 * max(f64(W) / 50.0, 1.0))) * 2 + 1\n    \
         taps(W, 50, s * 2.0, triangle).weight\n}}\n"
    );
    accept(&[("main.k", &symbolic)]);
}

#[test]
fn a_lambda_becomes_a_function_with_its_captures_behind() {
    let text = format!(
        "{TAPS}pipeline p(x: u8[W], a: f64) -> f64[50, 9] where W == 200 {{\n    \
             taps(W, 50, 1.0, |t| a * t + f64(W)).weight\n}}\n"
    );
    let printed = hir(&text);
    assert!(printed.contains("|t|(t%0: f64, a%1: f64, W%2: i32) -> f64 sizes W@2 "), "{printed}");
    assert!(printed.contains("taps(n%0: i32, out%1: i32, support%2: f64, a%3: f64, W%4: i32)"), "{printed}");
    assert!(printed.contains("(size(W), 50:i32, 1.0:f64, a%1, size(W)) sizes [W, 50, W]"), "{printed}");
}

#[test]
fn a_lambda_over_rows_knows_that_its_row_has_the_captured_extent() {
    let text = "fn rows(x: f32[B, N], f: fn(f32[N]) -> f32[N]) -> f32[B, N] { for b { f(x[b]) } }\n\
                fn twice(x: f32[B, N], f: fn(f32[N]) -> f32[N]) -> f32[B, N] { rows(rows(x, f), |r| f(r)) }\n\
                pipeline p(x: f32[B, N], w: f32[N]) -> f32[B, N] { twice(x, |row| for i { row[i] * w[i] }) }\n";
    assert_eq!(result(text), "f32[B, N]");
}

#[test]
fn functions_are_checked_once_for_each_element_type() {
    let text = "fn pick(x: T, y: T) -> T { static if T is f32 or T is f64 { x } else { y } }\n\
                pipeline p(a: f32[N], b: i32) -> (u: f32[N], v: i32, w: f32[N]) { (pick(a, 1), pick(2, b), pick(a, a)) }\n";
    let printed = hir(text);
    assert_eq!(printed.matches(" pick(").count(), 2, "{printed}");
    assert!(printed.contains("fn 0 pick(x%0: f32, y%1: f32) -> f32 {\n    x%0\n}"), "{printed}");
    assert!(printed.contains("pick#1(2:i32, b%1)"), "{printed}");
    assert!(printed.contains("pick#0(a%0, 1.0:f32) lift [N]"), "{printed}");
}

#[test]
fn facts_are_proved_or_left_to_be_checked() {
    let top = "fn top(x: f32[N], k: dim) -> f32[k] where k <= N { for i in 0..k { x[i] } }\n";
    let known = format!("{top}pipeline p(x: f32[N]) -> f32[5] where N >= 8 {{ top(x, 5) }}\n");
    assert!(!hir(&known).contains("check"), "{}", hir(&known));
    let unknown = format!("{top}pipeline p(x: f32[N]) -> f32[5] {{ top(x, 5) }}\n");
    assert!(hir(&unknown).contains("top#0(x%0, 5:i32) sizes [5, N] check N - 5 >= 0"), "{}", hir(&unknown));
    let equal = "pipeline p(x: f32[C, H], y: f32[G, K]) -> f32[G, K] where C == G, H == 2 * K {\n    \
                 reshape(x, G, K, 2)[.., .., 0] + y\n}\n";
    assert_eq!(result(equal), "f32[G, K]");
}

#[test]
fn sizes_are_solved_from_linear_extents() {
    let text = "fn pairs(x: f32[2*N + 1]) -> f32[N] { for i in 0..N { x[2*i] + x[2*i + 1] } }\n\
                pipeline p(x: f32[M]) -> f32[10] where M == 21 { pairs(x) }\n";
    assert_eq!(result(text), "f32[((M - 1) / 2)]");
}

#[test]
fn constants_fold_into_sizes() {
    let text = "fn half(n: i32) -> i32 { n / 2 }\nconst N = 400\nconst M = half(N) + 1\n\
                const W = for i in 0..M { f32(i) }\n\
                pipeline p(x: f32[N]) -> f32[M] { for i in 0..M { x[i] * W[i] } }\n";
    let printed = hir(text);
    assert!(printed.contains("const 0 W: f32[201] = fn "), "{printed}");
    assert!(printed.contains("p(x%0: f32[400]) -> f32[201]"), "{printed}");
}

#[test]
fn constants_are_data_or_functions() {
    let text = "const T = [[1, 2], [3, 4]]\nconst PAIR = (a: T, b: 2.5)\nconst BYTES = embed(\"x.bin\")\n\
                pipeline p(i: i32) -> f32 { f32(T[0, 1] + PAIR.a[1, 0] + i32(BYTES[0])) + PAIR.b }\n";
    let printed = print(&accept(&[("main.k", text), ("x.bin", "abc")]).program);
    assert!(printed.contains("const 0 T: i32[2, 2] = 16 bytes\n"), "{printed}");
    assert!(printed.contains("const 1 PAIR: (a: i32[2, 2], b: f32) = fn "), "{printed}");
    assert!(printed.contains("const 2 embed(\"x.bin\"): u8[3] = 3 bytes\n"), "{printed}");
}

#[test]
fn std_is_found_by_name_and_math_without_use() {
    let files = [
        (
            "main.k",
            "use std.nn as n\nuse \"./own.k\" (twice as double)\npipeline p(x: f32) -> f32 { n.f(double(g(x))) + math.g(x) }\n",
        ),
        ("std/nn.k", "fn f(x: f32) -> f32 { g(x) }\n"),
        ("std/math.k", "fn g(x: f32) -> f32 { x + 1 }\nfn abs(x: f32) -> f32 { x }\n"),
        ("own.k", "fn twice(x: f32) -> f32 { abs(x) * 2 }\n"),
    ];
    let printed = print(&accept(&files).program);
    assert!(printed.contains("(+ nn.f#3(own.twice#2(math.g#0(x%0))), math.g#0(x%0))"), "{printed}");
    assert!(printed.contains("(* math.abs#1(x%0), 2.0:f32)"), "{printed}");
}

#[test]
fn tests_are_functions_of_asserts() {
    let text = "fn check(x: f32[N], lo: f32) { for i { assert x[i] >= lo, \"x[{i}] = {x[i]}\" } }\n\
                test \"c\" {\n    check([1.0, 2.0], 0.5)\n    for i, j in 0..2 { assert i + j < 9 }\n}\n";
    let err = check_files(&[("main.k", text)]);
    assert!(err.is_err(), "the range of i is not known");
    let printed = hir(&text.replace("for i, j", "for i in 0..2, j"));
    assert!(printed.contains("check#0(f32[2][1.0, 2.0], 0.5:f32) sizes [2]\n"), "{printed}");
    assert!(printed.contains("for i%0 in 0:i32..2:i32, j%1 in 0:i32..2:i32 {\n        assert "), "{printed}");
}

#[test]
fn functions_that_nobody_calls_are_checked() {
    let shown = |text: &str| match check_files(&[("main.k", text)]) {
        Ok(_) => String::new(),
        Err(rejected) => show(&rejected),
    };
    assert!(shown("fn f(x: T[N]) -> T where T: integer { x[0] & 1 }\n").is_empty());
    assert!(shown("fn f(x: T[N]) -> T { x[0] & 1 }\n").starts_with("E0302"));
    assert!(shown("fn f(x: f32, g: fn(f32) -> f32) -> f32 { g(x) + y }\n").starts_with("E0201"));
    assert!(shown("fn f(x: f32, g: fn(f32) -> f32[3]) -> f32 { g(x)[2] }\n").is_empty());
}

#[test]
fn chains_of_lets_do_not_explode() {
    let mut text = "pipeline p(x: f32) -> f32 {\n    let a0 = x\n".to_string();
    for i in 0..200 {
        text += &format!("    let a{} = a{i} * a{i} + a{i}\n", i + 1);
    }
    text += "    a200\n}\n";
    assert_eq!(result(&text), "f32");
}
