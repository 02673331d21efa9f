//! Regions under construction: where sequential code leads, what is known in it, what it changes.
//!
//! The current region is `p.body`; those around it wait in `outer_regions`. Indices of the loops around a region are constants to
//! its expressions (`base` counts them). A comprehension, branch or call that holds sequential code becomes statements itself
//! (a parallel loop whose body stores the elements), and so does everything around it: sequential code always stands at
//! the level of statements.

use super::value::{At, Tv, Value};
use super::{Enclosing, Lowerer, Scope};
use crate::hir;
use crate::size::Size;
use crate::tensor::*;
use crate::types::Scalar;

/// Where the exits of a loop lead.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoopLabels {
    /// Behind the loop.
    pub after: LabelId,
    /// To its next pass.
    pub next: LabelId,
}

/// Where `return` leaves its value.
#[derive(Clone, Debug)]
pub(super) struct Returns {
    /// The function's body.
    pub label: LabelId,
    /// A variable for each result.
    pub parts: Vec<TensorId>,
    /// A variable for each size of the results that the data decides.
    pub decided: Vec<TensorId>,
}

impl<'a> Lowerer<'a> {
    /// The statements that `build` writes, as a region of its own inside the current one.
    pub(super) fn region(&mut self, build: impl FnOnce(&mut Self)) -> Region {
        let outer = std::mem::take(&mut self.p.body);
        self.outer_regions.push(outer);
        let base = std::mem::replace(&mut self.base, self.enclosing.len());
        let path = std::mem::take(&mut self.path);
        let depth = self.outer_regions.len();
        build(self);
        self.known.retain(|(at, _)| *at < depth);
        self.path = path;
        self.base = base;
        let outer = self.outer_regions.pop().expect("just pushed");
        let mut region = std::mem::replace(&mut self.p.body, outer);
        // A condition that is decided during compilation may leave code that is never reached.
        if let Some(last) = region.stmts.iter().position(leaves) {
            region.stmts.truncate(last + 1);
        }
        region
    }

    /// Whether the current expression is a whole statement: no index or condition of an expression is around it.
    pub(super) fn at_statement(&self) -> bool {
        self.enclosing.len() == self.base && self.path.is_empty()
    }

    /// Takes a condition as known from here to the end of the region, unless what it speaks of changes.
    pub(super) fn learn(&mut self, cond: ExprId) {
        self.known.push((self.outer_regions.len(), cond));
    }

    /// Forgets what is known of variables that change.
    pub(super) fn forget(&mut self, changed: &[TensorId]) {
        let p = &self.p;
        self.known.retain(|(_, cond)| p.loads_var(*cond).iter().all(|var| !changed.contains(var)));
    }

    pub(super) fn control(&mut self, kind: ControlKind, origin: OriginId) {
        self.p.body.stmts.push(Stmt::Control(Control { kind, binding: Binding::Call, origin }));
    }

    pub(super) fn label(&mut self) -> LabelId {
        self.labels += 1;
        LabelId(self.labels - 1)
    }

    /// A new variable.
    pub(super) fn variable(&mut self, name: &str, elem: Scalar, dims: Vec<Size>, origin: OriginId) -> TensorId {
        self.p.tensors.add(Tensor { name: name.to_string(), elem, dims, kind: TensorKind::Var }, origin)
    }

    /// `tensor[index] = value`, a single element.
    pub(super) fn store_one(&mut self, tensor: TensorId, index: Vec<ExprId>, value: ExprId, origin: OriginId) {
        self.forget(&[tensor]);
        let (axes, binding) = (Vec::new(), Binding::Call);
        self.p.body.stmts.push(Stmt::Store(Store { tensor, axes, index, value, binding, origin }));
    }

    /// Stores a value into the part of a variable behind these leading indices. A scalar fills the part.
    pub(super) fn store_rows(&mut self, tensor: TensorId, leading: &[ExprId], value: &Tv, origin: OriginId) {
        let whole = self.p.tensors[tensor].dims[leading.len()..].to_vec();
        let items = leading.iter().map(|index| Part::At(*index));
        let items = items.chain(whole.into_iter().map(|extent| Part::Slice(Size::constant(0), extent))).collect();
        self.store_part(tensor, items, value, origin);
    }

    /// Stores a value into a part of a variable.
    pub(super) fn store_part(&mut self, tensor: TensorId, items: Vec<Part>, value: &Tv, origin: OriginId) {
        let mut axes = Vec::new();
        let mut own = Vec::new();
        let mut index = Vec::new();
        for item in items {
            index.push(match item {
                Part::At(id) => id,
                Part::Slice(lo, extent) => {
                    let axis = self.axis("i", &extent, origin);
                    axes.push(axis);
                    let axis = self.p.axis(axis, origin);
                    own.push(axis);
                    let lo = self.p.size(&lo, origin);
                    self.p.op(crate::ops::Op::Add, &[axis, lo], origin)
                }
            });
        }
        if !axes.is_empty() {
            // Elements are stored one by one: what they change must not be asked in between.
            index = index
                .into_iter()
                .map(|id| {
                    let reads_itself = self.p.loads_var(id).contains(&tensor);
                    if reads_itself { self.settle_scalar(id, "index", origin) } else { id }
                })
                .collect();
        }
        let at: &[ExprId] = if value.dims.is_empty() { &[] } else { &own };
        let mut element = self.element(value, at, origin);
        if !axes.is_empty() && !self.p.loads_only_at(element, tensor, &index) {
            let copy = self.settle(value, "value", origin);
            element = self.element(&copy, at, origin);
        }
        self.forget(&[tensor]);
        let (value, binding) = (element, Binding::Call);
        self.p.body.stmts.push(Stmt::Store(Store { tensor, axes, index, value, binding, origin }));
    }

    /// Variables for a value of this type, in the caller's sizes, with these axes before its own.
    pub(super) fn variables(
        &mut self,
        scope: &Scope<'a>,
        outer: &[Size],
        ty: &hir::Type,
        name: &str,
        origin: OriginId,
    ) -> Vec<TensorId> {
        match ty {
            hir::Type::Tensor(tensor) => {
                let dims = outer.iter().cloned().chain(self.dims_in(scope, ty)).collect();
                vec![self.variable(name, tensor.elem, dims, origin)]
            }
            hir::Type::Tuple(parts) => {
                parts.iter().flat_map(|(_, part)| self.variables(scope, outer, part, name, origin)).collect()
            }
            hir::Type::List(_) => unreachable!("a list is no value"),
        }
    }

    /// Stores a value, with all its parts, into variables behind these leading indices.
    pub(super) fn store_value(
        &mut self,
        tensors: &mut dyn Iterator<Item = TensorId>,
        leading: &[ExprId],
        value: Value,
        origin: OriginId,
    ) {
        match self.read(value) {
            Value::Tensor(tv) => {
                let tensor = tensors.next().expect("a variable for each part");
                self.store_rows(tensor, leading, &tv, origin);
            }
            Value::Tuple(parts) => {
                parts.into_iter().for_each(|part| self.store_value(tensors, leading, part, origin));
            }
            Value::Var(_) | Value::List(_) => unreachable!("reading gives values"),
        }
    }

    /// The values in variables that nothing changes any more, with the shape of a type.
    pub(super) fn stored_value(&mut self, tensors: &mut dyn Iterator<Item = TensorId>, ty: &hir::Type) -> Value {
        match ty {
            hir::Type::Tensor(_) => {
                let tensor = tensors.next().expect("a variable for each part");
                self.ended.insert(tensor);
                self.read(Value::Var(tensor))
            }
            hir::Type::Tuple(parts) => {
                Value::Tuple(parts.iter().map(|(_, part)| self.stored_value(tensors, part)).collect())
            }
            hir::Type::List(_) => unreachable!("a list is no value"),
        }
    }

    /// A value without names of variables in it: what they hold now.
    pub(super) fn read(&mut self, value: Value) -> Value {
        match value {
            Value::Var(tensor) => {
                let Tensor { elem, dims, .. } = self.p.tensors[tensor].clone();
                let origin = self.p.tensors.origin(tensor);
                if dims.is_empty() {
                    let load = self.p.expr(Expr::Load(tensor, Vec::new()), compute_type(elem), origin);
                    return Value::Tensor(Tv { elem, dims, at: At::Lambda(Vec::new(), load) });
                }
                Value::Tensor(Tv::stored(elem, dims, tensor, Vec::new()))
            }
            Value::Tuple(parts) => Value::Tuple(parts.into_iter().map(|part| self.read(part)).collect()),
            Value::Tensor(_) | Value::List(_) => value,
        }
    }

    /// Loops over axes of these extents around `build`, which gets their indices. Passes are independent of each other.
    pub(super) fn loops(
        &mut self,
        axes: Vec<Enclosing>,
        origin: OriginId,
        build: &mut dyn FnMut(&mut Self, &[ExprId]),
    ) {
        let indices: Vec<ExprId> = axes.iter().map(|axis| self.p.axis(axis.axis, origin)).collect();
        self.nested_loops(axes, origin, &mut |l| build(l, &indices));
    }

    fn nested_loops(&mut self, mut axes: Vec<Enclosing>, origin: OriginId, build: &mut dyn FnMut(&mut Self)) {
        if axes.is_empty() {
            return build(self);
        }
        let first = axes.remove(0);
        self.enclosing.push(first.clone());
        let body = self.region(|l| l.nested_loops(axes, origin, build));
        self.enclosing.pop();
        let axis = ReduceAxis { axis: first.axis, lo: first.lo, hi: first.hi, step: first.step };
        self.control(ControlKind::Loop { axis, body }, origin);
    }

    /// A comprehension whose body is sequential: a loop that stores the elements.
    pub(super) fn comprehension_of_statements(
        &mut self,
        scope: &mut Scope<'a>,
        axes: &'a [hir::Axis],
        body: &'a hir::Block,
        ty: &'a hir::Type,
        origin: OriginId,
    ) -> Value {
        let depth = self.enclosing.len();
        self.push_axes(scope, axes, true);
        let own = self.enclosing.split_off(depth);
        let outer: Vec<Size> = own
            .iter()
            .map(|axis| self.p.axes[axis.axis].extent.clone().expect("axes of a `for` have extents"))
            .collect();
        // The type of the whole has the axes' extents first already.
        let tensors = self.variables(scope, &[], ty, "element", origin);
        debug_assert!(tensors.iter().all(|tensor| self.p.tensors[*tensor].dims.len() >= outer.len()));
        self.forget_changed(scope, body);
        self.loops(own, origin, &mut |l, indices| {
            let value = l.block(scope, body).expect("HIR promised a value");
            l.store_value(&mut tensors.iter().copied(), indices, value, origin);
        });
        self.stored_value(&mut tensors.into_iter(), ty)
    }

    /// A reduction or scan whose body is sequential: its elements are stored first. Gives them as a function of the indices.
    pub(super) fn elements_of_statements(
        &mut self,
        scope: &mut Scope<'a>,
        axes: &'a [hir::Axis],
        body: &'a hir::Block,
        origin: OriginId,
    ) -> Option<(Tv, Vec<Enclosing>)> {
        let depth = self.enclosing.len();
        self.push_axes(scope, axes, false);
        let own = self.enclosing.split_off(depth);
        let outer: Option<Vec<Size>> = own.iter().map(|axis| self.p.axes[axis.axis].extent.clone()).collect();
        let (outer, true) = (outer?, self.at_statement()) else { return None };
        let ty = &body.value.as_ref().expect("HIR promised a value").ty;
        let tensors = self.variables(scope, &outer, ty, "element", origin);
        let value_ty = hir::Type::tensor(ty.as_scalar().expect("HIR promised a scalar"), outer.clone());
        self.loops(own.clone(), origin, &mut |l, indices| {
            let value = l.block(scope, body).expect("HIR promised a value");
            l.store_value(&mut tensors.iter().copied(), indices, value, origin);
        });
        let stored = self.stored_value(&mut tensors.into_iter(), &value_ty);
        let Value::Tensor(stored) = stored else { unreachable!("a variable holds a tensor") };
        Some((stored, own))
    }

    /// A branch of which an arm is sequential.
    pub(super) fn branch_of_statements(
        &mut self,
        scope: &mut Scope<'a>,
        cond: ExprId,
        arms: [&'a hir::Block; 2],
        ty: &'a hir::Type,
        origin: OriginId,
    ) -> Value {
        let tensors = self.variables(scope, &[], ty, "branch", origin);
        let not = self.p.op(crate::ops::Op::Not, &[cond], origin);
        let [then, otherwise] = [(cond, arms[0]), (not, arms[1])].map(|(cond, arm)| {
            self.region(|l| {
                l.learn(cond);
                let value = l.block(scope, arm).expect("HIR promised a value");
                l.store_value(&mut tensors.iter().copied(), &[], value, origin);
            })
        });
        self.control(ControlKind::If { cond, then, otherwise }, origin);
        self.stored_value(&mut tensors.into_iter(), ty)
    }
}

/// Whether what stands behind a statement is never reached.
pub(super) fn leaves(stmt: &Stmt) -> bool {
    let Stmt::Control(control) = stmt else { return false };
    let ends = |region: &Region| region.stmts.last().is_some_and(leaves);
    match &control.kind {
        ControlKind::Leave(_) => true,
        ControlKind::If { then, otherwise, .. } => ends(then) && ends(otherwise),
        ControlKind::Loop { .. } | ControlKind::Repeat(_) | ControlKind::Block(..) => false,
    }
}

/// One index of a part that is stored to.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// One element.
    At(ExprId),
    /// From here on, so many.
    Slice(Size, Size),
}
