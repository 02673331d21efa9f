//! Splits a loop where a condition on its index changes, so that the long part has no condition.
//!
//! Before: `for i: 0..N { y[i] = 0 < i ? x[max(i - 1, 0)] : 0 }`. After: `for i: 0..min(1, N) { y[i] = 0 < i ? … }` and
//! `for i: min(1, N)..N { y[i] = x[i - 1] }`.
//!
//! A part of the range is described by *facts*, linear forms that are not negative there (`loops/linear.rs`). The
//! *interior* is where every choice falls on the side that moves with the index. An *edge* that may be long is where
//! every fact of one side of the interior is wrong (what lies beside a padded picture, the second half of a
//! concatenation); there the choices are made, too. What is left, the *rest*, runs as it was, in one copy for both ends.
//! Bounds are computed when the kernel runs and are clamped into the loop's range, so that every size is right.
//! Only loops whose iterations may run in any order are split, and only if the interior is clearly cheaper.

use super::cost::per_iteration;
use super::depends::{Varying, is_parallel, trip_count};
use super::linear::{Form, Reading};
use super::rename::copy_mapped;
use super::vectorise::reorderable;
use super::{Expr, Loop, LoopKind, Program, Stmt, Ty, Var, VarId, build, tidy};
use crate::ops::Op;
use crate::size::Size;
use crate::types::{Const, Scalar};
use std::collections::{BTreeMap, BTreeSet};

/// Loops with fewer iterations stay whole; so do edges that are known to have at most so many.
const SHORT: i64 = 16;
/// Facts that one loop is split by at most.
const FACTS: usize = 12;
/// What the interior may cost, compared with the whole.
const PAYS: f64 = 0.85;
/// A kernel may grow to so many times its size, and a little more.
const GROWTH: usize = 4;
/// What a small kernel may grow by anyhow, in nodes.
const ROOM: usize = 1500;

/// Splits loops in every kernel, inner ones first, and notes the loops that are left with few iterations.
pub fn split(program: &mut Program) {
    for n in 0..program.kernels.len() {
        let mut kernel = program.kernels[n].clone();
        let room = (GROWTH - 1) * nodes(&kernel.body) + ROOM;
        let (short, done) = (kernel.short.clone(), Vec::new());
        let mut splitter = Splitter { program, vars: kernel.vars, short, done, room };
        kernel.body = splitter.block(kernel.body, &BTreeSet::new());
        (kernel.vars, kernel.short) = (splitter.vars, splitter.short);
        kernel.schedule = [kernel.schedule]
            .into_iter()
            .chain(splitter.done)
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; ");
        program.kernels[n] = kernel;
    }
}

/// The size of statements: their number, and that of their expressions.
fn nodes(stmts: &[Stmt]) -> usize {
    let mut count = 0;
    build::visit(stmts, &mut |stmt| {
        count += 1;
        for expr in stmt.exprs() {
            expr.visit(&mut |_| count += 1);
        }
    });
    count
}

struct Splitter<'a> {
    program: &'a Program,
    vars: Vec<Var>,
    short: BTreeSet<VarId>,
    /// What was done, for the kernel's schedule.
    done: Vec<String>,
    /// How much the kernel may still grow.
    room: usize,
}

/// A loop's parts: bounds and bodies.
struct Parts {
    lets: Vec<Stmt>,
    /// With choices made, perhaps to be split again.
    edges: Vec<Loop>,
    interior: Loop,
    /// Ranges in which the loop runs as it was.
    rest: Vec<(Expr, Expr)>,
}

impl Splitter<'_> {
    fn block(&mut self, stmts: Vec<Stmt>, indices: &BTreeSet<VarId>) -> Vec<Stmt> {
        let mut out = Vec::new();
        for mut stmt in stmts {
            let mut inner = indices.clone();
            if let Stmt::For(nest) = &stmt
                && build::as_int(&nest.lo).is_some_and(|lo| lo >= 0)
            {
                inner.insert(nest.var);
            }
            for block in stmt.blocks_mut() {
                *block = self.block(std::mem::take(block), &inner);
            }
            match stmt {
                Stmt::For(nest) if inner.contains(&nest.var) => self.nest(nest, &inner, &mut out),
                other => out.push(other),
            }
        }
        out
    }

    /// Splits a loop if that pays. Its index and `indices` are never negative.
    fn nest(&mut self, nest: Loop, indices: &BTreeSet<VarId>, out: &mut Vec<Stmt>) {
        let Some(parts) = self.parts(&nest, indices) else {
            out.push(Stmt::For(nest));
            return;
        };
        out.extend(parts.lets);
        self.done.push(format!("{} split", self.vars[nest.var.0 as usize].name));
        for edge in parts.edges {
            let edge = self.renamed(edge);
            let mut indices = indices.clone();
            indices.insert(edge.var);
            self.nest(edge, &indices, out);
        }
        self.rest(&nest, &parts.rest, out);
        out.push(Stmt::For(self.renamed(parts.interior)));
    }

    /// A copy of a loop with variables of its own.
    fn renamed(&mut self, nest: Loop) -> Loop {
        let (mut copied, names) = copy_mapped(&[Stmt::For(nest)], &mut self.vars);
        let short: Vec<VarId> = names.iter().filter(|(old, _)| self.short.contains(old)).map(|(_, new)| *new).collect();
        self.short.extend(short);
        match copied.pop() {
            Some(Stmt::For(nest)) => nest,
            _ => unreachable!("a copy of a loop is a loop"),
        }
    }

    /// The loop as it was, over up to two ranges, with one copy of the body.
    fn rest(&mut self, nest: &Loop, ranges: &[(Expr, Expr)], out: &mut Vec<Stmt>) {
        let loops: Vec<Loop> = match ranges {
            [] => return,
            [(lo, hi)] => vec![Loop { lo: lo.clone(), hi: hi.clone(), ..nest.clone() }],
            [first, second, ..] => {
                let side = self.var("side");
                let is_first = Expr::Op(Op::Eq, vec![Expr::Var(side), build::int(0)]);
                let pick = |a: &Expr, b: &Expr| build::select(is_first.clone(), a.clone(), b.clone());
                let (mut lets, mut bounds) = (Vec::new(), Vec::new());
                for (a, b) in [(&first.0, &second.0), (&first.1, &second.1)] {
                    bounds.push(self.held("end", pick(a, b), &mut lets));
                }
                let hi = bounds.pop().expect("two bounds");
                let lo = bounds.pop().expect("two bounds");
                let mut inner = self.renamed(Loop { lo, hi, ..nest.clone() });
                self.short.insert(inner.var);
                inner.kind = LoopKind::Serial;
                lets.push(Stmt::For(inner));
                self.short.insert(side);
                let (lo, hi, step) = (build::int(0), build::int(2), build::int(1));
                out.push(Stmt::For(Loop { var: side, lo, hi, step, kind: LoopKind::Serial, body: lets }));
                return;
            }
        };
        for nest in loops {
            let nest = self.renamed(nest);
            self.short.insert(nest.var);
            out.push(Stmt::For(nest));
        }
    }

    fn var(&mut self, name: &str) -> VarId {
        self.vars.push(Var { name: name.to_string(), ty: Ty::one(Scalar::I32) });
        VarId(self.vars.len() as u32 - 1)
    }

    /// A leaf with this value.
    fn held(&mut self, name: &str, value: Expr, out: &mut Vec<Stmt>) -> Expr {
        if matches!(value, Expr::Const(_) | Expr::Var(_) | Expr::Size(_)) {
            return value;
        }
        let var = self.var(name);
        out.push(Stmt::Let(var, value));
        Expr::Var(var)
    }

    fn parts(&mut self, nest: &Loop, indices: &BTreeSet<VarId>) -> Option<Parts> {
        let any_order = is_parallel(self.program, nest) || reorderable(nest, &self.vars).is_some();
        let is_long = trip_count(nest).is_none_or(|count| count >= SHORT);
        if !any_order || !is_long || build::as_int(&nest.step) != Some(1) {
            return None;
        }
        let vars = std::mem::take(&mut self.vars);
        let is_index = |var: VarId| vars[var.0 as usize].ty == Ty::one(Scalar::I32);
        let mut reading = Reading::new(nest, indices, &is_index);
        let found = self.find(nest, &vars, &mut reading);
        self.vars = vars;
        let (interior, edges, bounds) = found?;

        let mut lets = Vec::new();
        let Bounds { lower, upper } = bounds;
        let clamp = |bound: Bound| bound.clamped(&nest.lo, &nest.hi);
        let combine = |op: fn(Expr, Expr) -> Expr, bounds: &[Bound]| bounds.iter().cloned().map(clamp).reduce(op);
        let from = combine(build::max, &lower).map_or(nest.lo.clone(), |from| self.held("from", from, &mut lets));
        let to = match combine(build::min, &upper) {
            Some(to) => self.held("to", build::max(from.clone(), to), &mut lets),
            None => nest.hi.clone(),
        };
        let (mut parts, mut rest) = (Vec::new(), Vec::new());
        let part =
            |lo: &Expr, hi: &Expr, body: Vec<Stmt>| Loop { lo: lo.clone(), hi: hi.clone(), body, ..nest.clone() };
        let [below, above] = edges;
        if !lower.is_empty() {
            let mut start = nest.lo.clone();
            if let Some(body) = below {
                let end = combine(build::min, &lower).filter(|_| lower.len() > 1);
                let end = end.map_or(from.clone(), |end| self.held("edge", build::min(end, from.clone()), &mut lets));
                parts.push(part(&start, &end, body));
                start = end;
            }
            rest.extend((start != from).then(|| (start, from.clone())));
        }
        if !upper.is_empty() {
            let mut end = nest.hi.clone();
            if let Some(body) = above {
                let start = combine(build::max, &upper).filter(|_| upper.len() > 1);
                let start = start.map_or(to.clone(), |s| self.held("edge", build::max(s, to.clone()), &mut lets));
                parts.push(part(&start, &end, body));
                end = start;
            }
            rest.extend((end != to).then(|| (to.clone(), end)));
        }
        let interior = part(&from, &to, interior);
        let rest_nodes = if rest.is_empty() { 0 } else { nodes(&nest.body) };
        let growth = parts.iter().map(|part| nodes(&part.body)).sum::<usize>() + rest_nodes;
        self.room = self.room.checked_sub(growth)?;
        Some(Parts { lets, edges: parts, interior, rest })
    }

    /// The bodies of the interior and of the edges that may be long, and where the parts end.
    fn find(
        &self,
        nest: &Loop,
        vars: &[Var],
        reading: &mut Reading<'_>,
    ) -> Option<(Vec<Stmt>, [Option<Vec<Stmt>>; 2], Bounds)> {
        reading.assuming = true;
        let varying = Varying::on(nest.var, &nest.body, vars.len());
        Finder { reading, varying, seen: BTreeSet::new() }.block(&nest.body);
        let facts = reading.facts.clone();
        if facts.is_empty() || facts.len() > FACTS {
            return None;
        }
        let interior = decided(reading, facts.clone(), nest, vars.len());
        if self.cost(nest, vars, &interior) > PAYS * self.cost(nest, vars, &nest.body) {
            return None;
        }
        let (lower, upper): (Vec<Form>, Vec<Form>) = facts.into_iter().partition(|fact| fact.index > 0);
        let mut edges = [None, None];
        let mut bounds = [Vec::new(), Vec::new()];
        for (n, (facts, end)) in [(lower, &nest.lo), (upper, &nest.hi)].into_iter().enumerate() {
            for fact in &facts {
                bounds[n].push(Bound::of(fact.index, &reading.least(fact)?));
            }
            let may_be_long = bounds[n].iter().all(|bound| !bound.is_near(end));
            if !facts.is_empty() && may_be_long && facts.iter().all(|fact| fact.inner.is_empty()) {
                edges[n] = Some(decided(reading, facts.iter().map(Form::not).collect(), nest, vars.len()));
            }
        }
        let [lower, upper] = bounds;
        Some((interior, edges, Bounds { lower: unique(lower), upper: unique(upper) }))
    }

    /// What an iteration costs with this body, with lanes if it can have them.
    fn cost(&self, nest: &Loop, vars: &[Var], body: &[Stmt]) -> f64 {
        let nest = Loop { body: body.to_vec(), ..nest.clone() };
        let accumulators = reorderable(&nest, vars).unwrap_or_default();
        let names: Vec<VarId> = accumulators.iter().map(|(var, _)| *var).collect();
        let (scalar, lanes) = per_iteration(self.program, vars, &nest, &names);
        lanes.map_or(scalar, |lanes| lanes.min(scalar))
    }
}

fn unique(bounds: Vec<Bound>) -> Vec<Bound> {
    let mut all: Vec<Bound> = Vec::new();
    for bound in bounds {
        if !all.contains(&bound) {
            all.push(bound);
        }
    }
    all
}

/// Where facts begin or cease to hold.
struct Bounds {
    /// From there on.
    lower: Vec<Bound>,
    /// Up to there, exclusively.
    upper: Vec<Bound>,
}

/// A place in a loop's range, computed in 32 bits if it is plain that it fits, or else in 64.
#[derive(Clone, PartialEq)]
struct Bound {
    value: Expr,
    is_wide: bool,
}

impl Bound {
    /// Where `index * i + form` begins not to be negative, or ceases.
    fn of(index: i64, form: &Form) -> Bound {
        if let (Some(value), true) = (form.size.as_const(), form.outer.is_empty()) {
            let at = if index > 0 { -value.div_euclid(index) } else { value.div_euclid(-index) + 1 };
            let value = build::int(at.clamp(i64::from(i32::MIN), i64::from(i32::MAX)));
            return Bound { value, is_wide: false };
        }
        if form.outer.is_empty() && is_tame(&form.size) {
            let value = match index {
                1 => build::size(&form.size.times_const(-1)),
                -1 => build::size(&form.size.plus(&Size::constant(1))),
                _ if index > 0 => build::sub(build::int(0), build::div(build::size(&form.size), index)),
                _ => build::add(build::div(build::size(&form.size), -index), build::int(1)),
            };
            return Bound { value, is_wide: false };
        }
        let op = |op, a, b| Expr::Op(op, vec![a, b]);
        let mut sum = wide(build::int(0));
        let mut add = |value: Expr, factor: i64| {
            let term = if factor == 1 { wide(value) } else { op(Op::Mul, wide(value), long(factor)) };
            sum = op(Op::Add, sum.clone(), term);
        };
        for (var, factor) in &form.outer {
            add(Expr::Var(*var), *factor);
        }
        let mut constant = 0;
        for (product, factor) in form.size.terms() {
            if product.is_empty() {
                constant = factor;
            } else {
                let size = product.iter().fold(Size::constant(1), |size, atom| size.times(&Size::atom(atom.clone())));
                add(build::size(&size), factor);
            }
        }
        let total = op(Op::Add, sum, long(constant));
        let quotient = if index.abs() == 1 { total } else { op(Op::Div, total, long(index.abs())) };
        let value = if index > 0 { op(Op::Sub, long(0), quotient) } else { op(Op::Add, quotient, long(1)) };
        Bound { value, is_wide: true }
    }

    /// The place as an `i32` between two others.
    fn clamped(self, lo: &Expr, hi: &Expr) -> Expr {
        if !self.is_wide {
            return build::min(build::max(self.value, lo.clone()), hi.clone());
        }
        let inside = Expr::Op(Op::Max, vec![self.value, wide(lo.clone())]);
        Expr::Cast(Scalar::I32, Box::new(Expr::Op(Op::Min, vec![inside, wide(hi.clone())])))
    }

    /// Whether it is known to be less than `SHORT` away from an end of the range.
    fn is_near(&self, end: &Expr) -> bool {
        let distance = build::sub(self.value.clone(), end.clone());
        !self.is_wide && build::as_int(&distance).is_some_and(|distance| distance.abs() <= SHORT)
    }
}

/// A constant of 64 bits.
fn long(value: i64) -> Expr {
    Expr::Const(Const::int(Scalar::I64, i128::from(value)))
}

/// An `i32` as 64 bits.
fn wide(value: Expr) -> Expr {
    match build::as_int(&value) {
        Some(value) => long(value),
        None => Expr::Cast(Scalar::I64, Box::new(value)),
    }
}

/// Whether a size, its negative and their neighbours fit 32 bits: at most one product to add, one to take away.
fn is_tame(size: &Size) -> bool {
    let (mut up, mut down) = (0, 0);
    for (product, factor) in size.terms() {
        match factor {
            _ if product.is_empty() && factor.abs() <= 1 << 16 => {}
            1 => up += 1,
            -1 => down += 1,
            _ => return false,
        }
    }
    up <= 1 && down <= 1
}

/// Finds the facts of the interior: asks, beginning at what is stored, for every choice on the way.
struct Finder<'r, 'a> {
    reading: &'r mut Reading<'a>,
    varying: Varying,
    seen: BTreeSet<VarId>,
}

impl Finder<'_, '_> {
    fn block(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match stmt {
                // Asked for by those who use it.
                Stmt::Let(var, _) if !self.reading.changes(*var) => {}
                Stmt::If(cond, then, other) => match self.decide(cond, !then.is_empty()) {
                    Some(true) => self.block(then),
                    Some(false) => self.block(other),
                    None => {
                        self.expr(cond);
                        self.block(then);
                        self.block(other);
                    }
                },
                _ => {
                    for expr in stmt.exprs() {
                        self.expr(expr);
                    }
                    for block in stmt.blocks() {
                        self.block(block);
                    }
                }
            }
        }
    }

    /// What a condition is in the interior.
    fn decide(&mut self, cond: &Expr, wanted: bool) -> Option<bool> {
        if let Some(holds) = self.reading.truth(cond) {
            return Some(holds);
        }
        self.reading.assume_condition(cond, wanted);
        self.reading.truth(cond)
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Var(var) => {
                if let Some(value) = self.reading.definition(*var)
                    && self.seen.insert(*var)
                {
                    self.expr(value);
                }
            }
            Expr::Select(parts) => {
                let moves = [1, 2].map(|n| self.varying.mentions(&parts[n]));
                let decided = match self.reading.truth(&parts[0]) {
                    Some(holds) => Some(holds),
                    None if moves[0] || moves[1] => self.decide(&parts[0], moves[0]),
                    None => None,
                };
                match decided {
                    Some(holds) => self.expr(&parts[if holds { 1 } else { 2 }]),
                    None => parts.iter().for_each(|part| self.expr(part)),
                }
            }
            Expr::Op(Op::Min | Op::Max | Op::Rem, args) => match self.reading.chosen(expr) {
                Some(arg) => self.expr(arg),
                None => args.iter().for_each(|arg| self.expr(arg)),
            },
            _ => expr.children().into_iter().for_each(|child| self.expr(child)),
        }
    }
}

/// A loop's body with the choices made that these facts decide.
fn decided(reading: &mut Reading<'_>, facts: Vec<Form>, nest: &Loop, vars: usize) -> Vec<Stmt> {
    reading.with_facts(facts);
    let mut body = Decider { reading, values: BTreeMap::new() }.block(&nest.body);
    tidy::remove_unused(&mut body, vars);
    body
}

struct Decider<'r, 'a> {
    reading: &'r mut Reading<'a>,
    /// Variables that became leaves.
    values: BTreeMap<VarId, Expr>,
}

impl Decider<'_, '_> {
    fn block(&mut self, stmts: &[Stmt]) -> Vec<Stmt> {
        let mut out = Vec::new();
        for stmt in stmts {
            match stmt {
                Stmt::Let(var, value) => {
                    let value = self.expr(value);
                    let is_leaf = match &value {
                        Expr::Const(_) | Expr::Size(_) => true,
                        Expr::Var(other) => !self.reading.changes(*other),
                        _ => false,
                    };
                    if is_leaf && !self.reading.changes(*var) {
                        self.values.insert(*var, value);
                    } else {
                        out.push(Stmt::Let(*var, value));
                    }
                }
                Stmt::If(cond, then, other) => match self.reading.truth(cond) {
                    Some(true) => out.extend(self.block(then)),
                    Some(false) => out.extend(self.block(other)),
                    None => {
                        let cond = self.expr(cond);
                        out.push(Stmt::If(cond, self.block(then), self.block(other)));
                    }
                },
                _ => {
                    let mut stmt = stmt.clone();
                    for expr in stmt.exprs_mut() {
                        *expr = self.expr(expr);
                    }
                    for block in stmt.blocks_mut() {
                        *block = self.block(block);
                    }
                    out.push(stmt);
                }
            }
        }
        out
    }

    fn expr(&mut self, expr: &Expr) -> Expr {
        match expr {
            Expr::Var(var) => self.values.get(var).unwrap_or(expr).clone(),
            Expr::Op(Op::Lt | Op::Le | Op::Gt | Op::Ge, _) if self.reading.truth(expr).is_some() => {
                Expr::Const(Const::bool(self.reading.truth(expr) == Some(true)))
            }
            Expr::Op(Op::Min | Op::Max | Op::Rem, _) | Expr::Select(_) => match self.reading.chosen(expr) {
                Some(arg) => self.expr(arg),
                None => self.children(expr),
            },
            _ => self.children(expr),
        }
    }

    fn children(&mut self, expr: &Expr) -> Expr {
        let mut expr = expr.clone();
        for child in expr.children_mut() {
            *child = self.expr(child);
        }
        let known = |expr: &Expr| match expr {
            Expr::Const(value) if value.ty == Scalar::Bool => Some(value.bits != 0),
            _ => None,
        };
        match expr {
            Expr::Op(Op::And, mut args) => {
                let b = args.pop().expect("two operands");
                build::and(args.pop().expect("two operands"), b)
            }
            Expr::Op(Op::Or, ref args) => match (known(&args[0]), known(&args[1])) {
                (Some(true), _) | (_, Some(false)) => args[0].clone(),
                (_, Some(true)) | (Some(false), _) => args[1].clone(),
                _ => expr,
            },
            Expr::Op(Op::Not, ref args) => match known(&args[0]) {
                Some(holds) => Expr::Const(Const::bool(!holds)),
                None => expr,
            },
            Expr::Select(parts) => {
                let [cond, yes, no] = *parts;
                if known(&yes) == Some(true) && known(&no) == Some(false) { cond } else { build::select(cond, yes, no) }
            }
            other => other,
        }
    }
}
