//! What names outside functions mean: items, modules, the prelude, built-in operations and intrinsics; and constants.

use super::{Active, ActiveKey, Checked, Checker, ConstState, Expect, FnInfo, Frame, Reported, constant, expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::load::{ItemId, ModuleId, Used, is_private, item_name, private};
use crate::hir::scope::did_you_mean;
use crate::hir::{
    Block, ConstDef, ConstId, ConstValue, Decided, Expr, ExprKind, Fact, Fn, FnId, Relation, ResultDecl, TensorType,
    Type,
};
use crate::ops::Op;
use crate::size::{DimExpr, Size, SizeVar, Subst};
use crate::source::Span;
use crate::syntax::ast::{self, ItemKind};
use std::collections::BTreeMap;

/// What a name outside functions means.
#[derive(Clone, Copy, Debug)]
pub(in crate::hir) enum Global {
    /// An item.
    Item(ItemId),
    /// A module.
    Module(ModuleId),
    /// A scalar operation called by name.
    Op(Op),
    /// A rank-generic intrinsic or other call that is no function.
    Intrinsic(Intrinsic),
    /// A `use` that failed.
    Poison,
}

/// Calls that the compiler knows because no type can be written for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hir) enum Intrinsic {
    Reshape,
    Flatten,
    Transpose,
    Concat,
    Stack,
    Extent,
    Dim,
    Embed,
    EmbedNpy,
    EmbedSafetensors,
}

impl Intrinsic {
    const ALL: [(&'static str, Intrinsic); 10] = [
        ("reshape", Intrinsic::Reshape),
        ("flatten", Intrinsic::Flatten),
        ("transpose", Intrinsic::Transpose),
        ("concat", Intrinsic::Concat),
        ("stack", Intrinsic::Stack),
        ("extent", Intrinsic::Extent),
        ("dim", Intrinsic::Dim),
        ("embed", Intrinsic::Embed),
        ("embed_npy", Intrinsic::EmbedNpy),
        ("embed_safetensors", Intrinsic::EmbedSafetensors),
    ];

    /// How many of the positional arguments have the result's element type.
    pub fn tensor_args(self, count: usize) -> usize {
        match self {
            Intrinsic::Reshape | Intrinsic::Flatten | Intrinsic::Transpose => 1,
            Intrinsic::Concat | Intrinsic::Stack => count,
            Intrinsic::Extent
            | Intrinsic::Dim
            | Intrinsic::Embed
            | Intrinsic::EmbedNpy
            | Intrinsic::EmbedSafetensors => 0,
        }
    }

    pub fn name(self) -> &'static str {
        Intrinsic::ALL.iter().find(|(_, intrinsic)| *intrinsic == self).map_or("", |(name, _)| name)
    }
}

/// The operation that is called by this name.
fn named_op(name: &str) -> Option<Op> {
    let by_operator = |op: &Op| matches!(op, Op::Neg | Op::Not | Op::BitNot);
    Op::ALL.iter().copied().find(|op| op.name() == name && name.starts_with(char::is_alphabetic) && !by_operator(op))
}

impl Checker<'_> {
    /// What a name means outside of functions, seen from the module of the function being checked.
    pub fn global(&self, name: &str) -> Option<Global> {
        self.global_in(self.frame().module, name)
    }

    /// What a name means outside of functions, seen from a module.
    pub fn global_in(&self, here: ModuleId, name: &str) -> Option<Global> {
        if let Some(item) = self.modules.find(here, name) {
            return Some(Global::Item(item));
        }
        if let Some(used) = self.modules.get(here).uses.get(name) {
            return Some(match used {
                Used::Module(module) => Global::Module(*module),
                Used::Item(item) => Global::Item(*item),
                Used::Poison => Global::Poison,
            });
        }
        for &module in &self.modules.prelude {
            if let Some(item) = self.modules.find(module, name).filter(|_| !is_private(name)) {
                return Some(Global::Item(item));
            }
        }
        if let Some(&module) = self.modules.prelude.iter().find(|&&module| self.modules.get(module).name == name) {
            return Some(Global::Module(module));
        }
        if let Some((_, intrinsic)) = Intrinsic::ALL.iter().find(|(text, _)| *text == name) {
            return Some(Global::Intrinsic(*intrinsic));
        }
        named_op(name).map(Global::Op)
    }

    /// Whether a name is a constant that a parameter's type may use as a size instead of binding a variable.
    pub fn is_const_size(&self, name: &str) -> bool {
        let here = self.frame().module;
        let item = match self.modules.find(here, name) {
            Some(item) => Some(item),
            None => match self.modules.get(here).uses.get(name) {
                Some(Used::Item(item)) => Some(*item),
                _ => None,
            },
        };
        item.is_some_and(|item| matches!(self.modules.item(item).kind, ItemKind::Const { .. }))
    }

    /// Complains about an unknown name, with a suggestion.
    pub fn unknown(&mut self, name: &ast::Name, what: &str) -> Reported {
        let mut known = self.visible_names();
        let here = self.modules.get(self.frame().module);
        known.extend(here.items.keys().chain(here.uses.keys()).cloned());
        for &module in &self.modules.prelude {
            known.extend(self.modules.get(module).public_names().map(str::to_string));
        }
        known.extend(Intrinsic::ALL.iter().map(|(name, _)| name.to_string()));
        known.extend(Op::ALL.iter().filter_map(|op| named_op(op.name())).map(|op| op.name().to_string()));
        let mut diagnostic =
            Diagnostic::error(codes::UNKNOWN_NAME, name.span, format!("there is no {what} `{}`", name.text))
                .at("not found in this scope");
        let std_path = format!("std/{}.k", name.text);
        if what == "module" && self.resolver.source("", &std_path).is_ok() {
            diagnostic = diagnostic.help(format!("write `use std.{}` at the top of the file", name.text));
        } else if let Some(near) = did_you_mean(&name.text, known.iter().map(String::as_str)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        } else if let Some(module) = self
            .modules
            .all
            .iter()
            .skip(1)
            .find(|module| module.is_std && module.public_names().any(|known| known == name.text))
        {
            diagnostic = diagnostic.help(format!("write `{}.{}`", module.name, name.text));
        }
        self.report(diagnostic)
    }

    /// The item of a module that `module.name` names.
    pub fn module_item(&mut self, module: ModuleId, name: &ast::Name) -> Checked<ItemId> {
        let found = self.modules.find(module, &name.text);
        let known = self.modules.get(module);
        if let Some(item) = found {
            if is_private(&name.text) && module != self.frame().module {
                let diagnostic = private(name, &known.name, item_name(self.modules.item(item)));
                return Err(self.report(diagnostic));
            }
            return Ok(item);
        }
        let mut diagnostic = Diagnostic::error(
            codes::NOT_IN_MODULE,
            name.span,
            format!("module `{}` has no item `{}`", known.name, name.text),
        );
        if let Some(near) = did_you_mean(&name.text, known.public_names()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        Err(self.report(diagnostic))
    }

    /// An item used as a value: only constants are.
    pub fn item_value(&mut self, item: ItemId, span: Span) -> Checked<Expr> {
        let ast = self.modules.get(item.module).ast.clone();
        match &ast.items[item.item].kind {
            ItemKind::Const { name, ty, value } => {
                let (name, ty, value) = (name.clone(), ty.clone(), value.clone());
                match self.constant_item(item, &name, ty.as_ref(), &value, Some(span)) {
                    ConstState::Scalar(value) => Ok(constant(value, span)),
                    ConstState::Item(id, ty) => Ok(expr(ExprKind::ConstItem(id), ty, span)),
                    ConstState::Failed => Err(Reported),
                }
            }
            ItemKind::Fn(_) | ItemKind::Pipeline(_) => {
                let text = self.item_text(item);
                Err(self.report(
                    Diagnostic::error(codes::NOT_A_VALUE, span, format!("`{text}` is a function, not a value"))
                        .help(format!("call it: `{text}(…)`")),
                ))
            }
            ItemKind::State { name, .. } => Err(self.not_yet_host(item, "state", &name.text, span)),
            ItemKind::Weights { name, .. } => Err(self.not_yet_host(item, "weights", &name.text, span)),
            ItemKind::Model { signature, .. } => Err(self.not_yet_host(item, "model", &signature.name.text, span)),
            ItemKind::Struct { .. } => {
                let text = self.item_text(item);
                Err(self.report(
                    Diagnostic::error(codes::NOT_A_VALUE, span, format!("`{text}` is a struct, not a value"))
                        .help(format!("build one: `{text}(…)`")),
                ))
            }
            ItemKind::Use(_) | ItemKind::Test { .. } => unreachable!("these have no name"),
        }
    }

    pub fn not_yet_host(&mut self, item: ItemId, what: &str, name: &str, span: Span) -> Reported {
        // Items of the root were refused where they stand.
        if item.module.0 == 0 {
            return Reported;
        }
        self.error(codes::NOT_YET_HOST, span, format!("`{what}` is not available yet (`{name}`)"))
    }

    /// Checks a constant item, once.
    pub fn constant_item(
        &mut self,
        item: ItemId,
        name: &ast::Name,
        ty: Option<&ast::TypeExpr>,
        value: &ast::Expr,
        asked: Option<Span>,
    ) -> ConstState {
        if let Some(state) = self.consts.get(&item) {
            return state.clone();
        }
        if let Some(start) = self.active.iter().position(|active| active.what == ActiveKey::Const(item)) {
            let mut diagnostic =
                Diagnostic::error(codes::CYCLIC_CONST, name.span, format!("constant `{}` needs itself", name.text));
            for active in &self.active[start..] {
                if let Some(asked) = active.asked {
                    diagnostic = diagnostic.label(asked, format!("`{}` is used here", active.name));
                }
            }
            if let Some(asked) = asked {
                diagnostic = diagnostic.label(asked, format!("and `{}` again here", name.text));
            }
            self.report(diagnostic);
            return ConstState::Failed;
        }
        let text = self.item_text(item);
        self.active.push(Active { what: ActiveKey::Const(item), name: text.clone(), asked, types: String::new() });
        self.frames.push(Frame::new(item.module, name.span));
        let state = self.constant_value(&text, name, ty, value).unwrap_or(ConstState::Failed);
        self.frames.pop();
        self.active.pop();
        self.consts.insert(item, state.clone());
        state
    }

    fn constant_value(
        &mut self,
        text: &str,
        name: &ast::Name,
        ty: Option<&ast::TypeExpr>,
        value: &ast::Expr,
    ) -> Checked<ConstState> {
        self.frame_mut().scopes.open();
        let declared = ty.map(|ty| Ok((self.value_type(ty)?, ty.span))).transpose()?;
        let expect = declared.as_ref().map_or(Expect::None, |(ty, _)| Expect::of(ty));
        let mut value = self.expr(value, &expect)?;
        if let Some((ty, span)) = &declared {
            value = self.coerce(value, ty);
            let message = format!("constant `{}` has another type than declared", name.text);
            self.same_type(
                codes::RESULT_TYPE,
                &message,
                (&value.ty, value.span, "the value"),
                (ty, *span, "the declared type"),
            )?;
        }
        if let ExprKind::Const(value) = value.kind {
            return Ok(ConstState::Scalar(value));
        }
        // Calls of pure scalar functions fold too, so such a constant can be a size.
        if let Some(DimExpr::Const(value)) = self.dim_expr(&value) {
            return Ok(ConstState::Scalar(value));
        }
        let ty = value.ty.clone();
        let (ty, decided) = self.sizes_of_constant(&ty, value.span)?;
        let value = match value.kind {
            ExprKind::Table(elements) => ConstValue::Data(elements.iter().flat_map(|e| e.to_le_bytes()).collect()),
            ExprKind::ConstItem(id) => return Ok(ConstState::Item(id, ty)),
            _ => ConstValue::Fn(self.constant_fn(text, name.span, value, &ty, &decided)),
        };
        let def = ConstDef { name: text.to_string(), ty: ty.clone(), decided, value, span: name.span };
        Ok(ConstState::Item(self.add_const(def), ty))
    }

    /// The type of a constant in sizes that are seen everywhere, and which of them its evaluation decides.
    fn sizes_of_constant(&mut self, ty: &Type, span: Span) -> Checked<(Type, Vec<Decided>)> {
        let parts: Vec<&Type> = match ty {
            Type::Tuple(parts) => parts.types().collect(),
            other => vec![other],
        };
        let mut decided = Vec::new();
        let mut global: BTreeMap<SizeVar, SizeVar> = BTreeMap::new();
        for (part, ty) in parts.iter().enumerate() {
            for (axis, size) in ty.sizes().iter().enumerate() {
                let Some(own) = size.as_var().filter(|own| !global.contains_key(own)) else { continue };
                let Some(bound) = self.greatest(own) else { continue };
                let name = self.program.names.size(own).to_string();
                let text = format!("{bound} - {name} >= 0");
                let var = self.program.names.new_size(name);
                let bound = Size::constant(bound);
                let size = bound.minus(&Size::from(var));
                self.const_sizes.insert(var, Fact { rel: Relation::NonNegative, size, span, text });
                decided.push(Decided { var, bound, place: (part, axis) });
                global.insert(own, var);
            }
        }
        let mut is_known = true;
        let mapped = ty.map_sizes(&mut |size| {
            let mut vars = Vec::new();
            size.vars(&mut vars);
            is_known &= vars.iter().all(|var| global.contains_key(var) || self.const_sizes.contains_key(var));
            size.substitute(&Subst {
                size: &|var| Size::from(global.get(&var).copied().unwrap_or(var)),
                scalar: &|var, ty| DimExpr::Scalar(var, ty),
            })
        });
        if is_known {
            return Ok((mapped, decided));
        }
        let found = self.show_type(ty);
        Err(self.report(
            Diagnostic::error(codes::DATA_SIZE, span, "the size of this constant is not known well enough")
                .at(format!("this is {found}"))
                .note("a size that the evaluation decides stands alone as an extent, and its bound is a number"),
        ))
    }

    /// The greatest value of a size that the data decides, if it is a number.
    fn greatest(&self, var: SizeVar) -> Option<i64> {
        let bound = self.frame().bounds.get(&var)?;
        match bound.as_var() {
            Some(other) => self.greatest(other),
            None => bound.as_const(),
        }
    }

    /// Adds a constant's definition.
    pub fn add_const(&mut self, def: ConstDef) -> ConstId {
        self.program.consts.push(def);
        ConstId(self.program.consts.len() as u32 - 1)
    }

    /// Wraps a constant's value in a function without parameters.
    fn constant_fn(&mut self, name: &str, span: Span, value: Expr, ty: &Type, decided: &[Decided]) -> FnId {
        let locals = std::mem::take(&mut self.frame_mut().locals);
        let results = match ty {
            Type::Tensor(_) => vec![ResultDecl { name: None, ty: ty.clone() }],
            Type::List(_) => unreachable!("a list is no value"),
            Type::Tuple(parts) => {
                parts.iter().map(|(name, ty)| ResultDecl { name: name.clone(), ty: ty.clone() }).collect()
            }
        };
        let function = Fn {
            name: name.to_string(),
            doc: String::new(),
            span,
            sizes: Vec::new(),
            params: Vec::new(),
            results,
            facts: Vec::new(),
            decided: decided.to_vec(),
            locals,
            body: Block { stmts: Vec::new(), value: Some(Box::new(value)) },
        };
        self.add_fn(function, FnInfo::default())
    }

    /// Adds a finished function.
    pub fn add_fn(&mut self, function: Fn, info: FnInfo) -> FnId {
        let weight = crate::hir::weight::weight(&function.body, &|callee| self.infos[callee.0 as usize].weight);
        let info = FnInfo { weight, ..info };
        self.program.fns.push(function);
        self.infos.push(info);
        FnId(self.program.fns.len() as u32 - 1)
    }

    /// Where `f32` is found and `f16` declared, the value is rounded: `f16` is a storage type.
    pub fn coerce(&mut self, value: Expr, declared: &Type) -> Expr {
        let store = match (&value.ty, declared) {
            (Type::Tensor(TensorType { elem: found, .. }), Type::Tensor(TensorType { elem: wanted, .. })) => {
                use crate::types::Scalar::{F16, F32};
                matches!((found, wanted), (F32, F16) | (F16, F32)).then_some(*wanted)
            }
            _ => None,
        };
        match store {
            Some(elem) => {
                let span = value.span;
                self.fold_cast(elem, value, span)
            }
            None => value,
        }
    }
}
