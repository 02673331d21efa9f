//! Ranges of float expressions: between which values they lie, and whether they may be NaN.
//!
//! Assumes definitions of a kernel of any level. Bounds hold for the rounded results: each operation widens them by more
//! than its rounding. Only arithmetic, `min`, `max` and clamps written as `if x < k { k } else { x }` are understood; of
//! anything else nothing is known.

use super::depends::Definitions;
use super::{Expr, Program, Var, VarId, build};
use crate::ops::Op;
use crate::types::Scalar;
use std::cell::RefCell;

/// Where a float lies if it is no NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Least value.
    pub lo: f64,
    /// Greatest value.
    pub hi: f64,
    /// Whether it may be NaN.
    pub nan: bool,
}

const ANYTHING: Interval = Interval { lo: f64::NEG_INFINITY, hi: f64::INFINITY, nan: true };

/// What is known of a kernel's floats.
pub struct Floats<'a> {
    program: &'a Program,
    vars: &'a [Var],
    definitions: &'a Definitions,
    known: RefCell<Vec<Option<Interval>>>,
}

impl<'a> Floats<'a> {
    /// Of a kernel with these variables.
    pub fn new(program: &'a Program, vars: &'a [Var], definitions: &'a Definitions) -> Floats<'a> {
        Floats { program, vars, definitions, known: RefCell::new(vec![None; vars.len()]) }
    }

    /// Whether a float is certainly no NaN, in any lane.
    pub fn is_number(&self, expr: &Expr) -> bool {
        !self.interval(expr).nan
    }

    /// Where a float lies, in all lanes.
    pub fn interval(&self, expr: &Expr) -> Interval {
        match expr {
            Expr::Const(value) => {
                let value = match value.ty {
                    Scalar::F32 => f64::from(value.as_f32()),
                    Scalar::F64 => value.as_f64(),
                    _ => return ANYTHING,
                };
                if value.is_nan() { ANYTHING } else { Interval { lo: value, hi: value, nan: false } }
            }
            Expr::Var(var) => self.variable(*var),
            Expr::Splat(value, _) | Expr::Lane(value, _) => self.interval(value),
            Expr::Op(op, args) => self.operation(*op, args),
            Expr::Cast(to, value) if to.is_float() => self.cast(*to, value),
            Expr::Select(parts) => self.select(parts),
            Expr::Cast(..) | Expr::Size(_) | Expr::Load(_) | Expr::Ramp(..) => ANYTHING,
        }
    }

    fn variable(&self, var: VarId) -> Interval {
        if let Some(known) = self.known.borrow().get(var.0 as usize).copied().flatten() {
            return known;
        }
        let found = self.definitions.get(var).map_or(ANYTHING, |value| self.interval(value));
        if let Some(slot) = self.known.borrow_mut().get_mut(var.0 as usize) {
            *slot = Some(found);
        }
        found
    }

    fn cast(&self, to: Scalar, value: &Expr) -> Interval {
        let from = build::ty(self.program, self.vars, value).scalar;
        if from.is_float() {
            return widened(self.interval(value), to);
        }
        match from.int_range() {
            Some((lo, hi)) => widened(Interval { lo: lo as f64, hi: hi as f64, nan: false }, to),
            None => Interval { lo: 0.0, hi: 1.0, nan: false },
        }
    }

    fn operation(&self, op: Op, args: &[Expr]) -> Interval {
        let ty = build::ty(self.program, self.vars, &args[0]).scalar;
        if !ty.is_float() {
            return ANYTHING;
        }
        let a = self.interval(&args[0]);
        let b = args.get(1).map_or(ANYTHING, |b| self.interval(b));
        let nan = a.nan || b.nan;
        let finite = is_finite(a) && is_finite(b);
        match op {
            Op::Neg => Interval { lo: -a.hi, hi: -a.lo, ..a },
            Op::Abs if a.lo >= 0.0 => a,
            Op::Abs => Interval { lo: if a.hi < 0.0 { -a.hi } else { 0.0 }, hi: a.hi.max(-a.lo), ..a },
            Op::Floor | Op::Ceil | Op::Trunc | Op::Round => Interval { lo: a.lo.floor(), hi: a.hi.ceil(), ..a },
            Op::Add => sum(a, b, nan, ty),
            Op::Sub => sum(a, Interval { lo: -b.hi, hi: -b.lo, ..b }, nan, ty),
            Op::Mul if finite => corners(a, b, nan, |x, y| x * y, ty),
            // A divisor away from zero, so that bounds are the quotients of bounds.
            Op::Div if finite && (b.lo > 1e-30 || b.hi < -1e-30) => corners(a, b, nan, |x, y| x / y, ty),
            Op::Min => Interval { lo: a.lo.min(b.lo), hi: a.hi.min(b.hi), nan },
            Op::Max => Interval { lo: a.lo.max(b.lo), hi: a.hi.max(b.hi), nan },
            Op::Sqrt if a.lo >= 0.0 => widened(Interval { lo: 0.0, hi: a.hi.sqrt(), ..a }, ty),
            Op::CopySign => {
                let most = a.hi.max(-a.lo);
                Interval { lo: -most, hi: most, nan: a.nan }
            }
            _ => ANYTHING,
        }
    }

    /// Both branches, each narrowed by what the condition says of it there.
    fn select(&self, [cond, then, other]: &[Expr; 3]) -> Interval {
        let (mut yes, mut no) = (self.interval(then), self.interval(other));
        // Not through a variable: what it compared may have changed since.
        if let Expr::Op(op @ (Op::Lt | Op::Le | Op::Gt | Op::Ge), args) = cond
            && build::ty(self.program, self.vars, &args[0]).scalar.is_float()
        {
            // The condition says that `small` is less than (or equal to) `great`, so that neither is NaN.
            let [small, great] =
                if matches!(op, Op::Lt | Op::Le) { [&args[0], &args[1]] } else { [&args[1], &args[0]] };
            let (low, high) = (self.interval(small), self.interval(great));
            if then == small {
                yes = Interval { hi: yes.hi.min(high.hi), nan: false, ..yes };
            } else if then == great {
                yes = Interval { lo: yes.lo.max(low.lo), nan: false, ..yes };
            }
            // Otherwise it is greater (or equal), unless one of them is NaN.
            if other == small && !high.nan {
                no.lo = no.lo.max(high.lo);
            } else if other == great && !low.nan {
                no.hi = no.hi.min(low.hi);
            }
        }
        Interval { lo: yes.lo.min(no.lo), hi: yes.hi.max(no.hi), nan: yes.nan || no.nan }
    }
}

fn is_finite(a: Interval) -> bool {
    a.lo.is_finite() && a.hi.is_finite()
}

/// Infinities of both signs give NaN; those of one sign do not.
fn sum(a: Interval, b: Interval, nan: bool, ty: Scalar) -> Interval {
    let opposed = |a: Interval, b: Interval| a.hi == f64::INFINITY && b.lo == f64::NEG_INFINITY;
    if opposed(a, b) || opposed(b, a) {
        return ANYTHING;
    }
    widened(Interval { lo: a.lo + b.lo, hi: a.hi + b.hi, nan }, ty)
}

fn corners(a: Interval, b: Interval, nan: bool, op: fn(f64, f64) -> f64, ty: Scalar) -> Interval {
    let all = [op(a.lo, b.lo), op(a.lo, b.hi), op(a.hi, b.lo), op(a.hi, b.hi)];
    let least = all.into_iter().fold(f64::INFINITY, f64::min);
    let greatest = all.into_iter().fold(f64::NEG_INFINITY, f64::max);
    widened(Interval { lo: least, hi: greatest, nan }, ty)
}

/// Bounds that also hold after rounding to the type, which may overflow.
fn widened(a: Interval, ty: Scalar) -> Interval {
    let (share, most) = if ty == Scalar::F64 { (1e-14, f64::MAX) } else { (1e-6, f64::from(f32::MAX)) };
    let lo = a.lo - a.lo.abs() * share;
    let hi = a.hi + a.hi.abs() * share;
    let clip = |x: f64| {
        if x > most {
            f64::INFINITY
        } else if x < -most {
            f64::NEG_INFINITY
        } else {
            x
        }
    };
    // What an infinity minus its share would be is no number.
    let keep = |bound: f64, shifted: f64| if bound.is_infinite() { bound } else { clip(shifted) };
    Interval { lo: keep(a.lo, lo), hi: keep(a.hi, hi), nan: a.nan }
}
