//! Trimming: a stored tensor shrinks to the part that is read.
//!
//! A crop behind a resize leaves most of the resize's intermediate rows unread; as the crop has become index arithmetic
//! by now (`fuse`), the unread part shows in the readers' indices.

use super::prove::Prover;
use super::share::{map_exprs, roots};
use super::*;
use crate::ops::Op;
use std::collections::BTreeMap;

/// *Before*: stages compute whole tensors. *After*: an axis of which every reader reads the same interval
/// (`axis + offset` with one offset and extent) has just that interval. A reader under a condition may name more than there
/// is: only an interval that is proved to lie inside counts.
pub fn trim(program: &mut Program) {
    for pipeline in &mut program.pipelines {
        for position in 0..pipeline.body.stmts.len() {
            let Stmt::Stage(stage) = &pipeline.body.stmts[position] else { continue };
            let [tensor] = stage.tensors[..] else { continue };
            let is_map = matches!(stage.body, StageBody::Map(_));
            let is_result = pipeline.results.iter().any(|(_, result)| *result == tensor);
            let mut has_alias = false;
            pipeline.body.visit(&mut |stmt| has_alias |= matches!(stmt, Stmt::Alias { of, .. } if *of == tensor));
            if !is_map || is_result || has_alias {
                continue;
            }
            for dim in 0..pipeline.tensors[tensor].dims.len() {
                if let Some((offset, extent)) = common_interval(pipeline, &program.consts, tensor, dim) {
                    shrink(pipeline, position, tensor, dim, &offset, &extent);
                }
            }
        }
    }
}

/// The interval of a dimension that every load reads, if it is one and not the whole.
fn common_interval(p: &Pipeline, consts: &[ConstData], tensor: TensorId, dim: usize) -> Option<(Size, Size)> {
    let mut intervals: Vec<Option<(Size, Size)>> = Vec::new();
    for stmt in &p.body.stmts {
        p.visit(&roots(stmt), &mut |_, expr| {
            if let Expr::Load(own, index) = expr
                && *own == tensor
            {
                intervals.push(interval(p, index[dim]));
            }
        });
    }
    let first = intervals.first()?.clone()?;
    let agree = intervals.iter().all(|other| other.as_ref() == Some(&first));
    let all = &p.tensors[tensor].dims[dim];
    let bounds = BTreeMap::new();
    let prover = Prover::new(p, consts, &bounds, &[]);
    let inside = || prover.size_at_least(&first.0, 0) && prover.size_at_least(&all.minus(&first.0).minus(&first.1), 0);
    (agree && first.1 != *all && inside()).then_some(first)
}

/// `axis + offset` over `0..extent` reads `offset..offset + extent`; a size alone reads one element.
fn interval(p: &Pipeline, index: ExprId) -> Option<(Size, Size)> {
    if let Some(size) = p.as_size(index) {
        return Some((size, Size::constant(1)));
    }
    match &p.exprs[index] {
        Expr::Axis(axis) => Some((Size::constant(0), p.axes[*axis].extent.clone()?)),
        Expr::Op(Op::Add, args) => {
            for (axis, offset) in [(args[0], args[1]), (args[1], args[0])] {
                if let (Expr::Axis(axis), Some(offset)) = (&p.exprs[axis], p.as_size(offset)) {
                    return Some((offset, p.axes[*axis].extent.clone()?));
                }
            }
            None
        }
        _ => None,
    }
}

fn shrink(p: &mut Pipeline, position: usize, tensor: TensorId, dim: usize, offset: &Size, extent: &Size) {
    let origin = p.tensors.origin(tensor);
    p.tensors[tensor].dims[dim] = extent.clone();
    let Stmt::Stage(stage) = &p.body.stmts[position] else { unreachable!("the caller found a stage here") };
    let old = stage.axes[dim];
    let StageBody::Map(exprs) = stage.body.clone() else { unreachable!("the caller found a map here") };
    // The axis may be shared with other stages, so this stage gets one of its own.
    let new = p.axes.add(Axis { name: p.axes[old].name.clone(), extent: Some(extent.clone()) }, p.axes.origin(old));
    let (axis, shift) = (p.axis(new, origin), p.size(offset, origin));
    let moved = p.op(Op::Add, &[axis, shift], origin);
    let body = p.substitute(exprs[0], &[old], &[moved]);
    if let Stmt::Stage(stage) = &mut p.body.stmts[position] {
        stage.axes[dim] = new;
        stage.body = StageBody::Map(vec![body]);
    }
    let back = p.size(&offset.times_const(-1), origin);
    map_exprs(p, &mut |p, root| {
        p.rewrite(root, &mut |p, node, origin| match node {
            // Its own stage does not read it, so every load found here is a reader's, and each is rewritten once.
            Expr::Load(own, index) if *own == tensor => {
                let mut index = index.clone();
                index[dim] = p.op(Op::Add, &[index[dim], back], origin);
                let ty = compute_type(p.tensors[tensor].elem);
                Some(p.expr(Expr::Load(tensor, index), ty, origin))
            }
            _ => None,
        })
    });
}
