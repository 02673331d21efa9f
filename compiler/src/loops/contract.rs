//! Finds contractions in naive Loop IR: sums of products of two factors, each of which has an output axis of its own.
//!
//! Before: `for i, j { acc = 0; for k { acc += f(i, k) * g(k, j) }; y[i, j] = e(acc, i, j) }`, with any other loops
//! around or between. After: the tiled nest of `loops/pack.rs`, beside the loops as they were if sizes decide which is
//! faster. What is recognised is structure alone: the factors may be any pure values, loads as a rule; the operations
//! that join and fold them may be any cheap ones; the order of the output's axes and of the factors' is free.
//! Sums stay in ascending order with one accumulator each, so all bits stay the same.

use super::depends::{Definitions, Varying, accesses, is_parallel, trip_count};
use super::{Buffer, BufferId, Expr, Kernel, Loop, Program, Stmt, Var, VarId, build, pack};
use crate::ops::Op;
use crate::size::Size;
use crate::types::{Const, Scalar};
use std::collections::BTreeSet;

/// How a contraction is cut into pieces. A tile of `rows` times `vectors` vectors is accumulated in registers; panels
/// of the factors lie packed in scratch memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Rows of a tile; each element of their panel is stored once a lane.
    pub rows: i64,
    /// Vectors of columns of a tile.
    pub vectors: i64,
    /// Summed elements of a panel: so many that a tile's two panels stay in the nearest cache.
    pub depth: i64,
    /// Columns whose panels are packed together: so many that they stay in the cache behind it.
    pub columns: i64,
}

/// The tile for sums with this many lanes. Eight accumulators, four rows and two columns of factors are fourteen live
/// vectors, which fit the sixteen registers of every engine (see `docs/decisions`).
pub fn tile(lanes: i64) -> Tile {
    match lanes {
        2 => Tile { rows: 4, vectors: 2, depth: 128, columns: 256 },
        4 => Tile { rows: 4, vectors: 2, depth: 256, columns: 512 },
        _ => Tile { rows: 4, vectors: 2, depth: 256, columns: 1024 },
    }
}

/// Least extents for which packing pays: rows, columns, summed elements.
const LEAST: [i64; 3] = [8, 16, 16];

/// Most operations that may stand between the factors and the accumulator.
const BETWEEN: usize = 4;

/// A contraction: where its parts are in the nest.
pub struct Contraction<'a> {
    /// The loops over axes other than the two, outermost first.
    pub around: Vec<&'a Loop>,
    /// The loop over the axis that only the left factor has.
    pub rows: &'a Loop,
    /// The loop over the axis that only the right factor has; it becomes the vector axis.
    pub columns: &'a Loop,
    /// The loop that sums.
    pub sum: &'a Loop,
    /// All definitions in the nest before an element is finished, in order.
    pub lets: Vec<(VarId, &'a Expr)>,
    /// The accumulator, what it starts from, and how it folds.
    pub accumulator: (VarId, Const, Op),
    /// What is folded in: made of the two factors.
    pub value: &'a Expr,
    /// The factor with rows.
    pub left: Expr,
    /// The factor with columns.
    pub right: Expr,
    /// What is done with a finished sum.
    pub after: &'a [Stmt],
    /// The accumulator's lanes.
    pub lanes: i64,
}

/// Tiles the contractions of every kernel.
pub fn contract(program: &mut Program) {
    for n in 0..program.kernels.len() {
        let mut kernel = program.kernels[n].clone();
        let definitions = Definitions::of(&kernel);
        let mut notes = Vec::new();
        let mut body = std::mem::take(&mut kernel.body);
        replace(program, &definitions, &mut kernel, &mut body, &mut notes);
        if !notes.is_empty() {
            kernel.body = body;
            kernel.schedule = notes.join("; ");
            program.kernels[n] = kernel;
        }
    }
}

fn replace(
    program: &mut Program,
    definitions: &Definitions,
    kernel: &mut Kernel,
    stmts: &mut Vec<Stmt>,
    notes: &mut Vec<String>,
) {
    for mut stmt in std::mem::take(stmts) {
        let found = match &stmt {
            Stmt::For(nest) => recognise(program, definitions, &kernel.vars, nest),
            _ => None,
        };
        let Some(found) = found else {
            for block in stmt.blocks_mut() {
                replace(program, definitions, kernel, block, notes);
            }
            stmts.push(stmt);
            continue;
        };
        let pays = pays(&found);
        notes.push(note(&found, &kernel.vars));
        let (buffers, vars) = (&mut program.buffers, &mut kernel.vars);
        let tiled = pack::pack(buffers, vars, &found);
        match &pays {
            Expr::Const(_) => stmts.extend(tiled),
            _ => stmts.push(Stmt::If(pays, tiled, vec![stmt])),
        }
    }
}

/// The decision on one line.
fn note(found: &Contraction<'_>, vars: &[Var]) -> String {
    let name = |nest: &Loop| vars[nest.var.0 as usize].name.clone();
    let Tile { rows, vectors, depth, columns } = tile(found.lanes);
    let width = vectors * found.lanes;
    format!(
        "{}, {} tile {rows}x{width} over {} by {depth}, packed by {columns}",
        name(found.rows),
        name(found.columns),
        name(found.sum)
    )
}

/// Whether the extents are large enough, as far as known: a constant, or a condition on sizes.
fn pays(found: &Contraction<'_>) -> Expr {
    let extents = [found.rows, found.columns, found.sum].map(|nest| build::sub(nest.hi.clone(), nest.lo.clone()));
    extents
        .into_iter()
        .zip(LEAST)
        .filter(|(extent, _)| build::as_size(extent).is_some())
        .map(|(extent, least)| build::less(build::int(least - 1), extent))
        .fold(Expr::Const(Const::bool(true)), build::and)
}

/// Looks at a loop as the outermost of a contraction.
fn recognise<'a>(
    program: &Program,
    definitions: &Definitions,
    vars: &[Var],
    nest: &'a Loop,
) -> Option<Contraction<'a>> {
    let mut lets: Vec<(VarId, &Expr)> = Vec::new();
    let mut path = vec![nest];
    let (sum, after, start) = loop {
        let own = *path.last()?;
        let starts_at_zero = build::as_int(&own.lo) == Some(0) && build::as_int(&own.step) == Some(1);
        if !starts_at_zero || build::as_size(&own.hi).is_none() || !is_parallel(program, own) {
            return None;
        }
        let at = own.body.iter().position(|stmt| matches!(stmt, Stmt::For(_)))?;
        let Stmt::For(inner) = &own.body[at] else { return None };
        let after = &own.body[at + 1..];
        let mut start = None;
        for stmt in &own.body[..at] {
            match stmt {
                Stmt::Let(var, value) if definitions.get(*var).is_some() => lets.push((*var, value)),
                Stmt::Let(var, Expr::Const(value)) if start.is_none() => start = Some((*var, *value)),
                _ => return None,
            }
        }
        match start {
            Some(start) => break (inner, after, start),
            None if after.is_empty() => path.push(inner),
            None => return None,
        }
    };
    let (last, inside) = sum.body.split_last()?;
    let Stmt::Accumulate(accumulator, op, value) = last else { return None };
    let ty = vars[accumulator.0 as usize].ty.scalar;
    let plain = |bound: &Expr| matches!(bound, Expr::Const(_) | Expr::Size(_) | Expr::Var(_));
    let fits = *accumulator == start.0 && (2..=8).contains(&ty.bytes()) && !is_costly(*op);
    if !fits || build::as_int(&sum.step) != Some(1) || !plain(&sum.lo) || !plain(&sum.hi) {
        return None;
    }
    for stmt in inside {
        let Stmt::Let(var, value) = stmt else { return None };
        lets.push((*var, value));
    }
    if !after.iter().all(|stmt| matches!(stmt, Stmt::Let(..) | Stmt::Store { .. })) {
        return None;
    }
    if !reads_no_result(program, nest) {
        return None;
    }
    let lanes = i64::from(16 / ty.bytes());
    for &columns in path.iter().rev() {
        for &rows in path.iter().rev().filter(|rows| rows.var != columns.var) {
            let seen = Factors::new(program, vars, &lets, nest, rows.var, columns.var);
            let uniform = |bound: &Expr| !seen.by_rows.mentions(bound) && !seen.by_columns.mentions(bound);
            let Some((left, right)) = seen.split(value, ty) else { continue };
            if !uniform(&sum.lo) || !uniform(&sum.hi) {
                continue;
            }
            let around = path.iter().copied().filter(|own| own.var != rows.var && own.var != columns.var).collect();
            let accumulator = (*accumulator, start.1, *op);
            let found = Contraction { around, rows, columns, sum, lets, accumulator, value, left, right, after, lanes };
            return is_large(&found).then_some(found);
        }
    }
    None
}

/// Whether nothing that is written is read: then partial results may lie where results will.
fn reads_no_result(program: &Program, nest: &Loop) -> bool {
    let root = |buffer: BufferId| program.buffers[buffer.0 as usize].alias_of.unwrap_or(buffer);
    let all = accesses(&nest.body);
    let of = |stores: bool| all.iter().filter(move |access| access.2 == stores).map(|access| root(access.0));
    let written: BTreeSet<BufferId> = of(true).collect();
    of(false).all(|read| !written.contains(&read))
}

/// Whether no extent is known to be too small.
fn is_large(found: &Contraction<'_>) -> bool {
    let trips = [found.rows, found.columns, found.sum].map(trip_count);
    trips.into_iter().zip(LEAST).all(|(trips, least)| trips.is_none_or(|trips| trips >= least))
}

/// Operations that no tile should repeat.
fn is_costly(op: Op) -> bool {
    matches!(op, Op::Div | Op::Rem | Op::TruncDiv | Op::TruncRem | Op::Sqrt | Op::Popcount | Op::Clz | Op::Ctz)
}

/// Takes the value that is folded apart into what depends on rows and what depends on columns.
struct Factors<'a> {
    program: &'a Program,
    vars: &'a [Var],
    lets: &'a [(VarId, &'a Expr)],
    by_rows: Varying,
    by_columns: Varying,
}

impl<'a> Factors<'a> {
    fn new(
        program: &'a Program,
        vars: &'a [Var],
        lets: &'a [(VarId, &'a Expr)],
        nest: &Loop,
        rows: VarId,
        columns: VarId,
    ) -> Self {
        let by_rows = Varying::on(rows, &nest.body, vars.len());
        let by_columns = Varying::on(columns, &nest.body, vars.len());
        Factors { program, vars, lets, by_rows, by_columns }
    }

    /// The factor with rows and the factor with columns, if there is just one of each.
    fn split(&self, value: &Expr, ty: Scalar) -> Option<(Expr, Expr)> {
        let (mut left, mut right, mut between) = (Vec::new(), Vec::new(), 0);
        self.factors(value, ty, &mut left, &mut right, &mut between)?;
        let [left] = <[Expr; 1]>::try_from(left).ok()?;
        let [right] = <[Expr; 1]>::try_from(right).ok()?;
        (self.by_rows.mentions(&left) && between <= BETWEEN).then_some((left, right))
    }

    fn factors(
        &self,
        expr: &Expr,
        ty: Scalar,
        left: &mut Vec<Expr>,
        right: &mut Vec<Expr>,
        between: &mut usize,
    ) -> Option<()> {
        if build::ty(self.program, self.vars, expr).scalar != ty {
            return None;
        }
        let factor = match (self.by_rows.mentions(expr), self.by_columns.mentions(expr)) {
            (_, false) if matches!(expr, Expr::Const(_)) => return Some(()),
            (_, false) => left,
            (false, true) => right,
            (true, true) => {
                return match expr {
                    Expr::Var(var) => {
                        let (_, value) = self.lets.iter().find(|(own, _)| own == var)?;
                        self.factors(value, ty, left, right, between)
                    }
                    Expr::Op(op, args) if !is_costly(*op) => {
                        *between += 1;
                        args.iter().try_for_each(|arg| self.factors(arg, ty, left, right, between))
                    }
                    _ => None,
                };
            }
        };
        if !factor.contains(expr) {
            factor.push(expr.clone());
        }
        Some(())
    }
}

impl Contraction<'_> {
    /// The definitions that expressions need, in order, without those in `outside`.
    pub fn needed(&self, roots: &[&Expr], outside: &BTreeSet<VarId>) -> Vec<Stmt> {
        let mut wanted = BTreeSet::new();
        let note = |wanted: &mut BTreeSet<VarId>, expr: &Expr| {
            expr.visit(&mut |part| {
                if let Expr::Var(var) = part {
                    wanted.insert(*var);
                }
            });
        };
        roots.iter().for_each(|root| note(&mut wanted, root));
        let mut found = Vec::new();
        for (var, value) in self.lets.iter().rev() {
            if wanted.contains(var) && !outside.contains(var) {
                note(&mut wanted, value);
                found.push(Stmt::Let(*var, (*value).clone()));
            }
        }
        found.reverse();
        found
    }

    /// The definitions that depend on neither rows, columns nor the sum's index.
    pub fn uniform(&self) -> BTreeSet<VarId> {
        let mut varies = BTreeSet::from([self.rows, self.columns, self.sum].map(|nest| nest.var));
        let mut uniform = BTreeSet::new();
        for (var, value) in &self.lets {
            let depends = value.any(&mut |part| matches!(part, Expr::Var(used) if varies.contains(used)));
            if depends {
                varies.insert(*var)
            } else {
                uniform.insert(*var)
            };
        }
        uniform
    }

    /// Where partial sums can wait: the buffer of a result that has the accumulator's type and an element for each sum,
    /// with the index of an element.
    pub fn waiting_room(&self, buffers: &[Buffer], ty: Scalar) -> Option<(BufferId, Vec<Expr>)> {
        let axes: Vec<Expr> =
            self.around.iter().chain([&self.rows, &self.columns]).map(|nest| Expr::Var(nest.var)).collect();
        let plain = |expr: &Expr| matches!(expr, Expr::Const(_)) || axes.contains(expr);
        self.after.iter().find_map(|stmt| match stmt {
            Stmt::Store { buffer, index, .. } if buffers[buffer.0 as usize].elem == ty && index.iter().all(plain) => {
                Some((*buffer, index.clone()))
            }
            _ => None,
        })
    }

    /// The extents of rows and columns.
    pub fn extents(&self) -> [Size; 2] {
        [self.rows, self.columns].map(|nest| build::as_size(&nest.hi).expect("checked when it was found"))
    }
}
