//! Linear forms of expressions: what the proofs of [`super`] are about.
//!
//! Two terms are one if their expressions are equal by structure; what is neither a sum, a difference nor a multiple by
//! a constant is an opaque term. Coefficients saturate.

use super::Prover;
use crate::ops::Op;
use crate::size::Size;
use crate::tensor::{Expr, ExprId};
use crate::types::Scalar;

/// `sum of coefficient * expression + size`.
#[derive(Clone, Debug, Default)]
pub(super) struct Linear {
    pub terms: Vec<(ExprId, i64)>,
    pub size: Size,
}

impl Prover<'_> {
    /// The expression as a linear form; what is not linear is an opaque term.
    pub(super) fn linear(&self, id: ExprId) -> Linear {
        if let Some(size) = self.p.as_size(id) {
            return Linear { terms: Vec::new(), size };
        }
        if let Expr::Op(op, args) = &self.p.exprs[id]
            && self.p.ty(id) == Scalar::I32
        {
            match op {
                Op::Add => return self.add(&self.linear(args[0]), &self.linear(args[1]), 1),
                Op::Sub => return self.add(&self.linear(args[0]), &self.linear(args[1]), -1),
                Op::Neg => return self.add(&Linear::default(), &self.linear(args[0]), -1),
                Op::Mul => {
                    for (x, factor) in [(args[0], args[1]), (args[1], args[0])] {
                        if let Some(factor) = self.p.as_const(factor) {
                            return self.add(&Linear::default(), &self.linear(x), factor.as_int() as i64);
                        }
                    }
                }
                _ => {}
            }
        }
        Linear { terms: vec![(id, 1)], size: Size::default() }
    }

    /// `a + factor * b`.
    pub(super) fn add(&self, a: &Linear, b: &Linear, factor: i64) -> Linear {
        let mut sum = a.clone();
        sum.size = sum.size.plus(&b.size.times_const(factor));
        for (id, coefficient) in &b.terms {
            let coefficient = coefficient.saturating_mul(factor);
            match sum.terms.iter_mut().find(|(own, _)| self.p.same(*own, *id)) {
                Some((_, own)) => *own = own.saturating_add(coefficient),
                None => sum.terms.push((*id, coefficient)),
            }
        }
        sum.terms.retain(|(_, coefficient)| *coefficient != 0);
        sum
    }

    pub(super) fn replace(&self, form: &Linear, id: ExprId, coefficient: i64, bound: &Linear) -> Linear {
        let mut rest = form.clone();
        rest.terms.retain(|(own, _)| *own != id);
        self.add(&rest, bound, coefficient)
    }
}
