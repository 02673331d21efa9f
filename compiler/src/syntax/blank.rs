//! Tree → the same tree with every span blanked, so that two trees can be compared for what they say.

use super::ast::{
    Arg, Axis, Block, DimDecl, Expr, ExprKind, Fact, File, Fn, IndexItem, ItemKind, MessagePart, Name, Over, Range,
    Stmt, StmtKind, TypeExpr, TypeKind,
};
use crate::source::{FileId, Span};

const BLANK: Span = Span { file: FileId(0), start: 0, end: 0 };

/// Sets every span of the tree to `0..0` of file 0.
pub fn blank_spans(file: &mut File) {
    for item in &mut file.items {
        item.span = BLANK;
        match &mut item.kind {
            ItemKind::Use(item) => {
                item.path_span = BLANK;
                item.alias.iter_mut().for_each(name);
                for (selected, alias) in item.select.iter_mut().flatten() {
                    name(selected);
                    alias.iter_mut().for_each(name);
                }
            }
            ItemKind::Const { name: own, ty: declared, value } => {
                name(own);
                declared.iter_mut().for_each(ty);
                expr(value);
            }
            ItemKind::Fn(signature) | ItemKind::Pipeline(signature) | ItemKind::Model { signature, .. } => {
                function(signature);
            }
            ItemKind::Test { body, .. } => block(body),
            ItemKind::State { name: own, ty: declared, value } => {
                name(own);
                ty(declared);
                value.iter_mut().for_each(expr);
            }
            ItemKind::Weights { name: own, ty: declared, .. } => {
                name(own);
                ty(declared);
            }
            ItemKind::Struct { name: own, sizes, fields } => {
                name(own);
                sizes.iter_mut().for_each(name);
                for (field, declared) in fields {
                    name(field);
                    ty(declared);
                }
            }
        }
    }
}

fn name(name: &mut Name) {
    name.span = BLANK;
}

fn function(function: &mut Fn) {
    name(&mut function.name);
    for param in &mut function.params {
        name(&mut param.name);
        ty(&mut param.ty);
        param.default.iter_mut().for_each(expr);
    }
    for result in &mut function.results {
        result.name.iter_mut().for_each(name);
        ty(&mut result.ty);
    }
    for fact in &mut function.facts {
        match fact {
            Fact::Constraint(variable, class) => {
                name(variable);
                name(class);
            }
            Fact::Relation(relation) => expr(relation),
        }
    }
    block(&mut function.body);
}

fn ty(declared: &mut TypeExpr) {
    declared.span = BLANK;
    match &mut declared.kind {
        TypeKind::Name(own) => name(own),
        TypeKind::Tensor(own, dims) => {
            name(own);
            for dim in dims {
                match dim {
                    DimDecl::Size(size) => expr(size),
                    DimDecl::Bounded(own, bound) => {
                        name(own);
                        expr(bound);
                    }
                }
            }
        }
        TypeKind::Fn(params, result) => {
            params.iter_mut().for_each(ty);
            ty(result);
        }
        TypeKind::List(own, capacity) => {
            name(own);
            expr(capacity);
        }
        TypeKind::Error => {}
    }
}

fn block(block: &mut Block) {
    block.span = BLANK;
    block.stmts.iter_mut().for_each(stmt);
}

fn stmt(stmt: &mut Stmt) {
    stmt.span = BLANK;
    match &mut stmt.kind {
        StmtKind::Let { names, ty: declared, value, .. } => {
            names.iter_mut().for_each(name);
            declared.iter_mut().for_each(ty);
            expr(value);
        }
        StmtKind::Var { name: own, ty: declared, value } => {
            name(own);
            declared.iter_mut().for_each(ty);
            value.iter_mut().for_each(expr);
        }
        StmtKind::Assign { target, value, .. } => {
            expr(target);
            expr(value);
        }
        StmtKind::Assert { cond, message } => {
            expr(cond);
            for part in message {
                match part {
                    MessagePart::Text(_) => {}
                    MessagePart::Value(value) => expr(value),
                }
            }
        }
        StmtKind::Loop { axis: own, body } => {
            axis(own);
            block(body);
        }
        StmtKind::While { cond, body } => {
            expr(cond);
            block(body);
        }
        StmtKind::Break | StmtKind::Continue => {}
        StmtKind::Return(value) => value.iter_mut().for_each(expr),
        StmtKind::StaticLoop { name: own, over, body } => {
            name(own);
            match over {
                Over::Values(values) => expr(values),
                Over::Range(own) => range(own),
            }
            block(body);
        }
        StmtKind::Expr(value) => expr(value),
    }
}

fn axis(axis: &mut Axis) {
    name(&mut axis.name);
    axis.range.iter_mut().for_each(range);
}

fn range(range: &mut Range) {
    expr(&mut range.lo);
    expr(&mut range.hi);
    range.step.iter_mut().for_each(expr);
}

fn expr(own: &mut Expr) {
    own.span = BLANK;
    match &mut own.kind {
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Text(_)
        | ExprKind::Byte(_)
        | ExprKind::Error => {}
        ExprKind::Name(own) => name(own),
        ExprKind::Field(base, field) => {
            expr(base);
            name(field);
        }
        ExprKind::Call { callee, args } => {
            expr(callee);
            for Arg { name: own, value, .. } in args {
                own.iter_mut().for_each(name);
                expr(value);
            }
        }
        ExprKind::Index { base, items, default } => {
            expr(base);
            for item in items {
                match item {
                    IndexItem::At(_, at) => expr(at),
                    IndexItem::Slice(lo, hi, span) => {
                        lo.iter_mut().chain(hi).for_each(expr);
                        *span = BLANK;
                    }
                }
            }
            default.iter_mut().for_each(|default| expr(default));
        }
        ExprKind::Unary(_, operand) => expr(operand),
        ExprKind::Binary(_, left, right) => {
            expr(left);
            expr(right);
        }
        ExprKind::Array(elements) => elements.iter_mut().for_each(expr),
        ExprKind::Tuple(elements) => {
            for (own, element) in elements {
                own.iter_mut().for_each(name);
                expr(element);
            }
        }
        ExprKind::If { cond, then, otherwise, .. } => {
            expr(cond);
            block(then);
            otherwise.iter_mut().for_each(block);
        }
        ExprKind::For { axes, body } | ExprKind::Reduce { axes, body, .. } => {
            axes.iter_mut().for_each(axis);
            block(body);
        }
        ExprKind::Lambda { params, body } => {
            params.iter_mut().for_each(name);
            expr(body);
        }
        ExprKind::Is(operand, class) => {
            expr(operand);
            name(class);
        }
        ExprKind::Block(own) => block(own),
    }
}
