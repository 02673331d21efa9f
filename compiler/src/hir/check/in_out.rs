//! In-out arguments: `f(var ids, …)` changes the caller's variable. The call says so, the variable has exactly the
//! parameter's type, and the call is the whole value of a statement.

use super::{Checked, Checker, Reported, expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::{Expr, ExprKind, Fn, Type};
use crate::source::Span;
use crate::syntax::ast;

impl Checker<'_> {
    /// Holds that an argument says `var` where its parameter does, and only there.
    pub fn says_var(&mut self, callee: &str, param: &ast::Param, arg: &ast::Arg) -> Checked<()> {
        if param.is_var == arg.is_var {
            return Ok(());
        }
        let text = self.sources.text(arg.value.span).to_string();
        let name = &param.name.text;
        let diagnostic = if param.is_var {
            Diagnostic::error(codes::IN_OUT, arg.value.span, format!("`{callee}` changes its argument `{name}`"))
                .at("a call that changes a variable says so")
                .help(format!("write `var {text}`"))
        } else {
            Diagnostic::error(
                codes::IN_OUT,
                arg.value.span,
                format!("`{callee}` does not change its argument `{name}`"),
            )
            .help(format!("write `{text}` without `var`"))
        };
        let what = if param.is_var { "this parameter is in-out" } else { "this parameter is not in-out" };
        Err(self.report(diagnostic.label(param.name.span, what)))
    }

    /// The variable that an in-out argument names.
    pub fn in_out_arg(&mut self, tree: &ast::Expr) -> Checked<Expr> {
        let ast::ExprKind::Name(name) = &tree.kind else {
            if matches!(tree.kind, ast::ExprKind::Error) {
                return Err(Reported);
            }
            return Err(self.report(
                Diagnostic::error(codes::IN_OUT, tree.span, "only a whole variable can be passed as in-out")
                    .help("copy the part first: `var part = …`, and assign it back after the call"),
            ));
        };
        let local = self.variable(name, "passed as in-out")?;
        Ok(expr(ExprKind::Local(local), self.ty(local).clone(), tree.span))
    }

    /// Holds that no variable is passed twice, and that a call that changes variables is a whole value.
    pub fn changes(&mut self, callee: &str, args: &[ast::Arg], is_whole: bool, span: Span) -> Checked<()> {
        let named = |arg: &ast::Arg| match &arg.value.kind {
            ast::ExprKind::Name(name) if arg.is_var => Some(name.clone()),
            _ => None,
        };
        let names: Vec<ast::Name> = args.iter().filter_map(named).collect();
        for (position, name) in names.iter().enumerate() {
            if let Some(first) = names[..position].iter().find(|first| first.text == name.text) {
                let message = format!("`{}` is passed twice as in-out", name.text);
                return Err(self.report(
                    Diagnostic::error(codes::IN_OUT, name.span, message).label(first.span, "passed here already"),
                ));
            }
        }
        if is_whole || !args.iter().any(|arg| arg.is_var) {
            return Ok(());
        }
        let text = self.sources.text(span).to_string();
        let help = if text.len() <= 60 && !text.contains('\n') { text } else { format!("{callee}(…)") };
        Err(self.report(
            Diagnostic::error(
                codes::NESTED_CHANGE,
                span,
                format!("this call of `{callee}` changes a variable, so it cannot be a part of an expression"),
            )
            .help(format!("bind it first: `let x = {help}`")),
        ))
    }

    /// Holds that a variable has exactly the in-out parameter's element type and rank.
    pub fn fit_in_out(&mut self, function: &Fn, position: usize, arg: &Expr) -> Checked<()> {
        let param = &function.locals[function.params[position].0 as usize];
        let fits = match (&param.ty, &arg.ty) {
            (Type::Tensor(wanted), Type::Tensor(found)) => {
                wanted.elem == found.elem && wanted.dims.len() == found.dims.len()
            }
            (Type::List(wanted), Type::List(found)) => wanted.elem == found.elem,
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let (wanted, found) = (self.show_type(&param.ty), self.show_type(&arg.ty));
        let message = format!("`{}` of `{}` needs a variable of its own type", param.name, function.name);
        Err(self.report(
            Diagnostic::error(codes::IN_OUT, arg.span, message)
                .at(format!("this is {found}"))
                .label(param.span, "the parameter")
                .note(format!("expected: {wanted}\n   found: {found}"))
                .note("what is changed in place is neither converted nor mapped over further axes"),
        ))
    }

    /// Holds that a call which is mapped over further axes could run once for each of them.
    pub fn may_lift(&mut self, function: &Fn, args: &[Expr], lifts: &[usize], span: Span) -> Checked<()> {
        let Some(position) = lifts.iter().position(|&extra| extra > 0) else { return Ok(()) };
        let changes = function.params.iter().any(|param| function.locals[param.0 as usize].is_var);
        let why = match function.decided.first() {
            Some(decided) => {
                let name = self.program.names.size(decided.var);
                format!("the data decides its size `{name}` at each call, so the results would have different sizes")
            }
            None if changes => "it changes a variable, so its calls run one after another".to_string(),
            None => return Ok(()),
        };
        let param = &function.locals[function.params[position].0 as usize];
        let (wanted, found) = (self.show_type(&param.ty), self.show_type(&args[position].ty));
        let text = self.sources.text(args[position].span).to_string();
        let arg = if text.len() <= 30 && !text.contains(['\n', ' ']) { text } else { "x".to_string() };
        let row = args.iter().enumerate().map(|(at, arg_expr)| match at {
            _ if at == position => format!("{arg}[b]"),
            _ => self.sources.text(arg_expr.span).to_string(),
        });
        let row = row.collect::<Vec<_>>().join(", ");
        let head = match changes {
            true => "",
            false => "let one = ",
        };
        Err(self.report(
            Diagnostic::error(codes::RANK, span, format!("`{}` is not mapped over further axes", function.name))
                .label(args[position].span, format!("this is {found}"))
                .label(param.span, format!("the parameter is {wanted}"))
                .note(why)
                .help(format!(
                    "write the loop: `loop b in 0..extent({arg}, 0) {{ {head}{}({row}) … }}`",
                    function.name
                )),
        ))
    }
}
