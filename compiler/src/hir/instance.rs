//! Instances: a function item with concrete element types and function arguments becomes one HIR function, checked
//! once for all sizes.

use super::check::{
    Active, ActiveKey, Checked, Checker, FnInfo, FnValue, Frame, InstanceKey, Reported, Returns, Wants,
};
use super::load::ItemId;
use super::scope::Binding;
use super::weight::MAX_WEIGHT;
use super::{Block, Fact, Fn, FnId, ResultDecl, Type};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::ast::{self, ItemKind, TypeKind};
use crate::types::Scalar;
use std::collections::BTreeMap;

/// How deeply calls may nest while functions are checked.
const DEPTH: usize = 64;

impl Checker<'_> {
    /// The instance of a function for these element types and function arguments; made now if it is new.
    pub(super) fn instance(
        &mut self,
        item: ItemId,
        types: &[Scalar],
        fns: Vec<FnValue>,
        sizes: BTreeMap<String, i64>,
        asked: Option<Span>,
    ) -> Checked<FnId> {
        let key = InstanceKey { item, types: types.to_vec(), fns: fns.iter().map(FnValue::key).collect(), sizes };
        if let Some(known) = self.instances.get(&key) {
            return *known;
        }
        let ast = self.modules.get(item.module).ast.clone();
        let tree = &ast.items[item.item];
        let (ItemKind::Fn(function) | ItemKind::Pipeline(function)) = &tree.kind else {
            unreachable!("only functions have instances")
        };
        // Smaller constant sizes do not make another function of it.
        let is_same = |active: &Active| match &active.what {
            ActiveKey::Instance(other) => (other.item, &other.types, &other.fns) == (key.item, &key.types, &key.fns),
            ActiveKey::Const(_) => false,
        };
        if let Some(start) = self.active.iter().position(is_same) {
            return Err(self.recursion(item, function, start, asked));
        }
        if self.active.len() >= DEPTH {
            return Err(self.nested_too_deeply(function, asked));
        }
        let names = self.type_params(item.module, function);
        let types_text = names.iter().zip(types).map(|(name, ty)| format!("{name} = {ty}"));
        let sizes_text = key.sizes.iter().map(|(name, size)| format!("{name} = {size}"));
        let types_text: Vec<String> = types_text.chain(sizes_text).collect();
        self.active.push(Active {
            what: ActiveKey::Instance(key.clone()),
            name: self.item_text(item),
            asked,
            types: types_text.join(", "),
        });
        let mut frame = Frame::new(item.module, function.name.span);
        frame.known = key.sizes.clone();
        frame.returns = if function.results.is_empty() { Returns::Nothing } else { Returns::Results(item) };
        self.frames.push(frame);
        let result = self.instance_body(item, function, &tree.doc, &names, types, fns);
        self.frames.pop();
        let result = result.and_then(|id| self.is_small_enough(id, function, asked));
        self.active.pop();
        self.instances.insert(key, result);
        result
    }

    fn recursion(&mut self, item: ItemId, function: &ast::Fn, start: usize, asked: Option<Span>) -> Reported {
        let name = self.item_text(item);
        let place = asked.unwrap_or(function.name.span);
        let mut diagnostic = Diagnostic::error(codes::RECURSION, place, format!("`{name}` calls itself"))
            .note("functions are always inlined, so they cannot be recursive")
            .help("write a `while` with what changes in a `var`; what is still to be done can wait in a `list`");
        let chain: Vec<_> = self.active[start..].iter().take(8).cloned().collect();
        for active in &chain[1.min(chain.len())..] {
            if let Some(asked) = active.asked {
                diagnostic = diagnostic.label(asked, format!("by way of `{}`, called here", active.name));
            }
        }
        self.diagnostics.push(diagnostic.label(function.name.span, "defined here"));
        Reported
    }

    /// Holds that a function does not become too much code when it is inlined.
    fn is_small_enough(&mut self, id: FnId, function: &ast::Fn, asked: Option<Span>) -> Checked<FnId> {
        if self.infos[id.0 as usize].weight <= MAX_WEIGHT {
            return Ok(id);
        }
        let name = self.program.fns[id.0 as usize].name.clone();
        let message = format!("`{name}` becomes more than {MAX_WEIGHT} operations");
        let mut diagnostic = Diagnostic::error(codes::TOO_LARGE, function.name.span, message)
            .note("functions are always inlined: each call is a copy of what it calls")
            .help("call once and bind the result with `let`, or call inside a `loop`");
        if let Some(asked) = asked {
            diagnostic = diagnostic.label(asked, "called here");
        }
        Err(self.report(diagnostic))
    }

    fn nested_too_deeply(&mut self, function: &ast::Fn, asked: Option<Span>) -> Reported {
        let place = asked.unwrap_or(function.name.span);
        let message = format!("calls are nested more than {DEPTH} deep");
        let mut diagnostic = Diagnostic::error(codes::TOO_LARGE, place, message);
        // The outermost call shows where to begin.
        if let Some(first) = self.active.iter().find_map(|active| active.asked) {
            diagnostic = diagnostic.label(first, "the outermost of these calls");
        }
        self.report(diagnostic.note("functions are always inlined, each into its caller"))
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
        let (mut body, results) = self.body(function)?;
        let prelude = std::mem::take(&mut self.frame_mut().prelude);
        body.stmts.splice(0..0, prelude);
        let pure = match &body.value {
            Some(_) => self.pure_block(&body),
            None => None,
        };
        let name = self.item_text(item);
        let result = self.frame_mut().result.take();
        Ok(self.finish(name, doc, results, body, FnInfo { declared_params, pure, result, ..FnInfo::default() }))
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
            decided: std::mem::take(&mut frame.decided),
            locals: std::mem::take(&mut frame.locals),
            body,
        };
        self.add_fn(function, info)
    }

    /// Checks a body and its declared results, which may name sizes that the body defines.
    fn body(&mut self, function: &ast::Fn) -> Checked<(Block, Vec<ResultDecl>)> {
        let expect = self.result_expect(function)?;
        let wants = if function.results.is_empty() { Wants::Nothing } else { Wants::Result };
        self.frame_mut().scopes.open();
        let body = self.statements(&function.body, &expect, wants);
        let results = if body.is_ok() { self.result_types(function) } else { Err(Reported) };
        self.frame_mut().scopes.close();
        let (mut body, results) = (body?, results?);
        if let Some(value) = body.value.take() {
            body.value = Some(Box::new(self.check_results(*value, function, &results)?));
        }
        // A struct's fields are the results.
        let mut decls = Vec::new();
        for (decl, ty) in function.results.iter().zip(results) {
            match ty {
                Type::Tuple(fields) => {
                    decls.extend(fields.iter().map(|(name, ty)| ResultDecl { name: name.clone(), ty: ty.clone() }));
                    self.frame_mut().result = fields.of.as_deref().cloned();
                }
                ty => decls.push(ResultDecl { name: decl.name.as_ref().map(|name| name.text.clone()), ty }),
            }
        }
        Ok((body, decls))
    }

    /// The body of an in-language test.
    pub(super) fn test(&mut self, item: ItemId, name: &str, body: &ast::Block, span: Span) -> Checked<FnId> {
        let mut frame = Frame::new(item.module, span);
        frame.returns = Returns::Nothing;
        self.frames.push(frame);
        let result = self.unit_body(body);
        let result = result.map(|body| self.finish(format!("test {name:?}"), "", Vec::new(), body, FnInfo::default()));
        self.frames.pop();
        result
    }

    /// Checks a function that nobody called, with a default type for each type parameter.
    pub(super) fn uncalled(&mut self, item: ItemId, function: &ast::Fn) {
        let types: Vec<Scalar> =
            self.type_params(item.module, function).iter().map(|name| default_type(function, name)).collect();
        let fns: Vec<FnValue> = function
            .params
            .iter()
            .filter(|param| matches!(param.ty.kind, TypeKind::Fn(..)))
            .map(|_| FnValue::Opaque)
            .collect();
        // The diagnostics are all that is wanted.
        self.is_uncalled = true;
        let _ = self.instance(item, &types, fns, BTreeMap::new(), None);
        self.is_uncalled = false;
    }
}

/// The type with which a function that nobody calls is checked.
fn default_type(function: &ast::Fn, name: &str) -> Scalar {
    let is_integer = function.facts.iter().any(
        |fact| matches!(fact, ast::Fact::Constraint(subject, class) if subject.text == name && class.text == "integer"),
    );
    if is_integer { Scalar::I32 } else { Scalar::F32 }
}
