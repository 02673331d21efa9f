//! Replacing variables in sizes: the result is in normal form again, and what became constant is folded.

use super::{Atom, DimExpr, ScalarVar, Size, SizeVar};
use crate::types::{Const, Scalar};

/// What [`Size::substitute`] puts in the place of variables.
pub struct Subst<'a> {
    /// For a size variable.
    pub size: &'a dyn Fn(SizeVar) -> Size,
    /// For a scalar parameter.
    pub scalar: &'a dyn Fn(ScalarVar, Scalar) -> DimExpr,
}

impl Size {
    /// Replaces variables; the result is in normal form again, with constants folded by `Subst::fold`.
    pub fn substitute(&self, subst: &Subst<'_>) -> Size {
        let mut result = Size::default();
        for (product, coefficient) in &self.terms {
            let mut term = Size::constant(*coefficient);
            for atom in product {
                let value = match atom {
                    Atom::Var(var) => (subst.size)(*var),
                    Atom::Div(a, b) => a.substitute(subst).div(&b.substitute(subst)),
                    Atom::Rem(a, b) => a.substitute(subst).rem(&b.substitute(subst)),
                    Atom::Min(a, b) => a.substitute(subst).smaller(&b.substitute(subst)),
                    Atom::Max(a, b) => a.substitute(subst).larger(&b.substitute(subst)),
                    Atom::Dim(e) => Size::dim(e.substitute(subst)),
                };
                term = term.times(&value);
            }
            result = result.plus(&term);
        }
        result
    }
}

impl DimExpr {
    /// Replaces variables and folds what became constant.
    pub fn substitute(&self, subst: &Subst<'_>) -> DimExpr {
        let replaced = match self {
            DimExpr::Const(_) => return self.clone(),
            DimExpr::Size(size) => {
                let size = size.substitute(subst);
                return match size.as_const() {
                    Some(value) => DimExpr::Const(Const::int(Scalar::I32, i128::from(value))),
                    None => DimExpr::Size(size),
                };
            }
            DimExpr::Scalar(var, ty) => return (subst.scalar)(*var, *ty),
            DimExpr::Op(op, args) => DimExpr::Op(*op, args.iter().map(|arg| arg.substitute(subst)).collect()),
            DimExpr::Cast(to, arg) => DimExpr::Cast(*to, Box::new(arg.substitute(subst))),
            DimExpr::Select(parts) => DimExpr::Select(Box::new([
                parts[0].substitute(subst),
                parts[1].substitute(subst),
                parts[2].substitute(subst),
            ])),
        };
        replaced.fold()
    }

    /// Evaluates one level if all operands are constants; a division by a constant zero stays.
    pub fn fold(self) -> DimExpr {
        let constant = |e: &DimExpr| if let DimExpr::Const(value) = e { Some(*value) } else { None };
        match &self {
            DimExpr::Op(op, args) => match args.iter().map(constant).collect::<Option<Vec<_>>>() {
                Some(values) if !(op.divides(values[0].ty) && values[1].as_int() == 0) => {
                    DimExpr::Const(crate::ops::eval::apply(*op, &values))
                }
                _ => self,
            },
            DimExpr::Cast(to, arg) => match constant(arg) {
                Some(value) => DimExpr::Const(crate::ops::eval::cast(*to, value)),
                None => self,
            },
            DimExpr::Select(parts) => match constant(&parts[0]) {
                Some(value) if value.bits != 0 => parts[1].clone(),
                Some(_) => parts[2].clone(),
                None => self,
            },
            _ => self,
        }
    }
}
