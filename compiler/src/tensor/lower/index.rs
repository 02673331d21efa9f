//! Indexing, views, concatenation and reshape.

use super::value::{At, Tv, Value};
use super::{Lowerer, Scope};
use crate::hir::{self, Border};
use crate::ops::Op;
use crate::size::Size;
use crate::tensor::*;
use crate::types::Const;

/// One index, lowered.
enum Item {
    /// An element; whether its range is checked or covered by `else`.
    At(ExprId),
    /// A slice that starts here and is this long.
    Slice(Size, Size),
}

impl<'a> Lowerer<'a> {
    /// `x[…]`: a view. Plain indices are proved or checked; with `else`, they become a condition.
    pub(super) fn index(
        &mut self,
        scope: &mut Scope<'a>,
        base: &'a hir::Expr,
        items: &'a [hir::IndexItem],
        default: Option<&'a hir::Expr>,
        origin: OriginId,
    ) -> Value {
        let base = self.tensor(scope, base);
        let name = self.tensor_name(&base);
        let mut lowered = Vec::new();
        let mut inside: Option<ExprId> = None;
        for (axis, item) in items.iter().enumerate() {
            let extent = base.dims[axis].clone();
            match item {
                hir::IndexItem::At(Border::None, index) => {
                    let index = self.scalar(scope, index);
                    if default.is_some() {
                        if !self.in_range(index, &extent) {
                            let cond = self.range_condition(index, &extent, origin);
                            inside = Some(match inside {
                                Some(before) => self.and(before, cond, origin),
                                None => cond,
                            });
                        }
                    } else {
                        self.check_index(index, &extent, &name, axis, origin);
                    }
                    lowered.push(Item::At(index));
                }
                hir::IndexItem::At(border, index) => {
                    let index = self.scalar(scope, index);
                    self.check_not_empty(&extent, &name, axis, index, origin);
                    lowered.push(Item::At(self.border(*border, index, &extent, origin)));
                }
                hir::IndexItem::Slice { lo, hi } => {
                    let (lo, hi) = self.check_slice(scope, lo, hi, &extent, &name, axis, origin);
                    lowered.push(Item::Slice(lo.clone(), hi.minus(&lo)));
                }
            }
        }
        for extent in &base.dims[items.len()..] {
            lowered.push(Item::Slice(Size::constant(0), extent.clone()));
        }
        let otherwise = default.map(|value| self.scalar(scope, value));
        // Leading plain indices of a stored tensor stay a stored tensor: a row is no new view.
        let plain = lowered.iter().take_while(|item| matches!(item, Item::At(_))).count();
        let is_prefix =
            lowered.iter().zip(&base.dims).skip(plain).all(
                |(item, extent)| matches!(item, Item::Slice(lo, len) if lo.as_const() == Some(0) && len == extent),
            );
        if let (At::Stored(tensor, prefix), true, None) = (&base.at, is_prefix, otherwise) {
            let mut prefix = prefix.clone();
            let mut dims = Vec::new();
            for (item, extent) in lowered.iter().zip(&base.dims) {
                match item {
                    Item::At(id) => prefix.push(*id),
                    Item::Slice(..) => dims.push(extent.clone()),
                }
            }
            let tensor = *tensor;
            let row = Tv::stored(base.elem, dims, tensor, prefix);
            return Value::Tensor(if row.dims.is_empty() {
                let id = self.element(&row, &[], origin);
                Tv { at: At::Lambda(Vec::new(), id), ..row }
            } else {
                row
            });
        }
        let dims: Vec<Size> = lowered
            .iter()
            .filter_map(|item| match item {
                Item::Slice(_, len) => Some(len.clone()),
                Item::At(_) => None,
            })
            .collect();
        Value::Tensor(self.lambda(base.elem, &dims, origin, |l, own| {
            let mut own = own.iter();
            let index: Vec<ExprId> = lowered
                .iter()
                .map(|item| match item {
                    Item::At(id) => *id,
                    Item::Slice(lo, _) => {
                        let lo = l.p.size(lo, origin);
                        let axis = *own.next().expect("a slice has an axis");
                        l.p.op(Op::Add, &[axis, lo], origin)
                    }
                })
                .collect();
            let load = l.element(&base, &index, origin);
            match (inside, otherwise) {
                (Some(cond), Some(default)) => l.p.select(cond, load, default, origin),
                _ => load,
            }
        }))
    }

    /// A name for messages.
    fn tensor_name(&self, value: &Tv) -> String {
        match &value.at {
            At::Stored(tensor, _) => self.p.tensors[*tensor].name.clone(),
            At::Lambda(..) => "the tensor".to_string(),
        }
    }

    /// The index with its border rule applied; the extent is at least 1.
    fn border(&mut self, border: Border, index: ExprId, extent: &Size, origin: OriginId) -> ExprId {
        if self.in_range(index, extent) {
            return index;
        }
        let zero = self.p.constant(Const::i32(0), origin);
        match border {
            Border::None => index,
            Border::Clamp => {
                let last = self.p.size(&extent.minus(&Size::constant(1)), origin);
                let low = self.p.op(Op::Max, &[index, zero], origin);
                self.p.op(Op::Min, &[low, last], origin)
            }
            Border::Wrap => {
                let n = self.p.size(extent, origin);
                self.p.op(Op::Rem, &[index, n], origin)
            }
            Border::Reflect => {
                // Period 2(n-1); for a single element the period is 1 and the index 0.
                let double = extent.minus(&Size::constant(1)).times_const(2);
                let full = self.p.size(&double, origin);
                let period = self.p.size(&double.larger(&Size::constant(1)), origin);
                let t = self.p.op(Op::Rem, &[index, period], origin);
                let back = self.p.op(Op::Sub, &[full, t], origin);
                self.p.op(Op::Min, &[t, back], origin)
            }
        }
    }

    /// The ends of a slice, which are proved or checked to lie in order inside the axis.
    pub(super) fn check_slice(
        &mut self,
        scope: &Scope<'a>,
        lo: &Size,
        hi: &Size,
        extent: &Size,
        name: &str,
        axis: usize,
        origin: OriginId,
    ) -> (Size, Size) {
        let (lo, hi) = (self.size_in(scope, lo), self.size_in(scope, hi));
        self.check_size(&lo, &format!("the slice of `{name}` starts at or after 0"), origin);
        self.check_size(&hi.minus(&lo), &format!("the slice of `{name}` does not end before it starts"), origin);
        self.check_size(&extent.minus(&hi), &format!("the slice of `{name}` ends inside its axis {axis}"), origin);
        (lo, hi)
    }

    /// Values one after another along an axis: a chain of conditions on that axis.
    pub(super) fn concat(&mut self, values: &[Tv], axis: usize, origin: OriginId) -> Tv {
        let mut dims = values[0].dims.clone();
        dims[axis] = values.iter().fold(Size::constant(0), |sum, value| sum.plus(&value.dims[axis]));
        self.lambda(values[0].elem, &dims, origin, |l, index| {
            let mut start = Size::constant(0);
            let mut parts = Vec::new();
            for value in values {
                let mut own = index.to_vec();
                let from = l.p.size(&start.times_const(-1), origin);
                own[axis] = l.p.op(Op::Add, &[index[axis], from], origin);
                start = start.plus(&value.dims[axis]);
                parts.push((l.element(value, &own, origin), start.clone()));
            }
            let (mut result, _) = parts.pop().expect("concat has parts");
            while let Some((part, end)) = parts.pop() {
                let end = l.p.size(&end, origin);
                let cond = l.p.op(Op::Lt, &[index[axis], end], origin);
                result = l.p.select(cond, part, result, origin);
            }
            result
        })
    }

    /// Values of one shape along a new axis.
    pub(super) fn stack(&mut self, values: &[Tv], axis: usize, origin: OriginId) -> Tv {
        let mut dims = values[0].dims.clone();
        dims.insert(axis, Size::constant(values.len() as i64));
        self.lambda(values[0].elem, &dims, origin, |l, index| {
            let mut own = index.to_vec();
            let position = own.remove(axis);
            let mut parts: Vec<ExprId> = values.iter().map(|value| l.element(value, &own, origin)).collect();
            let mut result = parts.pop().expect("stack has parts");
            while let Some(part) = parts.pop() {
                let number = l.p.constant(Const::i32(parts.len() as i32), origin);
                let cond = l.p.op(Op::Eq, &[position, number], origin);
                result = l.p.select(cond, part, result, origin);
            }
            result
        })
    }

    /// The same elements in another shape. Unit axes come and go as views; otherwise the bytes get a second name, or,
    /// where there are no bytes (a range that the data decides), the flat index is taken apart.
    pub(super) fn reshape(&mut self, value: &Tv, dims: Vec<Size>, origin: OriginId) -> Tv {
        self.check_equal(
            &Size::product(&value.dims),
            &Size::product(&dims),
            "a reshape keeps the number of elements",
            origin,
        );
        let is_one = |dim: &Size| dim.as_const() == Some(1);
        let kept = |dims: &[Size]| dims.iter().filter(|dim| !is_one(dim)).cloned().collect::<Vec<_>>();
        if kept(&value.dims) == kept(&dims) {
            return self.lambda(value.elem, &dims, origin, |l, index| {
                let mut live = index.iter().zip(&dims).filter(|(_, dim)| !is_one(dim)).map(|(id, _)| *id);
                let zero = l.p.constant(Const::i32(0), origin);
                let own: Vec<ExprId> = value
                    .dims
                    .iter()
                    .map(|dim| if is_one(dim) { zero } else { live.next().expect("as many axes") })
                    .collect();
                l.element(value, &own, origin)
            });
        }
        // Two names for one variable's bytes would hide its changes.
        let value = &self.settle(value, "reshaped", origin);
        let stored = self.store(value, "reshaped", origin);
        if let At::Stored(tensor, prefix) = &stored.at {
            let (tensor, prefix) = (*tensor, prefix.clone());
            let mut full = self.p.tensors[tensor].dims[..prefix.len()].to_vec();
            full.extend(dims.iter().cloned());
            let name = self.p.tensors[tensor].name.clone();
            let alias = Tensor { name, elem: value.elem, dims: full, kind: TensorKind::Local };
            let alias = self.p.tensors.add(alias, origin);
            self.p.body.stmts.push(Stmt::Alias { tensor: alias, of: tensor, binding: Binding::Call, origin });
            return Tv::stored(value.elem, dims, alias, prefix);
        }
        let value = stored;
        self.lambda(value.elem, &dims.clone(), origin, |l, index| {
            let zero = l.p.constant(Const::i32(0), origin);
            let mut flat = zero;
            for (id, dim) in index.iter().zip(&dims) {
                let n = l.p.size(dim, origin);
                flat = l.p.op(Op::Mul, &[flat, n], origin);
                flat = l.p.op(Op::Add, &[flat, *id], origin);
            }
            let mut own = vec![zero; value.dims.len()];
            for (slot, dim) in own.iter_mut().zip(&value.dims).rev() {
                let n = l.p.size(dim, origin);
                *slot = l.p.op(Op::Rem, &[flat, n], origin);
                flat = l.p.op(Op::Div, &[flat, n], origin);
            }
            l.element(&value, &own, origin)
        })
    }
}
