//! Casts, scalar and in lanes: integers wrap, floats to integers truncate and saturate, NaN gives 0, anything to
//! `bool` asks whether it is not zero.

use super::code::{Code, Ins};
use super::lanes::{self, by, extend_low_words, low_words_together, words};
use super::scalar::{self, val_type};
use super::vector;
use crate::types::Scalar;
use wasm_encoder::ValType;

/// Whether every value of `from` is one of `to`, both integers or `bool`.
fn contains(to: Scalar, from: Scalar) -> bool {
    match (to.int_range(), from.int_range()) {
        (Some((lo, hi)), Some((least, greatest))) => lo <= least && greatest <= hi,
        _ => false,
    }
}

/// Casts the scalar on the stack.
pub fn scalar(code: &mut Code, from: Scalar, to: Scalar) {
    if from == to {
        return;
    }
    let wide = to.bytes() == 8;
    match (from.is_float(), to.is_float()) {
        _ if to == Scalar::Bool => match val_type(from) {
            ValType::I64 => code.all([Ins::I64Const(0), Ins::I64Ne]),
            ValType::F32 => code.all([Ins::F32Const(0.0.into()), Ins::F32Ne]),
            ValType::F64 => code.all([Ins::F64Const(0.0.into()), Ins::F64Ne]),
            _ => code.all([Ins::I32Const(0), Ins::I32Ne]),
        },
        (false, false) => match (val_type(from), val_type(to)) {
            (ValType::I32, ValType::I64) => {
                code.ins(if from.is_signed() { Ins::I64ExtendI32S } else { Ins::I64ExtendI32U });
            }
            (ValType::I64, ValType::I32) => {
                code.ins(Ins::I32WrapI64);
                scalar::wrap(code, to);
            }
            (ValType::I32, ValType::I32) if !contains(to, from) => scalar::wrap(code, to),
            _ => {}
        },
        (false, true) => {
            let pick = |single: Ins, double: Ins| if wide { double } else { single };
            code.ins(match (val_type(from), from.is_signed()) {
                (ValType::I32, _) if from == Scalar::U32 => pick(Ins::F32ConvertI32U, Ins::F64ConvertI32U),
                // Whatever is narrower is a signed `i32` too.
                (ValType::I32, _) => pick(Ins::F32ConvertI32S, Ins::F64ConvertI32S),
                (_, true) => pick(Ins::F32ConvertI64S, Ins::F64ConvertI64S),
                (_, false) => pick(Ins::F32ConvertI64U, Ins::F64ConvertI64U),
            });
        }
        (true, false) => {
            let double = from == Scalar::F64;
            let pick = |single: Ins, other: Ins| if double { other } else { single };
            code.ins(match (wide, to.is_signed()) {
                (false, true) => pick(Ins::I32TruncSatF32S, Ins::I32TruncSatF64S),
                (false, false) => pick(Ins::I32TruncSatF32U, Ins::I32TruncSatF64U),
                (true, true) => pick(Ins::I64TruncSatF32S, Ins::I64TruncSatF64S),
                (true, false) => pick(Ins::I64TruncSatF32U, Ins::I64TruncSatF64U),
            });
            saturate(code, to);
        }
        (true, true) => code.ins(if to == Scalar::F64 { Ins::F64PromoteF32 } else { Ins::F32DemoteF64 }),
    }
}

/// Clamps the `i32` on the stack, signed or unsigned as `to` is, to the range of a narrower type.
fn saturate(code: &mut Code, to: Scalar) {
    if to.bits() >= 32 {
        return;
    }
    let (least, greatest) = to.int_range().expect("an integer type");
    let mut bound = |limit: i128, keep: Ins| {
        let value = code.copy(ValType::I32);
        code.i32(limit as i32);
        code.get(value);
        code.i32(limit as i32);
        code.all([keep, Ins::Select]);
        code.release([value]);
    };
    if to.is_signed() {
        bound(greatest, Ins::I32LtS);
        bound(least, Ins::I32GtS);
    } else {
        bound(greatest, Ins::I32LtU);
    }
}

/// Casts the vector on the stack; it has the same number of lanes before and after.
pub fn lanes(code: &mut Code, from: Scalar, to: Scalar, n: u8) {
    if from == to {
        return;
    }
    match (from.is_float(), to.is_float()) {
        _ if to == Scalar::Bool => {
            code.v128(0);
            match from {
                Scalar::F64 => code.ins(Ins::F64x2Ne),
                Scalar::F32 => vector::truth(code, Ins::F32x4Ne, false, n),
                _ => code.ins(by(n, Ins::I8x16Ne, Ins::I16x8Ne, Ins::I32x4Ne, Ins::I64x2Ne)),
            }
        }
        (false, false) => {
            if from == Scalar::Bool {
                number_of_bool(code, n);
            } else if !contains(to, from) {
                lanes::wrap(code, to, n);
            }
        }
        (false, true) => int_to_float(code, from, to, n),
        (true, false) => float_to_int(code, from, to, n),
        (true, true) if to == Scalar::F64 => {
            low_words_together(code);
            code.ins(Ins::F64x2PromoteLowF32x4);
        }
        (true, true) => code.all([Ins::F32x4DemoteF64x2Zero, Ins::I64x2ExtendLowI32x4U]),
    }
}

/// All ones become 1.
fn number_of_bool(code: &mut Code, n: u8) {
    code.ins(by(n, Ins::I8x16Neg, Ins::I16x8Neg, Ins::I32x4Neg, Ins::I64x2Neg));
}

fn int_to_float(code: &mut Code, from: Scalar, to: Scalar, n: u8) {
    if from == Scalar::Bool {
        number_of_bool(code, n);
    }
    let unsigned = from == Scalar::U32;
    match (from, to) {
        (Scalar::I64 | Scalar::U64, _) => {
            lanes::lane_by_lane(code, from, to, n, 1, |code| scalar(code, from, to));
        }
        // In 64-bit lanes the value is in the low words, and so is the result.
        (_, Scalar::F32) => code.ins(if unsigned { Ins::F32x4ConvertI32x4U } else { Ins::F32x4ConvertI32x4S }),
        _ => {
            low_words_together(code);
            code.ins(if unsigned { Ins::F64x2ConvertLowI32x4U } else { Ins::F64x2ConvertLowI32x4S });
        }
    }
}

fn float_to_int(code: &mut Code, from: Scalar, to: Scalar, n: u8) {
    if to.bytes() == 8 {
        return lanes::lane_by_lane(code, from, to, n, 1, |code| scalar(code, from, to));
    }
    let signed = to.is_signed();
    let pick = |s: Ins, u: Ins| if signed { s } else { u };
    code.ins(match from {
        Scalar::F64 => pick(Ins::I32x4TruncSatF64x2SZero, Ins::I32x4TruncSatF64x2UZero),
        _ => pick(Ins::I32x4TruncSatF32x4S, Ins::I32x4TruncSatF32x4U),
    });
    if to.bits() < 32 {
        let (least, greatest) = to.int_range().expect("an integer type");
        code.v128(words(greatest as u32));
        code.ins(pick(Ins::I32x4MinS, Ins::I32x4MinU));
        if signed {
            code.v128(words(least as i32 as u32));
            code.ins(Ins::I32x4MaxS);
        }
    }
    match (from, n) {
        (Scalar::F64, _) => code.ins(pick(Ins::I64x2ExtendLowI32x4S, Ins::I64x2ExtendLowI32x4U)),
        (_, 2) => extend_low_words(code, signed),
        _ => {}
    }
}
