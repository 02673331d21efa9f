//! The loops of stages that share axes, and the rings of rows between them.
//!
//! A ring is a buffer of some rows that are kept: row `r` of `from..to` lies at `r - from`. Before the stages read rows
//! `first..end`, what is lacking is made:
//!
//! ```text
//! if first < end and (first < from or end > to)
//!   kept = rows of first..to, if first is among from..to
//!   move the kept rows to the front
//!   from, to = first, first + min(room, rows from first on)
//!   for n in kept..to - from { make row from + n at n }
//! ```
//!
//! So an index is one subtraction, rows are made in blocks that can be scheduled like any loop, and what a window needs
//! next is made ahead. Windows that move backwards or jump only cost rows that are made again.

use super::nest::{Nest, ScopeKind};
use crate::loops::{Access, Expr, Load, Stmt, VarId, build};
use crate::ops::{Op, fold};
use crate::tensor::{AxisId, Group, Ring, Stage, StageBody, TensorId};
use crate::types::Scalar;

/// The rows that a ring holds: from, to.
type Held = (VarId, VarId);

impl Nest<'_, '_> {
    /// The whole group, with its guard.
    pub fn group(&mut self, group: &Group) {
        // Stages of a group have one guard. Nothing moves out of it: loads may be out of bounds where it does not hold.
        let guard = group.stages.first().and_then(|stage| stage.guard).map(|guard| {
            self.need(&[guard]);
            let cond = self.value(guard).0;
            self.open(ScopeKind::Cold);
            (cond, self.top())
        });
        let mut held = Vec::new();
        for (n, &axis) in group.axes.iter().enumerate() {
            if n + 1 == group.axes.len() {
                self.declare(group, &mut held);
            }
            self.open_stage_axis(axis, ScopeKind::StageLoop);
        }
        self.members(group, None, &mut held.into_iter());
        if let Some((cond, depth)) = guard {
            self.close_to(depth);
            let block = self.close_block();
            self.push(Stmt::If(cond, block, Vec::new()));
        }
    }

    /// Empty rings, those of rings too: they all live while the last shared axis runs.
    fn declare(&mut self, group: &Group, held: &mut Vec<Held>) {
        for ring in &group.rings {
            let from = self.define("from", build::int(0));
            held.push((from, self.define("to", build::int(0))));
            self.declare(&ring.group, held);
        }
    }

    /// The rings and stages of a group whose axes have their values; `row` if it makes the rows of a ring: where this row
    /// lies in it.
    fn members(&mut self, group: &Group, row: Option<&Expr>, held: &mut dyn Iterator<Item = Held>) {
        let shared = self.top();
        for ring in &group.rings {
            let own = held.next().expect("every ring was declared");
            self.ring(ring, own, held);
        }
        // The nest as a whole is guarded against empty shared axes only: other stages may have work to do.
        let kind = if group.axes.is_empty() { ScopeKind::StageLoop } else { ScopeKind::Loop };
        for stage in &group.stages {
            self.stage(group, stage, row, kind);
            self.close_to(shared);
        }
    }

    /// Makes the rows that a ring lacks.
    fn ring(&mut self, ring: &Ring, (from, to): Held, held: &mut dyn Iterator<Item = Held>) {
        let axis = *ring.group.axes.last().expect("a ring has rows");
        let height = build::size(self.pipeline.axes[axis].extent.as_ref().expect("rows have a number"));
        // The stages may read nothing at all: then their windows mean nothing and may have been read out of bounds.
        let outer = std::mem::replace(&mut self.speculative, true);
        let (first, end) = (self.value(ring.first).0, self.value(ring.end).0);
        self.speculative = outer;
        let top = self.top();
        let first = self.leaf_at(top, "first", build::max(build::min(first, height.clone()), build::int(0)));
        let end = self.leaf_at(top, "end", build::min(end, height.clone()));
        let (start, stop) = (Expr::Var(from), Expr::Var(to));
        let either = |a: Expr, b: Expr| Expr::Op(Op::Or, vec![a, b]);
        let lacks = either(build::less(first.clone(), start.clone()), build::less(stop.clone(), end.clone()));
        let lacks = build::and(build::less(first.clone(), end), lacks);

        self.open(ScopeKind::Arm);
        let arm = self.top();
        let among =
            build::and(Expr::Op(Op::Le, vec![start.clone(), first.clone()]), build::less(first.clone(), stop.clone()));
        let kept = build::select(among, build::sub(stop.clone(), first.clone()), build::int(0));
        let kept = Expr::Var(self.define("kept", kept));
        let ahead = Expr::Var(self.define("ahead", build::sub(first.clone(), start.clone())));
        for tensor in ring.group.stored() {
            self.advance(tensor, &kept, &ahead);
            self.close_to(arm);
        }
        self.push(Stmt::Set(from, first.clone()));
        let room = build::min(build::size(&ring.rows), build::sub(height, first.clone()));
        self.push(Stmt::Set(to, build::add(first.clone(), room)));
        let count = Expr::Var(self.define("count", build::sub(stop, first.clone())));
        let n = Expr::Var(self.open_loop(ScopeKind::Loop, "n", kept, count, build::int(1)));
        let row = Expr::Var(self.define("row", build::add(first, n.clone())));
        self.scopes.last_mut().expect("a loop is open").axes = vec![(axis, row)];
        self.members(&ring.group, Some(&n), held);
        self.close_to(arm);
        let block = self.close_block();
        self.push(Stmt::If(lacks, block, Vec::new()));
        // A name that does not change, unlike `from`, so that what is made of it can leave loops.
        let start = Expr::Var(self.define("start", start));
        for tensor in ring.group.stored() {
            self.rings.insert(tensor, start.clone());
        }
    }

    /// Moves the first rows that are kept to the front.
    fn advance(&mut self, tensor: TensorId, kept: &Expr, ahead: &Expr) {
        let dims = &self.pipeline.tensors[tensor].dims;
        let open = |nest: &mut Self, hi: Expr| {
            Expr::Var(nest.open_loop(ScopeKind::Loop, "i", build::int(0), hi, build::int(1)))
        };
        let mut index = vec![open(self, kept.clone())];
        for dim in &dims[1..] {
            index.push(open(self, build::size(dim)));
        }
        let mut old = index.clone();
        old[0] = build::add(index[0].clone(), ahead.clone());
        let buffer = self.buffers.of(tensor);
        self.push(Stmt::Store { buffer, index, value: Expr::Load(Load { buffer, index: old, access: Access::One }) });
    }

    /// One stage: loops over the axes that it does not share.
    fn stage(&mut self, group: &Group, stage: &Stage, row: Option<&Expr>, kind: ScopeKind) {
        let own: Vec<AxisId> = stage.axes.iter().copied().filter(|axis| !group.axes.contains(axis)).collect();
        match &stage.body {
            StageBody::Map(values) => {
                for &axis in &own {
                    self.open_stage_axis(axis, kind);
                }
                self.need(values);
                for (&value, &tensor) in values.iter().zip(&stage.tensors) {
                    let value = self.value(value).0;
                    // An `f16` is rounded by its way through memory.
                    let rounds = self.pipeline.tensors[tensor].elem == Scalar::F16;
                    if group.private.contains(&tensor) && own.is_empty() && !rounds {
                        self.hold(tensor, value);
                    } else {
                        let index = self.place(group, stage, tensor, row);
                        self.store(tensor, index, value);
                    }
                }
            }
            StageBody::Scan { op, expr } => {
                let (last, outer) = own.split_last().expect("a scan has an axis of its own");
                for &axis in outer {
                    self.open_stage_axis(axis, kind);
                }
                let elem = self.pipeline.ty(*expr);
                let start = fold::identity(*op, elem).expect("a scan's operation has an identity");
                let total = self.define("total", Expr::Const(start));
                self.open_stage_axis(*last, kind);
                self.need(&[*expr]);
                let value = self.value(*expr).0;
                self.push(Stmt::Accumulate(total, fold::combine(*op).expect("as above"), value));
                let tensor = stage.tensors[0];
                let index = self.place(group, stage, tensor, row);
                self.store(tensor, index, Expr::Var(total));
            }
        }
    }

    /// Where a stage's element lies in a tensor.
    fn place(&self, group: &Group, stage: &Stage, tensor: TensorId, row: Option<&Expr>) -> Vec<Expr> {
        let inner = stage.axes.iter().filter(|axis| !group.axes.contains(axis)).map(|&axis| self.axis(axis).0);
        if group.private.contains(&tensor) {
            inner.collect()
        } else if let Some(row) = row {
            std::iter::once(row.clone()).chain(inner).collect()
        } else {
            stage.axes.iter().map(|&axis| self.axis(axis).0).collect()
        }
    }
}
