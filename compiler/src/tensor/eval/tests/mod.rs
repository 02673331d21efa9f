//! Tests of the evaluator on hand-built Tensor IR: what it computes, and what it refuses.

pub mod build;
mod fold_order;
mod refusals;

use super::{EvalError, TensorValue, run_build};
use crate::ops::Op;
use crate::size::{DimExpr, Size};
use crate::tensor::*;
use crate::types::Scalar;
use build::{Build, as_f32, f32s, i32s};

#[test]
fn a_matrix_product_of_symbolic_sizes() {
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
    let x = f32s(&[2, 3], &[1., 2., 3., 4., 5., 6.]);
    let y = f32s(&[3, 2], &[1., 0., 0., 1., 10., 100.]);
    assert_eq!(b.run(&[x, y]).unwrap(), [f32s(&[2, 2], &[31., 302., 64., 605.])]);
    // K = 0: the sums are empty; M = 0: there is nothing to sum.
    let empty = b.run(&[f32s(&[1, 0], &[]), f32s(&[0, 2], &[])]).unwrap();
    assert_eq!(empty, [f32s(&[1, 2], &[0., 0.])]);
    assert_eq!(b.run(&[f32s(&[0, 1], &[]), f32s(&[1, 2], &[1., 2.])]).unwrap(), [f32s(&[0, 2], &[])]);
}

/// `for i { if i + d < n { x[i + d] } else { -1 } }` with a load that is only valid in its arm, and the same
/// in a sum whose range depends on `i`.
#[test]
fn arms_are_evaluated_only_when_asked_for() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, std::slice::from_ref(&n));
    let d = b.param("d", Scalar::I32, &[]);
    let out = b.local("out", Scalar::F32, std::slice::from_ref(&n));
    let i = b.axis(n.clone());
    let (ei, ed, en) = (b.at(i), b.load(d, &[]), b.size_value(n));
    let index = b.op(Op::Add, &[ei, ed]);
    let inside = b.op(Op::Lt, &[index, en]);
    let (value, other) = (b.load(x, &[index]), b.float(-1.0));
    let shifted = b.select(inside, value, other);
    // sum k in i..d { x[d - 1] }: the load does not use k, but is valid only if there is a k.
    let axis = b.reduce_axis(ei, ed, 1);
    let one = b.int(1);
    let last = b.op(Op::Sub, &[ed, one]);
    let load = b.load(x, &[last]);
    let sum = b.reduce(ReduceOp::Sum, vec![axis], load, FoldOrder::Serial);
    let total = b.op(Op::Add, &[shifted, sum]);
    b.map(out, &[i], total);
    b.result(out);
    let x = f32s(&[3], &[5., 6., 7.]);
    let run = |d: i32| as_f32(&b.run(&[x.clone(), i32s(&[], &[d])]).unwrap()[0]);
    assert_eq!(run(1), [6. + 5., 7., -1.]);
    assert_eq!(run(0), [5., 6., 7.]);
    assert_eq!(run(3), [-1. + 21., -1. + 14., -1. + 7.]);
}

#[test]
fn f16_widens_when_loaded_and_rounds_when_stored() {
    let mut b = Build::new();
    let x = b.param("x", Scalar::F16, &[Size::constant(3)]);
    let out = b.local("out", Scalar::F16, &[Size::constant(3)]);
    let i = b.axis(3);
    let ei = b.at(i);
    let (value, third) = (b.load(x, &[ei]), b.float(1.0 / 3.0));
    let product = b.op(Op::Mul, &[value, third]);
    b.map(out, &[i], product);
    b.result(out);
    // 1.0, NaN with a payload, 65504: a third of them is 0x3555, the canonical NaN, 21834.67 -> 21840.
    let halves = |bits: [u16; 3]| TensorValue {
        elem: Scalar::F16,
        dims: vec![3],
        bytes: bits.into_iter().flat_map(u16::to_le_bytes).collect(),
    };
    assert_eq!(b.run(&[halves([0x3c00, 0xfe01, 0x7bff])]).unwrap(), [halves([0x3555, 0x7e00, 0x7555])]);
}

#[test]
fn an_alias_has_the_same_elements_in_row_major_order() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::I32, &[n.clone(), Size::constant(2)]);
    let flat = b.local("flat", Scalar::I32, &[n.times_const(2)]);
    let origin = b.origin;
    b.p().body.stmts.push(Stmt::Alias { tensor: flat, of: x, binding: Binding::Call, origin });
    b.result(flat);
    let values = [1, 2, 3, 4, 5, 6];
    assert_eq!(b.run(&[i32s(&[3, 2], &values)]).unwrap(), [i32s(&[6], &values)]);
}

#[test]
fn prefixes_along_the_last_axis() {
    let mut b = Build::new();
    let x = b.param("x", Scalar::I32, &[Size::constant(2), Size::constant(3)]);
    let mut scans = Vec::new();
    for op in [ReduceOp::Sum, ReduceOp::Max] {
        let out = b.local("out", Scalar::I32, &[Size::constant(2), Size::constant(3)]);
        let (i, j) = (b.axis(2), b.axis(3));
        let (ei, ej) = (b.at(i), b.at(j));
        let expr = b.load(x, &[ei, ej]);
        let (body, origin) = (StageBody::Scan { op, expr }, b.origin);
        let stage = Stage { tensors: vec![out], axes: vec![i, j], body, guard: None, binding: Binding::Call, origin };
        b.p().body.stmts.push(Stmt::Stage(stage));
        b.result(out);
        scans.push(out);
    }
    let results = b.run(&[i32s(&[2, 3], &[1, 5, -2, -7, i32::MAX, 1])]).unwrap();
    // MAX - 7 + 1 does not wrap, but -7 + MAX + 1 = MAX - 6.
    assert_eq!(results[0], i32s(&[2, 3], &[1, 6, 4, -7, i32::MAX - 7, i32::MAX - 6]));
    assert_eq!(results[1], i32s(&[2, 3], &[1, 5, 5, -7, i32::MAX, i32::MAX]));
}

/// Two tensors of one stage, the second from a shared expression; `argmax` over two axes with both components.
#[test]
fn stages_of_several_tensors_and_positions_of_extremes() {
    let mut b = Build::new();
    let x = b.param("x", Scalar::F32, &[Size::constant(2), Size::constant(3)]);
    let (row, column) = (b.local("row", Scalar::I32, &[]), b.local("column", Scalar::I32, &[]));
    let (lo, two, three) = (b.int(0), b.int(2), b.int(3));
    let axes = vec![b.reduce_axis(lo, two, 1), b.reduce_axis(lo, three, 1)];
    let (ei, ej) = (b.at(axes[0].axis), b.at(axes[1].axis));
    let body = b.load(x, &[ei, ej]);
    let parts = [0, 1].map(|component| {
        let reduce = Reduce { op: ReduceOp::ArgMax, axes: axes.clone(), body, order: FoldOrder::Any, component };
        b.expr(Expr::Reduce(reduce), Scalar::I32)
    });
    let origin = b.origin;
    b.p().body.stmts.push(Stmt::Stage(Stage {
        tensors: vec![row, column],
        axes: Vec::new(),
        body: StageBody::Map(parts.to_vec()),
        guard: None,
        binding: Binding::Call,
        origin,
    }));
    b.result(row);
    b.result(column);
    let place = |values: &[f32]| {
        let results = b.run(&[f32s(&[2, 3], values)]).unwrap();
        (results[0].bytes[0], results[1].bytes[0])
    };
    assert_eq!(place(&[1., 2., 9., 3., 9., 0.]), (0, 2));
    assert_eq!(place(&[1., 2., 9., f32::NAN, 9., f32::NAN]), (1, 0));
    assert_eq!(place(&[f32::NEG_INFINITY; 6]), (0, 0));
    assert_eq!(place(&[-0., 0., -1., -2., 0., -0.]), (0, 0));
}

#[test]
fn sizes_come_from_shapes_and_scalars() {
    let mut b = Build::new();
    let (n, m) = (b.size("N"), b.size("M"));
    let width = Size::from(n).times_const(2).plus(&Size::from(m)).plus(&Size::constant(1));
    b.param("x", Scalar::U8, &[width, Size::from(m)]);
    let scale = b.param("scale", Scalar::F32, &[]);
    let var = b.program.names.new_scalar("scale");
    b.p().plan_scalars.push((var, scale));
    let wide = DimExpr::Cast(Scalar::F32, Box::new(DimExpr::Size(Size::from(n))));
    let extent =
        Size::dim(DimExpr::Op(Op::Ceil, vec![DimExpr::Op(Op::Mul, vec![wide, DimExpr::Scalar(var, Scalar::F32)])]));
    let out = b.local("out", Scalar::I32, std::slice::from_ref(&extent));
    let i = b.axis(extent);
    let (ei, en) = (b.at(i), b.size_value(Size::from(n)));
    let sum = b.op(Op::Add, &[ei, en]);
    b.map(out, &[i], sum);
    b.result(out);
    let bytes = |dims: &[i64]| TensorValue {
        elem: Scalar::U8,
        dims: dims.to_vec(),
        bytes: vec![7; 99][..(dims[0] * dims[1]) as usize].to_vec(),
    };
    // 2 * 3 + 2 + 1 = 9.
    assert_eq!(b.run(&[bytes(&[9, 2]), f32s(&[], &[1.1])]).unwrap(), [i32s(&[4], &[3, 4, 5, 6])]);
    let refused = b.run(&[bytes(&[10, 2]), f32s(&[], &[1.1])]);
    assert!(matches!(refused, Err(EvalError::Inputs(_))), "{refused:?}");
    let negative = b.run(&[bytes(&[9, 2]), f32s(&[], &[-1.0])]);
    assert!(matches!(negative, Err(EvalError::Size { .. })), "{negative:?}");
}

#[test]
fn build_time_statements_run_alone() {
    let mut b = Build::new();
    let table = b.constant(i32s(&[3], &[3, 1, 2]));
    let out = b.local("out", Scalar::I32, &[Size::constant(3)]);
    let i = b.axis(3);
    let ei = b.at(i);
    let inner = b.load(table, &[ei]);
    let square = b.op(Op::Mul, &[inner, inner]);
    b.map(out, &[i], square);
    if let Stmt::Stage(stage) = &mut b.p().body.stmts[0] {
        stage.binding = Binding::Build;
    }
    let later = b.local("later", Scalar::I32, &[]);
    let (one, zero) = (b.int(1), b.int(0));
    let never = b.op(Op::Div, &[one, zero]);
    b.map(later, &[], never);
    let values = run_build(&b.program.pipelines[0], &b.program.consts, &b.program.names, 1000).unwrap();
    assert_eq!(values, [(out, i32s(&[3], &[9, 1, 4]))]);
}
