//! Spelling of expressions, blocks and statements.

use super::Speller;
use crate::ops::Border;
use crate::syntax::ast::{
    Arg, Axis, BinaryOp, Block, Expr, ExprKind, IndexItem, MessagePart, Over, Range, Stmt, StmtKind, UnaryOp,
};
use crate::syntax::parse::{IS_POWER, binary_power, unary_power};
use crate::syntax::text::escape;

/// Binding power of an operand that needs no parentheses anywhere.
const ATOM: u8 = 12;

impl Speller {
    /// An expression, in parentheses if it binds less tightly than `least`.
    pub fn expr(&mut self, expr: &Expr, least: u8) {
        if power(expr) < least {
            self.push("(");
            self.bare(expr);
            self.push(")");
        } else {
            self.bare(expr);
        }
    }

    fn bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Int(value) => self.push(&value.to_string()),
            ExprKind::Float(text) => self.push(text),
            ExprKind::Bool(value) => self.push(if *value { "true" } else { "false" }),
            ExprKind::Text(bytes) => self.push(&format!("\"{}\"", escape(bytes, '"'))),
            // Both quotes are escaped, so that a byte can stand inside a message.
            ExprKind::Byte(b'"') => self.push("'\\\"'"),
            ExprKind::Byte(byte) => self.push(&format!("'{}'", escape(&[*byte], '\''))),
            ExprKind::Name(name) => self.push(&name.text),
            ExprKind::Field(base, name) => {
                self.base(base);
                self.push(".");
                self.push(&name.text);
            }
            ExprKind::Call { callee, args } => {
                self.base(callee);
                self.push("(");
                self.list(args, Speller::arg);
                self.push(")");
            }
            ExprKind::Index { base, items, default } => self.index(base, items, default.as_deref()),
            ExprKind::Unary(op, operand) => {
                self.push(match op {
                    UnaryOp::Neg => "-",
                    UnaryOp::Not => "not ",
                    UnaryOp::BitNot => "~",
                });
                self.expr(operand, unary_power(*op));
            }
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right),
            ExprKind::Array(elements) => {
                self.push("[");
                self.list(elements, |speller, element| speller.expr(element, 0));
                self.push("]");
            }
            ExprKind::Tuple(elements) => {
                self.push("(");
                self.list(elements, |speller, (name, element)| {
                    if let Some(name) = name {
                        speller.push(&format!("{}: ", name.text));
                    }
                    speller.expr(element, 0);
                });
                self.push(")");
            }
            ExprKind::If { is_static, cond, then, otherwise } => {
                self.push(if *is_static { "static if " } else { "if " });
                self.expr(cond, 0);
                self.push(" ");
                self.block(then);
                if let Some(otherwise) = otherwise {
                    self.push(" else ");
                    match &otherwise.stmts[..] {
                        [Stmt { kind: StmtKind::Expr(nested @ Expr { kind: ExprKind::If { .. }, .. }), .. }] => {
                            self.expr(nested, 0);
                        }
                        _ => self.block(otherwise),
                    }
                }
            }
            ExprKind::For { axes, body } => {
                self.push("for ");
                self.axes(axes, body);
            }
            ExprKind::Reduce { op, scan, axes, body } => {
                self.push(if *scan { "scan " } else { "" });
                self.push(&format!("{} ", op.name()));
                self.axes(axes, body);
            }
            ExprKind::Lambda { params, body } => {
                let params: Vec<&str> = params.iter().map(|name| name.text.as_str()).collect();
                self.push(&format!("|{}| ", params.join(", ")));
                self.expr(body, 0);
            }
            ExprKind::Is(operand, name) => {
                self.expr(operand, IS_POWER + 1);
                self.push(&format!(" is {}", name.text));
            }
            ExprKind::Block(block) => self.block(block),
            ExprKind::Error => self.push("<error>"),
        }
    }

    /// What a postfix is applied to.
    fn base(&mut self, base: &Expr) {
        self.expr(base, if ends_with_block(base) { ATOM + 1 } else { ATOM });
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        let power = binary_power(op);
        // Comparisons do not chain, all others group to the left.
        self.expr(left, if power == IS_POWER { power + 1 } else { power });
        self.push(&format!(" {} ", op_text(op)));
        self.expr(right, power + 1);
    }

    fn index(&mut self, base: &Expr, items: &[IndexItem], default: Option<&Expr>) {
        self.base(base);
        self.push("[");
        // `if` would take an `else` behind it for its own.
        let edge = |expr: &Expr| if default.is_some() && ends_with_block(expr) { ATOM + 1 } else { 1 };
        self.list(items, |speller, item| match item {
            IndexItem::At(border, at) => {
                speller.push(match border {
                    Border::None => "",
                    Border::Clamp => "clamp: ",
                    Border::Wrap => "wrap: ",
                    Border::Reflect => "reflect: ",
                });
                speller.expr(at, edge(at));
            }
            IndexItem::Slice(lo, hi, _) => {
                if let Some(lo) = lo {
                    speller.expr(lo, 1);
                }
                speller.push("..");
                if let Some(hi) = hi {
                    speller.expr(hi, edge(hi));
                }
            }
        });
        if let Some(default) = default {
            self.push(if items.is_empty() { "else " } else { " else " });
            self.expr(default, 0);
        }
        self.push("]");
    }

    fn arg(&mut self, arg: &Arg) {
        if let Some(name) = &arg.name {
            self.push(&format!("{}: ", name.text));
        }
        if arg.is_var {
            self.push("var ");
        }
        self.expr(&arg.value, 0);
    }

    fn axes(&mut self, axes: &[Axis], body: &Block) {
        for (index, axis) in axes.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            self.axis(axis);
        }
        self.push(" ");
        self.block(body);
    }

    fn axis(&mut self, axis: &Axis) {
        self.push(&axis.name.text);
        if let Some(range) = &axis.range {
            self.push(" in ");
            self.range(range);
        }
    }

    fn range(&mut self, Range { lo, hi, step }: &Range) {
        self.expr(lo, 1);
        self.push("..");
        self.expr(hi, 1);
        if let Some(step) = step {
            self.push(" by ");
            self.expr(step, 1);
        }
    }

    /// `{ … }`; several statements have a line each.
    pub fn block(&mut self, block: &Block) {
        match &block.stmts[..] {
            [] => self.push("{ }"),
            [only] => {
                self.push("{ ");
                self.stmt(only, false);
                self.push(" }");
            }
            stmts => self.lines(stmts),
        }
    }

    /// `{`, one statement a line, `}`.
    pub fn lines(&mut self, stmts: &[Stmt]) {
        self.push("{\n");
        for (index, stmt) in stmts.iter().enumerate() {
            self.stmt(stmt, index > 0);
            self.push("\n");
        }
        self.push("}");
    }

    /// One statement; `follows` another one, whose line it must not continue.
    fn stmt(&mut self, stmt: &Stmt, follows: bool) {
        match &stmt.kind {
            StmtKind::Let { names, is_tuple, ty, value } => {
                let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
                let names = names.join(", ");
                self.push(&if *is_tuple { format!("let ({names})") } else { format!("let {names}") });
                self.typed(ty.as_ref());
                self.push(" = ");
                self.expr(value, 0);
            }
            StmtKind::Var { name, ty, value } => {
                self.push(&format!("var {}", name.text));
                self.typed(ty.as_ref());
                if let Some(value) = value {
                    self.push(" = ");
                    self.expr(value, 0);
                }
            }
            StmtKind::Assign { target, op, value } => {
                self.expr(target, 0);
                self.push(&format!(" {}= ", op.map_or("", op_text)));
                self.expr(value, 0);
            }
            StmtKind::Assert { cond, message } => {
                self.push("assert ");
                self.expr(cond, 0);
                if !message.is_empty() {
                    self.push(", \"");
                    message.iter().for_each(|part| self.message_part(part));
                    self.push("\"");
                }
            }
            StmtKind::Loop { axis, body } => {
                self.push("loop ");
                self.axis(axis);
                self.push(" ");
                self.block(body);
            }
            StmtKind::While { cond, body } => {
                self.push("while ");
                self.expr(cond, 0);
                self.push(" ");
                self.block(body);
            }
            StmtKind::Break => self.push("break"),
            StmtKind::Continue => self.push("continue"),
            StmtKind::Return(None) => self.push("return"),
            StmtKind::Return(Some(value)) => {
                self.push("return ");
                self.expr(value, 0);
            }
            StmtKind::StaticLoop { name, over, body } => {
                self.push(&format!("static loop {} in ", name.text));
                match over {
                    Over::Values(values) => self.expr(values, 0),
                    Over::Range(range) => self.range(range),
                }
                self.push(" ");
                self.block(body);
            }
            StmtKind::Expr(expr) => self.expr(expr, if follows && continues_a_line(expr) { ATOM + 1 } else { 0 }),
        }
    }

    fn message_part(&mut self, part: &MessagePart) {
        match part {
            MessagePart::Text(text) => {
                for c in text.chars() {
                    match c {
                        '{' => self.push("{{"),
                        '}' => self.push("}}"),
                        c => self.push(&escape(c.encode_utf8(&mut [0; 4]).as_bytes(), '"')),
                    }
                }
            }
            MessagePart::Value(value) => {
                let mut inner = Speller::default();
                inner.expr(value, 0);
                // `{{` would be a literal brace.
                let opens = inner.out.starts_with('{');
                self.push(&if opens { format!("{{({})}}", inner.out) } else { format!("{{{}}}", inner.out) });
            }
        }
    }
}

/// Binding power of an expression's outermost operator.
fn power(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Lambda { .. } => 0,
        ExprKind::Binary(op, ..) => binary_power(*op),
        ExprKind::Unary(op, _) => unary_power(*op),
        ExprKind::Is(..) => IS_POWER,
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Text(_)
        | ExprKind::Byte(_)
        | ExprKind::Name(_)
        | ExprKind::Field(..)
        | ExprKind::Call { .. }
        | ExprKind::Index { .. }
        | ExprKind::Array(_)
        | ExprKind::Tuple(_)
        | ExprKind::If { .. }
        | ExprKind::For { .. }
        | ExprKind::Reduce { .. }
        | ExprKind::Block(_)
        | ExprKind::Error => ATOM,
    }
}

/// Whether the last token is `}`.
fn ends_with_block(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::If { .. } | ExprKind::For { .. } | ExprKind::Reduce { .. } | ExprKind::Block(_) => true,
        ExprKind::Unary(_, last) | ExprKind::Binary(_, _, last) | ExprKind::Lambda { body: last, .. } => {
            ends_with_block(last)
        }
        _ => false,
    }
}

/// Whether the first token is one with which a line continues the line before, or must not begin.
fn continues_a_line(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Unary(UnaryOp::Neg, _) | ExprKind::Lambda { .. } => true,
        ExprKind::Binary(op, first, _) => power(first) >= binary_power(*op) && continues_a_line(first),
        ExprKind::Is(first, _) | ExprKind::Field(first, _) => continues_a_line(first),
        ExprKind::Call { callee: first, .. } | ExprKind::Index { base: first, .. } => continues_a_line(first),
        _ => false,
    }
}

fn op_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
    }
}
