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
//! - Sequential code is statements with regions inside ([`Control`]), which run as written, and [`Store`]s into *variables*
//!   ([`TensorKind::Var`]), the only tensors that change. A list is a variable of its capacity beside one for its length.
//!   An expression means its value when its statement runs: whoever moves an expression past a statement must hold that
//!   the statement changes no variable that it loads ([`Pipeline::loads_var`]). A stage inside a region runs, and its tensors are
//!   written, each time it is reached; they are read only in the same pass through the same region, or deeper.
//! - Expressions of a region may use the indices of the loops around it, as if they were constants.
//! - A size that the data decides ([`Decided`]) has its value from a `Decide` statement on, until that runs again.

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
pub mod stmt;
pub mod trim;
pub mod unswitch;
pub mod verify;

use crate::arena::{Arena, Id};
use crate::ops::Op;
pub use crate::ops::ReduceOp;
use crate::origin::{OriginId, Origins};
use crate::size::{Atom, ScalarVar, Size, SizeNames, SizeVar};
use crate::types::{Const, Scalar};
pub(crate) use share::own_roots;
use std::collections::BTreeSet;
pub use stmt::{
    Binding, Check, CheckAxis, Control, ControlKind, Failure, Group, LabelId, Region, Ring, Stage, StageBody, Stmt,
    Store,
};

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
    /// Sizes that the data decides.
    pub decided: Vec<Decided>,
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

/// A size that the data decides.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The variable.
    pub var: SizeVar,
    /// Its greatest value; no decided size is in it.
    pub bound: Size,
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
    /// Stores: a variable.
    Var,
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
    /// The variables that an expression loads.
    pub fn loads_var(&self, id: ExprId) -> BTreeSet<TensorId> {
        let mut vars = BTreeSet::new();
        self.visit(&[id], &mut |_, expr| {
            if let Expr::Load(tensor, _) = expr
                && self.tensors[*tensor].kind == TensorKind::Var
            {
                vars.insert(*tensor);
            }
        });
        vars
    }

    /// A size that is never less than this one and that no data decides: each decided size has its bound where more of it makes
    /// the size greater, and nothing where it makes it smaller.
    pub fn greatest(&self, size: &Size) -> Size {
        let mut result = Size::constant(0);
        for (product, coefficient) in size.terms() {
            let mut term = Size::constant(coefficient);
            for atom in product {
                term = term.times(&match self.is_decided(&Size::atom(atom.clone())) {
                    false => Size::atom(atom.clone()),
                    true if coefficient < 0 => Size::constant(0),
                    true => self.greatest_atom(atom),
                });
            }
            result = result.plus(&term);
        }
        result
    }

    fn greatest_atom(&self, atom: &Atom) -> Size {
        match atom {
            Atom::Var(var) => {
                let decided = self.decided.iter().find(|decided| decided.var == *var);
                decided.map_or_else(|| Size::from(*var), |decided| decided.bound.clone())
            }
            Atom::Min(a, b) => self.greatest(a).smaller(&self.greatest(b)),
            Atom::Max(a, b) => self.greatest(a).larger(&self.greatest(b)),
            // Divisors are at least 1 where sizes are not negative.
            Atom::Div(a, b) if self.is_decided(b) => self.greatest(a),
            Atom::Div(a, b) => self.greatest(a).div(b),
            Atom::Rem(a, _) => self.greatest(a),
            Atom::Dim(_) => Size::constant(i64::from(i32::MAX)),
        }
    }

    /// Whether a size has a part that the data decides.
    pub fn is_decided(&self, size: &Size) -> bool {
        self.decided.iter().any(|decided| size.mentions(decided.var))
    }

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
