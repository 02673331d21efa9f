//! Flat kernel → function: statements, loops, addresses and sizes.
//!
//! Loops test at the bottom, behind one test at the top. A kernel that can fail gives the status, others give
//! nothing. Addresses of buffers, sizes and vector constants are put into locals once, at the function's start.

use super::code::{Code, Ins, memarg};
use super::range::{self, Known};
use super::{cast, memory, scalar, vector};
use crate::loops::depends::Definitions;
use crate::loops::floats::Floats;
use crate::loops::{BufferId, Expr, Kernel, LabelId, Loop, Program, Stmt};
use crate::ops::Op;
use crate::plan::{PipelinePlan, Place, Slot};
use crate::size::{Atom, Size};
use crate::types::Scalar;
use std::collections::BTreeMap;
use wasm_encoder::{BlockType, Function, ValType};

/// The lowest address that a buffer can have; constants up to it may be left to the memory instruction.
pub const LOWEST_BUFFER: u32 = crate::plan::lower::LOWEST_ARENA as u32;

/// What a kernel is emitted with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The kernel's program.
    pub program: &'a Program,
    /// Where its buffers and sizes are.
    pub plan: &'a PipelinePlan,
    /// The status of the program's first failure.
    pub first_failure: i32,
}

/// A function that a kernel became.
#[derive(Debug)]
pub struct Emitted {
    /// Its code.
    pub function: Function,
    /// Whether it returns a status.
    pub fails: bool,
}

/// Emits a kernel at level *flat*.
pub fn emit(context: Context<'_>, kernel: &Kernel) -> Emitted {
    let fails = can_fail(&kernel.body);
    let mut code = Code::new(0);
    let locals = kernel
        .vars
        .iter()
        .map(|var| code.local(if var.ty.lanes > 1 { ValType::V128 } else { scalar::val_type(var.ty.scalar) }))
        .collect();
    let definitions = Definitions::of(kernel);
    let mut emitter = Emitter {
        code,
        program: context.program,
        plan: context.plan,
        first_failure: context.first_failure,
        kernel,
        known: range::known(kernel, &context.program.buffers),
        floats: Floats::new(context.program, &kernel.vars, &definitions),
        locals,
        addresses: BTreeMap::new(),
        sizes: BTreeMap::new(),
        level: 0,
        labels: Vec::new(),
    };
    emitter.block(&kernel.body);
    if fails {
        emitter.code.i32(kcc_abi::status::OK);
    }
    Emitted { function: emitter.code.finish(), fails }
}

/// Whether a `Fail` occurs.
pub fn can_fail(stmts: &[Stmt]) -> bool {
    let fails = |stmt: &Stmt| matches!(stmt, Stmt::Fail(..));
    stmts.iter().any(|stmt| fails(stmt) || stmt.blocks().into_iter().any(|block| can_fail(block)))
}

/// A kernel being emitted.
pub(super) struct Emitter<'a> {
    pub(super) code: Code,
    pub(super) program: &'a Program,
    plan: &'a PipelinePlan,
    first_failure: i32,
    pub(super) kernel: &'a Kernel,
    pub(super) known: Known<'a>,
    pub(super) floats: Floats<'a>,
    pub(super) locals: Vec<u32>,
    /// The local that holds a buffer's address plus a constant.
    addresses: BTreeMap<(BufferId, i64), u32>,
    sizes: BTreeMap<Size, u32>,
    /// How many blocks of the target are open.
    level: u32,
    /// The blocks that a `Leave` may name, with their levels.
    labels: Vec<(LabelId, u32)>,
}

/// How an address is put together: `local + … + add`, and `offset` in the instruction.
pub(super) struct Base {
    pub(super) local: Option<u32>,
    pub(super) add: i32,
    pub(super) offset: u64,
}

impl Emitter<'_> {
    fn block(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let(var, value) | Stmt::Set(var, value) => {
                self.expr(value);
                self.code.set(self.locals[var.0 as usize]);
            }
            Stmt::Accumulate(var, op, value) => {
                let ty = self.kernel.vars[var.0 as usize].ty;
                let local = self.locals[var.0 as usize];
                self.code.get(local);
                self.expr(value);
                if ty.lanes == 1 {
                    scalar::op(&mut self.code, *op, ty.scalar);
                } else if ty.scalar.is_float() && matches!(op, Op::Min | Op::Max) {
                    let is_number = self.floats.is_number(value);
                    vector::float_min_max(&mut self.code, *op, ty.scalar == Scalar::F64, is_number);
                } else {
                    vector::op(&mut self.code, *op, ty.scalar, ty.lanes);
                }
                self.code.set(local);
            }
            Stmt::For(l) => self.for_loop(l),
            Stmt::Store { buffer, index, value } => {
                let elem = self.program.buffers[buffer.0 as usize].elem;
                let offset = self.address(*buffer, &index[0]);
                let ty = self.expr(value);
                if ty.lanes == 1 {
                    memory::store_one(&mut self.code, elem, offset);
                } else {
                    memory::store_lanes(&mut self.code, elem, ty.lanes, offset);
                }
            }
            Stmt::If(cond, then, other) => {
                self.expr(cond);
                self.code.ins(Ins::If(BlockType::Empty));
                self.level += 1;
                self.block(then);
                if !other.is_empty() {
                    self.code.ins(Ins::Else);
                    self.block(other);
                }
                self.level -= 1;
                self.code.ins(Ins::End);
            }
            Stmt::Block(label, body) => {
                self.code.ins(Ins::Block(BlockType::Empty));
                self.level += 1;
                self.labels.push((*label, self.level));
                self.block(body);
                self.labels.pop();
                self.level -= 1;
                self.code.ins(Ins::End);
            }
            Stmt::Repeat(body) => {
                self.code.ins(Ins::Loop(BlockType::Empty));
                self.level += 1;
                self.block(body);
                self.level -= 1;
                self.code.all([Ins::Br(0), Ins::End]);
            }
            Stmt::Leave(label) => {
                let (_, level) = self.labels.iter().find(|(own, _)| own == label).expect("verify found its block");
                self.code.ins(Ins::Br(self.level - level));
            }
            Stmt::Fail(failure, values) => {
                for (position, value) in values.iter().take(kcc_abi::ERROR_VALUES).enumerate() {
                    self.code.i32(0);
                    let ty = self.expr(value).scalar;
                    canonical_bits(&mut self.code, ty);
                    let at = u64::from(kcc_abi::ERROR_BLOCK) + 8 * position as u64;
                    self.code.ins(Ins::I64Store(memarg(at, 8)));
                }
                self.code.i32(self.first_failure + failure.0 as i32);
                self.code.ins(Ins::Return);
            }
        }
    }

    fn for_loop(&mut self, l: &Loop) {
        let var = self.locals[l.var.0 as usize];
        let step = self.known.constant(&l.step).map(|step| step.as_int());
        let (lo, hi) = (self.known.range(&l.lo), self.known.range(&l.hi));
        let entered = matches!((lo, hi), (Some(lo), Some(hi)) if lo.1 < hi.0);
        // Bounds are evaluated once: in the loop they are locals or constants.
        let bound = self.once(&l.hi);
        let stride = self.once(&l.step);
        self.expr(&l.lo);
        self.code.set(var);
        self.code.ins(Ins::Block(BlockType::Empty));
        if !entered {
            self.code.get(var);
            self.push(&bound);
            self.code.all([Ins::I32GeS, Ins::BrIf(0)]);
        }
        self.code.ins(Ins::Loop(BlockType::Empty));
        self.level += 2;
        self.block(&l.body);
        self.level -= 2;
        let cannot_wrap = match (step, hi) {
            (Some(1), _) => true,
            (Some(step), Some(hi)) => i128::from(hi.1) + step <= i128::from(i32::MAX),
            _ => false,
        };
        if cannot_wrap {
            self.code.get(var);
            self.push(&stride);
            self.code.all([Ins::I32Add, Ins::LocalTee(var)]);
            self.push(&bound);
            self.code.ins(Ins::I32LtS);
        } else {
            // What is left, `bound - var`, is positive and fits 32 bits unsigned; the next value would be past the
            // bound if it is not more than the step.
            self.push(&bound);
            self.code.get(var);
            self.code.ins(Ins::I32Sub);
            self.code.get(var);
            self.push(&stride);
            self.code.all([Ins::I32Add, Ins::LocalSet(var)]);
            self.push(&stride);
            self.code.ins(Ins::I32GtU);
        }
        self.code.all([Ins::BrIf(0), Ins::End, Ins::End]);
        for held in [bound, stride] {
            if let Held::Temp(local) = held {
                self.code.release([local]);
            }
        }
    }

    /// Evaluates a loop-invariant `i32` now, unless it is free to evaluate.
    fn once(&mut self, e: &Expr) -> Held {
        if let Some(value) = self.known.constant(e) {
            return Held::Const(value.as_int() as i32);
        }
        if let Expr::Var(var) = e
            && self.known.definition(*var).is_some()
        {
            return Held::Local(self.locals[var.0 as usize]);
        }
        if let Expr::Size(size) = e {
            return Held::Local(self.size_local(size));
        }
        self.expr(e);
        Held::Temp(self.code.pop(ValType::I32))
    }

    fn push(&mut self, held: &Held) {
        match held {
            Held::Const(value) => self.code.i32(*value),
            Held::Local(local) | Held::Temp(local) => self.code.get(*local),
        }
    }

    /// Pushes a size.
    pub(super) fn size(&mut self, size: &Size) {
        match size.as_const() {
            Some(value) => self.code.i32(value as i32),
            None => {
                let local = self.size_local(size);
                self.code.get(local);
            }
        }
    }

    /// The local that holds a size which is not constant: products and sums of the slots of its atoms. They are
    /// computed modulo 2^32, which is exact because the plan accepted the size.
    fn size_local(&mut self, size: &Size) -> u32 {
        if let Some(local) = self.sizes.get(size) {
            return *local;
        }
        let local = self.code.local(ValType::I32);
        let plan = self.plan;
        self.code.prologue(|code| {
            let mut first = true;
            for (product, coefficient) in size.terms() {
                code.i32(coefficient as i32);
                for atom in product {
                    code.i32(0);
                    code.ins(Ins::I32Load(memarg(u64::from(slot_of(plan, atom)), 4)));
                    code.ins(Ins::I32Mul);
                }
                if !first {
                    code.ins(Ins::I32Add);
                }
                first = false;
            }
            code.set(local);
        });
        self.sizes.insert(size.clone(), local);
        local
    }

    /// How to address `buffer + rest + constant`, where the sum of `rest` and `constant` is an offset inside the
    /// buffer; `rest_not_negative` says so of `rest` alone.
    pub(super) fn base(&mut self, buffer: BufferId, constant: i64, rest_not_negative: bool) -> Base {
        match place(self.plan, buffer) {
            Place::Fixed(address) => {
                let address = *address;
                let whole = i64::from(address) + constant;
                if whole >= 0 && (constant <= 0 || rest_not_negative) {
                    Base { local: None, add: 0, offset: whole as u64 }
                } else {
                    Base { local: None, add: constant as i32, offset: u64::from(address) }
                }
            }
            Place::Slot(slot) => {
                // The address itself is at least `LOWEST_BUFFER`.
                let left = constant >= 0 && (constant <= i64::from(LOWEST_BUFFER) || rest_not_negative);
                let added = if left { 0 } else { constant };
                let local = self.address_local(buffer, *slot, added);
                Base { local: Some(local), add: 0, offset: if left { constant as u64 } else { 0 } }
            }
            Place::Same(_) | Place::Nowhere => unreachable!("a kernel uses a buffer without a place"),
        }
    }

    fn address_local(&mut self, buffer: BufferId, slot: usize, added: i64) -> u32 {
        if let Some(local) = self.addresses.get(&(buffer, added)) {
            return *local;
        }
        let local = self.code.local(ValType::I32);
        let at = u64::from(self.plan.slots_at) + 4 * slot as u64;
        self.code.prologue(|code| {
            code.i32(0);
            code.ins(Ins::I32Load(memarg(at, 4)));
            if added != 0 {
                code.all([Ins::I32Const(added as i32), Ins::I32Add]);
            }
            code.set(local);
        });
        self.addresses.insert((buffer, added), local);
        local
    }
}

/// A value that is the same throughout a loop.
enum Held {
    Const(i32),
    Local(u32),
    Temp(u32),
}

/// The place of a buffer, through its aliases.
pub fn place(plan: &PipelinePlan, buffer: BufferId) -> &Place {
    match &plan.buffers[buffer.0 as usize].place {
        Place::Same(other) => place(plan, *other),
        found => found,
    }
}

/// The address of an atom's slot.
fn slot_of(plan: &PipelinePlan, atom: &Atom) -> u32 {
    plan.slot_at(&Slot::Atom(atom.clone())).expect("every size that a kernel needs has a slot")
}

/// Makes the scalar on the stack the 64 bits of the error block: integers extended, floats as they are.
fn canonical_bits(code: &mut Code, ty: Scalar) {
    match ty {
        Scalar::F16 => unreachable!("f16 is a storage type"),
        Scalar::F32 => code.all([Ins::I32ReinterpretF32, Ins::I64ExtendI32U]),
        Scalar::F64 => code.ins(Ins::I64ReinterpretF64),
        Scalar::Bool
        | Scalar::I8
        | Scalar::U8
        | Scalar::I16
        | Scalar::U16
        | Scalar::I32
        | Scalar::U32
        | Scalar::I64
        | Scalar::U64 => cast::scalar(code, ty, if ty.is_signed() { Scalar::I64 } else { Scalar::U64 }),
    }
}
