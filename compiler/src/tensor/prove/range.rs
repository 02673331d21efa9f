//! Constant ranges of integer expressions: through arithmetic, casts, selections and the contents of constant tensors.
//!
//! A range that an operation of its width could leave is unknown, so wrapping needs no thought here.

use super::Prover;
use crate::ops::Op;
use crate::tensor::{ConstData, Expr, ExprId, TensorKind};
use crate::types::{Const, Scalar};

impl Prover<'_> {
    /// Constant bounds of an integer expression.
    pub(super) fn integer_range(&self, id: ExprId) -> Option<(i64, i64)> {
        self.range_within(id, 12)
    }

    /// The depth bounds the work: expressions are graphs, and this walks them as trees.
    fn range_within(&self, id: ExprId, depth: usize) -> Option<(i64, i64)> {
        let ty = self.p.ty(id);
        if !ty.is_int() {
            return None;
        }
        let (least, greatest) = ty.int_range()?;
        let own = (least.max(i128::from(i64::MIN)) as i64, greatest.min(i128::from(i64::MAX)) as i64);
        let fits = |range: (i64, i64)| range.0 >= own.0 && range.1 <= own.1;
        let narrow = (ty != Scalar::I32 && ty.bytes() < 8).then_some(own);
        if depth == 0 {
            return narrow;
        }
        let found = match &self.p.exprs[id] {
            Expr::Const(value) => Some((value.as_int() as i64, value.as_int() as i64)),
            Expr::Cast(arg) if self.p.ty(*arg).is_int() => {
                self.range_within(*arg, depth - 1).filter(|range| fits(*range))
            }
            Expr::Cast(arg) if self.p.ty(*arg) == Scalar::Bool => Some((0, 1)),
            Expr::Op(op, args) => self.operation_range(*op, args, depth - 1).filter(|range| fits(*range)),
            Expr::Select(_, a, b) => {
                let (a, b) = (self.range_within(*a, depth - 1)?, self.range_within(*b, depth - 1)?);
                Some((a.0.min(b.0), a.1.max(b.1)))
            }
            Expr::Load(tensor, _) => match self.p.tensors[*tensor].kind {
                TensorKind::Const(data) => self.content_range(&self.consts[data.0 as usize]),
                _ => self.defining(id).and_then(|body| self.range_within(body, depth - 1)),
            },
            Expr::Axis(axis) => {
                let extent = self.p.axes[*axis].extent.as_ref()?.as_const()?;
                Some((0, (extent - 1).max(0)))
            }
            _ => None,
        };
        found.or(narrow)
    }

    fn operation_range(&self, op: Op, args: &[ExprId], depth: usize) -> Option<(i64, i64)> {
        let (a, b) = (self.range_within(args[0], depth)?, args.get(1).map(|arg| self.range_within(*arg, depth)));
        let (b_low, b_high) = match b {
            Some(range) => range?,
            None => (0, 0),
        };
        match op {
            Op::Add => Some((a.0.checked_add(b_low)?, a.1.checked_add(b_high)?)),
            Op::Sub => Some((a.0.checked_sub(b_high)?, a.1.checked_sub(b_low)?)),
            Op::Mul => {
                let all = [
                    a.0.checked_mul(b_low)?,
                    a.0.checked_mul(b_high)?,
                    a.1.checked_mul(b_low)?,
                    a.1.checked_mul(b_high)?,
                ];
                Some((all.into_iter().min()?, all.into_iter().max()?))
            }
            Op::Min => Some((a.0.min(b_low), a.1.min(b_high))),
            Op::Max => Some((a.0.max(b_low), a.1.max(b_high))),
            Op::Div if b_low >= 1 => {
                let all =
                    [a.0.div_euclid(b_low), a.0.div_euclid(b_high), a.1.div_euclid(b_low), a.1.div_euclid(b_high)];
                Some((all.into_iter().min()?, all.into_iter().max()?))
            }
            Op::Rem if b_low >= 1 => Some((0, b_high - 1)),
            Op::And if a.0 >= 0 && b_low >= 0 => Some((0, a.1.min(b_high))),
            Op::And if b_low >= 0 => Some((0, b_high)),
            Op::And if a.0 >= 0 => Some((0, a.1)),
            Op::Shr if b_low == b_high && (0..63).contains(&b_low) => Some((a.0 >> b_low, a.1 >> b_low)),
            _ => None,
        }
    }

    fn content_range(&self, data: &ConstData) -> Option<(i64, i64)> {
        let width = data.elem.bytes() as usize;
        let values = data.bytes.chunks_exact(width).map(|bytes| Const::from_le_bytes(data.elem, bytes).as_int() as i64);
        values.fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        })
    }
}
