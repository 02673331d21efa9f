//! Makes loads safe that may run without being asked for: their indices are clamped into the tensor.
//!
//! Tensor IR promises that a load is in bounds whenever the program evaluates it. Code motion and selects evaluate
//! more than that. If an axis of the tensor is empty there is no element to clamp to; then every index becomes 0, and
//! the load reads the bytes that follow every buffer.

use super::nest::Nest;
use crate::loops::{Access, Expr, Load, build};
use crate::size::Size;
use crate::tensor::{ExprId, TensorId};

impl Nest<'_, '_> {
    /// A load and the scope it belongs to.
    pub fn load(&mut self, tensor: TensorId, index: &[ExprId]) -> (Expr, usize) {
        if let Some(held) = self.held.get(&tensor) {
            return held.clone();
        }
        let mut depth = 0;
        let mut values = Vec::with_capacity(index.len());
        for &id in index {
            let (value, at) = self.value(id);
            values.push((value, at));
            depth = depth.max(at);
        }
        let renewed = self.facts.renewed_by(tensor).map_or(0, |axis| self.axis(axis).1);
        let depth = depth.max(renewed).max(self.floor());
        let dims = &self.pipeline.tensors[tensor].dims;
        let mut spans: Vec<bool> = index.iter().zip(dims).map(|(&id, dim)| self.facts.spans(id, dim)).collect();
        if let Some(first) = self.rings.get(&tensor).cloned() {
            // Rows of a ring are counted from the first that is kept.
            let row = build::sub(values[0].0.clone(), first);
            let at = values[0].1.max(renewed).max(self.floor());
            values[0] = (self.leaf_at(at, "row", row), at);
            spans[0] = false;
        }
        let safe = spans.iter().all(|&spans| spans);
        if !safe && self.speculated(depth) {
            // An index that spans its axis shows that the axis is not empty; a constant extent does, too.
            let may_be_empty = |n: usize| !spans[n] && dims[n].as_const().is_none_or(|extent| extent < 1);
            let count = (0..dims.len()).any(may_be_empty).then(|| Size::product(dims));
            for n in 0..index.len() {
                let others = (0..dims.len()).any(|other| other != n && may_be_empty(other));
                if !spans[n] || others {
                    let (value, at) = values[n].clone();
                    values[n].0 = self.clamped(value, at.max(self.floor()), &dims[n], count.as_ref());
                }
            }
        }
        let buffer = self.buffers.of(tensor);
        let index = values.into_iter().map(|(value, _)| value).collect();
        (Expr::Load(Load { buffer, index, access: Access::One }), depth)
    }

    fn clamped(&mut self, index: Expr, at: usize, dim: &Size, count: Option<&Size>) -> Expr {
        let last = match (dim.as_const(), count) {
            (Some(extent), None) => build::int((extent - 1).max(0)),
            _ => {
                // 0 if the tensor has no element, the last index otherwise.
                let filled = count.map_or(build::size(dim), |count| build::min(build::size(dim), build::size(count)));
                build::max(build::sub(filled, build::int(1)), build::int(0))
            }
        };
        let last = self.shared(last);
        let low = self.leaf_at(at, "i", build::max(index, build::int(0)));
        self.leaf_at(at, "i", build::min(low, last))
    }

    /// A variable at the head of the kernel with this value, which is made of sizes; one per value.
    fn shared(&mut self, value: Expr) -> Expr {
        if matches!(value, Expr::Const(_) | Expr::Size(_)) {
            return value;
        }
        if let Some((_, known)) = self.heads.iter().find(|(known, _)| *known == value) {
            return known.clone();
        }
        let var = Expr::Var(self.define_at(0, "last", value.clone()));
        self.heads.push((value, var.clone()));
        var
    }
}
