//! Functions as arguments: names, and lambdas, which become functions with what they capture as hidden parameters.

use super::check::{
    ArgSource, CalleeNames, Checked, Checker, Expect, FnInfo, FnValue, Frame, Global, Pure, Reported, expr, size_expr,
};
use super::load::{ItemId, ModuleId};
use super::scope::Binding;
use super::{Axis, Block, Expr, ExprKind, Fact, FnId, LocalId, Relation, ResultDecl, SizeParam, SizeSource, Type};
use crate::diag::{Diagnostic, codes};
use crate::size::{DimExpr, ScalarVar, Size, SizeVar, Subst};
use crate::source::Span;
use crate::syntax::ast::{self, DimDecl, ItemKind, TypeKind};
use crate::types::{Const, Scalar};
use std::collections::BTreeMap;

impl Checker<'_> {
    /// The function that an argument for a function-typed parameter is.
    pub(super) fn fn_arg(
        &mut self,
        source: &ArgSource<'_>,
        param: &ast::Param,
        known: &CalleeNames,
        item: ItemId,
    ) -> Checked<FnValue> {
        let TypeKind::Fn(params, result) = &param.ty.kind else { unreachable!("a function-typed parameter") };
        let tree = match source {
            ArgSource::Tree(tree) | ArgSource::Var(tree) => tree,
            ArgSource::Default(tree) => {
                return self.in_module(item.module, |checker| checker.fn_value(tree, param));
            }
            ArgSource::Checked(value) => {
                let span = value.span;
                return Err(self.error(codes::FUNCTION_ARGUMENT, span, "a function cannot be passed on here"));
            }
        };
        match &tree.kind {
            ast::ExprKind::Lambda { params: names, body } => {
                if names.len() != params.len() {
                    let message = match params.len() {
                        1 => format!("`{}` takes a function of 1 parameter", param.name.text),
                        count => format!("`{}` takes a function of {count} parameters", param.name.text),
                    };
                    return Err(self.report(
                        Diagnostic::error(codes::FUNCTION_ARGUMENT, tree.span, message)
                            .at(format!("this lambda has {}", names.len()))
                            .label(param.ty.span, "declared here"),
                    ));
                }
                self.lambda(names, body, (params, result), known, item, tree.span)
            }
            _ => self.fn_value(tree, param),
        }
    }

    /// A named function as an argument.
    fn fn_value(&mut self, tree: &ast::Expr, param: &ast::Param) -> Checked<FnValue> {
        let global = match &tree.kind {
            ast::ExprKind::Name(name) => match self.lookup(&name.text) {
                Some(Binding::Fn(value, _)) => return Ok(value),
                Some(Binding::Poison) => return Err(Reported),
                Some(Binding::Local(_) | Binding::Size(_) | Binding::Const(_) | Binding::Type(_)) => None,
                None => match self.global(&name.text) {
                    None => return Err(self.unknown(name, "function")),
                    known => known,
                },
            },
            ast::ExprKind::Field(base, field) => match &base.kind {
                ast::ExprKind::Name(name) => match self.global(&name.text) {
                    Some(Global::Module(module)) => Some(Global::Item(self.module_item(module, field)?)),
                    Some(Global::Poison) => return Err(Reported),
                    None => return Err(self.unknown(name, "module")),
                    Some(_) => None,
                },
                _ => None,
            },
            ast::ExprKind::Error => return Err(Reported),
            _ => None,
        };
        match global {
            Some(Global::Op(op)) => return Ok(FnValue::Op(op)),
            Some(Global::Poison) => return Err(Reported),
            Some(Global::Item(item)) if let ItemKind::Fn(function) = &self.modules.item(item).kind => {
                if let Some(var) = function.params.iter().find(|param| param.is_var).map(|param| param.name.clone()) {
                    let message = format!("`{}` must be a function that changes nothing", param.name.text);
                    return Err(self.report(
                        Diagnostic::error(codes::FUNCTION_ARGUMENT, tree.span, message)
                            .label(var.span, "this parameter is in-out"),
                    ));
                }
                return Ok(FnValue::Item(item));
            }
            Some(Global::Item(_) | Global::Module(_) | Global::Intrinsic(_)) | None => {}
        }
        let message = format!("`{}` must be a function", param.name.text);
        Err(self.report(
            Diagnostic::error(codes::FUNCTION_ARGUMENT, tree.span, message)
                .label(param.ty.span, "declared here")
                .help("give a function's name, or a lambda: `|t| 1.0 - abs(t)`"),
        ))
    }

    /// Checks a lambda as a function of its own. Its declared type is read in the scope of the function it is
    /// given to, where size names stand for any size.
    fn lambda(
        &mut self,
        names: &[ast::Name],
        body: &ast::Expr,
        (params, result): (&[ast::TypeExpr], &ast::TypeExpr),
        known: &CalleeNames,
        item: ItemId,
        span: Span,
    ) -> Checked<FnValue> {
        let module = self.frame().module;
        self.frames.push(Frame::new(item.module, span));
        let checked = self.lambda_body(names, body, (params, result), known, module);
        let frame = self.frames.pop().expect("just pushed");
        let id = checked?;
        Ok(FnValue::Instance(id, frame.captures.map(|captures| captures.values).unwrap_or_default()))
    }

    fn lambda_body(
        &mut self,
        names: &[ast::Name],
        body: &ast::Expr,
        (params, result): (&[ast::TypeExpr], &ast::TypeExpr),
        known: &CalleeNames,
        module: ModuleId,
    ) -> Checked<FnId> {
        self.frame_mut().scopes.open();
        for (name, ty) in &known.types {
            self.bind(name, Binding::Type(*ty));
        }
        // Declared parameters stand before captures, so they are added before anything is captured; their types follow.
        for name in names {
            let local = self.add_local(&name.text, Type::scalar(Scalar::I32), name.span, None);
            self.frame_mut().params.push(local);
        }
        let at = self.frames.len() - 1;
        for (position, ty) in params.iter().enumerate() {
            let TypeKind::Tensor(_, dims) = &ty.kind else { continue };
            for (axis, dim) in dims.iter().enumerate() {
                if let DimDecl::Size(ast::Expr { kind: ast::ExprKind::Name(name), .. }) = dim
                    && self.frame().scopes.find(&name.text).is_none()
                    && !self.is_const_size(&name.text)
                {
                    if let Some(size) = known.sizes.get(&name.text) {
                        self.frame_mut().captures.get_or_insert_default();
                        let size = self.capture_size(at, size);
                        self.bind(&name.text, Binding::Size(size));
                        continue;
                    }
                    let var = self.program.names.new_size(name.text.clone());
                    let source = SizeSource::Param { param: position, axis };
                    self.frame_mut().sizes.push(SizeParam { var, source });
                    self.bind(&name.text, Binding::Size(Size::from(var)));
                }
            }
        }
        let captures = self.frame_mut().captures.take();
        let param_types: Vec<Checked<Type>> = params.iter().map(|ty| self.value_type(ty)).collect();
        let result_ty = self.value_type(result);
        let param_types = param_types.into_iter().collect::<Checked<Vec<Type>>>()?;
        let result_ty = result_ty?;
        // From here on names are those of the lambda's own place.
        let frame = self.frame_mut();
        frame.scopes.close();
        frame.scopes.open();
        frame.module = module;
        frame.captures = Some(captures.unwrap_or_default());
        for (position, (name, ty)) in names.iter().zip(param_types).enumerate() {
            if let Some(elem) = ty.as_scalar() {
                let var = self.program.names.new_scalar(name.text.clone());
                let frame = self.frame_mut();
                frame.pure[position] = Some(Pure::Scalar(DimExpr::Scalar(var, elem)));
                frame.locals[position].scalar = Some(var);
            }
            self.frame_mut().locals[position].ty = ty;
            self.bind(&name.text, Binding::Local(LocalId(position as u32)));
        }
        let declared_params = names.len();
        let value = self.expr(body, &Expect::of(&result_ty))?;
        let value = self.coerce(value, &result_ty);
        self.same_type(
            codes::FUNCTION_ARGUMENT,
            "this lambda gives another type than the parameter asks for",
            (&value.ty, value.span, "the result"),
            (&result_ty, result.span, "the declared result"),
        )?;
        let pure = self.pure(&value);
        let stmts = std::mem::take(&mut self.frame_mut().prelude);
        let body = Block { stmts, value: Some(Box::new(value)) };
        let name = format!("|{}|", names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(", "));
        let results = vec![ResultDecl { name: None, ty: result_ty }];
        Ok(self.finish(name, "", results, body, FnInfo { declared_params, pure, ..FnInfo::default() }))
    }

    /// Gives the function being checked the hidden parameters of a lambda that it got as an argument, so that its
    /// calls of the lambda can hand them on.
    ///
    /// `declared` are the parameters that the function declares for its argument: they have the sizes that the
    /// lambda captured, which is a fact of the function.
    pub(super) fn hidden_params(&mut self, value: FnValue, declared: &[Type], span: Span) -> FnValue {
        let FnValue::Instance(id, _) = value else { return value };
        let lambda = self.program.fns[id.0 as usize].clone();
        let info = self.infos[id.0 as usize].clone();
        let mut sizes: BTreeMap<SizeVar, SizeVar> = BTreeMap::new();
        let mut scalars: BTreeMap<ScalarVar, ScalarVar> = BTreeMap::new();
        let mut values = Vec::new();
        for (position, param) in lambda.params.iter().enumerate().skip(info.declared_params) {
            let local = &lambda.locals[param.0 as usize];
            let dim = lambda.sizes.iter().find(|size| matches!(size.source, SizeSource::Dim(at) if at == position));
            let (pure, ty) = match (dim, local.scalar) {
                (Some(dim), _) => {
                    let var = self.program.names.new_size(local.name.clone());
                    let source = SizeSource::Dim(self.frame().params.len());
                    self.frame_mut().sizes.push(SizeParam { var, source });
                    sizes.insert(dim.var, var);
                    (Some(DimExpr::Size(Size::from(var))), Type::scalar(Scalar::I32))
                }
                (None, Some(scalar)) => {
                    let var = self.program.names.new_scalar(local.name.clone());
                    scalars.insert(scalar, var);
                    let elem = local.ty.as_scalar().expect("a scalar variable is a scalar");
                    (Some(DimExpr::Scalar(var, elem)), local.ty.clone())
                }
                (None, None) => (None, rename_type(&local.ty, &sizes, &scalars)),
            };
            let pure = pure.map(Pure::Scalar);
            let own = self.add_local(&local.name, ty, local.span, pure);
            self.frame_mut().params.push(own);
            values.push(self.local(own, local.span));
        }
        for fact in &lambda.facts[..info.declared_facts] {
            let fact = Fact { size: rename(&fact.size, &sizes, &scalars), ..fact.clone() };
            self.frame_mut().facts.push(fact);
        }
        for (param, declared) in lambda.params.iter().zip(declared) {
            let (Type::Tensor(own), Type::Tensor(declared)) = (&lambda.locals[param.0 as usize].ty, declared) else {
                continue;
            };
            for (own, declared) in own.dims.iter().zip(&declared.dims) {
                let own = rename(own, &sizes, &scalars);
                let mut vars = Vec::new();
                own.vars(&mut vars);
                // A size that the lambda's own parameter binds is any size.
                if own != *declared && vars.iter().all(|var| sizes.values().any(|known| known == var)) {
                    let text = format!("{} == {}", self.show(&own), self.show(declared));
                    let size = declared.minus(&own);
                    self.frame_mut().facts.push(Fact { rel: Relation::Zero, size, span, text });
                }
            }
        }
        let reached = info.size_scalars.iter().filter_map(|var| scalars.get(var).copied());
        let reached: Vec<ScalarVar> = reached.collect();
        self.frame_mut().size_scalars.extend(reached);
        FnValue::Instance(id, values)
    }

    /// Some value of this type: what an unknown function gives while a function that nobody calls is checked.
    pub(super) fn opaque(&mut self, ty: &Type, span: Span) -> Expr {
        let Type::Tensor(tensor) = ty else { unreachable!("functions as arguments have one result") };
        let zero = if tensor.elem.is_float() { Const { ty: tensor.elem, bits: 0 } } else { Const::int(tensor.elem, 0) };
        let zero = expr(ExprKind::Const(zero), Type::scalar(tensor.elem), span);
        if tensor.dims.is_empty() {
            return zero;
        }
        let mut axes = Vec::new();
        for dim in &tensor.dims {
            let local = self.add_local("_", Type::scalar(Scalar::I32), span, None);
            axes.push(Axis {
                local,
                lo: size_expr(Size::constant(0), span),
                hi: size_expr(dim.clone(), span),
                step: Size::constant(1),
                extent: Some(dim.clone()),
            });
        }
        let body = Block { stmts: Vec::new(), value: Some(Box::new(zero)) };
        expr(ExprKind::For { axes, body }, ty.clone(), span)
    }
}

fn rename(size: &Size, sizes: &BTreeMap<SizeVar, SizeVar>, scalars: &BTreeMap<ScalarVar, ScalarVar>) -> Size {
    size.substitute(&Subst {
        size: &|var| Size::from(sizes.get(&var).copied().unwrap_or(var)),
        scalar: &|var, ty| DimExpr::Scalar(scalars.get(&var).copied().unwrap_or(var), ty),
    })
}

fn rename_type(ty: &Type, sizes: &BTreeMap<SizeVar, SizeVar>, scalars: &BTreeMap<ScalarVar, ScalarVar>) -> Type {
    ty.map_sizes(&mut |size| rename(size, sizes, scalars))
}
