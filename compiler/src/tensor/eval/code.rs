//! The bytecode of the reference evaluator: typed instructions on 64-bit registers that hold canonical bits
//! (see [`crate::types::Const`]; NaNs may be any), relative jumps, and instructions for the state of reductions.
//!
//! One piece of code computes one statement: it reads tensors as bytes and appends elements to the tensors it
//! writes, in row-major order.

use crate::ops::eval::{Binary, Unary};
use crate::tensor::TensorId;
use crate::types::Scalar;

/// The number of a register.
pub(super) type Reg = u32;

/// Number of partial results of `FoldOrder::Lanes16`.
pub(super) const LANES: u32 = 16;
/// Elements of one chunk of `FoldOrder::Lanes16`.
pub(super) const CHUNK: u64 = 65_536;
/// Registers of a lane reduction's state: partials, elements in this chunk, result so far, whether there is one.
pub(super) const LANE_STATE: u32 = LANES + 3;

/// One instruction. Jumps count instructions relative to the next one.
#[derive(Clone, Copy)]
pub(super) enum Instr {
    /// `dst = bits`.
    Const { dst: Reg, bits: u64 },
    /// `dst = a`.
    Move { dst: Reg, a: Reg },
    /// `dst = f(a)`.
    Unary { f: Unary, dst: Reg, a: Reg },
    /// `dst = f(a, b)`.
    Binary { f: Binary, dst: Reg, a: Reg, b: Reg },
    /// `dst = f(a, b)`; stops the evaluation if `b` is zero, which the checks before should have excluded.
    Divide { f: Binary, dst: Reg, a: Reg, b: Reg },
    /// `dst = cond ? a : b`, both known already.
    Select { dst: Reg, cond: Reg, a: Reg, b: Reg },
    /// `dst = base * extent + index`; stops the evaluation unless `0 <= index < extent`.
    Index { dst: Reg, base: Reg, index: Reg, extent: u32 },
    /// `dst =` element number `at` of the tensor read in `slot`.
    Load { dst: Reg, slot: u32, at: Reg, elem: Scalar },
    /// Appends an element to the tensor written in `slot`; NaNs become canonical, `f16` rounds.
    Append { slot: u32, value: Reg, elem: Scalar },
    /// Skips `by` instructions.
    Jump { by: u32 },
    /// Skips `by` instructions if `cond` is zero.
    Unless { cond: Reg, by: u32 },
    /// Skips `by` instructions if `a >= b` (signed).
    SkipIfGe { a: Reg, b: Reg, by: u32 },
    /// `index += step`; if it is below `limit`, goes back `by` instructions and counts `by` steps.
    Next { index: Reg, limit: Reg, step: u32, by: u32 },
    /// Sets a lane reduction's state to the start.
    LaneInit { state: Reg, identity: u64 },
    /// Takes one more element into a lane reduction.
    LaneStep { f: Binary, state: Reg, value: Reg, identity: u64 },
    /// `dst =` the result of a lane reduction.
    LaneFinish { f: Binary, dst: Reg, state: Reg },
    /// Takes one more element into an arg reduction: state is the best element and whether there is one;
    /// `dst = index` if the element replaces the best.
    ArgStep { replaces: Binary, state: Reg, value: Reg, dst: Reg, index: Reg },
    /// A check failed; its values are in `count` registers from `first`.
    Fail { first: Reg, count: u32 },
}

/// The code of one statement.
pub(super) struct Code {
    /// Instructions, run from the first to behind the last.
    pub(super) instrs: Vec<Instr>,
    /// Number of registers.
    pub(super) regs: u32,
    /// Which tensor each read slot is.
    pub(super) reads: Vec<TensorId>,
}
