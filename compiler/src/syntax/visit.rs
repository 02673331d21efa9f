//! Walks over a tree without changing it: every statement and expression of a block, outermost first.

use super::ast::{Block, Expr, ExprKind, IndexItem, MessagePart, Over, Range, Stmt, StmtKind};

/// What a walk comes by.
#[derive(Clone, Copy, Debug)]
pub enum Node<'t> {
    /// A statement.
    Stmt(&'t Stmt),
    /// An expression.
    Expr(&'t Expr),
}

/// Shows every statement and expression in a block.
pub fn visit_block<'t>(block: &'t Block, see: &mut impl FnMut(Node<'t>)) {
    for stmt in &block.stmts {
        see(Node::Stmt(stmt));
        match &stmt.kind {
            StmtKind::Let { value, .. } | StmtKind::Expr(value) => visit_expr(value, see),
            StmtKind::Var { value, .. } | StmtKind::Return(value) => {
                value.iter().for_each(|value| visit_expr(value, see));
            }
            StmtKind::Assign { target, value, .. } => {
                visit_expr(target, see);
                visit_expr(value, see);
            }
            StmtKind::Assert { cond, message } => {
                visit_expr(cond, see);
                for part in message {
                    if let MessagePart::Value(value) = part {
                        visit_expr(value, see);
                    }
                }
            }
            StmtKind::Loop { axis, body } => {
                axis.range.iter().for_each(|range| visit_range(range, see));
                visit_block(body, see);
            }
            StmtKind::While { cond, body } => {
                visit_expr(cond, see);
                visit_block(body, see);
            }
            StmtKind::StaticLoop { over, body, .. } => {
                match over {
                    Over::Values(values) => visit_expr(values, see),
                    Over::Range(range) => visit_range(range, see),
                }
                visit_block(body, see);
            }
            StmtKind::Break | StmtKind::Continue => {}
        }
    }
}

/// Shows an expression and all in it.
pub fn visit_expr<'t>(expr: &'t Expr, see: &mut impl FnMut(Node<'t>)) {
    see(Node::Expr(expr));
    match &expr.kind {
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Text(_)
        | ExprKind::Byte(_)
        | ExprKind::Name(_)
        | ExprKind::Error => {}
        ExprKind::Field(inner, _) | ExprKind::Unary(_, inner) | ExprKind::Is(inner, _) => visit_expr(inner, see),
        ExprKind::Lambda { body, .. } => visit_expr(body, see),
        ExprKind::Call { callee, args } => {
            visit_expr(callee, see);
            args.iter().for_each(|arg| visit_expr(&arg.value, see));
        }
        ExprKind::Index { base, items, default } => {
            visit_expr(base, see);
            for item in items {
                match item {
                    IndexItem::At(_, index) => visit_expr(index, see),
                    IndexItem::Slice(lo, hi, _) => lo.iter().chain(hi).for_each(|end| visit_expr(end, see)),
                }
            }
            default.iter().for_each(|value| visit_expr(value, see));
        }
        ExprKind::Binary(_, left, right) => {
            visit_expr(left, see);
            visit_expr(right, see);
        }
        ExprKind::Array(elements) => elements.iter().for_each(|element| visit_expr(element, see)),
        ExprKind::Tuple(parts) => parts.iter().for_each(|(_, part)| visit_expr(part, see)),
        ExprKind::If { cond, then, otherwise, .. } => {
            visit_expr(cond, see);
            visit_block(then, see);
            otherwise.iter().for_each(|block| visit_block(block, see));
        }
        ExprKind::For { axes, body } | ExprKind::Reduce { axes, body, .. } => {
            axes.iter().filter_map(|axis| axis.range.as_ref()).for_each(|range| visit_range(range, see));
            visit_block(body, see);
        }
        ExprKind::Block(block) => visit_block(block, see),
    }
}

fn visit_range<'t>(range: &'t Range, see: &mut impl FnMut(Node<'t>)) {
    visit_expr(&range.lo, see);
    visit_expr(&range.hi, see);
    range.step.iter().for_each(|step| visit_expr(step, see));
}
