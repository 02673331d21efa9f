//! Copies of statements: with variables of their own, or with a variable replaced by an expression.

use super::depends::defined;
use super::{Expr, Stmt, Var, VarId, build};
use std::collections::BTreeMap;

/// A copy in which every variable that the statements define is a new one.
pub fn copy(stmts: &[Stmt], vars: &mut Vec<Var>) -> Vec<Stmt> {
    copy_with(stmts, vars, BTreeMap::new())
}

/// A copy with new variables, and which variable became which.
pub fn copy_mapped(stmts: &[Stmt], vars: &mut Vec<Var>) -> (Vec<Stmt>, BTreeMap<VarId, VarId>) {
    let first = vars.len() as u32;
    let copied = copy(stmts, vars);
    (copied, defined(stmts).into_iter().zip((first..).map(VarId)).collect())
}

/// A copy with new variables in which `replaced` stand for expressions.
pub fn copy_with(stmts: &[Stmt], vars: &mut Vec<Var>, mut replaced: BTreeMap<VarId, Expr>) -> Vec<Stmt> {
    for var in defined(stmts) {
        vars.push(vars[var.0 as usize].clone());
        replaced.insert(var, Expr::Var(VarId(vars.len() as u32 - 1)));
    }
    let mut copy = stmts.to_vec();
    replace(&mut copy, &replaced);
    copy
}

/// Replaces variables by expressions. A variable that is defined or set must be replaced by a variable.
pub fn replace(stmts: &mut [Stmt], replaced: &BTreeMap<VarId, Expr>) {
    build::visit_mut(stmts, &mut |stmt| {
        for expr in stmt.exprs_mut() {
            replace_in(expr, replaced);
        }
        let target = match stmt {
            Stmt::Let(var, _) | Stmt::Set(var, _) | Stmt::Accumulate(var, ..) => var,
            Stmt::For(nest) => &mut nest.var,
            Stmt::Store { .. } | Stmt::If(..) | Stmt::Fail(..) => return,
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => return,
        };
        if let Some(Expr::Var(new)) = replaced.get(target) {
            *target = *new;
        }
    });
}

/// Replaces variables in an expression.
pub fn replace_in(expr: &mut Expr, replaced: &BTreeMap<VarId, Expr>) {
    if let Expr::Var(var) = expr {
        if let Some(value) = replaced.get(var) {
            *expr = value.clone();
        }
        return;
    }
    for child in expr.children_mut() {
        replace_in(child, replaced);
    }
}
