//! Makes the folds `max` and `min` of floats in vectors fast without losing NaN.
//!
//! Before: `for k { m max= x[k]:4 }`, where `max` must look at each element whether it is NaN. After:
//!
//! ```text
//! saved = m; seen = 0
//! for k { v = x[k]:4; m := (m < v ? v : m); seen += v }
//! if any lane of seen is NaN { m := saved; for k { m max= x[k]:4 } }
//! ```
//!
//! A sum stays NaN once a NaN is added, so a loop without NaN costs a comparison that selects (one instruction) and an
//! addition. The sum may be NaN without one, by infinities of both signs: then the exact loop runs again for nothing.
//! Elements that are certainly numbers are left to the target, which needs no check for them. Works at level *flat*; the
//! loop is the outermost one that stores nothing.

use super::depends::{Definitions, defined, trip_count};
use super::floats::Floats;
use super::rename::copy;
use super::{Expr, Loop, Program, Stmt, Ty, Var, VarId};
use crate::ops::Op;
use crate::types::{Const, Scalar};
use std::collections::{BTreeMap, BTreeSet};

/// Fewer elements than this are not worth the check behind the loop.
const WORTH: i64 = 6;

/// Rewrites the folds of all kernels.
pub fn extremes(program: &mut Program) {
    for n in 0..program.kernels.len() {
        let kernel = program.kernels[n].clone();
        let definitions = Definitions::of(&kernel);
        let floats = Floats::new(program, &kernel.vars, &definitions);
        let mut pass = Pass { floats: &floats, vars: kernel.vars.clone() };
        let body = pass.block(kernel.body);
        let vars = pass.vars;
        let kernel = &mut program.kernels[n];
        (kernel.body, kernel.vars) = (body, vars);
    }
}

struct Pass<'a> {
    floats: &'a Floats<'a>,
    vars: Vec<Var>,
}

/// What a nest does to variables from outside.
#[derive(Default)]
struct Effects {
    /// All that it changes.
    changed: BTreeSet<VarId>,
    /// Folds that must look for NaN: types of the accumulators.
    folds: BTreeSet<(Scalar, u8)>,
    /// Folded elements an execution, as far as known; `None` if there may be many.
    elements: Option<i64>,
}

impl Pass<'_> {
    fn var(&mut self, name: &str, ty: Ty) -> VarId {
        self.vars.push(Var { name: name.to_string(), ty });
        VarId(self.vars.len() as u32 - 1)
    }

    fn ty(&self, var: VarId) -> Ty {
        self.vars[var.0 as usize].ty
    }

    fn block(&mut self, stmts: Vec<Stmt>) -> Vec<Stmt> {
        let mut out = Vec::with_capacity(stmts.len());
        for mut stmt in stmts {
            if let Stmt::For(nest) = &stmt
                && let Some(effects) = self.effects(nest)
            {
                self.check_afterwards(nest, effects, &mut out);
                continue;
            }
            for block in stmt.blocks_mut() {
                *block = self.block(std::mem::take(block));
            }
            out.push(stmt);
        }
        out
    }

    /// What the nest does, if it may run twice and folds enough elements that may be NaN.
    fn effects(&self, nest: &Loop) -> Option<Effects> {
        let mut effects = Effects { elements: Some(0), ..Effects::default() };
        self.collect(&nest.body, trip_count(nest), &mut effects)?;
        let own: BTreeSet<VarId> = defined(&nest.body).into_iter().collect();
        effects.changed.retain(|var| !own.contains(var));
        let worth = effects.elements.is_none_or(|elements| elements >= WORTH);
        (worth && !effects.folds.is_empty()).then_some(effects)
    }

    fn collect(&self, stmts: &[Stmt], times: Option<i64>, effects: &mut Effects) -> Option<()> {
        for stmt in stmts {
            match stmt {
                Stmt::Let(..) => {}
                Stmt::Set(var, _) => {
                    effects.changed.insert(*var);
                }
                Stmt::Accumulate(var, op, value) => {
                    effects.changed.insert(*var);
                    if self.is_fold(*var, *op, value) {
                        effects.folds.insert((self.ty(*var).scalar, self.ty(*var).lanes));
                        effects.elements = effects.elements.zip(times).map(|(sum, times)| sum + times);
                    }
                }
                Stmt::For(inner) => {
                    let times = times.zip(trip_count(inner)).map(|(outer, inner)| outer * inner);
                    self.collect(&inner.body, times, effects)?;
                }
                Stmt::If(_, then, other) => {
                    self.collect(then, times, effects)?;
                    self.collect(other, times, effects)?;
                }
                Stmt::Store { .. } | Stmt::Fail(..) => return None,
                Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => return None,
            }
        }
        Some(())
    }

    fn is_fold(&self, var: VarId, op: Op, value: &Expr) -> bool {
        let ty = self.ty(var);
        matches!(op, Op::Max | Op::Min) && ty.scalar.is_float() && ty.lanes > 1 && !self.floats.is_number(value)
    }

    fn check_afterwards(&mut self, nest: &Loop, effects: Effects, out: &mut Vec<Stmt>) {
        let mut again = Vec::new();
        for var in effects.changed {
            let saved = self.var("saved", self.ty(var));
            out.push(Stmt::Let(saved, Expr::Var(var)));
            again.push(Stmt::Set(var, Expr::Var(saved)));
        }
        let mut seen = BTreeMap::new();
        for (scalar, lanes) in effects.folds {
            let zero = if scalar == Scalar::F64 { Const::f64(0.0) } else { Const::f32(0.0) };
            let sum = self.var("seen", Ty { scalar, lanes });
            out.push(Stmt::Let(sum, Expr::Splat(Box::new(Expr::Const(zero)), lanes)));
            seen.insert((scalar, lanes), sum);
        }
        again.extend(copy(&[Stmt::For(nest.clone())], &mut self.vars));
        let body = self.fast(&nest.body, &seen);
        out.push(Stmt::For(Loop { body, ..nest.clone() }));
        let mut any: Option<Expr> = None;
        for ((_, lanes), sum) in seen {
            let nan = self.var("nan", Ty { scalar: Scalar::Bool, lanes });
            out.push(Stmt::Let(nan, Expr::Op(Op::Ne, vec![Expr::Var(sum), Expr::Var(sum)])));
            for lane in 0..lanes {
                let lane = Expr::Lane(Box::new(Expr::Var(nan)), lane);
                any = Some(match any {
                    Some(any) => Expr::Op(Op::Or, vec![any, lane]),
                    None => lane,
                });
            }
        }
        out.push(Stmt::If(any.expect("there is a fold"), again, Vec::new()));
    }

    /// The statements with folds that do not look for NaN; their elements go into the sums `seen`.
    fn fast(&mut self, stmts: &[Stmt], seen: &BTreeMap<(Scalar, u8), VarId>) -> Vec<Stmt> {
        let mut out = Vec::with_capacity(stmts.len());
        let mut elements: BTreeMap<(Scalar, u8), Vec<Expr>> = BTreeMap::new();
        for stmt in stmts {
            match stmt {
                Stmt::Accumulate(var, op, value) if self.is_fold(*var, *op, value) => {
                    let ty = self.ty(*var);
                    let element = self.var("v", ty);
                    let (best, element) = (Expr::Var(*var), Expr::Var(element));
                    let Expr::Var(name) = element else { unreachable!("just made") };
                    out.push(Stmt::Let(name, value.clone()));
                    let wins = if *op == Op::Max { Op::Lt } else { Op::Gt };
                    let wins = Expr::Op(wins, vec![best.clone(), element.clone()]);
                    out.push(Stmt::Set(*var, Expr::Select(Box::new([wins, element.clone(), best]))));
                    elements.entry((ty.scalar, ty.lanes)).or_default().push(element);
                }
                _ => {
                    let mut stmt = stmt.clone();
                    for block in stmt.blocks_mut() {
                        *block = self.fast(block, seen);
                    }
                    out.push(stmt);
                }
            }
        }
        for (ty, mut elements) in elements {
            // In pairs, so that the running sum is one addition behind another and not many.
            while elements.len() > 1 {
                elements = elements
                    .chunks(2)
                    .map(|pair| match pair {
                        [a, b] => Expr::Op(Op::Add, vec![a.clone(), b.clone()]),
                        _ => pair[0].clone(),
                    })
                    .collect();
            }
            out.push(Stmt::Accumulate(seen[&ty], Op::Add, elements.remove(0)));
        }
        out
    }
}
