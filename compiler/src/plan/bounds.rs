//! Bounds of sizes from declared facts, by interval arithmetic: what the peak-memory certificate rests on.
//!
//! Conservative: every value that a size can have lies in its interval, and sizes that `plan` refuses (those that
//! leave 32 bits) are cut off.

use super::values::{Values, apply};
use crate::size::{Atom, DimExpr, Size, SizeVar};
use crate::tensor::Fact;
use crate::types::Scalar;
use std::collections::BTreeMap;

/// Least and greatest value.
pub type Interval = (i128, i128);

/// The greatest value of a size.
const GREATEST: i128 = i32::MAX as i128;

/// Farther away than any size; intervals end here.
const FAR: i128 = 1 << 100;

/// Intervals of size variables.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    vars: BTreeMap<SizeVar, Interval>,
}

impl Bounds {
    /// What facts say of each variable alone; facts that join several are used as far as the others are bounded.
    pub fn of(vars: &[SizeVar], facts: &[Fact]) -> Bounds {
        let mut bounds = Bounds { vars: vars.iter().map(|var| (*var, (0, GREATEST))).collect() };
        // Each round can carry a bound over one more fact.
        for _ in 0..=facts.len() {
            for fact in facts {
                bounds.learn(fact);
            }
        }
        bounds
    }

    fn learn(&mut self, fact: &Fact) {
        let mut vars = Vec::new();
        fact.size.vars(&mut vars);
        for var in vars {
            let Some((factor, rest)) = fact.size.solve_for(var) else { continue };
            // factor*var + rest >= 0, and for an equality <= 0 too.
            let (rest_lo, rest_hi) = self.size(&rest);
            let factor = i128::from(factor);
            let interval = self.vars.entry(var).or_insert((0, GREATEST));
            if factor < 0 {
                interval.1 = interval.1.min(rest_hi.div_euclid(-factor));
            } else {
                interval.0 = interval.0.max(-(rest_hi.div_euclid(factor)));
            }
            if fact.is_equality {
                if factor < 0 {
                    interval.0 = interval.0.max(-((-rest_lo).div_euclid(-factor)));
                } else {
                    interval.1 = interval.1.min((-rest_lo).div_euclid(factor));
                }
            }
        }
    }

    /// Whether the greatest value of a variable follows from the facts.
    pub fn is_bounded(&self, var: SizeVar) -> bool {
        self.vars.get(&var).is_some_and(|interval| interval.1 < GREATEST)
    }

    /// The interval of a size; not cut off at 32 bits, since sums of sizes may be larger.
    pub fn size(&self, size: &Size) -> Interval {
        size.terms().fold((0, 0), |sum, (product, coefficient)| {
            let one = (i128::from(coefficient), i128::from(coefficient));
            let term = product.iter().fold(one, |term, atom| times(term, self.atom(atom)));
            (sum.0.saturating_add(term.0).max(-FAR), sum.1.saturating_add(term.1).min(FAR))
        })
    }

    /// A size that `plan` accepted fits 32 bits.
    fn operand(&self, size: &Size) -> Interval {
        let (lo, hi) = self.size(size);
        (lo.clamp(i128::from(i32::MIN), GREATEST), hi.clamp(i128::from(i32::MIN), GREATEST))
    }

    fn atom(&self, atom: &Atom) -> Interval {
        let full = (i128::from(i32::MIN), GREATEST);
        match atom {
            Atom::Var(var) => self.vars.get(var).copied().unwrap_or((0, GREATEST)),
            Atom::Div(a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                if b.1 <= 0 {
                    return full;
                }
                // A zero divisor is refused, so the least divisor is 1.
                let b = (b.0.max(1), b.1);
                let corners = [a.0.div_euclid(b.0), a.0.div_euclid(b.1), a.1.div_euclid(b.0), a.1.div_euclid(b.1)];
                hull(&corners)
            }
            Atom::Rem(a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                match b.0 >= 0 {
                    true if a.0 >= 0 => (0, a.1.min((b.1 - 1).max(0))),
                    true => (0, (b.1 - 1).max(0)),
                    false => full,
                }
            }
            Atom::Min(a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                (a.0.min(b.0), a.1.min(b.1))
            }
            Atom::Max(a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                (a.0.max(b.0), a.1.max(b.1))
            }
            Atom::Dim(e) => {
                let value = self.expr(e).cast(Scalar::I32);
                (value.least.as_int(), value.greatest.as_int())
            }
        }
    }

    fn expr(&self, e: &DimExpr) -> Values {
        match e {
            DimExpr::Const(value) => Values::hull(&[*value]).unwrap_or_else(|| Values::all(value.ty)),
            DimExpr::Size(size) => {
                let (lo, hi) = self.operand(size);
                Values::int(Scalar::I32, lo, hi)
            }
            DimExpr::Scalar(_, ty) => Values::all(*ty),
            DimExpr::Op(op, args) => {
                let args: Vec<Values> = args.iter().map(|arg| self.expr(arg)).collect();
                let ty = op.result(args[0].ty).expect("operands were checked");
                apply(*op, &args).unwrap_or_else(|| Values::all(ty))
            }
            DimExpr::Cast(to, arg) => self.expr(arg).cast(*to),
            DimExpr::Select(parts) => {
                let (a, b) = (self.expr(&parts[1]), self.expr(&parts[2]));
                match Values::hull(&[a.least, a.greatest, b.least, b.greatest]) {
                    Some(values) => Values { nan: a.nan || b.nan, ..values },
                    None => Values::all(a.ty),
                }
            }
        }
    }
}

fn times(a: Interval, b: Interval) -> Interval {
    let product = |x: i128, y: i128| x.saturating_mul(y).clamp(-FAR, FAR);
    hull(&[product(a.0, b.0), product(a.0, b.1), product(a.1, b.0), product(a.1, b.1)])
}

pub(super) fn hull(values: &[i128]) -> Interval {
    values.iter().fold((values[0], values[0]), |(lo, hi), value| (lo.min(*value), hi.max(*value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Op;
    use crate::size::SizeNames;
    use crate::types::Const;

    fn at_most(var: SizeVar, limit: i64) -> Fact {
        Fact { is_equality: false, size: Size::constant(limit).minus(&var.into()), text: String::new(), origin: None }
    }

    #[test]
    fn bounds_pass_through_facts_and_dim_expressions() {
        let mut names = SizeNames::default();
        let (h, w, k) = (names.new_size("H"), names.new_size("W"), names.new_size("K"));
        let facts = vec![
            // 2*K <= H
            Fact {
                is_equality: false,
                size: Size::from(h).minus(&Size::from(k).times_const(2)),
                text: String::new(),
                origin: None,
            },
            at_most(h, 100),
        ];
        let bounds = Bounds::of(&[h, w, k], &facts);
        assert_eq!(bounds.size(&Size::from(k)), (0, 50));
        assert!(bounds.is_bounded(h) && bounds.is_bounded(k) && !bounds.is_bounded(w));
        // ceil(f32(H) * 1.5)
        let scaled = DimExpr::Op(
            Op::Ceil,
            vec![DimExpr::Op(
                Op::Mul,
                vec![DimExpr::Cast(Scalar::F32, Box::new(DimExpr::Size(h.into()))), DimExpr::Const(Const::f32(1.501))],
            )],
        );
        let size = Size::atom(Atom::Dim(Box::new(DimExpr::Cast(Scalar::I32, Box::new(scaled)))));
        assert_eq!(bounds.size(&size), (0, 151));
        let mixed = Size::from(h).times(&h.into()).plus(&Size::constant(3)).minus(&Size::from(k));
        assert_eq!(bounds.size(&mixed), (-47, 10003));
        assert_eq!(bounds.size(&Size::from(w).smaller(&h.into())).1, 100);
    }

    #[test]
    fn an_equality_bounds_from_both_sides() {
        let mut names = SizeNames::default();
        let (c, g) = (names.new_size("C"), names.new_size("G"));
        // C == 3*G + 1, G <= 10
        let equal = Fact {
            is_equality: true,
            size: Size::from(c).minus(&Size::from(g).times_const(3)).minus(&1.into()),
            text: String::new(),
            origin: None,
        };
        let bounds = Bounds::of(&[c, g], &[equal, at_most(g, 10)]);
        assert_eq!(bounds.size(&c.into()), (1, 31));
        assert_eq!(bounds.size(&g.into()), (0, 10));
    }
}
