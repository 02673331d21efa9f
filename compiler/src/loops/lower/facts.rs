//! What lowering asks about Tensor IR expressions: which axes they need, which reductions are needed in any case,
//! in what range an index lies.

use crate::loops::build;
use crate::ops::Op;
use crate::size::Size;
use crate::tensor::{AxisId, Expr, ExprId, Group, Pipeline, Reduce, Stmt, TensorId};
use crate::types::Scalar;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Answers, remembered per expression.
pub(super) struct Facts<'a> {
    pipeline: &'a Pipeline,
    free: BTreeMap<ExprId, Rc<BTreeSet<AxisId>>>,
    needed: BTreeMap<ExprId, Rc<BTreeSet<ExprId>>>,
    reductions: BTreeMap<ExprId, Rc<BTreeSet<ExprId>>>,
    outer_reductions: BTreeMap<ExprId, Rc<BTreeSet<ExprId>>>,
    /// Axes whose values are `0 <= axis < extent`.
    extents: BTreeMap<AxisId, Size>,
    /// For tensors whose room is used again for each value of a group's axes: the last of these axes.
    private: BTreeMap<TensorId, AxisId>,
}

impl<'a> Facts<'a> {
    /// Looks at the axes; the rest is found when asked for.
    pub fn new(pipeline: &'a Pipeline) -> Facts<'a> {
        Facts {
            pipeline,
            free: BTreeMap::new(),
            needed: BTreeMap::new(),
            reductions: BTreeMap::new(),
            outer_reductions: BTreeMap::new(),
            extents: extents(pipeline),
            private: private(pipeline),
        }
    }

    /// The axis that contents of a tensor belong to, if its room is used again for each value of that axis.
    pub fn renewed_by(&self, tensor: TensorId) -> Option<AxisId> {
        self.private.get(&tensor).copied()
    }

    /// The operands of an expression; for a reduction its bounds and body.
    pub fn operands(&self, id: ExprId) -> Vec<ExprId> {
        match &self.pipeline.exprs[id] {
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) => Vec::new(),
            Expr::Op(_, args) | Expr::Load(_, args) => args.clone(),
            Expr::Cast(arg) => vec![*arg],
            Expr::Select(c, a, b) => vec![*c, *a, *b],
            Expr::Reduce(reduce) => {
                let bounds = reduce.axes.iter().flat_map(|axis| [axis.lo, axis.hi]);
                bounds.chain([reduce.body]).collect()
            }
        }
    }

    /// The axes that an expression needs from outside.
    pub fn free(&mut self, id: ExprId) -> Rc<BTreeSet<AxisId>> {
        if let Some(known) = self.free.get(&id) {
            return known.clone();
        }
        let mut axes = BTreeSet::new();
        match &self.pipeline.exprs[id] {
            Expr::Axis(axis) => {
                axes.insert(*axis);
            }
            Expr::Reduce(reduce) => {
                // An axis is bound for later axes' bounds and for the body.
                axes.extend(self.free(reduce.body).iter().copied());
                for axis in reduce.axes.iter().rev() {
                    axes.remove(&axis.axis);
                    axes.extend(self.free(axis.lo).iter().copied());
                    axes.extend(self.free(axis.hi).iter().copied());
                }
            }
            Expr::Const(_) | Expr::Size(_) | Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) | Expr::Load(..) => {
                for operand in self.operands(id) {
                    axes.extend(self.free(operand).iter().copied());
                }
                if let Expr::Load(tensor, _) = &self.pipeline.exprs[id] {
                    axes.extend(self.renewed_by(*tensor));
                }
            }
        }
        let axes = Rc::new(axes);
        self.free.insert(id, axes.clone());
        axes
    }

    /// The reductions that are carried out whenever all of `roots` are evaluated.
    pub fn needed(&mut self, roots: &[ExprId]) -> Rc<BTreeSet<ExprId>> {
        if let [root] = roots {
            return self.needed_by(*root);
        }
        let mut all = BTreeSet::new();
        for root in roots {
            all.extend(self.needed_by(*root).iter().copied());
        }
        Rc::new(all)
    }

    fn needed_by(&mut self, id: ExprId) -> Rc<BTreeSet<ExprId>> {
        if let Some(known) = self.needed.get(&id) {
            return known.clone();
        }
        let mut all = BTreeSet::new();
        match &self.pipeline.exprs[id] {
            Expr::Select(c, a, b) => {
                all.extend(self.needed_by(*c).iter().copied());
                let (a, b) = (self.needed_by(*a), self.needed_by(*b));
                all.extend(a.intersection(&b).copied());
            }
            Expr::Reduce(reduce) => {
                // The body runs only if the range is not empty.
                all.insert(id);
                for axis in &reduce.axes[..1] {
                    all.extend(self.needed_by(axis.lo).iter().copied());
                    all.extend(self.needed_by(axis.hi).iter().copied());
                }
            }
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) | Expr::Op(..) | Expr::Cast(_) | Expr::Load(..) => {
                for operand in self.operands(id) {
                    all.extend(self.needed_by(operand).iter().copied());
                }
            }
        }
        let all = Rc::new(all);
        self.needed.insert(id, all.clone());
        all
    }

    /// All reductions in an expression, also those inside other reductions and arms.
    pub fn reductions(&mut self, id: ExprId) -> Rc<BTreeSet<ExprId>> {
        if let Some(known) = self.reductions.get(&id) {
            return known.clone();
        }
        let mut all = BTreeSet::new();
        if matches!(self.pipeline.exprs[id], Expr::Reduce(_)) {
            all.insert(id);
        }
        for operand in self.operands(id) {
            all.extend(self.reductions(operand).iter().copied());
        }
        let all = Rc::new(all);
        self.reductions.insert(id, all.clone());
        all
    }

    /// The reductions in an expression that stand in no other reduction.
    pub fn outer_reductions(&mut self, id: ExprId) -> Rc<BTreeSet<ExprId>> {
        if let Some(known) = self.outer_reductions.get(&id) {
            return known.clone();
        }
        let mut all = BTreeSet::new();
        if matches!(self.pipeline.exprs[id], Expr::Reduce(_)) {
            all.insert(id);
        } else {
            for operand in self.operands(id) {
                all.extend(self.outer_reductions(operand).iter().copied());
            }
        }
        let all = Rc::new(all);
        self.outer_reductions.insert(id, all.clone());
        all
    }

    /// The reduction behind an id that is one.
    pub fn reduce(&self, id: ExprId) -> &'a Reduce {
        match &self.pipeline.exprs[id] {
            Expr::Reduce(reduce) => reduce,
            other => panic!("not a reduction: {other:?}"),
        }
    }

    /// Whether the ranges of a reduction and of those inside it depend on nothing in memory, so that running it
    /// without being asked costs time but cannot run away.
    pub fn ranges_known(&mut self, id: ExprId) -> bool {
        let all = self.reductions(id);
        all.iter().all(|&id| {
            self.reduce(id).axes.iter().all(|axis| self.reads_nothing(axis.lo) && self.reads_nothing(axis.hi))
        })
    }

    fn reads_nothing(&self, id: ExprId) -> bool {
        match &self.pipeline.exprs[id] {
            Expr::Load(..) | Expr::Reduce(_) => false,
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) | Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) => {
                self.operands(id).into_iter().all(|operand| self.reads_nothing(operand))
            }
        }
    }

    /// Rough number of operations in an expression, up to `limit`.
    pub fn cost(&self, id: ExprId, limit: usize) -> usize {
        let mut seen = BTreeSet::new();
        let mut work = vec![id];
        while let Some(next) = work.pop() {
            if seen.insert(next) && seen.len() < limit {
                work.extend(self.operands(next));
            }
        }
        seen.len()
    }

    /// Least and greatest value of an integer expression, as far as constants alone tell.
    pub fn range(&self, id: ExprId) -> Option<(i64, i64)> {
        let ty = self.pipeline.ty(id);
        let whole = || match ty {
            Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 => {
                ty.int_range().map(|(lo, hi)| (lo as i64, hi as i64))
            }
            _ => None,
        };
        let found = match &self.pipeline.exprs[id] {
            Expr::Const(value) if !value.ty.is_float() => i64::try_from(value.as_int()).ok().map(|v| (v, v)),
            Expr::Size(size) => size.as_const().map(|v| (v, v)),
            Expr::Axis(axis) => {
                let extent = self.extents.get(axis)?.as_const()?;
                (extent > 0).then_some((0, extent - 1))
            }
            Expr::Cast(arg) if ty.is_int() && !self.pipeline.ty(*arg).is_float() => self.range(*arg),
            Expr::Select(_, a, b) => {
                let (a, b) = (self.range(*a)?, self.range(*b)?);
                Some((a.0.min(b.0), a.1.max(b.1)))
            }
            Expr::Op(op, args) if ty.is_int() => self.op_range(*op, args),
            Expr::Const(_) | Expr::Cast(_) | Expr::Op(..) | Expr::Load(..) | Expr::Reduce(_) => None,
        };
        // What might wrap is as unknown as the type allows.
        let fits = |(lo, hi): &(i64, i64)| {
            ty.int_range().is_some_and(|(least, most)| i128::from(*lo) >= least && i128::from(*hi) <= most)
        };
        found.filter(fits).or_else(whole)
    }

    fn op_range(&self, op: Op, args: &[ExprId]) -> Option<(i64, i64)> {
        let a = self.range(args[0]);
        let b = args.get(1).and_then(|&arg| self.range(arg));
        let corners = |f: fn(i64, i64) -> Option<i64>| {
            let ((a, b), (c, d)) = (a?, b?);
            let all = [f(a, c)?, f(a, d)?, f(b, c)?, f(b, d)?];
            Some((*all.iter().min()?, *all.iter().max()?))
        };
        match op {
            Op::Add => corners(i64::checked_add),
            Op::Sub => corners(i64::checked_sub),
            Op::Mul => corners(i64::checked_mul),
            Op::Neg => a.map(|(lo, hi)| (-hi, -lo)),
            Op::Min => match (a, b) {
                (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.min(b.1))),
                _ => None,
            },
            Op::Max => match (a, b) {
                (Some(a), Some(b)) => Some((a.0.max(b.0), a.1.max(b.1))),
                _ => None,
            },
            Op::Rem => b.filter(|b| b.0 == b.1 && b.0 > 0).map(|b| (0, b.1 - 1)),
            Op::And => b.filter(|b| b.0 == b.1 && b.0 >= 0).map(|b| (0, b.1)),
            Op::Div => {
                let (b, a) = (b.filter(|b| b.0 == b.1 && b.0 > 0)?.0, a?);
                Some((a.0.div_euclid(b), a.1.div_euclid(b)))
            }
            Op::Shr => {
                let (b, a) = (b.filter(|b| b.0 == b.1 && (0..32).contains(&b.0))?.0, a?);
                Some((a.0 >> b, a.1 >> b))
            }
            _ => None,
        }
    }

    /// Whether an index is the whole range of an axis whose extent is this dimension.
    pub fn spans(&self, index: ExprId, dim: &Size) -> bool {
        match &self.pipeline.exprs[index] {
            Expr::Axis(axis) if self.extents.get(axis) == Some(dim) => true,
            _ => match (self.range(index), build::as_int(&build::size(dim))) {
                (Some((lo, hi)), Some(dim)) => lo >= 0 && hi < dim,
                _ => false,
            },
        }
    }
}

/// Which tensors share the room of one value of their group's axes, or of some rows.
fn private(pipeline: &Pipeline) -> BTreeMap<TensorId, AxisId> {
    let mut private = BTreeMap::new();
    for stmt in &pipeline.body.stmts {
        match stmt {
            Stmt::Group(group) => renewed(group, &mut private),
            Stmt::Stage(_) | Stmt::Alias { .. } | Stmt::Check(_) => {}
        }
    }
    private
}

fn renewed(group: &Group, private: &mut BTreeMap<TensorId, AxisId>) {
    let Some(&last) = group.axes.last() else { return };
    private.extend(group.private.iter().map(|&tensor| (tensor, last)));
    for ring in &group.rings {
        private.extend(ring.group.stored().map(|tensor| (tensor, last)));
        renewed(&ring.group, private);
    }
}

/// Axes that start at 0 and end at a size: those of stages, and those of reductions wherever they are used.
fn extents(pipeline: &Pipeline) -> BTreeMap<AxisId, Size> {
    let mut extents = BTreeMap::new();
    for (id, axis) in pipeline.axes.iter() {
        if let Some(extent) = &axis.extent {
            extents.insert(id, Some(extent.clone()));
        }
    }
    for (_, expr) in pipeline.exprs.iter() {
        let Expr::Reduce(reduce) = expr else { continue };
        for axis in &reduce.axes {
            let end = match (&pipeline.exprs[axis.lo], &pipeline.exprs[axis.hi]) {
                (Expr::Const(lo), Expr::Size(hi)) if lo.bits == 0 => Some(hi.clone()),
                (Expr::Const(lo), Expr::Const(hi)) if lo.bits == 0 => Some(Size::constant(hi.as_int() as i64)),
                _ => None,
            };
            let known = extents.entry(axis.axis).or_insert_with(|| end.clone());
            if *known != end {
                *known = None;
            }
        }
    }
    extents.into_iter().filter_map(|(axis, extent)| Some((axis, extent?))).collect()
}
