//! The fold order `Lanes16`: sixteen strided partial results, folded 8-4-2-1, in chunks of 65,536 elements.
//!
//! The partials lie in a scratch buffer of sixteen elements; element number `n` goes to partial `n & 15`. This form
//! (a loop whose last statements store to a `Scratch` buffer at `n & 15`) is what `loops/vectorise.rs` looks for.
//! A range of at most sixteen elements, known when compiling, needs no partials: it becomes one expression.

use super::nest::{Nest, ScopeKind};
use crate::loops::{Access, BufferId, Expr, Load, Stmt, VarId, build};
use crate::ops::{Op, ReduceOp, fold};
use crate::tensor::ExprId;
use crate::types::{Const, Scalar};

/// Elements that are folded together before they join the total.
const CHUNK: i64 = 65_536;
/// Number of partial results.
const LANES: i64 = 16;
/// Up to this many operations, a short range is written out.
pub(super) const WRITTEN_OUT: usize = 512;

struct Member {
    op: Op,
    identity: Const,
    body: ExprId,
    total: VarId,
    partials: BufferId,
}

impl Nest<'_, '_> {
    /// Carries out reductions over one and the same axis.
    pub fn partials(&mut self, group: &[ExprId]) {
        let axis = &self.facts.reduce(group[0]).axes[0];
        let (lo, hi) = (self.value(axis.lo).0, self.value(axis.hi).0);
        let step = self.size(&axis.step);
        if let (Some(first), Some(end), Some(by)) = (build::as_int(&lo), build::as_int(&hi), build::as_int(&step)) {
            let by = by.max(1);
            let count = ((end - first).max(0) + by - 1) / by;
            let cost = group.iter().map(|&id| self.facts.written_out(id, WRITTEN_OUT)).sum::<Option<usize>>();
            if count <= LANES && cost.is_some_and(|cost| cost <= WRITTEN_OUT) {
                return self.written_out(group, first, by, count);
            }
        }
        let depth = self.top();
        let count = self.count(&lo, &hi, &step);
        let mut members = Vec::new();
        for &id in group {
            let reduce = self.facts.reduce(id);
            let elem = self.pipeline.ty(reduce.body);
            let (op, identity) = combination(reduce.op, elem);
            let total = self.define(reduce.op.name(), Expr::Const(identity));
            let partials = self.buffers.scratch("partials", elem, LANES);
            self.scopes[depth].values.insert(id, Expr::Var(total));
            members.push(Member { op, identity, body: reduce.body, total, partials });
        }
        let chunked = build::as_int(&count).is_none_or(|count| count > CHUNK);
        let (from, to) = if chunked {
            let from = self.open_loop(ScopeKind::Loop, "chunk", build::int(0), count.clone(), build::int(CHUNK));
            let rest = build::min(build::sub(count, Expr::Var(from)), build::int(CHUNK));
            let to = self.define("end", build::add(Expr::Var(from), rest));
            (Expr::Var(from), Expr::Var(to))
        } else {
            (build::int(0), count)
        };
        let chunk = self.top();
        for member in &members {
            let l = self.open_loop(ScopeKind::Loop, "l", build::int(0), build::int(LANES), build::int(1));
            self.push(put(member, Expr::Var(l), Expr::Const(member.identity)));
            self.close_to(chunk);
        }

        let n = Expr::Var(self.open_loop(ScopeKind::Loop, "n", from.clone(), to, build::int(1)));
        let index = build::add(lo, build::mul(n.clone(), step));
        let index = self.leaf_at(self.top(), "k", index);
        let meanings = self.meanings(group, 0);
        let top = self.top();
        self.scopes[top].axes = meanings.into_iter().map(|axis| (axis, index.clone())).collect();
        let bodies: Vec<ExprId> = members.iter().map(|member| member.body).collect();
        self.need(&bodies);
        let values: Vec<Expr> = bodies.iter().map(|&body| self.value(body).0).collect();
        let slot = Expr::Op(Op::And, vec![n, build::int(LANES - 1)]);
        for (member, value) in members.iter().zip(values) {
            let sum = Expr::Op(member.op, vec![get(member, slot.clone()), value]);
            self.push(put(member, slot.clone(), sum));
        }
        self.close_to(chunk);

        for member in &members {
            for half in [8, 4, 2, 1] {
                let l = Expr::Var(self.open_loop(ScopeKind::Loop, "l", build::int(0), build::int(half), build::int(1)));
                let other = get(member, build::add(l.clone(), build::int(half)));
                self.push(put(member, l.clone(), Expr::Op(member.op, vec![get(member, l), other])));
                self.close_to(chunk);
            }
            let folded = get(member, build::int(0));
            if chunked {
                // The first chunk's result stands alone.
                let folded = Expr::Var(self.define("folded", folded));
                let is_first = Expr::Op(Op::Eq, vec![from.clone(), build::int(0)]);
                let joined = Expr::Op(member.op, vec![Expr::Var(member.total), folded.clone()]);
                self.push(Stmt::Set(member.total, build::select(is_first, folded, joined)));
            } else {
                self.push(Stmt::Set(member.total, folded));
            }
        }
        self.close_to(depth);
    }

    /// The number of values of a range.
    fn count(&mut self, lo: &Expr, hi: &Expr, step: &Expr) -> Expr {
        let length = build::sub(hi.clone(), lo.clone());
        let length = build::max(length, build::int(0));
        let count = match build::as_int(step) {
            Some(1) => length,
            Some(by) => build::div(build::add(length, build::int(by - 1)), by),
            None => {
                let rounded = build::sub(build::add(length, step.clone()), build::int(1));
                Expr::Op(Op::Div, vec![rounded, step.clone()])
            }
        };
        let top = self.top();
        self.leaf_at(top, "count", count)
    }

    /// A short range: each partial holds at most one element, so folding skips the identities that are left.
    fn written_out(&mut self, group: &[ExprId], first: i64, step: i64, count: i64) {
        let depth = self.top();
        for &id in group {
            let reduce = self.facts.reduce(id);
            let elem = self.pipeline.ty(reduce.body);
            let (op, identity) = combination(reduce.op, elem);
            let mut partials: Vec<Option<Expr>> = vec![None; LANES as usize];
            for n in 0..count {
                self.open_block(vec![(reduce.axes[0].axis, build::int(first + n * step))]);
                let value = self.value(reduce.body).0;
                // The identity changes the sign of a zero, so it takes part once.
                let started = Expr::Op(op, vec![Expr::Const(identity), value]);
                let partial = self.define("p", started);
                partials[n as usize] = Some(Expr::Var(partial));
                self.close_to(depth);
            }
            for half in [8, 4, 2, 1] {
                for l in 0..half {
                    let pair = (partials[l].clone(), partials[l + half].take());
                    partials[l] = match pair {
                        (Some(a), Some(b)) => Some(Expr::Var(self.define("p", Expr::Op(op, vec![a, b])))),
                        (one, None) | (None, one) => one,
                    };
                }
            }
            let result = partials[0].take().unwrap_or(Expr::Const(identity));
            self.scopes[depth].values.insert(id, result);
        }
    }
}

fn combination(op: ReduceOp, elem: Scalar) -> (Op, Const) {
    let combine = fold::combine(op).expect("only folds have the order Lanes16");
    (combine, fold::identity(op, elem).expect("what combines has an identity"))
}

fn get(member: &Member, slot: Expr) -> Expr {
    Expr::Load(Load { buffer: member.partials, index: vec![slot], access: Access::One })
}

fn put(member: &Member, slot: Expr, value: Expr) -> Stmt {
    Stmt::Store { buffer: member.partials, index: vec![slot], value }
}
