//! Lists: `push`, `pop`, `truncate` as statements, `len` and elements as values, and a list used as a value, which is
//! a tensor whose size the data decides.

use super::{Checked, Checker, Expect, Reported, expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::scope::{Binding, did_you_mean};
use crate::hir::{Expr, ExprKind, ListType, LocalId, Stmt, Type};
use crate::size::Size;
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Scalar;

/// What a list can do, as it is written.
const METHODS: [&str; 4] = ["push", "pop", "truncate", "len"];

/// `name.method(args)` of a list.
#[derive(Clone, Copy)]
struct Method<'t> {
    list: LocalId,
    name: &'t ast::Name,
    method: &'t ast::Name,
    args: &'t [ast::Arg],
    span: Span,
}

impl Checker<'_> {
    /// The list that a name means in the function being checked.
    pub fn list_named(&self, tree: &ast::Expr) -> Option<LocalId> {
        let ast::ExprKind::Name(name) = &tree.kind else { return None };
        match self.frame().scopes.find(&name.text) {
            Some(Binding::Local(local)) if self.ty(*local).as_list().is_some() => Some(*local),
            _ => None,
        }
    }

    /// The type of a local that is a list.
    pub fn list_type(&self, list: LocalId) -> ListType {
        self.ty(list).as_list().expect("this local is a list").clone()
    }

    /// What `list.method(…)` means, if it is that.
    fn method<'t>(&self, tree: &'t ast::Expr) -> Option<Method<'t>> {
        let ast::ExprKind::Call { callee, args } = &tree.kind else { return None };
        let ast::ExprKind::Field(base, method) = &callee.kind else { return None };
        let ast::ExprKind::Name(name) = &base.kind else { return None };
        Some(Method { list: self.list_named(base)?, name, method, args, span: tree.span })
    }

    /// The list of `list.pop()`, which is about to change.
    pub fn pop_call(&mut self, tree: &ast::Expr) -> Checked<Option<LocalId>> {
        match self.method(tree) {
            Some(call) if call.method.text == "pop" => {
                self.method_changes(call, 0)?;
                Ok(Some(call.list))
            }
            _ => Ok(None),
        }
    }

    /// Checks that a method may change its list, and that it has so many arguments.
    fn method_changes(&mut self, call: Method, count: usize) -> Checked<()> {
        self.variable(call.name, "changed")?;
        let method = &call.method.text;
        if let Some(arg) = call.args.iter().find(|arg| arg.name.is_some() || arg.is_var) {
            let message = format!("`{method}` takes plain arguments");
            return Err(self.error(codes::ARGUMENT_NAME, arg.value.span, message));
        }
        if call.args.len() != count {
            let takes = match count {
                0 => "no arguments".to_string(),
                count => super::operator::count(count),
            };
            let message = format!("`{method}` takes {takes}, {} given", call.args.len());
            return Err(self.error(codes::ARGUMENT_COUNT, call.span, message));
        }
        Ok(())
    }

    /// `list.push(e)`, `list.truncate(n)`, `list.pop()` as a statement. `None` if it is none of these.
    pub fn list_statement(&mut self, tree: &ast::Expr, out: &mut Vec<Stmt>) -> Option<Checked<()>> {
        let call = self.method(tree)?;
        let stmt = match call.method.text.as_str() {
            "push" => self.push(call),
            "truncate" => self.truncate(call),
            "pop" => self.method_changes(call, 0).map(|()| Stmt::Pop { list: call.list, into: None, span: call.span }),
            _ => Err(self.no_method(call.name, call.method)),
        };
        Some(stmt.map(|stmt| out.push(stmt)))
    }

    fn push(&mut self, call: Method) -> Checked<Stmt> {
        self.method_changes(call, 1)?;
        let Method { list, name, args, span, .. } = call;
        let elem = self.list_type(list).elem;
        let value = self.settled(&args[0].value, &Expect::Elem(elem))?;
        let value = self.coerce(value, &Type::scalar(elem));
        let declared = self.frame().locals[list.0 as usize].span;
        if value.ty.as_tensor().is_some_and(|tensor| !tensor.dims.is_empty()) {
            let found = self.show_type(&value.ty);
            return Err(self.report(
                Diagnostic::error(codes::RANK, value.span, format!("`{}` holds scalars", name.text))
                    .at(format!("this is {found}"))
                    .help(format!("push the elements one by one: `loop i in 0..n {{ {}.push(x[i]) }}`", name.text)),
            ));
        }
        self.same_type(
            codes::ARGUMENT_TYPE,
            &format!("`{}` holds {elem}", name.text),
            (&value.ty, value.span, "the element"),
            (&Type::scalar(elem), declared, "the list"),
        )?;
        Ok(Stmt::Push { list, value, span })
    }

    fn truncate(&mut self, call: Method) -> Checked<Stmt> {
        self.method_changes(call, 1)?;
        let (list, span) = (call.list, call.span);
        let len = self.scalar_expr(&call.args[0].value, Scalar::I32, codes::NOT_AN_INDEX, "the length of a list")?;
        Ok(Stmt::Truncate { list, len, span })
    }

    fn no_method(&mut self, name: &ast::Name, method: &ast::Name) -> Reported {
        if method.text == "len" {
            let diagnostic = Diagnostic::error(codes::NOT_A_FUNCTION, method.span, "`len` is a value, not a function")
                .help(format!("write `{}.len`, without parentheses", name.text));
            return self.report(diagnostic);
        }
        let message = format!("a list has no `{}`", method.text);
        let mut diagnostic = Diagnostic::error(codes::NO_SUCH_FIELD, method.span, message);
        diagnostic = match (method.text.as_str(), did_you_mean(&method.text, METHODS)) {
            (_, Some(near)) => diagnostic.help(format!("did you mean `{near}`?")),
            ("append" | "add", _) => diagnostic.help(format!("write `{}.push(…)`", name.text)),
            ("clear", _) => diagnostic.help(format!("write `{}.truncate(0)`", name.text)),
            _ => diagnostic.note("a list has `push`, `pop`, `truncate` and `len`"),
        };
        self.report(diagnostic)
    }

    /// A method call inside an expression. `None` if the callee is no list.
    pub fn list_call(&mut self, base: &ast::Expr, method: &ast::Name) -> Option<Reported> {
        self.list_named(base)?;
        let ast::ExprKind::Name(name) = &base.kind else { return None };
        Some(match method.text.as_str() {
            "pop" => {
                let message = format!("`{}.pop()` changes the list, so it stands alone", name.text);
                let help = format!("bind it first: `let last = {}.pop()`", name.text);
                self.report(Diagnostic::error(codes::NESTED_CHANGE, method.span, message).help(help))
            }
            "push" | "truncate" => {
                let message = format!("`{}` is a statement: it has no value", method.text);
                self.error(codes::NO_VALUE, method.span, message)
            }
            _ => self.no_method(name, method),
        })
    }

    /// `list.len`.
    pub fn list_field(&mut self, list: LocalId, base: &ast::Expr, field: &ast::Name, span: Span) -> Checked<Expr> {
        if field.text == "len" {
            return Ok(expr(ExprKind::ListLen(list), Type::scalar(Scalar::I32), span));
        }
        let ast::ExprKind::Name(name) = &base.kind else { return Err(Reported) };
        if METHODS.contains(&field.text.as_str()) {
            let message = format!("`{}` is called: `{}.{}(…)`", field.text, name.text, field.text);
            return Err(self.error(codes::NOT_A_VALUE, field.span, message));
        }
        Err(self.no_method(name, field))
    }

    /// `list[i]`.
    pub fn list_at(&mut self, list: LocalId, index: &ast::Expr, span: Span) -> Checked<Expr> {
        if let ast::ExprKind::Name(name) = &index.kind
            && let Some(Binding::Local(local)) = self.frame().scopes.find(&name.text).cloned()
            && list < local
        {
            let frame = self.frame_mut();
            if let Some(axis) =
                frame.axes.iter_mut().find(|axis| axis.local == local && axis.conditions == frame.conditions)
            {
                axis.list.get_or_insert(list);
            }
        }
        let elem = self.list_type(list).elem;
        let from_end = matches!(
            &index.kind,
            ast::ExprKind::Unary(ast::UnaryOp::Neg, inner) if matches!(inner.kind, ast::ExprKind::Int(_))
        );
        let position = self.position(index, None)?;
        let position = if from_end {
            let len = expr(ExprKind::ListLen(list), Type::scalar(Scalar::I32), index.span);
            self.op(crate::ops::Op::Add, vec![len, position], index.span)?
        } else {
            position
        };
        Ok(expr(ExprKind::ListAt(list, Box::new(position)), Type::scalar(elem), span))
    }

    /// A list used as a value: its elements now.
    pub fn freeze(&mut self, list: LocalId, span: Span) -> Expr {
        let ty = self.list_type(list);
        let name = format!("{}.len", self.frame().locals[list.0 as usize].name);
        let size = self.fresh_size(name, &ty.cap, span);
        expr(ExprKind::Freeze { list, size }, Type::tensor(ty.elem, vec![Size::from(size)]), span)
    }
}
