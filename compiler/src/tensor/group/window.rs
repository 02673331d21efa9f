//! Windows of rows: which rows of another stage's tensor a stage reads for one value of an axis, and how many these are at
//! most. `group.rs` makes rings of them.
//!
//! An index that grows with the axes of the reductions around it (`y + k - 2` for `k in 0..5`, `min max` of such, a row `s`
//! of a range `first[y]..last[y]` from tables) reaches from its value at their least to that at their greatest values. The
//! length must be known before anything runs: it is a constant (`excess`), or the extent of the table of weights that is
//! indexed by `s - first[y]` in the same reduction, since all loads are in bounds.

use super::super::share::stage_roots;
use super::super::*;
use crate::ops::Op;
use crate::tensor::fuse::Rule;
use std::collections::BTreeSet;

/// The rows that a stage reads for one value of its axes.
pub(super) struct Window {
    /// The first row; may leave the rows that there are.
    pub first: ExprId,
    /// One past the last row; may leave the rows that there are.
    pub end: ExprId,
    /// The axis of the stage with which it moves.
    pub axis: AxisId,
    /// `end - first` at most, where a row is read.
    pub length: Size,
}

/// Rows made ahead at least, so that making rows can run in blocks and moving those that stay is seldom.
const AHEAD: i64 = 16;

/// How many rows a ring keeps for windows of this length.
pub(super) fn rows_kept(length: &Size) -> Size {
    match length.as_const() {
        Some(length) => Size::constant(length + length.max(AHEAD)),
        None => length.times_const(2).plus(&Size::constant(AHEAD)),
    }
}

/// A load of some tensor in a stage.
pub(super) struct Site {
    pub tensor: TensorId,
    pub index: Vec<ExprId>,
    /// The reductions around it, outermost first.
    around: Vec<Reduce>,
}

/// Every load of these tensors in a stage.
pub(super) fn sites(p: &Pipeline, stage: &Stage, tensors: &BTreeSet<TensorId>) -> Vec<Site> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for root in stage_roots(stage) {
        walk(p, root, tensors, &mut Vec::new(), &mut seen, &mut found);
    }
    found
}

fn walk(
    p: &Pipeline,
    id: ExprId,
    tensors: &BTreeSet<TensorId>,
    around: &mut Vec<(ExprId, Reduce)>,
    seen: &mut BTreeSet<(ExprId, Vec<ExprId>)>,
    found: &mut Vec<Site>,
) {
    if !seen.insert((id, around.iter().map(|(id, _)| *id).collect())) {
        return;
    }
    match &p.exprs[id] {
        Expr::Load(tensor, index) => {
            if tensors.contains(tensor) {
                let around = around.iter().map(|(_, reduce)| reduce.clone()).collect();
                found.push(Site { tensor: *tensor, index: index.clone(), around });
            }
            index.iter().for_each(|id| walk(p, *id, tensors, around, seen, found));
        }
        Expr::Reduce(reduce) => {
            around.push((id, reduce.clone()));
            p.children(id).into_iter().for_each(|id| walk(p, id, tensors, around, seen, found));
            around.pop();
        }
        Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) | Expr::Op(..) | Expr::Cast(_) | Expr::Select(..) => {
            p.children(id).into_iter().for_each(|id| walk(p, id, tensors, around, seen, found));
        }
    }
}

/// A value `expr + offset`.
#[derive(Clone, Copy)]
struct Sum {
    expr: ExprId,
    offset: i64,
}

/// The window of rows that loads with these indices read, if it depends on the axes `lead` and one more axis of the stage.
pub(super) fn window(
    p: &mut Pipeline,
    stage: &Stage,
    lead: &[AxisId],
    sites: &[Site],
    index: &[ExprId],
) -> Result<Window, Rule> {
    // The least and the greatest row of each load; those of one range are one.
    let mut spans: Vec<(Sum, Sum)> = Vec::new();
    let mut length = None;
    for (site, row) in sites.iter().zip(index) {
        let least = extreme(p, site, *row, false).ok_or(Rule::NoWindow)?;
        let most = extreme(p, site, *row, true).ok_or(Rule::NoWindow)?;
        let known = |(a, b): &(Sum, Sum)| same_sum(p, *a, least) && same_sum(p, *b, most);
        if !spans.iter().any(known) {
            spans.push((least, most));
        }
        length = length.or_else(|| length_by_weights(p, site, *row));
    }
    let ids = spans.iter().flat_map(|(least, most)| [least.expr, most.expr]);
    let mut moves: BTreeSet<AxisId> = ids.clone().flat_map(|id| p.free_axes(id)).collect();
    lead.iter().for_each(|axis| {
        moves.remove(axis);
    });
    let reduces = ids.clone().any(|id| p.has_reduce(id));
    let axis = match Vec::from_iter(moves)[..] {
        [axis] if stage.axes.contains(&axis) && !reduces => axis,
        _ => return Err(Rule::NoWindow),
    };
    // A window that jumps about would make its rows again and again.
    if !spans.iter().all(|(least, most)| ascends(p, least.expr, axis) && ascends(p, most.expr, axis)) {
        return Err(Rule::NoWindow);
    }
    let origin = stage.origin;
    let mut bounds = [false, true].map(|greatest| {
        let mut all: Vec<ExprId> = Vec::new();
        for (least, most) in &spans {
            let sum = if greatest { Sum { offset: most.offset + 1, ..*most } } else { *least };
            all.push(plus(p, sum, origin));
        }
        all
    });
    let length = match length.filter(|_| spans.len() == 1) {
        Some(length) => length,
        None => Size::constant(spread(p, &spans).ok_or(Rule::LongWindow)?),
    };
    let mut hull = |at: usize, op: Op| {
        let all = std::mem::take(&mut bounds[at]);
        all.into_iter().reduce(|a, b| p.op(op, &[a, b], origin)).expect("there are loads")
    };
    Ok(Window { first: hull(0, Op::Min), end: hull(1, Op::Max), axis, length })
}

/// Whether an index grows with the axis, as far as its form tells; tables are taken to ascend.
fn ascends(p: &Pipeline, id: ExprId, axis: AxisId) -> bool {
    if !p.free_axes(id).contains(&axis) {
        return true;
    }
    match &p.exprs[id] {
        Expr::Axis(_) | Expr::Load(..) => true,
        Expr::Op(Op::Add | Op::Min | Op::Max, args) => args.iter().all(|arg| ascends(p, *arg, axis)),
        Expr::Op(Op::Sub, args) => ascends(p, args[0], axis) && !p.free_axes(args[1]).contains(&axis),
        Expr::Op(Op::Mul, args) => {
            let grows = |by: ExprId| p.as_const(by).is_some_and(|by| by.as_int() >= 0) || p.as_size(by).is_some();
            (grows(args[1]) && ascends(p, args[0], axis)) || (grows(args[0]) && ascends(p, args[1], axis))
        }
        Expr::Op(Op::Div | Op::Shr, args) => {
            p.as_const(args[1]).is_some_and(|by| by.as_int() > 0) && ascends(p, args[0], axis)
        }
        _ => false,
    }
}

fn plus(p: &mut Pipeline, sum: Sum, origin: OriginId) -> ExprId {
    let offset = p.constant(Const::i32(sum.offset as i32), origin);
    p.op(Op::Add, &[sum.expr, offset], origin)
}

fn same_sum(p: &Pipeline, a: Sum, b: Sum) -> bool {
    a.offset == b.offset && (a.expr == b.expr || p.exprs[a.expr] == p.exprs[b.expr])
}

/// The least or greatest value of an index over the values of the reductions' axes around it.
fn extreme(p: &mut Pipeline, site: &Site, id: ExprId, greatest: bool) -> Option<Sum> {
    let of = |axis: AxisId| site.around.iter().flat_map(|reduce| &reduce.axes).find(|own| own.axis == axis);
    if p.free_axes(id).into_iter().all(|axis| of(axis).is_none()) {
        return Some(match p.as_const(id) {
            // Constants are offsets, so that equal rows look equal.
            Some(_) => Sum { expr: id, offset: 0 },
            None => split(p, id),
        });
    }
    let origin = p.exprs.origin(id);
    match p.exprs[id].clone() {
        Expr::Axis(axis) => {
            let own = of(axis)?.clone();
            let bound = extreme(p, site, if greatest { own.hi } else { own.lo }, greatest)?;
            Some(Sum { offset: bound.offset - i64::from(greatest), ..bound })
        }
        Expr::Op(op @ (Op::Add | Op::Sub), args) => {
            let a = extreme(p, site, args[0], greatest)?;
            let b = extreme(p, site, args[1], greatest == (op == Op::Add))?;
            let offset = if op == Op::Add { a.offset + b.offset } else { a.offset - b.offset };
            Some(split_off(p, op, a, b, offset, origin))
        }
        Expr::Op(op @ (Op::Min | Op::Max), args) => {
            let a = extreme(p, site, args[0], greatest)?;
            let b = extreme(p, site, args[1], greatest)?;
            let (a, b) = (plus(p, a, origin), plus(p, b, origin));
            Some(Sum { expr: p.op(op, &[a, b], origin), offset: 0 })
        }
        Expr::Op(Op::Mul, args) => {
            let (factor, other) = match (p.as_const(args[0]), p.as_const(args[1])) {
                (Some(factor), _) => (factor, args[1]),
                (_, Some(factor)) => (factor, args[0]),
                _ => return None,
            };
            let inner = extreme(p, site, other, greatest == (factor.as_int() >= 0))?;
            let inner = plus(p, inner, origin);
            let factor = p.constant(factor, origin);
            Some(Sum { expr: p.op(Op::Mul, &[inner, factor], origin), offset: 0 })
        }
        Expr::Op(op @ (Op::Div | Op::Shr), args) if p.as_const(args[1]).is_some_and(|by| by.as_int() > 0) => {
            let inner = extreme(p, site, args[0], greatest)?;
            let inner = plus(p, inner, origin);
            Some(Sum { expr: p.op(op, &[inner, args[1]], origin), offset: 0 })
        }
        _ => None,
    }
}

/// The constant that an expression adds, apart.
fn split(p: &Pipeline, id: ExprId) -> Sum {
    if let Expr::Op(op @ (Op::Add | Op::Sub), args) = &p.exprs[id]
        && let Some(offset) = p.as_const(args[1])
    {
        let offset = offset.as_int() as i64;
        return Sum { expr: args[0], offset: if *op == Op::Add { offset } else { -offset } };
    }
    Sum { expr: id, offset: 0 }
}

/// `a + b` or `a - b` without the offsets; a constant part joins them.
fn split_off(p: &mut Pipeline, op: Op, a: Sum, b: Sum, offset: i64, origin: OriginId) -> Sum {
    let constant = |p: &Pipeline, sum: Sum| p.as_const(sum.expr).map(|value| value.as_int() as i64);
    if let Some(value) = constant(p, b) {
        let offset = if op == Op::Add { offset + value } else { offset - value };
        return Sum { expr: a.expr, offset };
    }
    if let (Some(value), Op::Add) = (constant(p, a), op) {
        return Sum { expr: b.expr, offset: offset + value };
    }
    Sum { expr: p.op(op, &[a.expr, b.expr], origin), offset }
}

/// The length of the range `lo..hi` of a row that is a reduction's index, from a load at `row - lo` that is carried out for
/// each of its values.
fn length_by_weights(p: &Pipeline, site: &Site, row: ExprId) -> Option<Size> {
    let row = split(p, row).expr;
    let Expr::Axis(axis) = p.exprs[row] else { return None };
    let reduce = site.around.iter().find(|reduce| reduce.axes.len() == 1 && reduce.axes[0].axis == axis)?;
    let lo = reduce.axes[0].lo;
    let mut open = vec![reduce.body];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        match &p.exprs[id] {
            // Arms and inner reductions may be skipped.
            Expr::Select(cond, ..) => open.push(*cond),
            Expr::Reduce(_) => {}
            Expr::Load(tensor, index) => {
                let from_lo = |id: &ExprId| match &p.exprs[*id] {
                    Expr::Op(Op::Sub, args) => p.exprs[args[0]] == Expr::Axis(axis) && p.exprs[args[1]] == p.exprs[lo],
                    _ => false,
                };
                if let Some(dim) = index.iter().position(from_lo) {
                    return Some(p.tensors[*tensor].dims[dim].clone());
                }
                open.extend(index);
            }
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) | Expr::Op(..) | Expr::Cast(_) => {
                open.extend(p.children(id))
            }
        }
    }
    None
}

/// How many rows there are from any of the first to any of the last rows at most, if that is a constant.
fn spread(p: &Pipeline, spans: &[(Sum, Sum)]) -> Option<i64> {
    let mut length = 0;
    for (first, _) in spans {
        for (_, last) in spans {
            length = length.max(excess(p, *last, *first, DEPTH)? + 1);
        }
    }
    Some(length)
}

/// How deep `excess` looks into borders.
const DEPTH: usize = 8;

/// A constant that `a - b` never exceeds: both follow one index, within borders that do not stretch distances.
fn excess(p: &Pipeline, a: Sum, b: Sum, depth: usize) -> Option<i64> {
    if depth == 0 {
        return None;
    }
    let offset = a.offset.checked_sub(b.offset)?;
    if a.expr == b.expr || p.exprs[a.expr] == p.exprs[b.expr] {
        return Some(offset);
    }
    let of = |a: ExprId, b: ExprId| excess(p, split(p, a), split(p, b), depth - 1);
    let least = |x: Option<i64>, y: Option<i64>| x.into_iter().chain(y).min();
    let most = |x: Option<i64>, y: Option<i64>| Some(x?.max(y?));
    let (left, right) = (&p.exprs[a.expr], &p.exprs[b.expr]);
    let found = match (left, right) {
        // min(x, y) - min(v, w) <= max(x - v, y - w), and so for max.
        (Expr::Op(op @ (Op::Min | Op::Max), x), Expr::Op(other, y)) if op == other => {
            let straight = most(of(x[0], y[0]), of(x[1], y[1]));
            least(straight, most(of(x[0], y[1]), of(x[1], y[0])))
        }
        (Expr::Op(Op::Mul, x), Expr::Op(Op::Mul, y)) if p.exprs[x[1]] == p.exprs[y[1]] => {
            let factor = p.as_const(x[1]).map(|factor| factor.as_int() as i64).filter(|factor| *factor >= 0);
            of(x[0], y[0]).and_then(|inner| inner.checked_mul(factor?))
        }
        // Quotients rounded down differ by at most one more.
        (Expr::Op(op @ (Op::Div | Op::Shr), x), Expr::Op(other, y))
            if op == other && p.exprs[x[1]] == p.exprs[y[1]] =>
        {
            let by = p.as_const(x[1]).map(|by| by.as_int() as i64).filter(|by| (1..31).contains(by));
            let by = if *op == Op::Shr { by.map(|by| 1 << by) } else { by };
            of(x[0], y[0]).and_then(|inner| Some(inner.max(0).div_euclid(by?) + 1))
        }
        _ => None,
    };
    let one_sided = || match (left, right) {
        (Expr::Op(Op::Min, x), _) => least(of(x[0], b.expr), of(x[1], b.expr)),
        (_, Expr::Op(Op::Max, y)) => least(of(a.expr, y[0]), of(a.expr, y[1])),
        (Expr::Op(Op::Max, x), _) => most(of(x[0], b.expr), of(x[1], b.expr)),
        (_, Expr::Op(Op::Min, y)) => most(of(a.expr, y[0]), of(a.expr, y[1])),
        // An axis lies between 0 and its extent.
        _ => {
            let size = |id: ExprId, least: bool| match &p.exprs[id] {
                Expr::Axis(_) if least => Some(Size::constant(0)),
                Expr::Axis(axis) => Some(p.axes[*axis].extent.as_ref()?.minus(&Size::constant(1))),
                _ => p.as_size(id),
            };
            size(a.expr, false)?.minus(&size(b.expr, true)?).as_const()
        }
    };
    found.or_else(one_sided)?.checked_add(offset)
}
