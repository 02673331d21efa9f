//! Float reductions add up in the stated order: compared with the definition written out.

use super::build::{Build, as_f32, f32s};
use crate::size::Size;
use crate::tensor::*;
use crate::types::Scalar;

fn values(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 65536.0 - 100.0
    };
    (0..count).map(|_| next()).collect()
}

fn fold_lanes(values: &[f32], identity: f32, op: fn(f32, f32) -> f32) -> f32 {
    let chunk = |chunk: &[f32]| {
        let mut partial = [identity; 16];
        for (n, value) in chunk.iter().enumerate() {
            partial[n % 16] = op(partial[n % 16], *value);
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                partial[lane] = op(partial[lane], partial[lane + half]);
            }
        }
        partial[0]
    };
    let mut chunks = values.chunks(65_536).map(chunk);
    chunks.next().map_or_else(|| chunk_of_nothing(identity, op), |first| chunks.fold(first, op))
}

fn chunk_of_nothing(identity: f32, op: fn(f32, f32) -> f32) -> f32 {
    op(op(op(op(identity, identity), op(identity, identity)), identity), identity)
}

fn max(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        f32::NAN
    } else if a < b {
        b
    } else {
        a
    }
}

fn reduction(op: ReduceOp, order: FoldOrder) -> Build {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, &[n]);
    let out = b.local("out", Scalar::F32, &[]);
    let value = b.reduce_all(op, x, order);
    b.map(out, &[], value);
    b.result(out);
    b
}

fn run(b: &Build, values: &[f32]) -> u32 {
    as_f32(&b.run(&[f32s(&[values.len() as i64], values)]).unwrap()[0])[0].to_bits()
}

#[test]
fn sums_in_lanes_and_chunks() {
    let lanes = reduction(ReduceOp::Sum, FoldOrder::Lanes16);
    let serial = reduction(ReduceOp::Sum, FoldOrder::Serial);
    let product = reduction(ReduceOp::Prod, FoldOrder::Lanes16);
    let mut differ = 0;
    for count in [0, 1, 15, 16, 17, 100, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let values = values(count);
        let expected = fold_lanes(&values, 0.0, |a, b| a + b);
        assert_eq!(run(&lanes, &values), expected.to_bits(), "{count}");
        let in_order = values.iter().fold(0.0f32, |a, b| a + b);
        assert_eq!(run(&serial, &values), in_order.to_bits(), "{count}");
        differ += usize::from(expected != in_order);
        let near_one: Vec<f32> = values.iter().map(|v| 1.0 + v / 65_536.0).collect();
        assert_eq!(run(&product, &near_one), fold_lanes(&near_one, 1.0, |a, b| a * b).to_bits());
    }
    assert!(differ > 4, "the test does not tell the orders apart");
    assert_eq!(run(&lanes, &[-0.0]), 0.0f32.to_bits());
}

#[test]
fn greatest_values_keep_nan_and_the_sign_of_zero() {
    let greatest = reduction(ReduceOp::Max, FoldOrder::Lanes16);
    for zeros in [[0.0, -0.0], [-0.0, 0.0]] {
        let mut list = [-1.0; 40];
        list[3] = zeros[0];
        list[8] = zeros[1];
        assert_eq!(run(&greatest, &list), fold_lanes(&list, f32::NEG_INFINITY, max).to_bits());
    }
    assert_eq!(run(&greatest, &[]), f32::NEG_INFINITY.to_bits());
    assert_eq!(run(&greatest, &[1.0, f32::from_bits(0xff80_0001), 2.0]), 0x7fc0_0000);
    let least = reduction(ReduceOp::Min, FoldOrder::Serial);
    assert_eq!(run(&least, &[]), f32::INFINITY.to_bits());
    assert_eq!(run(&least, &[0.0, -0.0]), 0.0f32.to_bits());
}

/// Positions count from the lower bound: `sum k in 3..n by 5`.
#[test]
fn lanes_count_from_the_lower_bound() {
    let mut b = Build::new();
    let n = Size::from(b.size("N"));
    let x = b.param("x", Scalar::F32, std::slice::from_ref(&n));
    let out = b.local("out", Scalar::F32, &[]);
    let (lo, hi) = (b.int(3), b.size_value(n));
    let axis = b.reduce_axis(lo, hi, 5);
    let k = b.at(axis.axis);
    let body = b.load(x, &[k]);
    let sum = b.reduce(ReduceOp::Sum, vec![axis], body, FoldOrder::Lanes16);
    b.map(out, &[], sum);
    b.result(out);
    let values = values(1000);
    let taken: Vec<f32> = values.iter().copied().skip(3).step_by(5).collect();
    assert_eq!(run(&b, &values), fold_lanes(&taken, 0.0, |a, b| a + b).to_bits());
}

#[test]
fn counts_and_quantifiers() {
    for (op, expected) in [(ReduceOp::Count, 2), (ReduceOp::Any, 1), (ReduceOp::All, 0)] {
        let mut b = Build::new();
        let x = b.param("x", Scalar::Bool, &[Size::constant(4)]);
        let ty = crate::ops::fold::result(op, Scalar::Bool).unwrap();
        let out = b.local("out", ty, &[]);
        let value = b.reduce_all(op, x, FoldOrder::Any);
        b.map(out, &[], value);
        b.result(out);
        let input = super::TensorValue { elem: Scalar::Bool, dims: vec![4], bytes: vec![0, 1, 1, 0] };
        assert_eq!(b.run(&[input]).unwrap()[0].bytes[0], expected, "{}", op.name());
    }
}
