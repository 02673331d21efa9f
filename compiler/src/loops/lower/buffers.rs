//! Decides what lies where: one buffer per tensor that is read, written or given to the host.
//!
//! A result that a call-time stage writes is written straight into the output. If the result is a reshape of such a
//! tensor, the output is the reshaped buffer and the stage's own buffer becomes an alias of it. Every other result
//! (parameter, constant, second name, computed before the call) is copied.

use crate::loops::{Buffer, BufferId, Role};
use crate::size::Size;
use crate::tensor::{Binding, Pipeline, Program, Stmt, TensorId, TensorKind};
use crate::types::Scalar;
use std::collections::{BTreeMap, BTreeSet};

/// The buffers of a pipeline.
pub(super) struct Buffers {
    /// All of them.
    pub all: Vec<Buffer>,
    by_tensor: BTreeMap<TensorId, BufferId>,
    copies: Vec<(TensorId, BufferId, String)>,
}

/// How a local tensor comes about.
enum Origin {
    Stage(Binding),
    Alias(TensorId),
}

impl Buffers {
    /// Before: tensors. After: buffers with roles and aliases, and the copies that results need.
    pub fn decide(program: &Program, pipeline: &Pipeline) -> Buffers {
        let mut buffers = Buffers { all: Vec::new(), by_tensor: BTreeMap::new(), copies: Vec::new() };
        let origins = origins(pipeline);
        for (n, &tensor) in pipeline.params.iter().enumerate() {
            buffers.tensor(pipeline, tensor, Role::Input(n), None);
        }
        for (id, tensor) in pipeline.tensors.iter() {
            if let TensorKind::Const(data) = tensor.kind {
                debug_assert!((data.0 as usize) < program.consts.len());
                buffers.tensor(pipeline, id, Role::Const(data), None);
            }
        }
        let claims = claims(pipeline, &origins);
        for (n, (name, tensor)) in pipeline.results.iter().enumerate() {
            if claims.get(tensor) == Some(&n) {
                let id = buffers.tensor(pipeline, *tensor, Role::Output(n), None);
                let root = root(&origins, *tensor);
                if root != *tensor {
                    buffers.tensor(pipeline, root, Role::Local(Binding::Call), Some(id));
                }
            } else {
                let shape = &pipeline.tensors[*tensor];
                let id = buffers.add(name.clone(), shape.elem, shape.dims.clone(), Role::Output(n), None);
                buffers.copies.push((*tensor, id, name.clone()));
            }
        }
        for stmt in &pipeline.body.stmts {
            match stmt {
                Stmt::Stage(stage) => {
                    for &tensor in &stage.tensors {
                        buffers.tensor(pipeline, tensor, Role::Local(stage.binding), None);
                    }
                }
                Stmt::Alias { tensor, of, binding, .. } => {
                    let of = buffers.of(*of);
                    let of = buffers.all[of.0 as usize].alias_of.unwrap_or(of);
                    buffers.tensor(pipeline, *tensor, Role::Local(*binding), Some(of));
                }
                Stmt::Group(group) => {
                    for tensor in group.stored() {
                        buffers.tensor(pipeline, tensor, Role::Local(group.binding), None);
                    }
                    // What is left has room for some rows only.
                    for &tensor in group.all_stages().into_iter().flat_map(|stage| &stage.tensors) {
                        buffers.tensor(pipeline, tensor, Role::Scratch, None);
                    }
                }
                Stmt::Check(_) => {}
            }
        }
        buffers
    }

    /// The buffer of a tensor.
    pub fn of(&self, tensor: TensorId) -> BufferId {
        *self.by_tensor.get(&tensor).expect("every tensor is a parameter, a constant or written by a statement")
    }

    /// A buffer of `count` elements for use inside one kernel.
    pub fn scratch(&mut self, name: &str, elem: Scalar, count: i64) -> BufferId {
        self.add(name.to_string(), elem, vec![Size::constant(count)], Role::Scratch, None)
    }

    /// Results that have to be copied: which tensor, where to, the result's name.
    pub fn copies(&self) -> Vec<(TensorId, BufferId, String)> {
        self.copies.clone()
    }

    fn add(&mut self, name: String, elem: Scalar, dims: Vec<Size>, role: Role, alias_of: Option<BufferId>) -> BufferId {
        self.all.push(Buffer { name, elem, dims, role, alias_of });
        BufferId(self.all.len() as u32 - 1)
    }

    fn tensor(&mut self, pipeline: &Pipeline, id: TensorId, role: Role, alias_of: Option<BufferId>) -> BufferId {
        if let Some(&buffer) = self.by_tensor.get(&id) {
            return buffer;
        }
        let tensor = &pipeline.tensors[id];
        let buffer = self.add(tensor.name.clone(), tensor.elem, tensor.dims.clone(), role, alias_of);
        self.by_tensor.insert(id, buffer);
        buffer
    }
}

fn origins(pipeline: &Pipeline) -> BTreeMap<TensorId, Origin> {
    let mut origins = BTreeMap::new();
    for stmt in &pipeline.body.stmts {
        match stmt {
            Stmt::Stage(stage) => {
                for &tensor in &stage.tensors {
                    origins.insert(tensor, Origin::Stage(stage.binding));
                }
            }
            Stmt::Alias { tensor, of, .. } => {
                origins.insert(*tensor, Origin::Alias(*of));
            }
            Stmt::Group(group) => {
                for tensor in group.stored() {
                    origins.insert(tensor, Origin::Stage(group.binding));
                }
            }
            Stmt::Check(_) => {}
        }
    }
    origins
}

/// The tensor whose bytes an alias has.
fn root(origins: &BTreeMap<TensorId, Origin>, mut tensor: TensorId) -> TensorId {
    while let Some(Origin::Alias(of)) = origins.get(&tensor) {
        tensor = *of;
    }
    tensor
}

/// Which results a stage writes directly: the first result of each call-time stage's bytes.
fn claims(pipeline: &Pipeline, origins: &BTreeMap<TensorId, Origin>) -> BTreeMap<TensorId, usize> {
    let mut claims = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (n, (_, tensor)) in pipeline.results.iter().enumerate() {
        let root = root(origins, *tensor);
        if matches!(origins.get(&root), Some(Origin::Stage(Binding::Call))) && taken.insert(root) {
            claims.insert(*tensor, n);
        }
    }
    claims
}
