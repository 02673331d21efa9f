//! Reductions become loops around accumulations. Those over the same range that stand in the same scope share a loop.
//!
//! `argmax` and `argmin` keep the best element and its position; a `max` beside an `argmax` is just another
//! accumulator in the shared loop. The order `Lanes16` is in `lower/partials.rs`.

use super::nest::{Nest, ScopeKind};
use super::partials::WRITTEN_OUT;
use crate::loops::{Expr, Stmt, VarId, build};
use crate::ops::{Op, ReduceOp, fold};
use crate::tensor::{ExprId, FoldOrder, Reduce, ReduceAxis};
use crate::types::{Const, Scalar};
use std::collections::BTreeSet;

/// Greatest number of elements of a window that is written out.
const WINDOW: i64 = 25;

/// The accumulators of one reduction.
enum State {
    /// `acc = op(acc, value)`.
    Fold(VarId, Op),
    /// The best element, its position, and whether there is one yet (if the first position is not known beforehand).
    Arg { best: VarId, at: Vec<VarId>, found: Option<VarId> },
}

impl Nest<'_, '_> {
    /// Places a reduction, and with it those that can share its loop.
    pub fn reduce(&mut self, id: ExprId) {
        let depth = self.reduction_scope(id);
        let group = self.siblings(id, depth);
        let speculated = self.speculated(depth);
        let suspended = self.scopes.split_off(depth + 1);
        let outer = std::mem::replace(&mut self.speculative, speculated);
        if self.facts.reduce(id).order == FoldOrder::Lanes16 {
            self.partials(&group);
        } else {
            self.accumulate(&group);
        }
        self.speculative = outer;
        self.scopes.extend(suspended);
    }

    /// Where a reduction is carried out: outside all loops that it does not need, unless its ranges come from memory
    /// and may mean nothing out there.
    fn reduction_scope(&mut self, id: ExprId) -> usize {
        let bound = self.bound_at(id).max(self.floor());
        if self.facts.ranges_known(id) { bound } else { bound.max(self.innermost_condition()) }
    }

    /// The reduction and all others that are needed in any case, over the same range, in the same scope, without
    /// needing each other.
    fn siblings(&mut self, id: ExprId, depth: usize) -> Vec<ExprId> {
        let reduce = self.facts.reduce(id);
        let needed: BTreeSet<ExprId> =
            self.scopes.iter().filter_map(|scope| scope.needed.as_ref()).flat_map(|set| set.iter().copied()).collect();
        let mut group = vec![id];
        for other in needed {
            let candidate = self.facts.reduce(other);
            let same_order = (candidate.order == FoldOrder::Lanes16) == (reduce.order == FoldOrder::Lanes16);
            if group.contains(&other) || !same_order || !same_range(&candidate.axes, &reduce.axes) {
                continue;
            }
            let apart = group.iter().all(|&member| {
                !self.facts.reductions(other).contains(&member) && !self.facts.reductions(member).contains(&other)
            });
            if apart && self.find(other).is_none() && self.reduction_scope(other) == depth {
                group.push(other);
            }
        }
        group
    }

    /// All meanings of the index of axis number `n` in a group.
    pub fn meanings(&self, group: &[ExprId], n: usize) -> Vec<crate::tensor::AxisId> {
        group.iter().map(|&id| self.facts.reduce(id).axes[n].axis).collect()
    }

    /// The orders `Serial` and `Any`: one accumulator each, ascending.
    fn accumulate(&mut self, group: &[ExprId]) {
        let axes = &self.facts.reduce(group[0]).axes;
        let depth = self.top();
        let mut states: Vec<(&Reduce, State)> = Vec::new();
        for &id in group {
            let reduce = self.facts.reduce(id);
            let same = |(known, state): &&(&Reduce, State)| {
                known.op == reduce.op && known.body == reduce.body && matches!(state, State::Arg { .. })
            };
            if let Some((_, State::Arg { at, .. })) = states.iter().find(same) {
                let position = Expr::Var(at[reduce.component]);
                self.scopes[depth].values.insert(id, position);
                continue;
            }
            let state = self.start(reduce);
            let result = match &state {
                State::Fold(acc, _) => *acc,
                State::Arg { at, .. } => at[reduce.component],
            };
            self.scopes[depth].values.insert(id, Expr::Var(result));
            states.push((reduce, state));
        }
        let looped = axes.len() - self.windows(group);
        for (n, axis) in axes[..looped].iter().enumerate() {
            let meanings = self.meanings(group, n);
            self.open_axis(&meanings, axis);
        }
        let bodies: Vec<ExprId> = states.iter().map(|(reduce, _)| reduce.body).collect();
        let top = self.top();
        for index in self.window(&axes[looped..]) {
            let mut values = Vec::new();
            for (n, at) in index.into_iter().enumerate() {
                let meanings = self.meanings(group, looped + n);
                values.extend(meanings.into_iter().map(|axis| (axis, build::int(at))));
            }
            self.open_block(values);
            self.need(&bodies);
            for (reduce, state) in &states {
                let value = self.value(reduce.body).0;
                self.step(reduce, state, value);
            }
            self.close_to(top);
        }
        self.close_to(depth);
    }

    /// How many of the last axes are written out: a small window around an element, whose borders then show.
    fn windows(&mut self, group: &[ExprId]) -> usize {
        let axes = &self.facts.reduce(group[0]).axes;
        let in_stage = self.scopes.iter().any(|scope| scope.kind == ScopeKind::StageLoop);
        let all: Vec<Option<i64>> = axes.iter().map(|axis| self.facts.count(axis)).collect();
        let serial = group.iter().all(|&id| self.facts.reduce(id).order == FoldOrder::Serial);
        // Integers in a long range get lanes along it, so their ranges stay together.
        if !in_stage || !(serial || all.iter().all(Option::is_some)) {
            return 0;
        }
        let inner = group.iter().any(|&id| !self.facts.reductions(self.facts.reduce(id).body).is_empty());
        let cost: usize = group.iter().map(|&id| self.facts.cost(self.facts.reduce(id).body, WRITTEN_OUT)).sum();
        let mut total: i64 = 1;
        let fits = |count: &&Option<i64>| {
            total = total.saturating_mul(count.unwrap_or(i64::MAX).max(1));
            total <= WINDOW && cost * total as usize <= WRITTEN_OUT
        };
        if inner { 0 } else { all.iter().rev().take_while(fits).count() }
    }

    /// All indices of a window, in ascending order.
    fn window(&mut self, axes: &[ReduceAxis]) -> Vec<Vec<i64>> {
        let mut all = vec![Vec::new()];
        for axis in axes {
            let count = self.facts.count(axis).expect("written out: the range is constant");
            let lo = build::as_int(&self.value(axis.lo).0).expect("as above");
            let step = axis.step.as_const().expect("as above").max(1);
            let longer = |index: &Vec<i64>| {
                let index = index.clone();
                (0..count).map(move |n| index.iter().copied().chain([lo + n * step]).collect::<Vec<i64>>())
            };
            all = all.iter().flat_map(longer).collect();
        }
        all
    }

    fn start(&mut self, reduce: &Reduce) -> State {
        let elem = self.pipeline.ty(reduce.body);
        match fold::combine(reduce.op) {
            Some(op) => {
                let identity = fold::identity(reduce.op, elem).expect("what combines has an identity");
                State::Fold(self.define(reduce.op.name(), Expr::Const(identity)), op)
            }
            None => {
                let extreme = if reduce.op == ReduceOp::ArgMax { ReduceOp::Max } else { ReduceOp::Min };
                let worst = fold::identity(extreme, elem).expect("numbers have extremes");
                let best = self.define("best", Expr::Const(worst));
                // If no element beats the worst, the first one wins: at the lower bounds, unless these vary.
                let varies = reduce.axes.iter().skip(1).any(|axis| {
                    let free = |id| Vec::from_iter(self.facts.free(id).iter().copied());
                    let used: Vec<_> = [axis.lo, axis.hi].into_iter().flat_map(free).collect();
                    reduce.axes.iter().any(|earlier| used.contains(&earlier.axis))
                });
                let mut at = Vec::new();
                for axis in &reduce.axes {
                    let first = if varies { build::int(0) } else { self.value(axis.lo).0 };
                    at.push(self.define("at", first));
                }
                let found = varies.then(|| self.define("found", Expr::Const(Const::bool(false))));
                State::Arg { best, at, found }
            }
        }
    }

    fn step(&mut self, reduce: &Reduce, state: &State, value: Expr) {
        match state {
            State::Fold(acc, op) => {
                let value = if reduce.op == ReduceOp::Count { Expr::Cast(Scalar::I32, Box::new(value)) } else { value };
                self.push(Stmt::Accumulate(*acc, *op, value));
            }
            State::Arg { best, at, found } => {
                let wins = self.wins(reduce.op, *best, &value, *found);
                let wins = Expr::Var(self.define("wins", wins));
                self.push(Stmt::Set(*best, build::select(wins.clone(), value, Expr::Var(*best))));
                for (axis, at) in reduce.axes.iter().zip(at) {
                    let index = self.axis(axis.axis).0;
                    self.push(Stmt::Set(*at, build::select(wins.clone(), index, Expr::Var(*at))));
                }
                if let Some(found) = found {
                    self.push(Stmt::Set(*found, Expr::Const(Const::bool(true))));
                }
            }
        }
    }

    /// Whether `value` replaces `best`: the first NaN wins, then the first of equals.
    fn wins(&mut self, op: ReduceOp, best: VarId, value: &Expr, found: Option<VarId>) -> Expr {
        let better = if op == ReduceOp::ArgMax { Op::Gt } else { Op::Lt };
        let pair = |op, a: &Expr, b: &Expr| Expr::Op(op, vec![a.clone(), b.clone()]);
        let best = Expr::Var(best);
        let mut wins = pair(better, value, &best);
        if self.ty(value).is_float() {
            let first_nan = pair(Op::And, &pair(Op::Ne, value, value), &pair(Op::Eq, &best, &best));
            wins = pair(Op::Or, &wins, &first_nan);
        }
        if let Some(found) = found {
            wins = pair(Op::Or, &wins, &Expr::Op(Op::Not, vec![Expr::Var(found)]));
        }
        wins
    }
}

/// Whether two lists of axes run over the same values.
fn same_range(a: &[ReduceAxis], b: &[ReduceAxis]) -> bool {
    let same = |(a, b): (&ReduceAxis, &ReduceAxis)| a.lo == b.lo && a.hi == b.hi && a.step == b.step;
    // Bounds that use earlier axes of the same reduction are equal only if these are the same axes.
    a.len() == b.len() && a.iter().zip(b).all(same) && (a.len() == 1 || a.iter().zip(b).all(|(a, b)| a.axis == b.axis))
}
