//! What runs during compilation: `static if`, `static loop`, and instances for constant sizes.

mod support;

use kcc_compiler::hir::print::print;
use kcc_compiler::hir::verify::verify;
use support::{check_files, show};

/// The program as text.
fn hir(text: &str) -> String {
    match check_files(&[("main.k", text)]) {
        Ok(checked) => {
            verify(&checked.program, "check");
            print(&checked.program)
        }
        Err(rejected) => panic!("refused:\n{}\n{text}", show(&rejected)),
    }
}

#[test]
fn a_static_loop_is_written_out() {
    let text = "const FACTORS = [2, 3]\nfn f(x: f32[N]) -> f32 {\n    var s = 0.0\n    \
                static loop p in FACTORS { s += x[p] }\n    static loop q in 1..6 by 2 { s *= f32(q) }\n    s\n}\n\
                pipeline p(x: f32[9]) -> f32 { f(x) }\n";
    let shown = hir(text);
    assert!(
        shown.contains(
            "fn 0 f(x%0: f32[9]) -> f32 {
    var s%1: f32 = 0.0:f32
    s%1 = (+ s%1, x%0[2:i32])
    s%1 = (+ s%1, x%0[3:i32])
    s%1 = (* s%1, 1.0:f32)
    s%1 = (* s%1, 3.0:f32)
    s%1 = (* s%1, 5.0:f32)
    s%1
}
"
        ),
        "{shown}"
    );
}

#[test]
fn each_pass_has_its_own_sizes() {
    let text = "pipeline p(x: f32[N]) -> f32 {\n    var s = 0.0\n    static loop n in [1, 2] {\n        \
                let y = for i in 0..n { x[0] * f32(i) }\n        s += y[n - 1]\n    }\n    s\n}\n";
    let shown = hir(text);
    assert!(shown.contains("let y%3: f32[1]") && shown.contains("let y%5: f32[2]"), "{shown}");
}

#[test]
fn functions_that_ask_for_sizes_have_an_instance_for_each_constant() {
    let text = "fn inner(x: f32[N]) -> f32 { static if known(N) and N % 2 == 0 { 1.0 } else { 2.0 } }\n\
                fn outer(x: f32[M]) -> f32 { inner(x[1..]) }\n\
                fn plain(x: f32[M]) -> f32 { x[0] }\n\
                pipeline p(x: f32[5], y: f32[4], z: f32[N]) -> f32 {\n    \
                outer(x) + outer(y) + outer(z) + plain(x) + plain(y)\n}\n";
    let shown = hir(text);
    for (head, count) in [(" inner(", 3), (" outer(", 3), (" plain(", 1)] {
        let lines = shown.lines().filter(|line| line.starts_with("fn ") && line.contains(head));
        assert_eq!(lines.count(), count, "{head}\n{shown}");
    }
    assert!(shown.contains("inner(x%0: f32[4]) -> f32 {\n    1.0:f32\n"), "{shown}");
    assert!(shown.contains("inner(x%0: f32[3]) -> f32 {\n    2.0:f32\n"), "{shown}");
    assert!(shown.contains("inner(x%0: f32[N]) -> f32 sizes N@0.0 {\n    2.0:f32\n"), "{shown}");
}

#[test]
fn a_function_that_nobody_calls_may_ask_for_sizes() {
    let text = "fn f(x: f32[N]) -> f32 {\n    var s = 0.0\n    static loop i in 0..N { s += x[i] }\n    s\n}\n\
                pipeline p(x: f32) -> f32 { x }\n";
    hir(text);
}

#[test]
fn a_pass_that_returns_ends_the_loop() {
    let text = "fn f(x: f32[N]) -> f32 {\n    static loop i in 0..4 { static if i == N { return x[0] } }\n    2.0\n}\n\
                pipeline p(x: f32[1]) -> f32 { f(x) }\npipeline q(x: f32[9]) -> f32 { f(x) }\n";
    let shown = hir(text);
    assert!(shown.contains("f(x%0: f32[1]) -> f32 {\n    x%0[0:i32]\n}"), "{shown}");
    assert!(shown.contains("f(x%0: f32[9]) -> f32 {\n    2.0:f32\n}"), "{shown}");
}
