//! The exported `plan` and `run` of a pipeline.
//!
//! `plan` checks arguments and facts, computes every size, finds room, writes the slots and runs what is bound to it.
//! The same arguments again change nothing. Whatever it refuses, the pipeline is then not planned, and nothing else
//! has changed. If the pipeline's persistent region must grow and others lie behind it, all are unplanned and the
//! arena begins anew: one pipeline never moves another's tensors silently.

use super::code::{Code, Ins, memarg};
use super::helpers::Helpers;
use super::memory;
use super::scalar::{self, val_type};
use super::sizes::Sizes;
use crate::plan::{Arg, PipelinePlan, Place, Plan, Region, Slot, StepKind};
use crate::size::Size;
use crate::tensor::{Binding, Fact};
use crate::types::Scalar;
use kcc_abi::{ERROR_BLOCK, status};
use std::collections::{BTreeMap, BTreeSet};
use wasm_encoder::{BlockType, Function, ValType};

/// Where the module keeps what `plan` decided.
#[derive(Clone, Debug)]
pub struct State {
    /// `i32`: whether the last `plan` succeeded.
    pub planned: u32,
    /// `i64`: first address of the persistent region; 0 if there is none.
    pub base: u32,
    /// `i64`: bytes that the region has.
    pub room: u32,
    /// `i64`: bytes of scratch.
    pub scratch: u32,
    /// The arguments of the last successful `plan`.
    pub last: Vec<u32>,
}

/// What the functions of a pipeline are made with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The plan of the module.
    pub plan: &'a Plan,
    /// State of each pipeline that has `plan`.
    pub states: &'a [Option<State>],
    /// `i64`: the end of all persistent regions, where scratch begins.
    pub top: u32,
    /// Shared functions.
    pub helpers: Helpers,
    /// Index of each kernel of the pipeline, and whether it returns a status.
    pub kernels: &'a [(u32, bool)],
}

/// Parameter types of `plan`.
pub fn params(own: &PipelinePlan) -> Vec<ValType> {
    own.args
        .iter()
        .map(|arg| match arg {
            Arg::Size { .. } => ValType::I32,
            Arg::Scalar { ty, .. } => val_type(*ty),
        })
        .collect()
}

/// The function `run`.
pub fn run(context: Context<'_>, number: usize) -> Function {
    let own = &context.plan.pipelines[number];
    let mut code = Code::new(0);
    if let Some(state) = &context.states[number] {
        code.all([Ins::GlobalGet(state.planned), Ins::I32Eqz]);
        return_if(&mut code, status::NOT_PLANNED);
    }
    steps(&mut code, context, own, |binding| binding == Binding::Call);
    code.i32(status::OK);
    code.finish()
}

/// Calls kernels in order; the first failure ends the function.
fn steps(code: &mut Code, context: Context<'_>, own: &PipelinePlan, which: impl Fn(Binding) -> bool) {
    for step in own.steps.iter().filter(|step| which(step.binding)) {
        let StepKind::Kernel(kernel) = step.kind;
        let (function, fails) = context.kernels[kernel];
        code.ins(Ins::Call(function));
        if fails {
            let status = code.copy(ValType::I32);
            code.ins(Ins::If(BlockType::Empty));
            code.get(status);
            code.all([Ins::Return, Ins::End]);
            code.release([status]);
        }
    }
}

fn return_if(code: &mut Code, status: i32) {
    code.all([Ins::If(BlockType::Empty), Ins::I32Const(status), Ins::Return, Ins::End]);
}

/// The function `plan`.
pub fn plan(context: Context<'_>, number: usize) -> Function {
    let own = &context.plan.pipelines[number];
    let state = context.states[number].as_ref().expect("a pipeline with plan has state");
    let mut planner = Planner { code: Code::new(own.args.len() as u32), context, own, state };
    planner.same_again();
    planner.unplan();
    let mut sizes = planner.arguments();
    planner.facts(&mut sizes);
    planner.extents(&mut sizes);
    if !own.fixed {
        let base = planner.layout(&mut sizes, number);
        planner.slots(&mut sizes, base);
        planner.write_scalars();
    }
    let Planner { mut code, .. } = planner;
    steps(&mut code, context, own, |binding| binding != Binding::Call);
    for (position, last) in state.last.iter().enumerate() {
        code.all([Ins::LocalGet(position as u32), Ins::GlobalSet(*last)]);
    }
    code.all([Ins::I32Const(1), Ins::GlobalSet(state.planned), Ins::I32Const(status::OK)]);
    code.finish()
}

pub(super) struct Planner<'a> {
    pub(super) code: Code,
    pub(super) context: Context<'a>,
    pub(super) own: &'a PipelinePlan,
    pub(super) state: &'a State,
}

impl Planner<'_> {
    /// Returns at once if the arguments are those of the last successful `plan`.
    fn same_again(&mut self) {
        self.code.ins(Ins::GlobalGet(self.state.planned));
        for (position, (arg, last)) in self.own.args.iter().zip(&self.state.last).enumerate() {
            let ty = match arg {
                Arg::Size { .. } => Scalar::I32,
                Arg::Scalar { ty, .. } => *ty,
            };
            // Floats are compared as bits: NaN equals itself.
            for get in [Ins::LocalGet(position as u32), Ins::GlobalGet(*last)] {
                self.code.ins(get);
                match val_type(ty) {
                    ValType::F32 => self.code.ins(Ins::I32ReinterpretF32),
                    ValType::F64 => self.code.ins(Ins::I64ReinterpretF64),
                    _ => {}
                }
            }
            self.code.ins(if val_type(ty) == ValType::I64 || ty == Scalar::F64 { Ins::I64Eq } else { Ins::I32Eq });
            self.code.ins(Ins::I32And);
        }
        self.code.ins(Ins::If(BlockType::Empty));
        self.write_scalars();
        self.code.all([Ins::I32Const(status::OK), Ins::Return, Ins::End]);
    }

    /// Whatever follows, old views are stale.
    fn unplan(&mut self) {
        self.code.all([Ins::I32Const(0), Ins::GlobalSet(self.state.planned)]);
        self.code.all([Ins::I32Const(0), Ins::GlobalSet(self.context.helpers.problem)]);
        next_generation(&mut self.code, self.own);
    }

    /// Checks the ranges of size arguments and brings all arguments into their form for computing.
    fn arguments(&mut self) -> Sizes {
        let code = &mut self.code;
        let (mut vars, mut scalars) = (BTreeMap::new(), BTreeMap::new());
        for (position, arg) in self.own.args.iter().enumerate() {
            let param = position as u32;
            match arg {
                Arg::Size { var, max } => {
                    let max = max.unwrap_or(i64::from(i32::MAX)).clamp(-1, i64::from(i32::MAX));
                    code.all([Ins::LocalGet(param), Ins::I32Const(0), Ins::I32LtS]);
                    code.all([Ins::LocalGet(param), Ins::I32Const(max as i32), Ins::I32GtS, Ins::I32Or]);
                    code.ins(Ins::If(BlockType::Empty));
                    error_value(code, 0, &[Ins::I64Const(i64::from(param))]);
                    error_value(code, 1, &[Ins::LocalGet(param), Ins::I64ExtendI32S]);
                    error_value(code, 2, &[Ins::I64Const(max)]);
                    code.all([Ins::I32Const(status::SIZE_OUT_OF_BOUNDS), Ins::Return, Ins::End]);
                    let local = code.local(ValType::I64);
                    code.all([Ins::LocalGet(param), Ins::I64ExtendI32S, Ins::LocalSet(local)]);
                    vars.insert(*var, local);
                }
                Arg::Scalar { var, ty, .. } => {
                    let local = code.local(val_type(*ty));
                    code.get(param);
                    canonical(code, *ty);
                    code.set(local);
                    scalars.insert(*var, local);
                }
            }
        }
        Sizes::new(self.context.helpers, vars, scalars)
    }

    fn facts(&mut self, sizes: &mut Sizes) {
        for (position, fact) in self.own.facts.iter().enumerate() {
            let Fact { is_equality, size, origin, .. } = fact;
            sizes.fitting(&mut self.code, size);
            let value = self.code.pop(ValType::I64);
            self.return_problem();
            let failed = if *is_equality { Ins::I64Ne } else { Ins::I64LtS };
            self.code.all([Ins::LocalGet(value), Ins::I64Const(0), failed, Ins::If(BlockType::Empty)]);
            let status = if origin.is_some() {
                self.own.first_failure + position as i32
            } else {
                error_value(&mut self.code, 0, &[Ins::LocalGet(value)]);
                status::NEGATIVE_EXTENT
            };
            self.code.all([Ins::I32Const(status), Ins::Return, Ins::End]);
            self.code.release([value]);
        }
    }

    /// Every extent is computed and must not be negative; every size must fit 32 bits.
    fn extents(&mut self, sizes: &mut Sizes) {
        let buffers = || self.own.buffers.iter();
        let extents: BTreeSet<&Size> = buffers().flat_map(|buffer| &buffer.extents).collect();
        let others: BTreeSet<&Size> = buffers().map(|buffer| &buffer.bytes).chain(&self.own.sizes).collect();
        for size in extents.iter().filter(|size| size.as_const().is_none() && size.as_var().is_none()) {
            sizes.fitting(&mut self.code, size);
            let value = self.code.pop(ValType::I64);
            self.return_problem();
            self.code.all([Ins::LocalGet(value), Ins::I64Const(0), Ins::I64LtS, Ins::If(BlockType::Empty)]);
            error_value(&mut self.code, 0, &[Ins::LocalGet(value)]);
            self.code.all([Ins::I32Const(status::NEGATIVE_EXTENT), Ins::Return, Ins::End]);
            self.code.release([value]);
        }
        for size in others.difference(&extents).filter(|size| size.as_const().is_none()) {
            sizes.fitting(&mut self.code, size);
            self.code.ins(Ins::Drop);
        }
        self.return_problem();
    }

    pub(super) fn return_problem(&mut self) {
        let problem = self.context.helpers.problem;
        self.code.all([Ins::GlobalGet(problem), Ins::If(BlockType::Empty)]);
        self.code.all([Ins::GlobalGet(problem), Ins::Return, Ins::End]);
    }

    /// Writes the values of sizes and the addresses of buffers.
    fn slots(&mut self, sizes: &mut Sizes, base: u32) {
        for (position, slot) in self.own.slots.iter().enumerate() {
            let at = u64::from(self.own.slots_at) + 4 * position as u64;
            let code = &mut self.code;
            match slot {
                Slot::Generation => continue,
                Slot::Atom(atom) => {
                    code.i32(0);
                    sizes.exact(code, &Size::atom(atom.clone()));
                }
                Slot::Extent(size) => {
                    code.i32(0);
                    sizes.exact(code, size);
                }
                Slot::Address(id) => {
                    let buffer = &self.own.buffers[id.0 as usize];
                    code.i32(0);
                    sizes.exact(code, &buffer.offset);
                    let scratch = buffer.region == Region::Scratch;
                    code.ins(if scratch { Ins::GlobalGet(self.context.top) } else { Ins::LocalGet(base) });
                    code.ins(Ins::I64Add);
                }
            }
            code.ins(Ins::I64Store32(memarg(at, 4)));
        }
    }

    /// Scalars that `plan` is given are parameters too: they go to their places.
    fn write_scalars(&mut self) {
        for (position, arg) in self.own.args.iter().enumerate() {
            if let Arg::Scalar { ty, buffer, .. } = arg {
                let Place::Slot(slot) = self.own.buffers[self.own.root(*buffer).0 as usize].place else {
                    unreachable!("parameters of a pipeline with open sizes have slots");
                };
                let at = u64::from(self.own.slots_at) + 4 * slot as u64;
                self.code.all([Ins::I32Const(0), Ins::I32Load(memarg(at, 4)), Ins::LocalGet(position as u32)]);
                canonical(&mut self.code, *ty);
                memory::store_one(&mut self.code, *ty, 0);
            }
        }
    }
}

/// Makes what a host passed a value of the type.
fn canonical(code: &mut Code, ty: Scalar) {
    match ty {
        Scalar::Bool => code.all([Ins::I32Const(0), Ins::I32Ne]),
        Scalar::F16 => {
            super::half::narrow(code, false);
            super::half::widen(code, false);
        }
        Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64
        | Scalar::F32
        | Scalar::F64 => scalar::wrap(code, ty),
    }
}

/// Changes the number that tells stale views.
pub(super) fn next_generation(code: &mut Code, plan: &PipelinePlan) {
    let at = u64::from(plan.slot_at(&Slot::Generation).expect("a pipeline with plan has a generation"));
    code.all([Ins::I32Const(0), Ins::I32Const(0), Ins::I32Load(memarg(at, 4))]);
    code.all([Ins::I32Const(1), Ins::I32Add, Ins::I32Store(memarg(at, 4))]);
}

/// Writes a value of the error block.
pub(super) fn error_value(code: &mut Code, position: u64, value: &[Ins]) {
    code.i32(0);
    for ins in value {
        code.ins(ins.clone());
    }
    code.ins(Ins::I64Store(memarg(u64::from(ERROR_BLOCK) + 8 * position, 8)));
}
