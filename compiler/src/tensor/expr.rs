//! Building expressions: small constructors that fold constants and size arithmetic, substitution of axes,
//! and the set of axes an expression depends on.
//!
//! Folding is what every later pass relies on to see plain indices (`y + 16` instead of `(y + 0) * 1 + 16`);
//! it never changes a value, and never folds a division by zero.

use super::{AxisId, Expr, ExprId, Pipeline, Reduce, ReduceAxis, TensorId};
use crate::ops::{Op, eval};
use crate::origin::OriginId;
use crate::size::{DimExpr, Size};
use crate::types::{Const, Scalar};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers beyond this are no sizes.
const FAR: u64 = 1 << 24;

/// Whether arithmetic with this number is rather meant to wrap, as a hash does, than to be a size: the plan refuses sizes
/// that wrap.
fn is_far(size: &Size) -> bool {
    size.as_const().is_some_and(|value| value.unsigned_abs() > FAR)
}

impl Pipeline {
    /// A constant.
    pub fn constant(&mut self, value: Const, origin: OriginId) -> ExprId {
        self.expr(Expr::Const(value), value.ty, origin)
    }

    /// An `i32` constant or size.
    pub fn size(&mut self, size: &Size, origin: OriginId) -> ExprId {
        match size.as_const().and_then(|value| i32::try_from(value).ok()) {
            Some(value) => self.constant(Const::i32(value), origin),
            None => self.expr(Expr::Size(size.clone()), Scalar::I32, origin),
        }
    }

    /// An axis' value.
    pub fn axis(&mut self, axis: AxisId, origin: OriginId) -> ExprId {
        self.expr(Expr::Axis(axis), Scalar::I32, origin)
    }

    /// The expression as a size, if it is a constant or a size.
    pub fn as_size(&self, id: ExprId) -> Option<Size> {
        match &self.exprs[id] {
            Expr::Size(size) => Some(size.clone()),
            Expr::Const(value) if value.ty == Scalar::I32 => Some(Size::constant(value.as_int() as i64)),
            _ => None,
        }
    }

    /// The constant, if it is one.
    pub fn as_const(&self, id: ExprId) -> Option<Const> {
        match &self.exprs[id] {
            Expr::Const(value) => Some(*value),
            _ => None,
        }
    }

    fn is_int(&self, id: ExprId, value: i128) -> bool {
        self.as_const(id).is_some_and(|c| c.ty.is_int() && c.as_int() == value)
    }

    fn is_one(&self, id: ExprId) -> bool {
        self.as_const(id).is_some_and(|c| c == Const::f32(1.0) || c == Const::f64(1.0))
    }

    /// An operation, folded where that is possible.
    pub fn op(&mut self, op: Op, args: &[ExprId], origin: OriginId) -> ExprId {
        let ty = self.ty(args[0]);
        if let Some(values) = args.iter().map(|arg| self.as_const(*arg)).collect::<Option<Vec<_>>>()
            && !(op.divides(ty) && values[1].as_int() == 0)
        {
            return self.constant(eval::apply(op, &values), origin);
        }
        if let [a, b] = *args {
            if ty == Scalar::I32
                && let (Some(left), Some(right)) = (self.as_size(a), self.as_size(b))
                && !is_far(&left)
                && !is_far(&right)
            {
                let folded = match op {
                    Op::Add => Some(left.plus(&right)),
                    Op::Sub => Some(left.minus(&right)),
                    Op::Mul => Some(left.times(&right)),
                    Op::Min => Some(left.smaller(&right)),
                    Op::Max => Some(left.larger(&right)),
                    Op::Div if right.as_const().is_some_and(|c| c > 0) => Some(left.div(&right)),
                    Op::Rem if right.as_const().is_some_and(|c| c > 0) => Some(left.rem(&right)),
                    _ => None,
                };
                if let Some(size) = folded {
                    return self.size(&size, origin);
                }
            }
            match op {
                Op::Add if self.is_int(a, 0) => return b,
                Op::Add | Op::Sub | Op::Shl | Op::Shr if self.is_int(b, 0) => return a,
                // Exact for every float, too.
                Op::Mul if self.is_one(a) => return b,
                Op::Mul | Op::Div if self.is_one(b) => return a,
                Op::Mul if self.is_int(a, 1) => return b,
                Op::Mul | Op::Div if self.is_int(b, 1) => return a,
                // (x + c) + d = x + (c + d), so that chains of crops and slices stay one addition.
                Op::Add if ty == Scalar::I32 && self.as_size(b).is_some() => {
                    if let Expr::Op(Op::Add, inner) = &self.exprs[a]
                        && let (x, c) = (inner[0], inner[1])
                        && self.as_size(c).is_some()
                    {
                        let sum = self.op(Op::Add, &[c, b], origin);
                        return self.op(Op::Add, &[x, sum], origin);
                    }
                }
                Op::And if self.as_const(a) == Some(Const::bool(true)) => return b,
                Op::And if self.as_const(b) == Some(Const::bool(true)) => return a,
                Op::And if self.as_const(a) == Some(Const::bool(false)) => return a,
                Op::And if self.as_const(b) == Some(Const::bool(false)) => return b,
                Op::Or if self.as_const(a) == Some(Const::bool(false)) => return b,
                Op::Or if self.as_const(b) == Some(Const::bool(false)) => return a,
                Op::Or if self.as_const(a) == Some(Const::bool(true)) => return a,
                Op::Or if self.as_const(b) == Some(Const::bool(true)) => return b,
                _ => {}
            }
        }
        let result = op.result(ty).expect("the front end checked operand types");
        self.expr(Expr::Op(op, args.to_vec()), result, origin)
    }

    /// A cast, folded where that is possible.
    pub fn cast(&mut self, to: Scalar, arg: ExprId, origin: OriginId) -> ExprId {
        if self.ty(arg) == to {
            return arg;
        }
        match self.as_const(arg) {
            Some(value) => self.constant(eval::cast(to, value), origin),
            None => self.expr(Expr::Cast(arg), to, origin),
        }
    }

    /// A selection, folded where that is possible.
    pub fn select(&mut self, cond: ExprId, then: ExprId, otherwise: ExprId, origin: OriginId) -> ExprId {
        match self.as_const(cond) {
            Some(value) if value.bits != 0 => then,
            Some(_) => otherwise,
            None if then == otherwise => then,
            None => {
                let ty = self.ty(then);
                self.expr(Expr::Select(cond, then, otherwise), ty, origin)
            }
        }
    }

    /// The ids directly inside an expression.
    pub fn children(&self, id: ExprId) -> Vec<ExprId> {
        match &self.exprs[id] {
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) => Vec::new(),
            Expr::Op(_, args) | Expr::Load(_, args) => args.clone(),
            Expr::Cast(arg) => vec![*arg],
            Expr::Select(c, a, b) => vec![*c, *a, *b],
            Expr::Reduce(reduce) => {
                reduce.axes.iter().flat_map(|axis| [axis.lo, axis.hi]).chain([reduce.body]).collect()
            }
        }
    }

    /// The axes that the expression depends on and does not bind itself.
    pub fn free_axes(&self, id: ExprId) -> BTreeSet<AxisId> {
        fn walk(p: &Pipeline, id: ExprId, seen: &mut BTreeMap<ExprId, BTreeSet<AxisId>>) -> BTreeSet<AxisId> {
            if let Some(known) = seen.get(&id) {
                return known.clone();
            }
            let mut free: BTreeSet<AxisId> = BTreeSet::new();
            for child in p.children(id) {
                free.extend(walk(p, child, seen));
            }
            match &p.exprs[id] {
                Expr::Axis(axis) => {
                    free.insert(*axis);
                }
                // Bounds may use outer and earlier axes only, so removing all bound ones is right.
                Expr::Reduce(reduce) => reduce.axes.iter().for_each(|axis| {
                    free.remove(&axis.axis);
                }),
                _ => {}
            }
            seen.insert(id, free.clone());
            free
        }
        walk(self, id, &mut BTreeMap::new())
    }

    /// Whether two expressions are the same, up to sharing; `false` for what is too large to compare.
    pub fn same(&self, a: ExprId, b: ExprId) -> bool {
        self.same_within(a, b, 12)
    }

    fn same_within(&self, a: ExprId, b: ExprId, depth: usize) -> bool {
        if a == b {
            return true;
        }
        // Indices are small; large graphs are shared already, and walking them as trees would take for ever.
        if depth == 0 {
            return false;
        }
        let same_all = |a: &[ExprId], b: &[ExprId]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_within(*a, *b, depth - 1))
        };
        match (&self.exprs[a], &self.exprs[b]) {
            (Expr::Op(f, a), Expr::Op(g, b)) => f == g && same_all(a, b),
            (Expr::Load(t, a), Expr::Load(u, b)) => t == u && same_all(a, b),
            (Expr::Cast(x), Expr::Cast(y)) => self.ty(a) == self.ty(b) && self.same_within(*x, *y, depth - 1),
            (Expr::Select(c, x, y), Expr::Select(d, v, w)) => {
                self.same_within(*c, *d, depth - 1)
                    && self.same_within(*x, *v, depth - 1)
                    && self.same_within(*y, *w, depth - 1)
            }
            (x, y) => x == y,
        }
    }

    /// Whether every load of a tensor in an expression is at this index.
    pub fn loads_only_at(&self, id: ExprId, tensor: TensorId, index: &[ExprId]) -> bool {
        let mut holds = true;
        self.visit(&[id], &mut |_, expr| {
            if let Expr::Load(own, at) = expr
                && *own == tensor
            {
                holds &= at.len() == index.len() && at.iter().zip(index).all(|(a, b)| self.same(*a, *b));
            }
        });
        holds
    }

    /// Whether the expression contains a reduction.
    pub fn has_reduce(&self, id: ExprId) -> bool {
        let mut found = false;
        self.visit(&[id], &mut |_, expr| found |= matches!(expr, Expr::Reduce(_)));
        found
    }

    /// Calls `f` once with each expression reachable from `roots`, users before what they use.
    pub fn visit(&self, roots: &[ExprId], f: &mut impl FnMut(ExprId, &Expr)) {
        let mut seen = BTreeSet::new();
        let mut open: Vec<ExprId> = roots.to_vec();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                f(id, &self.exprs[id]);
                open.extend(self.children(id));
            }
        }
    }

    /// A copy of the expression with loads and axes replaced; parts that do not change are shared.
    /// `replace` is asked for each node after its children were rewritten, with the rewritten node.
    /// Reductions get fresh axes when anything inside them changed, so no axis is ever bound twice around one use.
    pub fn rewrite(
        &mut self,
        id: ExprId,
        replace: &mut dyn FnMut(&mut Pipeline, &Expr, OriginId) -> Option<ExprId>,
    ) -> ExprId {
        let mut done = BTreeMap::new();
        self.rewrite_memo(id, replace, &mut done)
    }

    fn rewrite_memo(
        &mut self,
        id: ExprId,
        replace: &mut dyn FnMut(&mut Pipeline, &Expr, OriginId) -> Option<ExprId>,
        done: &mut BTreeMap<ExprId, ExprId>,
    ) -> ExprId {
        if let Some(known) = done.get(&id) {
            return *known;
        }
        let origin = self.exprs.origin(id);
        let node = self.exprs[id].clone();
        let mut go =
            |p: &mut Pipeline, child: ExprId, done: &mut BTreeMap<ExprId, ExprId>| p.rewrite_memo(child, replace, done);
        let result = match &node {
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) => None,
            Expr::Op(op, args) => {
                let new: Vec<ExprId> = args.iter().map(|arg| go(self, *arg, done)).collect();
                (new != *args).then(|| self.op(*op, &new, origin))
            }
            Expr::Load(tensor, args) => {
                let new: Vec<ExprId> = args.iter().map(|arg| go(self, *arg, done)).collect();
                let ty = self.ty(id);
                (new != *args).then(|| self.expr(Expr::Load(*tensor, new), ty, origin))
            }
            Expr::Cast(arg) => {
                let new = go(self, *arg, done);
                let ty = self.ty(id);
                (new != *arg).then(|| self.cast(ty, new, origin))
            }
            Expr::Select(c, a, b) => {
                let new = (go(self, *c, done), go(self, *a, done), go(self, *b, done));
                (new != (*c, *a, *b)).then(|| self.select(new.0, new.1, new.2, origin))
            }
            Expr::Reduce(reduce) => {
                let bounds: Vec<(ExprId, ExprId)> =
                    reduce.axes.iter().map(|axis| (go(self, axis.lo, done), go(self, axis.hi, done))).collect();
                let body = go(self, reduce.body, done);
                let same = body == reduce.body
                    && reduce.axes.iter().zip(&bounds).all(|(axis, new)| (axis.lo, axis.hi) == *new);
                (!same).then(|| {
                    let axes = reduce
                        .axes
                        .iter()
                        .zip(bounds)
                        .map(|(axis, (lo, hi))| ReduceAxis { lo, hi, ..axis.clone() })
                        .collect();
                    let ty = self.ty(id);
                    let copy = Reduce { axes, body, ..reduce.clone() };
                    self.refresh(copy, ty, origin)
                })
            }
        };
        let rewritten = result.unwrap_or(id);
        let node = self.exprs[rewritten].clone();
        let result = replace(self, &node, origin).unwrap_or(rewritten);
        done.insert(id, result);
        result
    }

    /// Adds a reduction whose axes are renamed apart.
    fn refresh(&mut self, reduce: Reduce, ty: Scalar, origin: OriginId) -> ExprId {
        let mut map = BTreeMap::new();
        let mut axes = Vec::new();
        for axis in &reduce.axes {
            let fresh = self.axes.add(self.axes[axis.axis].clone(), self.axes.origin(axis.axis));
            let value = self.axis(fresh, origin);
            let (lo, hi) = (self.rename(axis.lo, &map), self.rename(axis.hi, &map));
            map.insert(axis.axis, value);
            axes.push(ReduceAxis { axis: fresh, lo, hi, step: axis.step.clone() });
        }
        let body = self.rename(reduce.body, &map);
        self.expr(Expr::Reduce(Reduce { axes, body, ..reduce }), ty, origin)
    }

    fn rename(&mut self, id: ExprId, map: &BTreeMap<AxisId, ExprId>) -> ExprId {
        if map.is_empty() {
            return id;
        }
        self.rewrite(id, &mut |_, expr, _| match expr {
            Expr::Axis(axis) => map.get(axis).copied(),
            _ => None,
        })
    }

    /// Replaces axes by expressions.
    pub fn substitute(&mut self, id: ExprId, axes: &[AxisId], values: &[ExprId]) -> ExprId {
        let same = |p: &Pipeline, axis: AxisId, value: ExprId| p.exprs[value] == Expr::Axis(axis);
        let map: BTreeMap<AxisId, ExprId> = axes
            .iter()
            .copied()
            .zip(values.iter().copied())
            .filter(|(axis, value)| !same(self, *axis, *value))
            .collect();
        self.rename(id, &map)
    }

    /// The expression as a `dim` expression, if it is made of sizes, constants and scalars that `plan` gets.
    pub fn as_dim(&self, id: ExprId) -> Option<DimExpr> {
        Some(match &self.exprs[id] {
            Expr::Const(value) => DimExpr::Const(*value),
            Expr::Size(size) => match size.as_atom() {
                Some(crate::size::Atom::Dim(inner)) => (**inner).clone(),
                _ => DimExpr::Size(size.clone()),
            },
            Expr::Op(op, args) => {
                DimExpr::Op(*op, args.iter().map(|arg| self.as_dim(*arg)).collect::<Option<_>>()?).fold()
            }
            Expr::Cast(arg) => DimExpr::Cast(self.ty(id), Box::new(self.as_dim(*arg)?)).fold(),
            Expr::Select(c, a, b) => {
                DimExpr::Select(Box::new([self.as_dim(*c)?, self.as_dim(*a)?, self.as_dim(*b)?])).fold()
            }
            Expr::Load(tensor, index) if index.is_empty() => {
                let (var, _) = self.plan_scalars.iter().find(|(_, param)| param == tensor)?;
                DimExpr::Scalar(*var, self.ty(id))
            }
            Expr::Axis(_) | Expr::Load(..) | Expr::Reduce(_) => return None,
        })
    }
    /// The constant factor by which an `i32` expression grows with an axis, if it is affine in it (0 if it does not depend on it).
    pub fn affine_coefficient(&self, id: ExprId, axis: AxisId) -> Option<i64> {
        if !self.free_axes(id).contains(&axis) {
            return Some(0);
        }
        match &self.exprs[id] {
            Expr::Axis(_) => Some(1),
            Expr::Op(op, args) if args.len() == 2 && self.ty(id) == Scalar::I32 => {
                let (a, b) = (self.affine_coefficient(args[0], axis)?, self.affine_coefficient(args[1], axis)?);
                match op {
                    Op::Add => a.checked_add(b),
                    Op::Sub => a.checked_sub(b),
                    Op::Mul => {
                        let constant = |id| self.as_const(id).map(|value| value.as_int() as i64);
                        match (constant(args[0]), constant(args[1])) {
                            (Some(factor), _) => b.checked_mul(factor),
                            (_, Some(factor)) => a.checked_mul(factor),
                            _ => None,
                        }
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
