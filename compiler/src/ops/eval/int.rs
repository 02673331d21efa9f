//! Integer operations of every width, on canonical bits (sign- or zero-extended to 64).
//!
//! Each is computed on 64 bits and wrapped to the width, which is right for all operations here because the
//! operands are canonical.

use super::{Binary, Unary};
use crate::ops::Op;

/// The canonical form of the low `BITS` bits.
#[inline(always)]
pub(super) fn wrap<const BITS: u32, const SIGNED: bool>(value: u64) -> u64 {
    let unused = 64 - BITS;
    if SIGNED { (((value << unused) as i64) >> unused) as u64 } else { (value << unused) >> unused }
}

/// The low `BITS` bits, zero-extended.
#[inline(always)]
fn low<const BITS: u32>(value: u64) -> u64 {
    wrap::<BITS, false>(value)
}

#[inline(always)]
fn less<const SIGNED: bool>(a: u64, b: u64) -> bool {
    if SIGNED { (a as i64) < (b as i64) } else { a < b }
}

/// Quotient toward minus infinity; MIN / -1 wraps.
#[inline(always)]
fn floor_div<const SIGNED: bool>(a: u64, b: u64) -> u64 {
    if !SIGNED {
        return a / b;
    }
    let (a, b) = (a as i64, b as i64);
    let (quotient, remainder) = (a.wrapping_div(b), a.wrapping_rem(b));
    (if remainder != 0 && (remainder < 0) != (b < 0) { quotient - 1 } else { quotient }) as u64
}

/// Remainder with the divisor's sign.
#[inline(always)]
fn floor_rem<const SIGNED: bool>(a: u64, b: u64) -> u64 {
    if !SIGNED {
        return a % b;
    }
    let (a, b) = (a as i64, b as i64);
    let remainder = a.wrapping_rem(b);
    (if remainder != 0 && (remainder < 0) != (b < 0) { remainder + b } else { remainder }) as u64
}

/// One-operand operations.
pub(super) fn unary<const BITS: u32, const SIGNED: bool>(op: Op) -> Option<Unary> {
    Some(match op {
        Op::Neg => |a| wrap::<BITS, SIGNED>(a.wrapping_neg()),
        Op::BitNot => |a| wrap::<BITS, SIGNED>(!a),
        Op::Abs => |a| if SIGNED { wrap::<BITS, SIGNED>((a as i64).unsigned_abs()) } else { a },
        // `u32` and `u64` only; a float's bits are its canonical form.
        Op::FromBits => |a| a,
        // Counts are at most 64; an `i8` holds that.
        Op::Clz => |a| u64::from(low::<BITS>(a).leading_zeros() - (64 - BITS)),
        Op::Ctz => |a| u64::from(low::<BITS>(a).trailing_zeros().min(BITS)),
        Op::Popcount => |a| u64::from(low::<BITS>(a).count_ones()),
        _ => return None,
    })
}

/// Two-operand operations.
pub(super) fn binary<const BITS: u32, const SIGNED: bool>(op: Op) -> Option<Binary> {
    Some(match op {
        Op::Add => |a, b| wrap::<BITS, SIGNED>(a.wrapping_add(b)),
        Op::Sub => |a, b| wrap::<BITS, SIGNED>(a.wrapping_sub(b)),
        Op::Mul => |a, b| wrap::<BITS, SIGNED>(a.wrapping_mul(b)),
        Op::Div => |a, b| wrap::<BITS, SIGNED>(floor_div::<SIGNED>(a, b)),
        Op::Rem => |a, b| floor_rem::<SIGNED>(a, b),
        Op::TruncDiv => {
            |a, b| if SIGNED { wrap::<BITS, SIGNED>((a as i64).wrapping_div(b as i64) as u64) } else { a / b }
        }
        Op::TruncRem => |a, b| if SIGNED { (a as i64).wrapping_rem(b as i64) as u64 } else { a % b },
        Op::Min => |a, b| if less::<SIGNED>(b, a) { b } else { a },
        Op::Max => |a, b| if less::<SIGNED>(a, b) { b } else { a },
        Op::And => |a, b| a & b,
        Op::Or => |a, b| a | b,
        Op::Xor => |a, b| a ^ b,
        Op::Shl => |a, b| wrap::<BITS, SIGNED>(a << (b & u64::from(BITS - 1))),
        Op::Shr => |a, b| {
            let count = b & u64::from(BITS - 1);
            if SIGNED { ((a as i64) >> count) as u64 } else { a >> count }
        },
        Op::Eq => |a, b| u64::from(a == b),
        Op::Ne => |a, b| u64::from(a != b),
        Op::Lt => |a, b| u64::from(less::<SIGNED>(a, b)),
        Op::Le => |a, b| u64::from(!less::<SIGNED>(b, a)),
        Op::Gt => |a, b| u64::from(less::<SIGNED>(b, a)),
        Op::Ge => |a, b| u64::from(!less::<SIGNED>(a, b)),
        _ => return None,
    })
}
