//! Arguments: which argument goes to which parameter, by position, by name, or from a default.

use super::operator::count;
use super::{Checked, Checker, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::Expr;
use crate::hir::scope::did_you_mean;
use crate::source::Span;
use crate::syntax::ast;

/// Where a parameter's value comes from.
pub(in crate::hir) enum ArgSource<'t> {
    /// An argument as written.
    Tree(&'t ast::Expr),
    /// A variable as an in-out argument.
    Var(&'t ast::Expr),
    /// The parameter's default, to be read in the callee's module.
    Default(&'t ast::Expr),
    /// An expression that was checked already.
    Checked(Expr),
}

impl ArgSource<'_> {
    /// Its place; a default's place is the call.
    pub fn span(&self, call: Span) -> Span {
        match self {
            ArgSource::Tree(tree) | ArgSource::Var(tree) => tree.span,
            ArgSource::Default(_) => call,
            ArgSource::Checked(value) => value.span,
        }
    }
}

impl Checker<'_> {
    /// Gives each parameter its argument.
    pub fn match_args<'t>(
        &mut self,
        callee: &str,
        function: &'t ast::Fn,
        args: &'t [ast::Arg],
        span: Span,
    ) -> Checked<Vec<ArgSource<'t>>> {
        let params = &function.params;
        let mut slots: Vec<Option<&ast::Arg>> = params.iter().map(|_| None).collect();
        let mut failed = false;
        let mut positional = 0;
        for arg in args {
            let position = match &arg.name {
                None => {
                    positional += 1;
                    positional - 1
                }
                Some(name) => match params.iter().position(|param| param.name.text == name.text) {
                    Some(position) => position,
                    None => {
                        self.no_such_param(callee, params, name);
                        failed = true;
                        continue;
                    }
                },
            };
            match slots.get_mut(position) {
                None => {
                    // Told once, below.
                }
                Some(slot @ None) => {
                    *slot = Some(arg);
                    failed |= self.says_var(callee, &params[position], arg).is_err();
                }
                Some(Some(first)) => {
                    let first = first.value.span;
                    let name = &params[position].name.text;
                    self.report(
                        Diagnostic::error(
                            codes::ARGUMENT_NAME,
                            arg.value.span,
                            format!("`{name}` is given twice in a call of `{callee}`"),
                        )
                        .label(first, "given here already"),
                    );
                    failed = true;
                }
            }
        }
        if positional > params.len() {
            let extra = args.iter().filter(|arg| arg.name.is_none()).nth(params.len()).expect("there are more");
            self.report(
                Diagnostic::error(
                    codes::ARGUMENT_COUNT,
                    extra.value.span,
                    format!("`{callee}` takes {}, {positional} given", count(params.len())),
                )
                .at("this one is too many")
                .label(function.name.span, "defined here"),
            );
            return Err(Reported);
        }
        let missing: Vec<&ast::Param> = params
            .iter()
            .zip(&slots)
            .filter(|(param, slot)| slot.is_none() && param.default.is_none())
            .map(|(param, _)| param)
            .collect();
        if !missing.is_empty() && !failed {
            let names: Vec<String> = missing.iter().map(|param| format!("`{}`", param.name.text)).collect();
            let mut diagnostic = Diagnostic::error(
                codes::ARGUMENT_COUNT,
                span,
                format!("this call of `{callee}` gives no {}", names.join(", ")),
            );
            for param in &missing {
                let text = self.sources.text(param.name.span.to(param.ty.span)).to_string();
                diagnostic = diagnostic.label(param.name.span, format!("`{text}` is a parameter without default"));
            }
            self.report(diagnostic);
            failed = true;
        }
        if failed {
            return Err(Reported);
        }
        Ok(params
            .iter()
            .zip(slots)
            .map(|(param, slot)| match (slot, &param.default) {
                (Some(arg), _) if arg.is_var => ArgSource::Var(&arg.value),
                (Some(arg), _) => ArgSource::Tree(&arg.value),
                (None, Some(default)) => ArgSource::Default(default),
                (None, None) => unreachable!("missing arguments were reported"),
            })
            .collect())
    }

    fn no_such_param(&mut self, callee: &str, params: &[ast::Param], name: &ast::Name) {
        let names: Vec<&str> = params.iter().map(|param| param.name.text.as_str()).collect();
        let mut diagnostic =
            Diagnostic::error(codes::ARGUMENT_NAME, name.span, format!("`{callee}` has no parameter `{}`", name.text));
        match did_you_mean(&name.text, names.iter().copied()) {
            Some(near) => diagnostic = diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic = diagnostic.note(format!("its parameters are {}", names.join(", "))),
        }
        self.report(diagnostic);
    }

    /// Runs a check in the scope of another module, where none of this function's names are seen.
    pub fn in_module<T>(&mut self, module: crate::hir::load::ModuleId, check: impl FnOnce(&mut Self) -> T) -> T {
        let frame = self.frame_mut();
        let outer_module = std::mem::replace(&mut frame.module, module);
        let outer_scopes = std::mem::take(&mut frame.scopes);
        let outer_captures = frame.captures.take();
        let result = check(self);
        let frame = self.frame_mut();
        frame.module = outer_module;
        frame.scopes = outer_scopes;
        frame.captures = outer_captures;
        result
    }
}
