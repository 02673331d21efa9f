//! The fold order `Lanes16`, in the lengths where something happens.

use super::agree;
use crate::ops::ReduceOp;
use crate::size::Size;
use crate::tensor::FoldOrder;
use crate::tensor::eval::tests::build::{Build, f32s};
use crate::types::Scalar;

fn values(count: i64) -> Vec<f32> {
    (0..count).map(|n| ((n * 7919 % 1009) as f32 - 500.0) * 1.000_1e-3 * (1 + n % 7) as f32).collect()
}

#[test]
fn sums_of_any_length() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, std::slice::from_ref(&n));
    let out = b.local("out", Scalar::F32, &[]);
    let sum = b.reduce_all(ReduceOp::Sum, x, FoldOrder::Lanes16);
    b.map(out, &[], sum);
    b.result(out);
    for count in [0, 1, 3, 15, 16, 17, 31, 100, 65_535, 65_536, 65_537, 131_100] {
        agree(&b, &[f32s(&[count], &values(count))]);
    }
    agree(&b, &[f32s(&[2], &[-0.0, -0.0])]);
}

#[test]
fn short_ranges_are_written_out() {
    for count in [0, 1, 2, 3, 8, 9, 16] {
        for op in [ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max] {
            let mut b = Build::new();
            let x = b.param("x", Scalar::F32, &[Size::constant(count)]);
            let out = b.local("out", Scalar::F32, &[]);
            let sum = b.reduce_all(op, x, FoldOrder::Lanes16);
            b.map(out, &[], sum);
            b.result(out);
            let text = agree(&b, &[f32s(&[count], &values(count))]);
            assert!(!text.contains("for "), "{text}");
            agree(&b, &[f32s(&[count], &vec![-0.0; count as usize])]);
        }
    }
}

/// A stepped range from the middle, with a body that contains another such sum.
#[test]
fn nested_sums() {
    let mut b = Build::new();
    let [n, m] = ["N", "M"].map(|name| Size::from(b.size(name)));
    let x = b.param("x", Scalar::F32, &[n.clone(), m.clone()]);
    let out = b.local("out", Scalar::F32, &[]);
    let (lo, hi) = (b.int(1), b.size_value(n));
    let rows = b.reduce_axis(lo, hi, 3);
    let (lo, hi) = (b.int(0), b.size_value(m));
    let columns = b.reduce_axis(lo, hi, 1);
    let [i, j] = [rows.axis, columns.axis].map(|axis| b.at(axis));
    let element = b.load(x, &[i, j]);
    let inner = b.reduce(ReduceOp::Sum, vec![columns], element, FoldOrder::Lanes16);
    let outer = b.reduce(ReduceOp::Sum, vec![rows], inner, FoldOrder::Lanes16);
    b.map(out, &[], outer);
    b.result(out);
    for (rows, columns) in [(70, 33), (0, 5), (1, 5), (2, 0), (60, 1)] {
        agree(&b, &[f32s(&[rows, columns], &values(rows * columns))]);
    }
}
