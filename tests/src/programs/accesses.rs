//! Accesses of tensors: elements, parts, and every form of border; and the indices whose range may be inferred from them.

use super::frame::{Generator, Kind, Open, Tensor};
use super::tree::{self, BinaryOp, Border, Expr, IndexItem};
use kcc_compiler::size::Size;
use kcc_compiler::types::Scalar;

impl Generator {
    /// The element of the tensor in this local, as a number (halves are widened).
    pub fn access(&mut self, position: usize, depth: usize) -> Expr {
        let Kind::Value(tensor) = self.frame.locals[position].kind.clone() else {
            unreachable!("only tensors come here")
        };
        let element = self.element(position, &tensor, tensor.dims.len(), depth);
        if tensor.elem == Scalar::F16 { tree::call("f32", vec![element]) } else { element }
    }

    /// `x[i, j]` with so many indices.
    pub fn element(&mut self, position: usize, tensor: &Tensor, count: usize, depth: usize) -> Expr {
        let is_guarded = self.random.percent(10) || (0..count).any(|axis| !self.reachable(&tensor.dims[axis]));
        let mut items = Vec::new();
        for axis in 0..count {
            items.push(if is_guarded { self.any_position(depth) } else { self.position(&tensor.dims[axis], depth) });
        }
        let base = self.use_local(position);
        let default = (is_guarded && count > 0).then(|| {
            let elem = tensor.elem;
            if elem == Scalar::F16 || depth == 0 || self.random.percent(70) {
                return self.literal(elem);
            }
            self.conditional(|generator| generator.scalar(elem, depth - 1))
        });
        if items.is_empty() {
            return base;
        }
        // `x[i][j]` is `x[i, j]`.
        if items.len() > 1 && default.is_none() && self.random.percent(5) {
            let rest = items.split_off(1);
            return tree::index(tree::index(base, items, None), rest, None);
        }
        tree::index(base, items, default)
    }

    /// Whether some index is known to lie in the axis.
    fn reachable(&self, extent: &Size) -> bool {
        self.sizes.sure(extent) >= 1
            || self.frame.locals.iter().any(|local| matches!(&local.kind, Kind::Index(Some(below)) if below == extent))
    }

    /// Indices that stay below this extent, with what may be added to them.
    fn fitting(&self, extent: &Size) -> Vec<(usize, i64)> {
        let locals = self.frame.locals.iter().enumerate();
        locals
            .filter_map(|(position, local)| match &local.kind {
                Kind::Index(Some(below)) => {
                    let slack = self.sizes.sure(&extent.minus(below));
                    (slack >= 0).then_some((position, slack))
                }
                _ => None,
            })
            .collect()
    }

    /// An index of an axis, inside or with a border; seldom one that may be outside.
    fn position(&mut self, extent: &Size, depth: usize) -> IndexItem {
        let exact: Vec<usize> = self
            .fitting(extent)
            .into_iter()
            .map(|(position, _)| position)
            .filter(
                |position| matches!(&self.frame.locals[*position].kind, Kind::Index(Some(below)) if below == extent),
            )
            .collect();
        let loose = self.fitting(extent);
        let sure = self.sizes.sure(extent);
        let if_some = |weight: usize, holds: bool| if holds { weight } else { 0 };
        let plain = |e| IndexItem::At(Border::None, e);
        let may_fail = !self.frame.is_total && self.random.below(1000) < 4;
        let indices = self.locals(|local| matches!(&local.kind, Kind::Index(_)));
        if may_fail && !indices.is_empty() {
            // Not by a constant alone: that would be an error of the compiler.
            let position = self.random.pick(&indices);
            let index = self.use_local(position);
            let far = tree::int(self.random.below(4) as i128 + 1);
            let op = self.random.pick(&[BinaryOp::Add, BinaryOp::Sub]);
            return plain(tree::binary(op, index, far));
        }
        match self.random.weighted(&[
            if_some(24, !exact.is_empty()),
            if_some(4, !loose.is_empty()),
            if_some(3, sure >= 1),
            if_some(2, !exact.is_empty()),
            if_some(5, sure >= 1),
            if_some(4, sure >= 1),
            1,
        ]) {
            0 => {
                let position = self.random.pick(&exact);
                plain(self.bare_index(position, extent))
            }
            1 => {
                let (position, slack) = self.random.pick(&loose);
                let offset = self.random.below(slack.min(3) as usize + 1) as i128;
                if offset == 0 {
                    return plain(self.bare_index(position, extent));
                }
                let index = self.use_local(position);
                plain(tree::binary(BinaryOp::Add, index, tree::int(offset)))
            }
            2 => {
                let at = self.random.below(sure.min(5) as usize) as i128;
                plain(tree::int(if self.random.percent(30) { -1 - at } else { at }))
            }
            3 => {
                let position = self.random.pick(&exact);
                let last = self.sizes.write(&extent.minus(&Size::constant(1)));
                let index = self.use_local(position);
                plain(tree::binary(BinaryOp::Sub, last, index))
            }
            4 => {
                let border = self.random.pick(&[Border::Clamp, Border::Wrap, Border::Reflect]);
                IndexItem::At(border, self.offset_index(depth))
            }
            5 => plain(self.computed_index(extent, sure, depth)),
            _ if !exact.is_empty() => {
                let position = self.random.pick(&exact);
                plain(self.bare_index(position, extent))
            }
            _ => IndexItem::At(Border::Clamp, self.offset_index(depth)),
        }
    }

    /// The index by itself: its range may be inferred from this access.
    fn bare_index(&mut self, position: usize, extent: &Size) -> Expr {
        let conditions = self.frame.conditions;
        let name = self.frame.locals[position].name.clone();
        if let Some(open) = self.frame.open.iter_mut().rev().find(|open| open.name == name)
            && open.conditions == conditions
        {
            open.found.push(extent.clone());
        }
        self.use_local(position)
    }

    /// An index of an access with `else`.
    fn any_position(&mut self, depth: usize) -> IndexItem {
        IndexItem::At(Border::None, self.offset_index(depth))
    }

    /// An index with something added or multiplied, or any number.
    fn offset_index(&mut self, depth: usize) -> Expr {
        let indices = self.locals(|local| matches!(&local.kind, Kind::Index(_)));
        if indices.is_empty() || self.random.percent(15) {
            let value = if depth == 0 { self.atom(Scalar::I32) } else { self.scalar(Scalar::I32, depth.min(1)) };
            // A literal that stands alone would count from the end.
            return tree::binary(BinaryOp::Add, value, tree::int(self.random.below(4) as i128));
        }
        let position = self.random.pick(&indices);
        let index = self.use_local(position);
        let amount = tree::int(self.random.below(3) as i128 + 1);
        match self.random.weighted(&[5, 5, 2, 1, 1]) {
            0 => tree::binary(BinaryOp::Add, index, amount),
            1 => tree::binary(BinaryOp::Sub, index, amount),
            2 => tree::binary(BinaryOp::Mul, index, amount),
            3 => tree::binary(BinaryOp::Div, index, amount),
            _ => {
                let other = self.random.pick(&indices);
                let other = self.use_local(other);
                tree::binary(BinaryOp::Add, index, other)
            }
        }
    }

    /// A computed index that is inside by its form.
    fn computed_index(&mut self, extent: &Size, sure: i64, depth: usize) -> Expr {
        let value = if depth == 0 || self.random.percent(60) {
            self.offset_index(0)
        } else {
            self.scalar(Scalar::I32, (depth - 1).min(2))
        };
        let last = self.sizes.write(&extent.minus(&Size::constant(1)));
        match self.random.below(5) {
            0 => tree::call("clamp", vec![value, tree::int(0), last]),
            1 => tree::call("min", vec![tree::call("max", vec![value, tree::int(0)]), last]),
            2 => tree::binary(BinaryOp::Rem, value, self.sizes.write(extent)),
            3 => {
                let mask = (1i128 << sure.ilog2()) - 1;
                tree::binary(BinaryOp::BitAnd, value, tree::int(mask))
            }
            _ => {
                let narrow = tree::call("u8", vec![value]);
                let small = tree::binary(BinaryOp::Rem, narrow, tree::int(i128::from(sure.min(200))));
                tree::call("i32", vec![small])
            }
        }
    }

    /// From here on, accesses of the index by itself count.
    pub fn open(&mut self, name: &str) {
        let conditions = self.frame.conditions;
        self.frame.open.push(Open { name: name.to_string(), conditions, found: Vec::new() });
    }

    /// The axes opened since there were so many; ranges that are whole and would be inferred are sometimes left out.
    pub fn close(&mut self, opened: usize, axes: Vec<(tree::Axis, Option<Size>)>) -> Vec<tree::Axis> {
        let open = self.frame.open.split_off(opened);
        axes.into_iter()
            .map(|(mut axis, whole)| {
                let found = open.iter().find(|open| open.name == axis.name.text).map_or(&[][..], |open| &open.found);
                let inferable = whole.is_some_and(|whole| !found.is_empty() && found.iter().all(|size| *size == whole));
                if inferable && self.random.percent(70) {
                    axis.range = None;
                }
                axis
            })
            .collect()
    }
}
