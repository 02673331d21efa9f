//! How much code a function becomes when everything in it is inlined: its expressions and statements, and those of
//! the functions that it calls, once for each call.

use super::{Axis, Block, Expr, ExprKind, IndexItem, MessagePart, Stmt};

/// The greatest weight of a function.
pub const MAX_WEIGHT: u64 = 400_000;

/// The weight of a body, given those of the functions that it calls.
pub fn weight(body: &Block, callee: &dyn Fn(super::FnId) -> u64) -> u64 {
    Weight { callee }.block(body)
}

struct Weight<'a> {
    callee: &'a dyn Fn(super::FnId) -> u64,
}

impl Weight<'_> {
    fn block(&self, block: &Block) -> u64 {
        let stmts = block.stmts.iter().map(|stmt| self.stmt(stmt));
        sum(stmts.chain(block.value.iter().map(|value| self.expr(value))))
    }

    fn stmt(&self, stmt: &Stmt) -> u64 {
        let inner = match stmt {
            Stmt::Let { value, .. } | Stmt::Push { value, .. } | Stmt::Truncate { len: value, .. } => self.expr(value),
            Stmt::Var { value, .. } | Stmt::Return { value, .. } => self.exprs(value),
            Stmt::Assert { cond, message, .. } => sum([
                self.expr(cond),
                sum(message.iter().map(|part| match part {
                    MessagePart::Text(_) => 0,
                    MessagePart::Value(value) => self.expr(value),
                })),
            ]),
            Stmt::ForAsserts { axes, body } => sum([self.axes(axes), self.block(body)]),
            Stmt::Assign { items, value, .. } => sum([self.items(items), self.expr(value)]),
            Stmt::Pop { .. } | Stmt::Break | Stmt::Continue => 0,
            Stmt::If { cond, then, otherwise } => sum([self.expr(cond), self.block(then), self.block(otherwise)]),
            Stmt::Loop { axis, body, .. } => sum([self.axes(std::slice::from_ref(axis)), self.block(body)]),
            Stmt::While { cond, body, .. } => sum([self.expr(cond), self.block(body)]),
        };
        inner.saturating_add(1)
    }

    fn exprs<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> u64 {
        sum(exprs.into_iter().map(|expr| self.expr(expr)))
    }

    fn items(&self, items: &[IndexItem]) -> u64 {
        sum(items.iter().map(|item| match item {
            IndexItem::At(_, index) => self.expr(index),
            IndexItem::Slice { .. } => 1,
        }))
    }

    fn axes(&self, axes: &[Axis]) -> u64 {
        sum(axes.iter().map(|axis| sum([self.expr(&axis.lo), self.expr(&axis.hi)])))
    }

    fn expr(&self, expr: &Expr) -> u64 {
        let inner = match &expr.kind {
            ExprKind::Const(_)
            | ExprKind::Table(_)
            | ExprKind::Local(_)
            | ExprKind::Freeze { .. }
            | ExprKind::ListLen(_)
            | ExprKind::ConstItem(_)
            | ExprKind::Size(_) => 0,
            ExprKind::ListAt(_, inner)
            | ExprKind::Cast(inner)
            | ExprKind::Reshape(inner)
            | ExprKind::Transpose(inner, _)
            | ExprKind::Field(inner, _) => self.expr(inner),
            ExprKind::Op(_, parts)
            | ExprKind::Concat(parts, _)
            | ExprKind::Stack(parts, _)
            | ExprKind::Tuple(parts) => self.exprs(parts),
            ExprKind::If { cond, then, otherwise } => sum([self.expr(cond), self.block(then), self.block(otherwise)]),
            ExprKind::Call(call) => sum([self.exprs(&call.args), (self.callee)(call.callee)]),
            ExprKind::Index { base, items, default } => {
                sum([self.expr(base), self.items(items), self.exprs(default.as_deref())])
            }
            ExprKind::For { axes, body } | ExprKind::Reduce { axes, body, .. } => {
                sum([self.axes(axes), self.block(body)])
            }
            ExprKind::Scan { axis, body, .. } => sum([self.axes(std::slice::from_ref(axis)), self.block(body)]),
            ExprKind::Block(block) => self.block(block),
        };
        inner.saturating_add(1)
    }
}

fn sum(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}
