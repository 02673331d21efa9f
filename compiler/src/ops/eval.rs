//! What each scalar operation means, to the bit: the table that the constant folder, the reference evaluator
//! and every test oracle share. Casts are in `eval/cast.rs`, reducers in `ops/fold.rs`.
//!
//! Operands are canonical bits (see [`Const`]) of one type that the operation takes; integer divisors are not
//! zero. No platform mathematics: only IEEE basic operations, which every target has too. A NaN result of
//! [`apply`] is the canonical quiet NaN; the functions behind [`unary`] and [`binary`] may give any NaN.

mod cast;
mod float;
mod int;

pub use cast::{canonical, cast, cast_fn, f16_from_f32, f16_to_f32};

use super::Op;
use crate::types::{Const, Scalar};

/// An operation of one operand on canonical bits.
pub type Unary = fn(u64) -> u64;
/// An operation of two operands on canonical bits.
pub type Binary = fn(u64, u64) -> u64;

/// The function of a one-operand operation on operands of type `ty`; `None` if there is none.
pub fn unary(op: Op, ty: Scalar) -> Option<Unary> {
    op.result(ty)?;
    match ty {
        Scalar::Bool => (op == Op::Not).then_some(|a| a ^ 1),
        Scalar::I8 => int::unary::<8, true>(op),
        Scalar::U8 => int::unary::<8, false>(op),
        Scalar::I16 => int::unary::<16, true>(op),
        Scalar::U16 => int::unary::<16, false>(op),
        Scalar::I32 => int::unary::<32, true>(op),
        Scalar::U32 => int::unary::<32, false>(op),
        Scalar::I64 => int::unary::<64, true>(op),
        Scalar::U64 => int::unary::<64, false>(op),
        Scalar::F16 => None,
        Scalar::F32 => float::unary32(op),
        Scalar::F64 => float::unary64(op),
    }
}

/// The function of a two-operand operation on operands of type `ty`; `None` if there is none.
pub fn binary(op: Op, ty: Scalar) -> Option<Binary> {
    op.result(ty)?;
    match ty {
        // A bool is 0 or 1, so the unsigned functions serve: `& | ^ == !=` keep to these values.
        Scalar::Bool | Scalar::U8 => int::binary::<8, false>(op),
        Scalar::I8 => int::binary::<8, true>(op),
        Scalar::I16 => int::binary::<16, true>(op),
        Scalar::U16 => int::binary::<16, false>(op),
        Scalar::I32 => int::binary::<32, true>(op),
        Scalar::U32 => int::binary::<32, false>(op),
        Scalar::I64 => int::binary::<64, true>(op),
        Scalar::U64 => int::binary::<64, false>(op),
        Scalar::F16 => None,
        Scalar::F32 => float::binary32(op),
        Scalar::F64 => float::binary64(op),
    }
}

/// Applies an operation to operands of one type that it takes.
pub fn apply(op: Op, args: &[Const]) -> Const {
    let ty = args[0].ty;
    let result = op.result(ty).unwrap_or_else(|| panic!("{} does not take {ty}", op.name()));
    let bits = match args {
        [a] => unary(op, ty).map(|f| f(a.bits)),
        [a, b] => {
            debug_assert_eq!(ty, b.ty, "operands of {} have one type", op.name());
            binary(op, ty).map(|f| f(a.bits, b.bits))
        }
        _ => None,
    };
    let bits = bits.unwrap_or_else(|| panic!("{} has {} operands", op.name(), op.arity()));
    Const { ty: result, bits: canonical(result, bits) }
}

#[cfg(test)]
mod tests;
