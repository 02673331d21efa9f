//! HIR → Tensor IR: calls inlined, rank lifting made axes, named tensors made stages.
//!
//! *Before*: functions that call functions. *After*: per pipeline one region of stages and checks.
//!
//! - A tensor value is either *stored* (a stage's tensor seen under a prefix of outer axes) or a *lambda* (axes and
//!   the element's expression). `let` and parameters store; views and operators in between stay lambdas.
//! - Inside a comprehension, a tensor that depends on the outer index becomes a stage with that index as a leading
//!   axis ([`Lowerer::store`]); one that depends on an index whose range the data decides stays a lambda.
//! - Whatever may fail is proved (`prove`) or becomes a check (`lower/check.rs`) before the statement it protects.

mod block;
mod call;
mod check;
mod index;
mod reduce;
mod region;
mod scan;
mod sequential;
mod value;

use super::eval::TensorValue;
use super::*;
use crate::diag::Diagnostic;
use crate::hir;
use crate::size::{DimExpr, Subst};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use value::{Tv, Value};

/// Lowers all pipelines of a checked program; with `tests`, its tests instead.
///
/// Constants are evaluated here, by the reference evaluator.
///
/// # Errors
/// Diagnostics of what only shows when everything is inlined, and of constants that fail.
pub fn lower(hir: &hir::Program, tests: bool) -> Result<Program, Vec<Diagnostic>> {
    let mut program = Program { names: hir.names.clone(), ..Program::default() };
    let mut consts: Vec<ConstItem> = Vec::new();
    for def in &hir.consts {
        let item = match &def.value {
            hir::ConstValue::Data(bytes) => {
                let ty = def.ty.as_tensor().expect("embedded data is a tensor");
                let dims = ty.dims.iter().map(|dim| dim.as_const().expect("extents of constants are known")).collect();
                let data = ConstData { name: def.name.clone(), elem: ty.elem, dims, bytes: bytes.clone() };
                ConstItem { parts: vec![add_const(&mut program.consts, data)], is_tuple: false, sizes: Vec::new() }
            }
            hir::ConstValue::Fn(id) => evaluate_const(hir, &mut program, &consts, def, *id)?,
        };
        consts.push(item);
    }
    let roots: Vec<(String, hir::FnId)> = if tests {
        hir.tests.clone()
    } else {
        hir.pipelines.iter().map(|id| (hir.fns[id.0 as usize].name.clone(), *id)).collect()
    };
    let mut diagnostics = Vec::new();
    for (name, id) in roots {
        match lower_root(hir, &mut program, &consts, &name, id) {
            Ok(pipeline) => program.pipelines.push(pipeline),
            Err(mut errors) => diagnostics.append(&mut errors),
        }
    }
    if diagnostics.is_empty() { Ok(program) } else { Err(diagnostics) }
}

/// A constant item's value: one constant tensor a component.
struct ConstItem {
    parts: Vec<DataId>,
    is_tuple: bool,
    /// What its evaluation decided of its sizes.
    sizes: Vec<(SizeVar, i64)>,
}

fn add_const(consts: &mut Vec<ConstData>, data: ConstData) -> DataId {
    consts.push(data);
    DataId(consts.len() as u32 - 1)
}

/// Steps that the evaluator may take for one constant: a minute or so.
pub(super) const CONST_BUDGET: u64 = 4_000_000_000;

fn evaluate_const(
    hir: &hir::Program,
    program: &mut Program,
    consts: &[ConstItem],
    def: &hir::ConstDef,
    id: hir::FnId,
) -> Result<ConstItem, Vec<Diagnostic>> {
    let pipeline = lower_root(hir, program, consts, &def.name, id)?;
    let dims: Vec<Vec<Size>> = pipeline.results.iter().map(|(_, t)| pipeline.tensors[*t].dims.clone()).collect();
    let mut alone = Program {
        pipelines: vec![pipeline],
        consts: std::mem::take(&mut program.consts),
        origins: program.origins.clone(),
        names: program.names.clone(),
    };
    super::verify::verify(&alone, "lower (constant)");
    super::bind::bind(&mut alone);
    let outcome = super::eval::run(&alone, 0, &[], CONST_BUDGET);
    program.consts = alone.consts;
    let values: Vec<TensorValue> = outcome.map_err(|error| {
        let message = format!("the constant `{}` cannot be evaluated: {error}", def.name);
        vec![Diagnostic::error(crate::diag::codes::CONST_FAILED, def.span, message)]
    })?;
    debug_assert_eq!(dims.len(), values.len());
    let sizes = def.decided.iter().map(|decided| {
        let (part, axis) = decided.place;
        (decided.var, values[part].dims[axis])
    });
    let sizes = sizes.collect();
    let parts = values
        .into_iter()
        .map(|value| {
            let data = ConstData { name: def.name.clone(), elem: value.elem, dims: value.dims, bytes: value.bytes };
            add_const(&mut program.consts, data)
        })
        .collect();
    Ok(ConstItem { parts, is_tuple: matches!(def.ty, hir::Type::Tuple(_)), sizes })
}

/// What is being lowered into.
struct Lowerer<'a> {
    hir: &'a hir::Program,
    program: &'a mut Program,
    consts: &'a [ConstItem],
    /// The pipeline under construction.
    p: Pipeline,
    /// Indices around the current expression, outermost first.
    enclosing: Vec<Enclosing>,
    /// Conditions under which the current expression is evaluated.
    path: Vec<ExprId>,
    /// Bounds of reduction axes, for the prover.
    bounds: BTreeMap<AxisId, (ExprId, ExprId)>,
    diagnostics: Vec<Diagnostic>,
    /// Whether the check being added is about the ends of a range already.
    at_extremes: bool,
    /// The regions around the current one, which is `p.body`.
    outer_regions: Vec<Region>,
    /// How many of the enclosing indices belong to loops around the current region: to expressions they are constants.
    base: usize,
    /// Conditions that hold here because of statements around or before, with the number of regions around them.
    known: Vec<(usize, ExprId)>,
    /// Capacities of lists, by the variable that holds the length.
    lengths: BTreeMap<TensorId, Size>,
    /// Which functions are sequential, as far as asked.
    sequential: BTreeMap<hir::FnId, bool>,
    /// Variables whose scope has ended: nothing changes them before they are declared again.
    ended: BTreeSet<TensorId>,
    /// Labels given so far.
    labels: u32,
}

/// An index around the current expression.
#[derive(Clone, Debug)]
struct Enclosing {
    axis: AxisId,
    lo: ExprId,
    hi: ExprId,
    step: Size,
    /// Whether a stage can have it as an axis: it runs over `0..extent` of a size.
    liftable: bool,
    /// Whether it is an output axis (of a comprehension or of rank lifting), not a reduction's.
    is_output: bool,
}

/// What names mean inside one inlined function.
struct Scope<'a> {
    function: &'a hir::Fn,
    locals: BTreeMap<hir::LocalId, Value>,
    sizes: BTreeMap<SizeVar, Size>,
    scalars: BTreeMap<ScalarVar, DimExpr>,
    called_from: Option<OriginId>,
    /// Where `break` and `continue` of the loops around lead, innermost last.
    loops: Vec<region::LoopLabels>,
    /// Where `return` leaves its value, if the function returns early.
    returns: Option<region::Returns>,
}

impl<'a> Scope<'a> {
    fn new(function: &'a hir::Fn, called_from: Option<OriginId>) -> Scope<'a> {
        Scope {
            function,
            locals: BTreeMap::new(),
            sizes: BTreeMap::new(),
            scalars: BTreeMap::new(),
            called_from,
            loops: Vec::new(),
            returns: None,
        }
    }
}

fn lower_root(
    hir: &hir::Program,
    program: &mut Program,
    consts: &[ConstItem],
    name: &str,
    id: hir::FnId,
) -> Result<Pipeline, Vec<Diagnostic>> {
    let function = &hir.fns[id.0 as usize];
    let origin = program.origins.add(function.span, None);
    let p = Pipeline {
        name: name.to_string(),
        doc: function.doc.clone(),
        origin,
        sizes: Vec::new(),
        plan_scalars: Vec::new(),
        params: Vec::new(),
        results: Vec::new(),
        facts: Vec::new(),
        decided: Vec::new(),
        tensors: Arena::default(),
        axes: Arena::default(),
        exprs: Arena::default(),
        types: Vec::new(),
        body: Region::default(),
    };
    let mut lowerer = Lowerer {
        hir,
        program,
        consts,
        p,
        enclosing: Vec::new(),
        path: Vec::new(),
        bounds: BTreeMap::new(),
        diagnostics: Vec::new(),
        at_extremes: false,
        outer_regions: Vec::new(),
        base: 0,
        known: Vec::new(),
        lengths: BTreeMap::new(),
        sequential: BTreeMap::new(),
        ended: BTreeSet::new(),
        labels: 0,
    };
    lowerer.root(function);
    let Lowerer { p, diagnostics, .. } = lowerer;
    if diagnostics.is_empty() { Ok(p) } else { Err(diagnostics) }
}

impl<'a> Lowerer<'a> {
    /// Parameters, facts, body, results.
    fn root(&mut self, function: &'a hir::Fn) {
        let origin = self.p.origin;
        let mut scope = Scope::new(function, None);
        let dim_of = |index: usize| {
            function.sizes.iter().find(|size| matches!(size.source, hir::SizeSource::Dim(p) if p == index))
        };
        for size in &function.sizes {
            if !matches!(size.source, hir::SizeSource::Dim(_)) {
                self.p.sizes.push(size.var);
                self.fact(false, Size::from(size.var), String::new(), None);
            }
        }
        // A pipeline's `dim` parameter is a scalar that reaches a size; types of any parameter may use it.
        let mut dims = BTreeMap::new();
        for (index, local) in function.params.iter().enumerate() {
            if let Some(size) = dim_of(index) {
                let declared = &function.locals[local.0 as usize];
                let var = declared.scalar.unwrap_or_else(|| self.program.names.new_scalar(declared.name.clone()));
                let dim = Size::dim(DimExpr::Scalar(var, Scalar::I32));
                scope.sizes.insert(size.var, dim.clone());
                dims.insert(index, (var, dim));
            }
        }
        for (index, local) in function.params.iter().enumerate() {
            let declared = &function.locals[local.0 as usize];
            let ty = declared.ty.as_tensor().expect("pipelines take tensors");
            let origin = self.program.origins.add(declared.span, None);
            let position = self.p.params.len();
            let extents = self.dims_in(&scope, &declared.ty);
            let tensor = Tensor {
                name: declared.name.clone(),
                elem: ty.elem,
                dims: extents.clone(),
                kind: TensorKind::Param(position),
            };
            let tensor = self.p.tensors.add(tensor, origin);
            self.p.params.push(tensor);
            let mut value = Value::Tensor(Tv::stored(ty.elem, extents, tensor, Vec::new()));
            if let Some((var, dim)) = dims.remove(&index) {
                self.p.plan_scalars.push((var, tensor));
                self.fact(false, dim.clone(), format!("{} >= 0", declared.name), Some(origin));
                let id = self.p.size(&dim, origin);
                value = Value::Tensor(self.scalar_value(id));
            } else if ty.dims.is_empty() {
                if let Some(var) = declared.scalar {
                    self.p.plan_scalars.push((var, tensor));
                }
                let load = self.p.expr(Expr::Load(tensor, Vec::new()), compute_type(ty.elem), origin);
                value = Value::Tensor(self.scalar_value(load));
            }
            scope.locals.insert(*local, value);
        }
        // What facts say of sizes that the data decides is said where these are decided.
        let is_planned = |size: &Size| {
            let mut vars = Vec::new();
            size.vars(&mut vars);
            vars.iter().all(|var| function.sizes.iter().any(|size| size.var == *var))
        };
        for fact in function.facts.iter().filter(|fact| is_planned(&fact.size)) {
            let origin = self.program.origins.add(fact.span, None);
            let size = self.size_in(&scope, &fact.size);
            self.fact(fact.rel == hir::Relation::Zero, size, fact.text.clone(), Some(origin));
        }
        let value = self.body(&mut scope, origin);
        let parts = match value {
            None => Vec::new(),
            Some(Value::Tuple(parts)) => parts,
            Some(single) => vec![single],
        };
        for (part, declared) in parts.into_iter().zip(&function.results) {
            let Value::Tensor(value) = self.read(part) else {
                self.unsupported(function.span, "a result that is a tuple inside a tuple");
                continue;
            };
            let name = declared.name.clone().unwrap_or_else(|| "result".to_string());
            let elem = declared.ty.as_tensor().map_or(value.elem, |ty| ty.elem);
            let tensor = self.result(&value, elem, &name, origin);
            self.p.results.push((name, tensor));
        }
        self.keep_used_plan_scalars();
    }

    fn fact(&mut self, is_equality: bool, size: Size, text: String, origin: Option<OriginId>) {
        self.p.facts.push(Fact { is_equality, size, text, origin });
    }

    /// Scalar parameters that reach no size are ordinary parameters.
    fn keep_used_plan_scalars(&mut self) {
        let mut used = Vec::new();
        self.p.tensors.iter().for_each(|(_, tensor)| tensor.dims.iter().for_each(|dim| dim.scalars(&mut used)));
        self.p.axes.iter().for_each(|(_, axis)| axis.extent.iter().for_each(|extent| extent.scalars(&mut used)));
        self.p.exprs.iter().for_each(|(_, expr)| {
            if let Expr::Size(size) = expr {
                size.scalars(&mut used);
            }
        });
        self.p.facts.iter().for_each(|fact| fact.size.scalars(&mut used));
        self.p.plan_scalars.retain(|(var, _)| used.iter().any(|(u, _)| u == var));
    }

    /// The origin of a place in the function that is being inlined.
    fn origin(&mut self, scope: &Scope<'_>, span: Span) -> OriginId {
        self.program.origins.add(span, scope.called_from)
    }

    /// A size of the inlined function in the pipeline's terms.
    fn size_in(&self, scope: &Scope<'_>, size: &Size) -> Size {
        size.substitute(&Subst {
            size: &|var| scope.sizes.get(&var).cloned().unwrap_or_else(|| self.const_size(var)),
            scalar: &|var, ty| scope.scalars.get(&var).cloned().unwrap_or(DimExpr::Scalar(var, ty)),
        })
    }

    /// A size that the evaluation of a constant decided; any other variable as it is.
    fn const_size(&self, var: SizeVar) -> Size {
        let decided = self.consts.iter().flat_map(|item| &item.sizes).find(|(known, _)| *known == var);
        decided.map_or_else(|| Size::from(var), |(_, size)| Size::constant(*size))
    }

    fn dims_in(&self, scope: &Scope<'_>, ty: &hir::Type) -> Vec<Size> {
        ty.as_tensor().map(|ty| ty.dims.iter().map(|dim| self.size_in(scope, dim)).collect()).unwrap_or_default()
    }

    fn unsupported(&mut self, span: Span, what: &str) {
        let message = format!("not available yet: {what}");
        self.diagnostics.push(Diagnostic::error(crate::diag::codes::DATA_RANGE, span, message));
    }

    /// A fresh axis over `0..extent`.
    fn axis(&mut self, name: &str, extent: &Size, origin: OriginId) -> AxisId {
        self.p.axes.add(Axis { name: name.to_string(), extent: Some(extent.clone()) }, origin)
    }
}
