//! Carries out a contraction in tiles, with both factors packed.
//!
//! Before: `for i, j { acc = 0; for k { acc += f(i, k) * g(k, j) }; y[i, j] = e(acc) }`. After, with four lanes (the
//! sizes are those of `contract::Tile`):
//!
//! ```text
//! for j0 by 512                                columns whose panels stay in the second cache
//!   for k0 by 256                              a slice of the sum
//!     right[p, k, c] = g(k0 + k, j0 + 8 p + c) packed: a panel holds 8 columns
//!     for i0 by 4
//!       left[k, r] = f(i0 + r, k0 + k) x4      packed: a panel holds 4 rows, each element in all lanes
//!       for p: panels
//!         4 x 2 accumulators = 0, or what they were before this slice
//!         for k { accumulators += left[k, r] * right[p, k, v] }
//!         if this was the last slice: y = e(accumulators), otherwise they wait in memory
//! ```
//!
//! Each sum is folded in ascending order into one accumulator that goes through memory between slices, so its bits are
//! those of the loops as they were. Rows beyond the last are the last one again, columns beyond the last are zeros:
//! they are computed and not stored. The loops that pack and finish are left naive, `schedule` gives them lanes.

use super::contract::{Contraction, Tile, tile};
use super::rename::copy_with;
use super::{Access, Buffer, BufferId, Expr, Load, Loop, LoopKind, Role, Stmt, Ty, Var, VarId, build};
use crate::ops::Op;
use crate::size::Size;
use crate::types::{Const, Scalar};
use std::collections::{BTreeMap, BTreeSet};

fn scratch_buffer(name: &str, elem: Scalar, dims: Vec<Size>) -> Buffer {
    let (name, room) = (name.to_string(), dims.clone());
    Buffer { name, elem, dims, room, role: Role::Scratch, alias_of: None, is_variable: false }
}

/// The tiled nest of a contraction.
pub fn pack(buffers: &mut Vec<Buffer>, vars: &mut Vec<Var>, of: &Contraction<'_>) -> Vec<Stmt> {
    let Tile { rows, vectors, depth, columns } = tile(of.lanes);
    let (ty, width) = (vars[of.accumulator.0.0 as usize].ty.scalar, vectors * of.lanes);
    let [height, across] = of.extents();
    let summed = build::as_size(&build::sub(of.sum.hi.clone(), of.sum.lo.clone())).and_then(|size| size.as_const());
    let depth = summed.map_or(depth, |summed| summed.clamp(1, depth));
    let panels = across.plus(&Size::constant(width - 1)).div(&Size::constant(width));
    let panels = panels.smaller(&Size::constant(columns / width));
    let slices = summed.is_none_or(|summed| summed > depth);
    let mut scratch = |name: &str, dims: Vec<Size>| {
        buffers.push(scratch_buffer(name, ty, dims));
        BufferId(buffers.len() as u32 - 1)
    };
    let of_const = Size::constant;
    let left = scratch("left", vec![of_const(depth), of_const(rows * of.lanes)]);
    let right = scratch("right", vec![panels, of_const(depth), of_const(width)]);
    let finished = scratch("tile", vec![of_const(rows), of_const(width)]);
    let room = of.waiting_room(buffers, ty);
    let waiting = slices.then(|| {
        room.unwrap_or_else(|| {
            let dims = vec![height.clone(), across.clone()];
            buffers.push(scratch_buffer("sums", ty, dims));
            let index = vec![Expr::Var(of.rows.var), Expr::Var(of.columns.var)];
            (BufferId(buffers.len() as u32 - 1), index)
        })
    });
    let uniform = of.uniform();
    let mut packer = Packer { of, vars, ty, rows, vectors, depth, columns, left, right, finished, waiting, uniform };
    let mut stmts: Vec<Stmt> = of
        .lets
        .iter()
        .filter(|(var, _)| packer.uniform.contains(var))
        .map(|(var, value)| Stmt::Let(*var, (*value).clone()))
        .collect();
    stmts.extend(packer.nest());
    for nest in of.around.iter().rev() {
        stmts = vec![Stmt::For(Loop { body: stmts, ..(*nest).clone() })];
    }
    // The loops as they were may stand beside these.
    copy_with(&stmts, vars, BTreeMap::new())
}

struct Packer<'p, 'c> {
    of: &'p Contraction<'c>,
    vars: &'p mut Vec<Var>,
    /// The accumulator's type.
    ty: Scalar,
    rows: i64,
    vectors: i64,
    depth: i64,
    columns: i64,
    /// A panel of the left factor.
    left: BufferId,
    /// Panels of the right factor.
    right: BufferId,
    /// The sums of a tile.
    finished: BufferId,
    /// Where sums wait between slices, and the index of one; `None` if there is one slice.
    waiting: Option<(BufferId, Vec<Expr>)>,
    /// Definitions that stand outside of the tiled loops.
    uniform: BTreeSet<VarId>,
}

/// Where in the contraction the loops are.
#[derive(Clone)]
struct Place {
    /// The first row, column and summed index.
    first: [Expr; 3],
    /// How many there are; rows and columns at most as many as a tile has.
    count: [Expr; 3],
}

fn load(buffer: BufferId, index: Vec<Expr>, lanes: i64) -> Expr {
    let access = if lanes == 1 { Access::One } else { Access::Contiguous(lanes as u8) };
    Expr::Load(Load { buffer, index, access })
}

impl Packer<'_, '_> {
    fn width(&self) -> i64 {
        self.vectors * self.of.lanes
    }

    fn var(&mut self, name: &str, ty: Ty) -> VarId {
        self.vars.push(Var { name: name.to_string(), ty });
        VarId(self.vars.len() as u32 - 1)
    }

    fn index(&mut self, name: &str) -> VarId {
        self.var(name, Ty::one(Scalar::I32))
    }

    fn wide(&mut self, name: &str) -> VarId {
        self.var(name, Ty { scalar: self.ty, lanes: self.of.lanes as u8 })
    }

    /// A leaf with this value, defined in `out` unless it is one.
    fn held(&mut self, name: &str, value: Expr, out: &mut Vec<Stmt>) -> Expr {
        if matches!(value, Expr::Const(_) | Expr::Var(_) | Expr::Size(_)) {
            return value;
        }
        let var = self.index(name);
        out.push(Stmt::Let(var, value));
        Expr::Var(var)
    }

    /// A loop over `lo..hi`; `body` is given the index.
    fn each(
        &mut self,
        name: &str,
        (lo, hi, step): (Expr, Expr, i64),
        body: impl FnOnce(&mut Self, Expr) -> Vec<Stmt>,
    ) -> Stmt {
        let var = self.index(name);
        let body = body(self, Expr::Var(var));
        Stmt::For(Loop { var, lo, hi, step: build::int(step), kind: LoopKind::Serial, body })
    }

    /// The contraction's statements for one row, column and summed index.
    fn at(&mut self, stmts: &[Stmt], row: Expr, column: Expr, index: Expr) -> Vec<Stmt> {
        let own = [(self.of.rows.var, row), (self.of.columns.var, column), (self.of.sum.var, index)];
        copy_with(stmts, self.vars, BTreeMap::from(own))
    }

    /// All columns, slice by slice.
    fn nest(&mut self) -> Vec<Stmt> {
        let (depth, columns, width) = (self.depth, self.columns, self.width());
        let mut out = Vec::new();
        let across = self.of.columns.hi.clone();
        let (lo, length) = (self.of.sum.lo.clone(), build::sub(self.of.sum.hi.clone(), self.of.sum.lo.clone()));
        let length = self.held("length", length, &mut out);
        // Without anything to sum there is one slice, which is empty.
        let end = self.held("end", build::max(length.clone(), build::int(1)), &mut out);
        let nest = self.each("block", (build::int(0), across.clone(), columns), |packer, first_column| {
            let mut out = Vec::new();
            let left = build::sub(across, first_column.clone());
            let left = packer.held("columns", build::min(left, build::int(columns)), &mut out);
            let panels = build::div(build::add(left.clone(), build::int(width - 1)), width);
            let panels = packer.held("panels", panels, &mut out);
            out.push(packer.each("slice", (build::int(0), end, depth), |packer, done| {
                let mut out = Vec::new();
                let count = match packer.waiting {
                    Some(_) => build::min(build::sub(length.clone(), done.clone()), build::int(depth)),
                    None => length.clone(),
                };
                let count = packer.held("count", count, &mut out);
                let place = Place {
                    first: [build::int(0), first_column, build::add(lo, done.clone())],
                    count: [build::int(0), left, count],
                };
                packer.pack_right(&place, &mut out);
                out.push(packer.bands(&place, &panels, done, length));
                out
            }));
            out
        });
        out.push(nest);
        out
    }

    /// Packs the panels of the right factor; what is missing from the last one is zero.
    fn pack_right(&mut self, place: &Place, out: &mut Vec<Stmt>) {
        let width = self.width();
        let [_, first, from] = place.first.clone();
        let [_, columns, count] = place.count.clone();
        let whole = self.held("whole", build::div(columns.clone(), width), out);
        let root = self.of.right.clone();
        let lets = self.of.needed(&[&root], &self.uniform);
        let right = self.right;
        let store = |panel: &Expr, at: &Expr, column: &Expr, value: Expr| Stmt::Store {
            buffer: right,
            index: vec![panel.clone(), at.clone(), column.clone()],
            value,
        };
        let copy = |packer: &mut Self, panel: &Expr, columns: Expr, zeros: bool| {
            packer.each("k", (build::int(0), count.clone(), 1), |packer, at| {
                let mut out = vec![packer.each("c", (build::int(0), columns.clone(), 1), |packer, column| {
                    let mut stmts = lets.clone();
                    stmts.push(store(panel, &at, &column, root.clone()));
                    let start = build::add(first.clone(), build::mul(panel.clone(), build::int(width)));
                    let index = build::add(from.clone(), at.clone());
                    packer.at(&stmts, build::int(0), build::add(start, column), index)
                })];
                if zeros {
                    out.push(packer.each("c", (columns, build::int(width), 1), |packer, column| {
                        vec![store(panel, &at, &column, Expr::Const(zero(packer.ty)))]
                    }));
                }
                out
            })
        };
        let panels = self.each("p", (build::int(0), whole.clone(), 1), |packer, panel| {
            vec![copy(packer, &panel, build::int(width), false)]
        });
        out.push(panels);
        let rest = self.held("rest", build::sub(columns, build::mul(whole.clone(), build::int(width))), out);
        if build::as_int(&rest) != Some(0) {
            let last = copy(self, &whole, rest.clone(), true);
            out.push(Stmt::If(build::less(build::int(0), rest), vec![last], Vec::new()));
        }
    }

    /// All rows of a slice, a tile's height at a time.
    fn bands(&mut self, place: &Place, panels: &Expr, done: Expr, length: Expr) -> Stmt {
        let (rows, width) = (self.rows, self.width());
        let height = self.of.rows.hi.clone();
        self.each("i", (build::int(0), height.clone(), rows), |packer, row| {
            let mut out = Vec::new();
            let left = build::sub(height.clone(), row.clone());
            let left = packer.held("rows", build::min(left, build::int(rows)), &mut out);
            packer.pack_left(place, &row, build::sub(height, build::int(1)), &mut out);
            out.push(packer.each("p", (build::int(0), panels.clone(), 1), |packer, panel| {
                let mut out = Vec::new();
                let past = build::mul(panel.clone(), build::int(width));
                let columns = build::min(build::sub(place.count[1].clone(), past.clone()), build::int(width));
                let columns = packer.held("columns", columns, &mut out);
                let own = Place {
                    first: [row, build::add(place.first[1].clone(), past), place.first[2].clone()],
                    count: [left, columns, place.count[2].clone()],
                };
                packer.tile(&own, &panel, done, length, &mut out);
                out
            }));
            out
        })
    }

    /// Packs a panel of the left factor, each element once a lane.
    fn pack_left(&mut self, place: &Place, row: &Expr, last: Expr, out: &mut Vec<Stmt>) {
        let (lanes, rows) = (self.of.lanes, self.rows);
        let root = self.of.left.clone();
        let mut stmts = self.of.needed(&[&root], &self.uniform);
        let mut own = vec![row.clone()];
        for r in 1..rows {
            let row = build::min(build::add(row.clone(), build::int(r)), last.clone());
            own.push(self.held("row", row, out));
        }
        let index = self.index("k");
        let at = Expr::Var(index);
        let mut body = Vec::new();
        for (r, row) in own.into_iter().enumerate() {
            let value = Expr::Splat(Box::new(root.clone()), lanes as u8);
            let place_of = vec![at.clone(), build::int(r as i64 * lanes)];
            stmts.push(Stmt::Store { buffer: self.left, index: place_of, value });
            body.extend(self.at(&stmts, row, build::int(0), build::add(place.first[2].clone(), at.clone())));
            stmts.pop();
        }
        let (lo, step, kind) = (build::int(0), build::int(1), LoopKind::Serial);
        out.push(Stmt::For(Loop { var: index, lo, hi: place.count[2].clone(), step, kind, body }));
    }

    /// A tile: the sums of a slice for a few rows and columns.
    fn tile(&mut self, place: &Place, panel: &Expr, done: Expr, length: Expr, out: &mut Vec<Stmt>) {
        let (rows, vectors, lanes) = (self.rows, self.vectors, self.of.lanes);
        let (_, start, _) = self.of.accumulator;
        let start = Expr::Splat(Box::new(Expr::Const(start)), lanes as u8);
        let sums: Vec<Vec<VarId>> = (0..rows).map(|_| (0..vectors).map(|_| self.wide("sum")).collect()).collect();
        let each = || (0..rows as usize).flat_map(|r| (0..vectors as usize).map(move |v| (r, v)));
        let in_tile = |r: usize, v: usize| vec![build::int(r as i64), build::int(v as i64 * lanes)];
        out.extend(each().map(|(r, v)| Stmt::Let(sums[r][v], start.clone())));
        if let Some((waiting, index)) = self.waiting.clone() {
            let mut again = self.elements(place, |finished| {
                let value = load(waiting, index, 1);
                vec![Stmt::Store { buffer: finished.0, index: finished.1, value }]
            });
            let tile = self.finished;
            again.extend(each().map(|(r, v)| Stmt::Set(sums[r][v], load(tile, in_tile(r, v), lanes))));
            out.push(Stmt::If(build::less(build::int(0), done.clone()), again, Vec::new()));
        }
        out.push(self.accumulate(place, panel, &sums));
        let buffer = self.finished;
        let keep = each().map(|(r, v)| Stmt::Store { buffer, index: in_tile(r, v), value: Expr::Var(sums[r][v]) });
        out.extend(keep);
        let (accumulator, ..) = self.of.accumulator;
        let after = self.of.after;
        let roots: Vec<&Expr> = after.iter().flat_map(|stmt| stmt.exprs()).collect();
        let lets = self.of.needed(&roots, &self.uniform);
        let finish = self.elements(place, |finished| {
            let sum = Stmt::Let(accumulator, load(finished.0, finished.1, 1));
            lets.into_iter().chain([sum]).chain(after.iter().cloned()).collect()
        });
        let Some((waiting, index)) = self.waiting.clone() else { return out.extend(finish) };
        let wait = self.elements(place, |finished| {
            vec![Stmt::Store { buffer: waiting, index, value: load(finished.0, finished.1, 1) }]
        });
        let next = build::add(done, build::int(self.depth));
        out.push(Stmt::If(build::less(next, length), wait, finish));
    }

    /// The innermost loop.
    fn accumulate(&mut self, place: &Place, panel: &Expr, sums: &[Vec<VarId>]) -> Stmt {
        let lanes = self.of.lanes;
        let (_, _, op) = self.of.accumulator;
        let index = self.index("k");
        let at = Expr::Var(index);
        let mut body = Vec::new();
        let columns: Vec<Expr> = (0..self.vectors)
            .map(|v| {
                let var = self.wide("right");
                let index = vec![panel.clone(), at.clone(), build::int(v * lanes)];
                body.push(Stmt::Let(var, load(self.right, index, lanes)));
                Expr::Var(var)
            })
            .collect();
        for (r, sums) in sums.iter().enumerate() {
            let row = self.wide("left");
            body.push(Stmt::Let(row, load(self.left, vec![at.clone(), build::int(r as i64 * lanes)], lanes)));
            for (sum, column) in sums.iter().zip(&columns) {
                let mut known = BTreeMap::new();
                let value = self.joined(self.of.value, &Expr::Var(row), column, &mut known, &mut body);
                body.push(Stmt::Accumulate(*sum, op, value));
            }
        }
        let (lo, step, kind) = (build::int(0), build::int(1), LoopKind::Serial);
        Stmt::For(Loop { var: index, lo, hi: place.count[2].clone(), step, kind, body })
    }

    /// What is folded in, with lanes: factors are replaced, what stands between them is widened.
    fn joined(
        &mut self,
        expr: &Expr,
        row: &Expr,
        column: &Expr,
        known: &mut BTreeMap<VarId, Expr>,
        out: &mut Vec<Stmt>,
    ) -> Expr {
        if *expr == self.of.left {
            return row.clone();
        }
        if *expr == self.of.right {
            return column.clone();
        }
        match expr {
            Expr::Var(var) if known.contains_key(var) => known[var].clone(),
            Expr::Var(var) => {
                let value = self.of.lets.iter().find(|(own, _)| own == var).map(|(_, value)| *value);
                let value = self.joined(value.expect("seen when it was found"), row, column, known, out);
                let wide = self.wide("between");
                out.push(Stmt::Let(wide, value));
                known.insert(*var, Expr::Var(wide));
                Expr::Var(wide)
            }
            Expr::Op(op, args) => {
                Expr::Op(*op, args.iter().map(|arg| self.joined(arg, row, column, known, out)).collect())
            }
            _ => Expr::Splat(Box::new(expr.clone()), self.of.lanes as u8),
        }
    }

    /// Runs statements for each element of a tile that there is; `body` is given the element's place among the tile's
    /// sums. A whole tile has constant bounds.
    fn elements(&mut self, place: &Place, body: impl FnOnce((BufferId, Vec<Expr>)) -> Vec<Stmt>) -> Vec<Stmt> {
        let (row, column) = (self.index("r"), self.index("c"));
        let stmts = body((self.finished, vec![Expr::Var(row), Expr::Var(column)]));
        let [first_row, first_column, _] = place.first.clone();
        let (at_row, at_column) = (build::add(first_row, Expr::Var(row)), build::add(first_column, Expr::Var(column)));
        let body = self.at(&stmts, at_row, at_column, build::int(0));
        let nest = |var, hi, body| {
            let (lo, step, kind) = (build::int(0), build::int(1), LoopKind::Serial);
            vec![Stmt::For(Loop { var, lo, hi, step, kind, body })]
        };
        let loops = |rows: &Expr, columns: &Expr| nest(row, rows.clone(), nest(column, columns.clone(), body.clone()));
        let [rows, columns, _] = &place.count;
        let (whole_rows, whole_columns) = (build::int(self.rows), build::int(self.width()));
        let is = |count: &Expr, whole: &Expr| Expr::Op(Op::Eq, vec![count.clone(), whole.clone()]);
        let whole = build::and(is(rows, &whole_rows), is(columns, &whole_columns));
        let part = loops(rows, columns);
        let complete = copy_with(&loops(&whole_rows, &whole_columns), self.vars, BTreeMap::new());
        vec![Stmt::If(whole, complete, part)]
    }
}

/// Zero of this type.
fn zero(ty: Scalar) -> Const {
    Const { ty, bits: 0 }
}
