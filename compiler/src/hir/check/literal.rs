//! Literals: they stay open, and take the type they are used at within one statement.
//!
//! [`Checker::open`] says whether an expression is made of literals only. Whoever knows the type then checks it with
//! that [`Expect`]ation; with none, integers become `i32` and anything with a float in it `f32`. An integer literal may
//! become a float; a float literal never an integer. Scalar operations on literals are folded here.

use super::items::Global;
use super::{Checked, Checker, Expect, FnValue, constant, expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::load::item_name;
use crate::hir::scope::Binding;
use crate::hir::{Expr, ExprKind, Type};
use crate::ops::{Op, ReduceOp, eval};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ItemKind, TypeKind, UnaryOp};
use crate::types::{Const, Scalar};

/// What an open expression is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::hir) enum Open {
    /// Integer literals only.
    Int,
    /// At least one float literal.
    Float,
}

impl Open {
    /// The type that it takes if nothing asks for another.
    pub fn default_type(self) -> Scalar {
        match self {
            Open::Int => Scalar::I32,
            Open::Float => Scalar::F32,
        }
    }
}

impl Checker<'_> {
    /// Whether an expression consists of literals only, and of which kind.
    pub fn open(&mut self, tree: &ast::Expr) -> Option<Open> {
        use ast::ExprKind as E;
        match &tree.kind {
            E::Int(_) => Some(Open::Int),
            E::Float(_) => Some(Open::Float),
            E::Unary(UnaryOp::Neg | UnaryOp::BitNot, inner) => self.open(inner),
            E::Binary(op, left, right) => match op {
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Rem
                | BinaryOp::BitAnd
                | BinaryOp::BitOr
                | BinaryOp::BitXor
                | BinaryOp::Shl
                | BinaryOp::Shr => Some(self.open(right)?.max(self.open(left)?)),
                BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge => None,
            },
            E::Array(elements) => self.all_open(elements.iter()),
            E::Block(block) | E::For { body: block, .. } => self.open_block(block),
            E::Reduce { op, body, .. } => match op {
                ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min => self.open_block(body),
                ReduceOp::Any | ReduceOp::All | ReduceOp::Count | ReduceOp::ArgMax | ReduceOp::ArgMin => None,
            },
            E::If { is_static: false, then, otherwise: Some(otherwise), .. } => {
                Some(self.open_block(then)?.max(self.open_block(otherwise)?))
            }
            E::If { .. } => None,
            E::Index { base, .. } => self.open(base),
            E::Call { callee, args } => self.open_call(callee, args),
            E::Bool(_)
            | E::Text(_)
            | E::Byte(_)
            | E::Name(_)
            | E::Field(..)
            | E::Unary(UnaryOp::Not, _)
            | E::Tuple(_)
            | E::Lambda { .. }
            | E::Is(..)
            | E::Error => None,
        }
    }

    fn all_open<'t>(&mut self, mut trees: impl Iterator<Item = &'t ast::Expr>) -> Option<Open> {
        let first = self.open(trees.next()?)?;
        trees.try_fold(first, |kind, tree| Some(kind.max(self.open(tree)?)))
    }

    pub fn open_block(&mut self, block: &ast::Block) -> Option<Open> {
        match &block.stmts.last()?.kind {
            ast::StmtKind::Expr(value) => self.open(value),
            _ => None,
        }
    }

    /// A call is open if its result has the type of its arguments and these are open.
    fn open_call(&mut self, callee: &ast::Expr, args: &[ast::Arg]) -> Option<Open> {
        let ast::ExprKind::Name(name) = &callee.kind else { return None };
        if matches!(
            self.lookup(&name.text),
            Some(Binding::Type(_) | Binding::Local(_) | Binding::Size(_) | Binding::Const(_))
        ) {
            return None;
        }
        if let Some(Binding::Fn(FnValue::Op(op), _)) = self.lookup(&name.text) {
            return self.open_op(op, args);
        }
        match self.global(&name.text)? {
            Global::Op(op) => self.open_op(op, args),
            Global::Intrinsic(intrinsic) => {
                let tensors = intrinsic.tensor_args(args.len());
                self.all_open(args.iter().filter(|arg| arg.name.is_none()).take(tensors).map(|arg| &arg.value))
            }
            Global::Item(item) => {
                let ast = self.modules.get(item.module).ast.clone();
                let ItemKind::Fn(function) = &ast.items[item.item].kind else { return None };
                let [result] = &function.results[..] else { return None };
                let elem = elem_name(&result.ty)?;
                if Scalar::from_name(elem).is_some() {
                    return None;
                }
                let positions: Vec<usize> = (0..function.params.len())
                    .filter(|&param| elem_name(&function.params[param].ty) == Some(elem))
                    .collect();
                let given: Vec<&ast::Expr> = args
                    .iter()
                    .enumerate()
                    .filter(|(position, arg)| match &arg.name {
                        None => positions.contains(position),
                        Some(name) => positions.iter().any(|&param| function.params[param].name.text == name.text),
                    })
                    .map(|(_, arg)| &arg.value)
                    .collect();
                self.all_open(given.into_iter())
            }
            Global::Module(_) | Global::Poison => None,
        }
    }

    fn open_op(&mut self, op: Op, args: &[ast::Arg]) -> Option<Open> {
        match op.gives() {
            crate::ops::Gives::Same => self.all_open(args.iter().map(|arg| &arg.value)),
            crate::ops::Gives::Bool | crate::ops::Gives::BitsOf | crate::ops::Gives::FloatOf => None,
        }
    }

    /// The type that an open expression takes.
    pub fn settle(&self, open: Open, expect: &Expect) -> Scalar {
        match expect.elem() {
            Some(Scalar::Bool) | None => open.default_type(),
            Some(elem) => elem,
        }
    }

    /// An integer literal (with its sign) as a value of its type.
    pub fn int_literal(&mut self, value: i128, span: Span, expect: &Expect) -> Checked<Expr> {
        let ty = self.settle(Open::Int, expect);
        if ty.is_float() {
            return self.float_literal(&value.to_string(), span, &Expect::Elem(ty));
        }
        let (low, high) = ty.int_range().expect("an integer type");
        if value < low || value > high {
            let wider = [Scalar::I32, Scalar::I64, Scalar::U64]
                .into_iter()
                .find(|wider| wider.int_range().is_some_and(|(low, high)| (low..=high).contains(&value)));
            let mut diagnostic =
                Diagnostic::error(codes::LITERAL_RANGE, span, format!("`{value}` is out of range for {ty}"))
                    .note(format!("{ty} holds {low} to {high}"));
            if let Some(wider) = wider.filter(|wider| *wider != ty) {
                diagnostic = diagnostic.help(format!("convert what it is used with to {wider}, which holds it"));
            }
            return Err(self.report(diagnostic));
        }
        Ok(constant(Const::int(ty, value), span))
    }

    /// A float literal (with its sign) as a value of its type.
    pub fn float_literal(&mut self, text: &str, span: Span, expect: &Expect) -> Checked<Expr> {
        let ty = self.settle(Open::Float, expect);
        if !ty.is_float() {
            let whole = text.strip_suffix(".0").filter(|whole| whole.chars().all(|c| c.is_ascii_digit()));
            let mut diagnostic =
                Diagnostic::error(codes::LITERAL_KIND, span, format!("`{text}` is a float literal, {ty} is needed"))
                    .at(format!("this must be {ty}"));
            if let Some(whole) = whole {
                diagnostic = diagnostic.help(format!("write `{whole}`"));
            } else {
                diagnostic = diagnostic.help(format!("write a whole number, or convert: `{ty}({text})`"));
            }
            return Err(self.report(diagnostic));
        }
        let is_inf = text.trim_start_matches('-') == "inf";
        let wide: f64 = if text.trim_start_matches('-') == "nan" {
            f64::from_bits(0x7ff8_0000_0000_0000)
        } else {
            text.parse().map_err(|_| self.error(codes::LITERAL_RANGE, span, format!("`{text}` is not a number")))?
        };
        let value = match ty {
            Scalar::F64 => Const::f64(wide),
            // Parsed as f32 directly: rounding twice would differ.
            Scalar::F32 if wide.is_nan() => eval::cast(ty, Const::f64(wide)),
            Scalar::F32 => Const::f32(text.parse().expect("it parsed as f64")),
            _ => eval::cast(ty, Const::f64(wide)),
        };
        let overflowed = match ty {
            Scalar::F64 => value.as_f64().is_infinite(),
            Scalar::F32 => value.as_f32().is_infinite(),
            _ => value.bits & 0x7fff == 0x7c00,
        };
        if overflowed && !is_inf {
            return Err(self.report(
                Diagnostic::error(codes::LITERAL_RANGE, span, format!("`{text}` is out of range for {ty}"))
                    .help("write `inf` if infinity is meant"),
            ));
        }
        Ok(constant(value, span))
    }

    /// `[a, b, …]`: a literal table if all elements are literals, otherwise the elements stacked.
    pub fn array(&mut self, elements: &[ast::Expr], span: Span, expect: &Expect) -> Checked<Expr> {
        if elements.is_empty() {
            return Err(self.error(codes::NO_VALUE, span, "an empty table has no type"));
        }
        // Elements that know their type decide for those that do not.
        let mut checked: Vec<Option<Checked<Expr>>> = elements.iter().map(|_| None).collect();
        let mut expect = expect.clone();
        for (position, element) in elements.iter().enumerate() {
            if self.open(element).is_none() {
                let value = self.expr(element, &expect);
                if let Ok(value) = &value
                    && let Type::Tensor(tensor) = &value.ty
                {
                    expect = Expect::Elem(tensor.elem);
                }
                checked[position] = Some(value);
            }
        }
        if expect == Expect::None {
            let kind = self.all_open(elements.iter());
            expect = kind.map_or(Expect::None, |kind| Expect::Elem(kind.default_type()));
        }
        let mut values = Vec::new();
        for (element, done) in elements.iter().zip(checked) {
            values.push(match done {
                Some(value) => value,
                None => self.expr(element, &expect),
            });
        }
        let values = values.into_iter().collect::<Checked<Vec<Expr>>>()?;
        let first = self.tensor_of(&values[0], "an element of a table")?.clone();
        let mut table = Vec::new();
        for value in &values {
            self.same_type(
                codes::ELEMENT_TYPES,
                "elements of a table have one type and one shape",
                (&value.ty, value.span, "this element"),
                (&values[0].ty, values[0].span, "the first element"),
            )?;
            match &value.kind {
                ExprKind::Const(value) => table.push(*value),
                ExprKind::Table(row) => table.extend(row.iter().copied()),
                _ => {}
            }
        }
        let mut dims = vec![crate::size::Size::constant(values.len() as i64)];
        dims.extend(first.dims.iter().cloned());
        let all_literal = values.iter().all(|value| matches!(value.kind, ExprKind::Const(_) | ExprKind::Table(_)));
        let kind = if all_literal { ExprKind::Table(table) } else { ExprKind::Stack(values, 0) };
        Ok(expr(kind, Type::tensor(first.elem, dims), span))
    }

    /// `"…"`: a constant `u8[n]`.
    pub fn text(&self, bytes: &[u8], span: Span) -> Expr {
        let table = bytes.iter().map(|&byte| Const::int(Scalar::U8, i128::from(byte))).collect();
        let dims = vec![crate::size::Size::constant(bytes.len() as i64)];
        expr(ExprKind::Table(table), Type::tensor(Scalar::U8, dims), span)
    }

    /// An operation whose operands were checked; folded if all are scalar literals.
    pub fn fold_op(&mut self, op: Op, args: Vec<Expr>, ty: Type, span: Span) -> Checked<Expr> {
        let values: Option<Vec<Const>> = args
            .iter()
            .map(|arg| match arg.kind {
                ExprKind::Const(value) => Some(value),
                _ => None,
            })
            .collect();
        let divisor = match args.get(1).map(|arg| &arg.kind) {
            Some(ExprKind::Const(value)) if op.divides(value.ty) => Some(*value),
            _ => None,
        };
        if divisor.is_some_and(|divisor| divisor.as_int() == 0) {
            return Err(self.report(
                Diagnostic::error(codes::DIVISION_BY_ZERO, args[1].span, "division by zero").at("this is always 0"),
            ));
        }
        Ok(match values {
            Some(values) => constant(eval::apply(op, &values), span),
            None => expr(ExprKind::Op(op, args), ty, span),
        })
    }

    /// A cast; folded on literals, dropped if it changes nothing.
    pub fn fold_cast(&self, to: Scalar, arg: Expr, span: Span) -> Expr {
        let Type::Tensor(tensor) = &arg.ty else { unreachable!("only tensors are cast") };
        if tensor.elem == to {
            return Expr { span, ..arg };
        }
        let ty = Type::tensor(to, tensor.dims.clone());
        match &arg.kind {
            ExprKind::Const(value) => constant(eval::cast(to, *value), span),
            ExprKind::Table(values) => {
                let values = values.iter().map(|value| eval::cast(to, *value)).collect();
                expr(ExprKind::Table(values), ty, span)
            }
            _ => expr(ExprKind::Cast(Box::new(arg)), ty, span),
        }
    }

    /// The name of an item, for messages: `nn.softmax`; items of the root stand alone.
    pub fn item_text(&self, item: crate::hir::load::ItemId) -> String {
        let module = self.modules.get(item.module);
        let name = item_name(self.modules.item(item)).map_or("", |name| &name.text);
        if item.module.0 == 0 { name.to_string() } else { format!("{}.{name}", module.name) }
    }
}

/// The element type's name in a parameter or result type.
pub(super) fn elem_name(ty: &ast::TypeExpr) -> Option<&str> {
    match &ty.kind {
        TypeKind::Name(name) | TypeKind::Tensor(name, _) | TypeKind::List(name, _) => Some(&name.text),
        TypeKind::Fn(..) | TypeKind::Error => None,
    }
}
