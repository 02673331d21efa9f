//! Decides relations of sizes from their normal form plus known facts.
//!
//! Equalities are used as rewrites (`C == G * groups` replaces `C`), inequalities as bounds: intervals of
//! variables first, then subtracting known non-negative sizes. Incomplete by design: [`Answer::Unknown`] is always
//! allowed, `Yes` and `No` are always right for sizes that satisfy the facts. Size variables are never negative.

use super::Relation;
use crate::size::{Atom, DimExpr, Size, SizeVar, Subst};

/// The largest value of a size.
const MAX: i128 = i32::MAX as i128;
/// How many known inequalities are combined at most.
const DEPTH: usize = 3;
/// How many sums of inequalities are tried at most for one question.
const TRIES: usize = 10_000;

/// What is known about a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It may or may not hold.
    Unknown,
}

/// Known facts, ready for use.
#[derive(Debug, Default)]
pub struct Facts {
    /// `atom` equals `by`.
    rewrites: Vec<(Atom, Size)>,
    /// Sizes that are at least 0.
    bounds: Vec<Size>,
}

impl Facts {
    /// Prepares facts for use.
    pub fn new<'a>(facts: impl IntoIterator<Item = (Relation, &'a Size)>) -> Facts {
        let mut known = Facts::default();
        let mut bounds = Vec::new();
        for (relation, size) in facts {
            match relation {
                Relation::Zero => known.add_equality(size),
                // A size variable is never negative anyway.
                Relation::NonNegative if size.as_var().is_some() => {}
                Relation::NonNegative => bounds.push(size.clone()),
            }
        }
        known.bounds = bounds.iter().map(|size| known.normalise(size)).collect();
        known
    }

    /// Whether two sizes are equal.
    pub fn equal(&self, a: &Size, b: &Size) -> Answer {
        if a == b {
            return Answer::Yes;
        }
        let difference = self.normalise(&a.minus(b));
        match difference.as_const() {
            Some(0) => Answer::Yes,
            Some(_) => Answer::No,
            None if self.proves(&difference) && self.proves(&difference.times_const(-1)) => Answer::Yes,
            None if self.proves(&difference.plus(&Size::constant(-1))) => Answer::No,
            None if self.proves(&difference.times_const(-1).plus(&Size::constant(-1))) => Answer::No,
            None => Answer::Unknown,
        }
    }

    /// Whether a size is at least 0.
    pub fn non_negative(&self, size: &Size) -> Answer {
        let size = self.normalise(size);
        if self.proves(&size) {
            Answer::Yes
        } else if self.proves(&size.times_const(-1).plus(&Size::constant(-1))) {
            Answer::No
        } else {
            Answer::Unknown
        }
    }

    /// Whether a relation holds.
    pub fn holds(&self, relation: Relation, size: &Size) -> Answer {
        match relation {
            Relation::Zero => self.equal(size, &Size::constant(0)),
            Relation::NonNegative => self.non_negative(size),
        }
    }

    fn add_equality(&mut self, size: &Size) {
        let size = self.normalise(size);
        // A variable is the best thing to replace: it is then replaced everywhere, also inside other atoms.
        let candidates = size.terms().filter_map(|(product, coefficient)| match product {
            [atom] if coefficient.abs() == 1 => Some((atom.clone(), coefficient)),
            _ => None,
        });
        let mut best: Option<(Atom, Size)> = None;
        for (atom, coefficient) in candidates {
            let rest = size.minus(&Size::atom(atom.clone()).times_const(coefficient)).times_const(-coefficient);
            let circular = match &atom {
                Atom::Var(var) => rest.mentions(*var),
                other => mentions_atom(&rest, other),
            };
            let is_var = matches!(atom, Atom::Var(_));
            if !circular && (best.is_none() || is_var) {
                best = Some((atom, rest));
            }
        }
        if let Some((atom, by)) = best {
            for (_, earlier) in &mut self.rewrites {
                *earlier = replace(earlier, &atom, &by);
            }
            self.rewrites.push((atom, by));
        }
    }

    /// Applies the equalities until nothing changes.
    fn normalise(&self, size: &Size) -> Size {
        let mut current = size.clone();
        for _ in 0..4 {
            let mut next = current.clone();
            for (atom, by) in &self.rewrites {
                next = replace(&next, atom, by);
                if let (Atom::Rem(a, b), Some(0)) = (atom, by.as_const()) {
                    next = exact_division(&next, a, b);
                }
            }
            if next == current {
                break;
            }
            current = next;
        }
        current
    }

    fn proves(&self, size: &Size) -> bool {
        let mut bounds = self.bounds.clone();
        implied(size, &mut bounds);
        for bound in &self.bounds {
            implied(bound, &mut bounds);
        }
        self.search(size, &bounds, DEPTH, &mut { TRIES })
    }

    /// Whether `size` is a sum of known non-negative sizes and something whose interval is not negative.
    fn search(&self, size: &Size, bounds: &[Size], depth: usize, tries: &mut usize) -> bool {
        if self.interval(size).0 >= 0 {
            return true;
        }
        if depth == 0 || *tries == 0 {
            return false;
        }
        *tries -= 1;
        bounds.iter().any(|bound| {
            let shared = bound.terms().filter(|(product, _)| !product.is_empty()).find_map(|(product, b)| {
                let (_, a) = size.terms().find(|(own, _)| *own == product)?;
                (a.signum() == b.signum() && a % b == 0).then_some(a / b)
            });
            shared.is_some_and(|factor| self.search(&size.minus(&bound.times_const(factor)), bounds, depth - 1, tries))
        })
    }

    /// The least and greatest value of a size, as far as is known.
    pub fn interval(&self, size: &Size) -> (i128, i128) {
        let (mut low, mut high) = (0i128, 0i128);
        for (product, coefficient) in size.terms() {
            let (mut a, mut b) = (i128::from(coefficient), i128::from(coefficient));
            for atom in product {
                let (c, d) = self.atom_interval(atom);
                let ends = [a.saturating_mul(c), a.saturating_mul(d), b.saturating_mul(c), b.saturating_mul(d)];
                a = ends.into_iter().min().expect("four ends");
                b = ends.into_iter().max().expect("four ends");
            }
            low = low.saturating_add(a);
            high = high.saturating_add(b);
        }
        (low, high)
    }

    fn atom_interval(&self, atom: &Atom) -> (i128, i128) {
        match atom {
            Atom::Var(var) => self.var_interval(*var),
            Atom::Div(a, b) => match b.as_const() {
                Some(divisor) if divisor > 0 => {
                    let (low, high) = self.interval(a);
                    (low.div_euclid(i128::from(divisor)), high.div_euclid(i128::from(divisor)))
                }
                _ => (-MAX - 1, MAX),
            },
            Atom::Rem(_, b) => {
                let (low, high) = self.interval(b);
                if low > 0 { (0, high - 1) } else { (-MAX - 1, MAX) }
            }
            Atom::Min(a, b) => {
                let ((a, b), (c, d)) = (self.interval(a), self.interval(b));
                (a.min(c), b.min(d))
            }
            Atom::Max(a, b) => {
                let ((a, b), (c, d)) = (self.interval(a), self.interval(b));
                (a.max(c), b.max(d))
            }
            Atom::Dim(expr) => match &**expr {
                DimExpr::Cast(_, inner)
                    if inner.ty().int_range().is_some_and(|(low, high)| low >= 0 && high <= MAX) =>
                {
                    inner.ty().int_range().expect("just seen")
                }
                _ => (-MAX - 1, MAX),
            },
        }
    }

    fn var_interval(&self, var: SizeVar) -> (i128, i128) {
        let (mut low, mut high) = (0, MAX);
        for bound in &self.bounds {
            let Some((factor, rest)) = bound.solve_for(var) else { continue };
            let Some(rest) = rest.as_const() else { continue };
            let (factor, rest) = (i128::from(factor), i128::from(rest));
            // factor * var + rest >= 0
            if factor > 0 {
                low = low.max(-(rest.div_euclid(factor)));
            } else {
                high = high.min(rest.div_euclid(-factor));
            }
        }
        (low, high)
    }
}

/// Adds what the atoms of a size imply by themselves: `min(a, b) <= a`, `b*(a / b) <= a` and so on.
fn implied(size: &Size, bounds: &mut Vec<Size>) {
    for (product, _) in size.terms() {
        for atom in product {
            let own = Size::atom(atom.clone());
            match atom {
                Atom::Var(_) | Atom::Dim(_) => {}
                Atom::Min(a, b) => bounds.extend([a.minus(&own), b.minus(&own)]),
                Atom::Max(a, b) => bounds.extend([own.minus(a), own.minus(b)]),
                Atom::Div(a, b) => {
                    if let Some(divisor) = b.as_const().filter(|divisor| *divisor > 0) {
                        let rest = a.minus(&own.times_const(divisor));
                        bounds.push(Size::constant(divisor - 1).minus(&rest));
                        bounds.push(rest);
                    }
                }
                Atom::Rem(a, b) => {
                    if b.as_const().is_some_and(|divisor| divisor > 0) {
                        bounds.push(b.minus(&own).plus(&Size::constant(-1)));
                        // For a >= 0 the remainder is at most a; sizes are what remainders are taken of.
                        if a.terms().all(|(_, coefficient)| coefficient >= 0) && a.as_var().is_some() {
                            bounds.push(a.minus(&own));
                        }
                    }
                }
            }
        }
    }
}

fn mentions_atom(size: &Size, atom: &Atom) -> bool {
    size.terms().any(|(product, _)| product.contains(atom))
}

/// Replaces an atom: a variable everywhere, anything else in the products of the size itself.
fn replace(size: &Size, atom: &Atom, by: &Size) -> Size {
    if let Atom::Var(target) = atom {
        return size.substitute(&Subst {
            size: &|var| if var == *target { by.clone() } else { Size::from(var) },
            scalar: &|var, ty| DimExpr::Scalar(var, ty),
        });
    }
    let mut result = Size::default();
    for (product, coefficient) in size.terms() {
        let term = product.iter().fold(Size::constant(coefficient), |term, factor| {
            term.times(&if factor == atom { by.clone() } else { Size::atom(factor.clone()) })
        });
        result = result.plus(&term);
    }
    result
}

/// With `a % b == 0` known: replaces `b * (a / b)` by `a`.
fn exact_division(size: &Size, a: &Size, b: &Size) -> Size {
    let Some(divisor) = b.as_const().filter(|divisor| *divisor != 0) else { return size.clone() };
    let quotient = Atom::Div(Box::new(a.clone()), Box::new(b.clone()));
    let mut result = Size::default();
    for (product, coefficient) in size.terms() {
        let at = product.iter().position(|factor| *factor == quotient);
        let mut term = Size::constant(coefficient);
        let exact = at.is_some() && coefficient % divisor == 0;
        if exact {
            term = a.times_const(coefficient / divisor);
        }
        for (position, factor) in product.iter().enumerate() {
            if !(exact && Some(position) == at) {
                term = term.times(&Size::atom(factor.clone()));
            }
        }
        result = result.plus(&term);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn var(number: u32) -> Size {
        Size::from(SizeVar(number))
    }

    fn num(value: i64) -> Size {
        Size::constant(value)
    }

    #[test]
    fn equalities_rewrite() {
        let (c, g, n) = (var(0), var(1), var(2));
        let fact = c.minus(&g.times(&n));
        let facts = Facts::new([(Relation::Zero, &fact)]);
        assert_eq!(facts.equal(&c.times_const(2), &g.times_const(2).times(&n)), Answer::Yes);
        assert_eq!(facts.equal(&c, &g), Answer::Unknown);
        assert_eq!(facts.equal(&c.plus(&num(1)), &g.times(&n)), Answer::No);
    }

    #[test]
    fn even_sizes_halve_exactly() {
        let h = var(0);
        let even = h.rem(&num(2));
        let facts = Facts::new([(Relation::Zero, &even)]);
        assert_eq!(facts.equal(&h.div(&num(2)).times_const(2), &h), Answer::Yes);
        assert_eq!(Facts::default().equal(&h.div(&num(2)).times_const(2), &h), Answer::Unknown);
    }

    #[test]
    fn bounds_combine() {
        let (k, n) = (var(0), var(1));
        let (le, cap) = (n.minus(&k), num(100).minus(&n));
        let facts = Facts::new([(Relation::NonNegative, &le), (Relation::NonNegative, &cap)]);
        assert_eq!(facts.non_negative(&num(100).minus(&k)), Answer::Yes);
        assert_eq!(facts.non_negative(&k.minus(&num(101))), Answer::No);
        assert_eq!(facts.non_negative(&num(99).minus(&k)), Answer::Unknown);
    }

    #[test]
    fn minima_and_quotients_are_bounded() {
        let (h, w) = (var(0), var(1));
        let facts = Facts::default();
        assert_eq!(facts.non_negative(&h.minus(&h.smaller(&w))), Answer::Yes);
        assert_eq!(facts.non_negative(&h.minus(&h.div(&num(3)))), Answer::Yes);
        assert_eq!(facts.non_negative(&h.larger(&w).minus(&w)), Answer::Yes);
        assert_eq!(facts.equal(&h, &h.plus(&w).plus(&num(1))), Answer::No);
    }
}
