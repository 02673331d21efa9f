//! Fusion by grouping: stages that share outer loops, so that what passes between them is one row instead of a tensor.
//!
//! `softmax` of a batch of rows is four stages over the same rows; grouped, each row is read once and its exponentials
//! stay in cache. This file and `fuse.rs` are the only places where stages are merged.

use super::share::{roots, stage_roots};
use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// An inner extent below this is not worth a loop of its own: its stage is better vectorised over the outer axis.
const LONG_ENOUGH: i64 = 16;

/// *Before*: stages (fused, trimmed, bound) and checks in order. *After*: runs of neighbouring stages that hand tensors on
/// row by row are groups; tensors that only the group reads have lost the shared axes.
pub fn group(program: &mut Program) {
    for pipeline in &mut program.pipelines {
        let stmts = std::mem::take(&mut pipeline.body.stmts);
        let mut out: Vec<Stmt> = Vec::new();
        let mut run: Vec<Stage> = Vec::new();
        for stmt in stmts {
            match stmt {
                Stmt::Stage(stage) if may_join(pipeline, &run, &stage) => run.push(stage),
                Stmt::Stage(stage) => {
                    finish(pipeline, std::mem::take(&mut run), &mut out);
                    run.push(stage);
                }
                // A check that reads nothing of the run goes before it; any other ends the run.
                Stmt::Check(check) if !reads_any(pipeline, &Stmt::Check(check.clone()), &run) => {
                    out.push(Stmt::Check(check))
                }
                other => {
                    finish(pipeline, std::mem::take(&mut run), &mut out);
                    out.push(other);
                }
            }
        }
        finish(pipeline, run, &mut out);
        pipeline.body.stmts = out;
        make_private(pipeline);
    }
}

fn reads_any(p: &Pipeline, stmt: &Stmt, run: &[Stage]) -> bool {
    let written: BTreeSet<TensorId> = run.iter().flat_map(|stage| stage.tensors.iter().copied()).collect();
    let mut found = false;
    p.visit(&roots(stmt), &mut |_, expr| found |= matches!(expr, Expr::Load(tensor, _) if written.contains(tensor)));
    found
}

/// The number of leading axes over which each element of `stage` needs only the same row of the run's tensors.
fn may_join(p: &Pipeline, run: &[Stage], stage: &Stage) -> bool {
    let Some(first) = run.first() else { return false };
    if first.binding != stage.binding || first.guard != stage.guard || !is_long(p, first, 1) || !is_long(p, stage, 1) {
        return false;
    }
    let same = |a: &Stage, b: &Stage| extents(p, a).first() == extents(p, b).first() && !a.axes.is_empty();
    if !same(first, stage) || !reads_any(p, &Stmt::Stage(stage.clone()), run) {
        return false;
    }
    rows_match(p, run, stage, 1)
}

/// Whether every load of a run's tensor in the stage has the stage's own first `depth` axes as its first indices.
fn rows_match(p: &Pipeline, run: &[Stage], stage: &Stage, depth: usize) -> bool {
    let written: BTreeSet<TensorId> = run.iter().flat_map(|stage| stage.tensors.iter().copied()).collect();
    let mut matches = true;
    p.visit(&stage_roots(stage), &mut |_, expr| {
        if let Expr::Load(tensor, index) = expr
            && written.contains(tensor)
        {
            let rows = stage.axes.iter().take(depth).zip(index).all(|(axis, id)| p.exprs[*id] == Expr::Axis(*axis));
            matches &= rows && index.len() >= depth && stage.axes.len() >= depth;
        }
    });
    matches
}

fn extents<'a>(p: &'a Pipeline, stage: &Stage) -> Vec<&'a Size> {
    stage.axes.iter().filter_map(|axis| p.axes[*axis].extent.as_ref()).collect()
}

/// Whether one row of the stage is worth a loop: some inner axis or reduction is long or of unknown length. A stage of single
/// elements (`1 / sqrt(variance)`) is, too: it costs next to nothing.
fn is_long(p: &Pipeline, stage: &Stage, depth: usize) -> bool {
    if matches!(stage.body, StageBody::Scan { .. }) && stage.axes.len() <= depth {
        return false;
    }
    let long = |extent: &Size| extent.as_const().is_none_or(|extent| extent >= LONG_ENOUGH);
    let inner: Vec<&Size> = extents(p, stage).into_iter().skip(depth).collect();
    if let Some(last) = inner.last() {
        return long(last);
    }
    let mut is_long = true;
    p.visit(&stage_roots(stage), &mut |_, expr| {
        if let Expr::Reduce(reduce) = expr {
            is_long &= reduce.axes.iter().any(|axis| p.axes[axis.axis].extent.as_ref().is_none_or(long));
        }
    });
    is_long
}

/// Ends a run: two stages or more become a group over as many axes as they all share.
fn finish(p: &mut Pipeline, run: Vec<Stage>, out: &mut Vec<Stmt>) {
    let has_long_row = run.iter().any(|stage| stage.axes.len() > 1);
    if run.len() < 2 || !has_long_row {
        out.extend(run.into_iter().map(Stmt::Stage));
        return;
    }
    let first = extents(p, &run[0]);
    let shared = |depth: usize| {
        run.iter().enumerate().all(|(n, stage)| {
            let own = extents(p, stage);
            own.len() >= depth
                && own[..depth] == first[..depth]
                && is_long(p, stage, depth)
                && rows_match(p, &run[..n], stage, depth)
        })
    };
    let depth = (1..=first.len()).take_while(|depth| shared(*depth)).last().expect("one axis is shared");
    let origin = run[run.len() - 1].origin;
    let binding = run[0].binding;
    let axes: Vec<AxisId> = run[0].axes[..depth].to_vec();
    let values: Vec<ExprId> = axes.iter().map(|axis| p.axis(*axis, origin)).collect();
    let stages = run
        .into_iter()
        .map(|mut stage| {
            rename_inner(p, &mut stage, &axes);
            let own: Vec<AxisId> = stage.axes.drain(..depth).collect();
            match &mut stage.body {
                StageBody::Map(exprs) => exprs.iter_mut().for_each(|id| *id = p.substitute(*id, &own, &values)),
                StageBody::Scan { expr, .. } => *expr = p.substitute(*expr, &own, &values),
            }
            stage
        })
        .collect();
    out.push(Stmt::Group(Group { axes, stages, private: Vec::new(), binding, origin }));
}

/// Axes may be shared between stages: a stage's axis that is one of the group's becomes one of its own.
fn rename_inner(p: &mut Pipeline, stage: &mut Stage, shared: &[AxisId]) {
    for position in 0..stage.axes.len() {
        let old = stage.axes[position];
        if !shared.contains(&old) {
            continue;
        }
        let new = p.axes.add(p.axes[old].clone(), p.axes.origin(old));
        let value = p.axis(new, stage.origin);
        stage.axes[position] = new;
        match &mut stage.body {
            StageBody::Map(exprs) => exprs.iter_mut().for_each(|id| *id = p.substitute(*id, &[old], &[value])),
            StageBody::Scan { expr, .. } => *expr = p.substitute(*expr, &[old], &[value]),
        }
    }
}

/// Finds the tensors that only their group reads and takes the shared axes off them.
fn make_private(p: &mut Pipeline) {
    let mut readers: BTreeMap<TensorId, BTreeSet<usize>> = BTreeMap::new();
    for (number, stmt) in p.body.stmts.iter().enumerate() {
        p.visit(&roots(stmt), &mut |_, expr| {
            if let Expr::Load(tensor, _) = expr {
                readers.entry(*tensor).or_default().insert(number);
            }
        });
        if let Stmt::Alias { of, .. } = stmt {
            readers.entry(*of).or_default().insert(number);
        }
    }
    let results: BTreeSet<TensorId> = p.results.iter().map(|(_, tensor)| *tensor).collect();
    for number in 0..p.body.stmts.len() {
        let Stmt::Group(group) = &p.body.stmts[number] else { continue };
        let depth = group.axes.len();
        let alone = |tensor: &TensorId| {
            !results.contains(tensor) && readers.get(tensor).is_none_or(|by| by.iter().all(|reader| *reader == number))
        };
        let private: Vec<TensorId> =
            group.stages.iter().flat_map(|stage| stage.tensors.iter().copied()).filter(alone).collect();
        for tensor in &private {
            p.tensors[*tensor].dims.drain(..depth);
        }
        let mut group = group.clone();
        let shorten = |p: &mut Pipeline, id: ExprId| {
            p.rewrite(id, &mut |p, node, origin| match node {
                Expr::Load(tensor, index) if private.contains(tensor) => {
                    let ty = compute_type(p.tensors[*tensor].elem);
                    Some(p.expr(Expr::Load(*tensor, index[depth..].to_vec()), ty, origin))
                }
                _ => None,
            })
        };
        for stage in &mut group.stages {
            match &mut stage.body {
                StageBody::Map(exprs) => exprs.iter_mut().for_each(|id| *id = shorten(p, *id)),
                StageBody::Scan { expr, .. } => *expr = shorten(p, *expr),
            }
        }
        group.private = private;
        p.body.stmts[number] = Stmt::Group(group);
    }
}
