//! Tensor IR → naive Loop IR: one kernel per stage and check, one buffer per tensor.
//!
//! Assumes verified Tensor IR. Guarantees: every loop is serial, every value has one lane, each access has one index
//! per dimension, each shared expression is computed once in a scope, at the outermost loop that binds all it needs.
//! Loads that may run although the program does not ask for them have clamped indices (`lower/load.rs`).
//!
//! The work is split: `lower/facts.rs` looks at expressions, `lower/nest.rs` keeps the open scopes of a kernel,
//! `lower/group.rs` opens the loops of stages and keeps rings of rows, `lower/value.rs` places expressions, `lower/load.rs` makes loads safe, `lower/reduce.rs` and `lower/partials.rs`
//! carry out reductions, `lower/buffers.rs` decides what lies where, `lower/sequential.rs` makes one kernel of sequential code.

mod buffers;
mod facts;
mod group;
mod load;
mod nest;
mod partials;
mod reduce;
mod sequential;
mod value;

use super::{BufferId, Expr, FailureId, Kernel, Load, Program, Stmt, Var};
use crate::loops::Access;
use crate::origin::OriginId;
use crate::tensor::{self, Binding, Check, Group, Pipeline, Stage, TensorId};
use buffers::Buffers;
use facts::Facts;
use nest::{Nest, ScopeKind};
use std::collections::BTreeSet;

/// Turns a pipeline's region into kernels.
///
/// Before: `y[i] = x[i] * 2` as a stage. After: the kernel `for i in 0..N { y[i] = x[i] * 2 }`. From the first sequential
/// statement on, all statements with its binding time are one kernel.
pub fn lower(program: &tensor::Program, pipeline: &Pipeline) -> Program {
    let mut lowering = Lowering {
        pipeline,
        buffers: Buffers::decide(program, pipeline),
        facts: Facts::new(pipeline),
        failures: Vec::new(),
        kernels: Vec::new(),
        names: BTreeSet::new(),
    };
    for binding in [Binding::Build, Binding::Bind, Binding::Plan, Binding::Call] {
        let stmts: Vec<&tensor::Stmt> = pipeline.body.stmts.iter().filter(|stmt| stmt.binding() == binding).collect();
        let first = stmts.iter().position(|stmt| stmt.is_sequential()).unwrap_or(stmts.len());
        let (parallel, sequential) = stmts.split_at(first);
        parallel.iter().for_each(|stmt| lowering.alone(stmt));
        let copies = if binding == Binding::Call { lowering.buffers.copies() } else { Vec::new() };
        if sequential.is_empty() {
            copies.iter().for_each(|(from, to, name)| lowering.copy(*from, *to, name));
        } else {
            lowering.sequential(sequential, &copies, binding);
        }
    }
    let Buffers { all, extents, .. } = lowering.buffers;
    Program { buffers: all, kernels: lowering.kernels, failures: lowering.failures, extents }
}

struct Lowering<'a> {
    pipeline: &'a Pipeline,
    buffers: Buffers,
    facts: Facts<'a>,
    failures: Vec<(tensor::Failure, OriginId)>,
    kernels: Vec<Kernel>,
    names: BTreeSet<String>,
}

impl<'a> Lowering<'a> {
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
        let (schedule, decided, short) = (String::new(), Vec::new(), BTreeSet::new());
        self.kernels.push(Kernel { name, binding, vars, body, origin, schedule, decided, short });
    }

    /// A statement as a kernel of its own.
    fn alone(&mut self, stmt: &'a tensor::Stmt) {
        match stmt {
            tensor::Stmt::Stage(stage) => self.group(&alone(stage)),
            tensor::Stmt::Group(group) => self.group(group),
            tensor::Stmt::Check(check) => self.check(check),
            tensor::Stmt::Alias { .. } => {}
            tensor::Stmt::Store(_) | tensor::Stmt::Decide { .. } | tensor::Stmt::Control(_) => {
                unreachable!("sequential statements share a kernel")
            }
        }
    }

    fn group(&mut self, group: &Group) {
        let mut nest = Nest::new(self.pipeline, &mut self.buffers, &mut self.facts);
        nest.group(group);
        let done = nest.finish();
        let last = group.stages.last().expect("a group has stages");
        let name = &self.pipeline.tensors[last.tensors[0]].name;
        self.kernel(name, group.binding, group.origin, done);
    }

    fn check(&mut self, check: &Check) {
        let origin = self.pipeline.exprs.origin(check.cond);
        let mut nest = Nest::new(self.pipeline, &mut self.buffers, &mut self.facts);
        check_in(&mut nest, &mut self.failures, check);
        let done = nest.finish();
        self.kernel("check", check.binding, origin, done);
    }

    /// A kernel that copies a tensor into the buffer of a result.
    fn copy(&mut self, from: TensorId, to: BufferId, name: &str) {
        let mut nest = Nest::new(self.pipeline, &mut self.buffers, &mut self.facts);
        copy_in(&mut nest, from, to);
        let done = nest.finish();
        self.kernel(&format!("copy.{name}"), Binding::Call, self.pipeline.origin, done);
    }
}

/// A stage by itself, as a group that shares no axes.
fn alone(stage: &Stage) -> Group {
    let (binding, origin) = (stage.binding, stage.origin);
    let (axes, rings, stages, private) = (Vec::new(), Vec::new(), vec![stage.clone()], Vec::new());
    Group { axes, rings, stages, private, binding, origin }
}

/// A condition for all values of its axes, in order: the first that does not hold fails the call.
fn check_in(nest: &mut Nest<'_, '_>, failures: &mut Vec<(tensor::Failure, OriginId)>, check: &Check) {
    failures.push((check.failure.clone(), check.origin));
    let failure = FailureId(failures.len() as u32 - 1);
    let depth = nest.top();
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
    nest.close_to(depth);
}

/// Copies a tensor into the buffer of a result.
fn copy_in(nest: &mut Nest<'_, '_>, from: TensorId, to: BufferId) {
    let source = nest.buffers.of(from);
    let dims = nest.pipeline.tensors[from].dims.clone();
    let depth = nest.top();
    let mut index = Vec::new();
    for (n, dim) in dims.iter().enumerate() {
        let extent = nest.size(dim);
        index.push(nest.open_counter(n, extent));
    }
    let load = Expr::Load(Load { buffer: source, index: index.clone(), access: Access::One });
    nest.push(Stmt::Store { buffer: to, index, value: load });
    nest.close_to(depth);
}
