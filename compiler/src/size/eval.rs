//! The value of a size when the values of its variables are known.
//!
//! The normal form reorders terms, so a sum is computed exactly (in 128 bits) and only its result must fit
//! `i32`; so must every operand of `/ % min max` and every size inside `dim(…)`. `dim(e)` follows `ops::eval`.

use super::{Atom, DimExpr, ScalarVar, Size, SizeVar};
use crate::ops::eval::{apply, cast};
use crate::types::{Const, Scalar};
use std::collections::BTreeMap;
use std::fmt;

/// Values of size variables and of scalar parameters that reach a size.
#[derive(Clone, Debug, Default)]
pub struct SizeValues {
    /// Of size variables.
    pub sizes: BTreeMap<SizeVar, i64>,
    /// Of scalar parameters.
    pub scalars: BTreeMap<ScalarVar, Const>,
}

/// Why a size has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// A division or remainder by zero in it.
    DivisionByZero,
    /// Its value, or that of a part of it, does not fit `i32`.
    OutOfRange,
    /// A size variable without value.
    UnknownSize(SizeVar),
    /// A scalar parameter without value.
    UnknownScalar(ScalarVar),
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SizeError::DivisionByZero => f.write_str("divides by zero"),
            SizeError::OutOfRange => f.write_str("does not fit a 32-bit signed integer"),
            SizeError::UnknownSize(_) | SizeError::UnknownScalar(_) => f.write_str("has a part without a value"),
        }
    }
}

impl SizeValues {
    /// The value of a size; it fits `i32` and may be negative.
    ///
    /// # Errors
    /// See [`SizeError`].
    pub fn size(&self, size: &Size) -> Result<i64, SizeError> {
        let mut sum = 0i128;
        for (product, coefficient) in size.terms() {
            let mut term = i128::from(coefficient);
            for atom in product {
                // Atoms fit 32 bits, so overflow here takes a product far outside i32; a later zero still gives 0.
                term = term.saturating_mul(i128::from(self.atom(atom)?));
            }
            sum = sum.saturating_add(term);
        }
        i32::try_from(sum).map(i64::from).map_err(|_| SizeError::OutOfRange)
    }

    /// The value of an atom.
    ///
    /// # Errors
    /// See [`SizeError`].
    pub fn atom(&self, atom: &Atom) -> Result<i64, SizeError> {
        let value = match atom {
            Atom::Var(var) => *self.sizes.get(var).ok_or(SizeError::UnknownSize(*var))?,
            Atom::Div(a, b) => {
                let (a, b) = (self.size(a)?, self.divisor(b)?);
                // Floor division: Euclid's differs by one where the divisor is negative and does not divide.
                a.div_euclid(b) - i64::from(b < 0 && a.rem_euclid(b) != 0)
            }
            Atom::Rem(a, b) => {
                let (a, b) = (self.size(a)?, self.divisor(b)?);
                let remainder = a.rem_euclid(b);
                if b < 0 && remainder != 0 { remainder + b } else { remainder }
            }
            Atom::Min(a, b) => self.size(a)?.min(self.size(b)?),
            Atom::Max(a, b) => self.size(a)?.max(self.size(b)?),
            Atom::Dim(expr) => cast(Scalar::I32, self.expr(expr)?).as_int() as i64,
        };
        i32::try_from(value).map(i64::from).map_err(|_| SizeError::OutOfRange)
    }

    fn divisor(&self, size: &Size) -> Result<i64, SizeError> {
        match self.size(size)? {
            0 => Err(SizeError::DivisionByZero),
            value => Ok(value),
        }
    }

    /// The value of a `dim` expression.
    ///
    /// # Errors
    /// See [`SizeError`].
    pub fn expr(&self, expr: &DimExpr) -> Result<Const, SizeError> {
        Ok(match expr {
            DimExpr::Const(value) => *value,
            DimExpr::Size(size) => Const::int(Scalar::I32, i128::from(self.size(size)?)),
            DimExpr::Scalar(var, _) => *self.scalars.get(var).ok_or(SizeError::UnknownScalar(*var))?,
            DimExpr::Op(op, args) => {
                let args = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>, _>>()?;
                if op.divides(args[0].ty) && args[1].bits == 0 {
                    return Err(SizeError::DivisionByZero);
                }
                apply(*op, &args)
            }
            DimExpr::Cast(to, arg) => cast(*to, self.expr(arg)?),
            DimExpr::Select(parts) => {
                let taken = if self.expr(&parts[0])?.bits != 0 { &parts[1] } else { &parts[2] };
                self.expr(taken)?
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Op;
    use crate::size::SizeNames;

    #[test]
    fn sizes_follow_floor_division_and_refuse_what_does_not_fit() {
        let mut names = SizeNames::default();
        let (h, w) = (names.new_size("H"), names.new_size("W"));
        let mut values = SizeValues::default();
        let (hs, ws) = (Size::from(h), Size::from(w));
        for (a, b) in [(7i64, 2i64), (-7, 2), (7, -2), (-7, -2), (6, -3), (0, 5)] {
            values.sizes.insert(h, a);
            values.sizes.insert(w, b);
            let floor = (a as f64 / b as f64).floor() as i64;
            assert_eq!(values.size(&hs.div(&ws)), Ok(floor), "{a} / {b}");
            assert_eq!(values.size(&hs.rem(&ws)), Ok(a - b * floor), "{a} % {b}");
            assert_eq!(values.size(&hs.smaller(&ws)), Ok(a.min(b)));
            assert_eq!(values.size(&hs.larger(&ws)), Ok(a.max(b)));
            assert_eq!(values.size(&hs.times(&ws).plus(&Size::constant(3))), Ok(a * b + 3));
        }
        values.sizes.insert(h, 1 << 20);
        values.sizes.insert(w, 1 << 20);
        assert_eq!(values.size(&hs.times(&ws)), Err(SizeError::OutOfRange));
        // Parts of a sum may be large if the sum is not.
        assert_eq!(values.size(&hs.times(&ws).minus(&ws.times(&ws))), Ok(0));
        values.sizes.insert(w, 0);
        assert_eq!(values.size(&hs.div(&ws)), Err(SizeError::DivisionByZero));
        let unknown = names.new_size("C");
        assert_eq!(values.size(&Size::from(unknown)), Err(SizeError::UnknownSize(unknown)));
    }

    #[test]
    fn dim_expressions_use_the_operations_of_the_language() {
        let mut names = SizeNames::default();
        let (h, factor) = (names.new_size("H"), names.new_scalar("factor"));
        let scaled = DimExpr::Op(
            Op::Mul,
            vec![
                DimExpr::Cast(Scalar::F32, Box::new(DimExpr::Size(Size::from(h)))),
                DimExpr::Scalar(factor, Scalar::F32),
            ],
        );
        let size = Size::dim(DimExpr::Op(Op::Ceil, vec![scaled]));
        let mut values = SizeValues::default();
        values.sizes.insert(h, 5);
        values.scalars.insert(factor, Const::f32(1.5));
        assert_eq!(values.size(&size), Ok(8));
        values.scalars.insert(factor, Const::f32(f32::NAN));
        assert_eq!(values.size(&size), Ok(0));
        values.scalars.clear();
        assert_eq!(values.size(&size), Err(SizeError::UnknownScalar(factor)));
        let zero = DimExpr::Select(Box::new([
            DimExpr::Op(Op::Lt, vec![DimExpr::Size(Size::from(h)), DimExpr::Const(Const::i32(9))]),
            DimExpr::Const(Const::i32(4)),
            DimExpr::Op(Op::Div, vec![DimExpr::Size(Size::from(h)), DimExpr::Const(Const::i32(0))]),
        ]));
        assert_eq!(values.size(&Size::dim(zero.clone())), Ok(4));
        values.sizes.insert(h, 9);
        assert_eq!(values.size(&Size::dim(zero)), Err(SizeError::DivisionByZero));
    }
}
