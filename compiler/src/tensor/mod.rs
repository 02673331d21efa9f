//! Tensor IR: a tree of regions of stages. Everything is inlined, rank-lifted and monomorphic.
//!
//! - A [`Stage`] is axes and pure scalar expressions over loads, axes, sizes and reductions: element
//!   `(axes)` of its tensor is the value of the expression. It materialises its tensor. Stages are in
//!   dependency order; every tensor is written by exactly one statement, parameters and constants by none. (After `unswitch`, several
//!   guarded stages may write one tensor; their guards exclude each other and one of them holds.)
//! - Views (transpose, slice, crop, channel order …) are stages whose body is one load; `fuse` deletes them.
//! - Nothing in a stage can fail. What may fail stands as a [`Check`] before the statements that rely on it:
//!   an index in range, a divisor that is not zero, an `assert`. Statements in a region run in order; the first
//!   failing check (and in it the first failing index, row-major) fails the call.
//! - Expressions form a DAG in one arena per pipeline. An expression may use only the axes that enclose each of
//!   its uses: its stage's axes and the axes of the reductions around it. Sharing an id shares the work.
//! - Loads: rank of the index list = rank of the tensor. Each load is in bounds whenever it is evaluated, where
//!   the arms of a [`Expr::Select`] are evaluated only if its condition asks for them. Whoever wants to evaluate
//!   an arm speculatively must clamp the indices of the loads in it first (`loops/lower.rs` does).
//! - Each [`Reduce`] has its fold order, fixed by `lower` and obeyed by everything after.
//! - `f16` exists only as an element type of tensors: a load gives `f32`, a stage's value is rounded when stored.
//!
//! Sequential statements (Var, Assign, Store, Push, If, Loop, While, Break, Return, State, HostStep) join
//! [`Stmt`] with their issue; every pass over regions matches exhaustively so that the compiler names the places.

pub mod bind;
pub mod constants;
pub mod eval;
pub mod expr;
pub mod fuse;
pub mod group;
pub mod lower;
pub mod print;
pub mod prove;
pub mod share;
pub mod specialise;
pub mod trim;
pub mod unswitch;
pub mod verify;

use crate::arena::{Arena, Id};
use crate::ops::Op;
pub use crate::ops::ReduceOp;
use crate::origin::{OriginId, Origins};
use crate::size::{ScalarVar, Size, SizeNames, SizeVar};
use crate::types::{Const, Scalar};

/// The whole program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Pipelines in source order; for `kcc test`, tests are pipelines without parameters.
    pub pipelines: Vec<Pipeline>,
    /// Contents of constant tensors, shared by all pipelines.
    pub consts: Vec<ConstData>,
    /// Where nodes come from.
    pub origins: Origins,
    /// Names of size variables.
    pub names: SizeNames,
}

/// The contents of a constant tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstData {
    /// Name for printed IR.
    pub name: String,
    /// Element type.
    pub elem: Scalar,
    /// Extents.
    pub dims: Vec<i64>,
    /// Elements as in memory.
    pub bytes: Vec<u8>,
}

/// The position of a [`ConstData`] in [`Program::consts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataId(pub u32);

/// Ids of the pipeline's nodes.
pub type TensorId = Id<Tensor>;
/// An expression.
pub type ExprId = Id<Expr>;
/// An axis.
pub type AxisId = Id<Axis>;

/// One entry point.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Name in the language and in the module.
    pub name: String,
    /// Documentation.
    pub doc: String,
    /// Where it is defined.
    pub origin: OriginId,
    /// Size variables of the parameters, in order of appearance: what the host gives to `plan`.
    pub sizes: Vec<SizeVar>,
    /// Scalar parameters that reach a size, with the parameter tensor: they are given to `plan` too.
    pub plan_scalars: Vec<(ScalarVar, TensorId)>,
    /// Parameters in order.
    pub params: Vec<TensorId>,
    /// Results in order; a single unnamed result is called `result`.
    pub results: Vec<(String, TensorId)>,
    /// Relations of sizes that hold inside: the declared facts, every size >= 0. `plan` checks the declared ones.
    pub facts: Vec<Fact>,
    /// Tensors.
    pub tensors: Arena<Tensor>,
    /// Axes.
    pub axes: Arena<Axis>,
    /// Expressions.
    pub exprs: Arena<Expr>,
    /// The type of each expression.
    pub types: Vec<Scalar>,
    /// The work.
    pub body: Region,
}

/// A relation of sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// `size == 0` if true, otherwise `size >= 0`.
    pub is_equality: bool,
    /// The size.
    pub size: Size,
    /// Text for messages.
    pub text: String,
    /// Where it was declared; `None` for what holds by itself (sizes are not negative).
    pub origin: Option<OriginId>,
}

/// A tensor.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Name for printed IR and `explain`; not unique.
    pub name: String,
    /// Element type.
    pub elem: Scalar,
    /// Extents.
    pub dims: Vec<Size>,
    /// Who writes it.
    pub kind: TensorKind,
}

/// Who writes a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorKind {
    /// The host, before the call: parameter number.
    Param(usize),
    /// The build: a constant.
    Const(DataId),
    /// A statement of the region.
    Local,
}

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
}

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
}

/// An axis: an `i32` index.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Name for printed IR.
    pub name: String,
    /// For a stage's axis: `0 <= index < extent`. For a reduction's axis: `None`, see its bounds.
    pub extent: Option<Size>,
}

/// A pure scalar expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A constant.
    Const(Const),
    /// An axis' value, `i32`.
    Axis(AxisId),
    /// A size, `i32`.
    Size(Size),
    /// An operation on operands of one type.
    Op(Op, Vec<ExprId>),
    /// A cast to the expression's type.
    Cast(ExprId),
    /// Only the arm that the condition asks for is evaluated.
    Select(ExprId, ExprId, ExprId),
    /// An element of a tensor (`f32` if the tensor is `f16`).
    Load(TensorId, Vec<ExprId>),
    /// A reduction.
    Reduce(Reduce),
}

/// A reduction: accumulators, combined over all values of its axes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// How to combine.
    pub op: ReduceOp,
    /// Axes, outermost first.
    pub axes: Vec<ReduceAxis>,
    /// The element.
    pub body: ExprId,
    /// In which order elements are combined.
    pub order: FoldOrder,
    /// `argmax`, `argmin`: which axis' value (`i32`) this expression gives. Otherwise 0.
    pub component: usize,
}

/// A reduction's axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReduceAxis {
    /// The index.
    pub axis: AxisId,
    /// First value; may use outer and earlier axes.
    pub lo: ExprId,
    /// One past the last value.
    pub hi: ExprId,
    /// Step, at least 1.
    pub step: Size,
}

/// The order in which a reduction combines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FoldOrder {
    /// The result does not depend on it: integers, `any`, `all`, `count`, arg reductions (first wins).
    Any,
    /// Ascending, one accumulator that starts at the operation's identity.
    Serial,
    /// One axis with step s: element number n (counted from the lower bound) goes to partial n % 16; partials start at
    /// the identity and are folded 8-4-2-1 (`p[i] = p[i] op p[i+8]`, then 4, 2, 1). Elements are taken in chunks of
    /// 65,536; the chunks' results are combined in order, the first chunk's standing alone.
    Lanes16,
}

impl Pipeline {
    /// Adds an expression of this type.
    pub fn expr(&mut self, expr: Expr, ty: Scalar, origin: OriginId) -> ExprId {
        self.types.push(ty);
        self.exprs.add(expr, origin)
    }

    /// The type of an expression.
    pub fn ty(&self, id: ExprId) -> Scalar {
        self.types[id.index()]
    }
}

/// The type in which a value of this element type is computed: `f16` is widened.
pub fn compute_type(elem: Scalar) -> Scalar {
    if elem == Scalar::F16 { Scalar::F32 } else { elem }
}
