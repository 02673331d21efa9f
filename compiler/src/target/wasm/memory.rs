//! Loads and stores: between the bytes of a buffer and the form that values have on the stack.
//!
//! The address is on the stack; `offset` is added to it by the instruction. Nothing outside
//! `[buffer, buffer + size + 16)` is read, nothing beyond the stored elements is written.

use super::code::{Code, Ins, memarg};
use super::half;
use super::lanes::{self, low_words_together};
use crate::types::Scalar;
use wasm_encoder::ValType;

/// Loads one element.
pub fn load_one(code: &mut Code, elem: Scalar, offset: u64) {
    let at = memarg(offset, elem.bytes());
    code.ins(match elem {
        Scalar::Bool | Scalar::U8 => Ins::I32Load8U(at),
        Scalar::I8 => Ins::I32Load8S(at),
        Scalar::I16 => Ins::I32Load16S(at),
        Scalar::U16 | Scalar::F16 => Ins::I32Load16U(at),
        Scalar::I32 | Scalar::U32 => Ins::I32Load(at),
        Scalar::I64 | Scalar::U64 => Ins::I64Load(at),
        Scalar::F32 => Ins::F32Load(at),
        Scalar::F64 => Ins::F64Load(at),
    });
    if elem == Scalar::F16 {
        half::widen(code, false);
    }
}

/// Stores the value on the stack to the address below it.
pub fn store_one(code: &mut Code, elem: Scalar, offset: u64) {
    if elem == Scalar::F16 {
        half::narrow(code, false);
    }
    let at = memarg(offset, elem.bytes());
    code.ins(match elem {
        Scalar::Bool | Scalar::U8 | Scalar::I8 => Ins::I32Store8(at),
        Scalar::I16 | Scalar::U16 | Scalar::F16 => Ins::I32Store16(at),
        Scalar::I32 | Scalar::U32 => Ins::I32Store(at),
        Scalar::I64 | Scalar::U64 => Ins::I64Store(at),
        Scalar::F32 => Ins::F32Store(at),
        Scalar::F64 => Ins::F64Store(at),
    });
}

/// Loads one element into all lanes.
pub fn load_splat(code: &mut Code, elem: Scalar, n: u8, offset: u64) {
    let at = memarg(offset, elem.bytes());
    let fills = elem.bytes() == 16 / u32::from(n);
    match (elem, fills) {
        (Scalar::Bool | Scalar::F16, _) | (_, false) => {
            load_one(code, elem, offset);
            lanes::splat(code, if elem == Scalar::F16 { Scalar::F32 } else { elem }, n);
        }
        (_, true) => code.ins(match elem.bytes() {
            1 => Ins::V128Load8Splat(at),
            2 => Ins::V128Load16Splat(at),
            4 => Ins::V128Load32Splat(at),
            _ => Ins::V128Load64Splat(at),
        }),
    }
}

/// Loads `n` consecutive elements.
pub fn load_contiguous(code: &mut Code, elem: Scalar, n: u8, offset: u64) {
    let at = memarg(offset, elem.bytes());
    let pick = |signed: Ins, unsigned: Ins| if elem.is_signed() { signed } else { unsigned };
    let bytes = elem.bytes() * u32::from(n);
    if bytes == 16 {
        code.ins(Ins::V128Load(at));
    } else {
        // Eight bytes are read even if four or two are asked for: sixteen readable bytes follow every buffer.
        code.ins(match elem.bytes() {
            1 => pick(Ins::V128Load8x8S(at), Ins::V128Load8x8U(at)),
            2 => pick(Ins::V128Load16x4S(at), Ins::V128Load16x4U(at)),
            _ => Ins::V128Load32x2U(at),
        });
        if elem.bytes() == 4 && elem.is_signed() {
            lanes::wrap(code, elem, n);
        }
        if elem.bytes() == 1 && n <= 4 {
            code.ins(pick(Ins::I32x4ExtendLowI16x8S, Ins::I32x4ExtendLowI16x8U));
        }
        if elem.bytes() <= 2 && n == 2 {
            code.ins(pick(Ins::I64x2ExtendLowI32x4S, Ins::I64x2ExtendLowI32x4U));
        }
    }
    from_bytes(code, elem, n);
}

/// What zero-extended bytes of `bool` and `f16` become in lanes.
fn from_bytes(code: &mut Code, elem: Scalar, n: u8) {
    match elem {
        Scalar::Bool => code.ins(lanes::by(n, Ins::I8x16Neg, Ins::I16x8Neg, Ins::I32x4Neg, Ins::I64x2Neg)),
        Scalar::F16 => half::widen(code, true),
        Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64
        | Scalar::F32
        | Scalar::F64 => {}
    }
}

/// What bytes become whose lanes hold anything above the element.
fn from_low_bytes(code: &mut Code, elem: Scalar, n: u8) {
    match elem {
        Scalar::Bool => lanes::wrap(code, Scalar::U8, n),
        Scalar::F16 => lanes::wrap(code, Scalar::U16, n),
        Scalar::F32 | Scalar::F64 => {}
        Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 | Scalar::U32 | Scalar::I64 | Scalar::U64 => {
            lanes::wrap(code, elem, n)
        }
    }
    from_bytes(code, elem, n);
}

/// Loads `n` elements at a distance of `stride` elements; the address is that of lane 0.
pub fn load_strided(code: &mut Code, elem: Scalar, n: u8, stride: i32, offset: u64) {
    if stride == 0 {
        return load_splat(code, elem, n, offset);
    }
    let size = i64::from(elem.bytes());
    let step = i64::from(stride) * size;
    let last = i64::from(n - 1) * step;
    // From the lowest address on.
    let lowest = offset as i64 + last.min(0);
    if lowest < 0 {
        code.all([Ins::I32Const(lowest as i32), Ins::I32Add]);
    }
    let base = lowest.max(0) as u64;
    let place = |lane: i64| lane * step - last.min(0);
    let span = last.abs() + size;
    let vectors = (span + 15) / 16;
    if step == i64::from(lanes::lane_bits(n) / 8) {
        code.ins(Ins::V128Load(memarg(base, elem.bytes())));
        from_low_bytes(code, elem, n);
    } else if vectors <= 2 || vectors <= i64::from(n / 2) {
        shuffle_together(code, elem, n, vectors, base, &place);
        from_low_bytes(code, elem, n);
    } else {
        let address = code.pop(ValType::I32);
        code.v128(0);
        for lane in 0..n {
            let vector = code.pop(ValType::V128);
            code.get(address);
            code.get(vector);
            code.release([vector]);
            load_lane(code, elem, n, lane, base + place(i64::from(lane)) as u64);
        }
        code.release([address]);
        from_zero_extended(code, elem, n);
    }
}

/// Loads `vectors` times sixteen bytes and moves the element at byte `place(lane)` to each lane.
fn shuffle_together(code: &mut Code, elem: Scalar, n: u8, vectors: i64, base: u64, place: &dyn Fn(i64) -> i64) {
    let lane_bytes = 16 / i64::from(n);
    let size = i64::from(elem.bytes());
    let source = |byte: i64| place(byte / lane_bytes) + byte % lane_bytes % size;
    let align = elem.bytes();
    let address = code.copy(ValType::I32);
    code.ins(Ins::V128Load(memarg(base, align)));
    if vectors == 1 {
        let vector = code.copy(ValType::V128);
        code.get(vector);
        code.release([vector]);
        code.ins(Ins::I8x16Shuffle(std::array::from_fn(|byte| source(byte as i64) as u8)));
    }
    for vector in 1..vectors {
        code.get(address);
        code.ins(Ins::V128Load(memarg(base + 16 * vector as u64, align)));
        code.ins(Ins::I8x16Shuffle(std::array::from_fn(|byte| {
            let from = source(byte as i64) - 16 * vector;
            if from >= 0 {
                // Bytes of later vectors are filled in by the next rounds.
                16 + from.min(15) as u8
            } else if vector == 1 {
                (from + 16) as u8
            } else {
                byte as u8
            }
        })));
    }
    code.release([address]);
}

/// Loads one element into a lane of the vector on the stack, whose lane is zero; the address is below it.
pub fn load_lane(code: &mut Code, elem: Scalar, n: u8, lane: u8, offset: u64) {
    let memarg = memarg(offset, elem.bytes());
    let position = lane * (16 / n / elem.bytes() as u8);
    code.ins(match elem.bytes() {
        1 => Ins::V128Load8Lane { memarg, lane: position },
        2 => Ins::V128Load16Lane { memarg, lane: position },
        4 => Ins::V128Load32Lane { memarg, lane: position },
        _ => Ins::V128Load64Lane { memarg, lane: position },
    });
}

/// What lanes filled by [`load_lane`] become.
pub fn from_zero_extended(code: &mut Code, elem: Scalar, n: u8) {
    if elem.is_signed() {
        lanes::wrap(code, elem, n);
    }
    from_bytes(code, elem, n);
}

/// Stores the lanes on the stack as consecutive elements to the address below them.
pub fn store_lanes(code: &mut Code, elem: Scalar, n: u8, offset: u64) {
    match elem {
        Scalar::Bool => code.ins(lanes::by(n, Ins::I8x16Neg, Ins::I16x8Neg, Ins::I32x4Neg, Ins::I64x2Neg)),
        Scalar::F16 => half::narrow(code, true),
        Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64
        | Scalar::F32
        | Scalar::F64 => {}
    }
    let memarg = memarg(offset, elem.bytes());
    // Values are canonical, so narrowing with saturation is exact.
    let pick = |signed: Ins, unsigned: Ins| if elem.is_signed() { signed } else { unsigned };
    match (elem.bytes(), n) {
        (1, 16) | (2, 8) | (4, 4) | (8, 2) => return code.ins(Ins::V128Store(memarg)),
        (2, 4) => twice(code, pick(Ins::I16x8NarrowI32x4S, Ins::I16x8NarrowI32x4U)),
        (1, 8) => twice(code, pick(Ins::I8x16NarrowI16x8S, Ins::I8x16NarrowI16x8U)),
        (1, 4) => {
            twice(code, Ins::I16x8NarrowI32x4S);
            twice(code, pick(Ins::I8x16NarrowI16x8S, Ins::I8x16NarrowI16x8U));
        }
        (4, _) => low_words_together(code),
        (2, _) => twice(code, Ins::I8x16Shuffle([0, 1, 8, 9, 0, 1, 8, 9, 0, 1, 8, 9, 0, 1, 8, 9])),
        _ => twice(code, Ins::I8x16Shuffle([0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8])),
    }
    code.ins(match elem.bytes() * u32::from(n) {
        8 => Ins::V128Store64Lane { memarg, lane: 0 },
        4 => Ins::V128Store32Lane { memarg, lane: 0 },
        _ => Ins::V128Store16Lane { memarg, lane: 0 },
    });
}

/// Applies an instruction to the vector on the stack and itself.
fn twice(code: &mut Code, ins: Ins) {
    let vector = code.copy(ValType::V128);
    code.get(vector);
    code.release([vector]);
    code.ins(ins);
}
