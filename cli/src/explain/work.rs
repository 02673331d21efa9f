//! Estimates of what stages compute and move, from their expressions.
//!
//! An operation counts once for each element that it is computed for, a load with the bytes of an element; both arms of a
//! condition count. What caches and registers save is not known here, and a range whose bounds come from data counts as
//! one element.

use super::Work;
use kcc_compiler::plan;
use kcc_compiler::size::Size;
use kcc_compiler::tensor::{AxisId, ControlKind, Expr, ExprId, Pipeline, Region, Stage, StageBody, Stmt, TensorId};
use std::collections::BTreeSet;

/// The stages that are left, in order.
pub fn work(pipeline: &Pipeline, show: &mut dyn FnMut(&Size) -> String) -> Vec<Work> {
    let mut out = Vec::new();
    let around = Around { times: Size::constant(1), data: false };
    of_region(pipeline, &pipeline.body, &around, show, &mut out);
    out
}

/// The loops of sequential code around a statement.
#[derive(Clone)]
struct Around {
    /// How often it runs.
    times: Size,
    /// Whether the data decides how often.
    data: bool,
}

fn of_region(
    pipeline: &Pipeline,
    region: &Region,
    around: &Around,
    show: &mut dyn FnMut(&Size) -> String,
    out: &mut Vec<Work>,
) {
    for stmt in &region.stmts {
        match stmt {
            Stmt::Stage(stage) => out.push(of_stage(pipeline, stage, around, false, show)),
            Stmt::Group(group) => {
                for (index, stage) in group.all_stages().into_iter().enumerate() {
                    out.push(of_stage(pipeline, stage, around, index > 0, show));
                }
            }
            Stmt::Store(store) => {
                let roots = store.index.iter().copied().chain([store.value]).collect::<Vec<_>>();
                let place = (&[store.tensor][..], &store.axes[..], plan::print::binding(store.binding));
                out.push(of_roots(pipeline, place, &roots, None, around, false, show));
            }
            Stmt::Alias { .. } | Stmt::Check(_) | Stmt::Decide { .. } => {}
            Stmt::Control(control) => {
                let mut inner = around.clone();
                match &control.kind {
                    ControlKind::Loop { axis, .. } => match pipeline.as_size(axis.lo).zip(pipeline.as_size(axis.hi)) {
                        Some((lo, hi)) => inner.times = inner.times.times(&hi.minus(&lo).div(&axis.step)),
                        None => inner.data = true,
                    },
                    // What a condition keeps from running is not counted off.
                    ControlKind::If { .. } | ControlKind::Repeat(_) => inner.data = true,
                    ControlKind::Block(..) | ControlKind::Leave(_) => {}
                }
                stmt.regions().into_iter().for_each(|region| of_region(pipeline, region, &inner, show, out));
            }
        }
    }
}

fn extents(pipeline: &Pipeline, axes: &[AxisId]) -> Size {
    Size::product(axes.iter().filter_map(|axis| pipeline.axes[*axis].extent.as_ref()))
}

fn of_stage(
    pipeline: &Pipeline,
    stage: &Stage,
    around: &Around,
    shares_loops: bool,
    show: &mut dyn FnMut(&Size) -> String,
) -> Work {
    let place = (&stage.tensors[..], &stage.axes[..], plan::print::binding(stage.binding));
    match &stage.body {
        StageBody::Map(roots) => of_roots(pipeline, place, roots, None, around, shares_loops, show),
        StageBody::Scan { expr, .. } => of_roots(pipeline, place, &[*expr], Some(*expr), around, shares_loops, show),
    }
}

/// What is written, over which axes, when.
type Written<'a> = (&'a [TensorId], &'a [AxisId], &'static str);

fn of_roots(
    pipeline: &Pipeline,
    (tensors, axes, binding): Written<'_>,
    roots: &[ExprId],
    combined: Option<ExprId>,
    around: &Around,
    shares_loops: bool,
    show: &mut dyn FnMut(&Size) -> String,
) -> Work {
    let elements = around.times.times(&extents(pipeline, axes));
    let (seen, data) = (BTreeSet::new(), around.data);
    let mut count = Count { pipeline, seen, floats: zero(), integers: zero(), loaded: zero(), data };
    if let Some(expr) = combined {
        count.operation(expr, &elements);
    }
    roots.iter().for_each(|root| count.expr(*root, &elements));
    let width: i64 = tensors.iter().map(|tensor| i64::from(pipeline.tensors[*tensor].elem.bytes())).sum();
    let names: Vec<&str> = tensors.iter().map(|tensor| pipeline.tensors[*tensor].name.as_str()).collect();
    Work {
        name: names.join(", "),
        binding,
        operations: [show(&count.floats), show(&count.integers)],
        bytes: [show(&count.loaded), show(&elements.times_const(width))],
        depends_on_data: count.data,
        shares_loops,
    }
}

fn zero() -> Size {
    Size::constant(0)
}

struct Count<'a> {
    pipeline: &'a Pipeline,
    /// What is shared is computed once.
    seen: BTreeSet<ExprId>,
    floats: Size,
    integers: Size,
    loaded: Size,
    data: bool,
}

impl Count<'_> {
    /// An operation that gives this, so many times.
    fn operation(&mut self, id: ExprId, times: &Size) {
        let sum = if self.pipeline.ty(id).is_float() { &mut self.floats } else { &mut self.integers };
        *sum = sum.plus(times);
    }

    fn expr(&mut self, id: ExprId, times: &Size) {
        if !self.seen.insert(id) {
            return;
        }
        match &self.pipeline.exprs[id] {
            Expr::Const(_) | Expr::Axis(_) | Expr::Size(_) => {}
            Expr::Op(_, args) => {
                // A comparison of floats is work on floats.
                self.operation(args.first().copied().unwrap_or(id), times);
                args.iter().for_each(|arg| self.expr(*arg, times));
            }
            Expr::Cast(arg) => {
                self.operation(id, times);
                self.expr(*arg, times);
            }
            Expr::Select(cond, then, otherwise) => {
                self.operation(id, times);
                [cond, then, otherwise].into_iter().for_each(|part| self.expr(*part, times));
            }
            Expr::Load(tensor, index) => {
                let width = i64::from(self.pipeline.tensors[*tensor].elem.bytes());
                self.loaded = self.loaded.plus(&times.times_const(width));
                index.iter().for_each(|part| self.expr(*part, times));
            }
            Expr::Reduce(reduce) => {
                let mut inner = times.clone();
                for axis in &reduce.axes {
                    match self.pipeline.as_size(axis.lo).zip(self.pipeline.as_size(axis.hi)) {
                        Some((lo, hi)) => inner = inner.times(&hi.minus(&lo).div(&axis.step)),
                        None => self.data = true,
                    }
                    self.expr(axis.lo, times);
                    self.expr(axis.hi, times);
                }
                self.operation(reduce.body, &inner);
                self.expr(reduce.body, &inner);
            }
        }
    }
}
