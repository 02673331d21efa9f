//! The compiler's syntax tree as the generator, the shrinker and the counts use it: short constructors, and one walk over
//! everything in a program.
//!
//! The tree is the compiler's own, so every construct of the language, statements and regions included, is printed,
//! walked and shrunk here as soon as the parser knows it; only its production has to be added to the generator.

use kcc_compiler::source::{FileId, Span};
pub use kcc_compiler::syntax::ast::*;

/// The place of everything that was not parsed.
pub const BLANK: Span = Span { file: FileId(0), start: 0, end: 0 };

/// A name.
pub fn name(text: &str) -> Name {
    Name { text: text.to_string(), span: BLANK }
}

/// An expression of this kind.
pub fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: BLANK }
}

/// A statement of this kind.
pub fn stmt(kind: StmtKind) -> Stmt {
    Stmt { kind, span: BLANK }
}

/// A name as an expression.
pub fn ident(text: &str) -> Expr {
    expr(ExprKind::Name(name(text)))
}

/// An integer literal with its sign.
pub fn int(value: i128) -> Expr {
    let magnitude = expr(ExprKind::Int(value.unsigned_abs() as u64));
    if value < 0 { unary(UnaryOp::Neg, magnitude) } else { magnitude }
}

/// A float literal with its sign.
pub fn float(value: f64) -> Expr {
    let text = match value {
        value if value.is_nan() => "nan".to_string(),
        value => format!("{:?}", value.abs()),
    };
    let magnitude = expr(ExprKind::Float(text));
    if value.is_sign_negative() && !value.is_nan() { unary(UnaryOp::Neg, magnitude) } else { magnitude }
}

/// A prefix operator.
pub fn unary(op: UnaryOp, inner: Expr) -> Expr {
    expr(ExprKind::Unary(op, Box::new(inner)))
}

/// An infix operator.
pub fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    expr(ExprKind::Binary(op, Box::new(left), Box::new(right)))
}

/// A positional argument.
pub fn arg(value: Expr) -> Arg {
    Arg { name: None, is_var: false, value }
}

/// An argument by name.
pub fn named(text: &str, value: Expr) -> Arg {
    Arg { name: Some(name(text)), is_var: false, value }
}

/// A call with positional arguments.
pub fn call(callee: &str, args: Vec<Expr>) -> Expr {
    call_args(callee, args.into_iter().map(arg).collect())
}

/// A call.
pub fn call_args(callee: &str, args: Vec<Arg>) -> Expr {
    expr(ExprKind::Call { callee: Box::new(ident(callee)), args })
}

/// An access.
pub fn index(base: Expr, items: Vec<IndexItem>, default: Option<Expr>) -> Expr {
    expr(ExprKind::Index { base: Box::new(base), items, default: default.map(Box::new) })
}

/// A whole block.
pub fn block(mut stmts: Vec<Stmt>, value: Expr) -> Block {
    stmts.push(stmt(StmtKind::Expr(value)));
    Block { stmts, span: BLANK }
}

/// `let name = value`.
pub fn let_(text: &str, value: Expr) -> Stmt {
    stmt(StmtKind::Let { names: vec![name(text)], is_tuple: false, ty: None, value })
}

/// `if cond { then } else { otherwise }`.
pub fn if_(cond: Expr, then: Block, otherwise: Block) -> Expr {
    expr(ExprKind::If { is_static: false, cond: Box::new(cond), then, otherwise: Some(otherwise) })
}

/// An index with its range.
pub fn axis(text: &str, lo: Expr, hi: Expr, step: Option<Expr>) -> Axis {
    Axis { name: name(text), range: Some(Range { lo, hi, step }) }
}

/// A type.
pub fn tensor_type(elem: &str, dims: Vec<Expr>) -> TypeExpr {
    let kind = if dims.is_empty() {
        TypeKind::Name(name(elem))
    } else {
        TypeKind::Tensor(name(elem), dims.into_iter().map(DimDecl::Size).collect())
    };
    TypeExpr { kind, span: BLANK }
}

/// The blocks and expressions directly inside an expression.
pub enum Part<'a> {
    /// An expression.
    Expr(&'a mut Expr),
    /// A block.
    Block(&'a mut Block),
}

/// Everything directly inside an expression, in order.
pub fn parts(e: &mut Expr) -> Vec<Part<'_>> {
    use ExprKind as E;
    let mut out = Vec::new();
    match &mut e.kind {
        E::Int(_) | E::Float(_) | E::Bool(_) | E::Text(_) | E::Byte(_) | E::Name(_) | E::Error => {}
        E::Field(inner, _) | E::Unary(_, inner) | E::Lambda { body: inner, .. } | E::Is(inner, _) => {
            out.push(Part::Expr(inner));
        }
        E::Call { args, .. } => out.extend(args.iter_mut().map(|arg| Part::Expr(&mut arg.value))),
        E::Index { base, items, default } => {
            out.push(Part::Expr(base));
            for item in items {
                match item {
                    IndexItem::At(_, at) => out.push(Part::Expr(at)),
                    IndexItem::Slice(lo, hi, _) => out.extend(lo.iter_mut().chain(hi).map(Part::Expr)),
                }
            }
            out.extend(default.iter_mut().map(|e| Part::Expr(e)));
        }
        E::Binary(_, left, right) => out.extend([Part::Expr(left), Part::Expr(right)]),
        E::Array(elements) => out.extend(elements.iter_mut().map(Part::Expr)),
        E::Tuple(elements) => out.extend(elements.iter_mut().map(|(_, e)| Part::Expr(e))),
        E::If { cond, then, otherwise, .. } => {
            out.extend([Part::Expr(cond), Part::Block(then)]);
            out.extend(otherwise.iter_mut().map(Part::Block));
        }
        E::For { axes, body } | E::Reduce { axes, body, .. } => {
            for axis in axes {
                range_parts(axis, &mut out);
            }
            out.push(Part::Block(body));
        }
        E::Block(inner) => out.push(Part::Block(inner)),
    }
    out
}

/// Everything directly inside a statement, in order.
pub fn stmt_parts(stmt: &mut Stmt) -> Vec<Part<'_>> {
    use StmtKind as S;
    let mut out = Vec::new();
    match &mut stmt.kind {
        S::Break | S::Continue | S::Return(None) => {}
        S::Let { value, .. } | S::Return(Some(value)) | S::Expr(value) => out.push(Part::Expr(value)),
        S::Var { value, .. } => out.extend(value.iter_mut().map(Part::Expr)),
        S::Assign { target, value, .. } => out.extend([Part::Expr(target), Part::Expr(value)]),
        S::Assert { cond, message } => {
            out.push(Part::Expr(cond));
            for part in message {
                if let MessagePart::Value(value) = part {
                    out.push(Part::Expr(value));
                }
            }
        }
        S::Loop { axis, body } => {
            range_parts(axis, &mut out);
            out.push(Part::Block(body));
        }
        S::While { cond, body } => out.extend([Part::Expr(cond), Part::Block(body)]),
        S::StaticLoop { over, body, .. } => {
            match over {
                Over::Values(table) => out.push(Part::Expr(table)),
                Over::Range(range) => out.extend([Part::Expr(&mut range.lo), Part::Expr(&mut range.hi)]),
            }
            out.push(Part::Block(body));
        }
    }
    out
}

fn range_parts<'a>(axis: &'a mut Axis, out: &mut Vec<Part<'a>>) {
    if let Some(range) = &mut axis.range {
        out.extend([Part::Expr(&mut range.lo), Part::Expr(&mut range.hi)]);
        out.extend(range.step.iter_mut().map(Part::Expr));
    }
}

/// A visitor of every block and expression, outer before inner. Returning `false` leaves out what is inside.
pub trait Visit {
    /// An expression.
    fn expr(&mut self, e: &mut Expr) -> bool;
    /// A block.
    fn block(&mut self, block: &mut Block) -> bool;
}

/// Visits a whole file: bodies, constants, defaults of parameters.
pub fn visit_file(file: &mut File, visitor: &mut dyn Visit) {
    for item in &mut file.items {
        match &mut item.kind {
            ItemKind::Const { value, .. } | ItemKind::State { value: Some(value), .. } => visit_expr(value, visitor),
            ItemKind::Fn(function) | ItemKind::Pipeline(function) => {
                for param in &mut function.params {
                    param.default.iter_mut().for_each(|value| visit_expr(value, visitor));
                }
                visit_block(&mut function.body, visitor);
            }
            ItemKind::Test { body, .. } => visit_block(body, visitor),
            ItemKind::Use(_)
            | ItemKind::State { value: None, .. }
            | ItemKind::Weights { .. }
            | ItemKind::Model { .. }
            | ItemKind::Struct { .. } => {}
        }
    }
}

/// Visits an expression and what is inside.
pub fn visit_expr(e: &mut Expr, visitor: &mut dyn Visit) {
    if visitor.expr(e) {
        visit_parts(parts(e), visitor);
    }
}

/// Visits a block and what is inside.
pub fn visit_block(block: &mut Block, visitor: &mut dyn Visit) {
    if visitor.block(block) {
        for stmt in &mut block.stmts {
            visit_parts(stmt_parts(stmt), visitor);
        }
    }
}

fn visit_parts(parts: Vec<Part<'_>>, visitor: &mut dyn Visit) {
    for part in parts {
        match part {
            Part::Expr(inner) => visit_expr(inner, visitor),
            Part::Block(inner) => visit_block(inner, visitor),
        }
    }
}
