//! Intervals of the values of `dim` expressions: all operations that are monotone in their operands, from the corners.
//! Rounding is monotone too, so the corners bound what the operation really gives.

use super::bounds::hull;
use crate::ops::{Op, eval};
use crate::types::{Const, Scalar};

/// A value of a `dim` expression: an interval of numbers, and whether it can be NaN.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    pub(super) ty: Scalar,
    pub(super) least: Const,
    pub(super) greatest: Const,
    pub(super) nan: bool,
}

impl Values {
    /// Everything that a type holds.
    pub(super) fn all(ty: Scalar) -> Values {
        match ty {
            Scalar::F16 | Scalar::F32 => Values {
                ty: Scalar::F32,
                least: Const::f32(f32::NEG_INFINITY),
                greatest: Const::f32(f32::INFINITY),
                nan: true,
            },
            Scalar::F64 => {
                Values { ty, least: Const::f64(f64::NEG_INFINITY), greatest: Const::f64(f64::INFINITY), nan: true }
            }
            _ => {
                let (lo, hi) = ty.int_range().expect("not a float");
                Values::int(ty, lo, hi)
            }
        }
    }

    pub(super) fn int(ty: Scalar, lo: i128, hi: i128) -> Values {
        Values { ty, least: Const::int(ty, lo), greatest: Const::int(ty, hi), nan: false }
    }

    /// The least interval around some values; `None` if one is NaN.
    pub(super) fn hull(values: &[Const]) -> Option<Values> {
        let ty = values[0].ty;
        let mut result = Values { ty, least: values[0], greatest: values[0], nan: false };
        for value in values {
            if is_nan(*value) {
                return None;
            }
            if less(*value, result.least) {
                result.least = *value;
            }
            if less(result.greatest, *value) {
                result.greatest = *value;
            }
        }
        Some(result)
    }

    /// Casts are monotone except where integers wrap.
    pub(super) fn cast(self, to: Scalar) -> Values {
        if self.ty.is_float() && to == Scalar::Bool {
            return Values::all(to);
        }
        if !self.ty.is_float()
            && let Some((least, greatest)) = to.int_range()
            && (self.least.as_int() < least || self.greatest.as_int() > greatest)
        {
            return Values::all(to);
        }
        let mut ends = vec![eval::cast(to, self.least), eval::cast(to, self.greatest)];
        if self.nan && !to.is_float() {
            ends.push(Const::int(to, 0));
        }
        match Values::hull(&ends) {
            Some(values) => Values { nan: self.nan && to.is_float(), ..values },
            None => Values::all(to),
        }
    }

    fn ends(&self) -> [Const; 2] {
        [self.least, self.greatest]
    }
}

fn is_nan(value: Const) -> bool {
    match value.ty {
        Scalar::F32 => value.as_f32().is_nan(),
        Scalar::F64 => value.as_f64().is_nan(),
        _ => false,
    }
}

fn is_infinite(value: Const) -> bool {
    match value.ty {
        Scalar::F32 => value.as_f32().is_infinite(),
        Scalar::F64 => value.as_f64().is_infinite(),
        _ => false,
    }
}

fn less(a: Const, b: Const) -> bool {
    match a.ty {
        Scalar::F32 => a.as_f32() < b.as_f32(),
        Scalar::F64 => a.as_f64() < b.as_f64(),
        _ => a.as_int() < b.as_int(),
    }
}

/// The interval of an operation that is monotone in each operand (rounding is monotone too), from the corners.
/// `None` if nothing is known.
pub(super) fn apply(op: Op, args: &[Values]) -> Option<Values> {
    let ty = args[0].ty;
    // Infinities can meet to give NaN between the corners.
    let nan = args.iter().any(|arg| arg.nan || arg.ends().into_iter().any(is_infinite));
    match op {
        Op::Add | Op::Sub | Op::Mul | Op::Neg if ty.is_int() => {
            let exact = |a: Const, b: Option<Const>| -> Option<i128> {
                let (a, b) = (a.as_int(), b.map_or(0, Const::as_int));
                match op {
                    Op::Add => a.checked_add(b),
                    Op::Sub => a.checked_sub(b),
                    Op::Mul => a.checked_mul(b),
                    _ => a.checked_neg(),
                }
            };
            let mut corners = Vec::new();
            for a in args[0].ends() {
                match args.get(1) {
                    Some(b) => corners.extend(b.ends().map(|b| exact(a, Some(b)))),
                    None => corners.push(exact(a, None)),
                }
            }
            let corners: Vec<i128> = corners.into_iter().collect::<Option<_>>()?;
            let (lo, hi) = hull(&corners);
            let (least, greatest) = ty.int_range()?;
            (least <= lo && hi <= greatest).then(|| Values::int(ty, lo, hi))
        }
        Op::Div | Op::TruncDiv if ty.is_int() => {
            // A zero divisor is refused; a negative one is not looked into.
            let (a, b) = (args[0], args[1]);
            if b.least.as_int() < 0 || b.greatest.as_int() <= 0 {
                return None;
            }
            let b = Values::int(ty, b.least.as_int().max(1), b.greatest.as_int());
            corners(op, &[a, b])
        }
        Op::Rem if ty.is_int() => {
            let greatest = args[1].greatest.as_int() - 1;
            (args[1].least.as_int() >= 0 && greatest >= 0).then(|| Values::int(ty, 0, greatest))
        }
        Op::Div => {
            // Around zero a quotient is anything, and 0 / 0 is NaN.
            let zero = Const { ty, bits: 0 };
            if !less(zero, args[1].least) && !less(args[1].greatest, zero) {
                return None;
            }
            Some(Values { nan, ..corners(op, args)? })
        }
        Op::Add | Op::Sub | Op::Mul | Op::Neg | Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Min | Op::Max => {
            Some(Values { nan, ..corners(op, args)? })
        }
        Op::Sqrt => {
            let zero = Const { ty, bits: 0 };
            (!less(args[0].least, zero)).then_some(())?;
            Some(Values { nan, ..corners(op, args)? })
        }
        Op::Abs
        | Op::Not
        | Op::BitNot
        | Op::Bits
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
        | Op::Shr
        | Op::CopySign
        | Op::Eq
        | Op::Ne
        | Op::Lt
        | Op::Le
        | Op::Gt
        | Op::Ge => None,
    }
}

fn corners(op: Op, args: &[Values]) -> Option<Values> {
    let mut values = Vec::new();
    for a in args[0].ends() {
        match args.get(1) {
            Some(b) => values.extend(b.ends().map(|b| eval::apply(op, &[a, b]))),
            None => values.push(eval::apply(op, &[a])),
        }
    }
    Values::hull(&values)
}
