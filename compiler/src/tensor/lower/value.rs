//! Tensor values during lowering: stored tensors and lambdas, and how one becomes the other.

use super::{Enclosing, Lowerer};
use crate::origin::OriginId;
use crate::size::Size;
use crate::tensor::*;
use crate::types::Scalar;

/// What an expression of HIR is worth.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A tensor or scalar.
    Tensor(Tv),
    /// Several values.
    Tuple(Vec<Value>),
    /// A variable: a scalar or a tensor.
    Var(TensorId),
    /// A list.
    List(List),
}

/// A list: a variable of its capacity, of which the first elements count.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    /// The elements.
    pub elements: TensorId,
    /// How many there are.
    pub len: TensorId,
}

/// A tensor value. Its own axes are those of `dims`; it may also depend on enclosing indices.
#[derive(Clone, Debug)]
pub(super) struct Tv {
    /// Element type in the language (may be `f16`).
    pub elem: Scalar,
    /// Extents.
    pub dims: Vec<Size>,
    /// How elements are found.
    pub at: At,
}

/// How elements are found.
#[derive(Clone, Debug)]
pub(super) enum At {
    /// In a tensor, behind these leading indices.
    Stored(TensorId, Vec<ExprId>),
    /// By an expression over these axes.
    Lambda(Vec<AxisId>, ExprId),
}

impl Tv {
    pub(super) fn stored(elem: Scalar, dims: Vec<Size>, tensor: TensorId, prefix: Vec<ExprId>) -> Tv {
        Tv { elem, dims, at: At::Stored(tensor, prefix) }
    }
}

impl Lowerer<'_> {
    /// A scalar value.
    pub(super) fn scalar_value(&self, id: ExprId) -> Tv {
        Tv { elem: self.p.ty(id), dims: Vec::new(), at: At::Lambda(Vec::new(), id) }
    }

    /// The element at these indices.
    pub(super) fn element(&mut self, value: &Tv, index: &[ExprId], origin: OriginId) -> ExprId {
        debug_assert_eq!(index.len(), value.dims.len());
        match &value.at {
            At::Stored(tensor, prefix) => {
                let index = prefix.iter().chain(index).copied().collect();
                self.p.expr(Expr::Load(*tensor, index), compute_type(value.elem), origin)
            }
            At::Lambda(axes, expr) => self.p.substitute(*expr, axes, index),
        }
    }

    /// A lambda over fresh axes of these extents.
    pub(super) fn lambda(
        &mut self,
        elem: Scalar,
        dims: &[Size],
        origin: OriginId,
        element: impl FnOnce(&mut Self, &[ExprId]) -> ExprId,
    ) -> Tv {
        let names = ["i", "j", "k", "l", "m", "n"];
        let axes: Vec<AxisId> = dims
            .iter()
            .enumerate()
            .map(|(n, dim)| self.axis(names.get(n).copied().unwrap_or("a"), dim, origin))
            .collect();
        let index: Vec<ExprId> = axes.iter().map(|axis| self.p.axis(*axis, origin)).collect();
        let expr = element(self, &index);
        Tv { elem, dims: dims.to_vec(), at: At::Lambda(axes, expr) }
    }

    /// The enclosing indices that an expression depends on, outermost first; bounds of reduction indices count.
    pub(super) fn dependencies(&self, expr: ExprId) -> Vec<Enclosing> {
        let mut needed = self.p.free_axes(expr);
        for outer in self.enclosing.iter().rev() {
            if needed.contains(&outer.axis) && !outer.liftable {
                needed.extend(self.p.free_axes(outer.lo));
                needed.extend(self.p.free_axes(outer.hi));
            }
        }
        self.enclosing[self.base..].iter().filter(|outer| needed.contains(&outer.axis)).cloned().collect()
    }

    /// Whether a value would be another one if it were computed later: it loads a variable.
    pub(super) fn changes(&self, value: &Tv) -> bool {
        let loads = |id: ExprId| self.p.loads_var(id).iter().any(|var| !self.ended.contains(var));
        match &value.at {
            At::Stored(tensor, prefix) => self.is_live(*tensor) || prefix.iter().any(|index| loads(*index)),
            At::Lambda(_, expr) => loads(*expr),
        }
    }

    /// Whether a tensor is a variable that may still change.
    fn is_live(&self, tensor: TensorId) -> bool {
        self.p.tensors[tensor].kind == TensorKind::Var && !self.ended.contains(&tensor)
    }

    /// The value of now, whatever happens to variables later.
    pub(super) fn settle(&mut self, value: &Tv, name: &str, origin: OriginId) -> Tv {
        if !self.changes(value) {
            return value.clone();
        }
        if let At::Stored(tensor, prefix) = &value.at
            && !self.is_live(*tensor)
        {
            // A row of a tensor that does not change: its indices are of now.
            let (tensor, prefix) = (*tensor, prefix.clone());
            let prefix = prefix.into_iter().map(|index| self.settle_scalar(index, name, origin)).collect();
            return Tv::stored(value.elem, value.dims.clone(), tensor, prefix);
        }
        let (elem, dims) = (value.elem, value.dims.clone());
        let copy = self.lambda(elem, &dims, origin, |l, index| l.element(value, index, origin));
        let At::Lambda(own, expr) = &copy.at else { unreachable!("lambda gives a lambda") };
        let tensor = self.stage(own, *expr, elem, name, origin);
        Tv::stored(elem, dims, tensor, Vec::new())
    }

    /// The same for a scalar expression.
    pub(super) fn settle_scalar(&mut self, id: ExprId, name: &str, origin: OriginId) -> ExprId {
        let value = self.scalar_value(id);
        let value = self.settle(&value, name, origin);
        self.element(&value, &[], origin)
    }

    /// Makes a value one that is computed once: a stage over its own axes and the enclosing indices it depends on.
    /// Scalars without a reduction stay expressions (sharing an expression shares its work), and so does what depends on
    /// an index whose range the data decides.
    pub(super) fn store(&mut self, value: &Tv, name: &str, origin: OriginId) -> Tv {
        let At::Lambda(own, expr) = &value.at else { return value.clone() };
        if own.is_empty() && !self.p.has_reduce(*expr) {
            return value.clone();
        }
        let expr = &self.guarded(*expr, origin);
        let outer = self.dependencies(*expr);
        if outer.iter().any(|index| !index.liftable) {
            return value.clone();
        }
        let axes: Vec<AxisId> = outer.iter().map(|index| index.axis).chain(own.iter().copied()).collect();
        let tensor = self.stage(&axes, *expr, value.elem, name, origin);
        let prefix = outer.iter().map(|index| self.p.axis(index.axis, origin)).collect();
        Tv { at: At::Stored(tensor, prefix), ..value.clone() }
    }

    /// The expression where the current path is taken, zero elsewhere: a stage made inside a branch is computed for all
    /// indices, but what the branch's condition protects must not be evaluated outside it. Conditions that no index
    /// decides are the stage's guard instead.
    fn guarded(&mut self, expr: ExprId, origin: OriginId) -> ExprId {
        let varying: Vec<ExprId> = self.path.iter().copied().filter(|cond| !self.is_uniform(*cond)).collect();
        let Some(path) = varying.into_iter().reduce(|a, b| self.and(a, b, origin)) else { return expr };
        let ty = self.p.ty(expr);
        let zero = self.p.constant(crate::types::Const { ty, bits: 0 }, origin);
        self.p.select(path, expr, zero, origin)
    }

    /// Whether no index inside the current region decides a condition.
    pub(super) fn is_uniform(&self, cond: ExprId) -> bool {
        let free = self.p.free_axes(cond);
        free.iter().all(|axis| self.enclosing[..self.base].iter().any(|outer| outer.axis == *axis))
    }

    /// The conjunction of the conditions around the current expression that no index decides.
    pub(super) fn uniform_path(&mut self, origin: OriginId) -> Option<ExprId> {
        let uniform: Vec<ExprId> = self.path.iter().copied().filter(|cond| self.is_uniform(*cond)).collect();
        uniform.into_iter().reduce(|a, b| self.and(a, b, origin))
    }

    /// The conjunction of the conditions around the current expression.
    pub(super) fn path_condition(&mut self, origin: OriginId) -> Option<ExprId> {
        let path = self.path.clone();
        path.into_iter().reduce(|a, b| self.and(a, b, origin))
    }

    /// `a and b`, where `b` is evaluated only if `a` holds.
    pub(super) fn and(&mut self, a: ExprId, b: ExprId, origin: OriginId) -> ExprId {
        let no = self.p.constant(crate::types::Const::bool(false), origin);
        self.p.select(a, b, no, origin)
    }

    /// Adds a stage with one tensor.
    pub(super) fn stage(
        &mut self,
        axes: &[AxisId],
        expr: ExprId,
        elem: Scalar,
        name: &str,
        origin: OriginId,
    ) -> TensorId {
        let dims =
            axes.iter().map(|axis| self.p.axes[*axis].extent.clone().expect("stage axes have extents")).collect();
        let tensor = Tensor { name: name.to_string(), elem, dims, kind: TensorKind::Local };
        let tensor = self.p.tensors.add(tensor, origin);
        let guard = self.uniform_path(origin);
        self.p.body.stmts.push(Stmt::Stage(Stage {
            tensors: vec![tensor],
            axes: axes.to_vec(),
            body: StageBody::Map(vec![expr]),
            guard,
            binding: Binding::Call,
            origin,
        }));
        tensor
    }

    /// A pipeline's result: a tensor without prefix, written by a stage or alias (whoever lowers further copies parameters).
    pub(super) fn result(&mut self, value: &Tv, elem: Scalar, name: &str, origin: OriginId) -> TensorId {
        let own_stage = |l: &Self, t: TensorId| {
            matches!(l.p.tensors[t].kind, TensorKind::Local | TensorKind::Var) && l.p.tensors[t].elem == elem
        };
        match &value.at {
            At::Stored(tensor, prefix) if prefix.is_empty() && own_stage(self, *tensor) => {
                let taken = self.p.results.iter().any(|(_, other)| other == tensor);
                if !taken {
                    return *tensor;
                }
            }
            _ => {}
        }
        let value = value.clone();
        let copy = self.lambda(elem, &value.dims.clone(), origin, |l, index| l.element(&value, index, origin));
        let At::Lambda(axes, expr) = copy.at else { unreachable!("lambda gives a lambda") };
        self.stage(&axes, expr, elem, name, origin)
    }

    /// Closes a value over an index: the result has the index' axes first.
    pub(super) fn close(&mut self, outer: &[AxisId], value: &Tv, origin: OriginId) -> Tv {
        let mut dims: Vec<Size> =
            outer.iter().map(|axis| self.p.axes[*axis].extent.clone().expect("closed axes have extents")).collect();
        dims.extend(value.dims.iter().cloned());
        // A stage that has just these axes first is the closed value already.
        if let At::Stored(tensor, prefix) = &value.at
            && prefix.len() >= outer.len()
        {
            let split = prefix.len() - outer.len();
            let plain =
                prefix[split..].iter().zip(outer).all(|(index, axis)| self.p.exprs[*index] == Expr::Axis(*axis));
            let rest_free =
                prefix[..split].iter().all(|index| self.p.free_axes(*index).iter().all(|axis| !outer.contains(axis)));
            if plain && rest_free {
                return Tv::stored(value.elem, dims, *tensor, prefix[..split].to_vec());
            }
        }
        let own: Vec<AxisId> = value.dims.iter().map(|dim| self.axis("e", dim, origin)).collect();
        let index: Vec<ExprId> = own.iter().map(|axis| self.p.axis(*axis, origin)).collect();
        let expr = self.element(value, &index, origin);
        Tv { elem: value.elem, dims, at: At::Lambda(outer.iter().copied().chain(own).collect(), expr) }
    }
}
