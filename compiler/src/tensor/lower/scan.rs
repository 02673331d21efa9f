//! What HIR holds, without lowering it: whether it is sequential, and what it changes.

use super::value::Value;
use super::{Lowerer, Scope};
use crate::hir::{self, Expr, ExprKind, IndexItem, MessagePart, Stmt};
use crate::tensor::TensorId;
use std::collections::BTreeSet;

impl<'a> Lowerer<'a> {
    /// Whether a block, or anything that it calls, holds sequential statements.
    pub(super) fn is_sequential(&mut self, block: &'a hir::Block) -> bool {
        let mut found = false;
        let mut called = BTreeSet::new();
        visit_block(block, &mut |node| match node {
            Node::Stmt(stmt) => found |= is_sequential_stmt(stmt),
            Node::Expr(Expr { kind: ExprKind::Call(call), .. }) => {
                called.insert(call.callee);
            }
            Node::Expr(_) => {}
        });
        found || called.into_iter().any(|callee| self.is_sequential_fn(callee))
    }

    /// Whether a function holds sequential statements.
    pub(super) fn is_sequential_fn(&mut self, id: hir::FnId) -> bool {
        if let Some(known) = self.sequential.get(&id) {
            return *known;
        }
        let hir = self.hir;
        // No function calls itself, so this ends.
        let found = self.is_sequential(&hir.fns[id.0 as usize].body);
        self.sequential.insert(id, found);
        found
    }

    /// The variables of the current function that a block changes, as far as they are declared.
    pub(super) fn changed_in(&self, scope: &Scope<'a>, block: &hir::Block) -> Vec<TensorId> {
        let mut locals = BTreeSet::new();
        visit_block(block, &mut |node| match node {
            Node::Stmt(stmt) => match stmt {
                Stmt::Var { local, .. } | Stmt::Assign { local, .. } => {
                    locals.insert(*local);
                }
                Stmt::Push { list, .. } | Stmt::Pop { list, .. } | Stmt::Truncate { list, .. } => {
                    locals.insert(*list);
                }
                _ => {}
            },
            Node::Expr(Expr { kind: ExprKind::Call(call), .. }) => {
                let callee = &self.hir.fns[call.callee.0 as usize];
                for (param, arg) in callee.params.iter().zip(&call.args) {
                    if let (true, ExprKind::Local(local)) = (callee.locals[param.0 as usize].is_var, &arg.kind) {
                        locals.insert(*local);
                    }
                }
            }
            Node::Expr(_) => {}
        });
        let tensors = locals.iter().filter_map(|local| scope.locals.get(local)).flat_map(|value| match value {
            Value::Var(tensor) => vec![*tensor],
            Value::List(list) => vec![list.elements, list.len],
            Value::Tensor(_) | Value::Tuple(_) => Vec::new(),
        });
        tensors.collect()
    }

    /// Forgets what is known of everything that a block changes: it may run again and again.
    pub(super) fn forget_changed(&mut self, scope: &Scope<'a>, block: &hir::Block) {
        let changed = self.changed_in(scope, block);
        self.forget(&changed);
    }
}

fn is_sequential_stmt(stmt: &Stmt) -> bool {
    !matches!(stmt, Stmt::Let { .. } | Stmt::Assert { .. } | Stmt::ForAsserts { .. })
}

/// Whether a statement of the loop around the block is wanted: loops inside have `break` and `continue` of their own.
pub(super) fn jumps(block: &hir::Block, wanted: &dyn Fn(&Stmt) -> bool) -> bool {
    block.stmts.iter().any(|stmt| {
        wanted(stmt)
            || match stmt {
                Stmt::If { then, otherwise, .. } => jumps(then, wanted) || jumps(otherwise, wanted),
                _ => false,
            }
    })
}

/// Whether a `return` stands in a function's body.
pub(super) fn returns_early(block: &hir::Block) -> bool {
    block.stmts.iter().any(|stmt| match stmt {
        Stmt::Return { .. } => true,
        Stmt::If { then, otherwise, .. } => returns_early(then) || returns_early(otherwise),
        Stmt::Loop { body, .. } | Stmt::While { body, .. } => returns_early(body),
        _ => false,
    })
}

/// A statement or an expression.
enum Node<'h> {
    Stmt(&'h Stmt),
    Expr(&'h Expr),
}

/// Calls `f` with everything in a block, but not in the functions that it calls.
fn visit_block<'h>(block: &'h hir::Block, f: &mut dyn FnMut(Node<'h>)) {
    for stmt in &block.stmts {
        f(Node::Stmt(stmt));
        match stmt {
            Stmt::Let { value, .. } | Stmt::Push { value, .. } | Stmt::Truncate { len: value, .. } => visit(value, f),
            Stmt::Assert { cond, message, .. } => {
                visit(cond, f);
                for part in message {
                    if let MessagePart::Value(value) = part {
                        visit(value, f);
                    }
                }
            }
            Stmt::ForAsserts { axes, body } => {
                axes.iter().for_each(|axis| visit_axis(axis, f));
                visit_block(body, f);
            }
            Stmt::Var { value, .. } | Stmt::Return { value, .. } => value.iter().for_each(|value| visit(value, f)),
            Stmt::Assign { items, value, .. } => {
                visit_items(items, f);
                visit(value, f);
            }
            Stmt::Pop { .. } | Stmt::Break | Stmt::Continue => {}
            Stmt::If { cond, then, otherwise } => {
                visit(cond, f);
                visit_block(then, f);
                visit_block(otherwise, f);
            }
            Stmt::Loop { axis, body, .. } => {
                visit_axis(axis, f);
                visit_block(body, f);
            }
            Stmt::While { cond, body, .. } => {
                visit(cond, f);
                visit_block(body, f);
            }
        }
    }
    block.value.iter().for_each(|value| visit(value, f));
}

fn visit_axis<'h>(axis: &'h hir::Axis, f: &mut dyn FnMut(Node<'h>)) {
    visit(&axis.lo, f);
    visit(&axis.hi, f);
}

fn visit_items<'h>(items: &'h [IndexItem], f: &mut dyn FnMut(Node<'h>)) {
    for item in items {
        if let IndexItem::At(_, index) = item {
            visit(index, f);
        }
    }
}

fn visit<'h>(e: &'h Expr, f: &mut dyn FnMut(Node<'h>)) {
    f(Node::Expr(e));
    match &e.kind {
        ExprKind::Const(_)
        | ExprKind::Table(_)
        | ExprKind::Local(_)
        | ExprKind::Freeze { .. }
        | ExprKind::ListLen(_)
        | ExprKind::ConstItem(_)
        | ExprKind::Size(_) => {}
        ExprKind::Op(_, args) | ExprKind::Concat(args, _) | ExprKind::Stack(args, _) | ExprKind::Tuple(args) => {
            args.iter().for_each(|arg| visit(arg, f));
        }
        ExprKind::Cast(arg)
        | ExprKind::Reshape(arg)
        | ExprKind::Transpose(arg, _)
        | ExprKind::Field(arg, _)
        | ExprKind::ListAt(_, arg) => visit(arg, f),
        ExprKind::If { cond, then, otherwise } => {
            visit(cond, f);
            visit_block(then, f);
            visit_block(otherwise, f);
        }
        ExprKind::Call(call) => call.args.iter().for_each(|arg| visit(arg, f)),
        ExprKind::Index { base, items, default } => {
            visit(base, f);
            visit_items(items, f);
            default.iter().for_each(|value| visit(value, f));
        }
        ExprKind::For { axes, body } | ExprKind::Reduce { axes, body, .. } => {
            axes.iter().for_each(|axis| visit_axis(axis, f));
            visit_block(body, f);
        }
        ExprKind::Scan { axis, body, .. } => {
            visit_axis(axis, f);
            visit_block(body, f);
        }
        ExprKind::Block(block) => visit_block(block, f),
    }
}
