//! Whether stages lose nothing when they share loops: a row must be worth a loop, and rows must not share what they load.

use super::super::share::stage_roots;
use super::super::*;
use super::Member;
use std::collections::BTreeSet;

/// An inner extent below this is not worth a loop of its own: its stage is better vectorised over the outer axis.
const LONG_ENOUGH: i64 = 16;

impl Member {
    /// Whether sharing this many axes with other stages costs the stage nothing.
    pub(super) fn pays(&self, p: &Pipeline, depth: usize) -> bool {
        is_long(p, &self.stage, &self.shared[..depth]) && !shares_loads(p, &self.stage, &self.shared[..depth])
    }
}

/// Whether what the stage does for one value of its shared axes is worth a loop: some other axis, or a reduction if there is
/// none, is long or of unknown length. A stage of single elements (`1 / sqrt(variance)`) is, too: it costs next to nothing.
pub(super) fn is_long(p: &Pipeline, stage: &Stage, shared: &[usize]) -> bool {
    if matches!(stage.body, StageBody::Scan { .. }) && stage.axes.len() <= shared.len() {
        return false;
    }
    let long = |extent: &Size| extent.as_const().is_none_or(|extent| extent >= LONG_ENOUGH);
    let mut inner = (0..stage.axes.len()).filter(|at| !shared.contains(at)).peekable();
    if inner.peek().is_some() {
        return inner.any(|at| p.axes[stage.axes[at]].extent.as_ref().is_none_or(long));
    }
    let mut is_long = true;
    p.visit(&stage_roots(stage), &mut |_, expr| {
        if let Expr::Reduce(reduce) = expr {
            is_long &= reduce.axes.iter().any(|axis| p.axes[axis.axis].extent.as_ref().is_none_or(long));
        }
    });
    is_long
}

/// Whether several values of a shared axis, taken side by side, would share what a reduction loads for each of its elements
/// (weights of a matrix product, of a resize along rows): then one row at a time loads more than all rows together.
pub(super) fn shares_loads(p: &Pipeline, stage: &Stage, shared: &[usize]) -> bool {
    let inner: BTreeSet<AxisId> =
        (0..stage.axes.len()).filter(|at| !shared.contains(at)).map(|at| stage.axes[at]).collect();
    let mut found = false;
    p.visit(&stage_roots(stage), &mut |_, expr| {
        let Expr::Reduce(reduce) = expr else { return };
        let own: BTreeSet<AxisId> = reduce.axes.iter().map(|axis| axis.axis).collect();
        let bounds: BTreeSet<AxisId> =
            reduce.axes.iter().flat_map(|axis| [axis.lo, axis.hi]).flat_map(|id| p.free_axes(id)).collect();
        p.visit(&[reduce.body], &mut |id, expr| {
            if matches!(expr, Expr::Load(..)) {
                let free = p.free_axes(id);
                let common = |axis: &AxisId| !free.contains(axis) && !bounds.contains(axis);
                let varies = !free.is_disjoint(&own) && !free.is_disjoint(&inner);
                found |= varies && shared.iter().any(|at| common(&stage.axes[*at]));
            }
        });
    });
    found
}
