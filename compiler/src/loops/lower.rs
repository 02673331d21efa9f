//! Tensor IR → naive Loop IR: one kernel per stage and check, one buffer per tensor.
//!
//! Assumes verified Tensor IR. Guarantees: every loop is serial, every value has one lane, each access has one index
//! per dimension, each shared expression is computed once in a scope, at the outermost loop that binds all it needs.
//! Loads that may run although the program does not ask for them have clamped indices (`lower/load.rs`).
//!
//! The work is split: `lower/facts.rs` looks at expressions, `lower/nest.rs` keeps the open scopes of a kernel,
//! `lower/value.rs` places expressions, `lower/load.rs` makes loads safe, `lower/reduce.rs` and `lower/partials.rs`
//! carry out reductions, `lower/buffers.rs` decides what lies where.

mod buffers;
mod facts;
mod load;
mod nest;
mod partials;
mod reduce;
mod value;

use super::{BufferId, Expr, FailureId, Kernel, Load, Program, Stmt, Var};
use crate::loops::{Access, build};
use crate::ops::fold;
use crate::origin::OriginId;
use crate::tensor::{self, AxisId, Binding, Check, Pipeline, Stage, StageBody, TensorId};
use crate::types::Scalar;
use buffers::Buffers;
use facts::Facts;
use nest::{Nest, ScopeKind};
use std::collections::BTreeSet;

/// Turns a pipeline's region into kernels.
///
/// Before: `y[i] = x[i] * 2` as a stage. After: the kernel `for i in 0..N { y[i] = x[i] * 2 }`.
pub fn lower(program: &tensor::Program, pipeline: &Pipeline) -> Program {
    let mut lowering = Lowering {
        pipeline,
        buffers: Buffers::decide(program, pipeline),
        facts: Facts::new(pipeline),
        failures: Vec::new(),
        kernels: Vec::new(),
        names: BTreeSet::new(),
    };
    for stmt in &pipeline.body.stmts {
        match stmt {
            tensor::Stmt::Stage(stage) => lowering.stage(stage),
            tensor::Stmt::Alias { .. } => {}
            tensor::Stmt::Group(group) => {
                lowering.group(&group.axes, &group.stages, &group.private, group.binding, group.origin);
            }
            tensor::Stmt::Check(check) => lowering.check(check, pipeline.exprs.origin(check.cond)),
        }
    }
    for (from, to, name) in lowering.buffers.copies() {
        lowering.copy(from, to, &name);
    }
    Program { buffers: lowering.buffers.all, kernels: lowering.kernels, failures: lowering.failures }
}

struct Lowering<'a> {
    pipeline: &'a Pipeline,
    buffers: Buffers,
    facts: Facts<'a>,
    failures: Vec<(tensor::Failure, OriginId)>,
    kernels: Vec<Kernel>,
    names: BTreeSet<String>,
}

impl Lowering<'_> {
    fn name(&mut self, name: &str) -> String {
        let base = format!("{}.{name}", self.pipeline.name);
        let unique = (1..)
            .map(|n| if n == 1 { base.clone() } else { format!("{base}.{n}") })
            .find(|name| !self.names.contains(name))
            .expect("there are enough numbers");
        self.names.insert(unique.clone());
        unique
    }

    fn kernel(&mut self, name: &str, binding: Binding, origin: OriginId, (vars, body): (Vec<Var>, Vec<Stmt>)) {
        let name = self.name(name);
        let (schedule, short) = (String::new(), BTreeSet::new());
        self.kernels.push(Kernel { name, binding, vars, body, origin, schedule, short });
    }

    fn stage(&mut self, stage: &Stage) {
        self.group(&[], std::slice::from_ref(stage), &[], stage.binding, stage.origin);
    }

    /// Stages that share outer axes; a stage by itself shares none.
    fn group(&mut self, axes: &[AxisId], stages: &[Stage], private: &[TensorId], binding: Binding, origin: OriginId) {
        let mut nest = Nest::new(self.pipeline, &mut self.buffers, &mut self.facts);
        // Stages of a group have one guard. Nothing moves out of it: loads may be out of bounds where it does not hold.
        let guard = stages.first().and_then(|stage| stage.guard).map(|guard| {
            nest.need(&[guard]);
            let cond = nest.value(guard).0;
            nest.open(ScopeKind::Cold);
            (cond, nest.top())
        });
        for &axis in axes {
            nest.open_stage_axis(axis, ScopeKind::StageLoop);
        }
        let shared = nest.top();
        // The nest as a whole is guarded against empty shared axes only: other stages may have work to do.
        let kind = if axes.is_empty() { ScopeKind::StageLoop } else { ScopeKind::Loop };
        for stage in stages {
            let index = |tensor: TensorId| {
                let outer = if private.contains(&tensor) { &[] } else { axes };
                outer.iter().chain(&stage.axes).copied().collect::<Vec<_>>()
            };
            match &stage.body {
                StageBody::Map(values) => {
                    for &axis in &stage.axes {
                        nest.open_stage_axis(axis, kind);
                    }
                    nest.need(values);
                    for (&value, &tensor) in values.iter().zip(&stage.tensors) {
                        let value = nest.value(value).0;
                        // An `f16` is rounded by its way through memory.
                        let rounds = self.pipeline.tensors[tensor].elem == Scalar::F16;
                        if private.contains(&tensor) && index(tensor).is_empty() && !rounds {
                            nest.hold(tensor, value);
                        } else {
                            nest.store(tensor, &index(tensor), value);
                        }
                    }
                }
                StageBody::Scan { op, expr } => {
                    let (last, outer) = stage.axes.split_last().expect("a scan has an axis");
                    for &axis in outer {
                        nest.open_stage_axis(axis, kind);
                    }
                    let elem = self.pipeline.ty(*expr);
                    let start = fold::identity(*op, elem).expect("a scan's operation has an identity");
                    let total = nest.define("total", Expr::Const(start));
                    nest.open_stage_axis(*last, kind);
                    nest.need(&[*expr]);
                    let value = nest.value(*expr).0;
                    nest.push(Stmt::Accumulate(total, fold::combine(*op).expect("as above"), value));
                    nest.store(stage.tensors[0], &index(stage.tensors[0]), Expr::Var(total));
                }
            }
            nest.close_to(shared);
        }
        if let Some((cond, depth)) = guard {
            nest.close_to(depth);
            let block = nest.close_block();
            nest.push(Stmt::If(cond, block, Vec::new()));
        }
        let done = nest.finish();
        let last = stages.last().expect("a group has stages");
        let name = &self.pipeline.tensors[last.tensors[0]].name;
        self.kernel(name, binding, origin, done);
    }

    fn check(&mut self, check: &Check, origin: OriginId) {
        self.failures.push((check.failure.clone(), check.origin));
        let failure = FailureId(self.failures.len() as u32 - 1);
        let mut nest = Nest::new(self.pipeline, &mut self.buffers, &mut self.facts);
        for axis in &check.axes {
            nest.open_axis(std::slice::from_ref(&axis.axis), axis);
        }
        nest.need(&[check.cond]);
        let cond = nest.value(check.cond).0;
        nest.open(ScopeKind::Cold);
        let values = check.values.iter().map(|value| nest.value(*value).0).collect();
        nest.push(Stmt::Fail(failure, values));
        let otherwise = nest.close_block();
        nest.push(Stmt::If(cond, Vec::new(), otherwise));
        let done = nest.finish();
        self.kernel("check", check.binding, origin, done);
    }

    /// A kernel that copies a tensor into the buffer of a result.
    fn copy(&mut self, from: TensorId, to: BufferId, name: &str) {
        let source = self.buffers.of(from);
        let dims = self.pipeline.tensors[from].dims.clone();
        let mut nest = Nest::new(self.pipeline, &mut self.buffers, &mut self.facts);
        let index: Vec<Expr> = dims.iter().enumerate().map(|(n, dim)| nest.open_counter(n, build::size(dim))).collect();
        let load = Expr::Load(Load { buffer: source, index: index.clone(), access: Access::One });
        nest.push(Stmt::Store { buffer: to, index, value: load });
        let done = nest.finish();
        self.kernel(&format!("copy.{name}"), Binding::Call, self.pipeline.origin, done);
    }
}
