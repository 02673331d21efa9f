//! Linear forms in one loop's index, and what is known about them: which of two operands a `min`, `max` or select is,
//! on a part of the loop's range.
//!
//! A form stands for an exact integer. A value of the program wraps at 32 bits; it equals its form wherever the form
//! fits, so a form that might not fit brings the two facts that it does.

use super::{Expr, Loop, Stmt, VarId, build};
use crate::ops::Op;
use crate::size::Size;
use crate::types::Const;
use std::collections::{BTreeMap, BTreeSet};

/// Constants up to this are small: a size or index plus one of them still fits 32 bits.
const SMALL: i64 = 1 << 16;
/// Greatest factor of a loop's index.
const FACTOR: i64 = 1 << 16;

/// `index * loop index + sum of factor * variable + size`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Form {
    /// Factor of the loop's index.
    pub index: i64,
    /// Factors of the indices of loops within.
    pub inner: BTreeMap<VarId, i64>,
    /// Factors of variables from outside.
    pub outer: BTreeMap<VarId, i64>,
    /// The rest.
    pub size: Size,
}

impl Form {
    fn size(size: Size) -> Form {
        Form { size, ..Form::default() }
    }

    /// `self + factor * other`.
    pub fn plus(&self, other: &Form, factor: i64) -> Form {
        let mut sum = self.clone();
        sum.index += other.index * factor;
        for (own, others) in [(&mut sum.inner, &other.inner), (&mut sum.outer, &other.outer)] {
            for (var, by) in others {
                *own.entry(*var).or_insert(0) += by * factor;
            }
            own.retain(|_, by| *by != 0);
        }
        sum.size = sum.size.plus(&other.size.times_const(factor));
        sum
    }

    /// `self + value`.
    pub fn add(&self, value: i64) -> Form {
        self.plus(&Form::size(Size::constant(value)), 1)
    }

    /// `-self - 1`: not negative where `self` is negative.
    pub fn not(&self) -> Form {
        Form::size(Size::constant(-1)).plus(self, -1)
    }

    /// The value, if it is a constant.
    fn as_const(&self) -> Option<i64> {
        let alone = self.index == 0 && self.inner.is_empty() && self.outer.is_empty();
        if alone { self.size.as_const() } else { None }
    }
}

/// A variable that the loop's body defines.
#[derive(Clone, Copy)]
enum Known<'a> {
    Let(&'a Expr),
    Loop(&'a Loop),
}

/// Reads the body of a loop under facts: forms that are never negative on the part of the range at hand.
pub struct Reading<'a> {
    var: VarId,
    known: BTreeMap<VarId, Known<'a>>,
    /// Variables that are set after their definition.
    changing: BTreeSet<VarId>,
    /// Loop indices that are never negative: those of the loops around, and the loop's own.
    indices: &'a BTreeSet<VarId>,
    /// `i32` variables.
    integers: &'a dyn Fn(VarId) -> bool,
    forms: BTreeMap<VarId, Option<Form>>,
    /// What the loop's own range says.
    range: Vec<Form>,
    /// Forms that are never negative here.
    pub facts: Vec<Form>,
    /// Facts that decide conditions, not only which operand a `min` or `max` is.
    pub decisive: Vec<Form>,
    /// Whether a fact may be added where that decides something.
    pub assuming: bool,
}

impl<'a> Reading<'a> {
    /// A reading of a loop's body where nothing is assumed but `known`. `indices` are those that are never negative;
    /// `integers` tells what is an `i32`.
    pub fn new(
        nest: &'a Loop,
        known: &[Form],
        indices: &'a BTreeSet<VarId>,
        integers: &'a dyn Fn(VarId) -> bool,
    ) -> Reading<'a> {
        let (range, facts, decisive) = (known.to_vec(), Vec::new(), Vec::new());
        let mut known = BTreeMap::new();
        let mut changing = BTreeSet::new();
        build::visit(&nest.body, &mut |stmt| match stmt {
            Stmt::Let(var, value) => {
                known.insert(*var, Known::Let(value));
            }
            Stmt::For(inner) => {
                known.insert(inner.var, Known::Loop(inner));
            }
            Stmt::Set(var, _) | Stmt::Accumulate(var, ..) => {
                changing.insert(*var);
            }
            Stmt::Store { .. } | Stmt::If(..) | Stmt::Fail(..) => {}
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => {}
        });
        let forms = BTreeMap::new();
        let (var, assuming) = (nest.var, false);
        let mut reading = Reading { var, known, changing, indices, integers, forms, range, facts, decisive, assuming };
        let index = Form { index: 1, ..Form::default() };
        let (lo, hi) = (reading.form(&nest.lo), reading.form(&nest.hi));
        reading.range.extend(lo.map(|lo| index.plus(&lo, -1)));
        reading.range.extend(hi.map(|hi| hi.plus(&index, -1).add(-1)));
        reading
    }

    /// Replaces the facts.
    pub fn with_facts(&mut self, facts: Vec<Form>) {
        self.facts = facts;
        self.assuming = false;
        self.forms.clear();
    }

    /// Whether a variable changes after its definition.
    pub fn changes(&self, var: VarId) -> bool {
        self.changing.contains(&var)
    }

    /// The definition of a variable of the body that does not change.
    pub fn definition(&self, var: VarId) -> Option<&'a Expr> {
        match self.known.get(&var) {
            Some(Known::Let(value)) if !self.changes(var) => Some(value),
            _ => None,
        }
    }

    /// An `i32` as a linear form.
    pub fn form(&mut self, expr: &Expr) -> Option<Form> {
        match expr {
            Expr::Const(_) | Expr::Size(_) => Some(Form::size(build::as_size(expr)?)),
            Expr::Var(var) => self.variable(*var),
            Expr::Op(Op::Add, args) => Some(self.form(&args[0])?.plus(&self.form(&args[1])?, 1)),
            Expr::Op(Op::Sub, args) => Some(self.form(&args[0])?.plus(&self.form(&args[1])?, -1)),
            Expr::Op(Op::Neg, args) => Some(Form::default().plus(&self.form(&args[0])?, -1)),
            Expr::Op(Op::Mul, args) => {
                let (a, b) = (build::as_int(&args[0]), build::as_int(&args[1]));
                let (factor, other) = match (a, b) {
                    (Some(factor), _) => (factor, &args[1]),
                    (_, Some(factor)) => (factor, &args[0]),
                    _ => return None,
                };
                if factor.abs() > FACTOR {
                    return None;
                }
                let form = Form::default().plus(&self.form(other)?, factor);
                let fits = |by: &i64| by.abs() <= FACTOR;
                (fits(&form.index) && form.inner.values().chain(form.outer.values()).all(fits)).then_some(form)
            }
            Expr::Op(Op::Min | Op::Max | Op::Rem, _) | Expr::Select(_) => {
                let chosen = self.chosen(expr)?.clone();
                self.form(&chosen)
            }
            Expr::Op(..) | Expr::Cast(..) | Expr::Load(_) | Expr::Splat(..) | Expr::Ramp(..) | Expr::Lane(..) => None,
        }
    }

    fn variable(&mut self, var: VarId) -> Option<Form> {
        if var == self.var {
            return Some(Form { index: 1, ..Form::default() });
        }
        if self.changes(var) || !(self.integers)(var) {
            return None;
        }
        match self.known.get(&var).copied() {
            None => Some(Form { outer: BTreeMap::from([(var, 1)]), ..Form::default() }),
            Some(Known::Loop(_)) => Some(Form { inner: BTreeMap::from([(var, 1)]), ..Form::default() }),
            Some(Known::Let(value)) => {
                if let Some(known) = self.forms.get(&var) {
                    return known.clone();
                }
                let form = self.form(value);
                self.forms.insert(var, form.clone());
                form
            }
        }
    }

    /// The operand that a `min`, `max`, remainder or select equals here, if the facts (or, while assuming, new ones)
    /// tell. A choice that does not depend on the index is none.
    pub fn chosen<'e>(&mut self, expr: &'e Expr) -> Option<&'e Expr> {
        match expr {
            Expr::Op(op @ (Op::Min | Op::Max), args) => {
                let (a, b) = (self.form(&args[0])?, self.form(&args[1])?);
                let first = if *op == Op::Max { a.plus(&b, -1) } else { b.plus(&a, -1) };
                let mut fits = self.fits(&a);
                fits.extend(self.fits(&b));
                // The operand that moves with the index is the one that counts.
                let order = if a.index != 0 { [0, 1] } else { [1, 0] };
                let sides = order.map(|n| {
                    let form = if n == 0 { first.clone() } else { Form::default().plus(&first, -1) };
                    (n, form)
                });
                if let Some((n, _)) = sides.iter().find(|(_, form)| self.all_hold(form, &fits)) {
                    return Some(&args[*n]);
                }
                let (n, form) = &sides[0];
                self.assume(form, &fits).then(|| &args[*n])
            }
            Expr::Op(Op::Rem, args) => {
                let (a, n) = (self.form(&args[0])?, self.form(&args[1])?);
                if a.index == 0 {
                    return None;
                }
                let mut fits = self.fits(&a);
                fits.extend(self.fits(&n));
                let below = n.plus(&a, -1).add(-1);
                fits.push(below);
                (self.all_hold(&a, &fits) || self.assume(&a, &fits)).then(|| &args[0])
            }
            Expr::Select(parts) => {
                let holds = self.truth(&parts[0])?;
                Some(&parts[if holds { 1 } else { 2 }])
            }
            _ => None,
        }
    }

    /// What a condition is here, if the facts tell.
    pub fn truth(&mut self, cond: &Expr) -> Option<bool> {
        match cond {
            Expr::Const(value) => Some(value.bits != 0),
            Expr::Var(var) => {
                let value = self.definition(*var)?;
                self.truth(value)
            }
            Expr::Op(Op::Not, args) => Some(!self.truth(&args[0])?),
            Expr::Op(Op::And, args) => match (self.truth(&args[0]), self.truth(&args[1])) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Expr::Op(Op::Or, args) => match (self.truth(&args[0]), self.truth(&args[1])) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Expr::Select(parts) => match self.truth(&parts[0]) {
                Some(holds) => self.truth(&parts[if holds { 1 } else { 2 }]),
                None => {
                    let both = (self.truth(&parts[1])?, self.truth(&parts[2])?);
                    (both.0 == both.1).then_some(both.0)
                }
            },
            _ => {
                let (form, fits) = self.relation(cond)?;
                if self.all_hold(&form, &fits) {
                    Some(true)
                } else {
                    self.all_hold(&form.not(), &fits).then_some(false)
                }
            }
        }
    }

    /// Adds facts that make the parts of a condition that depend on the index what they must be for the condition to
    /// be `wanted`; tells whether there was anything to add.
    pub fn assume_condition(&mut self, cond: &Expr, wanted: bool) -> bool {
        match cond {
            Expr::Var(var) => match self.definition(*var) {
                Some(value) => self.assume_condition(value, wanted),
                None => false,
            },
            Expr::Op(Op::Not, args) => self.assume_condition(&args[0], !wanted),
            Expr::Op(op @ (Op::And | Op::Or), args) if (*op == Op::And) == wanted => {
                let first = self.assume_condition(&args[0], wanted);
                self.assume_condition(&args[1], wanted) | first
            }
            // `a and b` is a selection whose other arm is `false`, `a or b` one whose first arm is `true`.
            Expr::Select(parts) if wanted && parts[2] == Expr::Const(Const::bool(false)) => {
                let first = self.assume_condition(&parts[0], true);
                self.assume_condition(&parts[1], true) | first
            }
            Expr::Select(parts) if !wanted && parts[1] == Expr::Const(Const::bool(true)) => {
                let first = self.assume_condition(&parts[0], false);
                self.assume_condition(&parts[2], false) | first
            }
            _ => match self.relation(cond) {
                Some((form, fits)) => {
                    let form = if wanted { form } else { form.not() };
                    let is_new = !self.all_hold(&form, &fits) && self.assume(&form, &fits);
                    self.decisive.push(form);
                    is_new
                }
                None => false,
            },
        }
    }

    /// A comparison of `i32`s as a form that is not negative where it holds, and the facts that this relies on.
    fn relation(&mut self, cond: &Expr) -> Option<(Form, Vec<Form>)> {
        let Expr::Op(op @ (Op::Lt | Op::Le | Op::Gt | Op::Ge), args) = cond else { return None };
        let (a, b) = (self.form(&args[0])?, self.form(&args[1])?);
        let mut fits = self.fits(&a);
        fits.extend(self.fits(&b));
        let form = match op {
            Op::Lt => b.plus(&a, -1).add(-1),
            Op::Le => b.plus(&a, -1),
            Op::Gt => a.plus(&b, -1).add(-1),
            _ => a.plus(&b, -1),
        };
        Some((form, fits))
    }

    /// What must hold for a value to equal its form: nothing if it is plain that it fits 32 bits.
    fn fits(&self, form: &Form) -> Vec<Form> {
        // A sum of at most one size or index and small constants, less such a sum, fits.
        let (mut small, mut up, mut down) = (true, 0, 0);
        let mut count = |factor: i64, is_index: bool| {
            small &= factor.abs() == 1 && is_index;
            if factor > 0 { up += 1 } else { down += 1 }
        };
        if form.index != 0 {
            count(form.index, self.indices.contains(&self.var));
        }
        let mut constant = 0i64;
        for (var, factor) in &form.inner {
            match self.known.get(var) {
                Some(Known::Loop(inner)) => match (build::as_int(&inner.lo), build::as_int(&inner.hi)) {
                    (Some(lo), Some(hi)) if lo.abs() <= SMALL && hi.abs() <= SMALL => {
                        constant = constant.saturating_add(factor.saturating_mul(lo.abs().max(hi.abs())).abs());
                    }
                    _ => count(*factor, build::as_int(&inner.lo).is_some_and(|lo| (0..=SMALL).contains(&lo))),
                },
                _ => count(*factor, false),
            }
        }
        for (var, factor) in &form.outer {
            count(*factor, self.indices.contains(var));
        }
        for (product, factor) in form.size.terms() {
            if product.is_empty() {
                constant = constant.saturating_add(factor.abs());
            } else {
                count(factor, true);
            }
        }
        // Sizes fit, and so does what was computed outside.
        let outside = form.index == 0 && form.inner.is_empty();
        let plain = outside && form.size == Size::default() && form.outer.values().eq([&1]);
        if outside && form.outer.is_empty() || plain || (small && up <= 1 && down <= 1 && constant <= SMALL) {
            return Vec::new();
        }
        vec![form.add(1 << 31), Form::size(Size::constant((1 << 31) - 1)).plus(form, -1)]
    }

    fn all_hold(&self, form: &Form, fits: &[Form]) -> bool {
        self.holds(form) && fits.iter().all(|form| self.holds(form))
    }

    /// Whether a form is never negative.
    fn holds(&self, form: &Form) -> bool {
        let not_negative = |form: Form| form.as_const().is_some_and(|value| value >= 0);
        not_negative(form.clone()) || self.facts.iter().chain(&self.range).any(|fact| not_negative(form.plus(fact, -1)))
    }

    /// While assuming: makes a form one that is never negative, unless that contradicts what is known or does not
    /// depend on the index.
    fn assume(&mut self, form: &Form, fits: &[Form]) -> bool {
        let all: Vec<&Form> = [form].into_iter().chain(fits).filter(|form| !self.holds(form)).collect();
        let possible = all.iter().all(|form| {
            let contradicts = |fact: &Form| form.plus(fact, 1).as_const().is_some_and(|sum| sum < 0);
            form.index != 0 && !self.facts.iter().chain(&self.range).any(contradicts) && self.ranges(form).is_some()
        });
        if !self.assuming || !possible {
            return false;
        }
        let new: Vec<Form> = all.into_iter().cloned().collect();
        for form in new {
            if !self.holds(&form) {
                // What the new fact implies is not needed any more.
                self.facts.retain(|fact| fact.plus(&form, -1).as_const().is_none_or(|rest| rest < 0));
                self.facts.push(form);
            }
        }
        true
    }

    /// The least value of a form over the loops within, as a form without their indices.
    pub fn least(&mut self, form: &Form) -> Option<Form> {
        let mut least = Form { inner: BTreeMap::new(), ..form.clone() };
        for (var, factor) in &form.inner {
            let Some(Known::Loop(inner)) = self.known.get(var).copied() else { return None };
            let end = if *factor > 0 { self.form(&inner.lo)? } else { self.form(&inner.hi)?.add(-1) };
            if end.index != 0 || !end.inner.is_empty() {
                return None;
            }
            least = least.plus(&end, *factor);
        }
        Some(least)
    }

    /// Whether the ranges of the loops within that a form mentions are the same for all values of the index.
    fn ranges(&self, form: &Form) -> Option<()> {
        let own = |expr: &Expr| expr.any(&mut |part| matches!(part, Expr::Var(var) if self.is_own(*var)));
        for var in form.inner.keys() {
            let Some(Known::Loop(inner)) = self.known.get(var) else { return None };
            if own(&inner.lo) || own(&inner.hi) {
                return None;
            }
        }
        Some(())
    }

    fn is_own(&self, var: VarId) -> bool {
        var == self.var || self.known.contains_key(&var) || self.changes(var)
    }
}
