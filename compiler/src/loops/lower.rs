//! Tensor IR → naive Loop IR: one kernel per stage and check, one buffer per tensor.
//!
//! Assumes verified Tensor IR. Guarantees: every loop is serial, every value has one lane, each access has one index
//! per dimension, each shared expression is computed once in a scope, at the outermost loop that binds all it needs.
//! Loads that may run although the program does not ask for them have clamped indices (`lower/load.rs`).
//!
//! The work is split: `lower/facts.rs` looks at expressions, `lower/nest.rs` keeps the open scopes of a kernel,
//! `lower/group.rs` opens the loops of stages and keeps rings of rows, `lower/value.rs` places expressions, `lower/load.rs` makes loads safe, `lower/reduce.rs` and `lower/partials.rs`
//! carry out reductions, `lower/buffers.rs` decides what lies where.

mod buffers;
mod facts;
mod group;
mod load;
mod nest;
mod partials;
mod reduce;
mod value;

use super::{BufferId, Expr, FailureId, Kernel, Load, Program, Stmt, Var};
use crate::loops::{Access, build};
use crate::origin::OriginId;
use crate::tensor::{self, Binding, Check, Group, Pipeline, Stage, TensorId};
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
                lowering.group(group);
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
        self.kernels.push(Kernel { name, binding, vars, body, origin, schedule: String::new() });
    }

    fn stage(&mut self, stage: &Stage) {
        let (binding, origin) = (stage.binding, stage.origin);
        let (axes, rings, stages, private) = (Vec::new(), Vec::new(), vec![stage.clone()], Vec::new());
        self.group(&Group { axes, rings, stages, private, binding, origin });
    }

    /// Stages that share axes; a stage by itself shares none.
    fn group(&mut self, group: &Group) {
        let mut nest = Nest::new(self.pipeline, &mut self.buffers, &mut self.facts);
        nest.group(group);
        let done = nest.finish();
        let last = group.stages.last().expect("a group has stages");
        let name = &self.pipeline.tensors[last.tensors[0]].name;
        self.kernel(name, group.binding, group.origin, done);
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
