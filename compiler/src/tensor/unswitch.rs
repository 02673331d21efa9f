//! Unswitching: a choice that only sizes decide is made once, outside the loops.
//!
//! Pillow's resize runs its two passes in an order that depends on the sizes; with the choice inside, every element would ask
//! again and no loop could be vectorised for either order.

use super::share::stage_roots;
use super::*;
use crate::ops::Op;
use crate::types::Const;
use std::collections::BTreeSet;

/// How many choices one stage is split by at most (each doubles its code).
const MOST: usize = 2;

/// *Before*: `stage = … if c { a } else { b } …` where `c` uses no axis and an arm holds a reduction. *After*: two stages that
/// write the same tensor, one guarded by `c` with `a` in its place, one guarded by `not c` with `b`. Guards that always hold
/// are gone.
pub fn unswitch(program: &mut Program) {
    for pipeline in &mut program.pipelines {
        let mut body = std::mem::take(&mut pipeline.body);
        for stmt in &mut body.stmts {
            if let Stmt::Stage(stage) = stmt
                && stage.guard.is_some_and(|guard| pipeline.as_const(guard) == Some(Const::bool(true)))
            {
                stage.guard = None;
            }
        }
        pipeline.body = body;
        for _ in 0..MOST {
            let stmts = std::mem::take(&mut pipeline.body.stmts);
            let mut out = Vec::new();
            for stmt in stmts {
                match stmt {
                    Stmt::Stage(stage) => match choice(pipeline, &stage) {
                        Some(cond) => split(pipeline, stage, cond, &mut out),
                        None => out.push(Stmt::Stage(stage)),
                    },
                    other => out.push(other),
                }
            }
            pipeline.body.stmts = out;
        }
    }
}

/// A condition without axes that chooses between arms of which one holds a reduction that the other does not.
fn choice(p: &Pipeline, stage: &Stage) -> Option<ExprId> {
    let mut found = None;
    p.visit(&stage_roots(stage), &mut |_, expr| {
        if let Expr::Select(c, a, b) = expr
            && found.is_none()
            && p.as_const(*c).is_none()
            && p.free_axes(*c).is_empty()
            && reductions(p, *a) != reductions(p, *b)
        {
            found = Some(*c);
        }
    });
    found
}

fn reductions(p: &Pipeline, id: ExprId) -> BTreeSet<ExprId> {
    let mut all = BTreeSet::new();
    p.visit(&[id], &mut |id, expr| {
        if matches!(expr, Expr::Reduce(_)) {
            all.insert(id);
        }
    });
    all
}

fn split(p: &mut Pipeline, stage: Stage, cond: ExprId, out: &mut Vec<Stmt>) {
    let origin = stage.origin;
    let not = p.op(Op::Not, &[cond], origin);
    for (guard, holds) in [(cond, true), (not, false)] {
        let mut half = stage.clone();
        let mut decide = |id: ExprId| {
            p.rewrite(id, &mut |p, node, _| match node {
                Expr::Select(c, a, b) if p.exprs[*c] == p.exprs[cond] => Some(if holds { *a } else { *b }),
                Expr::Select(c, a, b) if p.exprs[*c] == p.exprs[not] => Some(if holds { *b } else { *a }),
                _ => None,
            })
        };
        match &mut half.body {
            StageBody::Map(exprs) => exprs.iter_mut().for_each(|id| *id = decide(*id)),
            StageBody::Scan { expr, .. } => *expr = decide(*expr),
        }
        half.guard = Some(match half.guard {
            Some(outer) => p.op(Op::And, &[outer, guard], origin),
            None => guard,
        });
        out.push(Stmt::Stage(half));
    }
}
