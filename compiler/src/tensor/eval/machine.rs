//! Runs bytecode. Assumes nothing about it but that registers and places exist; an index out of range or a zero
//! divisor stops the evaluation instead of panicking, because a program that `verify` accepts has neither.

use super::code::{CHUNK, Code, Instr, LANES};
use crate::ops::eval::{Binary, canonical, f16_from_f32, f16_to_f32};
use crate::types::Scalar;
use std::borrow::Cow;

/// Why code stopped before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The check with this number failed with these values.
    Failed(usize, Vec<u64>),
    /// The code gave a value.
    Value(u64),
    /// The step budget is used up.
    Budget,
    /// An index of a load was out of range.
    OutOfRange {
        /// The index.
        index: i64,
        /// The axis' extent.
        extent: i64,
    },
    /// An integer was divided by zero.
    DivisionByZero,
}

/// Runs the code to its end on the contents of tensors; `budget` shrinks by about the number of instructions executed.
pub(super) fn execute(code: &Code<'_>, contents: &mut [Cow<'_, [u8]>], budget: &mut u64) -> Result<(), Stop> {
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
                let (index, extent) = (regs[index as usize], regs[extent as usize]);
                if index >= extent {
                    return Err(Stop::OutOfRange { index: index as i64, extent: extent as i64 });
                }
                // Flat indices fit 32 bits where the shape was accepted; `load` and `store` refuse the others.
                regs[dst as usize] = regs[base as usize].wrapping_mul(extent).wrapping_add(index);
            }
            Instr::Load { dst, place, at, elem } => {
                regs[dst as usize] = load(&contents[place as usize], regs[at as usize], elem)?;
            }
            Instr::Store { place, at, value, elem } => {
                store(contents[place as usize].to_mut(), regs[at as usize], regs[value as usize], elem)?;
            }
            Instr::Append { place, at, value, elem } => {
                store(contents[place as usize].to_mut(), regs[at as usize], regs[value as usize], elem)?;
                regs[at as usize] += 1;
            }
            Instr::Jump { by } => at += by as usize,
            Instr::Back { by } => {
                spend(budget, by as usize)?;
                at -= by as usize;
            }
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
            Instr::Fail { check, first, count } => {
                return Err(Stop::Failed(check as usize, regs[first as usize..(first + count) as usize].to_vec()));
            }
            Instr::Give { a } => return Err(Stop::Value(regs[a as usize])),
            Instr::Label { .. } => {}
            Instr::Go { .. } | Instr::GoUnless { .. } | Instr::GoIfGe { .. } | Instr::GoNext { .. } => {
                unreachable!("jumps were resolved")
            }
        }
    }
    Ok(())
}

fn spend(budget: &mut u64, steps: usize) -> Result<(), Stop> {
    *budget = budget.checked_sub(steps as u64).ok_or(Stop::Budget)?;
    Ok(())
}

/// The bytes of element number `at`.
#[inline(always)]
fn element(length: usize, at: u64, elem: Scalar) -> Result<std::ops::Range<usize>, Stop> {
    let width = elem.bytes() as usize;
    let outside = Stop::OutOfRange { index: at as i64, extent: (length / width) as i64 };
    match usize::try_from(at).ok().and_then(|at| at.checked_mul(width)) {
        Some(from) if from < length => Ok(from..from + width),
        _ => Err(outside),
    }
}

/// The element number `at` in canonical bits; `f16` widened.
#[inline(always)]
fn load(bytes: &[u8], at: u64, elem: Scalar) -> Result<u64, Stop> {
    fn take<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes.try_into().expect("an element's bytes were taken")
    }
    let bytes = &bytes[element(bytes.len(), at, elem)?];
    Ok(match elem {
        Scalar::Bool | Scalar::U8 => u64::from(bytes[0]),
        Scalar::I8 => bytes[0] as i8 as i64 as u64,
        Scalar::I16 => i16::from_le_bytes(take(bytes)) as i64 as u64,
        Scalar::U16 => u64::from(u16::from_le_bytes(take(bytes))),
        Scalar::I32 => i32::from_le_bytes(take(bytes)) as i64 as u64,
        Scalar::U32 | Scalar::F32 => u64::from(u32::from_le_bytes(take(bytes))),
        Scalar::I64 | Scalar::U64 | Scalar::F64 => u64::from_le_bytes(take(bytes)),
        Scalar::F16 => u64::from(f16_to_f32(u16::from_le_bytes(take(bytes))).to_bits()),
    })
}

/// Sets the element number `at`; `f16` from an `f32`.
#[inline(always)]
fn store(bytes: &mut [u8], at: u64, value: u64, elem: Scalar) -> Result<(), Stop> {
    let range = element(bytes.len(), at, elem)?;
    let bytes = &mut bytes[range];
    match elem {
        Scalar::Bool | Scalar::U8 | Scalar::I8 => bytes[0] = value as u8,
        Scalar::I16 | Scalar::U16 => bytes.copy_from_slice(&(value as u16).to_le_bytes()),
        Scalar::I32 | Scalar::U32 => bytes.copy_from_slice(&(value as u32).to_le_bytes()),
        Scalar::F32 => bytes.copy_from_slice(&(canonical(Scalar::F32, value) as u32).to_le_bytes()),
        Scalar::I64 | Scalar::U64 => bytes.copy_from_slice(&value.to_le_bytes()),
        Scalar::F64 => bytes.copy_from_slice(&canonical(Scalar::F64, value).to_le_bytes()),
        Scalar::F16 => bytes.copy_from_slice(&f16_from_f32(f32::from_bits(value as u32)).to_le_bytes()),
    }
    Ok(())
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
