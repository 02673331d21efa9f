//! Finds the facts that decide the choices in a loop's body, and makes the choices that facts decide.

use super::super::depends::Varying;
use super::super::linear::{Form, Reading};
use super::super::{Expr, Loop, Stmt, VarId, build, tidy};
use crate::ops::Op;
use crate::types::{Const, Scalar};
use std::collections::{BTreeMap, BTreeSet};

/// Finds the facts of the interior: asks, beginning at what is stored, for every choice on the way.
pub(super) struct Finder<'r, 'a> {
    pub reading: &'r mut Reading<'a>,
    pub varying: Varying,
    pub seen: BTreeSet<VarId>,
}

impl Finder<'_, '_> {
    /// Asks for all that statements do.
    pub fn block(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match stmt {
                // Asked for by those who use it.
                Stmt::Let(var, _) if !self.reading.changes(*var) => {}
                Stmt::If(cond, then, other) => match self.decide(cond, !then.is_empty()) {
                    Some(true) => self.block(then),
                    Some(false) => self.block(other),
                    None => {
                        self.expr(cond);
                        self.block(then);
                        self.block(other);
                    }
                },
                _ => {
                    for expr in stmt.exprs() {
                        self.expr(expr);
                    }
                    for block in stmt.blocks() {
                        self.block(block);
                    }
                }
            }
        }
    }

    /// What a condition is in the interior.
    fn decide(&mut self, cond: &Expr, wanted: bool) -> Option<bool> {
        if let Some(holds) = self.reading.truth(cond) {
            return Some(holds);
        }
        self.reading.assume_condition(cond, wanted);
        self.reading.truth(cond)
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Var(var) => {
                if let Some(value) = self.reading.definition(*var)
                    && self.seen.insert(*var)
                {
                    self.expr(value);
                }
            }
            Expr::Select(parts) => {
                let moves = [1, 2].map(|n| self.varying.mentions(&parts[n]));
                let decided = match self.reading.truth(&parts[0]) {
                    Some(holds) => Some(holds),
                    None if moves[0] || moves[1] => self.decide(&parts[0], moves[0]),
                    None => None,
                };
                match decided {
                    Some(holds) => self.expr(&parts[if holds { 1 } else { 2 }]),
                    None => parts.iter().for_each(|part| self.expr(part)),
                }
            }
            Expr::Op(Op::Min | Op::Max | Op::Rem, args) => match self.reading.chosen(expr) {
                Some(arg) => self.expr(arg),
                None => args.iter().for_each(|arg| self.expr(arg)),
            },
            _ => expr.children().into_iter().for_each(|child| self.expr(child)),
        }
    }
}

/// A loop's body with the choices made that these facts decide.
pub(super) fn decided(reading: &mut Reading<'_>, facts: Vec<Form>, nest: &Loop, vars: usize) -> Vec<Stmt> {
    reading.with_facts(facts);
    let mut body = Decider { reading, values: BTreeMap::new() }.block(&nest.body);
    tidy::remove_unused(&mut body, vars);
    body
}

struct Decider<'r, 'a> {
    reading: &'r mut Reading<'a>,
    /// Variables that became leaves.
    values: BTreeMap<VarId, Expr>,
}

impl Decider<'_, '_> {
    fn block(&mut self, stmts: &[Stmt]) -> Vec<Stmt> {
        let mut out = Vec::new();
        for stmt in stmts {
            match stmt {
                Stmt::Let(var, value) => {
                    let value = self.expr(value);
                    let is_leaf = match &value {
                        Expr::Const(_) | Expr::Size(_) => true,
                        Expr::Var(other) => !self.reading.changes(*other),
                        _ => false,
                    };
                    if is_leaf && !self.reading.changes(*var) {
                        self.values.insert(*var, value);
                    } else {
                        out.push(Stmt::Let(*var, value));
                    }
                }
                Stmt::If(cond, then, other) => match self.reading.truth(cond) {
                    Some(true) => out.extend(self.block(then)),
                    Some(false) => out.extend(self.block(other)),
                    None => {
                        let cond = self.expr(cond);
                        out.push(Stmt::If(cond, self.block(then), self.block(other)));
                    }
                },
                _ => {
                    let mut stmt = stmt.clone();
                    for expr in stmt.exprs_mut() {
                        *expr = self.expr(expr);
                    }
                    for block in stmt.blocks_mut() {
                        *block = self.block(block);
                    }
                    out.push(stmt);
                }
            }
        }
        out
    }

    fn expr(&mut self, expr: &Expr) -> Expr {
        match expr {
            Expr::Var(var) => self.values.get(var).unwrap_or(expr).clone(),
            Expr::Op(Op::Lt | Op::Le | Op::Gt | Op::Ge, _) if self.reading.truth(expr).is_some() => {
                Expr::Const(Const::bool(self.reading.truth(expr) == Some(true)))
            }
            Expr::Op(Op::Min | Op::Max | Op::Rem, _) | Expr::Select(_) => match self.reading.chosen(expr) {
                Some(arg) => self.expr(arg),
                None => self.children(expr),
            },
            _ => self.children(expr),
        }
    }

    fn children(&mut self, expr: &Expr) -> Expr {
        let mut expr = expr.clone();
        for child in expr.children_mut() {
            *child = self.expr(child);
        }
        let known = |expr: &Expr| match expr {
            Expr::Const(value) if value.ty == Scalar::Bool => Some(value.bits != 0),
            _ => None,
        };
        match expr {
            Expr::Op(Op::And, mut args) => {
                let b = args.pop().expect("two operands");
                build::and(args.pop().expect("two operands"), b)
            }
            Expr::Op(Op::Or, ref args) => match (known(&args[0]), known(&args[1])) {
                (Some(true), _) | (_, Some(false)) => args[0].clone(),
                (_, Some(true)) | (Some(false), _) => args[1].clone(),
                _ => expr,
            },
            Expr::Op(Op::Not, ref args) => match known(&args[0]) {
                Some(holds) => Expr::Const(Const::bool(!holds)),
                None => expr,
            },
            Expr::Select(parts) => {
                let [cond, yes, no] = *parts;
                if known(&yes) == Some(true) && known(&no) == Some(false) { cond } else { build::select(cond, yes, no) }
            }
            other => other,
        }
    }
}
