//! Loop IR: kernels of structured loops, at three checked levels.
//!
//! - *naive* (`loops/lower.rs`): every loop is `Serial`, every value has one lane, accesses have one index per
//!   dimension. Each expression stands at the outermost loop that binds all it needs, as a `Let`. Still naive, checks are
//!   screened (`loops/screen.rs`) and loops split (`loops/split.rs`).
//! - *scheduled* (`loops/schedule.rs` decides, `loops/vectorise.rs`, `loops/jam.rs`, … carry out): loops have kinds,
//!   values have lanes, tails exist, layouts are set.
//! - *flat* (`loops/flatten.rs`): each access is a buffer plus one byte offset; only operations that the target has.
//!
//! Loads are always memory-safe when executed (`lower` clamps the indices of loads that stand under a condition), so
//! any pure expression may be evaluated speculatively. Sixteen readable bytes follow every buffer.
//! Lanes: a value with `n > 1` lanes lies in one 128-bit vector with lanes of `16 / n` bytes; an element type narrower
//! than that is held widened (sign- or zero-extended, `bool` as all ones or all zeros), so a cast between types of
//! one lane count stays in its lane. `n` is 2, 4, 8 or 16, and no element type in a vector is wider than its lane.

pub mod build;
pub mod collapse;
pub mod contract;
pub mod cost;
pub mod depends;
pub mod flatten;
pub mod fold16;
pub mod jam;
pub mod lanes;
pub mod linear;
mod lower;
pub mod pack;
pub mod print;
pub mod rename;
pub mod schedule;
pub mod screen;
pub mod split;
#[cfg(test)]
mod tests;
pub mod tidy;
pub mod vectorise;
pub mod verify;

use crate::ops::Op;
pub use crate::ops::ReduceOp;
use crate::origin::OriginId;
use crate::size::{Size, SizeVar};
pub use crate::tensor::LabelId;
use crate::tensor::{Binding, DataId, Failure};
use crate::types::{Const, Scalar};
use std::collections::BTreeSet;

pub use lower::lower;

/// The kernels of one pipeline, in the order in which they run.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// What kernels read and write.
    pub buffers: Vec<Buffer>,
    /// The kernels.
    pub kernels: Vec<Kernel>,
    /// What `Stmt::Fail` names: the possible failures, with their places.
    pub failures: Vec<(Failure, OriginId)>,
    /// Extents of results that the data decides, with the buffers that a host finds them in.
    pub extents: Vec<(Size, BufferId)>,
}

/// The position of a [`Buffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BufferId(pub u32);

/// The position of a [`Var`] in its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VarId(pub u32);

/// The position in [`Program::failures`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FailureId(pub u32);

/// A block of memory with a shape.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Name for printed IR.
    pub name: String,
    /// Element type.
    pub elem: Scalar,
    /// Extents; row-major.
    pub dims: Vec<Size>,
    /// The greatest extents, which no data decides: what there is room for.
    pub room: Vec<Size>,
    /// What it is for.
    pub role: Role,
    /// Whether its bytes are those of another buffer (`reshape`).
    pub alias_of: Option<BufferId>,
    /// Whether a kernel may read it before anything is stored: a variable, whose program never asks for what is not there.
    pub is_variable: bool,
}

/// What a buffer is for. A result that is a parameter, a constant or a second name of another result is copied by
/// `lower` into a buffer of its own, so roles never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Parameter number n.
    Input(usize),
    /// Result number n.
    Output(usize),
    /// A constant: in the data section.
    Const(DataId),
    /// Written by a kernel with this binding time; lives until that is redone (`Plan`) or within one call (`Call`).
    Local(Binding),
    /// Needed inside one kernel only.
    Scratch,
    /// An extent that the data decided, for the host: an `i32`.
    Extent,
}

/// One function of the module: no parameters, runs to its end or fails the call.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Unique in the module; from the main tensor's name.
    pub name: String,
    /// When it runs.
    pub binding: Binding,
    /// Variables: loop indices, lets, accumulators.
    pub vars: Vec<Var>,
    /// The work.
    pub body: Vec<Stmt>,
    /// Where from.
    pub origin: OriginId,
    /// How it was scheduled, on one line, for `explain` and tests.
    pub schedule: String,
    /// Variables that hold sizes which the data decides. Sizes in expressions have none of these in them; extents of buffers may.
    pub decided: Vec<(SizeVar, VarId)>,
    /// Indices of loops that `split` left with few iterations, which are not worth lanes.
    pub short: BTreeSet<VarId>,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Var {
    /// Name for printed IR.
    pub name: String,
    /// Its type.
    pub ty: Ty,
}

/// An element type with a number of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ty {
    /// Element type; never `f16`.
    pub scalar: Scalar,
    /// 1, or the lanes of a vector.
    pub lanes: u8,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// Defines a variable. It may be set again only by `Set` and `Accumulate`.
    Let(VarId, Expr),
    /// Sets a defined variable.
    Set(VarId, Expr),
    /// `var = op(var, value)`.
    Accumulate(VarId, Op, Expr),
    /// A loop over `lo, lo + step, …` below `hi`.
    For(Loop),
    /// Writes an element, or `lanes` consecutive ones of the last dimension, rounding to the element type.
    Store {
        /// Where to.
        buffer: BufferId,
        /// One `i32` a dimension (of the first lane); at level *flat* one byte offset.
        index: Vec<Expr>,
        /// What; its scalar type is the buffer's (`f32` for `f16`).
        value: Expr,
    },
    /// A condition with one lane.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// Ends the call with this failure; the values are shown in its message.
    Fail(FailureId, Vec<Expr>),
    /// Runs the statements once; `Leave` ends them early.
    Block(LabelId, Vec<Stmt>),
    /// Runs the statements again and again, until something leaves.
    Repeat(Vec<Stmt>),
    /// Ends the block with this label, which is around it; nothing stands behind it.
    Leave(LabelId),
}

/// A loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// Its index, an `i32` with one lane.
    pub var: VarId,
    /// First value.
    pub lo: Expr,
    /// One past the last value.
    pub hi: Expr,
    /// Step, at least 1.
    pub step: Expr,
    /// How it runs.
    pub kind: LoopKind,
    /// The body.
    pub body: Vec<Stmt>,
}

/// How a loop runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopKind {
    /// One after another; `schedule` may find a better way.
    Serial,
    /// One after another, as the program says: no other way.
    Ordered,
    /// The body computes this many consecutive values at once (`step` is that number).
    Vector(u8),
    /// The body is repeated this many times (carried out by `loops/unroll.rs` before *flat*).
    Unrolled(u8),
    /// Iterations are independent and may run on several workers.
    Parallel,
}

/// A pure expression. Scalars of one lane unless said.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A constant, one lane.
    Const(Const),
    /// A variable.
    Var(VarId),
    /// A size as `i32`.
    Size(Size),
    /// An operation; operands have one type.
    Op(Op, Vec<Expr>),
    /// A cast to this element type, lane by lane.
    Cast(Scalar, Box<Expr>),
    /// Condition, value if it holds, value otherwise; lane by lane; both may be evaluated.
    Select(Box<[Expr; 3]>),
    /// An element, or lanes of them (`f32` if the buffer is `f16`).
    Load(Load),
    /// The same value in every lane.
    Splat(Box<Expr>, u8),
    /// `base + 0, base + 1, …` of an `i32`.
    Ramp(Box<Expr>, u8),
    /// One lane of a vector.
    Lane(Box<Expr>, u8),
}

/// A load.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Where from.
    pub buffer: BufferId,
    /// One `i32` a dimension (of lane 0); at level *flat* one byte offset.
    pub index: Vec<Expr>,
    /// How lanes lie in memory.
    pub access: Access,
}

/// How the lanes of a load lie in memory, read off the affine coefficient of the vector axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// One element.
    One,
    /// This many lanes, element distance 1.
    Contiguous(u8),
    /// This many lanes, element distance `stride` (a constant, may be negative).
    Strided {
        /// Number of lanes.
        lanes: u8,
        /// Distance in elements.
        stride: i32,
    },
    /// Lane l reads at `index` plus element offset `offsets[l]` (an `i32` vector).
    Gather {
        /// Number of lanes.
        lanes: u8,
        /// Element offsets relative to `index`, an `i32` expression with as many lanes (at most 4), or one per lane.
        offsets: Vec<Expr>,
    },
}
