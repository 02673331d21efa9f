//! Comprehensions, reductions with their fold order, and scans.

use super::value::{At, Tv, Value};
use super::{Enclosing, Lowerer, Scope};
use crate::hir;
use crate::ops::Op;
use crate::size::Size;
use crate::tensor::*;
use crate::types::{Const, Scalar};

impl<'a> Lowerer<'a> {
    /// Brings the indices of a comprehension or reduction into scope, outermost first. An index over sizes counts from 0
    /// (`lo + step * axis` is what its name means then); one whose bounds the data decides keeps its bounds.
    pub(super) fn push_axes(&mut self, scope: &mut Scope<'a>, axes: &'a [hir::Axis], is_output: bool) -> Vec<AxisId> {
        let mut ids = Vec::new();
        for axis in axes {
            let declared = &scope.function.locals[axis.local.0 as usize];
            let origin = self.origin(scope, declared.span);
            let lo = self.scalar(scope, &axis.lo);
            let hi = self.scalar(scope, &axis.hi);
            let step = self.size_in(scope, &axis.step);
            let extent = axis.extent.as_ref().map(|extent| self.size_in(scope, extent));
            let zero = self.p.constant(Const::i32(0), origin);
            let (id, value) = match extent {
                Some(extent) => {
                    let id = self.axis(&declared.name, &extent, origin);
                    let hi = self.p.size(&extent, origin);
                    self.enclosing.push(Enclosing {
                        axis: id,
                        lo: zero,
                        hi,
                        step: Size::constant(1),
                        liftable: true,
                        is_output,
                    });
                    self.bounds.insert(id, (zero, hi));
                    let axis = self.p.axis(id, origin);
                    let step = self.p.size(&step, origin);
                    let scaled = self.p.op(Op::Mul, &[axis, step], origin);
                    (id, self.p.op(Op::Add, &[scaled, lo], origin))
                }
                None => {
                    let id = self.p.axes.add(Axis { name: declared.name.clone(), extent: None }, origin);
                    self.enclosing.push(Enclosing { axis: id, lo, hi, step, liftable: false, is_output });
                    self.bounds.insert(id, (lo, hi));
                    (id, self.p.axis(id, origin))
                }
            };
            scope.locals.insert(axis.local, Value::Tensor(self.scalar_value(value)));
            ids.push(id);
        }
        ids
    }

    /// `for i, j { e }`.
    pub(super) fn comprehension(
        &mut self,
        scope: &mut Scope<'a>,
        axes: &'a [hir::Axis],
        body: &'a hir::Block,
        origin: OriginId,
    ) -> Value {
        let depth = self.enclosing.len();
        let ids = self.push_axes(scope, axes, true);
        let value = self.block(scope, body).expect("HIR promised a value");
        self.enclosing.truncate(depth);
        self.close_value(&ids, value, origin)
    }

    /// `sum k { e }` and its kin.
    pub(super) fn reduce(
        &mut self,
        scope: &mut Scope<'a>,
        op: ReduceOp,
        axes: &'a [hir::Axis],
        body: &'a hir::Block,
        ty: &hir::Type,
        origin: OriginId,
    ) -> Value {
        let depth = self.enclosing.len();
        let outputs: Vec<AxisId> =
            self.enclosing.iter().filter(|outer| outer.is_output).map(|outer| outer.axis).collect();
        let (ids, body, own) = if self.is_sequential(body) {
            let Some((stored, own)) = self.elements_of_statements(scope, axes, body, origin) else {
                let span = body.value.as_ref().expect("HIR promised a value").span;
                self.unsupported(span, "sequential code inside a reduction whose range the data decides");
                let zero = Const { ty: stored_type(body), bits: 0 };
                let zero = self.p.constant(zero, origin);
                return Value::Tensor(self.scalar_value(zero));
            };
            let ids: Vec<AxisId> = own.iter().map(|index| index.axis).collect();
            let indices: Vec<ExprId> = ids.iter().map(|axis| self.p.axis(*axis, origin)).collect();
            (ids, self.element(&stored, &indices, origin), own)
        } else {
            let ids = self.push_axes(scope, axes, false);
            let Some(Value::Tensor(value)) = self.block(scope, body) else { panic!("HIR promised a scalar") };
            let body = self.element(&value, &[], origin);
            (ids, body, self.enclosing.split_off(depth))
        };
        let reduce_axes: Vec<ReduceAxis> = own
            .iter()
            .map(|index| ReduceAxis { axis: index.axis, lo: index.lo, hi: index.hi, step: index.step.clone() })
            .collect();
        let is_arg = matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin);
        if is_arg {
            for index in &own {
                self.check_not_empty_range(index, origin);
            }
        }
        let body_ty = self.p.ty(body);
        let result_ty = match op {
            ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min => body_ty,
            ReduceOp::Any | ReduceOp::All => Scalar::Bool,
            ReduceOp::Count | ReduceOp::ArgMax | ReduceOp::ArgMin => Scalar::I32,
        };
        let order = self.fold_order(op, body, &outputs, &ids);
        if order == FoldOrder::Lanes16 {
            // Several axes: reductions of reductions, each over one axis, innermost first.
            let mut result = body;
            for axis in reduce_axes.into_iter().rev() {
                let node = Reduce { op, axes: vec![axis], body: result, order, component: 0 };
                result = self.p.expr(Expr::Reduce(node), result_ty, origin);
            }
            return Value::Tensor(self.scalar_value(result));
        }
        let components = if is_arg { ids.len() } else { 1 };
        let mut parts: Vec<Value> = Vec::new();
        for component in 0..components {
            let node = Reduce { op, axes: reduce_axes.clone(), body, order, component };
            let mut id = self.p.expr(Expr::Reduce(node), result_ty, origin);
            if is_arg {
                // The name of an index means `lo + step * axis`; see `push_axes`.
                let hir_axis = &axes[component];
                let Value::Tensor(named) = scope.locals[&hir_axis.local].clone() else {
                    unreachable!("indices are scalars")
                };
                let meaning = self.element(&named, &[], origin);
                id = self.p.substitute(meaning, &[ids[component]], &[id]);
            }
            parts.push(Value::Tensor(self.scalar_value(id)));
        }
        match ty {
            hir::Type::Tuple(_) => Value::Tuple(parts),
            hir::Type::Tensor(_) | hir::Type::List(_) => parts.swap_remove(0),
        }
    }

    /// The order that the language fixes for a reduction, from the accesses as they are written.
    fn fold_order(&self, op: ReduceOp, body: ExprId, outputs: &[AxisId], own: &[AxisId]) -> FoldOrder {
        let is_float = self.p.ty(body).is_float();
        match op {
            ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min if is_float => {}
            _ => return FoldOrder::Any,
        }
        let output_axes = |id: ExprId| -> Vec<AxisId> {
            self.p.free_axes(id).into_iter().filter(|axis| outputs.contains(axis)).collect()
        };
        if op == ReduceOp::Sum
            && let Expr::Op(Op::Mul, factors) = &self.p.exprs[body]
        {
            let (a, b) = (output_axes(factors[0]), output_axes(factors[1]));
            if a.iter().any(|axis| !b.contains(axis)) && b.iter().any(|axis| !a.contains(axis)) {
                return FoldOrder::Serial;
            }
        }
        let mut contiguous = false;
        self.p.visit(&[body], &mut |_, expr| {
            if let Expr::Load(_, index) = expr
                && let Some(last) = index.last()
            {
                let free = self.p.free_axes(*last);
                let by_output =
                    outputs.iter().any(|axis| free.contains(axis) && self.has_unit_coefficient(*last, *axis));
                contiguous |= by_output && !own.iter().any(|axis| free.contains(axis));
            }
        });
        if contiguous { FoldOrder::Serial } else { FoldOrder::Lanes16 }
    }

    /// Whether an index grows by one with the axis: the axis itself, plus or minus something without it.
    fn has_unit_coefficient(&self, id: ExprId, axis: AxisId) -> bool {
        match &self.p.exprs[id] {
            Expr::Axis(own) => *own == axis,
            Expr::Op(Op::Add, args) => {
                args.iter().filter(|arg| self.p.free_axes(**arg).contains(&axis)).count() == 1
                    && args.iter().any(|arg| self.has_unit_coefficient(*arg, axis))
            }
            Expr::Op(Op::Sub, args) => {
                self.has_unit_coefficient(args[0], axis) && !self.p.free_axes(args[1]).contains(&axis)
            }
            _ => false,
        }
    }

    /// `scan sum i { e }`: a stage of its own kind.
    pub(super) fn scan(
        &mut self,
        scope: &mut Scope<'a>,
        op: ReduceOp,
        axis: &'a hir::Axis,
        body: &'a hir::Block,
        e: &'a hir::Expr,
        origin: OriginId,
    ) -> Tv {
        let depth = self.enclosing.len();
        let (ids, body) = if self.is_sequential(body) {
            let stored = self.elements_of_statements(scope, std::slice::from_ref(axis), body, origin);
            let (stored, own) = stored.expect("the axis of a scan has an extent, and a scan is no part of a reduction");
            let index = self.p.axis(own[0].axis, origin);
            (vec![own[0].axis], self.element(&stored, &[index], origin))
        } else {
            let ids = self.push_axes(scope, std::slice::from_ref(axis), true);
            let Some(Value::Tensor(value)) = self.block(scope, body) else { panic!("HIR promised a scalar") };
            (ids, self.element(&value, &[], origin))
        };
        self.enclosing.truncate(depth);
        let outer = self.dependencies(body);
        if outer.iter().any(|index| !index.liftable) {
            self.unsupported(e.span, "a scan that depends on an index whose range the data decides");
        }
        let elem = e.ty.as_tensor().expect("scans give tensors").elem;
        let axes: Vec<AxisId> = outer.iter().map(|index| index.axis).chain(ids.iter().copied()).collect();
        let prefix: Vec<ExprId> = outer.iter().map(|index| self.p.axis(index.axis, origin)).collect();
        let dims: Vec<Size> = axes.iter().map(|axis| self.p.axes[*axis].extent.clone().unwrap_or_default()).collect();
        let tensor = Tensor { name: "scan".to_string(), elem, dims: dims.clone(), kind: TensorKind::Local };
        let tensor = self.p.tensors.add(tensor, origin);
        let guard = self.uniform_path(origin);
        self.p.body.stmts.push(Stmt::Stage(Stage {
            tensors: vec![tensor],
            axes,
            body: StageBody::Scan { op, expr: body },
            guard,
            binding: Binding::Call,
            origin,
        }));
        Tv { elem, dims: dims[prefix.len()..].to_vec(), at: At::Stored(tensor, prefix) }
    }
}

/// The type in which the value of a block is computed.
fn stored_type(block: &hir::Block) -> Scalar {
    let elem = block.value.as_ref().and_then(|value| value.ty.as_scalar());
    compute_type(elem.expect("HIR promised a scalar"))
}
