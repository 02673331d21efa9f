//! Programs that the checker accepts, and what they become.

mod support;

use kcc_compiler::hir::print::print;
use support::{check_files, show};

fn hir(text: &str) -> String {
    match check_files(&[("main.k", text)]) {
        Ok(checked) => print(&checked.program),
        Err(rejected) => panic!("refused:\n{}\n{text}", show(&rejected)),
    }
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
