//! Bounds of size variables from declared facts: where the search for the greatest memory begins.
//!
//! Conservative: every value that a variable can have in an accepted `plan` lies in its interval.

use super::interval::{Formula, GREATEST, Interval};
use crate::size::{Size, SizeVar};
use crate::tensor::Fact;
use std::collections::BTreeMap;

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

    /// The variables with their intervals.
    pub fn intervals(&self) -> impl Iterator<Item = (SizeVar, Interval)> {
        self.vars.iter().map(|(var, interval)| (*var, *interval))
    }

    /// The interval of a size; not cut off at 32 bits, since sums of sizes may be larger.
    pub fn size(&self, size: &Size) -> Interval {
        let (vars, intervals): (Vec<SizeVar>, Vec<Interval>) = self.intervals().unzip();
        Formula::of([size], &vars).eval(&intervals)[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Op;
    use crate::size::{Atom, DimExpr, SizeNames};
    use crate::types::{Const, Scalar};

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
