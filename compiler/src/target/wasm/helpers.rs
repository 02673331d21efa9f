//! Small functions that `plan` functions share: exact arithmetic of sizes, and moving addresses.
//!
//! Sizes are computed in `i64`. What goes wrong on the way is kept in a global, the first problem only, and looked
//! at once when all sizes are there.

use super::code::{Code, Ins, memarg};
use kcc_abi::status;
use wasm_encoder::{BlockType, Function, ValType};

/// The functions in order, and where they are in the module.
#[derive(Clone, Copy, Debug)]
pub struct Helpers {
    /// Index of the first one.
    pub first: u32,
    /// The global that holds the first problem.
    pub problem: u32,
}

/// A function with its name and type.
#[derive(Debug)]
pub struct Helper {
    /// Name for the name section.
    pub name: &'static str,
    /// Parameters.
    pub params: Vec<ValType>,
    /// Results.
    pub results: Vec<ValType>,
    /// Code.
    pub function: Function,
}

/// A product that reaches this is too large for any use of it; a later factor 0 still makes it 0.
const TOO_FAR: i64 = 1 << 55;

impl Helpers {
    /// `(a, b) -> a * b`, or [`TOO_FAR`] if the product reaches that.
    pub fn multiply(self) -> Ins {
        Ins::Call(self.first)
    }

    /// `term -> term`: a problem if it is too far.
    pub fn term(self) -> Ins {
        Ins::Call(self.first + 1)
    }

    /// `value -> value`: a problem if it does not fit `i32`.
    pub fn fit(self) -> Ins {
        Ins::Call(self.first + 2)
    }

    /// `(a, b) -> a / b`, rounded down; a problem if `b` is 0.
    pub fn divide(self) -> Ins {
        Ins::Call(self.first + 3)
    }

    /// `(a, b) -> a % b` with the divisor's sign; a problem if `b` is 0.
    pub fn remainder(self) -> Ins {
        Ins::Call(self.first + 4)
    }

    /// `(status)`: notes a problem unless there is one.
    pub fn note(self) -> Ins {
        Ins::Call(self.first + 5)
    }

    /// `(address, count, difference)`: adds the difference to so many `i32`s.
    pub fn shift(self) -> Ins {
        Ins::Call(self.first + 6)
    }

    /// The functions, in the order of the methods above.
    pub fn all(self) -> Vec<Helper> {
        let (i32, i64) = (ValType::I32, ValType::I64);
        let helper = |name, params: Vec<ValType>, results: Vec<ValType>, f: &dyn Fn(&mut Code)| {
            let mut code = Code::new(params.len() as u32);
            f(&mut code);
            Helper { name, params, results, function: code.finish() }
        };
        vec![
            helper("size.multiply", vec![i64, i64], vec![i64], &multiply),
            helper("size.term", vec![i64], vec![i64], &|code| self.check_term(code)),
            helper("size.fit", vec![i64], vec![i64], &|code| self.check_fit(code)),
            helper("size.divide", vec![i64, i64], vec![i64], &|code| self.floor(code, false)),
            helper("size.remainder", vec![i64, i64], vec![i64], &|code| self.floor(code, true)),
            helper("size.note", vec![i32], vec![], &|code| self.keep_first(code)),
            helper("slots.shift", vec![i32, i32, i32], vec![], &shift),
        ]
    }

    fn check_term(self, code: &mut Code) {
        code.all([Ins::LocalGet(0), Ins::I64Const(TOO_FAR), Ins::I64GeS, Ins::If(BlockType::Empty)]);
        code.all([Ins::I32Const(status::TOO_LARGE), self.note(), Ins::End, Ins::LocalGet(0)]);
    }

    fn check_fit(self, code: &mut Code) {
        code.all([Ins::LocalGet(0), Ins::LocalGet(0), Ins::I64Extend32S, Ins::I64Ne, Ins::If(BlockType::Empty)]);
        code.all([Ins::I32Const(status::TOO_LARGE), self.note(), Ins::End, Ins::LocalGet(0)]);
    }

    /// The operands fit 32 bits, so nothing overflows.
    fn floor(self, code: &mut Code, remainder: bool) {
        code.all([Ins::LocalGet(1), Ins::I64Eqz, Ins::If(BlockType::Empty)]);
        code.all([Ins::I32Const(status::SIZE_DIVIDES_BY_ZERO), self.note()]);
        code.all([Ins::I64Const(0), Ins::Return, Ins::End]);
        let op = if remainder { crate::ops::Op::Rem } else { crate::ops::Op::Div };
        code.all([Ins::LocalGet(0), Ins::LocalGet(1)]);
        super::divide::general(code, op, crate::types::Scalar::I64);
    }

    fn keep_first(self, code: &mut Code) {
        code.all([Ins::GlobalGet(self.problem), Ins::I32Eqz, Ins::If(BlockType::Empty)]);
        code.all([Ins::LocalGet(0), Ins::GlobalSet(self.problem), Ins::End]);
    }
}

fn multiply(code: &mut Code) {
    // The product of the nearest floats says how far the exact one is.
    code.all([Ins::LocalGet(0), Ins::LocalGet(1), Ins::I64Mul, Ins::I64Const(TOO_FAR)]);
    code.all([Ins::LocalGet(0), Ins::F64ConvertI64S, Ins::LocalGet(1), Ins::F64ConvertI64S, Ins::F64Mul]);
    code.all([Ins::F64Abs, Ins::F64Const((TOO_FAR as f64).into()), Ins::F64Lt, Ins::Select]);
}

fn shift(code: &mut Code) {
    code.all([Ins::Block(BlockType::Empty), Ins::Loop(BlockType::Empty)]);
    code.all([Ins::LocalGet(1), Ins::I32Eqz, Ins::BrIf(1)]);
    code.all([Ins::LocalGet(0), Ins::LocalGet(0), Ins::I32Load(memarg(0, 4)), Ins::LocalGet(2), Ins::I32Add]);
    code.ins(Ins::I32Store(memarg(0, 4)));
    code.all([Ins::LocalGet(0), Ins::I32Const(4), Ins::I32Add, Ins::LocalSet(0)]);
    code.all([Ins::LocalGet(1), Ins::I32Const(1), Ins::I32Sub, Ins::LocalSet(1)]);
    code.all([Ins::Br(0), Ins::End, Ins::End]);
}
