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

mod bounds;
mod decide;

use super::cost::per_iteration;
use super::depends::{Varying, is_parallel, trip_count};
use super::linear::{Form, Reading};
use super::rename::copy_mapped;
use super::vectorise::reorderable;
use super::{Expr, Loop, LoopKind, Program, Stmt, Ty, Var, VarId, build};
use crate::ops::Op;
use crate::types::Scalar;
use bounds::{Bound, Bounds, unique};
use decide::{Finder, decided};
use std::collections::BTreeSet;

/// Loops with fewer iterations stay whole; so do edges that are known to have at most so many.
const SHORT: i64 = 16;
/// Facts that one loop is split by at most.
const FACTS: usize = 12;
/// What the interior may cost, compared with the whole.
const PAYS: f64 = 0.85;
/// How often the edges of edges are split, as those of a concatenation of many.
const DEPTH: usize = 4;
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

/// The body of an edge, and what is known of the index there.
type Edge = (Vec<Stmt>, Vec<Form>);

/// A loop's parts: bounds and bodies.
struct Parts {
    lets: Vec<Stmt>,
    /// With choices made, perhaps to be split again, and what is known of the index there.
    edges: Vec<(Loop, Vec<Form>)>,
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
                Stmt::For(nest) if inner.contains(&nest.var) => self.nest(nest, &[], &inner, DEPTH, &mut out),
                other => out.push(other),
            }
        }
        out
    }

    /// Splits a loop if that pays, and its edges as often as `depth` says. The forms in `known` are not negative in it; its
    /// index and `indices` are not either.
    fn nest(&mut self, nest: Loop, known: &[Form], indices: &BTreeSet<VarId>, depth: usize, out: &mut Vec<Stmt>) {
        let Some(parts) = (depth > 0).then(|| self.parts(&nest, known, indices)).flatten() else {
            out.push(Stmt::For(nest));
            return;
        };
        out.extend(parts.lets);
        self.done.push(format!("{} split", self.vars[nest.var.0 as usize].name));
        for (edge, more) in parts.edges {
            let edge = self.renamed(edge);
            let mut indices = indices.clone();
            indices.insert(edge.var);
            let known: Vec<Form> = known.iter().chain(&more).cloned().collect();
            self.nest(edge, &known, &indices, depth - 1, out);
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

    fn parts(&mut self, nest: &Loop, known: &[Form], indices: &BTreeSet<VarId>) -> Option<Parts> {
        let any_order = is_parallel(self.program, nest) || reorderable(nest, &self.vars).is_some();
        let is_long = trip_count(nest).is_none_or(|count| count >= SHORT);
        if !any_order || !is_long || build::as_int(&nest.step) != Some(1) {
            return None;
        }
        let vars = std::mem::take(&mut self.vars);
        let is_index = |var: VarId| vars[var.0 as usize].ty == Ty::one(Scalar::I32);
        let mut reading = Reading::new(nest, known, indices, &is_index);
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
            if let Some((body, known)) = below {
                let end = combine(build::min, &lower).filter(|_| lower.len() > 1);
                let end = end.map_or(from.clone(), |end| self.held("edge", build::min(end, from.clone()), &mut lets));
                parts.push((part(&start, &end, body), known));
                start = end;
            }
            rest.extend((start != from).then(|| (start, from.clone())));
        }
        if !upper.is_empty() {
            let mut end = nest.hi.clone();
            if let Some((body, known)) = above {
                let start = combine(build::max, &upper).filter(|_| upper.len() > 1);
                let start = start.map_or(to.clone(), |s| self.held("edge", build::max(s, to.clone()), &mut lets));
                parts.push((part(&start, &end, body), known));
                end = start;
            }
            rest.extend((end != to).then(|| (to.clone(), end)));
        }
        let interior = part(&from, &to, interior);
        let rest_nodes = if rest.is_empty() { 0 } else { nodes(&nest.body) };
        let growth = parts.iter().map(|(part, _)| nodes(&part.body)).sum::<usize>() + rest_nodes;
        self.room = self.room.checked_sub(growth)?;
        Some(Parts { lets, edges: parts, interior, rest })
    }

    /// The bodies of the interior and of the edges that may be long, and where the parts end.
    fn find(
        &self,
        nest: &Loop,
        vars: &[Var],
        reading: &mut Reading<'_>,
    ) -> Option<(Vec<Stmt>, [Option<Edge>; 2], Bounds)> {
        reading.assuming = true;
        let varying = Varying::on(nest.var, &nest.body, vars.len());
        Finder { reading, varying, seen: BTreeSet::new() }.block(&nest.body);
        let (facts, decisive) = (reading.facts.clone(), reading.decisive.clone());
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
            let decides = facts.iter().any(|fact| decisive.contains(fact));
            let may_be_long = decides && bounds[n].iter().all(|bound| !bound.is_near(end));
            if may_be_long && facts.iter().all(|fact| fact.inner.is_empty()) {
                let known: Vec<Form> = facts.iter().map(Form::not).collect();
                edges[n] = Some((decided(reading, known.clone(), nest, vars.len()), known));
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
