//! Kernels → plan: steps in order, lifetimes, regions, addresses or slots, and the peak-memory certificate.
//!
//! Assumes flat kernels of verified programs. Guarantees what `plan::verify` checks.

use super::bounds::Bounds;
use super::greatest::greatest;
use super::pools::{Item, pools};
use super::uses::{Uses, uses};
use super::{Arg, BufferPlan, PipelinePlan, Place, Plan, Region, Slot, Step, StepKind};
use crate::loops::{self, BufferId, Role};
use crate::size::{Leaf, Size, SizeVar};
use crate::tensor::{self, Binding, Fact, Pipeline};
use std::collections::BTreeSet;

/// Buffers with addresses in slots lie above this, so that the emitter may leave small constants to instructions.
pub const LOWEST_ARENA: u64 = 1024;

/// Plans a module: one program of flat kernels for each pipeline of `program`.
///
/// Before: `y = f(t); t = g(x)` as kernels over buffers. After: steps `g, f`; `x`, `y` persistent, `t` in scratch.
pub fn lower(program: &tensor::Program, loops: &[loops::Program]) -> Plan {
    let mut plan = Plan { consts: vec![None; program.consts.len()], ..Plan::default() };
    let mut failures = kcc_abi::status::FIRST_FAILURE;
    for (pipeline, loops) in program.pipelines.iter().zip(loops) {
        let kernels: Vec<Uses> = loops.kernels.iter().map(uses).collect();
        let mut own = PipelinePlan { name: pipeline.name.clone(), first_failure: failures, ..PipelinePlan::default() };
        arguments(pipeline, loops, &mut own);
        steps(loops, &mut own);
        place(loops, &kernels, &pipeline.facts, &mut own);
        slots(pipeline, loops, &kernels, &mut own);
        failures += own.facts.len() as i32 + loops.failures.len() as i32;
        plan.pipelines.push(own);
    }
    addresses(program, loops, &mut plan);
    plan
}

/// What `plan` takes and checks.
fn arguments(pipeline: &Pipeline, loops: &loops::Program, own: &mut PipelinePlan) {
    let limit = |var: SizeVar, fact: &Fact| -> Option<i64> {
        let (factor, rest) = fact.size.solve_for(var)?;
        (!fact.is_equality && factor < 0).then_some(())?;
        Some(rest.as_const()?.div_euclid(-factor))
    };
    for var in &pipeline.sizes {
        let max = pipeline.facts.iter().filter_map(|fact| limit(*var, fact)).min();
        own.args.push(Arg::Size { var: *var, max });
    }
    for (var, tensor) in &pipeline.plan_scalars {
        let position = pipeline.params.iter().position(|param| param == tensor).expect("a scalar is a parameter");
        let buffer = loops.buffers.iter().position(|buffer| buffer.role == Role::Input(position));
        let buffer = BufferId(buffer.expect("every parameter has a buffer") as u32);
        own.args.push(Arg::Scalar { var: *var, ty: pipeline.tensors[*tensor].elem, buffer });
    }
    // Ranges of single variables are checked with the arguments.
    let implied = |fact: &&Fact| {
        fact.size.as_var().is_some() && !fact.is_equality
            || pipeline.sizes.iter().any(|var| limit(*var, fact).is_some())
            || fact.size.as_const().is_some_and(|value| if fact.is_equality { value == 0 } else { value >= 0 })
    };
    let at_plan = |fact: &&Fact| !pipeline.is_decided(&fact.size);
    own.facts = pipeline.facts.iter().filter(at_plan).filter(|fact| !implied(fact)).cloned().collect();
}

/// Kernels by binding time; in one, as they stand.
fn steps(loops: &loops::Program, own: &mut PipelinePlan) {
    let step =
        |(index, kernel): (usize, &loops::Kernel)| Step { binding: kernel.binding, kind: StepKind::Kernel(index) };
    own.steps = loops.kernels.iter().enumerate().map(step).collect();
    own.steps.sort_by_key(|step| step.binding);
}

/// Regions, lifetimes and offsets.
fn place(loops: &loops::Program, kernels: &[Uses], facts: &[Fact], own: &mut PipelinePlan) {
    for buffer in &loops.buffers {
        own.buffers.push(BufferPlan {
            place: buffer.alias_of.map_or(Place::Nowhere, Place::Same),
            region: Region::None,
            offset: Size::default(),
            extents: buffer.room.clone(),
            bytes: Size::product(&buffer.room).times_const(i64::from(buffer.elem.bytes())),
            alive: (0, own.steps.len().saturating_sub(1)),
        });
    }
    own.fixed = own.args.is_empty() && own.buffers.iter().all(|buffer| buffer.bytes.as_const().is_some());
    for id in (0..loops.buffers.len() as u32).map(BufferId) {
        if own.root(id) != id {
            continue;
        }
        let family: BTreeSet<BufferId> =
            (0..loops.buffers.len() as u32).map(BufferId).filter(|other| own.root(*other) == id).collect();
        let used: Vec<usize> = (0..own.steps.len())
            .filter(|step| {
                let StepKind::Kernel(kernel) = own.steps[*step].kind;
                family.iter().any(|id| kernels[kernel].reads.contains(id) || kernels[kernel].writes.contains(id))
            })
            .collect();
        let roles = || family.iter().map(|id| loops.buffers[id.0 as usize].role);
        let between = |role: Role| matches!(role, Role::Local(Binding::Build | Binding::Bind | Binding::Plan));
        let last_is_call = used.last().is_some_and(|step| own.steps[*step].binding == Binding::Call);
        let region = if roles().any(|role| matches!(role, Role::Const(_))) {
            if used.is_empty() { Region::None } else { Region::Constants }
        } else if roles().any(|role| matches!(role, Role::Input(_) | Role::Output(_) | Role::Extent))
            || (roles().any(between) && last_is_call)
        {
            Region::Persistent
        } else if used.is_empty() {
            Region::None
        } else {
            Region::Scratch
        };
        let buffer = &mut own.buffers[id.0 as usize];
        buffer.region = region;
        if region == Region::Scratch {
            buffer.alive = (used[0], used[used.len() - 1]);
        }
    }
    let vars: Vec<SizeVar> = own.args.iter().filter_map(size_var).collect();
    let bounds = Bounds::of(&vars, facts);
    own.persistent = offsets(own, Region::Persistent, &bounds);
    own.scratch = offsets(own, Region::Scratch, &bounds);
    let ceiling = |size: &Size| is_bounded(size, &bounds).then(|| greatest(size, &bounds, facts)).flatten();
    own.ceiling = ceiling(&own.persistent).zip(ceiling(&own.scratch));
}

fn size_var(arg: &Arg) -> Option<SizeVar> {
    match arg {
        Arg::Size { var, .. } => Some(*var),
        Arg::Scalar { .. } => None,
    }
}

/// Whether all variables of the size are bounded.
fn is_bounded(size: &Size, bounds: &Bounds) -> bool {
    let mut bounded = true;
    size.visit(&mut |leaf| match leaf {
        Leaf::Size(var) => bounded &= bounds.is_bounded(var),
        Leaf::Scalar(..) => {}
    });
    bounded
}

/// Places the buffers of a region and gives its size.
fn offsets(own: &mut PipelinePlan, region: Region, bounds: &Bounds) -> Size {
    let members: Vec<usize> = (0..own.buffers.len()).filter(|index| own.buffers[*index].region == region).collect();
    let items: Vec<Item> = members
        .iter()
        .map(|index| {
            let buffer = &own.buffers[*index];
            let guess = u64::try_from(bounds.size(&buffer.bytes).1).unwrap_or(0);
            Item { bytes: buffer.bytes.clone(), alive: buffer.alive, guess }
        })
        .collect();
    let (offsets, end) = pools(&items);
    for (index, offset) in members.into_iter().zip(offsets) {
        own.buffers[index].offset = offset;
    }
    end
}

/// What `plan` writes into memory: the values of sizes and the addresses of buffers.
fn slots(pipeline: &Pipeline, loops: &loops::Program, kernels: &[Uses], own: &mut PipelinePlan) {
    if own.has_plan() {
        own.slots.push(Slot::Generation);
    }
    let sizes: BTreeSet<Size> = kernels.iter().flat_map(|kernel| kernel.sizes.iter().cloned()).collect();
    let mut atoms = BTreeSet::new();
    for size in &sizes {
        atoms.extend(size.terms().flat_map(|(product, _)| product.iter().cloned()));
    }
    let visible = |buffer: &&loops::Buffer| matches!(buffer.role, Role::Input(_) | Role::Output(_));
    let mut extents = BTreeSet::new();
    let decided = |dim: &&Size| loops.extents.iter().any(|(own, _)| own == *dim);
    for dim in loops.buffers.iter().filter(visible).flat_map(|buffer| &buffer.dims).filter(|dim| !decided(dim)) {
        match dim.as_atom() {
            Some(atom) => {
                atoms.insert(atom.clone());
            }
            None if dim.as_const().is_none() && argument_of(dim, &pipeline.sizes).is_none() => {
                extents.insert(dim.clone());
            }
            None => {}
        }
    }
    own.slots.extend(atoms.into_iter().map(Slot::Atom));
    own.slots.extend(extents.into_iter().map(Slot::Extent));
    own.sizes = sizes.into_iter().collect();
    if !own.fixed {
        for region in [Region::Persistent, Region::Scratch] {
            for index in 0..own.buffers.len() {
                if own.buffers[index].region == region && own.root(BufferId(index as u32)).0 as usize == index {
                    own.buffers[index].place = Place::Slot(own.slots.len());
                    own.slots.push(Slot::Address(BufferId(index as u32)));
                }
            }
        }
    }
}

/// `scale * var + offset` of an argument, if the size has that form: the variable's position, scale, offset.
pub fn argument_of(size: &Size, vars: &[SizeVar]) -> Option<(usize, i64, i64)> {
    vars.iter().enumerate().find_map(|(position, var)| {
        let (scale, rest) = size.solve_for(*var)?;
        Some((position, scale, rest.as_const()?)).filter(|_| scale >= 1)
    })
}

/// Fixed addresses, front to back: slots, constants, the buffers of fixed pipelines.
fn addresses(program: &tensor::Program, loops: &[loops::Program], plan: &mut Plan) {
    let mut end = u64::from(kcc_abi::ERROR_BLOCK) + 8 * kcc_abi::ERROR_VALUES as u64;
    for own in &mut plan.pipelines {
        own.slots_at = end as u32;
        end += 4 * own.slots.len() as u64;
    }
    let align = |end: u64| end.next_multiple_of(u64::from(kcc_abi::PADDING));
    let mut used = vec![false; program.consts.len()];
    for (own, loops) in plan.pipelines.iter().zip(loops) {
        for (buffer, placed) in loops.buffers.iter().zip(&own.buffers) {
            if let (Role::Const(data), Region::Constants) = (buffer.role, placed.region) {
                used[data.0 as usize] = true;
            }
        }
    }
    end = align(end);
    for (index, data) in program.consts.iter().enumerate() {
        if used[index] {
            plan.consts[index] = Some(end as u32);
            end = align(end + data.bytes.len() as u64) + u64::from(kcc_abi::PADDING);
        }
    }
    let known = |size: &Size| size.as_const().expect("sizes of a fixed pipeline are constants") as u64;
    let mut bases = Vec::new();
    for own in &plan.pipelines {
        bases.push(end);
        if own.fixed {
            end += known(&own.persistent);
        }
    }
    let scratch = end;
    end += plan.pipelines.iter().filter(|own| own.fixed).map(|own| known(&own.scratch)).max().unwrap_or(0);
    for ((own, loops), base) in plan.pipelines.iter_mut().zip(loops).zip(bases) {
        for (index, buffer) in loops.buffers.iter().enumerate() {
            let offset = known_offset(&own.buffers[index]);
            let address = match own.buffers[index].region {
                Region::Constants => match buffer.role {
                    Role::Const(data) => plan.consts[data.0 as usize].map(u64::from),
                    _ => None,
                },
                Region::Persistent if own.fixed => Some(base + offset),
                Region::Scratch if own.fixed => Some(scratch + offset),
                Region::Persistent | Region::Scratch | Region::None => None,
            };
            if let Some(address) = address
                && !matches!(own.buffers[index].place, Place::Same(_))
            {
                own.buffers[index].place = Place::Fixed(u32::try_from(address).unwrap_or(u32::MAX));
            }
        }
    }
    plan.arena = align(end).max(LOWEST_ARENA);
    let open = || plan.pipelines.iter().filter(|own| !own.fixed);
    let ceilings: Option<Vec<(u64, u64)>> = open().map(|own| own.ceiling).collect();
    plan.ceiling = ceilings.map(|ceilings| {
        let persistent: u64 = ceilings.iter().map(|(persistent, _)| persistent).sum();
        plan.arena + persistent + ceilings.iter().map(|(_, scratch)| *scratch).max().unwrap_or(0)
    });
}

fn known_offset(buffer: &BufferPlan) -> u64 {
    buffer.offset.as_const().map_or(0, |offset| offset as u64)
}

/// Whether what is there from the start can be addressed.
pub fn fits(plan: &Plan) -> bool {
    plan.arena <= 1 << 32
}
