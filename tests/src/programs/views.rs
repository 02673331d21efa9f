//! Views and joins: slices, rows, transposition, reshaping, `concat`, `stack`, tables.

use super::frame::{Generator, Kind, Tensor};
use super::tree::{self, Expr, ExprKind, IndexItem};
use kcc_compiler::size::Size;
use kcc_compiler::types::Scalar;

impl Generator {
    /// A view of something in scope.
    pub fn view(&mut self, depth: usize) -> Option<(Expr, Tensor)> {
        let tensors = self.locals(|local| matches!(&local.kind, Kind::Value(t) if !t.dims.is_empty()));
        if tensors.is_empty() {
            return None;
        }
        let position = self.random.pick(&tensors);
        let Kind::Value(Tensor { elem, dims }) = self.frame.locals[position].kind.clone() else { return None };
        match self.random.below(5) {
            0 => {
                let (items, dims) = self.slices(&dims);
                let base = self.use_local(position);
                Some((tree::index(base, items, None), Tensor { elem, dims }))
            }
            1 => {
                let order = self.order(dims.len());
                let dims = order.iter().map(|axis| dims[*axis].clone()).collect();
                let base = self.use_local(position);
                Some((transposition(base, &order), Tensor { elem, dims }))
            }
            2 => {
                let base = self.use_local(position);
                let dims = vec![Size::product(&dims)];
                Some((tree::call("flatten", vec![base]), Tensor { elem, dims }))
            }
            3 if self.affords(2 * self.elements(&dims)) => {
                let axis = self.random.below(dims.len());
                let mut other = dims.clone();
                let pool = self.affordable();
                if !pool.is_empty() && self.random.percent(50) {
                    other[axis] = self.random.pick(&pool);
                }
                if !self.affords(self.elements(&other)) || elem == Scalar::F16 {
                    return None;
                }
                let second = self.tensor_of(elem, &other, depth.min(1));
                let base = self.use_local(position);
                let mut joined = dims;
                joined[axis] = joined[axis].plus(&other[axis]);
                Some((join("concat", vec![base, second], axis), Tensor { elem, dims: joined }))
            }
            _ if self.affords(2 * self.elements(&dims)) && elem != Scalar::F16 && dims.len() < 3 => {
                let second = self.tensor_of(elem, &dims, depth.min(1));
                let base = self.use_local(position);
                let axis = self.random.below(dims.len() + 1);
                let mut stacked = dims;
                stacked.insert(axis, Size::constant(2));
                Some((join("stack", vec![base, second], axis), Tensor { elem, dims: stacked }))
            }
            _ => None,
        }
    }

    /// Slices of some axes, and the shape that is left.
    fn slices(&mut self, dims: &[Size]) -> (Vec<IndexItem>, Vec<Size>) {
        let mut items = Vec::new();
        let mut left = Vec::new();
        for dim in dims {
            let sure = self.sizes.sure(dim);
            let end = |size: Size, generator: &Self| Some(generator.sizes.write(&size));
            if sure < 1 || self.random.percent(30) {
                items.push(IndexItem::Slice(None, None, tree::BLANK));
                left.push(dim.clone());
                continue;
            }
            let first = self.random.below(sure.min(3) as usize + 1) as i64;
            let constant = |value: i64| Some(tree::int(i128::from(value)));
            match self.random.below(4) {
                0 => {
                    items.push(IndexItem::Slice(constant(first), None, tree::BLANK));
                    left.push(dim.minus(&Size::constant(first)));
                }
                1 if first > 0 => {
                    items.push(IndexItem::Slice(None, constant(-first), tree::BLANK));
                    left.push(dim.minus(&Size::constant(first)));
                }
                2 => {
                    let hi = first + self.random.below((sure - first) as usize + 1) as i64;
                    items.push(IndexItem::Slice(constant(first), constant(hi), tree::BLANK));
                    left.push(Size::constant(hi - first));
                }
                _ => {
                    let hi = dim.minus(&Size::constant(sure - first));
                    items.push(IndexItem::Slice(None, end(hi.clone(), self), tree::BLANK));
                    left.push(hi);
                }
            }
        }
        (items, left)
    }

    fn order(&mut self, rank: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..rank).collect();
        for axis in (1..rank).rev() {
            order.swap(axis, self.random.below(axis + 1));
        }
        order
    }

    /// A part of something larger, with this type.
    pub fn part(&mut self, elem: Scalar, dims: &[Size]) -> Option<Expr> {
        let fits = |generator: &Self, t: &Tensor| {
            t.elem == elem
                && t.dims.len() == dims.len()
                && t.dims.iter().zip(dims).all(|(whole, own)| generator.sizes.sure(&whole.minus(own)) >= 0)
        };
        let larger: Vec<usize> = (0..self.frame.locals.len())
            .filter(|position| matches!(&self.frame.locals[*position].kind, Kind::Value(t) if fits(self, t)))
            .collect();
        if larger.is_empty() {
            return None;
        }
        let position = self.random.pick(&larger);
        let Kind::Value(whole) = self.frame.locals[position].kind.clone() else { return None };
        let items = whole
            .dims
            .iter()
            .zip(dims)
            .map(|(whole, own)| {
                let slack = self.sizes.sure(&whole.minus(own));
                let first = self.random.below(slack.min(3) as usize + 1) as i64;
                let hi = own.plus(&Size::constant(first));
                IndexItem::Slice(Some(tree::int(i128::from(first))), Some(self.sizes.write(&hi)), tree::BLANK)
            })
            .collect();
        let base = self.use_local(position);
        Some(tree::index(base, items, None))
    }

    pub fn transposed(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Option<Expr> {
        if dims.len() < 2 {
            return None;
        }
        let order = self.order(dims.len());
        let mut from = dims.to_vec();
        for (to, axis) in order.iter().enumerate() {
            from[*axis] = dims[to].clone();
        }
        let value = self.tensor_of(elem, &from, depth);
        Some(transposition(value, &order))
    }

    pub fn reshaped(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Option<Expr> {
        let product = Size::product(dims);
        let flat = match dims {
            [_, _, ..] => vec![product],
            // A row of two halves.
            [dim] => {
                let half = dim.div(&Size::constant(2));
                if half.times_const(2) != *dim {
                    return None;
                }
                if self.random.percent(50) { vec![Size::constant(2), half] } else { vec![half, Size::constant(2)] }
            }
            [] => return None,
        };
        let value = self.tensor_of(elem, &flat, depth);
        if dims.len() == 1 && self.random.percent(50) {
            return Some(tree::call("flatten", vec![value]));
        }
        let mut args = vec![value];
        args.extend(dims.iter().map(|dim| self.sizes.write(dim)));
        Some(tree::call("reshape", args))
    }

    pub fn joined(&mut self, elem: Scalar, dims: &[Size], depth: usize) -> Option<Expr> {
        let axis = self.random.below(dims.len());
        let count = dims[axis].as_const();
        if let Some(count @ 1..=3) = count
            && self.random.percent(50)
        {
            let mut own = dims.to_vec();
            own.remove(axis);
            let parts = (0..count).map(|_| self.tensor_of(elem, &own, depth.min(1))).collect();
            return Some(join("stack", parts, axis));
        }
        let sure = self.sizes.sure(&dims[axis]);
        if sure < 1 {
            return None;
        }
        let first = self.random.below(sure.min(4) as usize) as i64 + 1;
        let mut parts = Vec::new();
        for extent in [Size::constant(first), dims[axis].minus(&Size::constant(first))] {
            let mut own = dims.to_vec();
            own[axis] = extent;
            parts.push(self.tensor_of(elem, &own, depth.min(1)));
        }
        if self.random.percent(50) {
            parts.swap(0, 1);
        }
        Some(join("concat", parts, axis))
    }

    /// `x[i]` of something with more axes.
    pub fn row(&mut self, elem: Scalar, dims: &[Size]) -> Option<Expr> {
        let rows = self.locals(|local| {
            matches!(&local.kind, Kind::Value(t)
                if t.elem == elem && t.dims.len() > dims.len() && t.dims.ends_with(dims))
        });
        if rows.is_empty() {
            return None;
        }
        let position = self.random.pick(&rows);
        let Kind::Value(tensor) = self.frame.locals[position].kind.clone() else { return None };
        let count = tensor.dims.len() - dims.len();
        Some(self.element(position, &tensor, count, 1))
    }

    /// A literal table.
    pub fn table(&mut self, elem: Scalar, dims: &[Size]) -> Option<Expr> {
        let extents: Option<Vec<i64>> = dims.iter().map(Size::as_const).collect();
        let extents = extents.filter(|extents| !extents.contains(&0) && extents.iter().product::<i64>() <= 24)?;
        if self.class(elem).is_some() {
            return None;
        }
        let table = self.literal_table(elem, &extents);
        Some(if elem == Scalar::Bool { table } else { tree::call(elem.name(), vec![table]) })
    }

    /// A table of literals whose type something else decides.
    pub fn literal_table(&mut self, elem: Scalar, extents: &[i64]) -> Expr {
        match extents.split_first() {
            None => self.literal(elem),
            Some((count, rest)) => {
                let elements = (0..*count).map(|_| self.literal_table(elem, rest)).collect();
                tree::expr(ExprKind::Array(elements))
            }
        }
    }
}

fn transposition(value: Expr, order: &[usize]) -> Expr {
    let mut args = vec![value];
    let reversed = order.iter().rev().enumerate().all(|(at, axis)| at == *axis);
    if !reversed {
        args.extend(order.iter().map(|axis| tree::int(*axis as i128)));
    }
    tree::call("transpose", args)
}

fn join(callee: &str, parts: Vec<Expr>, axis: usize) -> Expr {
    let mut args: Vec<tree::Arg> = parts.into_iter().map(tree::arg).collect();
    if axis > 0 {
        args.push(tree::named("axis", tree::int(axis as i128)));
    }
    tree::call_args(callee, args)
}
