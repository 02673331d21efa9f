//! Scalar operations: what `ops::eval` says, as instructions on the operand stack.
//!
//! A value of an integer type of up to 32 bits and a `bool` is an `i32` in canonical form (sign- or zero-extended);
//! the operations expect and leave that form. Nothing here traps, whatever the operands.

use super::code::{Code, Ins};
use super::divide;
use crate::ops::Op;
use crate::types::{Const, Scalar};
use wasm_encoder::ValType;

/// The WebAssembly type that holds a scalar.
pub fn val_type(ty: Scalar) -> ValType {
    match ty {
        Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 | Scalar::U32 => ValType::I32,
        Scalar::I64 | Scalar::U64 => ValType::I64,
        Scalar::F16 | Scalar::F32 => ValType::F32,
        Scalar::F64 => ValType::F64,
    }
}

/// Pushes a constant.
pub fn constant(code: &mut Code, value: Const) {
    match value.ty {
        Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 | Scalar::U32 => {
            code.i32(value.bits as i32);
        }
        Scalar::I64 | Scalar::U64 => code.i64(value.bits as i64),
        Scalar::F16 => unreachable!("f16 is a storage type"),
        Scalar::F32 => code.ins(Ins::F32Const(value.as_f32().into())),
        Scalar::F64 => code.ins(Ins::F64Const(value.as_f64().into())),
    }
}

/// Brings the `i32` on the stack into the canonical form of `ty`; nothing for types of 32 and 64 bits.
pub fn wrap(code: &mut Code, ty: Scalar) {
    match ty {
        Scalar::I8 => code.ins(Ins::I32Extend8S),
        Scalar::I16 => code.ins(Ins::I32Extend16S),
        Scalar::U8 => code.all([Ins::I32Const(0xff), Ins::I32And]),
        Scalar::U16 => code.all([Ins::I32Const(0xffff), Ins::I32And]),
        Scalar::Bool | Scalar::I32 | Scalar::U32 | Scalar::I64 | Scalar::U64 => {}
        Scalar::F16 | Scalar::F32 | Scalar::F64 => {}
    }
}

/// Applies an operation to operands of type `ty` on the stack.
pub fn op(code: &mut Code, op: Op, ty: Scalar) {
    match ty {
        Scalar::F16 => unreachable!("f16 is a storage type"),
        Scalar::F32 | Scalar::F64 => float(code, op, ty),
        Scalar::Bool
        | Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64 => int(code, op, ty),
    }
}

fn int(code: &mut Code, op: Op, ty: Scalar) {
    let wide = ty.bytes() == 8;
    let signed = ty.is_signed();
    let pick = |narrow: Ins, other: Ins| if wide { other } else { narrow };
    let sign = |s32: Ins, u32: Ins, s64: Ins, u64: Ins| match (wide, signed) {
        (false, true) => s32,
        (false, false) => u32,
        (true, true) => s64,
        (true, false) => u64,
    };
    match op {
        Op::Neg => {
            let a = code.pop(val_type(ty));
            zero(code, wide);
            code.get(a);
            code.release([a]);
            code.ins(pick(Ins::I32Sub, Ins::I64Sub));
            wrap(code, ty);
        }
        Op::Not => code.ins(Ins::I32Eqz),
        Op::BitNot => {
            code.ins(pick(Ins::I32Const(-1), Ins::I64Const(-1)));
            code.ins(pick(Ins::I32Xor, Ins::I64Xor));
            wrap(code, ty);
        }
        Op::Abs if !signed => {}
        Op::Abs => {
            // (a ^ s) - s, where s is all copies of the sign.
            let a = code.copy(val_type(ty));
            code.get(a);
            sign_mask(code, wide);
            let s = code.copy(val_type(ty));
            code.ins(pick(Ins::I32Xor, Ins::I64Xor));
            code.get(s);
            code.ins(pick(Ins::I32Sub, Ins::I64Sub));
            code.release([a, s]);
            wrap(code, ty);
        }
        Op::FromBits => code.ins(pick(Ins::F32ReinterpretI32, Ins::F64ReinterpretI64)),
        Op::Clz => {
            low_bits(code, ty);
            code.ins(pick(Ins::I32Clz, Ins::I64Clz));
            if ty.bits() < 32 {
                code.all([Ins::I32Const(32 - ty.bits() as i32), Ins::I32Sub]);
            }
        }
        Op::Ctz => {
            if ty.bits() < 32 {
                code.all([Ins::I32Const(1 << ty.bits()), Ins::I32Or]);
            }
            code.ins(pick(Ins::I32Ctz, Ins::I64Ctz));
        }
        Op::Popcount => {
            low_bits(code, ty);
            code.ins(pick(Ins::I32Popcnt, Ins::I64Popcnt));
        }
        Op::Add => code.ins(pick(Ins::I32Add, Ins::I64Add)),
        Op::Sub => code.ins(pick(Ins::I32Sub, Ins::I64Sub)),
        Op::Mul => code.ins(pick(Ins::I32Mul, Ins::I64Mul)),
        Op::Div | Op::Rem | Op::TruncDiv | Op::TruncRem => divide::general(code, op, ty),
        Op::Min | Op::Max => {
            let (a, b) = pop_two(code, val_type(ty));
            let less = sign(Ins::I32LtS, Ins::I32LtU, Ins::I64LtS, Ins::I64LtU);
            let greater = sign(Ins::I32GtS, Ins::I32GtU, Ins::I64GtS, Ins::I64GtU);
            for local in [a, b, a, b] {
                code.get(local);
            }
            code.ins(if op == Op::Min { less } else { greater });
            code.ins(Ins::Select);
            code.release([a, b]);
        }
        Op::And => code.ins(pick(Ins::I32And, Ins::I64And)),
        Op::Or => code.ins(pick(Ins::I32Or, Ins::I64Or)),
        Op::Xor => code.ins(pick(Ins::I32Xor, Ins::I64Xor)),
        Op::Shl | Op::Shr => {
            // The machine takes the count modulo 32 or 64 by itself.
            if ty.bits() < 32 {
                code.all([Ins::I32Const(ty.bits() as i32 - 1), Ins::I32And]);
            }
            if op == Op::Shl {
                code.ins(pick(Ins::I32Shl, Ins::I64Shl));
                wrap(code, ty);
            } else {
                code.ins(sign(Ins::I32ShrS, Ins::I32ShrU, Ins::I64ShrS, Ins::I64ShrU));
            }
        }
        Op::Eq => code.ins(pick(Ins::I32Eq, Ins::I64Eq)),
        Op::Ne => code.ins(pick(Ins::I32Ne, Ins::I64Ne)),
        Op::Lt => code.ins(sign(Ins::I32LtS, Ins::I32LtU, Ins::I64LtS, Ins::I64LtU)),
        Op::Le => code.ins(sign(Ins::I32LeS, Ins::I32LeU, Ins::I64LeS, Ins::I64LeU)),
        Op::Gt => code.ins(sign(Ins::I32GtS, Ins::I32GtU, Ins::I64GtS, Ins::I64GtU)),
        Op::Ge => code.ins(sign(Ins::I32GeS, Ins::I32GeU, Ins::I64GeS, Ins::I64GeU)),
        Op::Sqrt | Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Bits | Op::CopySign => {
            unreachable!("{} takes floats", op.name())
        }
    }
    if matches!(op, Op::Add | Op::Sub | Op::Mul) {
        wrap(code, ty);
    }
}

fn float(code: &mut Code, op: Op, ty: Scalar) {
    let wide = ty == Scalar::F64;
    let pick = |narrow: Ins, other: Ins| if wide { other } else { narrow };
    let same = pick(Ins::F32Eq, Ins::F64Eq);
    match op {
        Op::Neg => code.ins(pick(Ins::F32Neg, Ins::F64Neg)),
        Op::Abs => code.ins(pick(Ins::F32Abs, Ins::F64Abs)),
        Op::Sqrt => code.ins(pick(Ins::F32Sqrt, Ins::F64Sqrt)),
        Op::Floor => code.ins(pick(Ins::F32Floor, Ins::F64Floor)),
        Op::Ceil => code.ins(pick(Ins::F32Ceil, Ins::F64Ceil)),
        Op::Trunc => code.ins(pick(Ins::F32Trunc, Ins::F64Trunc)),
        Op::Round => code.ins(pick(Ins::F32Nearest, Ins::F64Nearest)),
        Op::Bits => {
            let a = code.copy(val_type(ty));
            code.ins(pick(Ins::I32ReinterpretF32, Ins::I64ReinterpretF64));
            code.ins(pick(Ins::I32Const(0x7fc0_0000), Ins::I64Const(0x7ff8 << 48)));
            code.get(a);
            code.get(a);
            code.all([same, Ins::Select]);
            code.release([a]);
        }
        Op::Add => code.ins(pick(Ins::F32Add, Ins::F64Add)),
        Op::Sub => code.ins(pick(Ins::F32Sub, Ins::F64Sub)),
        Op::Mul => code.ins(pick(Ins::F32Mul, Ins::F64Mul)),
        Op::Div => code.ins(pick(Ins::F32Div, Ins::F64Div)),
        Op::Min | Op::Max => {
            // `b` if it is NaN or wins the comparison, else `a`; `f32.max` orders the zeros, which the language does not.
            let (a, b) = pop_two(code, val_type(ty));
            let wins = if op == Op::Min { pick(Ins::F32Gt, Ins::F64Gt) } else { pick(Ins::F32Lt, Ins::F64Lt) };
            for local in [b, a, a, b] {
                code.get(local);
            }
            code.ins(wins);
            code.get(b);
            code.get(b);
            code.all([pick(Ins::F32Ne, Ins::F64Ne), Ins::I32Or, Ins::Select]);
            code.release([a, b]);
        }
        Op::CopySign => {
            // A NaN counts as positive: its sign is nobody's choice.
            let b = code.copy(val_type(ty));
            code.ins(pick(Ins::F32Const(0.0.into()), Ins::F64Const(0.0.into())));
            code.get(b);
            code.get(b);
            code.all([same, Ins::Select, pick(Ins::F32Copysign, Ins::F64Copysign)]);
            code.release([b]);
        }
        Op::Eq => code.ins(same),
        Op::Ne => code.ins(pick(Ins::F32Ne, Ins::F64Ne)),
        Op::Lt => code.ins(pick(Ins::F32Lt, Ins::F64Lt)),
        Op::Le => code.ins(pick(Ins::F32Le, Ins::F64Le)),
        Op::Gt => code.ins(pick(Ins::F32Gt, Ins::F64Gt)),
        Op::Ge => code.ins(pick(Ins::F32Ge, Ins::F64Ge)),
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

/// The bits of a float that is no NaN.
pub fn bits_of_number(code: &mut Code, ty: Scalar) {
    code.ins(if ty == Scalar::F64 { Ins::I64ReinterpretF64 } else { Ins::I32ReinterpretF32 });
}

/// Pops two operands of one type; the first popped is the second operand.
pub(super) fn pop_two(code: &mut Code, ty: ValType) -> (u32, u32) {
    let b = code.pop(ty);
    let a = code.pop(ty);
    (a, b)
}

/// Pushes an integer zero.
pub(super) fn zero(code: &mut Code, wide: bool) {
    code.ins(if wide { Ins::I64Const(0) } else { Ins::I32Const(0) });
}

/// Replaces a signed integer by all copies of its sign.
pub(super) fn sign_mask(code: &mut Code, wide: bool) {
    if wide {
        code.all([Ins::I64Const(63), Ins::I64ShrS]);
    } else {
        code.all([Ins::I32Const(31), Ins::I32ShrS]);
    }
}

/// Clears what sign extension put above the low bits of a narrow type.
fn low_bits(code: &mut Code, ty: Scalar) {
    if ty.is_signed() && ty.bits() < 32 {
        code.all([Ins::I32Const((1 << ty.bits()) - 1), Ins::I32And]);
    }
}
