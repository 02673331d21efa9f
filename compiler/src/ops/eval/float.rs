//! Float operations on canonical bits: `f32` in the low half, `f64` in all of it.
//!
//! The two types have the same rows, written once per type because Rust's float functions have no common trait.

use super::{Binary, Unary};
use crate::ops::Op;

/// The canonical quiet NaN of `f32`.
pub(super) const NAN32: u32 = 0x7fc0_0000;
/// The canonical quiet NaN of `f64`.
pub(super) const NAN64: u64 = 0x7ff8_0000_0000_0000;

const SIGN32: u32 = 1 << 31;
const SIGN64: u64 = 1 << 63;

#[inline(always)]
fn f32(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

#[inline(always)]
fn b32(value: f32) -> u64 {
    u64::from(value.to_bits())
}

#[inline(always)]
fn f64(bits: u64) -> f64 {
    f64::from_bits(bits)
}

#[inline(always)]
fn b64(value: f64) -> u64 {
    value.to_bits()
}

/// One-operand operations on `f32`.
pub(super) fn unary32(op: Op) -> Option<Unary> {
    Some(match op {
        Op::Neg => |a| a ^ u64::from(SIGN32),
        Op::Abs => |a| a & u64::from(!SIGN32),
        Op::Sqrt => |a| b32(f32(a).sqrt()),
        Op::Floor => |a| b32(f32(a).floor()),
        Op::Ceil => |a| b32(f32(a).ceil()),
        Op::Trunc => |a| b32(f32(a).trunc()),
        Op::Round => |a| b32(f32(a).round_ties_even()),
        Op::Bits => |a| if f32(a).is_nan() { u64::from(NAN32) } else { a },
        _ => return None,
    })
}

/// One-operand operations on `f64`.
pub(super) fn unary64(op: Op) -> Option<Unary> {
    Some(match op {
        Op::Neg => |a| a ^ SIGN64,
        Op::Abs => |a| a & !SIGN64,
        Op::Sqrt => |a| b64(f64(a).sqrt()),
        Op::Floor => |a| b64(f64(a).floor()),
        Op::Ceil => |a| b64(f64(a).ceil()),
        Op::Trunc => |a| b64(f64(a).trunc()),
        Op::Round => |a| b64(f64(a).round_ties_even()),
        Op::Bits => |a| if f64(a).is_nan() { NAN64 } else { a },
        _ => return None,
    })
}

/// Two-operand operations on `f32`.
pub(super) fn binary32(op: Op) -> Option<Binary> {
    Some(match op {
        Op::Add => |a, b| b32(f32(a) + f32(b)),
        Op::Sub => |a, b| b32(f32(a) - f32(b)),
        Op::Mul => |a, b| b32(f32(a) * f32(b)),
        Op::Div => |a, b| b32(f32(a) / f32(b)),
        Op::Min => |a, b| {
            let (x, y) = (f32(a), f32(b));
            if y < x || y.is_nan() { b } else { a }
        },
        Op::Max => |a, b| {
            let (x, y) = (f32(a), f32(b));
            if x < y || y.is_nan() { b } else { a }
        },
        Op::CopySign => |a, b| {
            let sign = if f32(b).is_nan() { 0 } else { b & u64::from(SIGN32) };
            (a & u64::from(!SIGN32)) | sign
        },
        Op::Eq => |a, b| u64::from(f32(a) == f32(b)),
        Op::Ne => |a, b| u64::from(f32(a) != f32(b)),
        Op::Lt => |a, b| u64::from(f32(a) < f32(b)),
        Op::Le => |a, b| u64::from(f32(a) <= f32(b)),
        Op::Gt => |a, b| u64::from(f32(a) > f32(b)),
        Op::Ge => |a, b| u64::from(f32(a) >= f32(b)),
        _ => return None,
    })
}

/// Two-operand operations on `f64`.
pub(super) fn binary64(op: Op) -> Option<Binary> {
    Some(match op {
        Op::Add => |a, b| b64(f64(a) + f64(b)),
        Op::Sub => |a, b| b64(f64(a) - f64(b)),
        Op::Mul => |a, b| b64(f64(a) * f64(b)),
        Op::Div => |a, b| b64(f64(a) / f64(b)),
        Op::Min => |a, b| {
            let (x, y) = (f64(a), f64(b));
            if y < x || y.is_nan() { b } else { a }
        },
        Op::Max => |a, b| {
            let (x, y) = (f64(a), f64(b));
            if x < y || y.is_nan() { b } else { a }
        },
        Op::CopySign => |a, b| {
            let sign = if f64(b).is_nan() { 0 } else { b & SIGN64 };
            (a & !SIGN64) | sign
        },
        Op::Eq => |a, b| u64::from(f64(a) == f64(b)),
        Op::Ne => |a, b| u64::from(f64(a) != f64(b)),
        Op::Lt => |a, b| u64::from(f64(a) < f64(b)),
        Op::Le => |a, b| u64::from(f64(a) <= f64(b)),
        Op::Gt => |a, b| u64::from(f64(a) > f64(b)),
        Op::Ge => |a, b| u64::from(f64(a) >= f64(b)),
        _ => return None,
    })
}
