//! Screens checks: whether anything fails is found out in lanes; only if something does, it is looked for.
//!
//! Before: `for i: 0..N { if x[i] < n {} else { fail } }`. After: `bad = false; for i: 0..N { bad |= !(x[i] < n) };
//! if bad { for i: 0..N { if x[i] < n {} else { fail } } }`. So a failure is always the first in order, with its values.
//!
//! A condition may be evaluated for every index, whatever it gives for others: what it loads was checked by earlier
//! checks, for all indices. Loops that would get no lanes stay as they are.

use super::cost::per_iteration;
use super::depends::trip_count;
use super::rename::copy;
use super::vectorise::reorderable;
use super::{Expr, Loop, Program, Stmt, Ty, Var, VarId, build};
use crate::ops::Op;
use crate::types::{Const, Scalar};

/// Shorter loops are not screened.
const SHORT: i64 = 16;
/// What an iteration may cost with lanes, compared with one without.
const PAYS: f64 = 0.75;

/// Screens the checks of every kernel.
pub fn screen(program: &mut Program) {
    for n in 0..program.kernels.len() {
        let mut vars = std::mem::take(&mut program.kernels[n].vars);
        let body = std::mem::take(&mut program.kernels[n].body);
        let count = vars.len();
        program.kernels[n].body = block(program, body, &mut vars);
        if vars.len() > count {
            program.kernels[n].schedule = "screened".to_string();
        }
        program.kernels[n].vars = vars;
    }
}

fn block(program: &Program, stmts: Vec<Stmt>, vars: &mut Vec<Var>) -> Vec<Stmt> {
    let mut out = Vec::new();
    for mut stmt in stmts {
        match stmt {
            Stmt::For(nest) if fails(&nest.body) => match screened(program, &nest, vars) {
                Some(screened) => out.extend(screened),
                None => out.push(Stmt::For(nest)),
            },
            _ => {
                for inner in stmt.blocks_mut() {
                    *inner = block(program, std::mem::take(inner), vars);
                }
                out.push(stmt);
            }
        }
    }
    out
}

fn fails(stmts: &[Stmt]) -> bool {
    let mut found = false;
    build::visit(stmts, &mut |stmt| found |= matches!(stmt, Stmt::Fail(..)));
    found
}

fn screened(program: &Program, nest: &Loop, vars: &mut Vec<Var>) -> Option<Vec<Stmt>> {
    let bad = VarId(vars.len() as u32);
    let mut own = vars.clone();
    own.push(Var { name: "bad".to_string(), ty: Ty::one(Scalar::Bool) });
    let quick = quick(std::slice::from_ref(&Stmt::For(nest.clone())), bad)?;
    let quick = copy(&quick, &mut own);
    if !pays(program, &own, &quick, bad) {
        return None;
    }
    *vars = own;
    let mut out = vec![Stmt::Let(bad, Expr::Const(Const::bool(false)))];
    out.extend(quick);
    out.push(Stmt::If(Expr::Var(bad), vec![Stmt::For(nest.clone())], Vec::new()));
    Some(out)
}

/// The statements with `bad |= not condition` in place of failures; `None` if they do anything else to the outside.
fn quick(stmts: &[Stmt], bad: VarId) -> Option<Vec<Stmt>> {
    let mut out = Vec::new();
    for stmt in stmts {
        out.push(match stmt {
            Stmt::If(cond, then, other) if fails(other) => {
                if !then.is_empty() {
                    return None;
                }
                Stmt::Accumulate(bad, Op::Or, Expr::Op(Op::Not, vec![cond.clone()]))
            }
            Stmt::For(nest) if fails(&nest.body) => Stmt::For(Loop { body: quick(&nest.body, bad)?, ..nest.clone() }),
            Stmt::Fail(..) | Stmt::Store { .. } => return None,
            other if fails(std::slice::from_ref(other)) => return None,
            other => other.clone(),
        });
    }
    Some(out)
}

/// Whether the innermost loop that finds something bad is better with lanes.
fn pays(program: &Program, vars: &[Var], stmts: &[Stmt], bad: VarId) -> bool {
    let mut pays = false;
    build::visit(stmts, &mut |stmt| {
        if let Stmt::For(nest) = stmt
            && nest.body.iter().any(|stmt| matches!(stmt, Stmt::Accumulate(var, ..) if *var == bad))
        {
            let is_long = trip_count(nest).is_none_or(|count| count >= SHORT);
            let names: Option<Vec<VarId>> =
                reorderable(nest, vars).map(|all| all.into_iter().map(|(var, _)| var).collect());
            let cost = names.map(|names| per_iteration(program, vars, nest, &names));
            pays |= is_long && cost.is_some_and(|(scalar, lanes)| lanes.is_some_and(|lanes| lanes < PAYS * scalar));
        }
    });
    pays
}
