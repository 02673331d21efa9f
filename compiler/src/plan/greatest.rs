//! The peak-memory certificate of a region: the greatest value of its size over all sizes that `plan` accepts, by branch
//! and bound.
//!
//! A box of sizes is bounded by interval arithmetic and split until its bound is reached by sizes that are allowed, or
//! until the work is enough. Sound in either case; exact in the first. (One interval alone knows nothing of parts that
//! vary together: `H * (256 * W / H)` is at most `256 * W`.)

use super::bounds::Bounds;
use super::interval::{Formula, Interval};
use crate::size::{Size, SizeVar};
use crate::tensor::Fact;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How many nodes of the formula one search may visit: some milliseconds.
const WORK: usize = 200_000;

/// What a 32-bit memory holds; a bound beyond it says nothing.
const ADDRESSABLE: i128 = 1 << 32;

/// A box of sizes that may hold the greatest value.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    bound: i128,
    sizes: Vec<Interval>,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.cmp(&other.bound).then_with(|| self.sizes.cmp(&other.sizes))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A value that the size never exceeds where the facts hold; `None` if it is beyond what can be addressed.
pub fn greatest(size: &Size, bounds: &Bounds, facts: &[Fact]) -> Option<u64> {
    let (facts, reachable) = relevant(size, facts);
    let (vars, root): (Vec<SizeVar>, Vec<Interval>) =
        bounds.intervals().filter(|(var, _)| reachable.contains(var)).unzip();
    let formula = Formula::of(facts.iter().map(|fact| &fact.size).chain([size]), &vars);
    let holds = |facts_of: &[Interval], test: &dyn Fn(Interval, bool) -> bool| {
        facts.iter().zip(facts_of).all(|(fact, interval)| test(*interval, fact.is_equality))
    };
    let possible = |interval: Interval, is_equality: bool| interval.1 >= 0 && (!is_equality || interval.0 <= 0);
    let certain = |interval: Interval, is_equality: bool| interval.0 >= 0 && (!is_equality || interval.1 <= 0);
    let mut candidates = BinaryHeap::new();
    let mut reached = 0i128;
    let consider = |sizes: Vec<Interval>, reached: &mut i128, candidates: &mut BinaryHeap<Candidate>| {
        let values = formula.eval(&sizes);
        let (of_facts, bound) = (&values[..facts.len()], values[facts.len()].1);
        // What the plan refuses needs no memory.
        let is_out = formula.is_refused(&sizes, facts.len());
        if sizes.iter().any(|(lo, hi)| lo > hi) || !holds(of_facts, &possible) || is_out {
            return;
        }
        let corner: Vec<Interval> = sizes.iter().map(|(_, hi)| (*hi, *hi)).collect();
        let at_corner = formula.eval(&corner);
        if holds(&at_corner[..facts.len()], &certain) {
            *reached = (*reached).max(at_corner[facts.len()].0);
        }
        candidates.push(Candidate { bound, sizes });
    };
    consider(root, &mut reached, &mut candidates);
    let rounds = (WORK / formula.nodes().max(1)).max(64);
    for _ in 0..rounds {
        let Some(top) = candidates.peek() else { break };
        let Some(axis) = widest(&top.sizes).filter(|_| top.bound > reached) else { break };
        let Some(Candidate { sizes, .. }) = candidates.pop() else { break };
        let at = middle(sizes[axis]);
        for half in [(sizes[axis].0, at), (at + 1, sizes[axis].1)] {
            let mut sizes = sizes.clone();
            sizes[axis] = half;
            consider(sizes, &mut reached, &mut candidates);
        }
    }
    let bound = candidates.peek().map_or(0, |top| top.bound.max(0));
    if bound <= ADDRESSABLE { u64::try_from(bound).ok() } else { None }
}

/// The facts that can bound a size, and all variables of both.
fn relevant<'a>(size: &Size, facts: &'a [Fact]) -> (Vec<&'a Fact>, Vec<SizeVar>) {
    let mut reachable = Vec::new();
    size.vars(&mut reachable);
    let mut chosen = vec![false; facts.len()];
    // Each round can carry on over one more fact.
    for _ in 0..facts.len() {
        for (fact, chosen) in facts.iter().zip(&mut chosen) {
            if !*chosen && reachable.iter().any(|var| fact.size.mentions(*var)) {
                fact.size.vars(&mut reachable);
                *chosen = true;
            }
        }
    }
    (facts.iter().zip(chosen).filter_map(|(fact, chosen)| chosen.then_some(fact)).collect(), reachable)
}

/// The axis whose ends are farthest apart as a ratio; `None` if the box is a point.
fn widest(sizes: &[Interval]) -> Option<usize> {
    let open = (0..sizes.len()).filter(|axis| sizes[*axis].0 < sizes[*axis].1);
    open.max_by(|a, b| {
        let ((a_lo, a_hi), (b_lo, b_hi)) = (sizes[*a], sizes[*b]);
        // Sizes are from 0 to 2^31, so these products are small.
        ((a_hi + 1) * (b_lo + 1)).cmp(&((b_hi + 1) * (a_lo + 1))).then(b.cmp(a))
    })
}

/// Where to split an interval: in the middle of its ratio, and in its middle if that is narrow.
fn middle((lo, hi): Interval) -> i128 {
    let at = if hi > 2 * lo + 2 { ((lo + 1) * (hi + 1)).isqrt() - 1 } else { lo + (hi - lo) / 2 };
    at.clamp(lo, hi - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Op;
    use crate::size::eval::SizeValues;
    use crate::size::{DimExpr, SizeNames};
    use crate::types::{Const, Scalar};

    fn fact(size: Size) -> Fact {
        Fact { is_equality: false, size, text: String::new(), origin: None }
    }

    fn at_most(size: &Size, limit: i64) -> Fact {
        fact(Size::constant(limit).minus(size))
    }

    /// The greatest value that a size has for sizes up to these limits, if some facts hold: by trying all.
    fn by_trying(size: &Size, vars: &[SizeVar], limits: &[i64], facts: &[Fact]) -> u64 {
        let mut values = SizeValues::default();
        let mut greatest = 0;
        let mut point = vec![0i64; vars.len()];
        loop {
            values.sizes.extend(vars.iter().copied().zip(point.iter().copied()));
            if facts.iter().all(|fact| values.size(&fact.size).is_ok_and(|value| value >= 0))
                && let Ok(value) = values.size(size)
            {
                greatest = greatest.max(value);
            }
            let Some(axis) = (0..vars.len()).find(|axis| point[*axis] < limits[*axis]) else { return greatest as u64 };
            point[axis] += 1;
            point[..axis].fill(0);
        }
    }

    /// `dim(if H <= W { a } else { b })`.
    fn if_not_taller(h: &Size, w: &Size, a: Size, b: Size) -> Size {
        let condition = DimExpr::Op(Op::Le, vec![DimExpr::Size(h.clone()), DimExpr::Size(w.clone())]);
        Size::dim(DimExpr::Select(Box::new([condition, DimExpr::Size(a), DimExpr::Size(b)])))
    }

    #[test]
    fn sizes_that_vary_together_are_bounded_together() {
        let mut names = SizeNames::default();
        let vars = [names.new_size("H"), names.new_size("W")];
        let [h, w] = vars.map(Size::from);
        let facts = [at_most(&h, 40), at_most(&w, 60)];
        let bounds = Bounds::of(&vars, &facts);
        let eight = Size::constant(8);
        // The sides of an image whose shorter side becomes 8 pixels.
        let height = if_not_taller(&h, &w, eight.clone(), h.times(&eight).div(&w));
        let width = if_not_taller(&h, &w, w.times(&eight).div(&h), eight.clone());
        let steps = DimExpr::Op(
            Op::Ceil,
            vec![DimExpr::Op(
                Op::Div,
                [&h, &height].map(|size| DimExpr::Cast(Scalar::F64, Box::new(DimExpr::Size(size.clone())))).to_vec(),
            )],
        );
        let steps = Size::dim(DimExpr::Cast(Scalar::I32, Box::new(steps)));
        for size in [
            h.times(&width).times_const(3).plus(&height.times(&width)),
            h.times(&w).times_const(4).plus(&height.times(&steps)),
            h.times(&w).minus(&h.times(&h)),
            height.larger(&width).plus(&h.rem(&Size::constant(7))),
        ] {
            let found = greatest(&size, &bounds, &facts).expect("bounded");
            assert_eq!(found, by_trying(&size, &vars, &[40, 60], &facts), "{}", names.show(&size));
        }
    }

    #[test]
    fn facts_between_sizes_count() {
        let mut names = SizeNames::default();
        let vars = [names.new_size("A"), names.new_size("B")];
        let [a, b] = vars.map(Size::from);
        let facts = [at_most(&a, 30), at_most(&b, 30), at_most(&a.plus(&b), 40)];
        let bounds = Bounds::of(&vars, &facts);
        assert_eq!(greatest(&a.times(&b), &bounds, &facts), Some(400));
        assert_eq!(greatest(&a.times_const(3).plus(&b), &bounds, &facts), Some(100));
        // Facts that contradict each other leave nothing.
        let none = [at_most(&a, 30), at_most(&b, 30), fact(a.minus(&b).minus(&1.into())), fact(b.minus(&a))];
        assert_eq!(greatest(&a.times(&b), &Bounds::of(&vars, &none), &none), Some(0));
    }

    #[test]
    fn what_cannot_be_decided_stays_above() {
        let mut names = SizeNames::default();
        let n = names.new_size("N");
        let scale = names.new_scalar("scale");
        let size = Size::from(n);
        let facts = [at_most(&size, 1000)];
        let bounds = Bounds::of(&[n], &facts);
        // A scalar may be anything.
        let scaled = DimExpr::Op(
            Op::Mul,
            vec![
                DimExpr::Cast(Scalar::F32, Box::new(DimExpr::Size(size.clone()))),
                DimExpr::Scalar(scale, Scalar::F32),
            ],
        );
        let scaled = Size::dim(DimExpr::Cast(Scalar::I32, Box::new(scaled)));
        assert_eq!(greatest(&scaled, &bounds, &facts), Some(i32::MAX as u64));
        assert_eq!(greatest(&scaled.times_const(4), &bounds, &facts), None);
        let clamped = Size::constant(500).smaller(&scaled.larger(&Size::constant(2)));
        assert_eq!(greatest(&clamped.times_const(4), &bounds, &facts), Some(2000));
        // More corners than the search can visit: still an upper bound, and near.
        let wave = size.times(&size).rem(&Size::constant(997)).times(&size);
        let exact = by_trying(&wave, &[n], &[1000], &facts);
        let found = greatest(&wave, &bounds, &facts).expect("bounded");
        assert!(found >= exact && found <= exact + exact / 50, "{found} for {exact}");
        let zero = DimExpr::Op(Op::Div, vec![DimExpr::Const(Const::f32(1.0)), DimExpr::Scalar(scale, Scalar::F32)]);
        let any = Size::dim(DimExpr::Cast(Scalar::I32, Box::new(zero)));
        assert_eq!(greatest(&any, &bounds, &facts), Some(i32::MAX as u64));
    }
}
