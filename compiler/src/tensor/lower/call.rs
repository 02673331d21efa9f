//! Inlining calls: arguments bound to parameters, sizes substituted, rank lifting made axes.

use super::value::{Tv, Value};
use super::{Lowerer, Scope};
use crate::hir;
use crate::size::Size;
use crate::tensor::*;

impl<'a> Lowerer<'a> {
    /// *Before*: `f(a, b)`. *After*: the body of `f`, in terms of the caller.
    pub(super) fn call(&mut self, scope: &mut Scope<'a>, call: &'a hir::Call, e: &'a hir::Expr) -> Value {
        let callee = &self.hir.fns[call.callee.0 as usize];
        let origin = self.origin(scope, e.span);
        let is_var = |param: &hir::LocalId| callee.locals[param.0 as usize].is_var;
        let args: Vec<Value> = callee
            .params
            .iter()
            .zip(&call.args)
            .map(|(param, arg)| match &arg.kind {
                // The variable itself, not what it holds.
                hir::ExprKind::Local(local) if is_var(param) => scope.locals[local].clone(),
                _ => self.expr(scope, arg),
            })
            .collect();
        let mut inner = Scope::new(callee, Some(origin));
        for (param, size) in callee.sizes.iter().zip(&call.sizes) {
            let size = self.size_in(scope, size);
            inner.sizes.insert(param.var, size);
        }
        for fact in &call.checks {
            let size = self.size_in(scope, &fact.size);
            self.check_fact(&size, fact.rel == hir::Relation::Zero, &fact.text, origin);
        }
        let lift: Vec<Size> = call.lift.iter().map(|size| self.size_in(scope, size)).collect();
        let axes: Vec<AxisId> = lift.iter().map(|extent| self.axis("b", extent, origin)).collect();
        // Arguments are computed outside the lifted axes, once.
        let mut bound = Vec::new();
        for (local, arg) in callee.params.iter().zip(args) {
            let declared = &callee.locals[local.0 as usize];
            bound.push((*local, self.bind_as(&declared.name, arg, origin)));
        }
        if !axes.is_empty() && self.is_sequential_fn(call.callee) {
            return self.lifted_statements(scope, inner, bound, axes, &e.ty, origin);
        }
        let depth = self.enclosing.len();
        self.push_own(&axes, origin);
        self.bind_params(&mut inner, &bound, &axes, origin);
        let result = self.body(&mut inner, origin);
        self.enclosing.truncate(depth);
        for (decided, own) in call.decided.iter().zip(&callee.decided) {
            scope.sizes.insert(*decided, inner.sizes[&own.var].clone());
        }
        let result = result.unwrap_or(Value::Tuple(Vec::new()));
        if axes.is_empty() { result } else { self.close_value(&axes, result, origin) }
    }

    /// A sequential function over more axes than it has: a loop of calls, whose results are stored.
    fn lifted_statements(
        &mut self,
        scope: &Scope<'a>,
        mut inner: Scope<'a>,
        bound: Vec<(hir::LocalId, Value)>,
        axes: Vec<AxisId>,
        ty: &'a hir::Type,
        origin: OriginId,
    ) -> Value {
        let tensors = self.variables(scope, &[], ty, "result", origin);
        let depth = self.enclosing.len();
        self.push_own(&axes, origin);
        let own = self.enclosing.split_off(depth);
        self.loops(own, origin, &mut |l, indices| {
            l.bind_params(&mut inner, &bound, &axes, origin);
            if let Some(value) = l.body(&mut inner, origin) {
                l.store_value(&mut tensors.iter().copied(), indices, value, origin);
            }
        });
        self.stored_value(&mut tensors.into_iter(), ty)
    }

    /// Gives a function's parameters their values at these indices of the lifted axes.
    fn bind_params(
        &mut self,
        inner: &mut Scope<'a>,
        bound: &[(hir::LocalId, Value)],
        axes: &[AxisId],
        origin: OriginId,
    ) {
        for (local, value) in bound {
            let declared = &inner.function.locals[local.0 as usize];
            let rank = declared.ty.as_tensor().map(|ty| ty.dims.len());
            let value = match (value, rank) {
                (Value::Tensor(tv), Some(rank)) => {
                    let extra = tv.dims.len() - rank;
                    Value::Tensor(self.row(tv, &axes[axes.len() - extra..], origin))
                }
                (value, _) => value.clone(),
            };
            if let (Some(var), Value::Tensor(tv)) = (declared.scalar, &value)
                && tv.dims.is_empty()
            {
                let id = self.element(tv, &[], origin);
                if let Some(dim) = self.p.as_dim(id) {
                    inner.scalars.insert(var, dim);
                }
            }
            inner.locals.insert(*local, value);
        }
    }

    /// The value at these leading indices.
    fn row(&mut self, value: &Tv, leading: &[AxisId], origin: OriginId) -> Tv {
        if leading.is_empty() {
            return value.clone();
        }
        let leading: Vec<ExprId> = leading.iter().map(|axis| self.p.axis(*axis, origin)).collect();
        let rest = value.dims[leading.len()..].to_vec();
        if let super::value::At::Stored(tensor, prefix) = &value.at {
            let prefix = prefix.iter().chain(&leading).copied().collect();
            return Tv::stored(value.elem, rest, *tensor, prefix);
        }
        self.lambda(value.elem, &rest, origin, |l, index| {
            let index: Vec<ExprId> = leading.iter().chain(index).copied().collect();
            l.element(value, &index, origin)
        })
    }

    pub(super) fn close_value(&mut self, axes: &[AxisId], value: Value, origin: OriginId) -> Value {
        match value {
            Value::Tensor(tv) => Value::Tensor(self.close(axes, &tv, origin)),
            Value::Tuple(parts) => {
                Value::Tuple(parts.into_iter().map(|part| self.close_value(axes, part, origin)).collect())
            }
            Value::Var(_) | Value::List(_) => unreachable!("a value was read"),
        }
    }
}
