//! Unroll-and-jam: several iterations of an outer loop run side by side inside the loops within it.
//!
//! Before: `for i by 1 { acc = 0; for k { acc += x[i, k] * w[k] }; y[i] = acc }`. After, with two copies:
//! `for i by 2 { acc = 0; acc' = 0; for k { acc += x[i, k] * w[k]; acc' += x[i + 1, k] * w[k] }; y[i] = acc; y[i + 1] =
//! acc' }`. What does not depend on the index is computed once for all copies.

use super::depends::{Varying, defined};
use super::rename::{copy_with, replace_in};
use super::{Expr, Stmt, Var, VarId, build};
use std::collections::BTreeMap;

/// The body of a loop over `var` for `copies` iterations at a distance of `step`. The iterations must be independent.
pub fn jam(body: &[Stmt], var: VarId, step: i64, copies: i64, vars: &mut Vec<Var>) -> Vec<Stmt> {
    let varying = Varying::on(var, body, vars.len());
    let mut renames = vec![BTreeMap::new()];
    for copy in 1..copies {
        let mut rename = BTreeMap::from([(var, build::add(Expr::Var(var), build::int(copy * step)))]);
        for own in defined(body).into_iter().filter(|own| varying.has(*own)) {
            vars.push(vars[own.0 as usize].clone());
            rename.insert(own, Expr::Var(VarId(vars.len() as u32 - 1)));
        }
        renames.push(rename);
    }
    Jam { varying, renames }.block(body, vars)
}

struct Jam {
    varying: Varying,
    /// For each copy, what stands for the index and for the variables that depend on it.
    renames: Vec<BTreeMap<VarId, Expr>>,
}

impl Jam {
    fn block(&self, stmts: &[Stmt], vars: &mut Vec<Var>) -> Vec<Stmt> {
        let mut out = Vec::new();
        for stmt in stmts {
            let depends = match stmt {
                Stmt::Let(var, _) | Stmt::Set(var, _) | Stmt::Accumulate(var, ..) => self.varying.has(*var),
                Stmt::For(nest) => self.varying.has(nest.var),
                Stmt::If(cond, ..) => self.varying.mentions(cond),
                Stmt::Store { .. } | Stmt::Fail(..) => true,
                Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => unreachable!("these loops are not parallel"),
            };
            match stmt {
                // A loop or condition that is the same for all copies encloses them all.
                Stmt::For(nest) if !depends => {
                    let mut nest = nest.clone();
                    nest.body = self.block(&nest.body, vars);
                    out.push(Stmt::For(nest));
                }
                Stmt::If(cond, then, other) if !depends => {
                    out.push(Stmt::If(cond.clone(), self.block(then, vars), self.block(other, vars)));
                }
                _ if !depends => out.push(stmt.clone()),
                _ => {
                    out.push(stmt.clone());
                    out.extend(self.renames[1..].iter().map(|rename| self.renamed(stmt, rename, vars)));
                }
            }
        }
        out
    }

    fn renamed(&self, stmt: &Stmt, rename: &BTreeMap<VarId, Expr>, vars: &mut Vec<Var>) -> Stmt {
        let target = |var: &VarId| match rename.get(var) {
            Some(Expr::Var(new)) => *new,
            _ => *var,
        };
        let value = |value: &Expr| {
            let mut value = value.clone();
            replace_in(&mut value, rename);
            value
        };
        match stmt {
            Stmt::Let(var, new) => Stmt::Let(target(var), value(new)),
            Stmt::Set(var, new) => Stmt::Set(target(var), value(new)),
            Stmt::Accumulate(var, op, new) => Stmt::Accumulate(target(var), *op, value(new)),
            Stmt::Store { buffer, index, value: stored } => {
                Stmt::Store { buffer: *buffer, index: index.iter().map(value).collect(), value: value(stored) }
            }
            Stmt::Fail(failure, values) => Stmt::Fail(*failure, values.iter().map(value).collect()),
            // These stand one after another, each with variables of its own.
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => unreachable!("these loops are not parallel"),
            Stmt::For(_) | Stmt::If(..) => {
                copy_with(std::slice::from_ref(stmt), vars, rename.clone()).pop().expect("one statement")
            }
        }
    }
}
