//! Fusion by deletion: a stage's expression is put where its tensor is read, and the tensor is never stored.
//!
//! This file and `group.rs` (with its folder) are the only places where stages are merged. Every decision is recorded, with the reason
//! where a stage stayed, for `kcc explain`. The one number behind it: how often an element would be computed, the
//! product of the extents of the reader's axes that are missing from its index.

use super::share::{map_region, own_roots, roots};
use super::*;
use crate::origin::OriginId;
use std::collections::{BTreeMap, BTreeSet};

/// Why a stage went or stayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Deleted: index arithmetic only (transpose, slice, crop, channel order …).
    View,
    /// Deleted: each element is read at most once.
    ReadOnce,
    /// Deleted: computing it again is cheaper than storing and loading it.
    Cheap,
    /// Stays: it is a result.
    Result,
    /// Stays: its bytes have a second shape (`reshape`).
    Aliased,
    /// Stays: it runs earlier than its reader (its result is kept).
    Earlier,
    /// Stays: it contains a reduction and is read inside one, or more than once.
    Reduction,
    /// Stays: it would be computed too often.
    ReadOften,
    /// Stays: prefixes are computed serially.
    Scan,
    /// Stays: storing rounds to `f16`.
    Rounds,
    /// Stays: a variable that it reads changes before it is read.
    Changes,
    /// Grouped: its reader takes one row at a time.
    Row,
    /// Grouped: its reader takes a window of rows that moves, and a ring keeps these rows.
    Ring,
    /// Stays whole: it has other readers than the stages with which it could share loops.
    Elsewhere,
    /// Stays whole: its reader does not take rows, nor windows of rows.
    NoWindow,
    /// Stays whole: nothing tells how long its reader's windows of rows are.
    LongWindow,
    /// Stays whole: a row is too short for a loop of its own.
    ShortRows,
    /// Stays whole: rows taken side by side share what they load, a row at a time would load it again.
    SideBySide,
    /// Stays whole: a ring would be as large.
    FewRows,
}

impl Rule {
    /// Whether the stage was deleted.
    pub fn deletes(self) -> bool {
        matches!(self, Rule::View | Rule::ReadOnce | Rule::Cheap)
    }

    /// In words, for `kcc explain`.
    pub fn text(self) -> &'static str {
        match self {
            Rule::View => "fused: a view, index arithmetic only",
            Rule::ReadOnce => "fused: each element is read at most once",
            Rule::Cheap => "fused: cheaper to compute again than to store",
            Rule::Result => "stored: it is a result",
            Rule::Aliased => "stored: its bytes have a second shape",
            Rule::Earlier => "stored: computed once per plan and kept",
            Rule::Reduction => "stored: a reduction that would be computed again for each reader",
            Rule::ReadOften => "stored: its elements are read often and cost more than a load",
            Rule::Scan => "stored: prefixes are computed one after another",
            Rule::Rounds => "stored: storing rounds to f16",
            Rule::Changes => "stored: a variable that it reads changes before it is read",
            Rule::Row => "grouped: one row at a time goes to its reader",
            Rule::Ring => "grouped: a ring of rows goes to its reader",
            Rule::Elsewhere => "stored: others than the stages that could share its loops read it",
            Rule::NoWindow => "stored: its reader takes neither rows nor windows of rows that move",
            Rule::LongWindow => "stored: nothing tells how many rows its reader takes at a time",
            Rule::ShortRows => "stored: its rows are too short to be worth a loop each",
            Rule::SideBySide => "stored: rows side by side share what a reduction loads",
            Rule::FewRows => "stored: it has no more rows than a ring would keep",
        }
    }
}

/// What became of one stage.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Pipeline.
    pub pipeline: String,
    /// The stage's tensor.
    pub id: TensorId,
    /// Its name.
    pub tensor: String,
    /// Why.
    pub rule: Rule,
    /// Where it comes from.
    pub origin: OriginId,
}

/// Operations that storing and loading an element is worth.
const STORE_AND_LOAD: u64 = 2;
/// Up to this cost a stage is recomputed when sizes do not tell how often it is read.
const CHEAP: u64 = 8;

/// *Before*: every named tensor is a stage (binding times are set, expressions shared). *After*: stages that rules
/// `View`, `ReadOnce` or `Cheap` cover are gone.
pub fn fuse(program: &mut Program) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for pipeline in &mut program.pipelines {
        let mut body = std::mem::take(&mut pipeline.body);
        fuse_region(pipeline, &mut body, &mut decisions);
        pipeline.body = body;
    }
    decisions
}

/// Stages of a region are read only in it and deeper, so each region is fused by itself, outer ones first: what an outer stage
/// brings into a loop's body can be merged with what stands there.
fn fuse_region(p: &mut Pipeline, region: &mut Region, decisions: &mut Vec<Decision>) {
    let mut position = 0;
    while position < region.stmts.len() {
        let Stmt::Stage(stage) = region.stmts[position].clone() else {
            position += 1;
            continue;
        };
        let rule = decide(p, region, position, &stage);
        decisions.push(Decision {
            pipeline: p.name.clone(),
            id: stage.tensors[0],
            tensor: p.tensors[stage.tensors[0]].name.clone(),
            rule,
            origin: stage.origin,
        });
        if rule.deletes() {
            region.stmts.remove(position);
            inline(p, region, &stage);
        } else {
            position += 1;
        }
    }
    for stmt in &mut region.stmts {
        stmt.regions_mut().into_iter().for_each(|inner| fuse_region(p, inner, decisions));
    }
}

/// Puts the stage's expression where its tensor is loaded.
fn inline(p: &mut Pipeline, region: &mut Region, stage: &Stage) {
    let StageBody::Map(exprs) = &stage.body else { unreachable!("only maps are deleted") };
    // One copy for each different index, so that what was shared stays shared.
    let mut copies: BTreeMap<Vec<ExprId>, ExprId> = BTreeMap::new();
    let (tensor, expr) = (stage.tensors[0], exprs[0]);
    map_region(p, region, &mut |p, root| {
        p.rewrite(root, &mut |p, node, _| match node {
            Expr::Load(own, index) if *own == tensor => Some(match copies.get(index) {
                Some(copy) => *copy,
                None => {
                    let copy = p.substitute(expr, &stage.axes, index);
                    copies.insert(index.clone(), copy);
                    copy
                }
            }),
            _ => None,
        })
    });
}

fn decide(p: &Pipeline, region: &Region, position: usize, stage: &Stage) -> Rule {
    let StageBody::Map(exprs) = &stage.body else { return Rule::Scan };
    let [tensor] = stage.tensors[..] else { return Rule::Result };
    if p.results.iter().any(|(_, result)| *result == tensor) {
        return Rule::Result;
    }
    let mut has_alias = false;
    region.visit(&mut |stmt| has_alias |= matches!(stmt, Stmt::Alias { of, .. } if *of == tensor));
    if has_alias {
        return Rule::Aliased;
    }
    let expr = exprs[0];
    if changes_before_read(p, region, position, tensor, &p.loads_var(expr)) {
        return Rule::Changes;
    }
    let is_half = |tensor: TensorId| p.tensors[tensor].elem == Scalar::F16;
    // A part of something else than halves is rounded when it is stored as halves.
    if is_half(tensor) && !matches!(&p.exprs[expr], Expr::Load(from, _) if is_half(*from)) {
        return Rule::Rounds;
    }
    if is_view(p, expr) {
        return Rule::View;
    }
    if is_half(tensor) {
        return Rule::Rounds;
    }
    let sites = sites(p, region, tensor);
    if sites.iter().any(|site| site.binding != stage.binding) {
        return Rule::Earlier;
    }
    // How often an element is computed if the stage goes; `None`: unknown or without bound.
    let reads = sites.iter().try_fold(0u64, |sum, site| site.reads.map(|reads| sum.saturating_add(reads)));
    let in_reduction = sites.iter().any(|site| site.in_reduction);
    if p.has_reduce(expr) {
        return if reads.is_some_and(|reads| reads <= 1) && !in_reduction { Rule::ReadOnce } else { Rule::Reduction };
    }
    if reads.is_some_and(|reads| reads <= 1) {
        return Rule::ReadOnce;
    }
    let cost = cost(p, expr);
    let cheap = match reads {
        Some(reads) => reads.saturating_mul(cost) <= cost + STORE_AND_LOAD,
        None => cost <= if in_reduction { STORE_AND_LOAD } else { CHEAP },
    };
    if cheap { Rule::Cheap } else { Rule::ReadOften }
}

/// A load, constant, index or size: nothing is computed but addresses.
fn is_view(p: &Pipeline, id: ExprId) -> bool {
    match &p.exprs[id] {
        Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) => true,
        Expr::Load(_, index) => index.iter().all(|id| cost(p, *id) <= 4 && !loads_anything(p, *id)),
        Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) | Expr::Reduce(_) => false,
    }
}

fn loads_anything(p: &Pipeline, id: ExprId) -> bool {
    let mut found = false;
    p.visit(&[id], &mut |_, expr| found |= matches!(expr, Expr::Load(..)));
    found
}

/// Operations for one element, without address arithmetic.
fn cost(p: &Pipeline, id: ExprId) -> u64 {
    let mut addresses = BTreeSet::new();
    p.visit(&[id], &mut |_, expr| {
        if let Expr::Load(_, index) = expr {
            p.visit(index, &mut |id, _| {
                addresses.insert(id);
            });
        }
    });
    let mut cost = 0;
    p.visit(&[id], &mut |id, expr| {
        if addresses.contains(&id) {
            return;
        }
        cost += match expr {
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) => 0,
            Expr::Op(Op::Div | Op::Sqrt | Op::Rem | Op::TruncDiv | Op::TruncRem, _) => 4,
            Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) => 1,
            // One load is there anyway: the stage's own.
            Expr::Load(..) => 1,
            Expr::Reduce(_) => 64,
        }
    });
    cost
}

/// A place where a tensor is loaded.
struct Site {
    binding: Binding,
    /// How often each element is read there at most; `None` if that is not known.
    reads: Option<u64>,
    in_reduction: bool,
}

/// Whether one of the variables changes between the statement at this position and the last one that reads its tensor.
fn changes_before_read(
    p: &Pipeline,
    region: &Region,
    position: usize,
    tensor: TensorId,
    vars: &BTreeSet<TensorId>,
) -> bool {
    if vars.is_empty() {
        return false;
    }
    let reads = |stmt: &Stmt| {
        let mut found = false;
        p.visit(&roots(stmt), &mut |_, expr| found |= matches!(expr, Expr::Load(own, _) if *own == tensor));
        found
    };
    let Some(last) = region.stmts.iter().rposition(reads) else { return false };
    (position + 1..=last).any(|n| {
        let stmt = &region.stmts[n];
        // A single element is stored after everything was read.
        let reads_first = n == last && matches!(stmt, Stmt::Store(store) if store.axes.is_empty());
        !reads_first && stmt.writes().iter().any(|written| vars.contains(written))
    })
}

/// Every different load of a tensor in every statement of a region. A loop's index is an axis around what stands in it.
fn sites(p: &Pipeline, region: &Region, tensor: TensorId) -> Vec<Site> {
    let mut found = Vec::new();
    collect_sites(p, region, tensor, &Around { axes: Vec::new(), repeats: false }, &mut found);
    found
}

/// The loops around a statement.
#[derive(Clone)]
struct Around {
    axes: Vec<AxisId>,
    /// Whether one of them runs an unknown number of times.
    repeats: bool,
}

fn collect_sites(p: &Pipeline, region: &Region, tensor: TensorId, around: &Around, found: &mut Vec<Site>) {
    for stmt in &region.stmts {
        let own: Vec<AxisId> = match stmt {
            Stmt::Stage(stage) => stage.axes.clone(),
            Stmt::Store(store) => store.axes.clone(),
            Stmt::Check(check) => check.axes.iter().map(|axis| axis.axis).collect(),
            Stmt::Alias { .. } | Stmt::Group(_) | Stmt::Decide { .. } | Stmt::Control(_) => Vec::new(),
        };
        let axes: Vec<AxisId> = around.axes.iter().copied().chain(own).collect();
        let mut seen = BTreeSet::new();
        let before = found.len();
        for root in own_roots(stmt) {
            walk(p, root, tensor, &axes, 0, stmt.binding(), &mut seen, found);
        }
        if around.repeats {
            found[before..].iter_mut().for_each(|site| site.reads = None);
        }
        let mut inner = around.clone();
        if let Stmt::Control(control) = stmt {
            match &control.kind {
                ControlKind::Loop { axis, .. } => inner.axes.push(axis.axis),
                ControlKind::Repeat(_) => inner.repeats = true,
                ControlKind::If { .. } | ControlKind::Block(..) | ControlKind::Leave(_) => {}
            }
        }
        stmt.regions().into_iter().for_each(|region| collect_sites(p, region, tensor, &inner, found));
    }
}

#[allow(clippy::too_many_arguments)]
fn walk(
    p: &Pipeline,
    id: ExprId,
    tensor: TensorId,
    axes: &[AxisId],
    reductions: usize,
    binding: Binding,
    seen: &mut BTreeSet<(ExprId, Vec<AxisId>)>,
    found: &mut Vec<Site>,
) {
    if !seen.insert((id, axes.to_vec())) {
        return;
    }
    match &p.exprs[id] {
        Expr::Load(own, index) => {
            if *own == tensor {
                found.push(Site { binding, reads: reads_per_element(p, axes, index), in_reduction: reductions > 0 });
            }
            index.iter().for_each(|id| walk(p, *id, tensor, axes, reductions, binding, seen, found));
        }
        Expr::Reduce(reduce) => {
            let mut inner = axes.to_vec();
            for axis in &reduce.axes {
                walk(p, axis.lo, tensor, &inner, reductions, binding, seen, found);
                walk(p, axis.hi, tensor, &inner, reductions, binding, seen, found);
                inner.push(axis.axis);
            }
            walk(p, reduce.body, tensor, &inner, reductions + 1, binding, seen, found);
        }
        Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) | Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) => {
            p.children(id).into_iter().for_each(|id| walk(p, id, tensor, axes, reductions, binding, seen, found));
        }
    }
}

/// The product of the extents of the axes that are missing from the index. An axis counts as present if some dimension's
/// index is affine in it and in no other axis.
fn reads_per_element(p: &Pipeline, axes: &[AxisId], index: &[ExprId]) -> Option<u64> {
    let mut present = BTreeSet::new();
    for id in index {
        let free = p.free_axes(*id);
        if let Some(axis) = free.iter().next()
            && free.len() == 1
            && p.affine_coefficient(*id, *axis).is_some_and(|coefficient| coefficient != 0)
        {
            present.insert(*axis);
        }
    }
    axes.iter().filter(|axis| !present.contains(axis)).try_fold(1u64, |product, axis| {
        let extent = p.axes[*axis].extent.as_ref()?.as_const()?;
        Some(product.saturating_mul(u64::try_from(extent).ok()?))
    })
}
