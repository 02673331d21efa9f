//! Operators and the scalar operations that are called by name: operand types, literals, broadcasting.

use super::expr::block_type;
use super::literal::Open;
use super::shape::Shape;
use super::{Checked, Checker, Expect, constant, expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::{Block, Expr, ExprKind, Type};
use crate::ops::{Op, Takes};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, UnaryOp};
use crate::types::{Const, Scalar};

impl Checker<'_> {
    pub fn unary(&mut self, op: UnaryOp, inner: &ast::Expr, span: Span, expect: &Expect) -> Checked<Expr> {
        let op = match op {
            UnaryOp::Neg => Op::Neg,
            UnaryOp::Not => Op::Not,
            UnaryOp::BitNot => Op::BitNot,
        };
        let expect = if op == Op::Not { &Expect::None } else { expect };
        let arg = self.settled_operand(inner, expect)?;
        self.op(op, vec![arg], span)
    }

    fn settled_operand(&mut self, tree: &ast::Expr, expect: &Expect) -> Checked<Expr> {
        match self.open(tree) {
            Some(open) => {
                let elem = widened(self.settle(open, expect));
                self.expr(tree, &Expect::Elem(elem))
            }
            None => self.expr(tree, &Expect::None),
        }
    }

    pub fn binary(
        &mut self,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        expect: &Expect,
    ) -> Checked<Expr> {
        let op = match op {
            BinaryOp::And => return self.logic(true, left, right, span),
            BinaryOp::Or => return self.logic(false, left, right, span),
            other => infix(other),
        };
        let expect = if op.gives() == crate::ops::Gives::Bool { &Expect::None } else { expect };
        let args = self.operands(&[left, right], expect)?;
        self.op(op, args, span)
    }

    /// Checks the operands of one operation; literals take the type of the operands that have one.
    pub fn operands(&mut self, trees: &[&ast::Expr], expect: &Expect) -> Checked<Vec<Expr>> {
        let open: Vec<Option<Open>> = trees.iter().map(|tree| self.open(tree)).collect();
        let mut checked: Vec<Option<Checked<Expr>>> = trees.iter().map(|_| None).collect();
        let mut known: Option<Expr> = None;
        for (position, tree) in trees.iter().enumerate() {
            if open[position].is_none() {
                let value = self.expr(tree, &Expect::None);
                if known.is_none()
                    && let Ok(value) = &value
                {
                    known = Some(value.clone());
                }
                checked[position] = Some(value);
            }
        }
        let elem = match &known {
            Some(value) => value.ty.as_tensor().map(|tensor| tensor.elem),
            None => open.iter().flatten().max().map(|open| self.settle(*open, expect)),
        };
        // Where the typed operand failed, nothing is known about what literals should be.
        let silent = known.is_none() && checked.iter().any(Option::is_some);
        let mut values = Vec::new();
        for (position, tree) in trees.iter().enumerate() {
            values.push(match checked[position].take() {
                Some(value) => value,
                None if silent => Err(super::Reported),
                None => {
                    let elem = elem.map(widened);
                    if let (Some(Open::Float), Some(elem), Some(other)) = (open[position], elem, &known)
                        && !elem.is_float()
                    {
                        let (shown, other_span) = (self.show_type(&other.ty), other.span);
                        let other_text = self.sources.text(other_span).to_string();
                        Err(self.report(
                            Diagnostic::error(
                                codes::LITERAL_KIND,
                                tree.span,
                                format!("a float literal does not go with {shown}"),
                            )
                            .at("a float literal cannot be an integer")
                            .label(other_span, format!("this is {shown}"))
                            .help(format!("convert the integer: `f32({other_text})`")),
                        ))
                    } else {
                        self.expr(tree, &elem.map_or(Expect::None, Expect::Elem))
                    }
                }
            });
        }
        values.into_iter().collect()
    }

    /// `and`, `or`: the right side is evaluated only if the left one does not decide.
    fn logic(&mut self, is_and: bool, left: &ast::Expr, right: &ast::Expr, span: Span) -> Checked<Expr> {
        let word = if is_and { "and" } else { "or" };
        let what = format!("an operand of `{word}`");
        let left = self.logic_operand(left, word, &what);
        self.frame_mut().conditions += 1;
        let right = self.logic_operand(right, word, &what);
        self.frame_mut().conditions -= 1;
        let (left, right) = (left?, right?);
        if let (ExprKind::Const(a), ExprKind::Const(b)) = (&left.kind, &right.kind) {
            let (a, b) = (a.bits != 0, b.bits != 0);
            return Ok(constant(Const::bool(if is_and { a && b } else { a || b }), span));
        }
        let decided = Block { stmts: Vec::new(), value: Some(Box::new(constant(Const::bool(!is_and), span))) };
        let right = Block { stmts: Vec::new(), value: Some(Box::new(right)) };
        let (then, otherwise) = if is_and { (right, decided) } else { (decided, right) };
        let ty = block_type(&then).clone();
        Ok(expr(ExprKind::If { cond: Box::new(left), then, otherwise }, ty, span))
    }

    fn logic_operand(&mut self, tree: &ast::Expr, word: &str, what: &str) -> Checked<Expr> {
        let value = self.expr(tree, &Expect::None)?;
        if value.ty.as_scalar() == Some(Scalar::Bool) {
            return Ok(value);
        }
        let found = self.show_type(&value.ty);
        let mut diagnostic = Diagnostic::error(codes::NOT_A_CONDITION, value.span, format!("{what} must be a bool"))
            .at(format!("this is {found}"))
            .note(format!("expected: bool\n   found: {found}"));
        if value.ty.as_tensor().is_some_and(|tensor| tensor.elem == Scalar::Bool) {
            let sign = if word == "and" { "&" } else { "|" };
            diagnostic = diagnostic.help(format!("on tensors of bool write `{sign}`"));
        }
        Err(self.report(diagnostic))
    }

    /// An operation on checked operands: `f16` widens, element types must be equal and taken, shapes broadcast.
    pub fn op(&mut self, op: Op, args: Vec<Expr>, span: Span) -> Checked<Expr> {
        let mut args: Vec<Expr> = args.into_iter().map(|arg| self.widen(arg)).collect();
        for arg in &args {
            self.tensor_of(arg, &format!("an operand of `{}`", symbol(op)))?;
        }
        let elem = args[0].ty.as_tensor().expect("just seen").elem;
        if let [left, right] = &args[..] {
            let right_elem = right.ty.as_tensor().expect("just seen").elem;
            if elem != right_elem {
                let (a, b) = (self.show_type(&left.ty), self.show_type(&right.ty));
                let mut diagnostic = Diagnostic::error(
                    codes::ELEMENT_TYPES,
                    span,
                    format!("`{}` needs operands of one type, found {a} and {b}", symbol(op)),
                )
                .label(left.span, format!("this is {a}"))
                .label(right.span, format!("this is {b}"));
                let narrow = if convert_left(elem, right_elem) { (left, right_elem) } else { (right, elem) };
                let text = self.sources.text(narrow.0.span);
                diagnostic = diagnostic.help(format!("convert one of them: `{}({text})`", narrow.1));
                return Err(self.report(diagnostic));
            }
        }
        let Some(result) = op.result(elem) else { return Err(self.not_taken(op, elem, &args[0], span)) };
        let mut dims = args[0].ty.as_tensor().expect("just seen").dims.clone();
        for arg in &args[1..] {
            let message = format!("operands of `{}` have shapes that do not go together", symbol(op));
            let right = arg.ty.as_tensor().expect("just seen").dims.clone();
            dims = self.broadcast(
                &message,
                &Shape { dims: &dims, span: args[0].span, what: "the left side" },
                &Shape { dims: &right, span: arg.span, what: "the right side" },
            )?;
        }
        if op == Op::FromBits || op == Op::Bits {
            // These change the type; operands stay as they are.
            args.truncate(1);
        }
        self.fold_op(op, args, Type::tensor(result, dims), span)
    }

    /// `f16` operands are widened to `f32`.
    pub fn widen(&self, arg: Expr) -> Expr {
        match &arg.ty {
            Type::Tensor(tensor) if tensor.elem == Scalar::F16 => {
                let span = arg.span;
                self.fold_cast(Scalar::F32, arg, span)
            }
            Type::Tensor(_) | Type::Tuple(_) | Type::List(_) => arg,
        }
    }

    fn not_taken(&mut self, op: Op, elem: Scalar, arg: &Expr, span: Span) -> super::Reported {
        let takes = match op.takes() {
            Takes::Number => "numbers",
            Takes::Integer if op == Op::FromBits => "u32 or u64",
            Takes::Integer => "integers",
            Takes::Float => "floats",
            Takes::Bool => "bool",
            Takes::Bits => "bool or integers",
            Takes::Any => "any type",
        };
        let mut diagnostic =
            Diagnostic::error(codes::OPERAND_TYPE, span, format!("`{}` takes {takes}, found {elem}", symbol(op)))
                .label(arg.span, format!("this is {elem}"));
        let text = self.sources.text(arg.span);
        diagnostic = match op {
            Op::Rem if elem.is_float() => diagnostic.help("for floats write `fmod(a, b)` or `remainder(a, b)`"),
            Op::Not if elem.is_int() => diagnostic.help("for all bits write `~x`; for a test write `x == 0`"),
            Op::Sqrt | Op::Floor | Op::Ceil | Op::Trunc | Op::Round if elem.is_int() => {
                diagnostic.help(format!("convert it: `{}(f32({text}))`", op.name()))
            }
            _ => diagnostic,
        };
        self.report(diagnostic)
    }

    /// A call of an operation by name: `max(a, b)`, `sqrt(x)`.
    pub fn op_call(&mut self, op: Op, args: &[ast::Arg], span: Span, expect: &Expect) -> Checked<Expr> {
        if let Some(named) = args.iter().find_map(|arg| arg.name.as_ref()) {
            let message = format!("`{}` has no named parameters", op.name());
            return Err(self.error(codes::ARGUMENT_NAME, named.span, message));
        }
        if args.len() != op.arity() {
            let message = format!("`{}` takes {}, {} given", op.name(), count(op.arity()), args.len());
            let mut diagnostic = Diagnostic::error(codes::ARGUMENT_COUNT, span, message);
            if matches!(op, Op::Min | Op::Max) {
                let name = op.name();
                diagnostic = diagnostic.help(match args.len() {
                    1 => format!("to reduce a tensor write `{name} i {{ x[i] }}`"),
                    _ => format!("nest it: `{name}({name}(a, b), c)`"),
                });
            }
            return Err(self.report(diagnostic));
        }
        let trees: Vec<&ast::Expr> = args.iter().map(|arg| &arg.value).collect();
        let expect = match op.gives() {
            crate::ops::Gives::Same => expect.clone(),
            crate::ops::Gives::Bool => Expect::None,
            crate::ops::Gives::BitsOf => match expect.elem() {
                Some(Scalar::U64) => Expect::Elem(Scalar::F64),
                _ => Expect::None,
            },
            crate::ops::Gives::FloatOf => match expect.elem() {
                Some(Scalar::F64) => Expect::Elem(Scalar::U64),
                _ => Expect::Elem(Scalar::U32),
            },
        };
        let args = self.operands(&trees, &expect)?;
        self.op(op, args, span)
    }
}

/// The operation behind an infix operator. (`and`, `or` of expressions are branches; here they are `&`, `|`.)
pub(super) fn infix(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Add => Op::Add,
        BinaryOp::Sub => Op::Sub,
        BinaryOp::Mul => Op::Mul,
        BinaryOp::Div => Op::Div,
        BinaryOp::Rem => Op::Rem,
        BinaryOp::BitAnd | BinaryOp::And => Op::And,
        BinaryOp::BitOr | BinaryOp::Or => Op::Or,
        BinaryOp::BitXor => Op::Xor,
        BinaryOp::Shl => Op::Shl,
        BinaryOp::Shr => Op::Shr,
        BinaryOp::Eq => Op::Eq,
        BinaryOp::Ne => Op::Ne,
        BinaryOp::Lt => Op::Lt,
        BinaryOp::Le => Op::Le,
        BinaryOp::Gt => Op::Gt,
        BinaryOp::Ge => Op::Ge,
    }
}

/// `f16` computes as `f32`.
pub(super) fn widened(elem: Scalar) -> Scalar {
    if elem == Scalar::F16 { Scalar::F32 } else { elem }
}

/// Whether the left operand is the one that converting loses least.
fn convert_left(left: Scalar, right: Scalar) -> bool {
    let rank = |elem: Scalar| (elem.is_float(), elem.bytes());
    rank(left) < rank(right)
}

/// How an operation is written.
pub(super) fn symbol(op: Op) -> &'static str {
    match op {
        Op::Neg => "-",
        Op::BitNot => "~",
        other => other.name(),
    }
}

/// `2 arguments`.
pub(super) fn count(arguments: usize) -> String {
    if arguments == 1 { "1 argument".to_string() } else { format!("{arguments} arguments") }
}
