//! Lowering: where expressions are placed, which loads are made safe, how reductions share loops.

use super::agree;
use crate::ops::{Op, ReduceOp};
use crate::size::Size;
use crate::tensor::eval::tests::build::{Build, f32s, i32s};
use crate::tensor::{Binding, Expr, ExprId, Failure, FoldOrder, Group, Reduce, Stage, StageBody, Stmt, TensorId};
use crate::types::Scalar;

fn lines_with(text: &str, what: &str) -> usize {
    text.lines().filter(|line| line.contains(what)).count()
}

fn ramp(count: i64) -> Vec<f32> {
    (0..count).map(|n| (n * 37 % 101) as f32 * 0.37 - 11.0).collect()
}

/// A program that multiplies matrices.
fn matmul() -> Build {
    let mut b = Build::new();
    let [m, k, n] = ["M", "K", "N"].map(|name| Size::from(b.size(name)));
    let x = b.param("x", Scalar::F32, &[m.clone(), k.clone()]);
    let y = b.param("y", Scalar::F32, &[k.clone(), n.clone()]);
    let out = b.local("out", Scalar::F32, &[m.clone(), n.clone()]);
    let (i, j) = (b.axis(m), b.axis(n));
    let (lo, hi) = (b.int(0), b.size_value(k));
    let axis = b.reduce_axis(lo, hi, 1);
    let [ei, ej, ek] = [i, j, axis.axis].map(|axis| b.at(axis));
    let (left, right) = (b.load(x, &[ei, ek]), b.load(y, &[ek, ej]));
    let product = b.op(Op::Mul, &[left, right]);
    let sum = b.reduce(ReduceOp::Sum, vec![axis], product, FoldOrder::Serial);
    b.map(out, &[i, j], sum);
    b.result(out);
    b
}

#[test]
fn a_matrix_product() {
    let b = matmul();
    let text = agree(&b, &[f32s(&[3, 5], &ramp(15)), f32s(&[5, 4], &ramp(20))]);
    assert_eq!(lines_with(&text, "for "), 3, "{text}");
    agree(&b, &[f32s(&[1, 0], &[]), f32s(&[0, 2], &[])]);
    agree(&b, &[f32s(&[0, 1], &[]), f32s(&[1, 2], &[1., 2.])]);
}

/// `exp`-free softmax: `(x[i] - max x) / sum (x - max x)`; the inner reductions stand outside the loop.
#[test]
fn invariant_reductions_leave_the_loop() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, std::slice::from_ref(&n));
    let out = b.local("out", Scalar::F32, std::slice::from_ref(&n));
    let max = b.reduce_all(ReduceOp::Max, x, FoldOrder::Serial);
    let (lo, hi) = (b.int(0), b.size_value(n.clone()));
    let axis = b.reduce_axis(lo, hi, 1);
    let k = b.at(axis.axis);
    let element = b.load(x, &[k]);
    let shifted = b.op(Op::Sub, &[element, max]);
    let total = b.reduce(ReduceOp::Sum, vec![axis], shifted, FoldOrder::Serial);
    let i = b.axis(n);
    let ei = b.at(i);
    let own = b.load(x, &[ei]);
    let own = b.op(Op::Sub, &[own, max]);
    let value = b.op(Op::Div, &[own, total]);
    b.map(out, &[i], value);
    b.result(out);
    let text = agree(&b, &[f32s(&[7], &ramp(7))]);
    let at = |what: &str| text.lines().position(|line| line.contains(what)).unwrap();
    assert!(at("max") < at("sum") && at("sum") < at("out["), "{text}");
    assert_eq!(lines_with(&text, "for "), 3, "{text}");
    assert_eq!(lines_with(&text, "min("), 0, "no load needs a clamp: {text}");
    agree(&b, &[f32s(&[0], &[])]);
}

/// Mean and mean of squares over one range share a loop; the variance around the mean does not.
#[test]
fn sibling_reductions_share_a_loop() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, std::slice::from_ref(&n));
    let out = b.local("out", Scalar::F32, &[]);
    let (lo, hi) = (b.int(0), b.size_value(n));
    let [first, second, third] = [0, 1, 2].map(|_| b.reduce_axis(lo, hi, 1));
    let k = b.at(first.axis);
    let element = b.load(x, &[k]);
    let sum = b.reduce(ReduceOp::Sum, vec![first], element, FoldOrder::Serial);
    let k = b.at(second.axis);
    let element = b.load(x, &[k]);
    let square = b.op(Op::Mul, &[element, element]);
    let squares = b.reduce(ReduceOp::Sum, vec![second], square, FoldOrder::Serial);
    let k = b.at(third.axis);
    let element = b.load(x, &[k]);
    let apart = b.op(Op::Sub, &[element, sum]);
    let aparts = b.reduce(ReduceOp::Sum, vec![third], apart, FoldOrder::Serial);
    let value = b.op(Op::Add, &[sum, squares]);
    let value = b.op(Op::Add, &[value, aparts]);
    b.map(out, &[], value);
    b.result(out);
    let text = agree(&b, &[f32s(&[9], &ramp(9))]);
    assert_eq!(lines_with(&text, "for "), 2, "{text}");
    assert_eq!(lines_with(&text, "= x["), 2, "one load a loop: {text}");
}

fn arg(b: &mut Build, x: TensorId, op: ReduceOp, n: &Size, component: usize) -> ExprId {
    let (lo, hi) = (b.int(0), b.size_value(n.clone()));
    let [i, j] = [0, 1].map(|_| b.reduce_axis(lo, hi, 1));
    let [ei, ej] = [i.axis, j.axis].map(|axis| b.at(axis));
    let body = b.load(x, &[ei, ej]);
    let reduce = Reduce { op, axes: vec![i, j], body, order: FoldOrder::Any, component };
    b.expr(Expr::Reduce(reduce), Scalar::I32)
}

#[test]
fn the_first_nan_and_the_first_of_equals_win() {
    for op in [ReduceOp::ArgMax, ReduceOp::ArgMin] {
        for component in [0, 1] {
            let mut b = Build::new();
            let n = Size::from(b.size("N"));
            let x = b.param("x", Scalar::F32, &[n.clone(), n.clone()]);
            let out = b.local("out", Scalar::I32, &[]);
            let value = arg(&mut b, x, op, &n, component);
            b.map(out, &[], value);
            b.result(out);
            let inf = f32::INFINITY;
            for values in [[1., 3., 3., 1.], [1., f32::NAN, 5., f32::NAN], [-inf; 4], [inf; 4], [-0., 0., -0., 0.]] {
                agree(&b, &[f32s(&[2, 2], &values)]);
            }
        }
    }
}

/// A reduction that only one arm asks for stands in an `If`; its range would be dangerous outside.
#[test]
fn a_reduction_in_an_arm_is_carried_out_only_there() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, std::slice::from_ref(&n));
    let hi = b.param("hi", Scalar::I32, std::slice::from_ref(&n));
    let out = b.local("out", Scalar::F32, std::slice::from_ref(&n));
    let i = b.axis(n.clone());
    let ei = b.at(i);
    let (lo, end) = (b.int(0), b.load(hi, &[ei]));
    let size = b.size_value(n);
    let axis = b.reduce_axis(lo, end, 1);
    let k = b.at(axis.axis);
    let element = b.load(x, &[k]);
    let sum = b.reduce(ReduceOp::Sum, vec![axis], element, FoldOrder::Serial);
    let fits = b.op(Op::Le, &[end, size]);
    let other = b.float(-1.0);
    let value = b.select(fits, sum, other);
    b.map(out, &[i], value);
    b.result(out);
    let text = agree(&b, &[f32s(&[4], &[1., 2., 3., 4.]), i32s(&[4], &[2, 2_000_000_000, 0, 4])]);
    assert_eq!(lines_with(&text, "if "), 1, "{text}");
}

/// `if 0 <= i - 1 < n { x[j, i - 1] } else { 0 }`, also where x has no element at all.
#[test]
fn loads_in_arms_are_clamped() {
    let mut b = Build::new();
    let [n, m] = ["N", "M"].map(|name| Size::from(b.size(name)));
    let x = b.param("x", Scalar::F32, &[m.clone(), n.clone()]);
    let wide = n.plus(&Size::constant(2));
    let out = b.local("out", Scalar::F32, &[m.clone(), wide.clone()]);
    let (j, i) = (b.axis(m), b.axis(wide));
    let (ej, ei, one, zero) = (b.at(j), b.at(i), b.int(1), b.int(0));
    let index = b.op(Op::Sub, &[ei, one]);
    let size = b.size_value(n);
    let (low, high) = (b.op(Op::Ge, &[index, zero]), b.op(Op::Lt, &[index, size]));
    let inside = b.op(Op::And, &[low, high]);
    let (value, other) = (b.load(x, &[ej, index]), b.float(7.0));
    let value = b.select(inside, value, other);
    b.map(out, &[j, i], value);
    b.result(out);
    agree(&b, &[f32s(&[2, 3], &ramp(6))]);
    agree(&b, &[f32s(&[40, 0], &[])]);
    agree(&b, &[f32s(&[0, 3], &[])]);
}

/// A load and a division that do not need the loop, but are valid only if it runs.
#[test]
fn what_leaves_an_empty_loop_does_no_harm() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::I32, std::slice::from_ref(&n));
    let at = b.param("at", Scalar::I32, &[]);
    let (out, also) = (b.local("out", Scalar::I32, &[]), b.local("also", Scalar::I32, std::slice::from_ref(&n)));
    let (lo, hi, at) = (b.int(0), b.size_value(n.clone()), b.load(at, &[]));
    let element = b.load(x, &[at]);
    let quotient = b.op(Op::Div, &[at, element]);
    let axis = b.reduce_axis(lo, hi, 1);
    let sum = b.reduce(ReduceOp::Sum, vec![axis], quotient, FoldOrder::Any);
    b.map(out, &[], sum);
    b.result(out);
    let i = b.axis(n);
    b.map(also, &[i], quotient);
    b.result(also);
    agree(&b, &[i32s(&[3], &[3, 4, 5]), i32s(&[], &[1])]);
    agree(&b, &[i32s(&[0], &[]), i32s(&[], &[-100_000])]);
}

#[test]
fn checks_fail_with_the_first_index() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::I32, std::slice::from_ref(&n));
    let (lo, hi) = (b.int(0), b.size_value(n));
    let axis = b.reduce_axis(lo, hi, 1);
    let k = b.at(axis.axis);
    let element = b.load(x, &[k]);
    let cond = b.op(Op::Ge, &[element, lo]);
    b.check(vec![axis], cond, Failure::Assert(vec!["".into(), " at ".into(), "".into()]), vec![element, k]);
    b.result(x);
    agree(&b, &[i32s(&[4], &[1, -2, -3, 4])]);
    agree(&b, &[i32s(&[2], &[1, 2])]);
    agree(&b, &[i32s(&[0], &[])]);
}

/// Results that are parameters, reshaped, or given twice.
#[test]
fn results_have_buffers_of_their_own() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, &[n.clone(), Size::constant(2)]);
    let sum = b.local("y", Scalar::F32, &[n.clone(), Size::constant(2)]);
    let (i, j) = (b.axis(n.clone()), b.axis(2));
    let (ei, ej) = (b.at(i), b.at(j));
    let load = b.load(x, &[ei, ej]);
    let double = b.op(Op::Add, &[load, load]);
    b.map(sum, &[i, j], double);
    let flat = b.local("flat", Scalar::F32, &[n.times_const(2)]);
    let origin = b.origin;
    b.p().body.stmts.push(Stmt::Alias { tensor: flat, of: sum, binding: Binding::Call, origin });
    for tensor in [flat, sum, x, flat] {
        b.result(tensor);
    }
    let text = agree(&b, &[f32s(&[3, 2], &ramp(6))]);
    assert_eq!(lines_with(&text, "kernel "), 4, "three copies: {text}");
}

#[test]
fn scans_and_half_floats() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, &[Size::constant(2), n.clone()]);
    let half = b.local("half", Scalar::F16, &[Size::constant(2), n.clone()]);
    let out = b.local("out", Scalar::F32, &[Size::constant(2), n.clone()]);
    let (i, j) = (b.axis(2), b.axis(n.clone()));
    let (ei, ej) = (b.at(i), b.at(j));
    let load = b.load(x, &[ei, ej]);
    b.map(half, &[i, j], load);
    let (i, j) = (b.axis(2), b.axis(n));
    let (ei, ej) = (b.at(i), b.at(j));
    let load = b.load(half, &[ei, ej]);
    let origin = b.origin;
    let body = StageBody::Scan { op: ReduceOp::Sum, expr: load };
    let stage = Stage { tensors: vec![out], axes: vec![i, j], body, guard: None, binding: Binding::Call, origin };
    b.p().body.stmts.push(Stmt::Stage(stage));
    b.result(out);
    b.result(half);
    agree(&b, &[f32s(&[2, 5], &ramp(10))]);
}

/// Two stages in a group: `s = sum_j x[i, j]` (private, held), `r[j] = x[i, j] * s` (private), `y[i, j] = r[n-1-j]`.
#[test]
fn a_group_runs_row_by_row() {
    let mut b = Build::new();
    let [m, n] = ["M", "N"].map(|name| Size::from(b.size(name)));
    let x = b.param("x", Scalar::F32, &[m.clone(), n.clone()]);
    let total = b.local("total", Scalar::F32, &[]);
    let row = b.local("row", Scalar::F32, std::slice::from_ref(&n));
    let out = b.local("out", Scalar::F32, &[m.clone(), n.clone()]);
    let i = b.axis(m);
    let ei = b.at(i);
    let (lo, hi) = (b.int(0), b.size_value(n.clone()));
    let axis = b.reduce_axis(lo, hi, 1);
    let k = b.at(axis.axis);
    let element = b.load(x, &[ei, k]);
    let sum = b.reduce(ReduceOp::Sum, vec![axis], element, FoldOrder::Lanes16);
    let j = b.axis(n.clone());
    let ej = b.at(j);
    let (element, held) = (b.load(x, &[ei, ej]), b.load(total, &[]));
    let scaled = b.op(Op::Mul, &[element, held]);
    let l = b.axis(n);
    let (el, one) = (b.at(l), b.int(1));
    let last = b.op(Op::Sub, &[hi, one]);
    let mirrored = b.op(Op::Sub, &[last, el]);
    // The first element of the row does not depend on any axis, but must be read after the row is written.
    let (element, first) = (b.load(row, &[mirrored]), b.load(row, &[lo]));
    let value = b.op(Op::Add, &[element, first]);
    let origin = b.origin;
    let stage = |tensor, axes: &[_], value| Stage {
        tensors: vec![tensor],
        axes: axes.to_vec(),
        body: StageBody::Map(vec![value]),
        guard: None,
        binding: Binding::Call,
        origin,
    };
    let stages = vec![stage(total, &[i], sum), stage(row, &[i, j], scaled), stage(out, &[i, l], value)];
    let private = vec![total, row];
    let group = Group { axes: vec![i], rings: Vec::new(), stages, private, binding: Binding::Call, origin };
    b.result(out);

    // The evaluator does not know groups: it gets the same stages by themselves.
    let grouped = {
        let mut grouped = b.program.clone();
        grouped.pipelines[0].body.stmts.push(Stmt::Group(group));
        grouped
    };
    for (rows, columns) in [(3, 20), (2, 1), (2, 0), (0, 4)] {
        let x: Vec<f32> = ramp(rows * columns);
        let mut expected = Vec::new();
        for row in x.chunks(columns.max(1) as usize).take(rows as usize) {
            let mut partials = [0f32; 16];
            row.iter().enumerate().for_each(|(n, value)| partials[n % 16] += value);
            for half in [8, 4, 2, 1] {
                (0..half).for_each(|l| partials[l] += partials[l + half]);
            }
            let scaled: Vec<f32> = row.iter().map(|value| value * partials[0]).collect();
            expected.extend(scaled.iter().rev().map(|value| value + scaled[0]));
        }
        let expected = [f32s(&[rows, columns], &expected)];
        super::agree_with(&grouped, &[f32s(&[rows, columns], &x)], &Ok(expected.to_vec()));
    }
}
