//! Integer division, which needs more than an instruction: it floors, and it must not trap, because a division may
//! be evaluated where its result is not used. A zero divisor then gives any value.

use super::code::{Code, Ins};
use super::scalar::{pop_two, sign_mask, val_type, wrap, zero};
use crate::ops::Op;
use crate::types::Scalar;

/// Divides two operands on the stack, whatever they are.
pub fn general(code: &mut Code, op: Op, ty: Scalar) {
    let wide = ty.bytes() == 8;
    let pick = |narrow: Ins, other: Ins| if wide { other } else { narrow };
    let (a, b) = pop_two(code, val_type(ty));
    if !ty.is_signed() {
        // b + (b == 0)
        code.get(a);
        code.get(b);
        code.get(b);
        code.ins(pick(Ins::I32Eqz, Ins::I64Eqz));
        if wide {
            code.ins(Ins::I64ExtendI32U);
        }
        code.ins(pick(Ins::I32Add, Ins::I64Add));
        code.ins(match op {
            Op::Div | Op::TruncDiv => pick(Ins::I32DivU, Ins::I64DivU),
            _ => pick(Ins::I32RemU, Ins::I64RemU),
        });
        code.release([a, b]);
        return;
    }
    // MIN / -1 traps as a zero divisor does, so both divide by 1 and -1 is put right afterwards.
    let safe = code.temp(val_type(ty));
    code.ins(pick(Ins::I32Const(1), Ins::I64Const(1)));
    code.get(b);
    code.get(b);
    code.all([pick(Ins::I32Const(1), Ins::I64Const(1)), pick(Ins::I32Add, Ins::I64Add)]);
    code.all([pick(Ins::I32Const(2), Ins::I64Const(2)), pick(Ins::I32LtU, Ins::I64LtU), Ins::Select]);
    code.set(safe);
    code.get(a);
    code.get(safe);
    match op {
        Op::Rem | Op::TruncRem => {
            code.ins(pick(Ins::I32RemS, Ins::I64RemS));
            if op == Op::Rem {
                let r = code.pop(val_type(ty));
                code.get(r);
                code.get(b);
                code.ins(pick(Ins::I32Add, Ins::I64Add));
                code.get(r);
                signs_differ(code, wide, r, b);
                code.ins(Ins::Select);
                code.release([r]);
            }
        }
        _ => {
            code.ins(pick(Ins::I32DivS, Ins::I64DivS));
            let q = code.pop(val_type(ty));
            zero(code, wide);
            code.get(a);
            code.ins(pick(Ins::I32Sub, Ins::I64Sub));
            code.get(q);
            if op == Op::Div {
                code.get(a);
                code.get(q);
                code.get(safe);
                code.all([pick(Ins::I32Mul, Ins::I64Mul), pick(Ins::I32Sub, Ins::I64Sub)]);
                let r = code.pop(val_type(ty));
                signs_differ(code, wide, r, b);
                if wide {
                    code.ins(Ins::I64ExtendI32U);
                }
                code.ins(pick(Ins::I32Sub, Ins::I64Sub));
                code.release([r]);
            }
            code.get(b);
            code.all([pick(Ins::I32Const(-1), Ins::I64Const(-1)), pick(Ins::I32Eq, Ins::I64Eq), Ins::Select]);
            code.release([q]);
        }
    }
    code.release([a, b, safe]);
    wrap(code, ty);
}

/// Pushes whether a remainder is not zero and has the other sign than the divisor.
fn signs_differ(code: &mut Code, wide: bool, r: u32, b: u32) {
    let pick = |narrow: Ins, other: Ins| if wide { other } else { narrow };
    code.get(r);
    zero(code, wide);
    code.ins(pick(Ins::I32Ne, Ins::I64Ne));
    code.get(r);
    code.get(b);
    code.ins(pick(Ins::I32Xor, Ins::I64Xor));
    zero(code, wide);
    code.all([pick(Ins::I32LtS, Ins::I64LtS), Ins::I32And]);
}

/// Whether [`by_constant`] has a better sequence than [`general`] for this divisor.
pub fn has_sequence(divisor: i128) -> bool {
    divisor > 0
}

/// Divides the operand on the stack by a positive constant; `not_negative` says that the operand is none.
pub fn by_constant(code: &mut Code, op: Op, ty: Scalar, divisor: i128, not_negative: bool) {
    let wide = ty.bytes() == 8;
    let pick = |narrow: Ins, other: Ins| if wide { other } else { narrow };
    let push = |code: &mut Code, value: i128| {
        code.ins(if wide { Ins::I64Const(value as i64) } else { Ins::I32Const(value as i32) });
    };
    let power = (divisor & (divisor - 1) == 0).then(|| i128::from(divisor.trailing_zeros()));
    let unsigned = not_negative || !ty.is_signed();
    match (op, power) {
        (Op::Div, Some(shift)) if ty.is_signed() => {
            push(code, shift);
            code.ins(pick(Ins::I32ShrS, Ins::I64ShrS));
        }
        (Op::Div | Op::TruncDiv, Some(shift)) if unsigned => {
            push(code, shift);
            code.ins(pick(Ins::I32ShrU, Ins::I64ShrU));
        }
        (Op::Rem, Some(_)) => {
            push(code, divisor - 1);
            code.ins(pick(Ins::I32And, Ins::I64And));
        }
        (Op::TruncRem, Some(_)) if unsigned => {
            push(code, divisor - 1);
            code.ins(pick(Ins::I32And, Ins::I64And));
        }
        (Op::Div | Op::TruncDiv, _) if unsigned => {
            push(code, divisor);
            code.ins(pick(Ins::I32DivU, Ins::I64DivU));
        }
        (Op::Rem | Op::TruncRem, _) if unsigned => {
            push(code, divisor);
            code.ins(pick(Ins::I32RemU, Ins::I64RemU));
        }
        (Op::TruncDiv, _) => {
            push(code, divisor);
            code.ins(pick(Ins::I32DivS, Ins::I64DivS));
        }
        (Op::TruncRem, _) => {
            push(code, divisor);
            code.ins(pick(Ins::I32RemS, Ins::I64RemS));
        }
        (Op::Rem, None) => {
            // r + (d & sign(r))
            push(code, divisor);
            code.ins(pick(Ins::I32RemS, Ins::I64RemS));
            let r = code.copy(val_type(ty));
            code.get(r);
            sign_mask(code, wide);
            push(code, divisor);
            code.all([pick(Ins::I32And, Ins::I64And), pick(Ins::I32Add, Ins::I64Add)]);
            code.release([r]);
        }
        _ => {
            // q + sign(a - q*d)
            let a = code.copy(val_type(ty));
            push(code, divisor);
            code.ins(pick(Ins::I32DivS, Ins::I64DivS));
            let q = code.copy(val_type(ty));
            code.get(a);
            code.get(q);
            push(code, divisor);
            code.all([pick(Ins::I32Mul, Ins::I64Mul), pick(Ins::I32Sub, Ins::I64Sub)]);
            sign_mask(code, wide);
            code.ins(pick(Ins::I32Add, Ins::I64Add));
            code.release([a, q]);
        }
    }
}
