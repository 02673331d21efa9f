//! The prover: is an index in range, a divisor positive, a size at least so much?
//!
//! Everything is one question: is a linear form of expressions never negative? Its axes are replaced by their
//! bounds, innermost first, then what is opaque by its range (through `min max / % >> &`, casts, the stage that a load
//! reads, the contents of constant tensors). Conditions around the expression and facts of the pipeline are forms known not to
//! be negative: if `form - known` is never negative, neither is `form`.
//!
//! Sound, not complete: `false` means "not proved". Sizes and flat indices fit 32 bits (the plan refuses others), so
//! wrapping is ignored for `i32` arithmetic on sizes and indices.

mod linear;
mod range;
mod sizes;

use self::linear::Linear;
use self::sizes::SizeProver;
use super::{AxisId, ConstData, Expr, ExprId, Pipeline, Region, Stage, StageBody, Stmt, TensorId};
use crate::ops::Op;
use crate::size::Size;
use crate::types::{Const, Scalar};
use std::collections::BTreeMap;

/// How many replacements one proof may make.
const STEPS: usize = 400;

/// Answers questions about one pipeline.
pub struct Prover<'a> {
    p: &'a Pipeline,
    consts: &'a [ConstData],
    bounds: &'a BTreeMap<AxisId, (ExprId, ExprId)>,
    known: Vec<Linear>,
    /// Regions around the pipeline's body, which is under construction.
    around: &'a [Region],
    /// Capacities of lists by the variable of their length.
    lengths: Option<&'a BTreeMap<TensorId, Size>>,
}

/// What may stand for an opaque expression in a proof.
enum Candidates {
    /// One of these suffices.
    Any(Vec<Linear>),
    /// All of these must do.
    All(Vec<Linear>),
}

impl<'a> Prover<'a> {
    /// A prover under these conditions.
    pub fn new(
        p: &'a Pipeline,
        consts: &'a [ConstData],
        bounds: &'a BTreeMap<AxisId, (ExprId, ExprId)>,
        path: &[ExprId],
    ) -> Prover<'a> {
        let mut prover = Prover { p, consts, bounds, known: Vec::new(), around: &[], lengths: None };
        for cond in path {
            prover.assume(*cond);
        }
        prover
    }

    /// The same prover for a region under construction: the regions around it, and what is known of lists.
    pub fn around(self, regions: &'a [Region], lengths: &'a BTreeMap<TensorId, Size>) -> Prover<'a> {
        Prover { around: regions, lengths: Some(lengths), ..self }
    }

    /// Whether an `i32` is always less than another.
    pub fn less(&self, a: ExprId, b: ExprId) -> bool {
        let one = Linear { terms: Vec::new(), size: Size::constant(1) };
        let form = self.add(&self.add(&self.linear(b), &self.linear(a), -1), &one, -1);
        self.never_negative(form, &mut STEPS.clone())
    }

    /// Whether an `i32` is never negative.
    pub fn at_least_zero(&self, id: ExprId) -> bool {
        self.never_negative(self.linear(id), &mut STEPS.clone())
    }

    /// Whether an `i32` is always less than the size.
    pub fn below(&self, id: ExprId, size: &Size) -> bool {
        let mut form = self.linear(id);
        form.terms.iter_mut().for_each(|(_, c)| *c = -*c);
        form.size = size.minus(&form.size).minus(&Size::constant(1));
        self.never_negative(form, &mut STEPS.clone())
    }

    /// Whether an integer is always at least 1.
    pub fn positive(&self, id: ExprId) -> bool {
        if self.p.ty(id) != Scalar::I32 {
            return self.integer_range(id).is_some_and(|(low, _)| low >= 1);
        }
        let mut form = self.linear(id);
        form.size = form.size.minus(&Size::constant(1));
        self.never_negative(form, &mut STEPS.clone())
    }

    /// Whether a size is always at least this.
    pub fn size_at_least(&self, size: &Size, least: i64) -> bool {
        SizeProver::new(self.p).never_negative(&size.minus(&Size::constant(least)))
    }

    /// Whether a size is always 0.
    pub fn size_is_zero(&self, size: &Size) -> bool {
        let prover = SizeProver::new(self.p);
        size.as_const() == Some(0)
            || self
                .p
                .facts
                .iter()
                .any(|fact| fact.is_equality && (fact.size == *size || fact.size == size.times_const(-1)))
            || (prover.never_negative(size) && prover.never_negative(&size.times_const(-1)))
    }

    /// Takes a condition as known.
    fn assume(&mut self, cond: ExprId) {
        match &self.p.exprs[cond] {
            Expr::Op(Op::And, args) => {
                self.assume(args[0]);
                self.assume(args[1]);
            }
            // `a and b` is a selection whose other arm is `false`.
            Expr::Select(a, b, no) if self.p.as_const(*no) == Some(Const::bool(false)) => {
                self.assume(*a);
                self.assume(*b);
            }
            Expr::Op(Op::Not, args) => self.assume_not(args[0]),
            Expr::Op(op, args) if args.len() == 2 && self.p.ty(args[0]) == Scalar::I32 => {
                let (a, b) = (self.linear(args[0]), self.linear(args[1]));
                self.assume_relation(*op, a, b);
            }
            _ => {}
        }
    }

    fn assume_not(&mut self, cond: ExprId) {
        match &self.p.exprs[cond] {
            Expr::Op(Op::Not, args) => self.assume(args[0]),
            Expr::Op(Op::Or, args) => {
                self.assume_not(args[0]);
                self.assume_not(args[1]);
            }
            // `a or b` is a selection whose first arm is `true`.
            Expr::Select(a, yes, b) if self.p.as_const(*yes) == Some(Const::bool(true)) => {
                self.assume_not(*a);
                self.assume_not(*b);
            }
            Expr::Op(op, args) if args.len() == 2 && self.p.ty(args[0]) == Scalar::I32 => {
                let opposite = match op {
                    Op::Lt => Op::Ge,
                    Op::Le => Op::Gt,
                    Op::Gt => Op::Le,
                    Op::Ge => Op::Lt,
                    Op::Ne => Op::Eq,
                    _ => return,
                };
                let (a, b) = (self.linear(args[0]), self.linear(args[1]));
                self.assume_relation(opposite, a, b);
            }
            _ => {}
        }
    }

    fn assume_relation(&mut self, op: Op, a: Linear, b: Linear) {
        let one = Linear { terms: Vec::new(), size: Size::constant(1) };
        match op {
            Op::Lt => self.known.push(self.add(&self.add(&b, &a, -1), &one, -1)),
            Op::Le => self.known.push(self.add(&b, &a, -1)),
            Op::Gt => self.known.push(self.add(&self.add(&a, &b, -1), &one, -1)),
            Op::Ge => self.known.push(self.add(&a, &b, -1)),
            Op::Eq => {
                self.known.push(self.add(&a, &b, -1));
                self.known.push(self.add(&b, &a, -1));
            }
            _ => {}
        }
    }

    /// The heart: see the top of the file.
    fn never_negative(&self, form: Linear, steps: &mut usize) -> bool {
        if *steps == 0 {
            return false;
        }
        *steps -= 1;
        if form.terms.is_empty() {
            return SizeProver::new(self.p).never_negative(&form.size);
        }
        for known in &self.known {
            let shares = known
                .terms
                .iter()
                .any(|(id, k)| form.terms.iter().any(|(own, c)| self.p.same(*own, *id) && (*c > 0) == (*k > 0)));
            if shares {
                let rest = self.add(&form, known, -1);
                if rest.terms.len() <= form.terms.len() && self.without(known).never_negative(rest, steps) {
                    return true;
                }
            }
        }
        let (id, coefficient) = self.next_term(&form).expect("there are terms");
        match self.term_bounds(id, coefficient > 0) {
            Candidates::Any(list) => {
                list.iter().any(|bound| self.never_negative(self.replace(&form, id, coefficient, bound), steps))
            }
            Candidates::All(list) => {
                !list.is_empty()
                    && list.iter().all(|bound| self.never_negative(self.replace(&form, id, coefficient, bound), steps))
            }
        }
    }

    /// The same prover without one known form (each is used once in a proof, which bounds the search).
    fn without(&self, used: &Linear) -> Prover<'a> {
        let known = self.known.iter().filter(|known| !std::ptr::eq(*known, used)).cloned().collect();
        Prover { known, ..*self }
    }

    /// Lower (or upper) bounds of an opaque `i32` expression.
    fn candidates(&self, id: ExprId, lower: bool) -> Candidates {
        let constant = |value: i64| Linear { terms: Vec::new(), size: Size::constant(value) };
        if let Expr::Op(op, args) = &self.p.exprs[id] {
            match op {
                Op::Min | Op::Max => {
                    let both = vec![self.linear(args[0]), self.linear(args[1])];
                    let one_suffices = lower == (*op == Op::Max);
                    return if one_suffices { Candidates::Any(both) } else { Candidates::All(both) };
                }
                Op::Rem => {
                    // 0 <= a % n <= n - 1 for n >= 1.
                    if self.positive(args[1]) {
                        let mut n = self.linear(args[1]);
                        n.size = n.size.minus(&Size::constant(1));
                        return Candidates::Any(vec![if lower { Linear::default() } else { n }]);
                    }
                }
                Op::Div => {
                    // For a >= 0 and n >= 1: 0 <= a / n <= a.
                    if self.positive(args[1]) && self.at_least_zero(args[0]) {
                        let mut list = vec![if lower { Linear::default() } else { self.linear(args[0]) }];
                        if let Some((low, high)) = self.integer_range(id) {
                            list.push(constant(if lower { low } else { high }));
                        }
                        return Candidates::Any(list);
                    }
                }
                _ => {}
            }
        }
        if let Expr::Select(_, a, b) = &self.p.exprs[id] {
            return Candidates::All(vec![self.linear(*a), self.linear(*b)]);
        }
        if let Expr::Load(tensor, _) = &self.p.exprs[id]
            && let Some(cap) = self.lengths.and_then(|lengths| lengths.get(tensor))
        {
            // The length of a list.
            let size = if lower { Size::constant(0) } else { cap.clone() };
            return Candidates::Any(vec![Linear { terms: Vec::new(), size }]);
        }
        if let Some(body) = self.defining(id) {
            // A load is bounded by its stage's element where that is bounded by sizes alone; the stage's axes mean other
            // indices there than here, so they must not meet the axes of the form at hand.
            let mut sizes = self.without_known().size_bounds(self.linear(body), lower, &mut 60);
            sizes.extend(self.integer_range(id).map(|(low, high)| Size::constant(if lower { low } else { high })));
            return Candidates::Any(sizes.into_iter().map(|size| Linear { terms: Vec::new(), size }).collect());
        }
        match self.integer_range(id) {
            Some((low, high)) => Candidates::Any(vec![constant(if lower { low } else { high })]),
            None => Candidates::Any(Vec::new()),
        }
    }

    /// The element expression of the stage that an `i32` load reads.
    fn defining(&self, load: ExprId) -> Option<ExprId> {
        let Expr::Load(tensor, _) = &self.p.exprs[load] else { return None };
        let regions = self.around.iter().chain([&self.p.body]);
        let stage = regions.flat_map(|region| &region.stmts).find_map(|stmt| match stmt {
            Stmt::Stage(stage) if stage.tensors.contains(tensor) => Some(stage),
            _ => None,
        })?;
        let Stage { tensors, body: StageBody::Map(exprs), .. } = stage else { return None };
        let position = tensors.iter().position(|own| own == tensor)?;
        let body = exprs[position];
        // What a variable holds now says nothing about what it held when the stage ran.
        if !self.p.loads_var(body).is_empty() {
            return None;
        }
        // Stages are in dependency order, so following loads ends.
        (self.p.ty(body) == Scalar::I32 && self.p.ty(load) == Scalar::I32).then_some(body)
    }

    /// Lower (or upper) bounds of a form, in sizes alone.
    fn size_bounds(&self, form: Linear, lower: bool, steps: &mut usize) -> Vec<Size> {
        if *steps == 0 {
            return Vec::new();
        }
        *steps -= 1;
        let Some((id, coefficient)) = self.next_term(&form) else { return vec![form.size] };
        let want_lower = lower == (coefficient > 0);
        match self.term_bounds(id, want_lower) {
            Candidates::Any(list) => list
                .iter()
                .flat_map(|bound| self.size_bounds(self.replace(&form, id, coefficient, bound), lower, steps))
                .collect(),
            Candidates::All(list) => {
                let mut result: Option<Vec<Size>> = None;
                for bound in &list {
                    let sizes = self.size_bounds(self.replace(&form, id, coefficient, bound), lower, steps);
                    let join = |a: &Size, b: &Size| if lower { a.smaller(b) } else { a.larger(b) };
                    result = Some(match result {
                        None => sizes,
                        Some(before) => {
                            before.iter().flat_map(|a| sizes.iter().map(move |b| join(a, b))).take(8).collect()
                        }
                    });
                }
                result.unwrap_or_default()
            }
        }
    }

    /// The term to replace next: axes first, innermost (the latest made) first.
    fn next_term(&self, form: &Linear) -> Option<(ExprId, i64)> {
        let axes = form.terms.iter().filter_map(|(id, c)| match self.p.exprs[*id] {
            Expr::Axis(axis) => Some((axis, *id, *c)),
            _ => None,
        });
        axes.max_by_key(|(axis, ..)| *axis).map(|(_, id, c)| (id, c)).or(form.terms.first().copied())
    }

    /// Lower (or upper) bounds of a term.
    fn term_bounds(&self, id: ExprId, lower: bool) -> Candidates {
        let Expr::Axis(axis) = self.p.exprs[id] else { return self.candidates(id, lower) };
        let bound = match (lower, self.bounds.get(&axis), &self.p.axes[axis].extent) {
            (true, Some((lo, _)), _) => self.linear(*lo),
            (true, None, Some(_)) => Linear::default(),
            (false, Some((_, hi)), _) => {
                let mut hi = self.linear(*hi);
                hi.size = hi.size.minus(&Size::constant(1));
                hi
            }
            (false, None, Some(extent)) => Linear { terms: Vec::new(), size: extent.minus(&Size::constant(1)) },
            (_, None, None) => return Candidates::Any(Vec::new()),
        };
        Candidates::Any(vec![bound])
    }

    fn without_known(&self) -> Prover<'a> {
        Prover { known: Vec::new(), ..*self }
    }
}
