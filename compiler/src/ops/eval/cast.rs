//! What casts mean, and the conversions of `f16`.
//!
//! Integers wrap. Floats to integers truncate and saturate, NaN gives 0. Integers to floats and floats to
//! narrower floats round once, to nearest even. To `bool`: whether the value is not zero (so NaN gives true).
//! `f16` is reached through `f32` only, in both directions: a cast of another type to `f16` rounds to `f32` first,
//! just as a stage whose value is an `f32` rounds when it is stored.

use super::Unary;
use super::float::{NAN32, NAN64};
use super::int::wrap;
use crate::types::{Const, Scalar};

/// Casts a value: integers wrap, floats to integers truncate and saturate (NaN gives 0), floats round to even.
/// A NaN becomes the canonical quiet NaN.
pub fn cast(to: Scalar, value: Const) -> Const {
    Const { ty: to, bits: canonical(to, cast_fn(value.ty, to)(value.bits)) }
}

/// The canonical bits of a result: the canonical quiet NaN for any NaN, everything else as it is.
#[inline(always)]
pub fn canonical(ty: Scalar, bits: u64) -> u64 {
    match ty {
        Scalar::F16 if bits & 0x7fff > 0x7c00 => 0x7e00,
        Scalar::F32 if f32::from_bits(bits as u32).is_nan() => u64::from(NAN32),
        Scalar::F64 if f64::from_bits(bits).is_nan() => NAN64,
        _ => bits,
    }
}

/// The function that casts canonical bits of `from` to canonical bits of `to`; NaNs may be any.
pub fn cast_fn(from: Scalar, to: Scalar) -> Unary {
    match from {
        Scalar::F16 => match to {
            Scalar::Bool => |a| from_f32(Scalar::Bool)(widen(a)),
            Scalar::I8 => |a| from_f32(Scalar::I8)(widen(a)),
            Scalar::U8 => |a| from_f32(Scalar::U8)(widen(a)),
            Scalar::I16 => |a| from_f32(Scalar::I16)(widen(a)),
            Scalar::U16 => |a| from_f32(Scalar::U16)(widen(a)),
            Scalar::I32 => |a| from_f32(Scalar::I32)(widen(a)),
            Scalar::U32 => |a| from_f32(Scalar::U32)(widen(a)),
            Scalar::I64 => |a| from_f32(Scalar::I64)(widen(a)),
            Scalar::U64 => |a| from_f32(Scalar::U64)(widen(a)),
            Scalar::F16 => |a| a,
            Scalar::F32 => widen,
            Scalar::F64 => |a| f64::from(f16_to_f32(a as u16)).to_bits(),
        },
        Scalar::F32 => from_f32(to),
        Scalar::F64 => from_f64(to),
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => from_signed(to),
        Scalar::Bool | Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => from_unsigned(to),
    }
}

fn widen(bits: u64) -> u64 {
    u64::from(f16_to_f32(bits as u16).to_bits())
}

fn narrow(value: f32) -> u64 {
    u64::from(f16_from_f32(value))
}

/// Canonical integers are 64-bit integers already, so only the target matters.
fn wrapping(to: Scalar) -> Option<Unary> {
    Some(match to {
        Scalar::Bool => |a| u64::from(a != 0),
        Scalar::I8 => wrap::<8, true>,
        Scalar::U8 => wrap::<8, false>,
        Scalar::I16 => wrap::<16, true>,
        Scalar::U16 => wrap::<16, false>,
        Scalar::I32 => wrap::<32, true>,
        Scalar::U32 => wrap::<32, false>,
        Scalar::I64 | Scalar::U64 => |a| a,
        Scalar::F16 | Scalar::F32 | Scalar::F64 => return None,
    })
}

fn from_signed(to: Scalar) -> Unary {
    match to {
        Scalar::F16 => |a| narrow(a as i64 as f32),
        Scalar::F32 => |a| u64::from((a as i64 as f32).to_bits()),
        Scalar::F64 => |a| (a as i64 as f64).to_bits(),
        _ => wrapping(to).expect("floats are above"),
    }
}

fn from_unsigned(to: Scalar) -> Unary {
    match to {
        Scalar::F16 => |a| narrow(a as f32),
        Scalar::F32 => |a| u64::from((a as f32).to_bits()),
        Scalar::F64 => |a| (a as f64).to_bits(),
        _ => wrapping(to).expect("floats are above"),
    }
}

fn from_f32(to: Scalar) -> Unary {
    match to {
        Scalar::Bool => |a| u64::from(f32::from_bits(a as u32) != 0.0),
        Scalar::I8 => |a| f32::from_bits(a as u32) as i8 as i64 as u64,
        Scalar::U8 => |a| f32::from_bits(a as u32) as u8 as u64,
        Scalar::I16 => |a| f32::from_bits(a as u32) as i16 as i64 as u64,
        Scalar::U16 => |a| f32::from_bits(a as u32) as u16 as u64,
        Scalar::I32 => |a| f32::from_bits(a as u32) as i32 as i64 as u64,
        Scalar::U32 => |a| f32::from_bits(a as u32) as u32 as u64,
        Scalar::I64 => |a| f32::from_bits(a as u32) as i64 as u64,
        Scalar::U64 => |a| f32::from_bits(a as u32) as u64,
        Scalar::F16 => |a| narrow(f32::from_bits(a as u32)),
        Scalar::F32 => |a| a,
        Scalar::F64 => |a| f64::from(f32::from_bits(a as u32)).to_bits(),
    }
}

fn from_f64(to: Scalar) -> Unary {
    match to {
        Scalar::Bool => |a| u64::from(f64::from_bits(a) != 0.0),
        Scalar::I8 => |a| f64::from_bits(a) as i8 as i64 as u64,
        Scalar::U8 => |a| f64::from_bits(a) as u8 as u64,
        Scalar::I16 => |a| f64::from_bits(a) as i16 as i64 as u64,
        Scalar::U16 => |a| f64::from_bits(a) as u16 as u64,
        Scalar::I32 => |a| f64::from_bits(a) as i32 as i64 as u64,
        Scalar::U32 => |a| f64::from_bits(a) as u32 as u64,
        Scalar::I64 => |a| f64::from_bits(a) as i64 as u64,
        Scalar::U64 => |a| f64::from_bits(a) as u64,
        Scalar::F16 => |a| narrow(f64::from_bits(a) as f32),
        Scalar::F32 => |a| u64::from((f64::from_bits(a) as f32).to_bits()),
        Scalar::F64 => |a| a,
    }
}

/// Rounds to the nearest `f16`, ties to even; overflow gives infinity, NaN the canonical quiet NaN.
pub fn f16_from_f32(value: f32) -> u16 {
    let sign = ((value.to_bits() >> 16) & 0x8000) as u16;
    let magnitude = value.to_bits() & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return 0x7e00;
    }
    // 65,520 is half way between the greatest f16 and 2^16: from there on it rounds to infinity.
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    if magnitude < 0x3880_0000 {
        // Below 2^-14 the unit is 2^-24, which is that of an f32 in [0.5, 1): the addition does the rounding.
        let sum = f32::from_bits(magnitude) + 0.5;
        return sign | (sum.to_bits() - 0.5f32.to_bits()) as u16;
    }
    // 13 bits go: add just under half of a unit, or half if the last kept bit is odd; a carry raises the exponent.
    let odd = (magnitude >> 13) & 1;
    sign | ((magnitude - (112 << 23) + 0xfff + odd) >> 13) as u16
}

/// The `f32` of the same value.
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff);
    let value = if magnitude >= 0x7c00 {
        f32::from_bits((magnitude << 13) + (224 << 23))
    } else if magnitude >= 0x400 {
        f32::from_bits((magnitude << 13) + (112 << 23))
    } else {
        // Subnormal: an integer number of 2^-24.
        magnitude as f32 * f32::from_bits((127 - 24) << 23)
    };
    f32::from_bits(value.to_bits() | sign)
}
