//! Intervals of the values of `dim` expressions. All operations that are monotone in their operands, from the corners;
//! rounding is monotone too, so the corners bound what the operation really gives.

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

    /// The value, if it can have only one. (A zero of floats may have either sign.)
    pub(super) fn as_point(self) -> Option<Const> {
        let any_zero = self.ty.is_float() && !less(self.least, self.zero()) && !less(self.zero(), self.least);
        (self.least == self.greatest && !self.nan && !any_zero).then_some(self.least)
    }

    fn zero(&self) -> Const {
        Const { ty: self.ty, bits: 0 }
    }

    /// What is in one or the other.
    pub(super) fn or(self, other: Values) -> Values {
        match Values::hull(&[self.least, self.greatest, other.least, other.greatest]) {
            Some(values) => Values { nan: self.nan || other.nan, ..values },
            None => Values::all(self.ty),
        }
    }

    fn decided(value: Option<bool>) -> Values {
        match value {
            Some(value) => {
                Values { ty: Scalar::Bool, least: Const::bool(value), greatest: Const::bool(value), nan: false }
            }
            None => Values::all(Scalar::Bool),
        }
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

/// The interval of an operation: exact for single values, otherwise from the corners if the operation is monotone in
/// each operand (rounding is monotone too), and everything if nothing is known.
pub(super) fn apply(op: Op, args: &[Values]) -> Values {
    let ty = op.result(args[0].ty).expect("operands were checked");
    let points: Option<Vec<Const>> = args.iter().map(|arg| arg.as_point()).collect();
    if let Some(points) = points
        && !(op.divides(points[0].ty) && points[1].bits == 0)
    {
        return Values::hull(&[eval::apply(op, &points)]).unwrap_or_else(|| Values::all(ty));
    }
    let found = match op {
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => Some(Values::decided(compare(op, args[0], args[1]))),
        Op::And | Op::Or | Op::Not if ty == Scalar::Bool => Some(Values::decided(logic(op, args))),
        _ if args[0].ty.is_int() => integer(op, args),
        _ => float(op, args),
    };
    found.unwrap_or_else(|| Values::all(ty))
}

/// Whether a comparison holds, if that is the same for all values. With NaN only `!=` holds.
fn compare(op: Op, a: Values, b: Values) -> Option<bool> {
    let nan = a.nan || b.nan;
    let (below, above) = (less(a.greatest, b.least), less(b.greatest, a.least));
    let (at_most, at_least) = (!less(b.least, a.greatest), !less(a.least, b.greatest));
    let (always, never) = match op {
        Op::Lt => (below, at_least),
        Op::Le => (at_most, above),
        Op::Gt => (above, at_most),
        Op::Ge => (at_least, below),
        Op::Eq => (false, below || above),
        _ => return (below || above).then_some(true),
    };
    if never {
        Some(false)
    } else if always && !nan {
        Some(true)
    } else {
        None
    }
}

/// `and`, `or`, `not` of conditions of which some are decided.
fn logic(op: Op, args: &[Values]) -> Option<bool> {
    let known = |arg: &Values| arg.as_point().map(|value| value.bits != 0);
    let settles = op == Op::Or;
    args.iter().filter_map(known).find(|value| op != Op::Not && *value == settles)
}

fn integer(op: Op, args: &[Values]) -> Option<Values> {
    let ty = args[0].ty;
    match op {
        Op::Add | Op::Sub | Op::Mul | Op::Neg => {
            // Exact results, which must fit the type: otherwise they wrap.
            let exact = |a: Const, b: Const| -> Option<i128> {
                let (a, b) = (a.as_int(), b.as_int());
                match op {
                    Op::Add => a.checked_add(b),
                    Op::Sub => a.checked_sub(b),
                    Op::Mul => a.checked_mul(b),
                    _ => a.checked_neg(),
                }
            };
            let second = args.get(1).unwrap_or(&args[0]);
            let corners = args[0].ends().into_iter().flat_map(|a| second.ends().map(|b| exact(a, b)));
            let corners: Vec<i128> = corners.collect::<Option<_>>()?;
            let (lo, hi) = (*corners.iter().min()?, *corners.iter().max()?);
            let (least, greatest) = ty.int_range()?;
            (least <= lo && hi <= greatest).then(|| Values::int(ty, lo, hi))
        }
        Op::Div | Op::TruncDiv => {
            // A zero divisor is refused, so any result is right for it; a negative one is not looked into.
            let (a, b) = (args[0], args[1]);
            if b.least.as_int() < 0 {
                return None;
            }
            if b.greatest.as_int() == 0 {
                return Some(Values::int(ty, 0, 0));
            }
            let b = Values::int(ty, b.least.as_int().max(1), b.greatest.as_int());
            corners(op, &[a, b])
        }
        Op::Rem => {
            let (a, b) = (args[0], args[1]);
            let greatest = (b.greatest.as_int() - 1).max(0);
            let greatest = if a.least.as_int() >= 0 { greatest.min(a.greatest.as_int()) } else { greatest };
            (b.least.as_int() >= 0 && greatest >= 0).then(|| Values::int(ty, 0, greatest))
        }
        Op::Min | Op::Max => corners(op, args),
        Op::Abs => {
            let (lo, hi) = (args[0].least.as_int(), args[0].greatest.as_int());
            // The least value of a type has no opposite.
            let least = ty.int_range()?.0;
            (lo > least || least == 0).then(|| match (lo >= 0, hi <= 0) {
                (true, _) => args[0],
                (_, true) => Values::int(ty, -hi, -lo),
                _ => Values::int(ty, 0, hi.max(-lo)),
            })
        }
        _ => None,
    }
}

fn float(op: Op, args: &[Values]) -> Option<Values> {
    let zero = args[0].zero();
    match op {
        // Around zero a quotient is anything, and 0 / 0 is NaN.
        Op::Div if !less(zero, args[1].least) && !less(args[1].greatest, zero) => return None,
        Op::Sqrt if less(args[0].least, zero) => return None,
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Neg | Op::Floor | Op::Ceil | Op::Trunc | Op::Round => {}
        Op::Min | Op::Max | Op::Sqrt => {}
        _ => return None,
    }
    // Infinities can meet to give NaN between the corners.
    let nan = args.iter().any(|arg| arg.nan || arg.ends().into_iter().any(is_infinite));
    Some(Values { nan, ..corners(op, args)? })
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
