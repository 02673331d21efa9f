//! Sharing: equal expressions become one, statements that nobody reads disappear.
//!
//! Stages are pure and cannot fail, so which of two equal expressions is computed does not matter; the origin of the
//! first one stays.

use super::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// *Before*: expressions as they were built. *After*: structurally equal expressions have one id, loads of constant
/// elements are constants, and stages and aliases whose tensors are neither read nor results are gone.
pub fn share(program: &mut Program) {
    let consts = std::mem::take(&mut program.consts);
    for pipeline in &mut program.pipelines {
        let mut sharer = Sharer { consts: &consts, known: HashMap::new(), done: BTreeMap::new() };
        map_exprs(pipeline, &mut |p, id| sharer.canonical(p, id));
        remove_unread(pipeline);
    }
    program.consts = consts;
}

struct Sharer<'a> {
    consts: &'a [ConstData],
    /// Only looked up, never iterated: the order of a hash map does not show.
    known: HashMap<(Expr, Scalar), ExprId>,
    done: BTreeMap<ExprId, ExprId>,
}

impl Sharer<'_> {
    fn canonical(&mut self, p: &mut Pipeline, id: ExprId) -> ExprId {
        if let Some(known) = self.done.get(&id) {
            return *known;
        }
        let node = match p.exprs[id].clone() {
            leaf @ (Expr::Const(_) | Expr::Axis(_) | Expr::Size(_)) => leaf,
            Expr::Op(op, args) => Expr::Op(op, self.all(p, &args)),
            Expr::Cast(arg) => Expr::Cast(self.canonical(p, arg)),
            Expr::Select(c, a, b) => Expr::Select(self.canonical(p, c), self.canonical(p, a), self.canonical(p, b)),
            Expr::Load(tensor, index) => {
                let index = self.all(p, &index);
                match self.element_of_constant(p, tensor, &index) {
                    Some(value) => Expr::Const(value),
                    None => Expr::Load(tensor, index),
                }
            }
            Expr::Reduce(reduce) => {
                let axes = reduce
                    .axes
                    .iter()
                    .map(|axis| ReduceAxis {
                        lo: self.canonical(p, axis.lo),
                        hi: self.canonical(p, axis.hi),
                        ..axis.clone()
                    })
                    .collect();
                Expr::Reduce(Reduce { axes, body: self.canonical(p, reduce.body), ..reduce })
            }
        };
        let ty = p.ty(id);
        let result = match self.known.get(&(node.clone(), ty)) {
            Some(known) => *known,
            None => {
                let new = if p.exprs[id] == node { id } else { p.expr(node.clone(), ty, p.exprs.origin(id)) };
                self.known.insert((node, ty), new);
                new
            }
        };
        self.done.insert(id, result);
        self.done.insert(result, result);
        result
    }

    fn all(&mut self, p: &mut Pipeline, ids: &[ExprId]) -> Vec<ExprId> {
        ids.iter().map(|id| self.canonical(p, *id)).collect()
    }

    /// The value of a load from a constant tensor at constant indices in range.
    fn element_of_constant(&self, p: &Pipeline, tensor: TensorId, index: &[ExprId]) -> Option<Const> {
        let TensorKind::Const(data) = p.tensors[tensor].kind else { return None };
        let data = &self.consts[data.0 as usize];
        let mut flat = 0i128;
        for (id, dim) in index.iter().zip(&data.dims) {
            let value = p.as_const(*id)?.as_int();
            if value < 0 || value >= i128::from(*dim) {
                return None;
            }
            flat = flat * i128::from(*dim) + value;
        }
        let width = data.elem.bytes() as usize;
        let at = flat as usize * width;
        let value = Const::from_le_bytes(data.elem, data.bytes.get(at..at + width)?);
        Some(crate::ops::eval::cast(compute_type(data.elem), value))
    }
}

/// Drops stages and aliases whose tensors nobody needs, last first.
fn remove_unread(p: &mut Pipeline) {
    let mut needed: BTreeSet<TensorId> = p.results.iter().map(|(_, tensor)| *tensor).collect();
    let mut kept = Vec::new();
    for stmt in std::mem::take(&mut p.body.stmts).into_iter().rev() {
        let keep = match &stmt {
            Stmt::Stage(stage) => stage.tensors.iter().any(|tensor| needed.contains(tensor)),
            Stmt::Alias { tensor, .. } => needed.contains(tensor),
            Stmt::Check(_) | Stmt::Group(_) => true,
        };
        if !keep {
            continue;
        }
        if let Stmt::Alias { of, .. } = &stmt {
            needed.insert(*of);
        }
        p.visit(&roots(&stmt), &mut |_, expr| {
            if let Expr::Load(tensor, _) = expr {
                needed.insert(*tensor);
            }
        });
        kept.push(stmt);
    }
    kept.reverse();
    p.body.stmts = kept;
}

/// Replaces every root expression of the pipeline's statements.
pub(super) fn map_exprs(p: &mut Pipeline, f: &mut dyn FnMut(&mut Pipeline, ExprId) -> ExprId) {
    let mut body = std::mem::take(&mut p.body);
    for stmt in &mut body.stmts {
        match stmt {
            Stmt::Stage(stage) => map_stage(p, stage, f),
            Stmt::Group(group) => map_group(p, group, f),
            Stmt::Alias { .. } => {}
            Stmt::Check(check) => {
                for axis in &mut check.axes {
                    axis.lo = f(p, axis.lo);
                    axis.hi = f(p, axis.hi);
                }
                check.cond = f(p, check.cond);
                check.values.iter_mut().for_each(|id| *id = f(p, *id));
            }
        }
    }
    p.body = body;
}

fn map_group(p: &mut Pipeline, group: &mut Group, f: &mut dyn FnMut(&mut Pipeline, ExprId) -> ExprId) {
    for ring in &mut group.rings {
        ring.first = f(p, ring.first);
        ring.end = f(p, ring.end);
        map_group(p, &mut ring.group, f);
    }
    group.stages.iter_mut().for_each(|stage| map_stage(p, stage, f));
}

/// Replaces every root expression of a stage.
pub(super) fn map_stage(p: &mut Pipeline, stage: &mut Stage, f: &mut dyn FnMut(&mut Pipeline, ExprId) -> ExprId) {
    match &mut stage.body {
        StageBody::Map(exprs) => exprs.iter_mut().for_each(|id| *id = f(p, *id)),
        StageBody::Scan { expr, .. } => *expr = f(p, *expr),
    }
    if let Some(guard) = &mut stage.guard {
        *guard = f(p, *guard);
    }
}

/// Every root expression of a stage, its guard last.
pub(super) fn stage_roots(stage: &Stage) -> Vec<ExprId> {
    let mut roots = match &stage.body {
        StageBody::Map(exprs) => exprs.clone(),
        StageBody::Scan { expr, .. } => vec![*expr],
    };
    roots.extend(stage.guard);
    roots
}

fn group_roots(group: &Group) -> Vec<ExprId> {
    let of_ring = |ring: &Ring| [vec![ring.first, ring.end], group_roots(&ring.group)].concat();
    group.rings.iter().flat_map(of_ring).chain(group.stages.iter().flat_map(stage_roots)).collect()
}

/// Every root expression of a statement.
pub(super) fn roots(stmt: &Stmt) -> Vec<ExprId> {
    match stmt {
        Stmt::Stage(stage) => stage_roots(stage),
        Stmt::Group(group) => group_roots(group),
        Stmt::Alias { .. } => Vec::new(),
        Stmt::Check(check) => check
            .axes
            .iter()
            .flat_map(|axis| [axis.lo, axis.hi])
            .chain([check.cond])
            .chain(check.values.iter().copied())
            .collect(),
    }
}
