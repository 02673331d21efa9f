//! Makes groups of the runs that `group.rs` has put together: shared axes get one name, tensors that nobody else reads lose
//! the shared dimensions.

use super::super::share::map_stage;
use super::super::*;
use super::{Grouping, Item, Member, Run};
use crate::tensor::fuse::Rule;
use std::collections::{BTreeMap, BTreeSet};

impl Grouping<'_> {
    /// Turns an item into statements: two stages or more become a group over as many axes as they all share.
    pub(super) fn finish(&mut self, item: Item) -> Vec<Stmt> {
        let mut run = match item {
            Item::Other(stmt) => return vec![stmt],
            Item::Run(run) => run,
        };
        let has_long_row = run.members.iter().any(|member| member.stage.axes.len() > 1);
        if run.rings.is_empty() && (run.members.len() < 2 || !has_long_row) {
            return run.members.into_iter().map(|member| Stmt::Stage(member.stage)).collect();
        }
        let pays = |depth: usize| run.members.iter().all(|member| member.pays(self.p, depth));
        if run.rings.is_empty() {
            run.depth = (1..=run.depth).take_while(|depth| pays(*depth)).last().expect("one axis is shared");
        }
        let axes: Vec<AxisId> =
            run.members[0].shared[..run.depth].iter().map(|at| run.members[0].stage.axes[*at]).collect();
        vec![Stmt::Group(self.build(run, axes, &[]))]
    }

    /// A group over these axes, inside loops over `around`.
    fn build(&mut self, run: Run, axes: Vec<AxisId>, around: &[AxisId]) -> Group {
        let depth = run.depth;
        let last = run.members.last().expect("a run has members");
        let (origin, binding) = (last.stage.origin, last.stage.binding);
        let numbers: BTreeSet<usize> = run.members.iter().map(|member| member.number).collect();
        let values: Vec<ExprId> = axes.iter().map(|axis| self.p.axis(*axis, origin)).collect();
        let bound: Vec<AxisId> = around.iter().chain(&axes).copied().collect();

        let mut rings = Vec::new();
        // For each tensor that loses dimensions: which.
        let mut lost: BTreeMap<TensorId, Lost> = BTreeMap::new();
        for slide in run.rings {
            let reader = run.members.iter().find(|member| member.number == slide.reader).expect("it reads the ring");
            let own: Vec<AxisId> = reader.shared[..depth].iter().map(|at| reader.stage.axes[*at]).collect();
            let first = self.p.substitute(slide.window.first, &own, &values);
            let end = self.p.substitute(slide.window.end, &own, &values);
            let row = {
                let member = &slide.run.members[0];
                let old = member.stage.axes[member.shared[depth - 1]];
                self.p.axes.add(self.p.axes[old].clone(), self.p.axes.origin(old))
            };
            let inner: Vec<AxisId> = axes[..depth - 1].iter().copied().chain([row]).collect();
            let dims: Vec<(TensorId, Vec<usize>)> = slide
                .run
                .members
                .iter()
                .flat_map(|member| member.stage.tensors.iter().map(|tensor| (*tensor, member.shared[..depth].to_vec())))
                .collect();
            let group = self.build(slide.run, inner, &bound);
            for (tensor, dims) in dims.into_iter().filter(|(tensor, _)| !group.private.contains(tensor)) {
                self.rules.insert(tensor, Rule::Ring);
                lost.insert(tensor, Lost { dims, rows: Some(slide.rows.clone()) });
            }
            rings.push(Ring { group, first, end, rows: slide.rows });
        }
        let mut private = Vec::new();
        for member in &run.members {
            for tensor in member.stage.tensors.iter().filter(|tensor| self.uses.only_read_by(**tensor, &numbers)) {
                private.push(*tensor);
                self.rules.insert(*tensor, Rule::Row);
                lost.insert(*tensor, Lost { dims: member.shared[..depth].to_vec(), rows: None });
            }
        }
        let mut stages = Vec::new();
        for mut member in run.members {
            rename_inner(self.p, &mut member, depth, &bound);
            let own: Vec<AxisId> = member.shared[..depth].iter().map(|at| member.stage.axes[*at]).collect();
            let mut stage = member.stage;
            for (at, axis) in member.shared[..depth].iter().zip(&axes) {
                stage.axes[*at] = *axis;
            }
            map_stage(self.p, &mut stage, &mut |p, id| {
                let id = p.substitute(id, &own, &values);
                shorten(p, id, &lost)
            });
            stages.push(stage);
        }
        for (tensor, lost) in &lost {
            lost.shrink(&mut self.p.tensors[*tensor].dims);
        }
        Group { axes, rings, stages, private, binding, origin }
    }
}

/// The dimensions that a tensor loses, outermost shared axis first; of a ring the last one comes back as rows.
struct Lost {
    dims: Vec<usize>,
    rows: Option<Size>,
}

impl Lost {
    fn kept<T: Clone>(&self, all: &[T]) -> Vec<T> {
        (0..all.len()).filter(|at| !self.dims.contains(at)).map(|at| all[at].clone()).collect()
    }

    fn shrink(&self, dims: &mut Vec<Size>) {
        *dims = self.rows.iter().cloned().chain(self.kept(dims)).collect();
    }

    fn index(&self, index: &[ExprId]) -> Vec<ExprId> {
        let row = self.rows.as_ref().and(self.dims.last()).map(|row| index[*row]);
        row.into_iter().chain(self.kept(index)).collect()
    }
}

/// Loads of tensors that have lost dimensions, with the indices that are left.
fn shorten(p: &mut Pipeline, id: ExprId, lost: &BTreeMap<TensorId, Lost>) -> ExprId {
    p.rewrite(id, &mut |p, node, origin| match node {
        Expr::Load(tensor, index) => {
            let index = lost.get(tensor)?.index(index);
            let ty = compute_type(p.tensors[*tensor].elem);
            Some(p.expr(Expr::Load(*tensor, index), ty, origin))
        }
        _ => None,
    })
}

/// Axes may be shared between stages: an inner axis of a member that is also bound around it becomes one of its own.
fn rename_inner(p: &mut Pipeline, member: &mut Member, depth: usize, bound: &[AxisId]) {
    for position in 0..member.stage.axes.len() {
        let old = member.stage.axes[position];
        if member.shared[..depth].contains(&position) || !bound.contains(&old) {
            continue;
        }
        let new = p.axes.add(p.axes[old].clone(), p.axes.origin(old));
        let value = p.axis(new, member.stage.origin);
        member.stage.axes[position] = new;
        map_stage(p, &mut member.stage, &mut |p, id| p.substitute(id, &[old], &[value]));
    }
}
