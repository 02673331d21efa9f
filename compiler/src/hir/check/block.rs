//! Blocks, `let`, `assert`, and expressions as statements.

use super::expr::block_expr;
use super::sequential::{diverges, returned_value};
use super::{Checked, Checker, Expect, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::scope::Binding;
use crate::hir::{Block, Expr, ExprKind, LocalId, MessagePart, Stmt, Type};
use crate::source::Span;
use crate::syntax::ast::{self, StmtKind};
use crate::types::Scalar;

impl Checker<'_> {
    /// Checks a block that is a value.
    pub fn block(&mut self, block: &ast::Block, expect: &Expect) -> Checked<Block> {
        self.frame_mut().scopes.open();
        let result = self.statements(block, expect, Wants::Value);
        self.frame_mut().scopes.close();
        result
    }

    /// Checks the statements of a block, in the scope that is open.
    pub fn statements(&mut self, block: &ast::Block, expect: &Expect, wants: Wants) -> Checked<Block> {
        let mut stmts = Vec::new();
        let mut failed = false;
        let mut value = None;
        let mut end: Option<Span> = None;
        for (position, stmt) in block.stmts.iter().enumerate() {
            if let Some(end) = end {
                self.report(
                    Diagnostic::error(codes::UNREACHABLE, stmt.span, "this is never reached")
                        .label(end, "nothing goes on behind this"),
                );
                failed = true;
                break;
            }
            let is_last = position + 1 == block.stmts.len();
            let before = stmts.len();
            if let (true, true, StmtKind::Expr(tree)) = (is_last, wants != Wants::Nothing, &stmt.kind)
                && is_value(tree)
            {
                match self.tail(tree, expect, wants, &mut stmts) {
                    Ok(checked) => value = checked.map(Box::new),
                    Err(Reported) => failed = true,
                }
            } else if self.statement(stmt, &mut stmts).is_err() {
                failed = true;
            }
            if stmts.len() > before && diverges(&stmts) {
                // What follows may be for instances that decide otherwise.
                if is_static(stmt) {
                    break;
                }
                end = Some(stmt.span);
            }
        }
        if failed {
            return Err(Reported);
        }
        let checked = Block { stmts, value };
        if wants == Wants::Nothing || checked.value.is_some() {
            return Ok(checked);
        }
        if wants == Wants::Result && diverges(&checked.stmts) {
            return Ok(returned_value(checked));
        }
        Err(self.no_value(block, wants))
    }

    /// The last expression of a block. A `static if` there stands for the statements of the branch that is taken.
    fn tail(&mut self, tree: &ast::Expr, expect: &Expect, wants: Wants, out: &mut Vec<Stmt>) -> Checked<Option<Expr>> {
        let ast::ExprKind::If { is_static: true, cond, then, otherwise } = &tree.kind else {
            return self.last_value(tree, expect, out).map(Some);
        };
        let taken = if self.static_condition(cond)? { Some(then) } else { otherwise.as_ref() };
        let Some(block) = taken else {
            return Err(self.error(codes::NO_VALUE, tree.span, "this `static if` has no value here"));
        };
        self.frame_mut().scopes.open();
        let checked = self.statements(block, expect, wants);
        self.frame_mut().scopes.close();
        let checked = checked?;
        out.extend(checked.stmts);
        Ok(checked.value.map(|value| *value))
    }

    fn no_value(&mut self, block: &ast::Block, wants: Wants) -> Reported {
        let end = Span { start: block.span.end.saturating_sub(1).max(block.span.start), ..block.span };
        let mut diagnostic = match wants {
            Wants::Result if self.frame().jumps => {
                Diagnostic::error(codes::NO_VALUE, end, "not every path gives a result")
                    .at("a value or a `return` is expected before this brace")
            }
            _ => Diagnostic::error(codes::NO_VALUE, end, "this block has no value")
                .at("a value is expected before this brace"),
        };
        if let Some(ast::Stmt { kind: StmtKind::Let { names, .. }, span }) = block.stmts.last() {
            diagnostic = diagnostic.label(*span, "the last statement is a `let`");
            if let [name] = &names[..] {
                diagnostic = diagnostic.help(format!("end the block with `{}`", name.text));
            }
        }
        self.report(diagnostic)
    }

    fn statement(&mut self, stmt: &ast::Stmt, out: &mut Vec<Stmt>) -> Checked<()> {
        match &stmt.kind {
            StmtKind::Let { names, is_tuple, ty, value } => {
                let result = self.let_statement(names, *is_tuple, ty.as_ref(), value, stmt.span, out);
                if result.is_err() {
                    for name in names {
                        self.bind(&name.text, Binding::Poison);
                    }
                }
                result
            }
            StmtKind::Assert { cond, message } => {
                let cond = self.scalar_expr(cond, Scalar::Bool, codes::NOT_A_CONDITION, "the condition of an assert");
                let message = self.message(message);
                out.push(Stmt::Assert { cond: cond?, message: message?, span: stmt.span });
                Ok(())
            }
            StmtKind::Expr(tree) => self.expression_statement(tree, out),
            StmtKind::Var { name, ty, value } => {
                let result = self.var_statement(name, ty.as_ref(), value.as_ref(), out);
                if result.is_err() {
                    self.bind(&name.text, Binding::Poison);
                }
                result
            }
            StmtKind::Assign { target, op, value } => self.assignment(target, *op, value, stmt.span, out),
            StmtKind::Loop { axis, body } => self.loop_statement(axis, body, stmt.span, out),
            StmtKind::While { cond, body } => self.while_statement(cond, body, stmt.span, out),
            StmtKind::Break => self.leave_loop(Stmt::Break, "break", stmt.span, out),
            StmtKind::Continue => self.leave_loop(Stmt::Continue, "continue", stmt.span, out),
            StmtKind::Return(value) => self.return_statement(value.as_ref(), stmt.span, out),
            StmtKind::StaticLoop { name, over, body } => self.static_loop(name, over, body, stmt.span, out),
        }
    }

    fn let_statement(
        &mut self,
        names: &[ast::Name],
        is_tuple: bool,
        ty: Option<&ast::TypeExpr>,
        value: &ast::Expr,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Checked<()> {
        if let (false, None, Some(list)) = (is_tuple, ty, self.pop_call(value)?) {
            let name = &names[0];
            let local = self.add_local(&name.text, Type::scalar(self.list_type(list).elem), name.span, None);
            self.bind_let(name, local);
            out.push(Stmt::Pop { list, into: Some(local), span });
            return Ok(());
        }
        let declared = ty.map(|ty| Ok((self.value_type(ty)?, ty.span))).transpose();
        let expect = match &declared {
            Ok(Some((ty, _))) => Expect::of(ty),
            Ok(None) | Err(Reported) => Expect::None,
        };
        let value = self.whole_value(value, &expect, out);
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
        if value.ty.is_unit() {
            return Err(self.error(codes::NO_VALUE, value.span, "this call has no value"));
        }
        if !is_tuple {
            let pure = self.let_pure(&value);
            let name = &names[0];
            let local = self.add_local(&name.text, value.ty.clone(), name.span, pure);
            self.bind_let(name, local);
            out.push(Stmt::Let { locals: vec![local], value });
            return Ok(());
        }
        let Type::Tuple(parts) = value.ty.clone() else {
            let found = self.show_type(&value.ty);
            return Err(self.report(
                Diagnostic::error(codes::TUPLE_PARTS, span, "only several values can be taken apart")
                    .label(value.span, format!("this is {found}"))
                    .help(format!("write `let {} = …`", names[0].text)),
            ));
        };
        if let Some(of) = &parts.of {
            let message = format!("`{}` is one value, not several", of.name);
            let mut diagnostic =
                Diagnostic::error(codes::TUPLE_PARTS, span, message).label(value.span, "this is a struct");
            if let Some((Some(field), _)) = parts.first() {
                diagnostic = diagnostic.help(format!("bind it and use its fields: `let s = …`, `s.{field}`"));
            }
            return Err(self.report(diagnostic));
        }
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
        for ((name, (_, ty)), pure) in names.iter().zip(parts.iter().cloned()).zip(pure) {
            let local = self.add_local(&name.text, ty, name.span, pure);
            self.bind_let(name, local);
            locals.push(local);
        }
        out.push(Stmt::Let { locals, value });
        Ok(())
    }

    fn bind_let(&mut self, name: &ast::Name, local: LocalId) {
        self.frame_mut().lets.insert(local);
        self.bind(&name.text, Binding::Local(local));
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

    /// An expression that is no value: a `for` of asserts, an `if` or block of statements, a list's method, a call
    /// without results.
    fn expression_statement(&mut self, tree: &ast::Expr, out: &mut Vec<Stmt>) -> Checked<()> {
        match &tree.kind {
            ast::ExprKind::For { axes, body } if !has_value(body) => {
                out.push(self.for_asserts(axes, body)?);
                Ok(())
            }
            ast::ExprKind::If { is_static: true, cond, then, otherwise } => {
                let taken = if self.static_condition(cond)? { Some(then) } else { otherwise.as_ref() };
                let Some(block) = taken else { return Ok(()) };
                out.extend(self.unit_body(block)?.stmts);
                Ok(())
            }
            ast::ExprKind::If { is_static: false, cond, then, otherwise } => {
                self.if_statement(cond, then, otherwise.as_ref(), out)
            }
            ast::ExprKind::Block(block) => {
                out.extend(self.unit_body(block)?.stmts);
                Ok(())
            }
            _ => {
                if let Some(result) = self.list_statement(tree, out) {
                    return result;
                }
                let value = self.whole_value(tree, &Expect::None, out)?;
                if value.ty.is_unit() {
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
        let result = self.statements(body, &Expect::None, Wants::Nothing);
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
        Some(StmtKind::Expr(tree)) => is_value(tree),
        _ => false,
    }
}

/// Whether an expression is a value, as far as can be seen without types.
fn is_value(tree: &ast::Expr) -> bool {
    match &tree.kind {
        ast::ExprKind::For { body, .. } | ast::ExprKind::Block(body) => has_value(body),
        ast::ExprKind::If { then, otherwise, .. } => has_value(then) || otherwise.as_ref().is_some_and(has_value),
        ast::ExprKind::Call { callee, .. } => {
            !matches!(&callee.kind, ast::ExprKind::Field(_, method) if matches!(&*method.text, "push" | "truncate"))
        }
        _ => true,
    }
}

fn is_static(stmt: &ast::Stmt) -> bool {
    match &stmt.kind {
        StmtKind::StaticLoop { .. } => true,
        StmtKind::Expr(tree) => matches!(tree.kind, ast::ExprKind::If { is_static: true, .. }),
        _ => false,
    }
}

/// What a block is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hir) enum Wants {
    /// Its statements.
    Nothing,
    /// Its value.
    Value,
    /// The result of a function: its value, unless `return` ends every path.
    Result,
}
