//! Computes sizes when they are planned: exact sums in `i64`, each atom once.
//!
//! Problems (a division by zero, a value that leaves 32 bits) are noted, not returned: see `helpers`.

use super::code::{Code, Ins};
use super::helpers::Helpers;
use super::{cast, scalar};
use crate::size::{Atom, DimExpr, ScalarVar, Size, SizeVar};
use crate::types::Scalar;
use kcc_abi::status;
use std::collections::BTreeMap;
use wasm_encoder::{BlockType, ValType};

/// Computes sizes in one function.
#[derive(Debug)]
pub struct Sizes {
    helpers: Helpers,
    /// Locals (`i64`) of size variables.
    vars: BTreeMap<SizeVar, u32>,
    /// Locals of scalar parameters, in canonical form.
    scalars: BTreeMap<ScalarVar, u32>,
    /// Locals (`i64`) of atoms that were computed.
    atoms: BTreeMap<Atom, u32>,
    /// Greater than 0 inside an arm that may not run: what is computed there is not there afterwards.
    conditional: u32,
}

impl Sizes {
    /// Before anything was computed.
    pub fn new(helpers: Helpers, vars: BTreeMap<SizeVar, u32>, scalars: BTreeMap<ScalarVar, u32>) -> Sizes {
        Sizes { helpers, vars, scalars, atoms: BTreeMap::new(), conditional: 0 }
    }

    /// Pushes the exact value of a size, an `i64`.
    pub fn exact(&mut self, code: &mut Code, size: &Size) {
        if let Some(value) = size.as_const() {
            return code.i64(value);
        }
        for (position, (product, coefficient)) in size.terms().enumerate() {
            match product.split_first() {
                None => code.i64(coefficient),
                Some((first, rest)) => {
                    self.atom(code, first);
                    for atom in rest {
                        self.atom(code, atom);
                        code.ins(self.helpers.multiply());
                    }
                    if coefficient != 1 {
                        code.i64(coefficient);
                        code.ins(self.helpers.multiply());
                    }
                    if !rest.is_empty() || coefficient.unsigned_abs() > 1 << 20 {
                        code.ins(self.helpers.term());
                    }
                }
            }
            if position > 0 {
                code.ins(Ins::I64Add);
            }
        }
    }

    /// Pushes the value of a size that must fit 32 bits, as an `i64`.
    pub fn fitting(&mut self, code: &mut Code, size: &Size) {
        self.exact(code, size);
        if size.as_atom().is_none() {
            code.ins(self.helpers.fit());
        }
    }

    /// Pushes the value of an atom, an `i64` that fits 32 bits unless a problem was noted.
    fn atom(&mut self, code: &mut Code, atom: &Atom) {
        if let Atom::Var(var) = atom {
            return code.get(self.vars[var]);
        }
        if let Some(local) = self.atoms.get(atom) {
            return code.get(*local);
        }
        match atom {
            Atom::Var(_) => {}
            Atom::Div(a, b) | Atom::Rem(a, b) => {
                self.fitting(code, a);
                self.fitting(code, b);
                let divide = matches!(atom, Atom::Div(..));
                code.ins(if divide { self.helpers.divide() } else { self.helpers.remainder() });
                code.ins(self.helpers.fit());
            }
            Atom::Min(a, b) | Atom::Max(a, b) => {
                self.fitting(code, a);
                self.fitting(code, b);
                let b = code.pop(ValType::I64);
                let a = code.pop(ValType::I64);
                for local in [a, b, a, b] {
                    code.get(local);
                }
                code.release([a, b]);
                code.all([if matches!(atom, Atom::Min(..)) { Ins::I64LtS } else { Ins::I64GtS }, Ins::Select]);
            }
            Atom::Dim(e) => {
                let ty = self.expr(code, e);
                cast::scalar(code, ty, Scalar::I32);
                code.ins(Ins::I64ExtendI32S);
            }
        }
        if self.conditional == 0 {
            let local = code.local(ValType::I64);
            code.ins(Ins::LocalTee(local));
            self.atoms.insert(atom.clone(), local);
        }
    }

    /// Pushes the value of a `dim` expression and gives its type.
    fn expr(&mut self, code: &mut Code, e: &DimExpr) -> Scalar {
        match e {
            DimExpr::Const(value) => {
                scalar::constant(code, *value);
                value.ty
            }
            DimExpr::Size(size) => {
                self.fitting(code, size);
                code.ins(Ins::I32WrapI64);
                Scalar::I32
            }
            DimExpr::Scalar(var, ty) => {
                code.get(self.scalars[var]);
                if *ty == Scalar::F16 { Scalar::F32 } else { *ty }
            }
            DimExpr::Op(op, args) => {
                let mut ty = Scalar::I32;
                for arg in args {
                    ty = self.expr(code, arg);
                }
                if op.divides(ty) {
                    let divisor = code.copy(scalar::val_type(ty));
                    code.get(divisor);
                    code.release([divisor]);
                    code.ins(if ty.bytes() == 8 { Ins::I64Eqz } else { Ins::I32Eqz });
                    code.ins(Ins::If(BlockType::Empty));
                    code.all([Ins::I32Const(status::SIZE_DIVIDES_BY_ZERO), self.helpers.note(), Ins::End]);
                }
                scalar::op(code, *op, ty);
                op.result(ty).expect("operands were checked")
            }
            DimExpr::Cast(to, arg) => {
                let from = self.expr(code, arg);
                cast::scalar(code, from, *to);
                *to
            }
            DimExpr::Select(parts) => {
                let [cond, then, other] = &**parts;
                self.expr(code, cond);
                code.ins(Ins::If(BlockType::Result(scalar::val_type(then.ty()))));
                self.conditional += 1;
                let ty = self.expr(code, then);
                code.ins(Ins::Else);
                self.expr(code, other);
                self.conditional -= 1;
                code.ins(Ins::End);
                ty
            }
        }
    }
}
