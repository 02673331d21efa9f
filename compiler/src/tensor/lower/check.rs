//! What may fail: proved here, or made a [`Check`] before the statement that relies on it.
//!
//! A check is stated over the enclosing indices that its condition depends on; indices it does not depend on only
//! matter in whether their range is empty. Under a path condition the check is guarded by it. Where no path condition
//! holds and the index is affine, an index is replaced by its first and last value, which leaves cheap checks of
//! tables or sizes outside the loops.

use super::value::Tv;
use super::{Enclosing, Lowerer, Scope};
use crate::hir;
use crate::ops::Op;
use crate::size::Size;
use crate::source::Span;
use crate::tensor::prove::Prover;
use crate::tensor::*;
use crate::types::Const;

impl<'a> Lowerer<'a> {
    pub(super) fn prover(&self) -> Prover<'_> {
        let known = self.known.iter().map(|(_, cond)| *cond).chain(self.path.iter().copied());
        Prover::new(&self.p, &self.program.consts, &self.bounds, &known.collect::<Vec<_>>())
            .around(&self.outer_regions, &self.lengths)
    }

    /// Whether `0 <= index < extent` is proved.
    pub(super) fn in_range(&self, index: ExprId, extent: &Size) -> bool {
        let prover = self.prover();
        prover.at_least_zero(index) && prover.below(index, extent)
    }

    /// `0 <= index and index < extent`.
    pub(super) fn range_condition(&mut self, index: ExprId, extent: &Size, origin: OriginId) -> ExprId {
        let zero = self.p.constant(Const::i32(0), origin);
        let n = self.p.size(extent, origin);
        let (low_holds, high_holds) = {
            let prover = self.prover();
            (prover.at_least_zero(index), prover.below(index, extent))
        };
        let low = self.p.op(Op::Le, &[zero, index], origin);
        let high = self.p.op(Op::Lt, &[index, n], origin);
        match (low_holds, high_holds) {
            (true, _) => high,
            (_, true) => low,
            _ => self.p.op(Op::And, &[low, high], origin),
        }
    }

    /// A plain index.
    pub(super) fn check_index(&mut self, index: ExprId, extent: &Size, tensor: &str, axis: usize, origin: OriginId) {
        if self.in_range(index, extent) {
            return;
        }
        let cond = self.range_condition(index, extent, origin);
        let n = self.p.size(extent, origin);
        let failure = Failure::IndexOutOfRange { tensor: tensor.to_string(), axis };
        self.add_check(cond, failure, vec![index, n], origin);
    }

    /// An access with a border rule needs an element.
    pub(super) fn check_not_empty(
        &mut self,
        extent: &Size,
        tensor: &str,
        axis: usize,
        index: ExprId,
        origin: OriginId,
    ) {
        let prover = self.prover();
        if prover.size_at_least(extent, 1) {
            return;
        }
        let n = self.p.size(extent, origin);
        let one = self.p.constant(Const::i32(1), origin);
        let cond = self.p.op(Op::Ge, &[n, one], origin);
        let failure = Failure::IndexOutOfRange { tensor: tensor.to_string(), axis };
        self.add_check(cond, failure, vec![index, n], origin);
    }

    /// `argmax` and `argmin` need an element.
    pub(super) fn check_not_empty_range(&mut self, index: &Enclosing, origin: OriginId) {
        if self.p.axes[index.axis].extent.clone().is_some_and(|extent| self.prover().size_at_least(&extent, 1)) {
            return;
        }
        let cond = self.p.op(Op::Lt, &[index.lo, index.hi], origin);
        self.add_check(cond, Failure::EmptyArg, Vec::new(), origin);
    }

    /// A divisor of integers.
    pub(super) fn check_divisor(&mut self, divisor: ExprId, origin: OriginId) {
        if self.p.as_const(divisor).is_some_and(|value| value.as_int() != 0) || self.prover().positive(divisor) {
            return;
        }
        let ty = self.p.ty(divisor);
        let zero = self.p.constant(Const::int(ty, 0), origin);
        let cond = self.p.op(Op::Ne, &[divisor, zero], origin);
        self.add_check(cond, Failure::DivisionByZero, Vec::new(), origin);
    }

    /// A size that is at least 0.
    pub(super) fn check_size(&mut self, size: &Size, text: &str, origin: OriginId) {
        self.check_fact(size, false, text, origin);
    }

    /// Two sizes that are equal.
    pub(super) fn check_equal(&mut self, a: &Size, b: &Size, text: &str, origin: OriginId) {
        if a != b {
            self.check_fact(&a.minus(b), true, text, origin);
        }
    }

    /// A relation of sizes.
    pub(super) fn check_fact(&mut self, size: &Size, is_equality: bool, text: &str, origin: OriginId) {
        let prover = self.prover();
        let holds = if is_equality { prover.size_is_zero(size) } else { prover.size_at_least(size, 0) };
        if holds {
            return;
        }
        let value = self.p.size(size, origin);
        let zero = self.p.constant(Const::i32(0), origin);
        let cond = self.p.op(if is_equality { Op::Eq } else { Op::Ge }, &[value, zero], origin);
        self.add_check(cond, Failure::Fact(text.to_string()), Vec::new(), origin);
    }

    /// `assert`.
    pub(super) fn assert(
        &mut self,
        scope: &mut Scope<'a>,
        cond: &'a hir::Expr,
        message: &'a [hir::MessagePart],
        span: Span,
    ) {
        let origin = self.origin(scope, span);
        let id = self.scalar(scope, cond);
        let silent = if message.is_empty() { "assertion failed" } else { "" };
        let mut texts = vec![silent.to_string()];
        let mut values = Vec::new();
        for part in message {
            match part {
                hir::MessagePart::Text(text) => texts.last_mut().expect("never empty").push_str(text),
                hir::MessagePart::Value(value) => {
                    values.push(self.scalar(scope, value));
                    texts.push(String::new());
                }
            }
        }
        // A reduction in the condition is computed once, by a stage of its own.
        let stored: Tv = self.scalar_value(id);
        let stored = self.store(&stored, "condition", origin);
        let id = self.element(&stored, &[], origin);
        self.add_check(id, Failure::Assert(texts), values, origin);
    }

    /// States a condition over the indices it depends on.
    pub(super) fn add_check(&mut self, cond: ExprId, failure: Failure, values: Vec<ExprId>, origin: OriginId) {
        let (mut cond, mut values) = (cond, values);
        let is_uniform = self.path.iter().all(|cond| self.is_uniform(*cond));
        let of_tensor = matches!(failure, Failure::IndexOutOfRange { .. }) && self.p.as_size(values[1]).is_some();
        let can_shrink = is_uniform && !self.at_extremes && of_tensor;
        if can_shrink {
            let index = values[0];
            if let Some(ends) = self.extremes(index, origin) {
                self.add_extreme_checks(ends, &failure, values[1], origin);
                return;
            }
        }
        if let Some(path) = self.path_condition(origin) {
            let yes = self.p.constant(Const::bool(true), origin);
            cond = self.p.select(path, cond, yes, origin);
        }
        let mut roots = vec![cond];
        roots.append(&mut values.clone());
        let mut needed = Vec::new();
        for root in roots {
            for outer in self.dependencies(root) {
                if !needed.iter().any(|known: &Enclosing| known.axis == outer.axis) {
                    needed.push(outer);
                }
            }
        }
        // Keep the order of nesting, and guard by the ranges of the indices that are left out.
        let inside = &self.enclosing[self.base..];
        let order: Vec<AxisId> = inside.iter().map(|outer| outer.axis).collect();
        needed.sort_by_key(|outer| order.iter().position(|axis| *axis == outer.axis));
        let left_out: Vec<Enclosing> =
            inside.iter().filter(|outer| !needed.iter().any(|n| n.axis == outer.axis)).cloned().collect();
        for outer in left_out {
            cond = self.unless_empty(&outer, &needed, cond, origin);
        }
        let axes = needed
            .iter()
            .map(|outer| CheckAxis { axis: outer.axis, lo: outer.lo, hi: outer.hi, step: outer.step.clone() })
            .collect();
        values.truncate(kcc_abi::ERROR_VALUES);
        self.p.body.stmts.push(Stmt::Check(Check { axes, cond, failure, values, binding: Binding::Call, origin }));
    }

    /// `lo >= hi or cond` for an index that the condition does not depend on. An index whose bounds depend on others that
    /// are left out too is taken as not empty: the check is then stricter than the program only where an outer range
    /// that the data decides is empty throughout.
    fn unless_empty(&mut self, outer: &Enclosing, needed: &[Enclosing], cond: ExprId, origin: OriginId) -> ExprId {
        if self.p.axes[outer.axis].extent.clone().is_some_and(|extent| self.prover().size_at_least(&extent, 1)) {
            return cond;
        }
        let mut free = self.p.free_axes(outer.lo);
        free.extend(self.p.free_axes(outer.hi));
        let around = &self.enclosing[..self.base];
        if !free.iter().all(|axis| needed.iter().chain(around).any(|n| n.axis == *axis)) {
            return cond;
        }
        let some = self.p.op(Op::Lt, &[outer.lo, outer.hi], origin);
        let yes = self.p.constant(Const::bool(true), origin);
        self.p.select(some, cond, yes, origin)
    }

    /// The index at the first and last value of every index that it is affine in, if there is one; with the
    /// condition that those ranges are not empty.
    fn extremes(&mut self, index: ExprId, origin: OriginId) -> Option<Extremes> {
        let (mut low, mut high) = (index, index);
        let mut removed = Vec::new();
        let mut nonempty: Option<ExprId> = None;
        let enclosing = self.enclosing[self.base..].to_vec();
        for outer in enclosing.into_iter().rev() {
            if outer.step != Size::constant(1) {
                continue;
            }
            let Some(coefficient) = self.p.affine_coefficient(low, outer.axis) else { continue };
            if coefficient == 0 || self.p.affine_coefficient(high, outer.axis) != Some(coefficient) {
                continue;
            }
            let one = self.p.constant(Const::i32(1), origin);
            let last = self.p.op(Op::Sub, &[outer.hi, one], origin);
            let (at_low, at_high) = if coefficient > 0 { (outer.lo, last) } else { (last, outer.lo) };
            low = self.p.substitute(low, &[outer.axis], &[at_low]);
            high = self.p.substitute(high, &[outer.axis], &[at_high]);
            let known =
                self.p.axes[outer.axis].extent.clone().is_some_and(|extent| self.prover().size_at_least(&extent, 1));
            if !known {
                let some = self.p.op(Op::Lt, &[outer.lo, outer.hi], origin);
                nonempty = Some(match nonempty {
                    Some(before) => self.and(some, before, origin),
                    None => some,
                });
            }
            removed.push(outer.axis);
        }
        (!removed.is_empty()).then_some(Extremes { low, high, nonempty, removed })
    }

    fn add_extreme_checks(&mut self, ends: Extremes, failure: &Failure, extent: ExprId, origin: OriginId) {
        let size = self.p.as_size(extent).expect("an extent is a size");
        let kept: Vec<Enclosing> =
            self.enclosing.iter().filter(|outer| !ends.removed.contains(&outer.axis)).cloned().collect();
        let all = std::mem::replace(&mut self.enclosing, kept);
        let pushed = ends.nonempty.is_some();
        self.path.extend(ends.nonempty);
        let zero = self.p.constant(Const::i32(0), origin);
        if !self.prover().at_least_zero(ends.low) {
            let cond = self.p.op(Op::Le, &[zero, ends.low], origin);
            self.push_check_plain(cond, failure, vec![ends.low, extent], origin);
        }
        if !self.prover().below(ends.high, &size) {
            let cond = self.p.op(Op::Lt, &[ends.high, extent], origin);
            self.push_check_plain(cond, failure, vec![ends.high, extent], origin);
        }
        if pushed {
            self.path.pop();
        }
        self.enclosing = all;
    }

    /// `add_check` without looking for extremes again.
    fn push_check_plain(&mut self, cond: ExprId, failure: &Failure, values: Vec<ExprId>, origin: OriginId) {
        let before = std::mem::replace(&mut self.at_extremes, true);
        self.add_check(cond, failure.clone(), values, origin);
        self.at_extremes = before;
    }
}

/// An index at the ends of the ranges it is affine in.
struct Extremes {
    low: ExprId,
    high: ExprId,
    nonempty: Option<ExprId>,
    removed: Vec<AxisId>,
}
