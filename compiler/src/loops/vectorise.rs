//! Carries out what a schedule says of a loop: main loops with lanes, and the tails that are left.
//!
//! Before: `for i: 0..N { … }`. After, with four lanes twice: `for i: 0..N & -8 by 8 { … }`, `for i: .. N & -4 by 4`,
//! and the loop as it was for the rest. All parts compute each element with the same operations, so with the same bits.

use super::depends::{Definitions, trip_count};
use super::jam::jam;
use super::lanes::{Lanes, Widened, widen};
use super::rename::{copy, replace};
use super::{Expr, Loop, LoopKind, Program, Stmt, Ty, Var, VarId, build};
use crate::ops::{Op, ReduceOp, fold};
use crate::types::Scalar;
use std::collections::BTreeMap;

/// What the passes share while they work on one kernel.
pub struct Context<'a> {
    /// The program.
    pub program: &'a Program,
    /// Definitions of the kernel's variables.
    pub definitions: &'a Definitions,
    /// The kernel's variables.
    pub vars: Vec<Var>,
}

impl Context<'_> {
    /// A new variable.
    pub fn var(&mut self, name: &str, ty: Ty) -> VarId {
        self.vars.push(Var { name: name.to_string(), ty });
        VarId(self.vars.len() as u32 - 1)
    }

    fn lanes(&self, nest: &Loop, accumulators: &[VarId]) -> Option<Lanes<'_>> {
        Lanes::of(self.program, self.definitions, &self.vars, nest, accumulators)
    }
}

/// The largest multiple of `step` iterations: where the main loop ends. If the length of the range is not constant, it
/// must not be negative, and `step` must be a power of two.
pub fn main_end(lo: &Expr, hi: &Expr, step: i64) -> Expr {
    let length = build::sub(hi.clone(), lo.clone());
    let whole = match build::as_int(&length) {
        Some(length) => build::int(length.max(0) / step * step),
        None => Expr::Op(Op::And, vec![length, build::int(-step)]),
    };
    build::add(lo.clone(), whole)
}

/// A loop with independent iterations. `unroll` vectors are computed side by side.
pub fn vectorise(context: &mut Context<'_>, nest: &Loop, unroll: i64) -> Option<Vec<Stmt>> {
    let mut vars = std::mem::take(&mut context.vars);
    let lanes = Lanes::of(context.program, context.definitions, &vars, nest, &[]);
    let widened = lanes.map(|lanes| (lanes.lanes, widen(&lanes, &nest.body, &mut vars, BTreeMap::new(), lanes.lanes)));
    context.vars = vars;
    let (lanes, Widened { before, body, .. }) = widened?;
    let mut out = before;
    let mut from = nest.lo.clone();
    for unroll in if unroll > 1 { vec![unroll, 1] } else { vec![1] } {
        let step = i64::from(lanes) * unroll;
        let end = main_end(&from, &nest.hi, step);
        if build::as_int(&build::sub(end.clone(), from.clone())) == Some(0) {
            continue;
        }
        let end = held(context, end, &mut out);
        // Each part has variables of its own.
        let part = Loop { lo: from, hi: end.clone(), step: build::int(step), body: body.clone(), ..nest.clone() };
        let part = Loop { kind: LoopKind::Vector(lanes), ..part };
        let mut part = copy(&[Stmt::For(part)], &mut context.vars);
        if let Some(Stmt::For(part)) = part.first_mut()
            && unroll > 1
        {
            part.body = jam(&part.body, part.var, i64::from(lanes), unroll, &mut context.vars);
        }
        out.extend(part.into_iter().flat_map(without_loop));
        from = end;
    }
    out.extend(rest(nest, from));
    Some(out)
}

/// The body alone of a loop with one iteration.
fn without_loop(stmt: Stmt) -> Vec<Stmt> {
    match stmt {
        Stmt::For(mut nest) if trip_count(&nest) == Some(1) => {
            replace(&mut nest.body, &BTreeMap::from([(nest.var, nest.lo)]));
            nest.body
        }
        other => vec![other],
    }
}

/// The loop as it was, from `from` on, unless nothing is left.
pub fn rest(nest: &Loop, from: Expr) -> Option<Stmt> {
    let rest = Loop { lo: from, ..nest.clone() };
    (trip_count(&rest) != Some(0)).then_some(Stmt::For(rest))
}

/// A leaf with this value.
pub fn held(context: &mut Context<'_>, value: Expr, out: &mut Vec<Stmt>) -> Expr {
    if matches!(value, Expr::Const(_) | Expr::Var(_) | Expr::Size(_)) {
        return value;
    }
    let var = context.var("end", Ty::one(Scalar::I32));
    out.push(Stmt::Let(var, value));
    Expr::Var(var)
}

/// A loop with a constant number of independent iterations, at most as many as lanes: all of them at once.
pub fn narrow(context: &mut Context<'_>, nest: &Loop) -> Option<Vec<Stmt>> {
    let count = trip_count(nest)?;
    let mut vars = std::mem::take(&mut context.vars);
    let lanes = Lanes::of(context.program, context.definitions, &vars, nest, &[]);
    let widened = lanes.map(|lanes| widen(&lanes, &nest.body, &mut vars, BTreeMap::new(), count as u8));
    context.vars = vars;
    let Widened { before, mut body, .. } = widened?;
    replace(&mut body, &BTreeMap::from([(nest.var, nest.lo.clone())]));
    Some(before.into_iter().chain(body).collect())
}

/// The accumulators of a loop that folds in any order: variables from outside with operations that can be reordered.
/// `None` if the loop does anything else to the outside.
pub fn reorderable(nest: &Loop, vars: &[Var]) -> Option<Vec<(VarId, Op)>> {
    let mut found: Vec<(VarId, Op)> = Vec::new();
    let mut holds = nest.kind != LoopKind::Ordered;
    let own = super::depends::defined(&nest.body);
    for stmt in &nest.body {
        match stmt {
            Stmt::Let(..) => {}
            Stmt::Accumulate(var, op, _) => {
                let scalar = vars[var.0 as usize].ty.scalar;
                holds &= !own.contains(var) && identity(*op, scalar).is_some();
                holds &= found.iter().all(|(known, _)| known != var);
                found.push((*var, *op));
            }
            Stmt::Set(..) | Stmt::For(_) | Stmt::Store { .. } | Stmt::If(..) | Stmt::Fail(..) => return None,
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => return None,
        }
    }
    for stmt in &nest.body {
        for expr in stmt.exprs() {
            holds &= !expr.any(&mut |part| found.iter().any(|(var, _)| *part == Expr::Var(*var)));
        }
    }
    (holds && !found.is_empty() && build::as_int(&nest.step) == Some(1)).then_some(found)
}

fn identity(op: Op, scalar: Scalar) -> Option<crate::types::Const> {
    let reduce = match (op, scalar) {
        (_, Scalar::F16 | Scalar::F32 | Scalar::F64) => return None,
        (Op::Or, Scalar::Bool) => ReduceOp::Any,
        (Op::And, Scalar::Bool) => ReduceOp::All,
        (_, Scalar::Bool) => return None,
        (Op::Add, _) => ReduceOp::Sum,
        (Op::Mul, _) => ReduceOp::Prod,
        (Op::Max, _) => ReduceOp::Max,
        (Op::Min, _) => ReduceOp::Min,
        _ => return None,
    };
    fold::identity(reduce, scalar)
}

/// A loop that folds in any order: vectors of partial results, `unroll` of each, joined at the end.
pub fn folded(context: &mut Context<'_>, nest: &Loop, unroll: i64) -> Option<Vec<Stmt>> {
    let accumulators = reorderable(nest, &context.vars)?;
    let names: Vec<VarId> = accumulators.iter().map(|(var, _)| *var).collect();
    let lanes = context.lanes(nest, &names)?.lanes;
    let mut out = Vec::new();
    let empty = Expr::Op(Op::Max, vec![build::sub(nest.hi.clone(), nest.lo.clone()), build::int(0)]);
    let length = match build::as_int(&build::sub(nest.hi.clone(), nest.lo.clone())) {
        Some(length) => build::int(length.max(0)),
        None => empty,
    };
    let hi = held(context, build::add(nest.lo.clone(), length), &mut out);
    let step = i64::from(lanes) * unroll;
    let end = main_end(&nest.lo, &hi, step);
    let end = held(context, end, &mut out);
    let mut copies: Vec<BTreeMap<VarId, VarId>> = Vec::new();
    for _ in 0..unroll {
        let mut wide = BTreeMap::new();
        for (var, op) in &accumulators {
            let scalar = context.vars[var.0 as usize].ty.scalar;
            let name = context.vars[var.0 as usize].name.clone();
            let partial = context.var(&name, Ty { scalar, lanes });
            let start = Expr::Const(identity(*op, scalar).expect("checked before"));
            out.push(Stmt::Let(partial, Expr::Splat(Box::new(start), lanes)));
            wide.insert(*var, partial);
        }
        copies.push(wide);
    }
    out.extend(side_by_side(context, nest, &names, &copies, nest.lo.clone(), end.clone())?);
    for (var, op) in &accumulators {
        let first = copies[0][var];
        for copy in &copies[1..] {
            out.push(Stmt::Accumulate(first, *op, Expr::Var(copy[var])));
        }
        for lane in 0..lanes {
            out.push(Stmt::Accumulate(*var, *op, Expr::Lane(Box::new(Expr::Var(first)), lane)));
        }
    }
    out.extend(rest(&Loop { hi, ..nest.clone() }, end));
    Some(out)
}

/// The main loop of a fold: each copy of the body accumulates into variables of its own.
pub fn side_by_side(
    context: &mut Context<'_>,
    nest: &Loop,
    names: &[VarId],
    copies: &[BTreeMap<VarId, VarId>],
    lo: Expr,
    hi: Expr,
) -> Option<Vec<Stmt>> {
    let mut vars = std::mem::take(&mut context.vars);
    let lanes = Lanes::of(context.program, context.definitions, &vars, nest, names);
    let widened =
        lanes.map(|lanes| (lanes.lanes, widen(&lanes, &nest.body, &mut vars, copies[0].clone(), lanes.lanes)));
    context.vars = vars;
    let (lanes, Widened { before, body, .. }) = widened?;
    let step = i64::from(lanes) * copies.len() as i64;
    let part = Loop { lo, hi, step: build::int(step), kind: LoopKind::Vector(lanes), body, ..nest.clone() };
    let mut part = copy(&[Stmt::For(part)], &mut context.vars);
    if let Some(Stmt::For(part)) = part.first_mut() {
        let body = std::mem::take(&mut part.body);
        for (n, accumulators) in copies.iter().enumerate() {
            let offset = build::int(n as i64 * i64::from(lanes));
            let mut replaced = BTreeMap::from([(part.var, build::add(Expr::Var(part.var), offset))]);
            for (var, first) in &copies[0] {
                replaced.insert(*first, Expr::Var(accumulators[var]));
            }
            part.body.extend(super::rename::copy_with(&body, &mut context.vars, replaced));
        }
    }
    Some(before.into_iter().chain(part).collect())
}
