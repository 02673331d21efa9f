//! Plan: what the module does and where everything lies. Steps in order by binding time, buffers with lifetimes and
//! addresses, the slots that `plan(sizes)` fills, and the peak-memory certificate.
//!
//! Memory: `[error block][slots of each pipeline][constants][arena]`. Addresses of fixed-size pipelines are constants.
//! The arena holds for each pipeline a persistent region (inputs, outputs, plan results), then scratch shared by all.
//!
//! `verify` holds: buffers of overlapping lifetimes never overlap, every buffer is aligned to 16 bytes and followed by
//! 16 readable bytes, every step's inputs were written by an earlier step or the host, every size that a step needs has
//! a slot or is a constant.

use crate::loops::BufferId;
use crate::size::{Atom, Size};
use crate::tensor::Binding;

/// The plan of a module.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One per pipeline, in order.
    pub pipelines: Vec<PipelinePlan>,
    /// Address of each constant tensor, in the order of `tensor::Program::consts`; `None` if no kernel uses it.
    pub consts: Vec<Option<u32>>,
    /// First address of the arena.
    pub arena: u32,
}

/// The plan of one pipeline.
#[derive(Clone, Debug, Default)]
pub struct PipelinePlan {
    /// Address of the first slot; slot n is the `i32` at `slots_at + 4*n`.
    pub slots_at: u32,
    /// What each slot holds once `plan` succeeded.
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

/// What a slot holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    /// The value of an atom that some size is made of.
    Atom(Atom),
    /// The address of a buffer.
    Address(BufferId),
    /// The number of the successful plan, to tell stale views.
    Generation,
}

/// Where a buffer lies and how long it is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct BufferPlan {
    /// Its address.
    pub place: Place,
    /// Its size in bytes, without padding.
    pub bytes: Size,
    /// First and last step that needs it; inputs, outputs and plan results live through all.
    pub alive: (usize, usize),
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
