//! `f16` in memory: loads widen to `f32`, stores round to nearest even. Scalars and four lanes share the sequences.

use super::code::{Code, Ins};
use super::lanes::words;
use wasm_encoder::ValType;

/// Scalar or four-lane forms of what the two conversions need.
#[derive(Clone, Copy)]
struct Form {
    lanes: bool,
}

impl Form {
    fn pick(self, scalar: Ins, lanes: Ins) -> Ins {
        if self.lanes { lanes } else { scalar }
    }

    fn word(self) -> ValType {
        if self.lanes { ValType::V128 } else { ValType::I32 }
    }

    fn k(self, code: &mut Code, value: u32) {
        if self.lanes { code.v128(words(value)) } else { code.i32(value as i32) }
    }

    fn and(self, code: &mut Code, value: u32) {
        self.k(code, value);
        code.ins(self.pick(Ins::I32And, Ins::V128And));
    }

    fn or(self, code: &mut Code) {
        code.ins(self.pick(Ins::I32Or, Ins::V128Or));
    }

    fn add(self, code: &mut Code, value: i32) {
        self.k(code, value as u32);
        code.ins(self.pick(Ins::I32Add, Ins::I32x4Add));
    }

    fn shift_left(self, code: &mut Code, count: i32) {
        code.i32(count);
        code.ins(self.pick(Ins::I32Shl, Ins::I32x4Shl));
    }

    fn shift_right(self, code: &mut Code, count: i32) {
        code.i32(count);
        code.ins(self.pick(Ins::I32ShrU, Ins::I32x4ShrU));
    }

    /// First operand if the local is greater than the limit, else the second.
    fn select_if_above(self, code: &mut Code, local: u32, limit: u32) {
        code.get(local);
        self.k(code, limit);
        code.ins(self.pick(Ins::I32GtS, Ins::I32x4GtS));
        code.ins(self.pick(Ins::Select, Ins::V128Bitselect));
    }

    fn to_float(self, code: &mut Code) {
        if !self.lanes {
            code.ins(Ins::F32ReinterpretI32);
        }
    }

    fn to_bits(self, code: &mut Code) {
        if !self.lanes {
            code.ins(Ins::I32ReinterpretF32);
        }
    }

    fn float(self, code: &mut Code, value: f32) {
        if self.lanes { code.v128(words(value.to_bits())) } else { code.ins(Ins::F32Const(value.into())) }
    }
}

/// The `f32` of the 16 bits on the stack: an `i32`, or four `i32` lanes.
pub fn widen(code: &mut Code, lanes: bool) {
    let form = Form { lanes };
    let half = code.copy(form.word());
    form.and(code, 0x7fff);
    form.shift_left(code, 13);
    // Exponent and mantissa are in place, the bias is not: an exact multiplication puts it right, also for subnormals.
    let magnitude = code.copy(form.word());
    form.to_float(code);
    form.float(code, f32::from_bits((127 + 112) << 23));
    code.ins(form.pick(Ins::F32Mul, Ins::F32x4Mul));
    form.to_bits(code);
    let value = code.copy(form.word());
    // Infinity and NaN get the greatest exponent.
    form.k(code, 0x7f80_0000);
    form.or(code);
    code.get(value);
    form.select_if_above(code, magnitude, (0x7c00 << 13) - 1);
    code.get(half);
    form.and(code, 0x8000);
    form.shift_left(code, 16);
    form.or(code);
    form.to_float(code);
    code.release([half, magnitude, value]);
}

/// The 16 bits of the `f32` on the stack, rounded to nearest even, in an `i32` or four `i32` lanes.
pub fn narrow(code: &mut Code, lanes: bool) {
    let form = Form { lanes };
    form.to_bits(code);
    let bits = code.copy(form.word());
    form.and(code, 0x7fff_ffff);
    let magnitude = code.pop(form.word());
    form.k(code, 0x7e00);
    form.k(code, 0x7c00);
    // Normal: add just under half of a unit, or half if the last kept bit is odd; a carry raises the exponent.
    code.get(magnitude);
    code.get(magnitude);
    form.shift_right(code, 13);
    form.and(code, 1);
    code.ins(form.pick(Ins::I32Add, Ins::I32x4Add));
    form.add(code, 0xfff - (112 << 23));
    form.shift_right(code, 13);
    // Below 2^-14 the unit is 2^-24, which is that of a float in [0.5, 1): the addition rounds.
    code.get(magnitude);
    form.to_float(code);
    form.float(code, 0.5);
    code.ins(form.pick(Ins::F32Add, Ins::F32x4Add));
    form.to_bits(code);
    form.add(code, -0x3f00_0000);
    form.select_if_above(code, magnitude, 0x3880_0000 - 1);
    // From 65,520 on it rounds to infinity.
    form.select_if_above(code, magnitude, 0x477f_f000 - 1);
    code.get(bits);
    form.shift_right(code, 16);
    form.and(code, 0x8000);
    form.or(code);
    form.select_if_above(code, magnitude, 0x7f80_0000);
    code.release([bits, magnitude]);
}
