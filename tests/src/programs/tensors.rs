//! Tensor expressions: comprehensions, scans, elementwise operations, views.

use super::frame::{Generator, Kind, Tensor};
use super::sizes::steps;
use super::tree::{self, BinaryOp, Border, Expr, ExprKind, IndexItem, ReduceOp, UnaryOp};
use kcc_compiler::size::Size;
use kcc_compiler::types::Scalar;

/// The type in which elements are computed with.
pub fn computed(elem: Scalar) -> Scalar {
    if elem == Scalar::F16 { Scalar::F32 } else { elem }
}

impl Generator {
    /// The extents that can be run over here.
    pub fn affordable(&self) -> Vec<Size> {
        self.frame.pool.iter().filter(|size| self.affords(self.sizes.greatest(size))).cloned().collect()
    }

    /// What is being written runs so many times more often.
    pub fn multiply_work(&mut self, times: i64) {
        self.frame.work = self.frame.work.saturating_mul(times.max(1) as u64);
        self.frame.most_work = self.frame.most_work.max(self.frame.work);
    }

    /// The greatest number of elements of this shape.
    pub fn elements(&self, dims: &[Size]) -> i64 {
        dims.iter().map(|dim| self.sizes.greatest(dim).max(1)).product()
    }

    /// Some tensor, of any type.
    pub fn tensor(&mut self, depth: usize) -> (Expr, Tensor) {
        match self.random.weighted(&[50, 14, 8, 6, 6]) {
            1 => self.attempt(|g| g.view(depth)),
            2 => self.attempt(|g| g.tensor_call(depth)),
            3 => self.attempt(|g| g.stepped(depth)),
            4 => self.attempt(|g| g.contraction(depth)),
            _ => None,
        }
        .unwrap_or_else(|| self.comprehension(depth))
    }

    fn comprehension(&mut self, depth: usize) -> (Expr, Tensor) {
        let elem = if self.random.percent(8) { Scalar::Bool } else { self.number() };
        let dims = self.shape();
        let value = self.tensor_of(elem, &dims, depth);
        if elem == Scalar::F32 && self.class(elem).is_none() && self.random.percent(10) {
            return (tree::call("f16", vec![value]), Tensor { elem: Scalar::F16, dims });
        }
        (value, Tensor { elem, dims })
    }

    /// A shape: often that of something in scope.
    pub fn shape(&mut self) -> Vec<Size> {
        let tensors = self.locals(|local| matches!(&local.kind, Kind::Value(t) if !t.dims.is_empty()));
        let shapes: Vec<Vec<Size>> = tensors
            .iter()
            .filter_map(|position| match &self.frame.locals[*position].kind {
                Kind::Value(t) if self.affords(self.elements(&t.dims)) => Some(t.dims.clone()),
                _ => None,
            })
            .collect();
        if !shapes.is_empty() && self.random.percent(55) {
            let mut dims = self.random.pick(&shapes);
            if self.random.percent(25) {
                dims.pop();
            }
            return dims;
        }
        let mut dims: Vec<Size> = Vec::new();
        for _ in 0..self.random.weighted(&[0, 10, 8, 3]) {
            let mut choice = self.affordable();
            choice.retain(|size| self.affords(self.elements(&dims) * self.sizes.greatest(size).max(1)));
            if choice.is_empty() {
                break;
            }
            dims.push(self.random.pick(&choice));
        }
        dims
    }

    /// A tensor of this type.
    pub fn tensor_of(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Expr {
        if dims.is_empty() {
            return self.scalar(elem, depth);
        }
        let same = self.locals(|local| matches!(&local.kind, Kind::Value(t) if t.elem == elem && t.dims == dims));
        if !same.is_empty() && (depth == 0 || self.random.percent(25)) {
            let position = self.random.pick(&same);
            return self.use_local(position);
        }
        if depth == 0 || !self.spend() {
            return self.for_of(elem, dims, 0);
        }
        let depth = depth - 1;
        let production = self.random.weighted(&[40, 14, 8, 5, 3, 4, 4, 3, 4, 4, 2]);
        let value = self.attempt(|g| match production {
            0 => None,
            1 => g.elementwise(elem, dims, depth),
            2 => g.elementwise_unary(elem, dims, depth),
            3 => g.tensor_condition(elem, dims, depth),
            4 => g.part(elem, dims),
            5 => g.transposed(elem, dims, depth),
            6 => g.reshaped(elem, dims, depth),
            7 => g.joined(elem, dims, depth),
            8 => g.scanned(elem, dims, depth),
            9 => g.row(elem, dims),
            _ => g.table(elem, dims),
        });
        value.unwrap_or_else(|| self.for_of(elem, dims, depth + 1))
    }

    /// `for i, j { … }` over all axes, or over some with a tensor as element.
    pub fn for_of(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Expr {
        let outer =
            if dims.len() > 1 && self.random.percent(15) { self.random.below(dims.len() - 1) + 1 } else { dims.len() };
        let (own, rest) = dims.split_at(outer);
        let rest = rest.to_vec();
        self.for_axes(own, |generator| {
            generator.block(depth, |g, depth| match rest.is_empty() {
                true => g.scalar(elem, depth.max(1)),
                false => g.tensor_of(elem, &rest, depth.saturating_sub(1)),
            })
        })
    }

    /// `for` over these extents.
    fn for_axes(&mut self, dims: &[Size], body: impl FnOnce(&mut Self) -> tree::Block) -> Expr {
        let scope = self.frame.locals.len();
        let before = self.frame.work;
        let opened = self.frame.open.len();
        let mut axes = Vec::new();
        for dim in dims {
            let name = self.fresh("j");
            // A shifted range has the same extent.
            let shift = if self.random.percent(8) { self.random.below(4) as i64 } else { 0 };
            let hi = dim.plus(&Size::constant(shift));
            let axis = tree::axis(&name, tree::int(i128::from(shift)), self.sizes.write(&hi), None);
            axes.push((axis, (shift == 0).then(|| dim.clone()), hi));
        }
        self.multiply_work(self.elements(dims));
        for (axis, _, hi) in &axes {
            self.bind(&axis.name.text, Kind::Index(Some(hi.clone())));
            self.open(&axis.name.text);
        }
        let body = body(self);
        let axes = self.close(opened, axes.into_iter().map(|(axis, whole, _)| (axis, whole)).collect());
        self.frame.work = before;
        self.frame.locals.truncate(scope);
        tree::expr(ExprKind::For { axes, body })
    }

    /// `for i in 0..n by 2 { … }`.
    fn stepped(&mut self, depth: usize) -> Option<(Expr, Tensor)> {
        let choice = self.affordable();
        if choice.is_empty() {
            return None;
        }
        let hi = self.random.pick(&choice);
        let step = self.random.below(3) as i64 + 2;
        let elem = self.number();
        let name = self.fresh("j");
        let axis = tree::axis(&name, tree::int(0), self.sizes.write(&hi), Some(tree::int(i128::from(step))));
        let body = self.scoped(|g| {
            g.bind(&name, Kind::Index(Some(hi.clone())));
            g.repeated(g.sizes.greatest(&hi), |g| g.block(depth, |g, depth| g.scalar(elem, depth)))
        });
        let dims = vec![steps(&hi, step)];
        Some((tree::expr(ExprKind::For { axes: vec![axis], body }), Tensor { elem, dims }))
    }

    /// A sum over a product of two loads.
    fn contraction(&mut self, depth: usize) -> Option<(Expr, Tensor)> {
        let is_wide =
            |elem: Scalar| matches!(elem, Scalar::F32 | Scalar::F64 | Scalar::I32 | Scalar::U32 | Scalar::I64);
        let matrices =
            self.locals(|local| matches!(&local.kind, Kind::Value(t) if is_wide(t.elem) && t.dims.len() == 2));
        if matrices.is_empty() {
            return None;
        }
        let position = self.random.pick(&matrices);
        let Kind::Value(left) = self.frame.locals[position].kind.clone() else { return None };
        let (rows, inner) = (left.dims[0].clone(), left.dims[1].clone());
        let choice: Vec<Size> = self
            .affordable()
            .into_iter()
            .filter(|size| self.affords(self.elements(&[rows.clone(), inner.clone(), size.clone()])))
            .collect();
        if choice.is_empty() {
            return None;
        }
        let columns = self.random.pick(&choice);
        let is_transposed = self.random.percent(50);
        let wanted = if is_transposed { [columns.clone(), inner.clone()] } else { [inner.clone(), columns.clone()] };
        let right = self.tensor_of(left.elem, &wanted, 0);
        let left_name = self.use_local(position);
        let right_name = self.fresh("b");
        let (i, j, k) = (self.fresh("j"), self.fresh("j"), self.fresh("k"));
        let at = |base: Expr, a: &str, b: &str| {
            let item = |name: &str| IndexItem::At(Border::None, tree::ident(name));
            tree::index(base, vec![item(a), item(b)], None)
        };
        let (p, q) = if is_transposed { (&j, &k) } else { (&k, &j) };
        let product = tree::binary(BinaryOp::Mul, at(left_name, &i, &k), at(tree::ident(&right_name), p, q));
        let plain = |name: &str| tree::Axis { name: tree::name(name), range: None };
        let body = tree::block(Vec::new(), product);
        let sum = tree::expr(ExprKind::Reduce { op: ReduceOp::Sum, scan: false, axes: vec![plain(&k)], body });
        let mut value = sum;
        if self.random.percent(40) {
            let epilogue = self.scalar(left.elem, depth.min(1));
            value = tree::binary(BinaryOp::Add, value, epilogue);
        }
        let axes = vec![plain(&i), plain(&j)];
        let product = tree::expr(ExprKind::For { axes, body: tree::block(Vec::new(), value) });
        let whole = tree::block(vec![tree::let_(&right_name, right)], product);
        Some((tree::expr(ExprKind::Block(whole)), Tensor { elem: left.elem, dims: vec![rows, columns] }))
    }

    fn elementwise(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Option<Expr> {
        let (op, operands) = self.binary_op(elem);
        let left = self.tensor_of(operands, dims, depth);
        if op.divides() && operands.is_int() {
            return Some(op.on(left, tree::int(self.random.below(5) as i128 + 1)));
        }
        let right = match self.random.below(6) {
            // An operand with fewer axes is shared.
            0 | 1 => self.scalar(operands, depth.min(1)),
            2 if dims.len() > 1 => self.tensor_of(operands, &dims[1..], depth.min(1)),
            // So is an axis of literal extent 1.
            3 if dims.len() > 1 => {
                let mut narrow = dims.to_vec();
                let axis = self.random.below(dims.len());
                narrow[axis] = Size::constant(1);
                self.tensor_of(operands, &narrow, depth.min(1))
            }
            4 if operands != Scalar::Bool => self.literal(operands),
            _ => self.tensor_of(operands, dims, depth.min(1)),
        };
        Some(if self.random.percent(25) { op.on(right, left) } else { op.on(left, right) })
    }

    fn elementwise_unary(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Option<Expr> {
        if elem == Scalar::Bool {
            return Some(tree::unary(UnaryOp::Not, self.tensor_of(elem, dims, depth)));
        }
        match self.random.below(4) {
            0 => {
                let from = self.number();
                let value = self.tensor_of(from, dims, depth);
                Some(tree::call(self.elem_name(elem), vec![value]))
            }
            1 => Some(tree::unary(UnaryOp::Neg, self.tensor_of(elem, dims, depth))),
            2 if elem.is_float() && self.class(elem).is_none_or(|class| class == super::frame::Class::Float) => {
                let name = self.random.pick(&["sqrt", "floor", "abs", "round", "trunc"]);
                Some(tree::call(name, vec![self.tensor_of(elem, dims, depth)]))
            }
            _ => {
                let halves = self
                    .locals(|local| matches!(&local.kind, Kind::Value(t) if t.elem == Scalar::F16 && t.dims == dims));
                if elem != Scalar::F32 || halves.is_empty() || self.class(elem).is_some() {
                    return Some(tree::call("abs", vec![self.tensor_of(elem, dims, depth)]));
                }
                let position = self.random.pick(&halves);
                let half = self.use_local(position);
                Some(tree::binary(BinaryOp::Add, half, self.scalar(elem, 1)))
            }
        }
    }

    fn tensor_condition(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Option<Expr> {
        let cond = self.scalar(Scalar::Bool, depth.min(1));
        let then = self.conditional(|g| g.tensor_of(elem, dims, depth));
        let otherwise = self.conditional(|g| g.tensor_of(elem, dims, depth.min(1)));
        Some(tree::if_(cond, tree::block(Vec::new(), then), tree::block(Vec::new(), otherwise)))
    }

    fn scanned(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Option<Expr> {
        let (outer, [dim]) = dims.split_at(dims.len() - 1) else { return None };
        let wide = self.class(elem).is_some() || elem.is_float() || (elem.is_int() && elem.bits() >= 32);
        if elem == Scalar::Bool {
            return None;
        }
        let op = if wide {
            self.random.pick(&[ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max, ReduceOp::Min])
        } else {
            self.random.pick(&[ReduceOp::Max, ReduceOp::Min])
        };
        let dim = dim.clone();
        let scan = move |generator: &mut Self| {
            // A scan is a comprehension whose elements are folded.
            match generator.for_axes(&[dim], |g| g.block(depth, |g, depth| g.scalar(elem, depth.max(1)))).kind {
                ExprKind::For { axes, body } => tree::expr(ExprKind::Reduce { op, scan: true, axes, body }),
                _ => unreachable!("a comprehension was written"),
            }
        };
        Some(match outer.is_empty() {
            true => scan(self),
            false => self.for_axes(outer, |generator| tree::block(Vec::new(), scan(generator))),
        })
    }
}
