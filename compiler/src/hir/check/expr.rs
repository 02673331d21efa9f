//! Expressions: one entry that sends each form to its own file; names, fields, tuples and conditionals are here.

use super::items::Global;
use super::{Checked, Checker, Expect, Pure, Reported, constant, expr, size_expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::scope::{Binding, did_you_mean};
use crate::hir::{Block, Expr, ExprKind, LocalId, Type};
use crate::size::DimExpr;
use crate::source::Span;
use crate::syntax::ast::{self, UnaryOp};
use crate::types::{Const, Scalar};

impl Checker<'_> {
    /// Checks an expression. `expect` decides only what literals become; the result may have another type.
    pub fn expr(&mut self, tree: &ast::Expr, expect: &Expect) -> Checked<Expr> {
        use ast::ExprKind as E;
        let span = tree.span;
        match &tree.kind {
            E::Int(value) => self.int_literal(i128::from(*value), span, expect),
            E::Float(text) => self.float_literal(text, span, expect),
            E::Bool(value) => Ok(constant(Const::bool(*value), span)),
            E::Text(bytes) => Ok(self.text(bytes, span)),
            E::Byte(byte) => Ok(constant(Const::int(Scalar::U8, i128::from(*byte)), span)),
            E::Name(name) => self.name(name),
            E::Field(base, field) => self.field(base, field, span),
            E::Call { callee, args } => self.call(callee, args, span, expect),
            E::Index { base, items, default } => self.index(base, items, default.as_deref(), span, expect),
            E::Unary(UnaryOp::Neg, inner) => match &inner.kind {
                E::Int(value) => self.int_literal(-i128::from(*value), span, expect),
                E::Float(text) if text != "nan" => self.float_literal(&format!("-{text}"), span, expect),
                _ => self.unary(UnaryOp::Neg, inner, span, expect),
            },
            E::Unary(op, inner) => self.unary(*op, inner, span, expect),
            E::Binary(op, left, right) => self.binary(*op, left, right, span, expect),
            E::Array(elements) => self.array(elements, span, expect),
            E::Tuple(parts) => self.tuple(parts, span, expect),
            E::If { is_static: false, cond, then, otherwise } => {
                if std::mem::take(&mut self.frame_mut().is_whole) {
                    return self.conditional(cond, then, otherwise.as_ref(), span, expect);
                }
                self.behind(false, |checker| checker.conditional(cond, then, otherwise.as_ref(), span, expect))
            }
            E::If { is_static: true, cond, then, otherwise } => {
                let taken = if self.static_condition(cond)? { Some(then) } else { otherwise.as_ref() };
                match taken {
                    Some(block) => self.block_value(block, span, expect),
                    None => Err(self.error(codes::NO_VALUE, span, "this `static if` has no value here")),
                }
            }
            E::For { axes, body } => self.for_expr(axes, body, span, expect),
            E::Reduce { op, scan: false, axes, body } => self.reduce(*op, axes, body, span, expect),
            E::Reduce { op, scan: true, axes, body } => self.scan(*op, axes, body, span, expect),
            E::Lambda { .. } => Err(self.report(
                Diagnostic::error(codes::NOT_A_VALUE, span, "a lambda can only be an argument")
                    .note("functions are not values; a parameter of type `fn(…) -> …` takes them"),
            )),
            E::Is(..) => Err(self.report(
                Diagnostic::error(codes::STATIC_CONDITION, span, "`is` can only stand in the condition of `static if`")
                    .help("write `static if T is f32 { … } else { … }`"),
            )),
            E::Block(block) => self.block_value(block, span, expect),
            E::Error => Err(Reported),
        }
    }

    fn block_value(&mut self, block: &ast::Block, span: Span, expect: &Expect) -> Checked<Expr> {
        let block = if std::mem::take(&mut self.frame_mut().is_whole) {
            self.block(block, expect)?
        } else {
            self.behind(false, |checker| checker.block(block, expect))?
        };
        Ok(block_expr(block, span))
    }

    /// Checks an expression that must be a scalar of this type.
    pub fn scalar_expr(&mut self, tree: &ast::Expr, ty: Scalar, code: crate::diag::Code, what: &str) -> Checked<Expr> {
        let value = self.expr(tree, &Expect::Elem(ty))?;
        if value.ty.as_scalar() == Some(ty) {
            return Ok(value);
        }
        let found = self.show_type(&value.ty);
        let mut diagnostic = Diagnostic::error(code, value.span, format!("{what} must be {}", with_article(ty)))
            .at(format!("this is {found}"))
            .note(format!("expected: {ty}\n   found: {found}"));
        match (value.ty.as_scalar(), ty) {
            (Some(from), Scalar::I32) if from != Scalar::Bool => {
                diagnostic = diagnostic.help(format!("convert it: `i32({})`", self.sources.text(value.span)));
            }
            (Some(from), Scalar::Bool) if from != Scalar::Bool => {
                diagnostic = diagnostic.help(format!("compare it: `{} != 0`", self.sources.text(value.span)));
            }
            (None, Scalar::Bool) => {
                diagnostic = diagnostic.help("reduce it: `all i { … }` or `any i { … }`");
            }
            _ => {}
        }
        Err(self.report(diagnostic))
    }

    fn name(&mut self, name: &ast::Name) -> Checked<Expr> {
        match self.lookup(&name.text) {
            Some(Binding::Local(local)) if self.ty(local).as_list().is_some() => Ok(self.freeze(local, name.span)),
            Some(Binding::Local(local)) => Ok(self.local(local, name.span)),
            Some(Binding::Size(size)) => Ok(size_expr(size, name.span)),
            Some(Binding::Const(value)) => Ok(constant(value, name.span)),
            Some(Binding::Type(_)) => Err(self.type_as_value(name)),
            Some(Binding::Fn(..)) => Err(self.report(
                Diagnostic::error(codes::NOT_A_VALUE, name.span, format!("`{}` is a function, not a value", name.text))
                    .help(format!("call it: `{}(…)`", name.text)),
            )),
            Some(Binding::Poison) => Err(Reported),
            None if Scalar::from_name(&name.text).is_some() => Err(self.type_as_value(name)),
            None => match self.global(&name.text) {
                Some(Global::Item(item)) => self.item_value(item, name.span),
                Some(Global::Poison) => Err(Reported),
                Some(Global::Module(_)) => {
                    let message = format!("`{}` is a module, not a value", name.text);
                    Err(self.error(codes::NOT_A_VALUE, name.span, message))
                }
                Some(Global::Op(_) | Global::Intrinsic(_)) => Err(self.report(
                    Diagnostic::error(
                        codes::NOT_A_VALUE,
                        name.span,
                        format!("`{}` is a function, not a value", name.text),
                    )
                    .help(format!("call it: `{}(…)`", name.text)),
                )),
                None => Err(self.unknown(name, "name")),
            },
        }
    }

    fn type_as_value(&mut self, name: &ast::Name) -> Reported {
        self.report(
            Diagnostic::error(codes::NOT_A_VALUE, name.span, format!("`{}` is a type, not a value", name.text))
                .help(format!("call it to convert: `{}(x)`", name.text)),
        )
    }

    /// A use of a local; one that is a size is used as that size.
    pub fn local(&self, local: LocalId, span: Span) -> Expr {
        match &self.frame().pure[local.0 as usize] {
            Some(Pure::Scalar(DimExpr::Size(size))) => size_expr(size.clone(), span),
            _ => expr(ExprKind::Local(local), self.ty(local).clone(), span),
        }
    }

    fn field(&mut self, base: &ast::Expr, field: &ast::Name, span: Span) -> Checked<Expr> {
        if let ast::ExprKind::Name(name) = &base.kind
            && self.lookup(&name.text).is_none()
        {
            match self.global(&name.text) {
                Some(Global::Module(module)) => {
                    let item = self.module_item(module, field)?;
                    return self.item_value(item, span);
                }
                Some(Global::Poison) => return Err(Reported),
                _ => {}
            }
        }
        if let Some(list) = self.list_named(base) {
            return self.list_field(list, base, field, span);
        }
        let base = self.expr(base, &Expect::None)?;
        self.component(base, field, span)
    }

    /// A named component of a tuple.
    fn component(&mut self, base: Expr, field: &ast::Name, span: Span) -> Checked<Expr> {
        if let Type::Tuple(parts) = &base.ty {
            let at = parts.iter().position(|(name, _)| name.as_deref() == Some(&field.text));
            if let Some(at) = at {
                let ty = parts[at].1.clone();
                // A component of a tuple that stands here is that component.
                return Ok(expr(ExprKind::Field(Box::new(base), at), ty, span));
            }
        }
        let shown = self.show_type(&base.ty);
        let mut diagnostic =
            Diagnostic::error(codes::NO_SUCH_FIELD, field.span, format!("there is no field `{}`", field.text))
                .label(base.span, format!("this is {shown}"));
        if let Type::Tuple(parts) = &base.ty {
            let names: Vec<&str> = parts.iter().filter_map(|(name, _)| name.as_deref()).collect();
            if let Some(near) = did_you_mean(&field.text, names.iter().copied()) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
            } else if !names.is_empty() {
                diagnostic = diagnostic.note(format!("it has {}", names.join(", ")));
            }
        } else if field.text == "len" || field.text == "shape" {
            diagnostic = diagnostic.help("write `extent(x, 0)` for the extent of axis 0");
        }
        Err(self.report(diagnostic))
    }

    fn tuple(&mut self, parts: &[(Option<ast::Name>, ast::Expr)], span: Span, expect: &Expect) -> Checked<Expr> {
        let mut values = Vec::new();
        let mut types = Vec::new();
        let mut failed = false;
        for (position, (name, part)) in parts.iter().enumerate() {
            let expect = match expect {
                Expect::Tuple(parts) => parts.get(position).cloned().unwrap_or_default(),
                Expect::None | Expect::Elem(_) => Expect::None,
            };
            match self.settled(part, &expect) {
                Ok(value) => {
                    types.push((name.as_ref().map(|name| name.text.clone()), value.ty.clone()));
                    values.push(value);
                }
                Err(Reported) => failed = true,
            }
        }
        if failed { Err(Reported) } else { Ok(expr(ExprKind::Tuple(values), Type::tuple(types), span)) }
    }

    /// Checks an expression; literals that nothing else decides become `i32` or `f32` here.
    pub fn settled(&mut self, tree: &ast::Expr, expect: &Expect) -> Checked<Expr> {
        if *expect == Expect::None
            && let Some(open) = self.open(tree)
        {
            return self.expr(tree, &Expect::Elem(open.default_type()));
        }
        self.expr(tree, expect)
    }

    fn conditional(
        &mut self,
        cond: &ast::Expr,
        then: &ast::Block,
        otherwise: Option<&ast::Block>,
        span: Span,
        expect: &Expect,
    ) -> Checked<Expr> {
        let cond = self.scalar_expr(cond, Scalar::Bool, codes::NOT_A_CONDITION, "a condition");
        let Some(otherwise) = otherwise else {
            return Err(self.report(
                Diagnostic::error(codes::NO_VALUE, span, "an `if` that is a value needs an `else`")
                    .help("add `else { … }`"),
            ));
        };
        self.frame_mut().conditions += 1;
        // The branch whose type is known decides for one made of literals.
        let (then, otherwise) = if self.open_block(then).is_some() && self.open_block(otherwise).is_none() {
            let otherwise = self.block(otherwise, expect);
            let expect = otherwise.as_ref().map_or(expect.clone(), |block| Expect::of(block_type(block)));
            (self.block(then, &expect), otherwise)
        } else {
            let both = match (self.open_block(then), self.open_block(otherwise)) {
                (Some(a), Some(b)) => Expect::Elem(self.settle(a.max(b), expect)),
                _ => expect.clone(),
            };
            let then = self.block(then, &both);
            let expect = then.as_ref().map_or(both, |block| Expect::of(block_type(block)));
            (then, self.block(otherwise, &expect))
        };
        self.frame_mut().conditions -= 1;
        let (cond, mut then, mut otherwise) = (cond?, then?, otherwise?);
        self.widen_branch(&mut then, &otherwise);
        self.widen_branch(&mut otherwise, &then);
        let value_span = |block: &Block| block.value.as_ref().map_or(span, |value| value.span);
        let (then_span, otherwise_span) = (value_span(&then), value_span(&otherwise));
        let (then_ty, otherwise_ty) = (block_type(&then).clone(), block_type(&otherwise).clone());
        self.same_type(
            codes::BRANCH_TYPES,
            "the branches of an `if` have different types",
            (&otherwise_ty, otherwise_span, "the second branch"),
            (&then_ty, then_span, "the first branch"),
        )?;
        Ok(expr(ExprKind::If { cond: Box::new(cond), then, otherwise }, then_ty, span))
    }

    /// A branch of `f16` beside one of `f32` is widened.
    fn widen_branch(&self, branch: &mut Block, other: &Block) {
        let elem = |block: &Block| block.value.as_ref().and_then(|value| value.ty.as_tensor()).map(|ty| ty.elem);
        if elem(branch) == Some(Scalar::F16)
            && elem(other) == Some(Scalar::F32)
            && let Some(value) = branch.value.take()
        {
            branch.value = Some(Box::new(self.widen(*value)));
        }
    }
}

/// The type of a block's value.
pub(super) fn block_type(block: &Block) -> &Type {
    &block.value.as_ref().expect("a block that is a value has one").ty
}

/// A block as an expression; one without statements is its value.
pub(super) fn block_expr(block: Block, span: Span) -> Expr {
    match block.value {
        Some(value) if block.stmts.is_empty() => *value,
        Some(ref value) => {
            let ty = value.ty.clone();
            expr(ExprKind::Block(block), ty, span)
        }
        None => unreachable!("a block that is a value has one"),
    }
}

/// `an i32`, `a bool`.
pub(super) fn with_article(ty: Scalar) -> String {
    let vowel = ty.name().starts_with(['i', 'f']);
    format!("{} {ty}", if vowel { "an" } else { "a" })
}
