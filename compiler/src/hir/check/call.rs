//! Calls: what is called, and which types its type parameters take.

use super::args::ArgSource;
use super::items::Global;
use super::literal::{Open, elem_name};
use super::{Checked, Checker, Expect, FnValue, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::load::ItemId;
use crate::hir::scope::{Binding, FnSignature};
use crate::hir::{Expr, Stmt, Type};
use crate::size::Size;
use crate::source::Span;
use crate::syntax::ast::{self, ItemKind, TypeKind};
use crate::types::Scalar;
use std::collections::BTreeMap;

/// What names in a callee's function types mean at a call.
pub(in crate::hir) struct CalleeNames {
    /// Its type parameters.
    pub types: Vec<(String, Scalar)>,
    /// Its size variables, in the caller's sizes, as far as arguments say them directly.
    pub sizes: BTreeMap<String, Size>,
}

/// What stands before the parentheses.
enum Callee {
    Cast(Scalar),
    Global(Global),
    Value(FnValue, FnSignature, String),
}

impl Checker<'_> {
    pub fn call(&mut self, callee: &ast::Expr, args: &[ast::Arg], span: Span, expect: &Expect) -> Checked<Expr> {
        let is_whole = std::mem::take(&mut self.frame_mut().is_whole);
        let found = self.callee(callee);
        match found {
            Ok(Callee::Global(Global::Item(item))) => {
                let name = self.item_text(item);
                self.changes(&name, args, is_whole, span)?;
            }
            Ok(_) => {
                if let Some(arg) = args.iter().find(|arg| arg.is_var) {
                    let message = "only functions of a module have in-out parameters";
                    let help = format!("write `{}` without `var`", self.sources.text(arg.value.span));
                    return Err(self.report(Diagnostic::error(codes::IN_OUT, arg.value.span, message).help(help)));
                }
            }
            Err(Reported) => {}
        }
        match found {
            Ok(Callee::Cast(to)) => self.cast_call(to, args, span),
            Ok(Callee::Value(value, signature, name)) => self.value_call(value, &signature, &name, args, span),
            Ok(Callee::Global(Global::Op(op))) => self.op_call(op, args, span, expect),
            Ok(Callee::Global(Global::Intrinsic(intrinsic))) => self.intrinsic(intrinsic, args, span, expect),
            Ok(Callee::Global(Global::Item(item))) => self.item_call(item, args, span, expect),
            Ok(Callee::Global(Global::Module(_) | Global::Poison)) => Err(Reported),
            Err(Reported) => {
                // Arguments may be wrong too.
                for arg in args {
                    if !matches!(arg.value.kind, ast::ExprKind::Lambda { .. } | ast::ExprKind::Name(_)) {
                        let _ = self.expr(&arg.value, &Expect::None);
                    }
                }
                Err(Reported)
            }
        }
    }

    fn callee(&mut self, callee: &ast::Expr) -> Checked<Callee> {
        match &callee.kind {
            ast::ExprKind::Name(name) => {
                match self.lookup(&name.text) {
                    Some(Binding::Type(scalar)) => return Ok(Callee::Cast(scalar)),
                    Some(Binding::Fn(value, signature)) => {
                        return Ok(Callee::Value(value, signature, name.text.clone()));
                    }
                    Some(Binding::Poison) => return Err(Reported),
                    // A value is no function; what stands outside may be one (`let max = …; max(a, b)`).
                    Some(Binding::Local(_) | Binding::Size(_) | Binding::Const(_)) | None => {}
                }
                if let Some(scalar) = Scalar::from_name(&name.text) {
                    return Ok(Callee::Cast(scalar));
                }
                match self.global(&name.text) {
                    Some(Global::Module(_)) => {
                        let message = format!("`{}` is a module, not a function", name.text);
                        Err(self.error(codes::NOT_A_FUNCTION, name.span, message))
                    }
                    Some(global) => Ok(Callee::Global(global)),
                    None if self.lookup(&name.text).is_some() => {
                        let message = format!("`{}` is a value, not a function", name.text);
                        let diagnostic = Diagnostic::error(codes::NOT_A_FUNCTION, name.span, message);
                        Err(self.report(diagnostic.help(format!("to index it write `{}[…]`", name.text))))
                    }
                    None => Err(self.unknown(name, "function")),
                }
            }
            ast::ExprKind::Field(base, field) => {
                if let ast::ExprKind::Name(name) = &base.kind
                    && self.lookup(&name.text).is_none()
                {
                    match self.global(&name.text) {
                        Some(Global::Module(module)) => {
                            return Ok(Callee::Global(Global::Item(self.module_item(module, field)?)));
                        }
                        Some(Global::Poison) => return Err(Reported),
                        Some(Global::Item(_) | Global::Op(_) | Global::Intrinsic(_)) => {}
                        None => return Err(self.unknown(name, "module")),
                    }
                }
                if let Some(reported) = self.list_call(base, field) {
                    return Err(reported);
                }
                let method = &field.text;
                let message = format!("values have no functions of their own, `{method}` is called as one");
                let base = self.sources.text(base.span).to_string();
                let diagnostic = Diagnostic::error(codes::NOT_A_FUNCTION, field.span, message);
                Err(self.report(diagnostic.help(format!("write `{method}({base}, …)`"))))
            }
            ast::ExprKind::Error => Err(Reported),
            _ => Err(self.error(codes::NOT_A_FUNCTION, callee.span, "this is not a function")),
        }
    }

    /// `f32(x)`: an elementwise conversion. A literal takes the type itself where it can.
    fn cast_call(&mut self, to: Scalar, args: &[ast::Arg], span: Span) -> Checked<Expr> {
        let [arg] = args else {
            let message = format!("`{to}` converts 1 argument, {} given", args.len());
            return Err(self.error(codes::ARGUMENT_COUNT, span, message));
        };
        let expect = match self.open(&arg.value) {
            Some(_) if to.is_float() => Expect::Elem(to),
            Some(Open::Int) if to.is_int() => Expect::Elem(to),
            Some(Open::Float) => Expect::Elem(Scalar::F64),
            Some(Open::Int) | None => Expect::None,
        };
        let value = self.expr(&arg.value, &expect)?;
        let found = self.tensor_of(&value, "what is converted")?.elem;
        if to == Scalar::Bool && found != Scalar::Bool {
            let text = self.sources.text(value.span).to_string();
            return Err(self.report(
                Diagnostic::error(codes::BAD_CAST, span, format!("{found} does not convert to bool"))
                    .help(format!("write `{text} != 0`")),
            ));
        }
        Ok(self.fold_cast(to, value, span))
    }

    /// A call of a function-typed parameter.
    fn value_call(
        &mut self,
        value: FnValue,
        signature: &FnSignature,
        name: &str,
        args: &[ast::Arg],
        span: Span,
    ) -> Checked<Expr> {
        if args.len() != signature.params.len() {
            let message =
                format!("`{name}` takes {}, {} given", super::operator::count(signature.params.len()), args.len());
            return Err(self.report(
                Diagnostic::error(codes::ARGUMENT_COUNT, span, message).label(signature.span, "declared here"),
            ));
        }
        let mut checked = Vec::new();
        for (arg, ty) in args.iter().zip(&signature.params) {
            let value = self.expr(&arg.value, &Expect::of(ty));
            checked.push(value.and_then(|value| {
                let elem = ty.as_tensor().map(|tensor| tensor.elem);
                let found = value.ty.as_tensor().map(|tensor| tensor.elem);
                if elem == found {
                    return Ok(value);
                }
                let message = format!("an argument of `{name}` has another type than declared");
                let found = (&value.ty, value.span, "the argument");
                self.same_type(codes::ARGUMENT_TYPE, &message, found, (ty, signature.span, "the parameter"))?;
                Ok(value)
            }));
        }
        let checked = checked.into_iter().collect::<Checked<Vec<_>>>()?;
        let result = self.call_value(value, checked, &signature.result, span)?;
        let wanted = signature.result.as_tensor().map(|tensor| tensor.elem);
        if result.ty.as_tensor().map(|tensor| tensor.elem) != wanted {
            let message = format!("the function given for `{name}` has another result than declared");
            self.same_type(
                codes::FUNCTION_ARGUMENT,
                &message,
                (&result.ty, span, "its result"),
                (&signature.result, signature.span, "the declared result"),
            )?;
        }
        Ok(result)
    }

    /// Calls a function value with checked arguments.
    fn call_value(&mut self, value: FnValue, args: Vec<Expr>, result: &Type, span: Span) -> Checked<Expr> {
        match value {
            FnValue::Op(op) => self.op(op, args, span),
            FnValue::Item(item) => {
                let ast = self.modules.get(item.module).ast.clone();
                let (ItemKind::Fn(function) | ItemKind::Pipeline(function)) = &ast.items[item.item].kind else {
                    unreachable!("only functions become function values")
                };
                let mut sources: Vec<ArgSource<'_>> = args.into_iter().map(ArgSource::Checked).collect();
                for param in function.params.iter().skip(sources.len()) {
                    match &param.default {
                        Some(default) => sources.push(ArgSource::Default(default)),
                        None => {
                            let text = self.item_text(item);
                            let message = format!("`{text}` takes more arguments than it is given here");
                            return Err(self.report(
                                Diagnostic::error(codes::FUNCTION_ARGUMENT, span, message)
                                    .label(param.name.span, "this parameter has no default"),
                            ));
                        }
                    }
                }
                self.fn_call(item, function, sources, span, &Expect::None)
            }
            FnValue::Instance(id, captures) => {
                let mut args = args;
                args.extend(captures);
                self.apply(id, args, span)
            }
            FnValue::Opaque => Ok(self.opaque(result, span)),
        }
    }

    fn item_call(&mut self, item: ItemId, args: &[ast::Arg], span: Span, expect: &Expect) -> Checked<Expr> {
        let ast = self.modules.get(item.module).ast.clone();
        match &ast.items[item.item].kind {
            ItemKind::Fn(function) | ItemKind::Pipeline(function) => {
                let name = self.item_text(item);
                let sources = self.match_args(&name, function, args, span)?;
                self.fn_call(item, function, sources, span, expect)
            }
            ItemKind::Model { signature, .. } => Err(self.not_yet_host(item, "model", &signature.name.text, span)),
            ItemKind::Struct { .. } => self.struct_call(item, args, span),
            ItemKind::Const { name, .. } | ItemKind::State { name, .. } | ItemKind::Weights { name, .. } => {
                let message = format!("`{}` is a value, not a function", name.text);
                let diagnostic =
                    Diagnostic::error(codes::NOT_A_FUNCTION, span, message).label(name.span, "defined here");
                Err(self.report(diagnostic.help(format!("to index it write `{}[…]`", name.text))))
            }
            ItemKind::Use(_) | ItemKind::Test { .. } => unreachable!("these have no name"),
        }
    }

    /// Calls a function item: decides its type parameters, checks the arguments, makes the instance.
    fn fn_call(
        &mut self,
        item: ItemId,
        function: &ast::Fn,
        sources: Vec<ArgSource<'_>>,
        span: Span,
        expect: &Expect,
    ) -> Checked<Expr> {
        let type_params = self.type_params(item.module, function);
        let mut bound: BTreeMap<&str, (Scalar, Span)> = BTreeMap::new();
        let mut values: Vec<Option<Checked<Expr>>> = sources.iter().map(|_| None).collect();
        let is_fn = |position: usize| matches!(function.params[position].ty.kind, TypeKind::Fn(..));
        let mut waiting = Vec::new();
        // Arguments with a type of their own first: they decide type parameters.
        for (position, source) in sources.iter().enumerate() {
            let param = &function.params[position];
            if is_fn(position) {
                continue;
            }
            let generic = elem_name(&param.ty).and_then(|name| type_params.iter().find(|param| *param == name));
            let Some(name) = generic else {
                let known = elem_name(&param.ty).and_then(Scalar::from_name);
                let is_dim = elem_name(&param.ty) == Some("dim");
                let expect = if is_dim { Some(Scalar::I32) } else { known };
                values[position] = Some(self.arg(source, item, expect.map_or(Expect::None, Expect::Elem)));
                continue;
            };
            if let Some(open) = self.open_arg(source, item) {
                waiting.push((position, name.as_str(), open));
                continue;
            }
            let value = self.arg(source, item, Expect::None);
            if let Ok(value) = &value
                && let Some(found) = value.ty.elem()
            {
                match bound.get(name.as_str()) {
                    None => {
                        bound.insert(name, (found, value.span));
                    }
                    Some(&(elem, place)) if elem != found => {
                        let text = self.item_text(item);
                        self.report(
                            Diagnostic::error(
                                codes::TYPE_PARAMETER,
                                value.span,
                                format!("`{text}` needs one {name}, found {elem} and {found}"),
                            )
                            .at(format!("{name} is {found} here"))
                            .label(place, format!("{name} is {elem} here")),
                        );
                        values[position] = Some(Err(Reported));
                        continue;
                    }
                    Some(_) => {}
                }
            }
            values[position] = Some(value);
        }
        let failed = values.iter().flatten().any(Result::is_err);
        for &(position, name, open) in &waiting {
            if failed && !bound.contains_key(name) {
                values[position] = Some(Err(Reported));
                continue;
            }
            let elem = match bound.get(name) {
                Some((elem, _)) => *elem,
                None => {
                    let all = waiting.iter().filter(|(_, other, _)| *other == name).map(|(_, _, open)| *open);
                    let open = all.max().unwrap_or(open);
                    let elem = self.settle_type_param(function, name, open, expect);
                    bound.insert(name, (elem, sources[position].span(span)));
                    elem
                }
            };
            values[position] = Some(self.arg(&sources[position], item, Expect::Elem(elem)));
        }
        let mut types = Vec::new();
        let mut failed = values.iter().flatten().any(Result::is_err);
        for name in &type_params {
            match bound.get(name.as_str()) {
                Some((elem, _)) => types.push(*elem),
                None if failed => {}
                None => {
                    let text = self.item_text(item);
                    self.error(
                        codes::TYPE_PARAMETER,
                        span,
                        format!("the arguments of `{text}` do not say what {name} is"),
                    );
                    failed = true;
                }
            }
        }
        if failed {
            return Err(Reported);
        }
        let mut fns = Vec::new();
        let has_fns = (0..sources.len()).any(is_fn);
        let known = CalleeNames {
            types: type_params.iter().cloned().zip(types.iter().copied()).collect(),
            sizes: if has_fns { self.arg_sizes(function, &values) } else { BTreeMap::new() },
        };
        for (position, source) in sources.iter().enumerate() {
            if is_fn(position) {
                let param = &function.params[position];
                match self.fn_arg(source, param, &known, item) {
                    Ok(value) => fns.push(value),
                    Err(Reported) => failed = true,
                }
            }
        }
        if failed {
            return Err(Reported);
        }
        let sizes = if self.is_static(item) { self.constant_sizes(function, &values) } else { BTreeMap::new() };
        let (mut args, lets) = self.flat_args(item, function, values)?;
        for value in &fns {
            if let FnValue::Instance(_, captures) = value {
                args.extend(captures.iter().cloned());
            }
        }
        let id = self.instance(item, &types, fns, sizes, Some(span))?;
        let call = self.apply(id, args, span)?;
        if lets.is_empty() {
            return Ok(call);
        }
        if self.has_in_out(&call) {
            let message = "a struct that is built in a call which changes variables must be bound first";
            return Err(
                self.report(Diagnostic::error(codes::NESTED_CHANGE, span, message).help("write `let s = …` before it"))
            );
        }
        let ty = call.ty.clone();
        Ok(super::expr(
            crate::hir::ExprKind::Block(crate::hir::Block { stmts: lets, value: Some(Box::new(call)) }),
            ty,
            span,
        ))
    }

    /// Arguments without structs: each gives its fields. What is used several times for that is bound before.
    fn flat_args(
        &mut self,
        item: ItemId,
        function: &ast::Fn,
        values: Vec<Option<Checked<Expr>>>,
    ) -> Checked<(Vec<Expr>, Vec<Stmt>)> {
        let (mut args, mut lets) = (Vec::new(), Vec::new());
        for (param, value) in function.params.iter().zip(values) {
            let Some(value) = value else { continue };
            let value = value?;
            let Some(of) = self.in_module(item.module, |checker| checker.struct_named(&param.ty).map(|(of, _)| of))
            else {
                args.push(value);
                continue;
            };
            if value.ty.as_struct().is_none_or(|(found, _)| found.item != of) {
                let (callee, of) = (self.item_text(item), self.item_text(of));
                let found = self.show_type(&value.ty);
                let message = format!("`{}` of `{callee}` must be the struct `{of}`", param.name.text);
                return Err(self.report(
                    Diagnostic::error(codes::ARGUMENT_TYPE, value.span, message)
                        .at(format!("this is {found}"))
                        .label(param.name.span, "the parameter"),
                ));
            }
            args.extend(self.fields_of(value, &mut lets));
        }
        Ok((args, lets))
    }

    /// Sizes of the callee that the arguments say directly.
    fn arg_sizes(&mut self, function: &ast::Fn, values: &[Option<Checked<Expr>>]) -> BTreeMap<String, Size> {
        let mut sizes = BTreeMap::new();
        for (param, value) in function.params.iter().zip(values) {
            let Some(Ok(value)) = value else { continue };
            match &param.ty.kind {
                TypeKind::Name(name) if name.text == "dim" => {
                    if let Some(size) = self.plain_size(value) {
                        sizes.entry(param.name.text.clone()).or_insert(size);
                    }
                }
                TypeKind::Tensor(_, dims) => {
                    let found = match value.ty.as_struct() {
                        Some((of, _)) => &of.sizes[..],
                        None => value.ty.sizes(),
                    };
                    let Some(extra) = found.len().checked_sub(dims.len()) else { continue };
                    for (dim, found) in dims.iter().zip(&found[extra..]) {
                        if let ast::DimDecl::Size(ast::Expr { kind: ast::ExprKind::Name(name), .. }) = dim {
                            sizes.entry(name.text.clone()).or_insert_with(|| found.clone());
                        }
                    }
                }
                TypeKind::List(_, ast::Expr { kind: ast::ExprKind::Name(name), .. }) => {
                    if let Some(list) = value.ty.as_list() {
                        sizes.entry(name.text.clone()).or_insert_with(|| list.cap.clone());
                    }
                }
                TypeKind::Name(_) | TypeKind::Fn(..) | TypeKind::List(..) | TypeKind::Error => {}
            }
        }
        sizes
    }

    /// Sizes of the callee that the arguments say as constants.
    fn constant_sizes(&mut self, function: &ast::Fn, values: &[Option<Checked<Expr>>]) -> BTreeMap<String, i64> {
        let sizes = self.arg_sizes(function, values).into_iter();
        sizes.filter_map(|(name, size)| Some((name, size.as_const()?))).collect()
    }

    fn open_arg(&mut self, source: &ArgSource<'_>, item: ItemId) -> Option<Open> {
        match source {
            ArgSource::Tree(tree) => self.open(tree),
            ArgSource::Var(_) => None,
            ArgSource::Default(tree) => self.in_module(item.module, |checker| checker.open(tree)),
            ArgSource::Checked(_) => None,
        }
    }

    fn arg(&mut self, source: &ArgSource<'_>, item: ItemId, expect: Expect) -> Checked<Expr> {
        match source {
            ArgSource::Tree(tree) => self.expr(tree, &expect),
            ArgSource::Var(tree) => self.in_out_arg(tree),
            ArgSource::Default(tree) => self.in_module(item.module, |checker| checker.expr(tree, &expect)),
            ArgSource::Checked(value) => Ok(value.clone()),
        }
    }

    /// The type that a type parameter takes if only literals speak of it.
    fn settle_type_param(&mut self, function: &ast::Fn, name: &str, open: Open, expect: &Expect) -> Scalar {
        let wants_float = function.facts.iter().any(|fact| {
            matches!(fact, ast::Fact::Constraint(subject, class) if subject.text == name && class.text == "float")
        });
        let open = if wants_float { Open::Float } else { open };
        let is_result = matches!(&function.results[..], [result] if elem_name(&result.ty) == Some(name));
        match expect.elem() {
            Some(elem) if is_result && (elem.is_float() || (open == Open::Int && elem.is_int())) => elem,
            _ => open.default_type(),
        }
    }
}
