//! The bytecode of the reference evaluator: typed instructions on 64-bit registers that hold canonical bits
//! (see [`crate::types::Const`]; NaNs may be any), relative jumps, and instructions for the state of reductions.
//!
//! One piece of code runs one statement, with the statements inside it. Tensors are bytes, named by the place of their contents.

use crate::ops::eval::{Binary, Unary};
use crate::tensor::Check;
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
    Index { dst: Reg, base: Reg, index: Reg, extent: Reg },
    /// `dst =` element number `at` of the tensor in `place`.
    Load { dst: Reg, place: u32, at: Reg, elem: Scalar },
    /// Element number `at` of the tensor in `place` `= value`; NaNs become canonical, `f16` rounds.
    Store { place: u32, at: Reg, value: Reg, elem: Scalar },
    /// The same, and `at += 1`.
    Append { place: u32, at: Reg, value: Reg, elem: Scalar },
    /// Skips `by` instructions.
    Jump { by: u32 },
    /// Goes back `by` instructions and counts `by` steps.
    Back { by: u32 },
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
    /// The check with this number failed; its values are in `count` registers from `first`.
    Fail { check: u32, first: Reg, count: u32 },
    /// Ends the code with this value.
    Give { a: Reg },
    /// Where jumps lead; does nothing.
    Label { label: u32 },
    /// Until the code is complete: a jump to a label, in either direction.
    Go { label: u32 },
    /// Until the code is complete: `Unless` to a label further on.
    GoUnless { cond: Reg, label: u32 },
    /// Until the code is complete: `SkipIfGe` to a label further on.
    GoIfGe { a: Reg, b: Reg, label: u32 },
    /// Until the code is complete: `Next` back to a label.
    GoNext { index: Reg, limit: Reg, step: u32, label: u32 },
}

/// The code of one statement.
pub(super) struct Code<'p> {
    /// Instructions, run from the first to behind the last.
    pub(super) instrs: Vec<Instr>,
    /// Number of registers.
    pub(super) regs: u32,
    /// The checks in it.
    pub(super) checks: Vec<&'p Check>,
}
