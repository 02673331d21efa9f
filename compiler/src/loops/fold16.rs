//! Gives sums in the order `Lanes16` their sixteen lanes.
//!
//! `lower/partials.rs` writes them as a loop that stores to a scratch buffer at `n & 15`, between loops that fill the
//! buffer and loops that fold it. Here the partials become vectors: element `n` goes to lane `n & 15` of them, exactly
//! as the order says. The last elements, fewer than sixteen, go through the buffer as before.

use super::lanes::Lanes;
use super::vectorise::{Context, side_by_side};
use super::{Access, BufferId, Expr, Load, Loop, Role, Stmt, Ty, VarId, build};
use crate::ops::Op;
use crate::types::{Const, Scalar};
use std::collections::BTreeMap;

/// Number of partial results.
const PARTIALS: i64 = 16;

/// One of the sums of a loop.
#[derive(Clone, Debug)]
struct Sum {
    buffer: BufferId,
    op: Op,
    scalar: Scalar,
    start: Const,
    value: Expr,
}

/// A loop over partial results with the loops around it, as positions in a list of statements.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The loop itself.
    pub at: usize,
    sums: Vec<Sum>,
    /// The loops that fill and fold the partials.
    pub around: Vec<usize>,
}

/// Finds the loops over partial results in a list of statements.
pub fn find(context: &Context<'_>, stmts: &[Stmt]) -> Vec<Fold> {
    let found = |(at, stmt): (usize, &Stmt)| match stmt {
        Stmt::For(nest) => recognise(context, stmts, at, nest),
        _ => None,
    };
    stmts.iter().enumerate().filter_map(found).collect()
}

fn recognise(context: &Context<'_>, stmts: &[Stmt], at: usize, nest: &Loop) -> Option<Fold> {
    let slot = Expr::Op(Op::And, vec![Expr::Var(nest.var), build::int(PARTIALS - 1)]);
    let mut sums = Vec::new();
    for stmt in &nest.body {
        let Stmt::Store { buffer, index, value } = stmt else { continue };
        let Expr::Op(op, args) = value else { return None };
        let is_partial = Expr::Load(Load { buffer: *buffer, index: vec![slot.clone()], access: Access::One });
        let declared = &context.program.buffers[buffer.0 as usize];
        if declared.role != Role::Scratch || *index != [slot.clone()] || args.len() != 2 || args[0] != is_partial {
            return None;
        }
        let start = stmts[..at].iter().find_map(|stmt| filled_with(stmt, *buffer))?;
        sums.push(Sum { buffer: *buffer, op: *op, scalar: declared.elem, start, value: args[1].clone() });
    }
    if sums.is_empty() || build::as_int(&nest.step) != Some(1) {
        return None;
    }
    let mut around = Vec::new();
    for (n, stmt) in stmts.iter().enumerate() {
        let only_partials = |sum: &Sum| filled_with(stmt, sum.buffer).is_some() || folds(stmt, sum);
        if sums.iter().any(only_partials) {
            around.push(n);
        }
    }
    Some(Fold { at, sums, around })
}

/// The constant with which a loop fills a buffer.
fn filled_with(stmt: &Stmt, of: BufferId) -> Option<Const> {
    let Stmt::For(nest) = stmt else { return None };
    match nest.body.as_slice() {
        [Stmt::Store { buffer, index, value: Expr::Const(value) }]
            if *buffer == of && *index == [Expr::Var(nest.var)] && build::as_int(&nest.hi) == Some(PARTIALS) =>
        {
            Some(*value)
        }
        _ => None,
    }
}

/// Whether a loop folds the partials of a sum: `p[l] = p[l] op p[l + half]`.
fn folds(stmt: &Stmt, sum: &Sum) -> bool {
    let Stmt::For(nest) = stmt else { return false };
    let [Stmt::Store { buffer, index, value: Expr::Op(op, args) }] = nest.body.as_slice() else { return false };
    *buffer == sum.buffer
        && *op == sum.op
        && *index == [Expr::Var(nest.var)]
        && matches!(build::as_int(&nest.hi), Some(8 | 4 | 2 | 1))
        && args.iter().all(|arg| matches!(arg, Expr::Load(load) if load.buffer == *buffer))
}

/// The loop as one that accumulates into variables, which is what gets lanes.
fn accumulating(context: &mut Context<'_>, nest: &Loop, fold: &Fold) -> (Loop, Vec<VarId>) {
    let mut names = Vec::new();
    let mut sums = fold.sums.iter();
    let mut body = nest.body.clone();
    for stmt in &mut body {
        if matches!(stmt, Stmt::Store { .. }) {
            let sum = sums.next().expect("a sum for each store");
            let name = context.var("partial", Ty::one(sum.scalar));
            names.push(name);
            *stmt = Stmt::Accumulate(name, sum.op, sum.value.clone());
        }
    }
    (Loop { body, ..nest.clone() }, names)
}

/// The lanes that a loop over partials would have, with its body as it would be widened.
pub fn lanes(context: &mut Context<'_>, nest: &Loop, fold: &Fold) -> Option<u8> {
    let (nest, names) = accumulating(context, nest, fold);
    Some(Lanes::of(context.program, context.definitions, &context.vars, &nest, &names)?.lanes)
}

/// Replaces a loop over partials, and the loops around it, in its list of statements.
/// `None` if it cannot have lanes.
pub fn vectorise(context: &mut Context<'_>, stmts: &[Stmt], fold: &Fold) -> Option<Vec<Stmt>> {
    let Stmt::For(nest) = &stmts[fold.at] else { return None };
    let n = lanes(context, nest, fold)?;
    let (summing, names) = accumulating(context, nest, fold);
    let vectors = PARTIALS / i64::from(n);
    let mut new = Vec::new();
    let mut copies: Vec<BTreeMap<VarId, VarId>> = Vec::new();
    for _ in 0..vectors {
        let mut wide = BTreeMap::new();
        for (sum, &name) in fold.sums.iter().zip(&names) {
            let partial = context.var("partials", Ty { scalar: sum.scalar, lanes: n });
            new.push(Stmt::Let(partial, Expr::Splat(Box::new(Expr::Const(sum.start)), n)));
            wide.insert(name, partial);
        }
        copies.push(wide);
    }
    let end = super::vectorise::main_end(&nest.lo, &nest.hi, PARTIALS);
    let end_var = context.var("end", Ty::one(Scalar::I32));
    new.push(Stmt::Let(end_var, end));
    let end = Expr::Var(end_var);
    new.extend(side_by_side(context, &summing, &names, &copies, nest.lo.clone(), end.clone())?);

    // The rest goes through memory, only if there is one.
    let mut tail = Vec::new();
    let each = || (0..vectors).flat_map(|v| fold.sums.iter().zip(&names).map(move |(sum, name)| (v, sum, *name)));
    let place = |v: i64| vec![build::int(v * i64::from(n))];
    for (v, sum, name) in each() {
        let value = Expr::Var(copies[v as usize][&name]);
        tail.push(Stmt::Store { buffer: sum.buffer, index: place(v), value });
    }
    tail.push(Stmt::For(Loop { lo: end.clone(), ..nest.clone() }));
    for (v, sum, name) in each() {
        let load = Load { buffer: sum.buffer, index: place(v), access: Access::Contiguous(n) };
        tail.push(Stmt::Set(copies[v as usize][&name], Expr::Load(load)));
    }
    let tail_is_empty = build::as_int(&build::sub(nest.hi.clone(), nest.lo.clone())).is_some_and(|l| l % PARTIALS == 0);
    if !tail_is_empty {
        new.push(Stmt::If(build::less(end, nest.hi.clone()), tail, Vec::new()));
    }

    for (sum, name) in fold.sums.iter().zip(&names) {
        let mut partials: Vec<VarId> = copies.iter().map(|copy| copy[name]).collect();
        while partials.len() > 1 {
            let upper = partials.split_off(partials.len() / 2);
            for (low, high) in partials.iter().zip(upper) {
                new.push(Stmt::Accumulate(*low, sum.op, Expr::Var(high)));
            }
        }
        let total = fold_lanes(context, partials[0], sum, n, &mut new);
        new.push(Stmt::Store { buffer: sum.buffer, index: vec![build::int(0)], value: total });
    }

    let mut out = Vec::new();
    for (position, stmt) in stmts.iter().enumerate() {
        if position == fold.at {
            out.append(&mut new);
        } else if !fold.around.contains(&position) {
            out.push(stmt.clone());
        }
    }
    Some(out)
}

/// Folds the lanes of a vector 2-1 (or just 1 for two lanes).
fn fold_lanes(context: &mut Context<'_>, vector: VarId, sum: &Sum, n: u8, out: &mut Vec<Stmt>) -> Expr {
    let mut lanes: Vec<Expr> = (0..n).map(|lane| Expr::Lane(Box::new(Expr::Var(vector)), lane)).collect();
    while lanes.len() > 1 {
        let upper = lanes.split_off(lanes.len() / 2);
        let mut next = Vec::new();
        for (low, high) in lanes.into_iter().zip(upper) {
            let var = context.var("p", Ty::one(sum.scalar));
            out.push(Stmt::Let(var, Expr::Op(sum.op, vec![low, high])));
            next.push(Expr::Var(var));
        }
        lanes = next;
    }
    lanes.pop().expect("a vector has lanes")
}

/// A loop over partials as the cost comparison sees it: a loop that accumulates.
pub fn for_costs(context: &mut Context<'_>, nest: &Loop, fold: &Fold) -> (Loop, Vec<VarId>) {
    accumulating(context, nest, fold)
}
