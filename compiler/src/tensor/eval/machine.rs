//! Runs bytecode. Assumes nothing about it but that registers and slots exist; an index out of range or a zero
//! divisor stops the evaluation instead of panicking, because a program that `verify` accepts has neither.

use super::code::{CHUNK, Code, Instr, LANES};
use crate::ops::eval::{Binary, canonical, f16_from_f32, f16_to_f32};
use crate::types::Scalar;

/// Why code stopped before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A check failed with these values.
    Failed(Vec<u64>),
    /// The step budget is used up.
    Budget,
    /// An index of a load was out of range.
    OutOfRange {
        /// The index.
        index: i64,
        /// The axis' extent.
        extent: u32,
    },
    /// An integer was divided by zero.
    DivisionByZero,
}

/// Runs the code to its end; `budget` shrinks by about the number of instructions executed.
pub(super) fn execute(code: &Code, reads: &[&[u8]], writes: &mut [Vec<u8>], budget: &mut u64) -> Result<(), Stop> {
    let mut regs = vec![0u64; code.regs as usize];
    let mut at = 0usize;
    spend(budget, code.instrs.len())?;
    while let Some(&instr) = code.instrs.get(at) {
        at += 1;
        match instr {
            Instr::Const { dst, bits } => regs[dst as usize] = bits,
            Instr::Move { dst, a } => regs[dst as usize] = regs[a as usize],
            Instr::Unary { f, dst, a } => regs[dst as usize] = f(regs[a as usize]),
            Instr::Binary { f, dst, a, b } => regs[dst as usize] = f(regs[a as usize], regs[b as usize]),
            Instr::Divide { f, dst, a, b } => {
                if regs[b as usize] == 0 {
                    return Err(Stop::DivisionByZero);
                }
                regs[dst as usize] = f(regs[a as usize], regs[b as usize]);
            }
            Instr::Select { dst, cond, a, b } => {
                regs[dst as usize] = regs[if regs[cond as usize] != 0 { a } else { b } as usize];
            }
            Instr::Index { dst, base, index, extent } => {
                let index = regs[index as usize];
                if index >= u64::from(extent) {
                    return Err(Stop::OutOfRange { index: index as i64, extent });
                }
                regs[dst as usize] = regs[base as usize] * u64::from(extent) + index;
            }
            Instr::Load { dst, slot, at, elem } => {
                regs[dst as usize] = load(reads[slot as usize], regs[at as usize] as usize, elem);
            }
            Instr::Append { slot, value, elem } => append(&mut writes[slot as usize], regs[value as usize], elem),
            Instr::Jump { by } => at += by as usize,
            Instr::Unless { cond, by } => {
                if regs[cond as usize] == 0 {
                    at += by as usize;
                }
            }
            Instr::SkipIfGe { a, b, by } => {
                if regs[a as usize] as i64 >= regs[b as usize] as i64 {
                    at += by as usize;
                }
            }
            Instr::Next { index, limit, step, by } => {
                let next = regs[index as usize] as i64 + i64::from(step);
                regs[index as usize] = next as u64;
                if next < regs[limit as usize] as i64 {
                    spend(budget, by as usize)?;
                    at -= by as usize;
                }
            }
            Instr::LaneInit { state, identity } => {
                regs[state as usize..(state + LANES) as usize].fill(identity);
                regs[(state + LANES) as usize..][..3].fill(0);
            }
            Instr::LaneStep { f, state, value, identity } => {
                let value = regs[value as usize];
                lane_step(&mut regs[state as usize..], f, value, identity);
            }
            Instr::LaneFinish { f, dst, state } => {
                regs[dst as usize] = lane_finish(&mut regs[state as usize..], f);
            }
            Instr::ArgStep { replaces, state, value, dst, index } => {
                let (best, value) = (regs[state as usize], regs[value as usize]);
                if regs[state as usize + 1] == 0 || replaces(best, value) != 0 {
                    regs[state as usize] = value;
                    regs[state as usize + 1] = 1;
                    regs[dst as usize] = regs[index as usize];
                }
            }
            Instr::Fail { first, count } => {
                return Err(Stop::Failed(regs[first as usize..(first + count) as usize].to_vec()));
            }
        }
    }
    Ok(())
}

fn spend(budget: &mut u64, steps: usize) -> Result<(), Stop> {
    *budget = budget.checked_sub(steps as u64).ok_or(Stop::Budget)?;
    Ok(())
}

/// The element number `at` in canonical bits; `f16` widened.
#[inline(always)]
fn load(bytes: &[u8], at: usize, elem: Scalar) -> u64 {
    fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        bytes[at * N..at * N + N].try_into().expect("N bytes were taken")
    }
    match elem {
        Scalar::Bool | Scalar::U8 => u64::from(bytes[at]),
        Scalar::I8 => bytes[at] as i8 as i64 as u64,
        Scalar::I16 => i16::from_le_bytes(take(bytes, at)) as i64 as u64,
        Scalar::U16 => u64::from(u16::from_le_bytes(take(bytes, at))),
        Scalar::I32 => i32::from_le_bytes(take(bytes, at)) as i64 as u64,
        Scalar::U32 | Scalar::F32 => u64::from(u32::from_le_bytes(take(bytes, at))),
        Scalar::I64 | Scalar::U64 | Scalar::F64 => u64::from_le_bytes(take(bytes, at)),
        Scalar::F16 => u64::from(f16_to_f32(u16::from_le_bytes(take(bytes, at))).to_bits()),
    }
}

/// Appends an element; `f16` from an `f32`.
#[inline(always)]
fn append(bytes: &mut Vec<u8>, value: u64, elem: Scalar) {
    match elem {
        Scalar::Bool | Scalar::U8 | Scalar::I8 => bytes.push(value as u8),
        Scalar::I16 | Scalar::U16 => bytes.extend_from_slice(&(value as u16).to_le_bytes()),
        Scalar::I32 | Scalar::U32 => bytes.extend_from_slice(&(value as u32).to_le_bytes()),
        Scalar::F32 => bytes.extend_from_slice(&(canonical(Scalar::F32, value) as u32).to_le_bytes()),
        Scalar::I64 | Scalar::U64 => bytes.extend_from_slice(&value.to_le_bytes()),
        Scalar::F64 => bytes.extend_from_slice(&canonical(Scalar::F64, value).to_le_bytes()),
        Scalar::F16 => bytes.extend_from_slice(&f16_from_f32(f32::from_bits(value as u32)).to_le_bytes()),
    }
}

// The state of a lane reduction: 16 partials, then these.
const COUNT: usize = LANES as usize;
const RESULT: usize = COUNT + 1;
const HAS_RESULT: usize = COUNT + 2;

fn lane_step(state: &mut [u64], f: Binary, value: u64, identity: u64) {
    let lane = (state[COUNT] % u64::from(LANES)) as usize;
    state[lane] = f(state[lane], value);
    state[COUNT] += 1;
    if state[COUNT] == CHUNK {
        close_chunk(state, f);
        state[..COUNT].fill(identity);
    }
}

/// Folds the partials 8-4-2-1 and combines them with the result of the chunks before.
fn close_chunk(state: &mut [u64], f: Binary) {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            state[lane] = f(state[lane], state[lane + half]);
        }
    }
    state[RESULT] = if state[HAS_RESULT] != 0 { f(state[RESULT], state[0]) } else { state[0] };
    state[HAS_RESULT] = 1;
    state[COUNT] = 0;
}

fn lane_finish(state: &mut [u64], f: Binary) -> u64 {
    // A last chunk without elements is none, unless it is the only one.
    if state[COUNT] > 0 || state[HAS_RESULT] == 0 {
        close_chunk(state, f);
    }
    state[RESULT]
}
