//! Lanes: how values lie in a vector, and how they get in and out.
//!
//! A value with `n` lanes has lanes of `128 / n` bits; narrower integers are sign- or zero-extended in them, `bool`
//! is all ones or all zeros. An `f32` in a 64-bit lane lies in its low half; the high half holds anything.

use super::code::{Code, Ins};
use super::scalar::{self, val_type};
use crate::ops::Op;
use crate::types::{Const, Scalar};
use wasm_encoder::ValType;

/// The instruction of the row whose lanes are as wide as those of `n` lanes: 16, 8, 4, 2.
pub fn by(n: u8, b16: Ins, h8: Ins, w4: Ins, d2: Ins) -> Ins {
    match n {
        16 => b16,
        8 => h8,
        4 => w4,
        2 => d2,
        _ => unreachable!("a vector has 2, 4, 8 or 16 lanes, not {n}"),
    }
}

/// Bits of one of `n` lanes.
pub fn lane_bits(n: u8) -> u32 {
    128 / u32::from(n)
}

/// Whether a type is narrower than the lane that holds it.
pub fn is_narrow(ty: Scalar, n: u8) -> bool {
    ty.bits() < lane_bits(n)
}

/// The vector with the same 32 bits everywhere.
pub fn words(word: u32) -> i128 {
    (0..4).fold(0u128, |all, lane| all | u128::from(word) << (32 * lane)) as i128
}

/// The vector with these lanes (low bits first), each cut to the lane's width.
pub fn vector_of(n: u8, lanes: impl Iterator<Item = u64>) -> i128 {
    let bits = lane_bits(n);
    let mask = u128::MAX >> (128 - bits);
    lanes.enumerate().fold(0u128, |all, (lane, value)| all | (u128::from(value) & mask) << (bits * lane as u32)) as i128
}

/// A constant in every lane, as bits.
pub fn splat_const(value: Const, n: u8) -> i128 {
    match value.ty {
        Scalar::Bool => -i128::from(value.bits != 0),
        Scalar::F32 => words(value.bits as u32),
        _ => vector_of(n, (0..n).map(|_| value.bits)),
    }
}

/// Copies the scalar on the stack to every lane.
pub fn splat(code: &mut Code, ty: Scalar, n: u8) {
    match ty {
        Scalar::F16 => unreachable!("f16 is a storage type"),
        Scalar::F32 => return code.ins(Ins::F32x4Splat),
        Scalar::F64 => return code.ins(Ins::F64x2Splat),
        Scalar::Bool => code.all([Ins::I32Const(-1), Ins::I32Mul]),
        Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 | Scalar::U32 => {}
        Scalar::I64 | Scalar::U64 => {}
    }
    extend_to_lane(code, ty, n);
    code.ins(by(n, Ins::I8x16Splat, Ins::I16x8Splat, Ins::I32x4Splat, Ins::I64x2Splat));
}

/// Widens a canonical `i32` to the `i64` that fills a 64-bit lane.
fn extend_to_lane(code: &mut Code, ty: Scalar, n: u8) {
    if n == 2 && val_type(ty) == ValType::I32 {
        // A `bool` was made 0 or -1 before.
        let signed = ty.is_signed() || ty == Scalar::Bool;
        code.ins(if signed { Ins::I64ExtendI32S } else { Ins::I64ExtendI32U });
    }
}

/// Takes one lane out of the vector on the stack.
pub fn extract(code: &mut Code, ty: Scalar, n: u8, lane: u8) {
    match ty {
        Scalar::F16 => unreachable!("f16 is a storage type"),
        // Narrow types in 64-bit lanes lie in the lane's low half.
        Scalar::F32 => code.ins(Ins::F32x4ExtractLane(if n == 2 { 2 * lane } else { lane })),
        Scalar::F64 => code.ins(Ins::F64x2ExtractLane(lane)),
        Scalar::I64 | Scalar::U64 => code.ins(Ins::I64x2ExtractLane(lane)),
        Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 | Scalar::U32 => {
            let half = Ins::I32x4ExtractLane(2 * lane);
            code.ins(if ty.is_signed() {
                by(n, Ins::I8x16ExtractLaneS(lane), Ins::I16x8ExtractLaneS(lane), Ins::I32x4ExtractLane(lane), half)
            } else {
                by(n, Ins::I8x16ExtractLaneU(lane), Ins::I16x8ExtractLaneU(lane), Ins::I32x4ExtractLane(lane), half)
            });
            if ty == Scalar::Bool {
                code.all([Ins::I32Const(1), Ins::I32And]);
            }
        }
    }
}

/// Puts the scalar on the stack into one lane of the vector below it.
pub fn insert(code: &mut Code, ty: Scalar, n: u8, lane: u8) {
    match ty {
        Scalar::F16 => unreachable!("f16 is a storage type"),
        Scalar::F32 => code.ins(Ins::F32x4ReplaceLane(if n == 2 { 2 * lane } else { lane })),
        Scalar::F64 => code.ins(Ins::F64x2ReplaceLane(lane)),
        Scalar::Bool
        | Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64 => {
            if ty == Scalar::Bool {
                code.all([Ins::I32Const(-1), Ins::I32Mul]);
            }
            extend_to_lane(code, ty, n);
            code.ins(by(
                n,
                Ins::I8x16ReplaceLane(lane),
                Ins::I16x8ReplaceLane(lane),
                Ins::I32x4ReplaceLane(lane),
                Ins::I64x2ReplaceLane(lane),
            ));
        }
    }
}

/// Brings each lane into the canonical form of an integer type: its low bits, extended. Nothing if the type fills
/// the lane.
pub fn wrap(code: &mut Code, ty: Scalar, n: u8) {
    if !is_narrow(ty, n) {
        return;
    }
    if !ty.is_signed() {
        let mask = (1u64 << ty.bits()) - 1;
        code.v128(vector_of(n, (0..n).map(|_| mask)));
        return code.ins(Ins::V128And);
    }
    if n == 2 && ty.bits() == 32 {
        return extend_low_words(code, true);
    }
    let unused = (lane_bits(n) - ty.bits()) as i32;
    code.i32(unused);
    code.ins(by(n, Ins::I8x16Shl, Ins::I16x8Shl, Ins::I32x4Shl, Ins::I64x2Shl));
    code.i32(unused);
    code.ins(by(n, Ins::I8x16ShrS, Ins::I16x8ShrS, Ins::I32x4ShrS, Ins::I64x2ShrS));
}

/// Extends the low word of each of two lanes over the lane.
pub fn extend_low_words(code: &mut Code, signed: bool) {
    low_words_together(code);
    code.ins(if signed { Ins::I64x2ExtendLowI32x4S } else { Ins::I64x2ExtendLowI32x4U });
}

/// Moves the low words of two 64-bit lanes into the first two 32-bit lanes.
pub fn low_words_together(code: &mut Code) {
    let v = code.copy(ValType::V128);
    code.get(v);
    code.release([v]);
    code.ins(Ins::I8x16Shuffle([0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]));
}

/// Copies the low word of each of two 64-bit lanes into its high word.
pub fn spread_low_words(code: &mut Code) {
    let v = code.copy(ValType::V128);
    code.get(v);
    code.release([v]);
    code.ins(Ins::I8x16Shuffle([0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11]));
}

/// Does lane by lane what no vector instruction does: pops `arity` vectors, pushes the vector of the results.
/// `f` gets the lane's operands on the stack.
pub fn lane_by_lane(code: &mut Code, from: Scalar, to: Scalar, n: u8, arity: usize, f: impl Fn(&mut Code)) {
    let mut operands: Vec<u32> = (0..arity).map(|_| code.pop(ValType::V128)).collect();
    operands.reverse();
    for lane in 0..n {
        for operand in &operands {
            code.get(*operand);
            extract(code, from, n, lane);
        }
        f(code);
        if lane == 0 {
            splat(code, to, n);
        } else {
            insert(code, to, n, lane);
        }
    }
    for operand in operands {
        code.release([operand]);
    }
}

/// Applies an operation lane by lane.
pub fn op_by_lane(code: &mut Code, op: Op, ty: Scalar, n: u8) {
    let result = op.result(ty).expect("operands were checked");
    lane_by_lane(code, ty, result, n, op.arity(), |code| scalar::op(code, op, ty));
}
