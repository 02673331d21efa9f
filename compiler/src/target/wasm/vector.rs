//! Vector operations: what `ops::eval` says in every lane. What the machine lacks goes lane by lane.
//!
//! Operands and results have the form that `lanes` describes.

use super::code::{Code, Ins};
use super::divide;
use super::lanes::{by, extend_low_words, is_narrow, lane_bits, lane_by_lane, op_by_lane, spread_low_words};
use super::lanes::{vector_of, words, wrap};
use crate::ops::Op;
use crate::types::Scalar;
use wasm_encoder::ValType;

/// Applies an operation to vectors of `n` lanes on the stack.
pub fn op(code: &mut Code, op: Op, ty: Scalar, n: u8) {
    match ty {
        Scalar::F16 => unreachable!("f16 is a storage type"),
        Scalar::F32 | Scalar::F64 => float(code, op, ty, n),
        Scalar::Bool
        | Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64 => int(code, op, ty, n),
    }
}

fn int(code: &mut Code, op: Op, ty: Scalar, n: u8) {
    match op {
        Op::Neg => {
            code.ins(by(n, Ins::I8x16Neg, Ins::I16x8Neg, Ins::I32x4Neg, Ins::I64x2Neg));
            wrap(code, ty, n);
        }
        Op::Not => code.ins(Ins::V128Not),
        Op::BitNot => {
            code.ins(Ins::V128Not);
            if !ty.is_signed() {
                wrap(code, ty, n);
            }
        }
        Op::Abs if !ty.is_signed() => {}
        Op::Abs => {
            code.ins(by(n, Ins::I8x16Abs, Ins::I16x8Abs, Ins::I32x4Abs, Ins::I64x2Abs));
            wrap(code, ty, n);
        }
        Op::FromBits => {}
        Op::Popcount => popcount(code, ty, n),
        Op::Clz | Op::Ctz => op_by_lane(code, op, ty, n),
        Op::Add => {
            code.ins(by(n, Ins::I8x16Add, Ins::I16x8Add, Ins::I32x4Add, Ins::I64x2Add));
            wrap(code, ty, n);
        }
        Op::Sub => {
            code.ins(by(n, Ins::I8x16Sub, Ins::I16x8Sub, Ins::I32x4Sub, Ins::I64x2Sub));
            wrap(code, ty, n);
        }
        Op::Mul => {
            if n == 16 {
                multiply_bytes(code);
            } else {
                code.ins(by(n, Ins::Unreachable, Ins::I16x8Mul, Ins::I32x4Mul, Ins::I64x2Mul));
            }
            wrap(code, ty, n);
        }
        Op::Div | Op::Rem | Op::TruncDiv | Op::TruncRem | Op::Shl | Op::Shr => op_by_lane(code, op, ty, n),
        Op::Min | Op::Max => min_max(code, op, ty, n),
        Op::And => code.ins(Ins::V128And),
        Op::Or => code.ins(Ins::V128Or),
        Op::Xor => code.ins(Ins::V128Xor),
        Op::Eq => code.ins(by(n, Ins::I8x16Eq, Ins::I16x8Eq, Ins::I32x4Eq, Ins::I64x2Eq)),
        Op::Ne => code.ins(by(n, Ins::I8x16Ne, Ins::I16x8Ne, Ins::I32x4Ne, Ins::I64x2Ne)),
        Op::Lt | Op::Le | Op::Gt | Op::Ge => compare(code, op, ty, n),
        Op::Sqrt | Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Bits | Op::CopySign => {
            unreachable!("{} takes floats", op.name())
        }
    }
}

/// Whether comparisons of the lanes must be unsigned: narrower types are never negative in their lanes.
fn needs_unsigned(ty: Scalar, n: u8) -> bool {
    !ty.is_signed() && !is_narrow(ty, n)
}

fn compare(code: &mut Code, op: Op, ty: Scalar, n: u8) {
    let unsigned = needs_unsigned(ty, n);
    if unsigned && n == 2 {
        // There is no unsigned comparison of 64 bits: flip the signs and compare signed.
        let b = code.pop(ValType::V128);
        let flip = vector_of(2, (0..2).map(|_| 1 << 63));
        code.v128(flip);
        code.ins(Ins::V128Xor);
        code.get(b);
        code.v128(flip);
        code.ins(Ins::V128Xor);
        code.release([b]);
    }
    let signed = |b16, h8, w4, d2| by(n, b16, h8, w4, d2);
    let ins = match (op, unsigned) {
        (Op::Lt, false) => signed(Ins::I8x16LtS, Ins::I16x8LtS, Ins::I32x4LtS, Ins::I64x2LtS),
        (Op::Le, false) => signed(Ins::I8x16LeS, Ins::I16x8LeS, Ins::I32x4LeS, Ins::I64x2LeS),
        (Op::Gt, false) => signed(Ins::I8x16GtS, Ins::I16x8GtS, Ins::I32x4GtS, Ins::I64x2GtS),
        (_, false) => signed(Ins::I8x16GeS, Ins::I16x8GeS, Ins::I32x4GeS, Ins::I64x2GeS),
        (Op::Lt, true) => by(n, Ins::I8x16LtU, Ins::I16x8LtU, Ins::I32x4LtU, Ins::I64x2LtS),
        (Op::Le, true) => by(n, Ins::I8x16LeU, Ins::I16x8LeU, Ins::I32x4LeU, Ins::I64x2LeS),
        (Op::Gt, true) => by(n, Ins::I8x16GtU, Ins::I16x8GtU, Ins::I32x4GtU, Ins::I64x2GtS),
        (_, true) => by(n, Ins::I8x16GeU, Ins::I16x8GeU, Ins::I32x4GeU, Ins::I64x2GeS),
    };
    code.ins(ins);
}

fn min_max(code: &mut Code, op: Op, ty: Scalar, n: u8) {
    if n == 2 {
        let b = code.pop(ValType::V128);
        let a = code.pop(ValType::V128);
        for local in [a, b, a, b] {
            code.get(local);
        }
        compare(code, if op == Op::Min { Op::Lt } else { Op::Gt }, ty, n);
        code.release([a, b]);
        return code.ins(Ins::V128Bitselect);
    }
    let unsigned = needs_unsigned(ty, n);
    let none = Ins::Unreachable;
    code.ins(match (op, unsigned) {
        (Op::Min, false) => by(n, Ins::I8x16MinS, Ins::I16x8MinS, Ins::I32x4MinS, none),
        (Op::Min, true) => by(n, Ins::I8x16MinU, Ins::I16x8MinU, Ins::I32x4MinU, none),
        (_, false) => by(n, Ins::I8x16MaxS, Ins::I16x8MaxS, Ins::I32x4MaxS, none),
        (_, true) => by(n, Ins::I8x16MaxU, Ins::I16x8MaxU, Ins::I32x4MaxU, none),
    });
}

/// The low bytes of the products of bytes.
fn multiply_bytes(code: &mut Code) {
    let b = code.pop(ValType::V128);
    let a = code.pop(ValType::V128);
    for product in [Ins::I16x8ExtMulLowI8x16U, Ins::I16x8ExtMulHighI8x16U] {
        code.get(a);
        code.get(b);
        code.ins(product);
    }
    code.release([a, b]);
    code.ins(Ins::I8x16Shuffle(std::array::from_fn(|byte| 2 * byte as u8)));
}

/// Counts the bits of bytes and adds neighbours until the sums are as wide as the lanes.
fn popcount(code: &mut Code, ty: Scalar, n: u8) {
    if is_narrow(ty, n) && ty.is_signed() {
        code.v128(vector_of(n, (0..n).map(|_| (1 << ty.bits()) - 1)));
        code.ins(Ins::V128And);
    }
    code.ins(Ins::I8x16Popcnt);
    if n <= 8 {
        code.ins(Ins::I16x8ExtAddPairwiseI8x16U);
    }
    if n <= 4 {
        code.ins(Ins::I32x4ExtAddPairwiseI16x8U);
    }
    if n == 2 {
        let words = code.copy(ValType::V128);
        code.get(words);
        code.all([Ins::I32Const(32), Ins::I64x2ShrU, Ins::I32x4Add]);
        extend_low_words(code, false);
        code.release([words]);
    }
}

/// Shifts the vector below by the `i32` on the stack, which is the count for all lanes.
pub fn shift_all(code: &mut Code, op: Op, ty: Scalar, n: u8) {
    // The machine takes the count modulo the lane's width by itself.
    if is_narrow(ty, n) {
        code.all([Ins::I32Const(ty.bits() as i32 - 1), Ins::I32And]);
    }
    match op {
        Op::Shl => {
            code.ins(by(n, Ins::I8x16Shl, Ins::I16x8Shl, Ins::I32x4Shl, Ins::I64x2Shl));
            wrap(code, ty, n);
        }
        _ if ty.is_signed() => code.ins(by(n, Ins::I8x16ShrS, Ins::I16x8ShrS, Ins::I32x4ShrS, Ins::I64x2ShrS)),
        _ => code.ins(by(n, Ins::I8x16ShrU, Ins::I16x8ShrU, Ins::I32x4ShrU, Ins::I64x2ShrU)),
    }
}

/// Divides the vector on the stack by a positive constant.
pub fn divide_by(code: &mut Code, op: Op, ty: Scalar, n: u8, divisor: i128) {
    let power = divisor & (divisor - 1) == 0;
    match op {
        Op::Div | Op::TruncDiv if power && (op == Op::Div || !ty.is_signed()) => {
            code.i32(divisor.trailing_zeros() as i32);
            shift_all(code, Op::Shr, ty, n);
        }
        Op::Rem | Op::TruncRem if power && (op == Op::Rem || !ty.is_signed()) => {
            code.v128(vector_of(n, (0..n).map(|_| (divisor - 1) as u64)));
            code.ins(Ins::V128And);
        }
        _ => lane_by_lane(code, ty, ty, n, 1, |code| divide::by_constant(code, op, ty, divisor, false)),
    }
}

fn float(code: &mut Code, op: Op, ty: Scalar, n: u8) {
    let wide = ty == Scalar::F64;
    let pick = |narrow: Ins, other: Ins| if wide { other } else { narrow };
    match op {
        // Engines make the masks for `neg` and `abs` at every use; ours are made once.
        Op::Neg => {
            code.v128(sign_bits(wide));
            code.ins(Ins::V128Xor);
        }
        Op::Abs => {
            code.v128(!sign_bits(wide));
            code.ins(Ins::V128And);
        }
        Op::Sqrt => code.ins(pick(Ins::F32x4Sqrt, Ins::F64x2Sqrt)),
        Op::Floor => code.ins(pick(Ins::F32x4Floor, Ins::F64x2Floor)),
        Op::Ceil => code.ins(pick(Ins::F32x4Ceil, Ins::F64x2Ceil)),
        Op::Trunc => code.ins(pick(Ins::F32x4Trunc, Ins::F64x2Trunc)),
        Op::Round => code.ins(pick(Ins::F32x4Nearest, Ins::F64x2Nearest)),
        Op::Bits => {
            let a = code.copy(ValType::V128);
            code.v128(if wide { vector_of(2, (0..2).map(|_| 0x7ff8 << 48)) } else { words(0x7fc0_0000) });
            code.get(a);
            code.get(a);
            code.all([pick(Ins::F32x4Eq, Ins::F64x2Eq), Ins::V128Bitselect]);
            code.release([a]);
            if !wide {
                wrap(code, Scalar::U32, n);
            }
        }
        Op::Add => code.ins(pick(Ins::F32x4Add, Ins::F64x2Add)),
        Op::Sub => code.ins(pick(Ins::F32x4Sub, Ins::F64x2Sub)),
        Op::Mul => code.ins(pick(Ins::F32x4Mul, Ins::F64x2Mul)),
        Op::Div => code.ins(pick(Ins::F32x4Div, Ins::F64x2Div)),
        Op::Min | Op::Max => float_min_max(code, op, wide, false),
        Op::CopySign => {
            let b = code.pop(ValType::V128);
            code.v128(sign_bits(wide));
            code.ins(Ins::V128AndNot);
            // A NaN counts as positive, since its sign is nobody's choice: here it becomes infinity.
            code.v128(if wide { vector_of(2, (0..2).map(|_| 0x7ff0 << 48)) } else { words(0x7f80_0000) });
            code.get(b);
            code.ins(pick(Ins::F32x4PMin, Ins::F64x2PMin));
            code.v128(sign_bits(wide));
            code.all([Ins::V128And, Ins::V128Or]);
            code.release([b]);
        }
        Op::Eq => truth(code, pick(Ins::F32x4Eq, Ins::F64x2Eq), wide, n),
        Op::Ne => truth(code, pick(Ins::F32x4Ne, Ins::F64x2Ne), wide, n),
        Op::Lt => truth(code, pick(Ins::F32x4Lt, Ins::F64x2Lt), wide, n),
        Op::Le => truth(code, pick(Ins::F32x4Le, Ins::F64x2Le), wide, n),
        Op::Gt => truth(code, pick(Ins::F32x4Gt, Ins::F64x2Gt), wide, n),
        Op::Ge => truth(code, pick(Ins::F32x4Ge, Ins::F64x2Ge), wide, n),
        Op::Not
        | Op::BitNot
        | Op::FromBits
        | Op::Clz
        | Op::Ctz
        | Op::Popcount
        | Op::Rem
        | Op::TruncDiv
        | Op::TruncRem
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Shl
        | Op::Shr => unreachable!("{} takes no floats", op.name()),
    }
}

/// The sign bit of every lane of floats.
fn sign_bits(wide: bool) -> i128 {
    if wide { vector_of(2, (0..2).map(|_| 1 << 63)) } else { words(1 << 31) }
}

/// The bits of floats that are no NaN.
pub fn bits_of_number(code: &mut Code, ty: Scalar, n: u8) {
    if ty == Scalar::F32 {
        wrap(code, Scalar::U32, n);
    }
}

/// A comparison; an `f32` in a 64-bit lane gives a mask of half a lane, which is spread over all of it.
pub(super) fn truth(code: &mut Code, compare: Ins, wide: bool, n: u8) {
    code.ins(compare);
    if !wide && lane_bits(n) == 64 {
        spread_low_words(code);
    }
}

/// `pmin` and `pmax` are `b` if it wins the comparison, else `a`: right unless `b` is NaN, which is then put in.
/// `b_is_number` says that the second operand is no NaN.
pub fn float_min_max(code: &mut Code, op: Op, wide: bool, b_is_number: bool) {
    let pick = |narrow: Ins, other: Ins| if wide { other } else { narrow };
    let best = if op == Op::Min { pick(Ins::F32x4PMin, Ins::F64x2PMin) } else { pick(Ins::F32x4PMax, Ins::F64x2PMax) };
    if b_is_number {
        return code.ins(best);
    }
    let b = code.copy(ValType::V128);
    code.ins(best);
    for local in [b, b, b] {
        code.get(local);
    }
    code.all([pick(Ins::F32x4Eq, Ins::F64x2Eq), Ins::V128Bitselect]);
    code.release([b]);
}
