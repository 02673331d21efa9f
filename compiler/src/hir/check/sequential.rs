//! Sequential statements: `var`, `loop`, `while`, `if`, `break`, `continue`, `return`.
//!
//! What may be changed or left from where is decided by [`Barrier`]s: the body of a comprehension, and a block that is
//! only a part of an expression, change nothing around them and are not left before their end. So every expression is
//! pure but for the blocks, branches and in-out calls that are the *whole* value of a statement.

use super::{Barrier, Checked, Checker, Expect, Reported, Returns};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::facts::Answer;
use crate::hir::scope::Binding;
use crate::hir::{Block, Expr, ExprKind, ListType, LocalId, Stmt, Type};
use crate::source::Span;
use crate::syntax::ast::{self, ItemKind, TypeKind};
use crate::types::{Const, Scalar};

impl Checker<'_> {
    /// Runs a check behind a barrier.
    pub fn behind<T>(&mut self, is_parallel: bool, check: impl FnOnce(&mut Self) -> T) -> T {
        let frame = self.frame_mut();
        let barrier = Barrier { first: frame.locals.len(), is_parallel };
        frame.barriers.push(barrier);
        let loops = std::mem::take(&mut frame.loops);
        let result = check(self);
        let frame = self.frame_mut();
        frame.loops = loops;
        frame.barriers.pop();
        result
    }

    /// The innermost barrier between here and the place where a local was bound.
    pub fn barrier(&self, local: LocalId) -> Option<Barrier> {
        self.frame().barriers.iter().rev().copied().find(|barrier| (local.0 as usize) < barrier.first)
    }

    /// An expression that is the whole value of a statement: it may be a block, branches or a call that change
    /// variables, or take the last element of a list.
    pub fn whole_value(&mut self, tree: &ast::Expr, expect: &Expect, out: &mut Vec<Stmt>) -> Checked<Expr> {
        if let Some(list) = self.pop_call(tree)? {
            let elem = self.list_type(list).elem;
            let local = self.add_local("popped", Type::scalar(elem), tree.span, None);
            out.push(Stmt::Pop { list, into: Some(local), span: tree.span });
            return Ok(self.local(local, tree.span));
        }
        self.frame_mut().is_whole =
            matches!(tree.kind, ast::ExprKind::Call { .. } | ast::ExprKind::Block(_) | ast::ExprKind::If { .. });
        let value = self.settled(tree, expect);
        self.frame_mut().is_whole = false;
        value
    }

    /// The value at the end of a block. A call that changes variables is a statement before it.
    pub fn last_value(&mut self, tree: &ast::Expr, expect: &Expect, out: &mut Vec<Stmt>) -> Checked<Expr> {
        if self.pop_call(tree)?.is_some() {
            return self.whole_value(tree, expect, out);
        }
        self.frame_mut().is_whole =
            matches!(tree.kind, ast::ExprKind::Call { .. } | ast::ExprKind::Block(_) | ast::ExprKind::If { .. });
        let value = self.expr(tree, expect);
        self.frame_mut().is_whole = false;
        let value = value?;
        if !self.has_in_out(&value) || value.ty.is_unit() {
            return Ok(value);
        }
        let (ty, span) = (value.ty.clone(), value.span);
        let local = self.add_local("result", ty, span, None);
        out.push(Stmt::Let { locals: vec![local], value });
        Ok(self.local(local, span))
    }

    /// Whether the expression is a call with in-out arguments.
    pub fn has_in_out(&self, value: &Expr) -> bool {
        let ExprKind::Call(call) = &value.kind else { return false };
        let callee = &self.program.fns[call.callee.0 as usize];
        callee.params.iter().any(|param| callee.locals[param.0 as usize].is_var)
    }

    /// `var x = e`, `var a: f32[N] = 0.0`, `var out: list i32[N]`.
    pub fn var_statement(
        &mut self,
        name: &ast::Name,
        ty: Option<&ast::TypeExpr>,
        value: Option<&ast::Expr>,
        out: &mut Vec<Stmt>,
    ) -> Checked<()> {
        if let Some(ast::TypeExpr { kind: TypeKind::List(elem, cap), .. }) = ty {
            let ty = self.declared_list(elem, cap)?;
            if let Some(value) = value {
                return Err(self.report(
                    Diagnostic::error(codes::LIST, value.span, "a list starts empty")
                        .help(format!("write `var {}: …` without a value, then `{}.push(…)`", name.text, name.text)),
                ));
            }
            let local = self.add_var(name, Type::List(ty));
            out.push(Stmt::Var { local, value: None });
            return Ok(());
        }
        let declared = ty.map(|ty| Ok((self.value_type(ty)?, ty.span))).transpose();
        let expect = match &declared {
            Ok(Some((ty, _))) => Expect::of(ty),
            Ok(None) | Err(Reported) => Expect::None,
        };
        let Some(tree) = value else {
            let declared = declared?;
            let mut diagnostic =
                Diagnostic::error(codes::NO_VALUE, name.span, format!("`{}` has no first value", name.text));
            diagnostic = match &declared {
                Some((ty, span)) => {
                    let zero = match ty.as_tensor().map(|tensor| tensor.elem) {
                        Some(Scalar::Bool) => "false",
                        Some(elem) if elem.is_float() => "0.0",
                        _ => "0",
                    };
                    diagnostic.help(format!("write `var {}: {} = {zero}`", name.text, self.sources.text(*span)))
                }
                None => diagnostic.help(format!("write `var {} = …`", name.text)),
            };
            return Err(self.report(diagnostic));
        };
        let value = self.whole_value(tree, &expect, out);
        let (declared, mut value) = (declared?, value?);
        let ty = match &declared {
            Some((ty, span)) => {
                value =
                    self.fitting(value, ty, (*span, "the declared type"), "the value has another type than declared")?;
                ty.clone()
            }
            None => value.ty.clone(),
        };
        if ty.as_tensor().is_none() {
            let found = self.show_type(&ty);
            return Err(self.report(
                Diagnostic::error(codes::TUPLE_PARTS, value.span, "a `var` holds one scalar, tensor or list")
                    .at(format!("this is {found}"))
                    .help("take it apart with `let (a, b) = …`, then `var x = a`"),
            ));
        }
        let local = self.add_var(name, ty);
        out.push(Stmt::Var { local, value: Some(value) });
        Ok(())
    }

    fn add_var(&mut self, name: &ast::Name, ty: Type) -> LocalId {
        let local = self.add_local(&name.text, ty, name.span, None);
        self.frame_mut().locals[local.0 as usize].is_var = true;
        self.bind(&name.text, Binding::Local(local));
        local
    }

    /// A value for something of this type: of the same shape, or a scalar that fills it.
    pub fn fitting(&mut self, value: Expr, ty: &Type, place: (Span, &str), message: &str) -> Checked<Expr> {
        let Some(wanted) = ty.as_tensor() else { unreachable!("lists are not assigned to") };
        let fills = value.ty.as_scalar().is_some() && !wanted.dims.is_empty();
        let wanted = if fills { Type::scalar(wanted.elem) } else { ty.clone() };
        let value = self.coerce(value, &wanted);
        self.same_type(codes::RESULT_TYPE, message, (&value.ty, value.span, "the value"), (&wanted, place.0, place.1))?;
        Ok(value)
    }

    /// `list i32[CAP]` as a type.
    pub fn declared_list(&mut self, elem: &ast::Name, cap: &ast::Expr) -> Checked<ListType> {
        let elem = self.elem(elem);
        let size = self.size(cap, "the capacity of a list")?;
        match self.facts().non_negative(&size) {
            Answer::Yes => {}
            answer => {
                let shown = self.show(&size);
                let mut diagnostic =
                    Diagnostic::error(codes::BAD_RANGE, cap.span, "the capacity of a list must not be negative")
                        .at(format!("this is {shown}"));
                if answer == Answer::Unknown {
                    diagnostic = diagnostic.help(format!("write `max({shown}, 0)`, or `where {shown} >= 0`"));
                }
                return Err(self.report(diagnostic));
            }
        }
        Ok(ListType { elem: elem?, cap: size })
    }

    /// `if` as a statement.
    pub fn if_statement(
        &mut self,
        cond: &ast::Expr,
        then: &ast::Block,
        otherwise: Option<&ast::Block>,
        out: &mut Vec<Stmt>,
    ) -> Checked<()> {
        let cond = self.scalar_expr(cond, Scalar::Bool, codes::NOT_A_CONDITION, "a condition");
        self.frame_mut().conditions += 1;
        let then = self.unit_body(then);
        let otherwise = otherwise.map_or(Ok(Block { stmts: Vec::new(), value: None }), |block| self.unit_body(block));
        self.frame_mut().conditions -= 1;
        out.push(Stmt::If { cond: cond?, then: then?, otherwise: otherwise? });
        Ok(())
    }

    /// `loop i in a..b { … }`.
    pub fn loop_statement(
        &mut self,
        axis: &ast::Axis,
        body: &ast::Block,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Checked<()> {
        let head = axis.range.as_ref().map_or(axis.name.span, |range| range.hi.span);
        let (mut axes, body) = self.indexed(std::slice::from_ref(axis), false, |checker| checker.repeated(body))?;
        let axis = axes.pop().expect("one index");
        out.push(Stmt::Loop { axis: Box::new(axis), body, span: Span { end: head.end, ..span } });
        Ok(())
    }

    /// `while c { … }`.
    pub fn while_statement(
        &mut self,
        cond: &ast::Expr,
        body: &ast::Block,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Checked<()> {
        let head = Span { end: cond.span.end, ..span };
        let cond = self.scalar_expr(cond, Scalar::Bool, codes::NOT_A_CONDITION, "the condition of a `while`");
        self.frame_mut().conditions += 1;
        let body = self.repeated(body);
        self.frame_mut().conditions -= 1;
        out.push(Stmt::While { cond: cond?, body: body?, span: head });
        Ok(())
    }

    fn repeated(&mut self, body: &ast::Block) -> Checked<Block> {
        self.frame_mut().loops += 1;
        let body = self.unit_body(body);
        self.frame_mut().loops -= 1;
        body
    }

    /// `break`, `continue`.
    pub fn leave_loop(&mut self, stmt: Stmt, word: &str, span: Span, out: &mut Vec<Stmt>) -> Checked<()> {
        let frame = self.frame_mut();
        frame.jumps = true;
        if frame.loops > 0 {
            out.push(stmt);
            return Ok(());
        }
        let mut diagnostic = Diagnostic::error(codes::BAD_JUMP, span, format!("`{word}` stands in no loop"));
        diagnostic = match frame.barriers.last() {
            Some(Barrier { is_parallel: true, .. }) => diagnostic
                .note("the passes of a comprehension or reduction run side by side: none can end the others")
                .help("write a `loop`"),
            Some(_) => diagnostic.note("a block that is a part of an expression cannot be left before its end"),
            None if frame.static_loops > 0 => diagnostic
                .note("a `static loop` is written out: its passes are no passes of a loop")
                .help("choose the passes that do something with `static if`"),
            None => diagnostic.note("`break` and `continue` belong to the innermost `loop` or `while` around them"),
        };
        Err(self.report(diagnostic))
    }

    /// `return e`.
    pub fn return_statement(&mut self, value: Option<&ast::Expr>, span: Span, out: &mut Vec<Stmt>) -> Checked<()> {
        let frame = self.frame_mut();
        frame.jumps = true;
        let why = match (frame.barriers.last(), &frame.returns) {
            (_, Returns::Nowhere) => Some("only a function, a pipeline or a test can be left"),
            (Some(Barrier { is_parallel: true, .. }), _) => {
                Some("the passes of a comprehension or reduction run side by side: none can end the function")
            }
            (Some(_), _) => Some("a block that is a part of an expression cannot be left before its end"),
            (None, Returns::Nothing | Returns::Results(_)) => None,
        };
        if let Some(why) = why {
            return Err(self.report(Diagnostic::error(codes::BAD_JUMP, span, "`return` cannot stand here").note(why)));
        }
        let item = match (&self.frame().returns, value) {
            (Returns::Results(item), Some(_)) => *item,
            (Returns::Results(_), None) => {
                return Err(self.report(
                    Diagnostic::error(codes::NO_VALUE, span, "this `return` gives no value")
                        .help("write `return e` with the function's result"),
                ));
            }
            (_, None) => {
                out.push(Stmt::Return { value: None, span });
                return Ok(());
            }
            (_, Some(value)) => {
                let message = "there is no result to return a value for";
                return Err(self.report(
                    Diagnostic::error(codes::NO_VALUE, value.span, message)
                        .help("write `return` alone, or declare a result: `-> f32`"),
                ));
            }
        };
        let ast = self.modules.get(item.module).ast.clone();
        let (ItemKind::Fn(function) | ItemKind::Pipeline(function)) = &ast.items[item.item].kind else {
            unreachable!("only functions return")
        };
        let tree = value.expect("just seen");
        let expect = self.result_expect(function)?;
        let value = self.last_value(tree, &expect, out)?;
        let results = self.result_types(function)?;
        let value = self.check_results(value, function, &results)?;
        out.push(Stmt::Return { value: Some(value), span });
        Ok(())
    }
}

/// Whether the end of these statements is never reached.
pub(in crate::hir) fn diverges(stmts: &[Stmt]) -> bool {
    match stmts.last() {
        Some(Stmt::Break | Stmt::Continue | Stmt::Return { .. }) => true,
        Some(Stmt::If { then, otherwise, .. }) => diverges(&then.stmts) && diverges(&otherwise.stmts),
        Some(Stmt::While { cond, body, .. }) => {
            matches!(cond.kind, ExprKind::Const(value) if value == Const::bool(true)) && !has_break(&body.stmts)
        }
        _ => false,
    }
}

/// Whether a `break` of the loop around these statements is among them.
fn has_break(stmts: &[Stmt]) -> bool {
    stmts.iter().any(|stmt| match stmt {
        Stmt::Break => true,
        Stmt::If { then, otherwise, .. } => has_break(&then.stmts) || has_break(&otherwise.stmts),
        Stmt::Let { value, .. } | Stmt::Var { value: Some(value), .. } | Stmt::Assign { value, .. } => {
            value_has_break(value)
        }
        _ => false,
    })
}

fn value_has_break(value: &Expr) -> bool {
    let block = |block: &Block| has_break(&block.stmts) || block.value.as_deref().is_some_and(value_has_break);
    match &value.kind {
        ExprKind::Block(inner) => block(inner),
        ExprKind::If { then, otherwise, .. } => block(then) || block(otherwise),
        _ => false,
    }
}

/// *Before*: statements that end in `return e` on every path. *After*: statements and a value, as far as the last
/// statement is a `return`, or an `if` of such.
pub(in crate::hir) fn returned_value(mut block: Block) -> Block {
    if block.value.is_some() {
        return block;
    }
    match block.stmts.pop() {
        Some(Stmt::Return { value: Some(value), .. }) => block.value = Some(Box::new(value)),
        Some(Stmt::If { cond, then, otherwise }) => {
            let (then, otherwise) = (returned_value(then), returned_value(otherwise));
            match (&then.value, &otherwise.value) {
                (Some(a), Some(b)) if a.ty == b.ty => {
                    let (ty, span) = (a.ty.clone(), cond.span.to(b.span));
                    let kind = ExprKind::If { cond: Box::new(cond), then, otherwise };
                    block.value = Some(Box::new(Expr { kind, ty, span }));
                }
                _ => block.stmts.push(Stmt::If { cond, then: returning(then), otherwise: returning(otherwise) }),
            }
        }
        Some(other) => block.stmts.push(other),
        None => {}
    }
    block
}

/// A value back as a `return`.
fn returning(mut block: Block) -> Block {
    if let Some(value) = block.value.take() {
        let span = value.span;
        block.stmts.push(Stmt::Return { value: Some(*value), span });
    }
    block
}
