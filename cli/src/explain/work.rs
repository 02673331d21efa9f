//! Estimates of what stages compute and move, from their expressions.
//!
//! An operation counts once for each element that it is computed for, a load with the bytes of an element; both arms of a
//! condition count. What caches and registers save is not known here, and a range whose bounds come from data counts as
//! one element.

use super::Work;
use kcc_compiler::plan;
use kcc_compiler::size::Size;
use kcc_compiler::tensor::{Expr, ExprId, Pipeline, Stage, StageBody, Stmt};
use std::collections::BTreeSet;

/// The stages that are left, in order.
pub fn work(pipeline: &Pipeline, show: &mut dyn FnMut(&Size) -> String) -> Vec<Work> {
    let mut out = Vec::new();
    for stmt in &pipeline.body.stmts {
        match stmt {
            Stmt::Stage(stage) => out.push(of_stage(pipeline, stage, &Size::constant(1), false, show)),
            Stmt::Group(group) => {
                let outer = extents(pipeline, &group.axes);
                for (index, stage) in group.stages.iter().enumerate() {
                    out.push(of_stage(pipeline, stage, &outer, index > 0, show));
                }
            }
            _ => {}
        }
    }
    out
}

fn extents(pipeline: &Pipeline, axes: &[kcc_compiler::tensor::AxisId]) -> Size {
    Size::product(axes.iter().filter_map(|axis| pipeline.axes[*axis].extent.as_ref()))
}

fn of_stage(
    pipeline: &Pipeline,
    stage: &Stage,
    outer: &Size,
    shares_loops: bool,
    show: &mut dyn FnMut(&Size) -> String,
) -> Work {
    let elements = outer.times(&extents(pipeline, &stage.axes));
    let mut count =
        Count { pipeline, seen: BTreeSet::new(), floats: zero(), integers: zero(), loaded: zero(), data: false };
    let roots = match &stage.body {
        StageBody::Map(roots) => roots.clone(),
        StageBody::Scan { expr, .. } => vec![*expr],
    };
    if let StageBody::Scan { expr, .. } = &stage.body {
        count.operation(*expr, &elements);
    }
    roots.iter().for_each(|root| count.expr(*root, &elements));
    let width: i64 = stage.tensors.iter().map(|tensor| i64::from(pipeline.tensors[*tensor].elem.bytes())).sum();
    let tensors: Vec<&str> = stage.tensors.iter().map(|tensor| pipeline.tensors[*tensor].name.as_str()).collect();
    Work {
        name: tensors.join(", "),
        binding: plan::print::binding(stage.binding),
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
