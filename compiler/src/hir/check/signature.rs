//! The signature of a function instance: locals for its parameters, size variables bound by their types.

use super::{Checked, Checker, FnValue, Pure, Reported};
use crate::diag::{Diagnostic, codes};
use crate::hir::facts::Answer;
use crate::hir::scope::{Binding, FnSignature};
use crate::hir::{Expr, ExprKind, Fact, LocalId, Relation, SizeParam, SizeSource, Stmt, Type};
use crate::size::{DimExpr, Size};
use crate::source::Span;
use crate::syntax::ast::{self, DimDecl, TypeKind};
use crate::types::Scalar;

impl Checker<'_> {
    /// Declares the parameters of an instance: locals, size variables with their sources, implied facts.
    /// `fns` are the values of its function-typed parameters, in order.
    pub fn declare_params(&mut self, function: &ast::Fn, fns: Vec<FnValue>) -> Checked<()> {
        let mut failed = false;
        for (position, param) in function.params.iter().enumerate() {
            if let Some(first) = function.params[..position].iter().find(|first| first.name.text == param.name.text) {
                self.report(
                    Diagnostic::error(
                        codes::DUPLICATE_NAME,
                        param.name.span,
                        format!("two parameters are called `{}`", param.name.text),
                    )
                    .label(first.name.span, "the first one"),
                );
                failed = true;
            }
            if param.is_var && (matches!(param.ty.kind, TypeKind::Fn(..)) || is_dim(param)) {
                let message = format!("`{}` cannot be in-out: sizes and functions do not change", param.name.text);
                self.error(codes::IN_OUT, param.name.span, message);
                failed = true;
            }
            if let (true, Some(default)) = (param.is_var, &param.default) {
                let message = format!("the in-out parameter `{}` cannot have a default", param.name.text);
                self.error(codes::IN_OUT, default.span, message);
                failed = true;
            }
        }
        self.bind_sizes(function)?;
        let mut fns = fns.into_iter();
        let mut with_fns = Vec::new();
        for param in &function.params {
            match self.declare_param(param) {
                Ok(true) => {}
                Ok(false) => with_fns.push(param),
                Err(Reported) => {
                    self.bind(&param.name.text, Binding::Poison);
                    failed = true;
                }
            }
        }
        if failed {
            return Err(Reported);
        }
        for param in with_fns {
            let value = fns.next().expect("each function-typed parameter has a value");
            self.declare_fn_param(param, value)?;
        }
        Ok(())
    }

    /// Declares a parameter that is a value; gives false for function-typed ones.
    fn declare_param(&mut self, param: &ast::Param) -> Checked<bool> {
        let span = param.name.span;
        let (ty, pure) = match &param.ty.kind {
            TypeKind::Fn(..) => return Ok(false),
            TypeKind::Name(name) if name.text == "dim" => {
                let Some(Binding::Size(size)) = self.frame().scopes.find(&param.name.text).cloned() else {
                    return Err(Reported);
                };
                (Type::scalar(Scalar::I32), Some(Pure::Scalar(DimExpr::Size(size))))
            }
            TypeKind::List(elem, cap) if param.is_var => (Type::List(self.declared_list(elem, cap)?), None),
            TypeKind::List(..) => {
                let text = self.sources.text(param.ty.span).to_string();
                return Err(self.report(
                    Diagnostic::error(codes::LIST, param.ty.span, "only an in-out parameter can be a list")
                        .help(format!("write `var {}: {text}`, or take its elements as a tensor", param.name.text)),
                ));
            }
            _ if self.struct_named(&param.ty).is_some() => return self.declare_struct(param).map(|()| true),
            _ => {
                let ty = self.value_type(&param.ty)?;
                let pure = ty.as_scalar().filter(|_| !param.is_var).map(|elem| {
                    let var = self.program.names.new_scalar(param.name.text.clone());
                    Pure::Scalar(DimExpr::Scalar(var, elem))
                });
                (ty, pure)
            }
        };
        self.extents_are_not_negative(&ty, span);
        let local = self.add_local(&param.name.text, ty, span, pure);
        let frame = self.frame_mut();
        frame.locals[local.0 as usize].is_var = param.is_var;
        frame.params.push(local);
        self.bind(&param.name.text, Binding::Local(local));
        Ok(true)
    }

    /// What is not just a variable says something about variables: extents are not negative.
    fn extents_are_not_negative(&mut self, ty: &Type, span: Span) {
        let Type::Tensor(tensor) = ty else { return };
        for dim in tensor.dims.clone() {
            if self.facts().non_negative(&dim) != Answer::Yes {
                let text = format!("{} >= 0", self.show(&dim));
                self.frame_mut().implied.push(Fact { rel: Relation::NonNegative, size: dim, span, text });
            }
        }
    }

    /// Declares a struct: a parameter `name.field` for each field, and a local that holds them together.
    fn declare_struct(&mut self, param: &ast::Param) -> Checked<()> {
        let span = param.name.span;
        if param.is_var {
            let message = format!("`{}` cannot be in-out: a struct is not changed", param.name.text);
            return Err(self.report(
                Diagnostic::error(codes::IN_OUT, span, message).help("pass its fields as variables of their own"),
            ));
        }
        let ty = self.value_type(&param.ty)?;
        let Type::Tuple(fields) = &ty else { unreachable!("a struct has fields") };
        let mut values = Vec::new();
        for (field, ty) in fields {
            self.extents_are_not_negative(ty, span);
            let pure = ty.as_scalar().map(|elem| {
                let name = format!("{}.{}", param.name.text, field.as_deref().unwrap_or(""));
                Pure::Scalar(DimExpr::Scalar(self.program.names.new_scalar(name), elem))
            });
            let name = format!("{}.{}", param.name.text, field.as_deref().unwrap_or(""));
            let local = self.add_local(&name, ty.clone(), span, pure);
            self.frame_mut().params.push(local);
            values.push(self.local(local, span));
        }
        self.put_together(&param.name.text, values, ty, span);
        Ok(())
    }

    /// Binds a name to several values, by a statement before the body.
    pub fn put_together(&mut self, name: &str, values: Vec<Expr>, ty: Type, span: Span) -> LocalId {
        let value = super::expr(ExprKind::Tuple(values), ty.clone(), span);
        let pure = self.pure(&value);
        let local = self.add_local(name, ty, span, pure);
        self.frame_mut().prelude.push(Stmt::Let { locals: vec![local], value });
        self.bind(name, Binding::Local(local));
        local
    }

    /// Declares a function-typed parameter: no local, but the hidden captures of a lambda.
    fn declare_fn_param(&mut self, param: &ast::Param, value: FnValue) -> Checked<()> {
        let TypeKind::Fn(params, result) = &param.ty.kind else { unreachable!("only function types come here") };
        let params = params.iter().map(|ty| self.value_type(ty)).collect::<Checked<Vec<_>>>()?;
        let result = self.value_type(result)?;
        let value = self.hidden_params(value, &params, param.ty.span);
        let signature = FnSignature { params, result, span: param.ty.span };
        self.bind(&param.name.text, Binding::Fn(value, signature));
        Ok(())
    }

    /// Binds every size variable of the parameters, before their types are read.
    fn bind_sizes(&mut self, function: &ast::Fn) -> Checked<()> {
        let mut number = 0;
        let mut numbered = Vec::new();
        for param in &function.params {
            if matches!(param.ty.kind, TypeKind::Fn(..)) {
                continue;
            }
            if matches!(&param.ty.kind, TypeKind::Name(name) if name.text == "dim") {
                self.bind_size(&param.name, SizeSource::Dim(number));
            }
            numbered.push((number, param));
            // A struct is as many parameters as it has fields.
            number += match self.struct_named(&param.ty) {
                Some((item, _)) => self.struct_def(item)?.fields.len(),
                None => 1,
            };
        }
        let mut result = Ok(());
        for &(param, tree) in &numbered {
            if let TypeKind::List(_, ast::Expr { kind: ast::ExprKind::Name(name), .. }) = &tree.ty.kind
                && !self.is_bound_size(&name.text)
            {
                self.bind_size(name, SizeSource::Param { param, axis: 0 });
            }
            let TypeKind::Tensor(_, dims) = &tree.ty.kind else { continue };
            let places = self.size_places(&tree.ty)?;
            for (axis, dim) in dims.iter().enumerate() {
                let (param, axis) = place_of(&places, param, axis);
                if let DimDecl::Bounded(name, bound) = dim {
                    let (text, bound) = (&name.text, self.sources.text(bound.span));
                    let diagnostic =
                        Diagnostic::error(codes::BAD_FACT, name.span, "a parameter's size is bounded behind `where`")
                            .help(format!("write `{text}` here and `where {text} <= {bound}` behind the parameters"));
                    self.bind(&name.text, Binding::Poison);
                    self.report(diagnostic);
                    result = Err(Reported);
                    continue;
                }
                let DimDecl::Size(ast::Expr { kind: ast::ExprKind::Name(name), .. }) = dim else { continue };
                if self.is_bound_size(&name.text) {
                    continue;
                }
                if let Some((_, scalar)) = numbered.iter().find(|(_, param)| param.name.text == name.text) {
                    let message = format!("`{}` is a value, not a size", name.text);
                    self.report(
                        Diagnostic::error(codes::NOT_A_SIZE, name.span, message)
                            .label(scalar.ty.span, "declared with this type")
                            .help(format!("declare it as a size: `{}: dim`", name.text)),
                    );
                    result = Err(Reported);
                    self.bind(&name.text, Binding::Poison);
                    continue;
                }
                self.bind_size(name, SizeSource::Param { param, axis });
            }
        }
        for &(param, tree) in &numbered {
            let trees: Vec<Option<&ast::Expr>> = match &tree.ty.kind {
                TypeKind::Tensor(_, dims) => dims.iter().map(extent_tree).collect(),
                TypeKind::List(_, cap) => vec![Some(cap)],
                _ => continue,
            };
            let places = self.size_places(&tree.ty)?;
            for (axis, tree) in trees.into_iter().enumerate() {
                let Some(tree) = tree else { continue };
                let (param, axis) = place_of(&places, param, axis);
                let mut unbound = Vec::new();
                self.unbound_names(tree, &mut unbound);
                if let Some(name) = unbound.first().copied()
                    && self.solve_size(name, tree, SizeSource::Param { param, axis }).is_err()
                {
                    result = Err(Reported);
                }
            }
        }
        result
    }

    /// Where the sizes of a struct stand: fields and axes.
    fn size_places(&mut self, ty: &ast::TypeExpr) -> Checked<Option<Vec<(usize, usize)>>> {
        let item = self.struct_named(ty).map(|(item, _)| item);
        item.map(|item| self.struct_def(item).map(|def| def.places.clone())).transpose()
    }

    fn is_bound_size(&self, name: &str) -> bool {
        self.frame().scopes.find(name).is_some() || self.is_const_size(name)
    }

    fn bind_size(&mut self, name: &ast::Name, source: SizeSource) {
        if let Some(&known) = self.frame().known.get(&name.text) {
            self.bind(&name.text, Binding::Size(Size::constant(known)));
            return;
        }
        let var = self.program.names.new_size(name.text.clone());
        self.frame_mut().sizes.push(SizeParam { var, source });
        self.bind(&name.text, Binding::Size(Size::from(var)));
    }

    fn unbound_names<'t>(&self, tree: &'t ast::Expr, out: &mut Vec<&'t ast::Name>) {
        use ast::ExprKind as E;
        match &tree.kind {
            E::Name(name) if !self.is_bound_size(&name.text) => out.push(name),
            E::Unary(_, inner) => self.unbound_names(inner, out),
            E::Binary(_, left, right) => {
                self.unbound_names(left, out);
                self.unbound_names(right, out);
            }
            E::Call { args, .. } => args.iter().for_each(|arg| self.unbound_names(&arg.value, out)),
            _ => {}
        }
    }

    /// Binds a variable that occurs as `a*V + c`.
    fn solve_size(&mut self, name: &ast::Name, tree: &ast::Expr, source: SizeSource) -> Checked<()> {
        let before = self.frame().sizes.len();
        self.bind_size(name, source);
        let var = self.frame().sizes[before].var;
        let mut others = Vec::new();
        self.unbound_names(tree, &mut others);
        let solved = if others.is_empty() {
            let size = self.size(tree, "an extent")?;
            size.solve_for(var).filter(|(factor, rest)| *factor > 0 && rest.as_const().is_some())
        } else {
            None
        };
        if solved.is_some() {
            return Ok(());
        }
        self.frame_mut().sizes.truncate(before);
        for name in std::iter::once(name).chain(others) {
            self.bind(&name.text, Binding::Poison);
        }
        Err(self.report(
            Diagnostic::error(codes::SIZE_UNBOUND, name.span, format!("nothing says what `{}` is", name.text))
                .at("this is the only place where it occurs")
                .note("a size variable stands alone, or as `a*V + c`, in the type of some parameter")
                .help(format!("add a parameter: `{}: dim`", name.text)),
        ))
    }
}

fn is_dim(param: &ast::Param) -> bool {
    matches!(&param.ty.kind, TypeKind::Name(name) if name.text == "dim")
}

/// The size expression of an extent without a bound.
fn extent_tree(dim: &DimDecl) -> Option<&ast::Expr> {
    match dim {
        DimDecl::Size(tree) => Some(tree),
        DimDecl::Bounded(..) => None,
    }
}

/// The parameter and axis that say a size: of a struct those of the field where it stands alone.
fn place_of(places: &Option<Vec<(usize, usize)>>, param: usize, axis: usize) -> (usize, usize) {
    match places.as_ref().and_then(|places| places.get(axis)) {
        Some((field, axis)) => (param + field, *axis),
        None => (param, axis),
    }
}
