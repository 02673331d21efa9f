//! Tests of Loop IR passes on hand-built Tensor IR: every level must give the bits of the reference evaluator.

mod contractions;
mod interpret;
mod lowering;
mod partials;
mod scheduling;
mod splitting;

use super::verify::{Level, verify};
use super::{Program, flatten, lower, print, schedule, screen, split, tidy};
use crate::tensor;
use crate::tensor::eval::tests::build::Build;
use crate::tensor::eval::{EvalError, TensorValue, inputs};
use crate::types::{Const, Scalar};
use interpret::{Outcome, interpret};

/// Whether two tensors have equal bits or NaNs at equal places.
fn same(a: &TensorValue, b: &TensorValue) -> bool {
    let nan = |value: Const| match value.ty {
        Scalar::F32 => value.as_f32().is_nan(),
        Scalar::F64 => value.as_f64().is_nan(),
        Scalar::F16 => value.bits & 0x7c00 == 0x7c00 && value.bits & 0x3ff != 0,
        _ => false,
    };
    let width = a.elem.bytes() as usize;
    a.elem == b.elem
        && a.dims == b.dims
        && a.bytes.chunks(width).zip(b.bytes.chunks(width)).all(|(x, y)| {
            let (x, y) = (Const::from_le_bytes(a.elem, x), Const::from_le_bytes(a.elem, y));
            x == y || (nan(x) && nan(y))
        })
}

/// The levels of a pipeline's kernels: their names and programs.
fn levels(program: &tensor::Program) -> Vec<(&'static str, bool, Program)> {
    let naive = lower(program, &program.pipelines[0]);
    let mut flat = naive.clone();
    flatten::flatten(&mut flat);
    let mut tidied = flat.clone();
    tidy::tidy(&mut tidied);
    let mut splitted = naive.clone();
    screen::screen(&mut splitted);
    split::split(&mut splitted);
    let mut scheduled = splitted.clone();
    schedule::schedule(&mut scheduled);
    let mut fast = scheduled.clone();
    flatten::flatten(&mut fast);
    let mut tidied_fast = fast.clone();
    tidy::tidy(&mut tidied_fast);
    vec![
        ("naive", false, naive),
        ("flat", true, flat),
        ("tidy", true, tidied),
        ("split", false, splitted),
        ("scheduled", false, scheduled),
        ("scheduled, flat", true, fast),
        ("scheduled, tidy", true, tidied_fast),
    ]
}

/// Runs a pipeline at every level and compares with the evaluator; gives the naive text for structure tests.
fn agree(b: &Build, inputs: &[TensorValue]) -> String {
    agree_with(&b.program, inputs, &b.run(inputs))
}

/// Runs a pipeline at every level and compares with what is expected; gives the naive text.
fn agree_with(
    program: &tensor::Program,
    inputs: &[TensorValue],
    expected: &Result<Vec<TensorValue>, EvalError>,
) -> String {
    let names = &program.names;
    let sizes = inputs::solve(&program.pipelines[0], names, inputs).expect("inputs fit");
    let consts = &program.consts;
    let mut text = String::new();
    for (name, is_flat, program) in levels(program) {
        let shown = print::print(&program, names);
        let level = if is_flat { Level::Flat } else { Level::Scheduled };
        let level = if name == "naive" { Level::Naive } else { level };
        verify(&program, level).unwrap_or_else(|complaint| panic!("{name}: {complaint}\n{shown}"));
        let found = interpret(&program, is_flat, &sizes, consts, inputs);
        compare(expected, &found).unwrap_or_else(|complaint| panic!("{name}: {complaint}\n{shown}"));
        if name == "naive" {
            text = shown;
        }
    }
    text
}

fn compare(expected: &Result<Vec<TensorValue>, EvalError>, found: &Outcome) -> Result<(), String> {
    match (expected, found) {
        (Ok(expected), Ok(found)) => {
            let equal = expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| same(a, b));
            if equal { Ok(()) } else { Err(format!("expected {expected:?}\nfound {found:?}")) }
        }
        (Err(EvalError::Failed { failure, values, .. }), Err((found, found_values))) => {
            let equal = failure == found && values == found_values;
            if equal { Ok(()) } else { Err(format!("expected {failure:?}{values:?}, found {found:?}{found_values:?}")) }
        }
        _ => Err(format!("expected {expected:?}, found {found:?}")),
    }
}
