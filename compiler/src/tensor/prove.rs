//! The prover: is an index in range, a divisor positive, a size at least so much?
//!
//! Everything is one question: is a linear form of expressions never negative? Its axes are replaced by their
//! bounds, innermost first, then what is opaque by its range (through `min max / % >> &`, casts, the stage that a load
//! reads, the contents of constant tensors). Conditions around the expression and facts of the pipeline are forms known not to
//! be negative: if `form - known` is never negative, neither is `form`.
//!
//! Sound, not complete: `false` means "not proved". Sizes and flat indices fit 32 bits (the plan refuses others), so
//! wrapping is ignored for `i32` arithmetic on sizes and indices.

use super::{AxisId, ConstData, Expr, ExprId, Pipeline, Stage, StageBody, Stmt, TensorKind};
use crate::ops::Op;
use crate::size::{Atom, Size};
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
}

/// `sum of coefficient * expression + size`.
#[derive(Clone, Debug, Default)]
struct Linear {
    terms: Vec<(ExprId, i64)>,
    size: Size,
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
        let mut prover = Prover { p, consts, bounds, known: Vec::new() };
        for cond in path {
            prover.assume(*cond);
        }
        prover
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

    /// The expression as a linear form; what is not linear is an opaque term.
    fn linear(&self, id: ExprId) -> Linear {
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
    fn add(&self, a: &Linear, b: &Linear, factor: i64) -> Linear {
        let mut sum = a.clone();
        sum.size = sum.size.plus(&b.size.times_const(factor));
        for (id, coefficient) in &b.terms {
            let coefficient = coefficient.saturating_mul(factor);
            match sum.terms.iter_mut().find(|(own, _)| self.same(*own, *id)) {
                Some((_, own)) => *own = own.saturating_add(coefficient),
                None => sum.terms.push((*id, coefficient)),
            }
        }
        sum.terms.retain(|(_, coefficient)| *coefficient != 0);
        sum
    }

    /// Whether two expressions are the same expression.
    fn same(&self, a: ExprId, b: ExprId) -> bool {
        self.same_within(a, b, 12)
    }

    fn same_within(&self, a: ExprId, b: ExprId, depth: usize) -> bool {
        if a == b {
            return true;
        }
        // Indices are small; large graphs are shared already, and walking them as trees would take for ever.
        if depth == 0 {
            return false;
        }
        let same_all = |a: &[ExprId], b: &[ExprId]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_within(*a, *b, depth - 1))
        };
        match (&self.p.exprs[a], &self.p.exprs[b]) {
            (Expr::Op(f, a), Expr::Op(g, b)) => f == g && same_all(a, b),
            (Expr::Load(t, a), Expr::Load(u, b)) => t == u && same_all(a, b),
            (Expr::Cast(x), Expr::Cast(y)) => self.p.ty(a) == self.p.ty(b) && self.same_within(*x, *y, depth - 1),
            (Expr::Select(c, x, y), Expr::Select(d, v, w)) => {
                self.same_within(*c, *d, depth - 1)
                    && self.same_within(*x, *v, depth - 1)
                    && self.same_within(*y, *w, depth - 1)
            }
            (x, y) => x == y,
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
                .any(|(id, k)| form.terms.iter().any(|(own, c)| self.same(*own, *id) && (*c > 0) == (*k > 0)));
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

    fn replace(&self, form: &Linear, id: ExprId, coefficient: i64, bound: &Linear) -> Linear {
        let mut rest = form.clone();
        rest.terms.retain(|(own, _)| *own != id);
        self.add(&rest, bound, coefficient)
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
        let stage = self.p.body.stmts.iter().find_map(|stmt| match stmt {
            Stmt::Stage(stage) if stage.tensors.contains(tensor) => Some(stage),
            _ => None,
        })?;
        let Stage { tensors, body: StageBody::Map(exprs), .. } = stage else { return None };
        let position = tensors.iter().position(|own| own == tensor)?;
        let body = exprs[position];
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

    /// Constant bounds of an integer expression.
    fn integer_range(&self, id: ExprId) -> Option<(i64, i64)> {
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

/// Sizes alone: polynomials against facts.
struct SizeProver {
    facts: Vec<Size>,
}

impl SizeProver {
    fn new(p: &Pipeline) -> SizeProver {
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

    fn never_negative(&self, size: &Size) -> bool {
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
