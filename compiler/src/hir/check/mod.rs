//! The checker: from trees to HIR. It resolves names, types every expression, decides sizes, and makes function
//! instances as calls ask for them.
//!
//! A check that failed has given its diagnostic and returns [`Reported`]; whoever gets it goes on with what does not
//! depend on it and stays silent about the rest. State of the function being checked is the top [`Frame`]; checking
//! a call may push frames and pops them again.

mod apply;
mod args;
mod assign;
mod block;
mod call;
mod capture;
mod comprehension;
mod embed;
mod expr;
mod fixed;
mod in_out;
mod index;
mod items;
mod list;
mod literal;
mod operator;
mod results;
mod sequential;
mod shape;
mod signature;
mod sizes;
mod structs;
mod tensors;
mod types;

use super::facts::Facts;
use super::load::{ItemId, ModuleId, Modules};
use super::scope::{Binding, Scopes};
use super::{ConstId, Decided, Expr, ExprKind, Fact, FnId, Local, LocalId, Program, SizeParam, Stmt, StructRef, Type};
use crate::diag::{Code, Diagnostic};
use crate::ops::Op;
use crate::size::{DimExpr, ScalarVar, Size, SizeVar};
use crate::source::{Resolver, SourceMap, Span};
use crate::types::{Const, Scalar};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub(super) use args::ArgSource;
pub(super) use block::Wants;
pub(super) use call::CalleeNames;
pub(super) use items::Global;
pub(super) use sequential::diverges;
pub(super) use sizes::Pure;

/// A diagnostic was given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported;

/// The result of checking something.
pub(super) type Checked<T> = Result<T, Reported>;

/// A function as an argument.
#[derive(Clone, Debug)]
pub enum FnValue {
    /// A function item; it is instantiated where it is called.
    Item(ItemId),
    /// A scalar operation.
    Op(Op),
    /// A finished instance (a lambda) with the values of its hidden parameters.
    Instance(FnId, Vec<Expr>),
    /// Any function: stands for the argument while a function that nobody calls is checked.
    Opaque,
}

/// What makes two function arguments the same to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FnKey {
    Item(ItemId),
    Op(Op),
    Instance(FnId),
    Opaque,
}

impl FnValue {
    pub(super) fn key(&self) -> FnKey {
        match self {
            FnValue::Item(item) => FnKey::Item(*item),
            FnValue::Op(op) => FnKey::Op(*op),
            FnValue::Instance(id, _) => FnKey::Instance(*id),
            FnValue::Opaque => FnKey::Opaque,
        }
    }
}

/// What makes two instances the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InstanceKey {
    pub item: ItemId,
    pub types: Vec<Scalar>,
    pub fns: Vec<FnKey>,
    /// Sizes that calls give as constants, of a function that asks for such.
    pub sizes: BTreeMap<String, i64>,
}

/// An instance or constant in the making.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub what: ActiveKey,
    /// Name for messages.
    pub name: String,
    /// The call that asked for it.
    pub asked: Option<Span>,
    /// `T = f32`, if generic.
    pub types: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ActiveKey {
    Instance(InstanceKey),
    Const(ItemId),
}

/// What callers need to know of a finished function beyond its HIR.
#[derive(Clone, Debug, Default)]
pub(super) struct FnInfo {
    /// How many of its parameters are declared ones; hidden captures follow.
    pub declared_params: usize,
    /// How many of its facts were declared; those that parameters imply follow.
    pub declared_facts: usize,
    /// Scalar parameters that reach a size in it.
    pub size_scalars: BTreeSet<ScalarVar>,
    /// Its value as a pure expression of sizes and scalar parameters, if it is one.
    pub pure: Option<Pure>,
    /// The struct that its results are the fields of, in its sizes.
    pub result: Option<StructRef>,
    /// How much code it becomes when inlined.
    pub weight: u64,
}

/// What is known of a constant item.
#[derive(Clone, Debug)]
pub(super) enum ConstState {
    Scalar(Const),
    Item(ConstId, Type),
    Failed,
}

/// An index whose range is still to be inferred from accesses.
#[derive(Clone, Debug)]
pub(super) struct PendingAxis {
    pub local: LocalId,
    /// Extents of the accesses in which it stands alone, with their places.
    pub found: Vec<(Size, Span)>,
    /// A list in which it stands alone as an index: its length is no size, but ends a reduction's range.
    pub list: Option<LocalId>,
    /// Conditions around the comprehension: an access under more of them does not count.
    pub conditions: u32,
}

/// The function whose locals a lambda captures is the frame below; this says what was captured so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Captures {
    pub locals: BTreeMap<LocalId, LocalId>,
    pub sizes: BTreeMap<SizeVar, SizeVar>,
    pub scalars: BTreeMap<ScalarVar, ScalarVar>,
    /// Values of the hidden parameters, in terms of the frame below.
    pub values: Vec<Expr>,
}

/// The body of a comprehension or reduction, or a block that is a part of an expression: code that changes nothing
/// around it and is not left before its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Barrier {
    /// Locals before this one stand outside.
    pub first: usize,
    /// Whether it is the body of a comprehension or reduction.
    pub is_parallel: bool,
}

/// What `return` leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returns {
    /// Nothing: a constant or a lambda.
    Nowhere,
    /// A test, or a function without results.
    Nothing,
    /// A function with results.
    Results(ItemId),
}

/// The function being checked.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub module: ModuleId,
    /// The function's name, or the lambda.
    pub span: Span,
    pub scopes: Scopes,
    pub locals: Vec<Local>,
    /// The value of each local as a pure expression, if it is one.
    pub pure: Vec<Option<Pure>>,
    pub params: Vec<LocalId>,
    pub sizes: Vec<SizeParam>,
    /// Declared facts.
    pub facts: Vec<Fact>,
    /// Facts that parameters imply.
    pub implied: Vec<Fact>,
    pub axes: Vec<PendingAxis>,
    /// Ranges of indices with known bounds (`lo..hi`), for accesses that are certainly outside.
    pub ranges: BTreeMap<LocalId, (Size, Size)>,
    /// How many conditions surround what is being checked.
    pub conditions: u32,
    pub size_scalars: BTreeSet<ScalarVar>,
    /// Statements before the body: they put structs together from the parameters that hold their fields.
    pub prelude: Vec<Stmt>,
    /// Set for lambdas.
    pub captures: Option<Captures>,
    /// Sizes of the results that the data decides, as far as results were read.
    pub decided: Vec<Decided>,
    /// All size variables that the data decides somewhere in the body.
    pub fresh: Vec<SizeVar>,
    /// The greatest value of each of them.
    pub bounds: BTreeMap<SizeVar, Size>,
    /// Locals that `let` bound.
    pub lets: BTreeSet<LocalId>,
    /// What surrounds the code being checked, outermost first.
    pub barriers: Vec<Barrier>,
    /// How many loops surround it inside the innermost barrier.
    pub loops: u32,
    /// How many static loops surround it.
    pub static_loops: u32,
    /// Size names that are constants in this instance.
    pub known: BTreeMap<String, i64>,
    /// Whether a `break`, `continue` or `return` stands before it.
    pub jumps: bool,
    /// Whether the expression about to be checked is the whole value of a statement.
    pub is_whole: bool,
    pub returns: Returns,
    /// The struct that the results are the fields of.
    pub result: Option<StructRef>,
}

impl Frame {
    pub fn new(module: ModuleId, span: Span) -> Frame {
        Frame {
            module,
            span,
            scopes: Scopes::default(),
            locals: Vec::new(),
            pure: Vec::new(),
            params: Vec::new(),
            sizes: Vec::new(),
            facts: Vec::new(),
            implied: Vec::new(),
            axes: Vec::new(),
            ranges: BTreeMap::new(),
            conditions: 0,
            size_scalars: BTreeSet::new(),
            prelude: Vec::new(),
            captures: None,
            decided: Vec::new(),
            fresh: Vec::new(),
            bounds: BTreeMap::new(),
            lets: BTreeSet::new(),
            barriers: Vec::new(),
            loops: 0,
            static_loops: 0,
            known: BTreeMap::new(),
            jumps: false,
            is_whole: false,
            returns: Returns::Nowhere,
            result: None,
        }
    }
}

/// State of one compilation's front end.
pub(super) struct Checker<'a> {
    pub resolver: &'a dyn Resolver,
    pub sources: &'a SourceMap,
    pub modules: Modules,
    pub program: Program,
    /// Parallel to `program.fns`.
    pub infos: Vec<FnInfo>,
    pub diagnostics: Vec<Diagnostic>,
    pub frames: Vec<Frame>,
    pub instances: BTreeMap<InstanceKey, Checked<FnId>>,
    pub consts: BTreeMap<ItemId, ConstState>,
    pub active: Vec<Active>,
    /// Sizes that the evaluation of constants decides, with what is known about them: they are seen everywhere.
    pub const_sizes: BTreeMap<SizeVar, Fact>,
    /// Struct items.
    pub structs: BTreeMap<ItemId, Checked<Rc<structs::StructDef>>>,
    /// Which functions ask for sizes during compilation.
    pub statics: BTreeMap<ItemId, bool>,
    /// Whether the function being checked stands for calls that there are not, with constant sizes perhaps.
    pub is_uncalled: bool,
    /// How many passes of static loops were written out.
    pub passes: usize,
}

impl<'a> Checker<'a> {
    pub fn new(resolver: &'a dyn Resolver, sources: &'a SourceMap, modules: Modules) -> Self {
        Checker {
            resolver,
            sources,
            modules,
            program: Program::default(),
            infos: Vec::new(),
            diagnostics: Vec::new(),
            frames: Vec::new(),
            instances: BTreeMap::new(),
            consts: BTreeMap::new(),
            active: Vec::new(),
            const_sizes: BTreeMap::new(),
            structs: BTreeMap::new(),
            statics: BTreeMap::new(),
            is_uncalled: false,
            passes: 0,
        }
    }

    pub fn frame(&self) -> &Frame {
        self.frames.last().expect("a function is being checked")
    }

    pub fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a function is being checked")
    }

    pub fn ty(&self, local: LocalId) -> &Type {
        &self.frame().locals[local.0 as usize].ty
    }

    /// Adds a local to the function being checked, without binding a name.
    pub fn add_local(&mut self, name: &str, ty: Type, span: Span, pure: Option<Pure>) -> LocalId {
        let scalar = match &pure {
            Some(Pure::Scalar(DimExpr::Scalar(var, _))) => Some(*var),
            _ => None,
        };
        let frame = self.frame_mut();
        frame.locals.push(Local { name: name.to_string(), ty, span, scalar, is_var: false });
        frame.pure.push(pure);
        LocalId(frame.locals.len() as u32 - 1)
    }

    pub fn bind(&mut self, name: &str, binding: Binding) {
        self.frame_mut().scopes.bind(name, binding);
    }

    /// Everything known about sizes in the function being checked.
    pub fn facts(&self) -> Facts {
        let captured = self.captured_facts(self.frames.len() - 1);
        let frame = self.frame();
        let all = frame.facts.iter().chain(&frame.implied).chain(&captured).chain(self.const_sizes.values());
        Facts::new(all.map(|fact| (fact.rel, &fact.size)))
    }

    /// Gives a diagnostic. One in std moves to the user's call that led there; one in a generic instance says which.
    pub fn report(&mut self, mut diagnostic: Diagnostic) -> Reported {
        let place = diagnostic.labels[0].span;
        if self.sources.file(place.file).is_std {
            let user = self.active.iter().rev().find_map(|active| {
                let asked = active.asked.filter(|span| !self.sources.file(span.file).is_std)?;
                Some((asked, active.name.clone()))
            });
            if let Some((asked, name)) = user {
                diagnostic.labels[0].primary = false;
                diagnostic.labels.insert(
                    0,
                    crate::diag::Label { span: asked, text: format!("in this call of `{name}`"), primary: true },
                );
            }
        } else if let Some(active) = self.active.last()
            && let (Some(asked), false) = (active.asked, active.types.is_empty())
        {
            let text = format!("`{}` is checked with {} for this call", active.name, active.types);
            diagnostic = diagnostic.label(asked, text);
        }
        self.diagnostics.push(diagnostic);
        Reported
    }

    /// Gives a plain error: message and place.
    pub fn error(&mut self, code: Code, span: Span, message: impl Into<String>) -> Reported {
        self.report(Diagnostic::error(code, span, message))
    }

    pub fn show(&self, size: &Size) -> String {
        self.program.names.show(size)
    }

    /// A type in the user's terms.
    pub fn show_type(&self, ty: &Type) -> String {
        super::print::type_text(&self.program.names, ty)
    }
}

/// An expression.
pub(super) fn expr(kind: ExprKind, ty: Type, span: Span) -> Expr {
    Expr { kind, ty, span }
}

/// A scalar literal.
pub(super) fn constant(value: Const, span: Span) -> Expr {
    expr(ExprKind::Const(value), Type::scalar(value.ty), span)
}

/// A size as an `i32`.
pub(super) fn size_expr(size: Size, span: Span) -> Expr {
    match size.as_const().and_then(|value| i32::try_from(value).ok()) {
        Some(value) => constant(Const::i32(value), span),
        None => expr(ExprKind::Size(size), Type::scalar(Scalar::I32), span),
    }
}

/// What literals without a type of their own should become.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) enum Expect {
    /// Nothing is known.
    #[default]
    None,
    /// This element type.
    Elem(Scalar),
    /// For each component of a tuple.
    Tuple(Vec<Expect>),
}

impl Expect {
    pub fn elem(&self) -> Option<Scalar> {
        match self {
            Expect::Elem(elem) => Some(*elem),
            Expect::None | Expect::Tuple(_) => None,
        }
    }

    /// What a type expects of a value.
    pub fn of(ty: &Type) -> Expect {
        match ty {
            Type::Tensor(tensor) => Expect::Elem(tensor.elem),
            Type::List(list) => Expect::Elem(list.elem),
            Type::Tuple(parts) => Expect::Tuple(parts.iter().map(|(_, part)| Expect::of(part)).collect()),
        }
    }
}
