//! Statements: what runs, in which order, when, and what may fail.
//!
//! Assumes nothing of its own: `mod.rs` says what must hold of a pipeline, and `verify` checks it. An `impl` here answers
//! what every pass asks of a statement, so that a new kind of statement is added here and the compiler shows who must know.

use super::{AxisId, ExprId, ReduceAxis, ReduceOp, TensorId};
use crate::origin::OriginId;
use crate::size::{Size, SizeVar};

/// Statements that run in order.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// The statements.
    pub stmts: Vec<Stmt>,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// Computes tensors.
    Stage(Stage),
    /// Gives a tensor a second shape: the same bytes in row-major order (`reshape`, `flatten`).
    Alias {
        /// The new tensor.
        tensor: TensorId,
        /// Whose bytes.
        of: TensorId,
        /// When it happens.
        binding: Binding,
        /// Where from.
        origin: OriginId,
    },
    /// Fails the call unless a condition holds.
    Check(Check),
    /// Stages that share outer loops. Made by `group`, the last pass on Tensor IR; what runs before does not meet it.
    Group(Group),
    /// Changes elements of a variable.
    Store(Store),
    /// Gives a decided size its value: an `i32` between 0 and its bound.
    Decide {
        /// The size.
        var: SizeVar,
        /// Its value.
        value: ExprId,
        /// When it happens.
        binding: Binding,
        /// Where from.
        origin: OriginId,
    },
    /// Runs other statements.
    Control(Control),
}

/// `tensor[index] = value` for all values of the axes.
///
/// The value may load the variable itself only at `index`, so the order of the elements does not matter.
#[derive(Clone, Debug)]
pub struct Store {
    /// The variable.
    pub tensor: TensorId,
    /// Axes, outermost first; each has an extent. None for a single element.
    pub axes: Vec<AxisId>,
    /// One `i32` a dimension, in range; different for different values of the axes.
    pub index: Vec<ExprId>,
    /// The value.
    pub value: ExprId,
    /// When it happens.
    pub binding: Binding,
    /// Where from.
    pub origin: OriginId,
}

/// A statement with statements inside. They have its binding time.
#[derive(Clone, Debug)]
pub struct Control {
    /// What it does.
    pub kind: ControlKind,
    /// When it runs.
    pub binding: Binding,
    /// Where from.
    pub origin: OriginId,
}

/// How statements inside a statement run.
#[derive(Clone, Debug)]
pub enum ControlKind {
    /// One or the other.
    If {
        /// A `bool`.
        cond: ExprId,
        /// If it holds.
        then: Region,
        /// If not.
        otherwise: Region,
    },
    /// For each value of the axis in order; its bounds are evaluated once, before the first.
    Loop {
        /// The index and its range.
        axis: ReduceAxis,
        /// What runs.
        body: Region,
    },
    /// Again and again, until something leaves it.
    Repeat(Region),
    /// Once; `Leave` ends it early.
    Block(LabelId, Region),
    /// Ends the block with this label, which is around it. The last statement of its region.
    Leave(LabelId),
}

/// The name of a [`ControlKind::Block`], unique in its pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelId(pub u32);

/// Stages that share axes: for each value of the group's axes, the stages run one after another.
#[derive(Clone, Debug)]
pub struct Group {
    /// The shared axes, outermost first; each has an extent.
    pub axes: Vec<AxisId>,
    /// What the stages read at several values of the last axis: made before the stages, as far as it is not there yet.
    pub rings: Vec<Ring>,
    /// The stages, in order. The group's axes stand somewhere among the axes of each; loops run over the others.
    pub stages: Vec<Stage>,
    /// Tensors of the group that nobody outside reads: they lack the group's axes, their room is used again for each
    /// value of these.
    pub private: Vec<TensorId>,
    /// When it runs.
    pub binding: Binding,
    /// Where from: that of its last stage.
    pub origin: OriginId,
}

/// A ring of rows: the part of a tensor's rows that a window covers, while the window moves with a group's last axis.
///
/// Before the stages of the enclosing group run, the rows of `first..end` that are not there are made; the rows that stay
/// are not made again. Any window is served; each row is made once if windows only move forward.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Makes one row. Its last axis is the row's; before it stand all axes of the enclosing group but the last. Its tensors
    /// that are not private are kept in the ring: instead of the group's axes they have one of `rows` elements. The stages
    /// of the enclosing group, and nobody else, load from them, with the number of the row as their first index.
    pub group: Group,
    /// The first row that the enclosing group reads for a value of its axes, `i32`. May leave the row axis.
    pub first: ExprId,
    /// One past the last row. May leave the row axis.
    pub end: ExprId,
    /// How many rows are kept. Never less than `end - first` where a row is read.
    pub rows: Size,
}

impl Group {
    /// All its stages in the order in which they run, those of its rings first.
    pub fn all_stages(&self) -> Vec<&Stage> {
        let rings = self.rings.iter().flat_map(|ring| ring.group.all_stages());
        rings.chain(&self.stages).collect()
    }

    /// The tensors that it stores whole: those that are neither private nor kept in a ring.
    pub fn stored(&self) -> impl Iterator<Item = TensorId> {
        let all = self.stages.iter().flat_map(|stage| stage.tensors.iter().copied());
        all.filter(|tensor| !self.private.contains(tensor))
    }
}

/// When a statement runs. What can run earlier does, and its result is kept until that is redone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binding {
    /// At build time: turned into a constant.
    Build,
    /// When weights are bound.
    Bind,
    /// When sizes are planned: depends on sizes and on scalars that reach a size.
    Plan,
    /// At each call.
    Call,
}

/// Computes one or more tensors over the same axes.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The tensors, each with the axes' extents as its leading dims.
    pub tensors: Vec<TensorId>,
    /// Axes, outermost first; axis number n of each tensor.
    pub axes: Vec<AxisId>,
    /// How elements are found.
    pub body: StageBody,
    /// A `bool` of sizes and of scalars known before (it uses no axis). If it does not hold, the stage does not run: its
    /// tensors hold anything, and every load of them stands under a condition that implies the guard.
    pub guard: Option<ExprId>,
    /// When it runs.
    pub binding: Binding,
    /// Where from.
    pub origin: OriginId,
}

/// How a stage finds its elements.
#[derive(Clone, Debug)]
pub enum StageBody {
    /// Each element by itself: one expression a tensor.
    Map(Vec<ExprId>),
    /// Inclusive prefixes along the last axis, serially: element `i` is the combination of the identity and `expr` at
    /// `0..=i`, in this order.
    /// One tensor. (`sum prod max min` only.)
    Scan {
        /// How to combine.
        op: ReduceOp,
        /// The element to combine.
        expr: ExprId,
    },
}

/// A condition that must hold for all values of its axes.
#[derive(Clone, Debug)]
pub struct Check {
    /// Axes it is tested over; a reduction's bounds may depend on earlier axes (see [`CheckAxis`]).
    pub axes: Vec<CheckAxis>,
    /// A `bool`.
    pub cond: ExprId,
    /// What failed.
    pub failure: Failure,
    /// Scalar values shown in the message, over the same axes.
    pub values: Vec<ExprId>,
    /// When it runs.
    pub binding: Binding,
    /// Where from: the access, division or assert.
    pub origin: OriginId,
}

/// An axis of a check with its range; `step` as in [`ReduceAxis`].
pub type CheckAxis = ReduceAxis;

/// What a failed check means; its values are those of [`Check::values`].
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// Values: the index, the extent. Axis number and tensor name for the message.
    IndexOutOfRange {
        /// The indexed tensor's name.
        tensor: String,
        /// Which of its axes.
        axis: usize,
    },
    /// An integer division by zero.
    DivisionByZero,
    /// `argmax`, `argmin` of nothing.
    EmptyArg,
    /// A fact that was not proved. Its text.
    Fact(String),
    /// A failed `assert`: literal pieces around the values (one more piece than values).
    Assert(Vec<String>),
    /// A list that cannot hold another element. Values: its capacity. Its name.
    ListFull(String),
    /// A list without an element to take. Its name.
    ListEmpty(String),
    /// A list cannot be cut to this length. Values: the length asked for, the length it has. Its name.
    ListLength(String),
}

impl Stmt {
    /// The regions inside.
    pub fn regions(&self) -> Vec<&Region> {
        match self {
            Stmt::Control(control) => match &control.kind {
                ControlKind::If { then, otherwise, .. } => vec![then, otherwise],
                ControlKind::Loop { body, .. } | ControlKind::Repeat(body) | ControlKind::Block(_, body) => vec![body],
                ControlKind::Leave(_) => Vec::new(),
            },
            Stmt::Stage(_) | Stmt::Alias { .. } | Stmt::Check(_) | Stmt::Group(_) => Vec::new(),
            Stmt::Store(_) | Stmt::Decide { .. } => Vec::new(),
        }
    }

    /// The same, to be changed.
    pub fn regions_mut(&mut self) -> Vec<&mut Region> {
        match self {
            Stmt::Control(control) => match &mut control.kind {
                ControlKind::If { then, otherwise, .. } => vec![then, otherwise],
                ControlKind::Loop { body, .. } | ControlKind::Repeat(body) | ControlKind::Block(_, body) => vec![body],
                ControlKind::Leave(_) => Vec::new(),
            },
            Stmt::Stage(_) | Stmt::Alias { .. } | Stmt::Check(_) | Stmt::Group(_) => Vec::new(),
            Stmt::Store(_) | Stmt::Decide { .. } => Vec::new(),
        }
    }

    /// The tensors that it writes, statements inside included.
    pub fn writes(&self) -> Vec<TensorId> {
        match self {
            Stmt::Stage(stage) => stage.tensors.clone(),
            Stmt::Alias { tensor, .. } => vec![*tensor],
            Stmt::Group(group) => group.stages.iter().flat_map(|stage| stage.tensors.iter().copied()).collect(),
            Stmt::Store(store) => vec![store.tensor],
            Stmt::Check(_) | Stmt::Decide { .. } => Vec::new(),
            Stmt::Control(_) => {
                self.regions().into_iter().flat_map(|region| &region.stmts).flat_map(Stmt::writes).collect()
            }
        }
    }

    /// When it runs.
    pub fn binding(&self) -> Binding {
        match self {
            Stmt::Stage(stage) => stage.binding,
            Stmt::Alias { binding, .. } | Stmt::Decide { binding, .. } => *binding,
            Stmt::Check(check) => check.binding,
            Stmt::Group(group) => group.binding,
            Stmt::Store(store) => store.binding,
            Stmt::Control(control) => control.binding,
        }
    }

    /// Whether it is sequential code: it changes something, or runs other statements.
    pub fn is_sequential(&self) -> bool {
        matches!(self, Stmt::Store(_) | Stmt::Decide { .. } | Stmt::Control(_))
    }
}

impl Region {
    /// Calls `f` with every statement, outer ones first.
    pub fn visit<'a>(&'a self, f: &mut impl FnMut(&'a Stmt)) {
        for stmt in &self.stmts {
            f(stmt);
            stmt.regions().into_iter().for_each(|region| region.visit(f));
        }
    }
}
