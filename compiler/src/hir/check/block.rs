//! Blocks and statements of parallel code. Sequential statements are refused here: they come with their own issue.

use super::expr::block_expr;
use super::{Checked, Checker, Expect, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::scope::Binding;
use crate::hir::{Block, Expr, ExprKind, MessagePart, Stmt, Type};
use crate::source::Span;
use crate::syntax::ast::{self, StmtKind};
use crate::types::Scalar;

impl Checker<'_> {
    /// Checks a block that is a value.
    pub fn block(&mut self, block: &ast::Block, expect: &Expect) -> Checked<Block> {
        self.frame_mut().scopes.open();
        let result = self.statements(block, expect, true);
        self.frame_mut().scopes.close();
        result
    }

    /// Checks the statements of a block, in the scope that is open. With `wants_value`, the last one is its value.
    pub fn statements(&mut self, block: &ast::Block, expect: &Expect, wants_value: bool) -> Checked<Block> {
        let mut stmts = Vec::new();
        let mut failed = false;
        let mut value = None;
        for (position, stmt) in block.stmts.iter().enumerate() {
            let is_last = position + 1 == block.stmts.len();
            if let (true, true, StmtKind::Expr(tree)) = (is_last, wants_value, &stmt.kind) {
                match self.expr(tree, expect) {
                    Ok(checked) => value = Some(Box::new(checked)),
                    Err(Reported) => failed = true,
                }
            } else if self.statement(stmt, &mut stmts).is_err() {
                failed = true;
            }
        }
        if wants_value && value.is_none() && !failed {
            let end = Span { start: block.span.end.saturating_sub(1).max(block.span.start), ..block.span };
            let mut diagnostic = Diagnostic::error(codes::NO_VALUE, end, "this block has no value")
                .at("a value is expected before this brace");
            if let Some(ast::Stmt { kind: StmtKind::Let { names, .. }, span }) = block.stmts.last() {
                diagnostic = diagnostic.label(*span, "the last statement is a `let`");
                if let [name] = &names[..] {
                    diagnostic = diagnostic.help(format!("end the block with `{}`", name.text));
                }
            }
            return Err(self.report(diagnostic));
        }
        if failed { Err(Reported) } else { Ok(Block { stmts, value }) }
    }

    fn statement(&mut self, stmt: &ast::Stmt, out: &mut Vec<Stmt>) -> Checked<()> {
        match &stmt.kind {
            StmtKind::Let { names, is_tuple, ty, value } => {
                let result = self.let_statement(names, *is_tuple, ty.as_ref(), value, stmt.span);
                match result {
                    Ok(stmt) => out.push(stmt),
                    Err(Reported) => {
                        for name in names {
                            self.bind(&name.text, Binding::Poison);
                        }
                        return Err(Reported);
                    }
                }
                Ok(())
            }
            StmtKind::Assert { cond, message } => {
                let cond = self.scalar_expr(cond, Scalar::Bool, codes::NOT_A_CONDITION, "the condition of an assert");
                let message = self.message(message);
                out.push(Stmt::Assert { cond: cond?, message: message?, span: stmt.span });
                Ok(())
            }
            StmtKind::Expr(tree) => self.expression_statement(tree, out),
            StmtKind::Var { name, .. } => {
                self.bind(&name.text, Binding::Poison);
                Err(self.not_yet_sequential(stmt.span, "`var`"))
            }
            StmtKind::Assign { .. } => Err(self.not_yet_sequential(stmt.span, "assignment")),
            StmtKind::Loop { axis, .. } => {
                Err(self.not_yet_sequential(Span { end: axis.name.span.end, ..stmt.span }, "`loop`"))
            }
            StmtKind::While { cond, .. } => {
                Err(self.not_yet_sequential(Span { end: cond.span.end, ..stmt.span }, "`while`"))
            }
            StmtKind::Break => Err(self.not_yet_sequential(stmt.span, "`break`")),
            StmtKind::Continue => Err(self.not_yet_sequential(stmt.span, "`continue`")),
            StmtKind::Return(_) => Err(self.not_yet_sequential(stmt.span, "`return`")),
            StmtKind::StaticLoop { .. } => {
                Err(self.error(codes::NOT_YET_STATIC, stmt.span, "`static loop` is not available yet"))
            }
        }
    }

    pub fn not_yet_sequential(&mut self, span: Span, what: &str) -> Reported {
        let message = format!("{what} is not available yet: sequential code comes in a later version");
        self.error(codes::NOT_YET_SEQUENTIAL, span, message)
    }

    fn let_statement(
        &mut self,
        names: &[ast::Name],
        is_tuple: bool,
        ty: Option<&ast::TypeExpr>,
        value: &ast::Expr,
        span: Span,
    ) -> Checked<Stmt> {
        let declared = ty.map(|ty| Ok((self.value_type(ty)?, ty.span))).transpose();
        let expect = match &declared {
            Ok(Some((ty, _))) => Expect::of(ty),
            Ok(None) | Err(Reported) => Expect::None,
        };
        let value = self.settled(value, &expect);
        let (declared, mut value) = (declared?, value?);
        if let Some((ty, ty_span)) = &declared {
            value = self.coerce(value, ty);
            self.same_type(
                codes::RESULT_TYPE,
                "the value has another type than declared",
                (&value.ty, value.span, "the value"),
                (ty, *ty_span, "the declared type"),
            )?;
        }
        if value.ty == Type::Tuple(Vec::new()) {
            return Err(self.error(codes::NO_VALUE, value.span, "this call has no value"));
        }
        if !is_tuple {
            let pure = self.let_pure(&value);
            let name = &names[0];
            let local = self.add_local(&name.text, value.ty.clone(), name.span, pure);
            self.bind(&name.text, Binding::Local(local));
            return Ok(Stmt::Let { locals: vec![local], value });
        }
        let Type::Tuple(parts) = value.ty.clone() else {
            let found = self.show_type(&value.ty);
            return Err(self.report(
                Diagnostic::error(codes::TUPLE_PARTS, span, "only several values can be taken apart")
                    .label(value.span, format!("this is {found}"))
                    .help(format!("write `let {} = …`", names[0].text)),
            ));
        };
        if parts.len() != names.len() {
            let found = self.show_type(&value.ty);
            return Err(self.report(
                Diagnostic::error(
                    codes::TUPLE_PARTS,
                    span,
                    format!("{} names for {} values", names.len(), parts.len()),
                )
                .label(value.span, format!("this is {found}")),
            ));
        }
        let pure = match self.pure(&value) {
            Some(super::Pure::Tuple(parts)) => parts,
            Some(super::Pure::Scalar(_)) | None => vec![None; names.len()],
        };
        let mut locals = Vec::new();
        for ((name, (_, ty)), pure) in names.iter().zip(parts).zip(pure) {
            let local = self.add_local(&name.text, ty, name.span, pure);
            self.bind(&name.text, Binding::Local(local));
            locals.push(local);
        }
        Ok(Stmt::Let { locals, value })
    }

    fn message(&mut self, parts: &[ast::MessagePart]) -> Checked<Vec<MessagePart>> {
        let mut result = Vec::new();
        let mut failed = false;
        for part in parts {
            match part {
                ast::MessagePart::Text(text) => result.push(MessagePart::Text(text.clone())),
                ast::MessagePart::Value(tree) => match self.settled(tree, &Expect::None) {
                    Ok(value) if value.ty.as_scalar().is_some() => result.push(MessagePart::Value(value)),
                    Ok(value) => {
                        let found = self.show_type(&value.ty);
                        self.report(
                            Diagnostic::error(codes::ARGUMENT_TYPE, value.span, "a message shows scalars only")
                                .at(format!("this is {found}")),
                        );
                        failed = true;
                    }
                    Err(Reported) => failed = true,
                },
            }
        }
        if failed { Err(Reported) } else { Ok(result) }
    }

    /// An expression that is no value: a `for` of asserts, a `static if` of statements, a call without results.
    fn expression_statement(&mut self, tree: &ast::Expr, out: &mut Vec<Stmt>) -> Checked<()> {
        match &tree.kind {
            ast::ExprKind::For { axes, body } if !has_value(body) => {
                out.push(self.for_asserts(axes, body)?);
                Ok(())
            }
            ast::ExprKind::If { is_static: true, cond, then, otherwise } => {
                let taken = if self.static_condition(cond)? { Some(then) } else { otherwise.as_ref() };
                let Some(block) = taken else { return Ok(()) };
                self.frame_mut().scopes.open();
                let result = self.statements(block, &Expect::None, false);
                self.frame_mut().scopes.close();
                out.extend(result?.stmts);
                Ok(())
            }
            ast::ExprKind::If { is_static: false, cond, then, otherwise }
                if !has_value(then) && otherwise.as_ref().is_none_or(|block| !has_value(block)) =>
            {
                Err(self.not_yet_sequential(cond.span, "an `if` that is a statement"))
            }
            _ => {
                let value = self.expr(tree, &Expect::None)?;
                if value.ty == Type::Tuple(Vec::new()) {
                    out.push(Stmt::Let { locals: Vec::new(), value });
                    return Ok(());
                }
                Err(self.unused(&value))
            }
        }
    }

    fn unused(&mut self, value: &Expr) -> Reported {
        let found = self.show_type(&value.ty);
        let mut diagnostic =
            Diagnostic::error(codes::UNUSED_VALUE, value.span, "this value is not used").at(format!("this is {found}"));
        diagnostic = match value.ty.as_scalar() {
            Some(Scalar::Bool) => diagnostic.help("to test it write `assert` before it"),
            _ => diagnostic.help("bind it: `let x = …`, or make it the last expression of the block"),
        };
        self.report(diagnostic)
    }

    /// The body of a test or of a function without results.
    pub fn unit_body(&mut self, body: &ast::Block) -> Checked<Block> {
        self.frame_mut().scopes.open();
        let result = self.statements(body, &Expect::None, false);
        self.frame_mut().scopes.close();
        result
    }

    /// The body of a comprehension as one expression.
    pub fn body_value(&mut self, body: &ast::Block, expect: &Expect) -> Checked<Block> {
        let block = self.block(body, expect)?;
        let span = block.value.as_ref().map_or(body.span, |value| value.span);
        // A block in a block without statements of its own is flattened.
        match block_expr(block, span) {
            Expr { kind: ExprKind::Block(block), .. } => Ok(block),
            value => Ok(Block { stmts: Vec::new(), value: Some(Box::new(value)) }),
        }
    }
}

/// Whether a block ends in a value, as far as can be seen without types: asserts and loops of asserts are none.
fn has_value(block: &ast::Block) -> bool {
    match block.stmts.last().map(|stmt| &stmt.kind) {
        Some(StmtKind::Expr(tree)) => match &tree.kind {
            ast::ExprKind::For { body, .. } => has_value(body),
            ast::ExprKind::If { then, .. } => has_value(then),
            _ => true,
        },
        _ => false,
    }
}
