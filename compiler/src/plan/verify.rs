//! Checks a plan against the kernels it is for, without trusting how `lower` made it: see the guarantees in `plan`.

use super::lower::fits;
use super::uses::{Uses, uses};
use super::{PipelinePlan, Place, Plan, Region, Slot, StepKind, room};
use crate::loops::{self, BufferId, Role};
use crate::size::{Atom, Size};
use crate::tensor;
use std::collections::BTreeSet;

/// Checks the plan of a module.
///
/// # Errors
/// The first broken guarantee, in a sentence.
pub fn verify(program: &tensor::Program, loops: &[loops::Program], plan: &Plan) -> Result<(), String> {
    if plan.pipelines.len() != loops.len() || program.pipelines.len() != loops.len() {
        return Err(format!("{} plans for {} pipelines", plan.pipelines.len(), loops.len()));
    }
    for (own, loops) in plan.pipelines.iter().zip(loops) {
        pipeline(loops, own).map_err(|complaint| format!("pipeline {}: {complaint}", own.name))?;
    }
    fixed_memory(program, loops, plan)
}

fn pipeline(loops: &loops::Program, own: &PipelinePlan) -> Result<(), String> {
    let kernels: Vec<Uses> = loops.kernels.iter().map(uses).collect();
    let name = |id: BufferId| &loops.buffers[id.0 as usize].name;
    let mut written = BTreeSet::new();
    for (index, buffer) in loops.buffers.iter().enumerate() {
        if matches!(buffer.role, Role::Input(_) | Role::Const(_)) || buffer.is_variable {
            written.insert(own.root(BufferId(index as u32)));
        }
    }
    let mut run = vec![false; loops.kernels.len()];
    for (number, step) in own.steps.iter().enumerate() {
        let StepKind::Kernel(kernel) = step.kind;
        if std::mem::replace(&mut run[kernel], true) || loops.kernels[kernel].binding != step.binding {
            return Err(format!("step {number} runs a kernel twice or at another time than it is bound to"));
        }
        if number > 0 && own.steps[number - 1].binding > step.binding {
            return Err(format!("step {number} is bound earlier than the one before it"));
        }
        let own_writes: BTreeSet<BufferId> = kernels[kernel].writes.iter().map(|id| own.root(*id)).collect();
        for id in kernels[kernel].reads.union(&kernels[kernel].writes) {
            let root = own.root(*id);
            let placed = &own.buffers[root.0 as usize];
            match placed.place {
                Place::Fixed(address) if address % kcc_abi::PADDING == 0 => {}
                Place::Slot(slot) if own.slots.get(slot) == Some(&Slot::Address(root)) => {}
                _ => return Err(format!("step {number} needs {}, which has no address", name(*id))),
            }
            if !(placed.alive.0..=placed.alive.1).contains(&number) {
                return Err(format!("step {number} needs {}, which is not alive then", name(*id)));
            }
            if kernels[kernel].reads.contains(id) && !written.contains(&root) && !own_writes.contains(&root) {
                return Err(format!("step {number} reads {}, which nobody has written", name(*id)));
            }
        }
        written.extend(own_writes);
        for size in &kernels[kernel].sizes {
            for atom in size.terms().flat_map(|(product, _)| product) {
                if !own.slots.contains(&Slot::Atom(atom.clone())) {
                    return Err(format!("step {number} needs a size without a slot"));
                }
            }
            if !own.sizes.contains(size) {
                return Err(format!("step {number} needs a size that plan does not check"));
            }
        }
    }
    if run.contains(&false) {
        return Err("a kernel is in no step".to_string());
    }
    apart(loops, own)
}

/// Buffers that are alive together lie apart, with their padding; each begins at a multiple of 16.
fn apart(loops: &loops::Program, own: &PipelinePlan) -> Result<(), String> {
    // Bytes are products of extents, which plan refuses if negative.
    let mut rooms = BTreeSet::new();
    for buffer in &own.buffers {
        rooms.extend(room(&buffer.bytes).terms().flat_map(|(product, _)| product.iter().cloned()));
    }
    let placed = |region: Region| {
        (0..own.buffers.len()).filter(move |index| {
            own.buffers[*index].region == region && own.root(BufferId(*index as u32)).0 as usize == *index
        })
    };
    for (region, end) in [(Region::Persistent, &own.persistent), (Region::Scratch, &own.scratch)] {
        for a in placed(region) {
            let (first, name) = (&own.buffers[a], &loops.buffers[a].name);
            if !is_multiple(&first.offset) {
                return Err(format!("{name} is not aligned to {} bytes", kcc_abi::PADDING));
            }
            if region == Region::Persistent && first.alive != (0, own.steps.len().saturating_sub(1)) {
                return Err(format!("{name} must be kept through all steps"));
            }
            let behind = first.offset.plus(&room(&first.bytes));
            if !not_negative(&end.minus(&behind), &rooms, 0) {
                return Err(format!("{name} reaches beyond its region"));
            }
            for b in placed(region).filter(|b| *b > a) {
                let second = &own.buffers[b];
                let together = first.alive.0 <= second.alive.1 && second.alive.0 <= first.alive.1;
                let before = second.offset.minus(&behind);
                let after = first.offset.minus(&second.offset.plus(&room(&second.bytes)));
                if together && !not_negative(&before, &rooms, 0) && !not_negative(&after, &rooms, 0) {
                    return Err(format!("{name} and {} overlap and are alive together", loops.buffers[b].name));
                }
            }
        }
    }
    Ok(())
}

/// Whether a size is a multiple of the alignment for all values of its variables.
fn is_multiple(size: &Size) -> bool {
    let padding = i64::from(kcc_abi::PADDING);
    let atom = |atom: &Atom| match atom {
        Atom::Max(a, b) | Atom::Min(a, b) => is_multiple(a) && is_multiple(b),
        Atom::Var(_) | Atom::Div(..) | Atom::Rem(..) | Atom::Dim(_) => false,
    };
    size.terms().all(|(product, factor)| factor % padding == 0 || product.iter().any(atom))
}

/// Whether a size is provably not negative; `known` are atoms that are not.
fn not_negative(size: &Size, known: &BTreeSet<Atom>, depth: u32) -> bool {
    fn atom(a: &Atom, known: &BTreeSet<Atom>, depth: u32) -> bool {
        known.contains(a)
            || match a {
                Atom::Var(_) => true,
                Atom::Max(a, b) => not_negative(a, known, depth + 1) || not_negative(b, known, depth + 1),
                Atom::Min(a, b) => not_negative(a, known, depth + 1) && not_negative(b, known, depth + 1),
                Atom::Div(..) | Atom::Rem(..) | Atom::Dim(_) => false,
            }
    }
    if depth > 20 {
        return false;
    }
    if size.terms().all(|(product, factor)| factor >= 0 && product.iter().all(|a| atom(a, known, depth))) {
        return true;
    }
    // A maximum is at least each of its operands.
    size.terms().any(|(product, factor)| match product {
        [maximum @ Atom::Max(a, b)] if factor > 0 => {
            let rest = size.minus(&Size::atom(maximum.clone()).times_const(factor));
            [a, b].into_iter().any(|least| not_negative(&rest.plus(&least.times_const(factor)), known, depth + 1))
        }
        _ => false,
    })
}

/// What lies at constant addresses lies apart: slots, constants, the buffers of each fixed pipeline.
fn fixed_memory(program: &tensor::Program, loops: &[loops::Program], plan: &Plan) -> Result<(), String> {
    if !fits(plan) {
        return Ok(());
    }
    let padding = u64::from(kcc_abi::PADDING);
    let error_block = u64::from(kcc_abi::ERROR_BLOCK);
    let mut blocks =
        vec![(error_block, error_block + 8 * kcc_abi::ERROR_VALUES as u64, "the error block".to_string(), false)];
    for own in &plan.pipelines {
        let at = u64::from(own.slots_at);
        blocks.push((at, at + 4 * own.slots.len() as u64, format!("the slots of {}", own.name), false));
    }
    for (data, address) in program.consts.iter().zip(&plan.consts) {
        if let Some(address) = address {
            let end = u64::from(*address) + data.bytes.len() as u64 + padding;
            blocks.push((u64::from(*address), end, format!("constant {}", data.name), false));
        }
    }
    for (own, loops) in plan.pipelines.iter().zip(loops) {
        for (buffer, placed) in loops.buffers.iter().zip(&own.buffers) {
            if let (Place::Fixed(address), Region::Persistent | Region::Scratch) = (&placed.place, placed.region) {
                let bytes = placed.bytes.as_const().ok_or("a fixed buffer has an open size")? as u64;
                blocks.push((
                    u64::from(*address),
                    u64::from(*address) + bytes + padding,
                    format!("{} of {}", buffer.name, own.name),
                    placed.region == Region::Scratch,
                ));
            }
        }
    }
    blocks.sort();
    // Scratch is shared by all pipelines, and within one `apart` has looked at it; nothing else may touch it.
    let mut reached = [(0, "address 0".to_string()), (0, "address 0".to_string())];
    for (start, end, name, scratch) in blocks {
        let others = if scratch { &reached[..1] } else { &reached[..] };
        if let Some((_, other)) = others.iter().find(|(behind, _)| start < *behind) {
            return Err(format!("{name} and {other} overlap"));
        }
        let behind = &mut reached[usize::from(scratch)];
        if end > behind.0 {
            *behind = (end, name);
        }
        if end > plan.arena {
            return Err("a buffer at a constant address lies in the arena".to_string());
        }
    }
    Ok(())
}
