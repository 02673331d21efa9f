//! Places expressions: each gets a variable in the outermost scope that binds all it needs, once per scope.
//!
//! A value's scope follows from those of its operands, so nothing is ever used outside the scope that defines it.

use super::nest::{Nest, ScopeKind};
use crate::loops::{Expr, Stmt, build};
use crate::ops::Op;
use crate::tensor::{self, ExprId};
use crate::types::Const;
use std::rc::Rc;

impl Nest<'_, '_> {
    /// The value of an expression in the innermost scope (a leaf), and the scope in which it was found or placed.
    pub fn value(&mut self, id: ExprId) -> (Expr, usize) {
        let pipeline = self.pipeline;
        match &pipeline.exprs[id] {
            tensor::Expr::Const(value) => return (Expr::Const(*value), 0),
            tensor::Expr::Size(size) => {
                let value = self.size(size);
                if matches!(value, Expr::Const(_) | Expr::Size(_) | Expr::Var(_)) {
                    return (value, 0);
                }
                let floor = self.floor();
                return (self.leaf_at(floor, "size", value), floor);
            }
            tensor::Expr::Axis(axis) => return self.axis(*axis),
            _ => {}
        }
        if let Some(found) = self.find(id) {
            return found;
        }
        let (value, depth) = match &pipeline.exprs[id] {
            tensor::Expr::Const(_) | tensor::Expr::Size(_) | tensor::Expr::Axis(_) => unreachable!("leaves are above"),
            tensor::Expr::Op(op, args) => self.op(*op, args),
            tensor::Expr::Cast(arg) => {
                let (value, depth) = self.value(*arg);
                (Expr::Cast(pipeline.ty(id), Box::new(value)), depth)
            }
            tensor::Expr::Load(tensor, index) => self.load(*tensor, index),
            tensor::Expr::Select(c, a, b) => match self.select(id, *c, *a, *b) {
                Some(select) => select,
                // The select became an `If` that set a variable.
                None => return self.find(id).expect("just placed"),
            },
            tensor::Expr::Reduce(_) => {
                self.reduce(id);
                return self.find(id).expect("just placed");
            }
        };
        let depth = depth.max(self.floor());
        let name = self.name(id);
        let value = self.leaf_at(depth, name, value);
        self.scopes[depth].values.insert(id, value.clone());
        (value, depth)
    }

    /// The innermost scope that binds one of the axes that an expression needs.
    pub fn bound_at(&mut self, id: ExprId) -> usize {
        let free = self.facts.free(id);
        self.scopes.iter().rposition(|scope| scope.axes.iter().any(|(axis, _)| free.contains(axis))).unwrap_or(0)
    }

    /// The value of an expression that was placed before. A value from outside the loops that bind its axes belongs
    /// to an earlier meaning of these axes.
    pub fn find(&mut self, id: ExprId) -> Option<(Expr, usize)> {
        let bound = self.bound_at(id).max(self.statement());
        let found = |(n, scope): (usize, &super::nest::Scope)| Some((scope.values.get(&id)?.clone(), bound + n));
        self.scopes[bound..].iter().enumerate().find_map(found)
    }

    fn name(&self, id: ExprId) -> &'static str {
        match &self.pipeline.exprs[id] {
            tensor::Expr::Load(..) => "x",
            tensor::Expr::Cast(_) => "c",
            tensor::Expr::Select(..) => "s",
            tensor::Expr::Const(_) | tensor::Expr::Axis(_) | tensor::Expr::Size(_) | tensor::Expr::Op(..) => "t",
            tensor::Expr::Reduce(_) => "r",
        }
    }

    fn op(&mut self, op: Op, args: &[ExprId]) -> (Expr, usize) {
        let mut depth = 0;
        let mut values = Vec::with_capacity(args.len());
        for &arg in args {
            let (value, at) = self.value(arg);
            values.push(value);
            depth = depth.max(at);
        }
        let ty = self.pipeline.ty(args[0]);
        if op.divides(ty) && !matches!(values[1], Expr::Const(value) if value.bits != 0) && self.speculated(depth) {
            // A division that nobody asked for must not trap.
            let is_zero = Expr::Op(Op::Eq, vec![values[1].clone(), Expr::Const(Const::int(ty, 0))]);
            let safe = build::select(is_zero, Expr::Const(Const::int(ty, 1)), values[1].clone());
            values[1] = self.leaf_at(depth, "d", safe);
        }
        (Expr::Op(op, values), depth)
    }

    /// A select of values, or `None` if it became an `If` because an arm holds a reduction of its own.
    fn select(&mut self, id: ExprId, c: ExprId, a: ExprId, b: ExprId) -> Option<(Expr, usize)> {
        let (cond, mut depth) = self.value(c);
        let both: Vec<ExprId> = self.facts.needed(&[a]).intersection(&self.facts.needed(&[b])).copied().collect();
        for reduction in both {
            self.value(reduction);
        }
        let own = self.own_reductions(a) | self.own_reductions(b);
        if own {
            self.branch(id, cond, a, b);
            return None;
        }
        let outer = std::mem::replace(&mut self.speculative, true);
        let mut arms = [a, b].map(|arm| {
            let (value, at) = self.value(arm);
            depth = depth.max(at);
            value
        });
        self.speculative = outer;
        let [yes, no] = &mut arms;
        let (yes, no) = (yes.clone(), no.clone());
        Some((build::select(cond, yes, no), depth))
    }

    /// Places the reductions of an arm that are better, or anyhow, computed outside it; tells whether others remain.
    fn own_reductions(&mut self, arm: ExprId) -> bool {
        let mut own = false;
        for &id in Rc::clone(&self.facts.outer_reductions(arm)).iter() {
            if self.find(id).is_some() {
                continue;
            }
            let anyhow =
                self.scopes.iter().any(|scope| scope.needed.as_ref().is_some_and(|needed| needed.contains(&id)));
            let invariant = self.bound_at(id) < self.innermost_loop() && self.facts.ranges_known(id);
            if anyhow {
                self.value(id);
            } else if invariant && self.floor() == self.statement() {
                let outer = std::mem::replace(&mut self.speculative, true);
                self.value(id);
                self.speculative = outer;
            } else {
                own = true;
            }
        }
        own
    }

    fn innermost_loop(&self) -> usize {
        let is_loop = |kind| matches!(kind, ScopeKind::StageLoop | ScopeKind::Loop);
        self.scopes.iter().rposition(|scope| is_loop(scope.kind)).unwrap_or(0)
    }

    /// An `If` that sets a variable, placed outside the loops that it does not need.
    fn branch(&mut self, id: ExprId, cond: Expr, a: ExprId, b: ExprId) {
        let mut depth = self.bound_at(id).max(self.floor());
        if !self.ranges_known(a) || !self.ranges_known(b) {
            depth = depth.max(self.innermost_condition());
        }
        // The values that the condition is made of may lie deeper than its axes, in an arm or a block.
        depth = depth.max(self.value_scope(&cond));
        let speculated = self.speculated(depth);
        let suspended = self.scopes.split_off(depth + 1);
        let outer = std::mem::replace(&mut self.speculative, speculated);

        let ty = self.pipeline.ty(id);
        let zero = if ty.is_float() { Const { ty, bits: 0 } } else { Const::int(ty, 0) };
        let var = self.define("s", Expr::Const(zero));
        let mut arms = [a, b].map(|arm| {
            self.open(ScopeKind::Arm);
            self.need(&[arm]);
            let value = self.value(arm).0;
            self.push(Stmt::Set(var, value));
            self.close_block()
        });
        let (yes, no) = (std::mem::take(&mut arms[0]), std::mem::take(&mut arms[1]));
        self.push(Stmt::If(cond, yes, no));

        self.speculative = outer;
        self.scopes.extend(suspended);
        self.scopes[depth].values.insert(id, Expr::Var(var));
    }

    fn ranges_known(&mut self, id: ExprId) -> bool {
        let all = Rc::clone(&self.facts.reductions(id));
        all.iter().all(|&id| self.facts.ranges_known(id))
    }

    /// The innermost scope that may not be reached at all.
    pub fn innermost_condition(&self) -> usize {
        let may_miss = |kind| matches!(kind, ScopeKind::Loop | ScopeKind::Arm | ScopeKind::Cold | ScopeKind::Statement);
        self.scopes.iter().rposition(|scope| may_miss(scope.kind)).unwrap_or(0)
    }

    /// The scope that defines a leaf.
    fn value_scope(&self, leaf: &Expr) -> usize {
        let Expr::Var(var) = leaf else { return 0 };
        let defines = |stmt: &Stmt| matches!(stmt, Stmt::Let(defined, _) if defined == var);
        let is_axis = |value: &Expr| matches!(value, Expr::Var(axis) if axis == var);
        let holds = |scope: &super::nest::Scope| {
            scope.axes.iter().any(|(_, value)| is_axis(value)) || scope.stmts.iter().any(defines)
        };
        self.scopes.iter().position(holds).unwrap_or(0)
    }
}
