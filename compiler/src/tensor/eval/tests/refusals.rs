//! What the evaluator refuses: failed checks, facts, sizes, inputs, budgets, and IR that breaks its rules.

use super::build::{Build, f32s, i32s};
use crate::ops::Op;
use crate::size::Size;
use crate::tensor::eval::{EvalError, TensorValue, run};
use crate::tensor::*;
use crate::types::{Const, Scalar};

/// `for i { x[at[i]] }` with its check before it.
fn gather() -> Build {
    let mut b = Build::new();
    let (n, k) = (Size::from(b.size("N")), Size::from(b.size("K")));
    let x = b.param("x", Scalar::F32, std::slice::from_ref(&n));
    let at = b.param("at", Scalar::I32, std::slice::from_ref(&k));
    let out = b.local("out", Scalar::F32, std::slice::from_ref(&k));
    let (zero, extent, count) = (b.int(0), b.size_value(n), b.size_value(k.clone()));
    let axis = b.reduce_axis(zero, count, 1);
    let position = b.at(axis.axis);
    let index = b.load(at, &[position]);
    let (above, below) = (b.op(Op::Ge, &[index, zero]), b.op(Op::Lt, &[index, extent]));
    let cond = b.op(Op::And, &[above, below]);
    let failure = Failure::IndexOutOfRange { tensor: "x".to_string(), axis: 0 };
    b.check(vec![axis], cond, failure, vec![index, extent]);
    let i = b.axis(k);
    let position = b.at(i);
    let index = b.load(at, &[position]);
    let value = b.load(x, &[index]);
    b.map(out, &[i], value);
    b.result(out);
    b
}

#[test]
fn the_first_failing_index_is_reported() {
    let b = gather();
    let x = f32s(&[3], &[1., 2., 3.]);
    assert_eq!(b.run(&[x.clone(), i32s(&[2], &[2, 0])]).unwrap(), [f32s(&[2], &[3., 1.])]);
    let failed = b.run(&[x, i32s(&[4], &[0, -1, 1, 7])]).unwrap_err();
    let EvalError::Failed { values, origin, .. } = &failed else { panic!("{failed:?}") };
    assert_eq!((values.as_slice(), *origin), ([Const::i32(-1), Const::i32(3)].as_slice(), b.origin));
    assert_eq!(failed.to_string(), "index -1 is out of range for axis 0 of `x`, whose extent is 3");
}

#[test]
fn a_missing_check_is_an_error_and_no_panic() {
    let mut b = gather();
    b.p().body.stmts.remove(0);
    let refused = b.run(&[f32s(&[3], &[1., 2., 3.]), i32s(&[1], &[3])]);
    assert!(matches!(refused, Err(EvalError::Invalid(_))), "{refused:?}");
    let mut b = Build::new();
    let out = b.local("out", Scalar::I32, &[]);
    let (one, zero) = (b.int(1), b.int(0));
    let quotient = b.op(Op::Rem, &[one, zero]);
    b.map(out, &[], quotient);
    b.result(out);
    assert_eq!(b.run(&[]), Err(EvalError::Invalid("an integer division by zero".to_string())));
}

#[test]
fn inputs_must_fit_the_parameters() {
    let b = gather();
    let (x, at) = (f32s(&[3], &[1., 2., 3.]), i32s(&[1], &[0]));
    let refuse = |inputs: &[TensorValue], part: &str| match b.run(inputs) {
        Err(EvalError::Inputs(text)) => assert!(text.contains(part), "{text}"),
        other => panic!("{other:?}"),
    };
    refuse(std::slice::from_ref(&x), "takes 2 inputs, not 1");
    refuse(&[at.clone(), at.clone()], "holds f32, not i32");
    refuse(&[f32s(&[1, 3], &[1., 2., 3.]), at.clone()], "rank 1, not 2");
    refuse(&[f32s(&[4], &[1., 2., 3.]), at.clone()], "12 bytes do not make up");
    refuse(&[f32s(&[-3], &[1., 2., 3.]), at.clone()], "do not make up");
    refuse(&[f32s(&[i64::MAX], &[1., 2., 3.]), at], "do not make up");
}

#[test]
fn facts_and_sizes_are_settled_before_the_work() {
    let mut b = gather();
    let (n, k) = (Size::from(b.p().sizes[0]), Size::from(b.p().sizes[1]));
    let origin = b.origin;
    b.p().facts.push(Fact { is_equality: false, size: n.minus(&k), text: "K <= N".to_string(), origin: Some(origin) });
    let x = f32s(&[1], &[1.]);
    let refused = b.run(&[x.clone(), i32s(&[2], &[9, 9])]);
    assert_eq!(refused, Err(EvalError::Fact { text: "K <= N".to_string(), origin }));
    // A tensor that nobody writes still must have a size: N * 2^30.
    b.local("huge", Scalar::F64, &[n.times_const(1 << 30), n.div(&k)]);
    let refuse = |inputs: [TensorValue; 2], part: &str| match b.run(&inputs) {
        Err(error @ EvalError::Size { .. }) => assert!(error.to_string().contains(part), "{error}"),
        other => panic!("{other:?}"),
    };
    refuse([f32s(&[2], &[1., 2.]), i32s(&[1], &[0])], "does not fit");
    refuse([f32s(&[1], &[1.]), i32s(&[0], &[])], "divides by zero");
    assert!(matches!(b.run(&[x, i32s(&[1], &[0])]), Err(EvalError::Memory { .. })));
}

#[test]
fn the_budget_bounds_the_work() {
    let mut b = Build::new();
    let out = b.local("out", Scalar::I32, &[]);
    let (lo, hi) = (b.int(0), b.int(i32::MAX));
    let axis = b.reduce_axis(lo, hi, 1);
    let k = b.at(axis.axis);
    let sum = b.reduce(ReduceOp::Sum, vec![axis], k, FoldOrder::Any);
    b.map(out, &[], sum);
    b.result(out);
    assert_eq!(run(&b.program, 0, &[], 1_000_000), Err(EvalError::Budget));
}

#[test]
fn asserts_show_their_values() {
    let mut b = Build::new();
    let x = b.param("x", Scalar::F32, &[]);
    let (value, zero) = (b.load(x, &[]), b.float(0.0));
    let cond = b.op(Op::Gt, &[value, zero]);
    let text = Failure::Assert(vec!["x is ".to_string(), ", not positive".to_string()]);
    b.check(Vec::new(), cond, text, vec![value]);
    assert_eq!(b.run(&[f32s(&[], &[1.5])]), Ok(Vec::new()));
    let failed = b.run(&[f32s(&[], &[-1.5])]).unwrap_err();
    assert_eq!(failed.to_string(), "x is -1.5, not positive");
}

#[test]
fn broken_ir_is_refused() {
    // A load with too few indices, a lane reduction over two axes, an axis used outside of its loop.
    let mut b = Build::new();
    let x = b.param("x", Scalar::F32, &[Size::constant(1), Size::constant(1)]);
    let out = b.local("out", Scalar::F32, &[]);
    let (lo, hi) = (b.int(0), b.int(1));
    let axes = vec![b.reduce_axis(lo, hi, 1), b.reduce_axis(lo, hi, 1)];
    let outside = b.at(axes[0].axis);
    let one = b.float(1.0);
    let broken =
        [b.load(x, &[lo]), b.reduce(ReduceOp::Sum, axes, one, FoldOrder::Lanes16), b.cast(Scalar::F32, outside)];
    for expr in broken {
        b.p().body.stmts.clear();
        b.map(out, &[], expr);
        let refused = b.run(&[f32s(&[1, 1], &[1.0])]);
        assert!(matches!(refused, Err(EvalError::Invalid(_))), "{refused:?}");
    }
}
