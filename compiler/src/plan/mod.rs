//! Plan: what the module does and where everything lies. Steps in order by binding time, buffers with lifetimes and
//! addresses, the slots that `plan(sizes)` fills, and the peak-memory certificate.
//!
//! Memory: `[error block][slots of each pipeline][constants][buffers of fixed pipelines][arena]`. A pipeline is *fixed*
//! if no size in it is open: then all its addresses are constants. The arena holds for each other pipeline a
//! persistent region (inputs, outputs, what its plan steps leave for its calls), then scratch that all share.
//!
//! `verify` holds: buffers of overlapping lifetimes never overlap, every buffer is aligned to 16 bytes and followed by
//! 16 readable bytes, every step's inputs were written by an earlier step or the host, every size that a step needs has
//! a slot or is a constant.

pub mod bounds;
pub mod greatest;
pub mod interval;
pub mod limit;
pub mod lower;
pub mod pools;
pub mod print;
pub mod uses;
mod values;
pub mod verify;

use crate::loops::BufferId;
use crate::size::{Atom, ScalarVar, Size, SizeVar};
use crate::tensor::{Binding, Fact};
use crate::types::Scalar;

/// The plan of a module.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One per pipeline, in order.
    pub pipelines: Vec<PipelinePlan>,
    /// Address of each constant tensor, in the order of `tensor::Program::consts`; `None` if no kernel uses it.
    pub consts: Vec<Option<u32>>,
    /// First address of the arena: everything before it is there from the start.
    pub arena: u64,
    /// Bytes of memory that are never exceeded; `None` if a size has no bound.
    pub ceiling: Option<u64>,
}

/// The plan of one pipeline.
#[derive(Clone, Debug, Default)]
pub struct PipelinePlan {
    /// Its name.
    pub name: String,
    /// Whether all its addresses are constants.
    pub fixed: bool,
    /// What `plan` takes: sizes, then scalars that reach a size.
    pub args: Vec<Arg>,
    /// What `plan` checks, declared facts and sizes that must not be negative; upper bounds in `args` are not repeated.
    pub facts: Vec<Fact>,
    /// Sizes that kernels use and that must fit 32 bits.
    pub sizes: Vec<Size>,
    /// The status of the first fact; the failures of the pipeline's kernels follow after the facts.
    pub first_failure: i32,
    /// Address of the first slot; slot n is the `i32` at `slots_at + 4*n`.
    pub slots_at: u32,
    /// What each slot holds once `plan` succeeded. Addresses in the scratch region stand last.
    pub slots: Vec<Slot>,
    /// One per buffer of the pipeline's `loops::Program`.
    pub buffers: Vec<BufferPlan>,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// Bytes of the persistent region and of scratch, as sizes.
    pub persistent: Size,
    /// See `persistent`.
    pub scratch: Size,
    /// Greatest values of these for the declared bounds; `None` if a size has no bound.
    pub ceiling: Option<(u64, u64)>,
}

/// An argument of `plan`.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A size variable.
    Size {
        /// The variable.
        var: SizeVar,
        /// Greatest value allowed, if declared.
        max: Option<i64>,
    },
    /// A scalar parameter.
    Scalar {
        /// The variable that stands for it in sizes.
        var: ScalarVar,
        /// Its type.
        ty: Scalar,
        /// Its buffer.
        buffer: BufferId,
    },
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    /// The number of the last plan, to tell stale views. Always the first slot of a pipeline that has `plan`.
    Generation,
    /// The value of an atom that some size is made of.
    Atom(Atom),
    /// An extent of a parameter or result that a host cannot work out from the arguments.
    Extent(Size),
    /// The address of a buffer.
    Address(BufferId),
}

/// Where a buffer lies and how long it is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct BufferPlan {
    /// Its address.
    pub place: Place,
    /// The region it lies in.
    pub region: Region,
    /// Where it begins in its region.
    pub offset: Size,
    /// Its extents.
    pub extents: Vec<Size>,
    /// Its size in bytes, without padding.
    pub bytes: Size,
    /// First and last step that needs it; what is persistent lives through all.
    pub alive: (usize, usize),
}

/// A part of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Written at build time.
    Constants,
    /// Kept from call to call.
    Persistent,
    /// Needed within one call or within `plan`; shared by all pipelines.
    Scratch,
    /// Nowhere: no step uses it.
    None,
}

/// An address.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Known at build time.
    Fixed(u32),
    /// In this slot.
    Slot(usize),
    /// The place of another buffer (an alias).
    Same(BufferId),
    /// No kernel uses it.
    Nowhere,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When it runs.
    pub binding: Binding,
    /// What runs.
    pub kind: StepKind,
}

/// What a step runs. (GPU dispatches and model calls join with their issues.)
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// The kernel with this position in the pipeline's `loops::Program`.
    Kernel(usize),
}

impl PipelinePlan {
    /// Whether the pipeline has a `plan` export: sizes are open, or something runs before the calls.
    pub fn has_plan(&self) -> bool {
        !self.fixed || self.steps.iter().any(|step| step.binding != Binding::Call)
    }

    /// The buffer whose bytes a buffer shares, through all aliases.
    pub fn root(&self, buffer: BufferId) -> BufferId {
        match self.buffers[buffer.0 as usize].place {
            Place::Same(other) => self.root(other),
            Place::Fixed(_) | Place::Slot(_) | Place::Nowhere => buffer,
        }
    }

    /// The address of a slot, if the plan has it.
    pub fn slot_at(&self, slot: &Slot) -> Option<u32> {
        let position = self.slots.iter().position(|own| own == slot)?;
        Some(self.slots_at + 4 * position as u32)
    }

    /// The status of the first failure of the pipeline's kernels.
    pub fn first_kernel_failure(&self) -> i32 {
        self.first_failure + self.facts.len() as i32
    }
}

/// The room that a buffer takes: padded to 16 bytes, and 16 readable bytes behind it.
pub fn room(bytes: &Size) -> Size {
    let padding = i64::from(kcc_abi::PADDING);
    bytes.plus(&Size::constant(padding - 1)).div(&Size::constant(padding)).times_const(padding).plus(&padding.into())
}
