//! Inlining calls: arguments bound to parameters, sizes substituted, rank lifting made axes.

use super::value::{Tv, Value};
use super::{Lowerer, Scope};
use crate::hir;
use crate::size::Size;
use crate::tensor::*;
use std::collections::BTreeMap;

impl<'a> Lowerer<'a> {
    /// *Before*: `f(a, b)`. *After*: the body of `f`, in terms of the caller.
    pub(super) fn call(&mut self, scope: &mut Scope<'a>, call: &'a hir::Call, e: &'a hir::Expr) -> Value {
        let callee = &self.hir.fns[call.callee.0 as usize];
        let origin = self.origin(scope, e.span);
        let args: Vec<Value> = call.args.iter().map(|arg| self.expr(scope, arg)).collect();
        let mut inner = Scope {
            function: callee,
            locals: BTreeMap::new(),
            sizes: BTreeMap::new(),
            scalars: BTreeMap::new(),
            called_from: Some(origin),
        };
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
            bound.push((*local, declared, self.bind_as(&declared.name, arg, origin)));
        }
        let depth = self.enclosing.len();
        self.push_own(&axes, origin);
        for (local, declared, value) in bound {
            let rank = declared.ty.as_tensor().map(|ty| ty.dims.len());
            let value = match (value, rank) {
                (Value::Tensor(tv), Some(rank)) => {
                    let extra = tv.dims.len() - rank;
                    Value::Tensor(self.row(&tv, &axes[axes.len() - extra..], origin))
                }
                (value, _) => value,
            };
            if let (Some(var), Value::Tensor(tv)) = (declared.scalar, &value)
                && tv.dims.is_empty()
            {
                let id = self.element(tv, &[], origin);
                if let Some(dim) = self.p.as_dim(id) {
                    inner.scalars.insert(var, dim);
                }
            }
            inner.locals.insert(local, value);
        }
        let result = self.block(&mut inner, &callee.body);
        self.enclosing.truncate(depth);
        let result = result.unwrap_or(Value::Tuple(Vec::new()));
        if axes.is_empty() { result } else { self.close_value(&axes, result, origin) }
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
        }
    }
}
