//! Where facts about a loop's index begin and cease to hold, as expressions that are computed when the kernel runs.

use super::super::linear::Form;
use super::super::{Expr, build};
use super::SHORT;
use crate::ops::Op;
use crate::size::Size;
use crate::types::{Const, Scalar};

/// Where facts begin or cease to hold.
pub(super) struct Bounds {
    /// From there on.
    pub lower: Vec<Bound>,
    /// Up to there, exclusively.
    pub upper: Vec<Bound>,
}

/// A place in a loop's range, computed in 32 bits if it is plain that it fits, or else in 64.
#[derive(Clone, PartialEq)]
pub(super) struct Bound {
    value: Expr,
    is_wide: bool,
}

impl Bound {
    /// Where `index * i + form` begins not to be negative, or ceases.
    pub fn of(index: i64, form: &Form) -> Bound {
        if let (Some(value), true) = (form.size.as_const(), form.outer.is_empty()) {
            let at = if index > 0 { -value.div_euclid(index) } else { value.div_euclid(-index) + 1 };
            let value = build::int(at.clamp(i64::from(i32::MIN), i64::from(i32::MAX)));
            return Bound { value, is_wide: false };
        }
        if let (Some(quotient), true) = (quotient(&form.size, index.abs()), form.outer.is_empty()) {
            let at = if index > 0 { quotient.times_const(-1) } else { quotient.plus(&Size::constant(1)) };
            return Bound { value: build::size(&at), is_wide: false };
        }
        let op = |op, a, b| Expr::Op(op, vec![a, b]);
        let mut sum = wide(build::int(0));
        let mut add = |value: Expr, factor: i64| {
            let term = if factor == 1 { wide(value) } else { op(Op::Mul, wide(value), long(factor)) };
            sum = op(Op::Add, sum.clone(), term);
        };
        for (var, factor) in &form.outer {
            add(Expr::Var(*var), *factor);
        }
        let mut constant = 0;
        for (product, factor) in form.size.terms() {
            if product.is_empty() {
                constant = factor;
            } else {
                let size = product.iter().fold(Size::constant(1), |size, atom| size.times(&Size::atom(atom.clone())));
                add(build::size(&size), factor);
            }
        }
        let total = op(Op::Add, sum, long(constant));
        let quotient = if index.abs() == 1 { total } else { op(Op::Div, total, long(index.abs())) };
        let value = if index > 0 { op(Op::Sub, long(0), quotient) } else { op(Op::Add, quotient, long(1)) };
        Bound { value, is_wide: true }
    }

    /// The place as an `i32` between two others.
    pub fn clamped(self, lo: &Expr, hi: &Expr) -> Expr {
        if !self.is_wide {
            return build::min(build::max(self.value, lo.clone()), hi.clone());
        }
        let inside = Expr::Op(Op::Max, vec![self.value, wide(lo.clone())]);
        Expr::Cast(Scalar::I32, Box::new(Expr::Op(Op::Min, vec![inside, wide(hi.clone())])))
    }

    /// Whether it is known to be less than `SHORT` away from an end of the range.
    pub fn is_near(&self, end: &Expr) -> bool {
        let distance = build::sub(self.value.clone(), end.clone());
        !self.is_wide && build::as_int(&distance).is_some_and(|distance| distance.abs() <= SHORT)
    }
}

/// A constant of 64 bits.
fn long(value: i64) -> Expr {
    Expr::Const(Const::int(Scalar::I64, i128::from(value)))
}

/// An `i32` as 64 bits.
fn wide(value: Expr) -> Expr {
    match build::as_int(&value) {
        Some(value) => long(value),
        None => Expr::Cast(Scalar::I64, Box::new(value)),
    }
}

/// The size by a divisor, rounded down, if that takes no division and fits 32 bits.
fn quotient(size: &Size, by: i64) -> Option<Size> {
    let constant = size.terms().find(|(product, _)| product.is_empty()).map_or(0, |(_, value)| value);
    let rest = size.minus(&Size::constant(constant));
    let divides = rest.terms().all(|(_, factor)| factor % by == 0);
    let quotient = rest.div(&Size::constant(by)).plus(&Size::constant(constant.div_euclid(by)));
    (divides && is_tame(&quotient)).then_some(quotient)
}

/// Whether a size, its negative and their neighbours fit 32 bits: at most one product to add, one to take away.
fn is_tame(size: &Size) -> bool {
    let (mut up, mut down) = (0, 0);
    for (product, factor) in size.terms() {
        match factor {
            _ if product.is_empty() && factor.abs() <= 1 << 16 => {}
            1 => up += 1,
            -1 => down += 1,
            _ => return false,
        }
    }
    up <= 1 && down <= 1
}

/// Each bound once.
pub(super) fn unique(bounds: Vec<Bound>) -> Vec<Bound> {
    let mut all: Vec<Bound> = Vec::new();
    for bound in bounds {
        if !all.contains(&bound) {
            all.push(bound);
        }
    }
    all
}
