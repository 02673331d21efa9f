//! What reducers mean: result type, identity, how two values combine, which value an arg reduction keeps.
//!
//! `count` combines `i32`s: its elements are `bool`s counted as 0 or 1. `argmax` and `argmin` give positions;
//! what they compare are elements, the first NaN wins, then the first of equals.

use super::eval::{Binary, binary};
use super::{Op, ReduceOp};
use crate::types::{Const, Scalar};

/// The type of the result for elements of type `elem`; `None` if the reducer does not take them.
/// Integers narrower than 32 bits have no `sum` and `prod` (the front end suggests the cast).
pub fn result(op: ReduceOp, elem: Scalar) -> Option<Scalar> {
    match op {
        ReduceOp::Sum | ReduceOp::Prod => {
            (elem != Scalar::Bool && elem != Scalar::F16 && elem.bytes() >= 4).then_some(elem)
        }
        ReduceOp::Max | ReduceOp::Min => (elem != Scalar::Bool && elem != Scalar::F16).then_some(elem),
        ReduceOp::Any | ReduceOp::All => (elem == Scalar::Bool).then_some(Scalar::Bool),
        ReduceOp::Count => (elem == Scalar::Bool).then_some(Scalar::I32),
        ReduceOp::ArgMax | ReduceOp::ArgMin => (elem != Scalar::Bool && elem != Scalar::F16).then_some(Scalar::I32),
    }
}

/// The value of the reduction of nothing, and the start of every partial result. `None` for arg reductions,
/// which fail on nothing.
pub fn identity(op: ReduceOp, elem: Scalar) -> Option<Const> {
    let number = |float: f64, int: i128| match elem {
        Scalar::F32 => Const::f32(float as f32),
        Scalar::F64 => Const::f64(float),
        _ => Const::int(elem, int),
    };
    let (least, greatest) = elem.int_range().unwrap_or((0, 0));
    Some(match op {
        ReduceOp::Sum => number(0.0, 0),
        ReduceOp::Prod => number(1.0, 1),
        ReduceOp::Max => number(f64::NEG_INFINITY, least),
        ReduceOp::Min => number(f64::INFINITY, greatest),
        ReduceOp::Any => Const::bool(false),
        ReduceOp::All => Const::bool(true),
        ReduceOp::Count => Const::i32(0),
        ReduceOp::ArgMax | ReduceOp::ArgMin => return None,
    })
}

/// The operation that combines the result so far (first) with the next value (second), both of the result's type.
/// `None` for arg reductions.
pub fn combine(op: ReduceOp) -> Option<Op> {
    match op {
        ReduceOp::Sum | ReduceOp::Count => Some(Op::Add),
        ReduceOp::Prod => Some(Op::Mul),
        ReduceOp::Max => Some(Op::Max),
        ReduceOp::Min => Some(Op::Min),
        ReduceOp::Any => Some(Op::Or),
        ReduceOp::All => Some(Op::And),
        ReduceOp::ArgMax | ReduceOp::ArgMin => None,
    }
}

/// For `argmax` and `argmin`: whether a later element (second) replaces the best so far (first), as 0 or 1.
/// `None` for other reducers and for types that they do not take.
pub fn replaces(op: ReduceOp, elem: Scalar) -> Option<Binary> {
    let (float32, float64): (Binary, Binary) = match op {
        ReduceOp::ArgMax => (|a, b| wins32(a, b, |x, y| x < y), |a, b| wins64(a, b, |x, y| x < y)),
        ReduceOp::ArgMin => (|a, b| wins32(a, b, |x, y| y < x), |a, b| wins64(a, b, |x, y| y < x)),
        _ => return None,
    };
    match elem {
        Scalar::F32 => Some(float32),
        Scalar::F64 => Some(float64),
        Scalar::Bool | Scalar::F16 => None,
        _ => binary(if op == ReduceOp::ArgMax { Op::Lt } else { Op::Gt }, elem),
    }
}

fn wins32(best: u64, next: u64, better: fn(f32, f32) -> bool) -> u64 {
    let (best, next) = (f32::from_bits(best as u32), f32::from_bits(next as u32));
    u64::from(!best.is_nan() && (next.is_nan() || better(best, next)))
}

fn wins64(best: u64, next: u64, better: fn(f64, f64) -> bool) -> u64 {
    let (best, next) = (f64::from_bits(best), f64::from_bits(next));
    u64::from(!best.is_nan() && (next.is_nan() || better(best, next)))
}
