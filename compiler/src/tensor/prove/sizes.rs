//! Proofs about sizes alone: is a polynomial of sizes never negative, given the facts of a pipeline?
//!
//! Intervals of its atoms first; if they do not decide, a fact is subtracted that shares a term with it, at most three
//! times. Sound, not complete, as [`super`] is.

use crate::ops::Op;
use crate::size::{Atom, Size};
use crate::tensor::{Expr, Pipeline, Stmt};

/// The facts that hold for the sizes of one pipeline.
pub(super) struct SizeProver {
    facts: Vec<Size>,
}

impl SizeProver {
    pub(super) fn new(p: &Pipeline) -> SizeProver {
        let mut facts: Vec<Size> = Vec::new();
        for fact in &p.facts {
            facts.push(fact.size.clone());
            if fact.is_equality {
                facts.push(fact.size.times_const(-1));
            }
        }
        // The plan refuses negative extents.
        for (_, tensor) in p.tensors.iter() {
            facts.extend(tensor.dims.iter().filter(|dim| dim.as_const().is_none()).cloned());
        }
        // What an earlier check of sizes established holds from there on.
        for stmt in &p.body.stmts {
            if let Stmt::Check(check) = stmt
                && check.axes.is_empty()
                && let Expr::Op(Op::Ge, args) = &p.exprs[check.cond]
                && let (Some(a), Some(b)) = (p.as_size(args[0]), p.as_size(args[1]))
            {
                facts.push(a.minus(&b));
            }
        }
        facts.sort();
        facts.dedup();
        SizeProver { facts }
    }

    pub(super) fn never_negative(&self, size: &Size) -> bool {
        self.search(size, 3)
    }

    fn search(&self, size: &Size, depth: usize) -> bool {
        if self.interval(size, 4).0.is_some_and(|low| low >= 0) {
            return true;
        }
        if depth == 0 {
            return false;
        }
        let mut facts = self.facts.clone();
        implied(size, &mut facts);
        facts.iter().any(|fact| {
            let shares = size.terms().any(|(product, c)| {
                !product.is_empty() && fact.terms().any(|(other, k)| other == product && (c > 0) == (k > 0))
            });
            // A fact may be needed several times: `H - 2*(H/2)` against `H/2 >= 0`.
            shares && self.search(&size.minus(fact), depth - 1)
        })
    }

    /// Constant bounds, where they are known.
    fn interval(&self, size: &Size, depth: usize) -> (Option<i128>, Option<i128>) {
        let (mut low, mut high) = (Some(0i128), Some(0i128));
        for (product, coefficient) in size.terms() {
            let mut range = (Some(1i128), Some(1i128));
            for atom in product {
                range = multiply(range, self.atom_interval(atom, depth));
            }
            let c = i128::from(coefficient);
            let scaled = multiply(range, (Some(c), Some(c)));
            low = low.zip(scaled.0).and_then(|(a, b)| a.checked_add(b));
            high = high.zip(scaled.1).and_then(|(a, b)| a.checked_add(b));
        }
        (low, high)
    }

    fn atom_interval(&self, atom: &Atom, depth: usize) -> (Option<i128>, Option<i128>) {
        let (mut low, mut high): (Option<i128>, Option<i128>) = (None, None);
        let mut at_least = |value: i128| low = Some(low.map_or(value, |old: i128| old.max(value)));
        let mut at_most = |value: i128| high = Some(high.map_or(value, |old: i128| old.min(value)));
        let own = Size::atom(atom.clone());
        for fact in &self.facts {
            if let Some(value) = fact.minus(&own).as_const() {
                at_least(-i128::from(value));
            }
            if let Some(value) = fact.plus(&own).as_const() {
                at_most(i128::from(value));
            }
        }
        if depth > 0 {
            let of = |size: &Size| self.interval(size, depth - 1);
            match atom {
                Atom::Var(_) | Atom::Dim(_) => {}
                Atom::Div(a, b) => {
                    let (a, b) = (of(a), of(b));
                    if let ((Some(al), ah), (Some(bl), bh)) = (a, b)
                        && bl >= 1
                    {
                        at_least(if al >= 0 { bh.map_or(0, |bh| al.div_euclid(bh)) } else { al.div_euclid(bl) });
                        if let Some(ah) = ah {
                            at_most(if ah >= 0 { ah.div_euclid(bl) } else { 0 });
                        }
                    }
                }
                Atom::Rem(_, b) => {
                    if let (Some(bl), bh) = of(b)
                        && bl >= 1
                    {
                        at_least(0);
                        bh.into_iter().for_each(|bh| at_most(bh - 1));
                    }
                }
                Atom::Min(a, b) | Atom::Max(a, b) => {
                    let (a, b) = (of(a), of(b));
                    let is_min = matches!(atom, Atom::Min(..));
                    match (a.0, b.0) {
                        (Some(x), Some(y)) => at_least(if is_min { x.min(y) } else { x.max(y) }),
                        (Some(x), None) | (None, Some(x)) if !is_min => at_least(x),
                        _ => {}
                    }
                    match (a.1, b.1) {
                        (Some(x), Some(y)) => at_most(if is_min { x.min(y) } else { x.max(y) }),
                        (Some(x), None) | (None, Some(x)) if is_min => at_most(x),
                        _ => {}
                    }
                }
            }
        }
        (low, high)
    }
}

fn multiply(a: (Option<i128>, Option<i128>), b: (Option<i128>, Option<i128>)) -> (Option<i128>, Option<i128>) {
    match (a, b) {
        ((Some(al), Some(ah)), (Some(bl), Some(bh))) => {
            let all = [al.checked_mul(bl), al.checked_mul(bh), ah.checked_mul(bl), ah.checked_mul(bh)];
            match all.into_iter().collect::<Option<Vec<_>>>() {
                Some(all) => (all.iter().min().copied(), all.iter().max().copied()),
                None => (None, None),
            }
        }
        ((Some(al), ah), (Some(bl), bh)) if al >= 0 && bl >= 0 => {
            (al.checked_mul(bl), ah.zip(bh).and_then(|(x, y)| x.checked_mul(y)))
        }
        // A negative constant times something with one known end.
        ((Some(x), Some(y)), (l, h)) | ((l, h), (Some(x), Some(y))) if x == y => {
            let (l, h) = (l.and_then(|v| v.checked_mul(x)), h.and_then(|v| v.checked_mul(x)));
            if x >= 0 { (l, h) } else { (h, l) }
        }
        _ => (None, None),
    }
}

/// What the atoms of a size imply by themselves: `a - c*(a/c) >= 0`, `min(a, b) <= a` and so on.
fn implied(size: &Size, facts: &mut Vec<Size>) {
    for (product, _) in size.terms() {
        for atom in product {
            let own = Size::atom(atom.clone());
            match atom {
                Atom::Var(_) | Atom::Dim(_) => {}
                Atom::Div(a, b) => {
                    if b.as_const().is_some_and(|b| b > 0) {
                        facts.push(a.minus(&own.times(b)));
                        facts.push(own.times(b).plus(b).minus(&Size::constant(1)).minus(a));
                    }
                }
                Atom::Rem(_, b) => {
                    if b.as_const().is_some_and(|b| b > 0) {
                        facts.push(own.clone());
                        facts.push(b.minus(&Size::constant(1)).minus(&own));
                    }
                }
                Atom::Min(a, b) => {
                    facts.push(a.minus(&own));
                    facts.push(b.minus(&own));
                }
                Atom::Max(a, b) => {
                    facts.push(own.minus(a));
                    facts.push(own.minus(b));
                }
            }
        }
    }
}
