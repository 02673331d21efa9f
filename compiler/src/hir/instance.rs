//! Instances: a function item with concrete element types and function arguments becomes one HIR function, checked
//! once for all sizes.

use super::check::{
    Active, ActiveKey, Checked, Checker, Expect, FnInfo, FnValue, Frame, InstanceKey, Reported, type_params,
};
use super::load::ItemId;
use super::scope::Binding;
use super::{Block, Expr, ExprKind, Fact, Fn, FnId, ResultDecl, Type};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::ast::{self, ItemKind, TypeKind};
use crate::types::Scalar;

/// How deeply calls may nest while functions are checked.
const DEPTH: usize = 64;

impl Checker<'_> {
    /// The instance of a function for these element types and function arguments; made now if it is new.
    pub(super) fn instance(
        &mut self,
        item: ItemId,
        types: &[Scalar],
        fns: Vec<FnValue>,
        asked: Option<Span>,
    ) -> Checked<FnId> {
        let key = InstanceKey { item, types: types.to_vec(), fns: fns.iter().map(FnValue::key).collect() };
        if let Some(known) = self.instances.get(&key) {
            return *known;
        }
        let ast = self.modules.get(item.module).ast.clone();
        let tree = &ast.items[item.item];
        let (ItemKind::Fn(function) | ItemKind::Pipeline(function)) = &tree.kind else {
            unreachable!("only functions have instances")
        };
        let what = ActiveKey::Instance(key.clone());
        let start = self.active.iter().position(|active| active.what == what);
        if start.is_some() || self.active.len() >= DEPTH {
            return Err(self.recursion(item, function, start.unwrap_or(0), asked));
        }
        let names = type_params(function);
        let types_text: Vec<String> = names.iter().zip(types).map(|(name, ty)| format!("{name} = {ty}")).collect();
        self.active.push(Active { what, name: self.item_text(item), asked, types: types_text.join(", ") });
        self.frames.push(Frame::new(item.module, function.name.span));
        let result = self.instance_body(item, function, &tree.doc, &names, types, fns);
        self.frames.pop();
        self.active.pop();
        self.instances.insert(key, result);
        result
    }

    fn recursion(&mut self, item: ItemId, function: &ast::Fn, start: usize, asked: Option<Span>) -> Reported {
        let name = self.item_text(item);
        let place = asked.unwrap_or(function.name.span);
        let mut diagnostic = Diagnostic::error(codes::RECURSION, place, format!("`{name}` calls itself"))
            .note("functions are always inlined, so they cannot be recursive");
        let chain: Vec<_> = self.active[start..].iter().take(8).cloned().collect();
        for active in &chain[1.min(chain.len())..] {
            if let Some(asked) = active.asked {
                diagnostic = diagnostic.label(asked, format!("by way of `{}`, called here", active.name));
            }
        }
        self.diagnostics.push(diagnostic.label(function.name.span, "defined here"));
        Reported
    }

    fn instance_body(
        &mut self,
        item: ItemId,
        function: &ast::Fn,
        doc: &str,
        names: &[String],
        types: &[Scalar],
        fns: Vec<FnValue>,
    ) -> Checked<FnId> {
        self.frame_mut().scopes.open();
        for (name, ty) in names.iter().zip(types) {
            self.bind(name, Binding::Type(*ty));
        }
        self.check_constraints(function, item)?;
        self.declare_params(function, fns)?;
        self.declare_facts(function)?;
        let declared_params = self.frame().params.len();
        let (body, results) = self.body(function)?;
        let pure = match &body.value {
            Some(_) => self.pure_block(&body),
            None => None,
        };
        let name = self.item_text(item);
        Ok(self.finish(name, doc, results, body, FnInfo { declared_params, pure, ..FnInfo::default() }))
    }

    /// Makes a function of the frame that was filled.
    pub(super) fn finish(
        &mut self,
        name: String,
        doc: &str,
        results: Vec<ResultDecl>,
        body: Block,
        info: FnInfo,
    ) -> FnId {
        let captured = self.captured_facts(self.frames.len() - 1);
        let frame = self.frame_mut();
        let mut facts: Vec<Fact> = std::mem::take(&mut frame.facts);
        facts.extend(captured);
        let info =
            FnInfo { declared_facts: facts.len(), size_scalars: std::mem::take(&mut frame.size_scalars), ..info };
        facts.append(&mut frame.implied);
        let function = Fn {
            name,
            doc: doc.to_string(),
            span: frame.span,
            sizes: std::mem::take(&mut frame.sizes),
            params: std::mem::take(&mut frame.params),
            results,
            facts,
            locals: std::mem::take(&mut frame.locals),
            body,
        };
        self.add_fn(function, info)
    }

    /// Checks a body and its declared results, which may name sizes that the body defines.
    fn body(&mut self, function: &ast::Fn) -> Checked<(Block, Vec<ResultDecl>)> {
        let mut expects = Vec::new();
        for result in &function.results {
            let elem = match &result.ty.kind {
                TypeKind::Name(name) | TypeKind::Tensor(name, _) => Some(self.elem(name)?),
                TypeKind::Fn(..) | TypeKind::List(..) | TypeKind::Error => None,
            };
            expects.push(elem.map_or(Expect::None, Expect::Elem));
        }
        let wants_value = !function.results.is_empty();
        let expect = if expects.len() == 1 { expects.remove(0) } else { Expect::Tuple(expects) };
        self.frame_mut().scopes.open();
        let body = self.statements(&function.body, &expect, wants_value);
        let results: Vec<Checked<Type>> = if body.is_ok() {
            function.results.iter().map(|result| self.value_type(&result.ty)).collect()
        } else {
            Vec::new()
        };
        self.frame_mut().scopes.close();
        let mut body = body?;
        let results = results.into_iter().collect::<Checked<Vec<Type>>>()?;
        if let Some(value) = body.value.take() {
            body.value = Some(Box::new(self.check_results(*value, function, &results)?));
        }
        let decls = function
            .results
            .iter()
            .zip(results)
            .map(|(decl, ty)| ResultDecl { name: decl.name.as_ref().map(|name| name.text.clone()), ty });
        Ok((body, decls.collect()))
    }

    fn check_results(&mut self, mut value: Expr, function: &ast::Fn, results: &[Type]) -> Checked<Expr> {
        let name = &function.name.text;
        if let [ty] = results {
            let value = self.coerce(value, ty);
            let message = format!("the result of `{name}` is not what is declared");
            let place = function.results[0].ty.span;
            self.same_type(
                codes::RESULT_TYPE,
                &message,
                (&value.ty, value.span, "the result"),
                (ty, place, "the declared result"),
            )?;
            return Ok(value);
        }
        if let (ExprKind::Tuple(parts), Type::Tuple(types)) = (&mut value.kind, &mut value.ty)
            && parts.len() == results.len()
        {
            for ((part, (_, ty)), declared) in parts.iter_mut().zip(types).zip(results) {
                *part = self.coerce(part.clone(), declared);
                *ty = part.ty.clone();
            }
        }
        let found = match &value.ty {
            Type::Tuple(parts) if parts.len() == results.len() => parts.clone(),
            other => {
                let shown = self.show_type(other);
                let message = format!("`{name}` declares {} results", results.len());
                return Err(self.report(
                    Diagnostic::error(codes::TUPLE_PARTS, value.span, message)
                        .at(format!("this is {shown}"))
                        .label(function.name.span, "declared here")
                        .help("end the body with `(a, b, …)`, one value for each result"),
                ));
            }
        };
        let mut failed = false;
        for (position, (ty, decl)) in results.iter().zip(&function.results).enumerate() {
            let result = decl.name.as_ref().map_or("", |name| name.text.as_str());
            let message = format!("the result `{result}` of `{name}` is not what is declared");
            let span = match &value.kind {
                ExprKind::Tuple(parts) => parts[position].span,
                _ => value.span,
            };
            let found = (&found[position].1, span, "the result");
            let declared = (ty, decl.ty.span, "the declared result");
            failed |= self.same_type(codes::RESULT_TYPE, &message, found, declared).is_err();
        }
        if failed { Err(Reported) } else { Ok(value) }
    }

    /// The body of an in-language test.
    pub(super) fn test(&mut self, item: ItemId, name: &str, body: &ast::Block, span: Span) -> Checked<FnId> {
        self.frames.push(Frame::new(item.module, span));
        let result = self.unit_body(body);
        let result = result.map(|body| self.finish(format!("test {name:?}"), "", Vec::new(), body, FnInfo::default()));
        self.frames.pop();
        result
    }

    /// Checks a function that nobody called, with a default type for each type parameter.
    pub(super) fn uncalled(&mut self, item: ItemId, function: &ast::Fn) {
        let types: Vec<Scalar> = type_params(function).iter().map(|name| default_type(function, name)).collect();
        let fns: Vec<FnValue> = function
            .params
            .iter()
            .filter(|param| matches!(param.ty.kind, TypeKind::Fn(..)))
            .map(|_| FnValue::Opaque)
            .collect();
        // The diagnostics are all that is wanted.
        let _ = self.instance(item, &types, fns, None);
    }
}

/// The type with which a function that nobody calls is checked.
fn default_type(function: &ast::Fn, name: &str) -> Scalar {
    let is_integer = function.facts.iter().any(
        |fact| matches!(fact, ast::Fact::Constraint(subject, class) if subject.text == name && class.text == "integer"),
    );
    if is_integer { Scalar::I32 } else { Scalar::F32 }
}
