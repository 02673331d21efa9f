//! Sequential code: one kernel, with a statement for each statement.
//!
//! Scalar variables that nobody else needs live in variables of the kernel; lists and tensors in scratch buffers. Each statement
//! is lowered behind a floor of its own (`Nest::begin`): what it computes is computed when it runs. The loops of its stages are
//! free to be scheduled; those of the program keep their order.

use super::nest::{Nest, ScopeKind};
use super::{Lowering, alone, check_in, copy_in};
use crate::loops::{BufferId, Expr, Kernel, Stmt};
use crate::origin::OriginId;
use crate::tensor::{self, Binding, Control, ControlKind, Failure, Pipeline, Region, StageBody, TensorId};
use crate::tensor::{TensorKind, compute_type};
use crate::types::{Const, Scalar};
use std::collections::BTreeSet;

impl<'a> Lowering<'a> {
    /// One kernel for statements of one binding time, and for the copies that results need.
    pub(super) fn sequential(
        &mut self,
        stmts: &[&'a tensor::Stmt],
        copies: &[(TensorId, BufferId, String)],
        binding: Binding,
    ) {
        let held = held(self.pipeline, stmts, binding);
        let extents = self.buffers.extents.clone();
        let mut nest = Nest::new(self.pipeline, &mut self.buffers, &mut self.facts);
        for &tensor in &held {
            let Tensor { name, elem } = named(self.pipeline, tensor);
            let zero = Const { ty: elem, bits: 0 };
            let var = nest.define(&name, Expr::Const(zero));
            nest.scalars.insert(tensor, var);
        }
        let mut lowering = Sequential { nest, failures: &mut self.failures };
        stmts.iter().for_each(|stmt| lowering.stmt(stmt));
        let mut nest = lowering.nest;
        for (from, to, _) in copies {
            let outer = nest.begin();
            copy_in(&mut nest, *from, *to);
            nest.end(outer);
        }
        if binding == Binding::Call {
            for (size, buffer) in extents {
                let value = nest.size(&size);
                nest.push(Stmt::Store { buffer, index: Vec::new(), value });
            }
        }
        let decided = nest.decided.clone();
        let (vars, body) = nest.finish();
        let (name, origin) = (self.name("body"), self.pipeline.origin);
        let (schedule, short) = (String::new(), BTreeSet::new());
        self.kernels.push(Kernel { name, binding, vars, body, origin, schedule, decided, short });
    }
}

/// What a scalar variable of the program is called, and the type it is computed in.
struct Tensor {
    name: String,
    elem: Scalar,
}

fn named(pipeline: &Pipeline, id: TensorId) -> Tensor {
    let tensor = &pipeline.tensors[id];
    Tensor { name: tensor.name.clone(), elem: compute_type(tensor.elem) }
}

/// The scalars that only these statements use and that nothing rounds: they need no room in memory.
fn held(pipeline: &Pipeline, stmts: &[&tensor::Stmt], binding: Binding) -> BTreeSet<TensorId> {
    let mut written = BTreeSet::new();
    let mut outside: BTreeSet<TensorId> = pipeline.results.iter().map(|(_, tensor)| *tensor).collect();
    let read = |stmt: &tensor::Stmt, set: &mut BTreeSet<TensorId>| {
        if let tensor::Stmt::Alias { tensor, of, .. } = stmt {
            set.extend([*tensor, *of]);
        }
        pipeline.visit(&tensor::own_roots(stmt), &mut |_, expr| {
            if let tensor::Expr::Load(tensor, _) = expr {
                set.insert(*tensor);
            }
        });
    };
    pipeline.body.visit(&mut |stmt| {
        // Aliases name bytes, so what they name has some.
        if stmt.binding() != binding || matches!(stmt, tensor::Stmt::Alias { .. }) {
            read(stmt, &mut outside);
        }
    });
    let mut inside = BTreeSet::new();
    for stmt in stmts {
        written.extend(stmt.writes());
        inside.insert(std::ptr::from_ref(*stmt));
    }
    for stmt in pipeline.body.stmts.iter().filter(|stmt| !inside.contains(&std::ptr::from_ref(*stmt))) {
        read(stmt, &mut outside);
        outside.extend(stmt.writes());
    }
    let is_held = |id: &TensorId| {
        let tensor = &pipeline.tensors[*id];
        let is_own = matches!(tensor.kind, TensorKind::Local | TensorKind::Var);
        is_own && tensor.dims.is_empty() && tensor.elem != Scalar::F16 && !outside.contains(id)
    };
    written.into_iter().filter(is_held).collect()
}

/// A kernel of sequential code under construction.
struct Sequential<'n, 'l, 'a> {
    nest: Nest<'l, 'a>,
    failures: &'n mut Vec<(Failure, OriginId)>,
}

impl Sequential<'_, '_, '_> {
    fn region(&mut self, region: &Region) {
        region.stmts.iter().for_each(|stmt| self.stmt(stmt));
    }

    /// The statements of a region as a block, which the caller places.
    fn block(&mut self, region: &Region) -> Vec<Stmt> {
        self.nest.open(ScopeKind::Arm);
        self.region(region);
        self.nest.close_block()
    }

    fn stmt(&mut self, stmt: &tensor::Stmt) {
        let outer = self.nest.begin();
        match stmt {
            tensor::Stmt::Stage(stage) => match (&stage.body, &stage.tensors[..]) {
                (StageBody::Map(values), [tensor]) if self.nest.scalars.contains_key(tensor) => {
                    self.scalar(*tensor, values[0], stage.guard);
                }
                _ => self.nest.group(&alone(stage)),
            },
            tensor::Stmt::Group(group) => self.nest.group(group),
            tensor::Stmt::Check(check) => check_in(&mut self.nest, self.failures, check),
            tensor::Stmt::Alias { .. } => {}
            tensor::Stmt::Store(store) => self.store(store),
            tensor::Stmt::Decide { var, value, .. } => {
                let value = self.nest.value(*value).0;
                let held = self.nest.define("size", value);
                self.nest.decided.push((*var, held));
            }
            tensor::Stmt::Control(control) => self.control(control),
        }
        self.nest.end(outer);
    }

    /// A scalar that lives in a variable.
    fn scalar(&mut self, tensor: TensorId, value: tensor::ExprId, guard: Option<tensor::ExprId>) {
        let var = self.nest.scalars[&tensor];
        let cond = guard.map(|guard| {
            let cond = self.nest.value(guard).0;
            self.nest.open(ScopeKind::Cold);
            cond
        });
        self.nest.need(&[value]);
        let value = self.nest.value(value).0;
        self.nest.push(Stmt::Set(var, value));
        if let Some(cond) = cond {
            let block = self.nest.close_block();
            self.nest.push(Stmt::If(cond, block, Vec::new()));
        }
    }

    fn store(&mut self, store: &tensor::Store) {
        if let Some(var) = self.nest.scalars.get(&store.tensor).copied() {
            self.nest.need(&[store.value]);
            let value = self.nest.value(store.value).0;
            self.nest.push(Stmt::Set(var, value));
            return;
        }
        for &axis in &store.axes {
            self.nest.open_stage_axis(axis, ScopeKind::StageLoop);
        }
        let mut roots = store.index.clone();
        roots.push(store.value);
        self.nest.need(&roots);
        let index = store.index.iter().map(|index| self.nest.value(*index).0).collect();
        let value = self.nest.value(store.value).0;
        let buffer = self.nest.buffers.of(store.tensor);
        self.nest.push(Stmt::Store { buffer, index, value });
    }

    fn control(&mut self, control: &Control) {
        match &control.kind {
            ControlKind::If { cond, then, otherwise } => {
                self.nest.need(&[*cond]);
                let cond = self.nest.value(*cond).0;
                let (yes, no) = (self.block(then), self.block(otherwise));
                self.nest.push(Stmt::If(cond, yes, no));
            }
            ControlKind::Loop { axis, body } => {
                let depth = self.nest.top();
                self.nest.open_axis(&[axis.axis], axis);
                self.nest.keep_order();
                self.region(body);
                self.nest.close_to(depth);
            }
            ControlKind::Repeat(body) => {
                let body = self.block(body);
                self.nest.push(Stmt::Repeat(body));
            }
            ControlKind::Block(label, body) => {
                let body = self.block(body);
                self.nest.push(Stmt::Block(*label, body));
            }
            ControlKind::Leave(label) => self.nest.push(Stmt::Leave(*label)),
        }
    }
}
