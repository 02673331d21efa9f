//! HIR: what the program means. Names are resolved, every expression is typed, sizes are symbolic,
//! functions are still functions.
//!
//! A [`Fn`] is an *instance*: element types and function arguments are concrete, sizes are not. Its body is
//! checked once for all sizes that satisfy its facts. Function-typed parameters are gone: a function argument
//! became part of the instance, its captures hidden extra parameters. Defaults and named arguments are gone:
//! calls are positional and complete. Broadcasting and rank lifting are explicit in types and in [`ExprKind::Call`].
//! `static if` is decided. Literals have their type. Structs and several results are tuples. `static loop` is written out.
//!
//! `verify` holds: every local is defined before use, every size variable belongs to the function, indices are
//! `i32`, operand types fit their operation, branch types agree, results have the declared types.

mod check;
mod facts;
mod instance;
mod lambda;
mod load;
pub mod lower;
pub mod print;
mod scope;
mod ty;
pub mod verify;
mod weight;

use crate::ops::Op;
pub use crate::ops::{Border, ReduceOp};
use crate::size::{ScalarVar, Size, SizeNames, SizeVar};
use crate::source::Span;
use crate::types::Const;
pub use ty::{ListType, Parts, StructRef, TensorType, Type};

/// A checked program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Function instances, lambdas included; pipelines and tests are functions too.
    pub fns: Vec<Fn>,
    /// Constants, in an order in which each uses only earlier ones.
    pub consts: Vec<ConstDef>,
    /// Exported pipelines in source order.
    pub pipelines: Vec<FnId>,
    /// In-language tests of the root file, in source order.
    pub tests: Vec<(String, FnId)>,
    /// Names of all size variables and scalar parameters.
    pub names: SizeNames,
}

/// The name of a [`Fn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FnId(pub u32);

/// The name of a [`ConstDef`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConstId(pub u32);

/// The name of a [`Local`] in its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(pub u32);

/// A constant: an expression without free variables, or the bytes of an embedded file.
#[derive(Clone, Debug)]
pub struct ConstDef {
    /// Its name, for messages and printed IR.
    pub name: String,
    /// Its type; extents are constants, or variables of `decided`. A tuple-valued constant is one definition.
    pub ty: Type,
    /// Sizes that its evaluation decides. These variables are known in all functions.
    pub decided: Vec<Decided>,
    /// Its value as a function without parameters (body evaluated by the reference evaluator at build time).
    pub value: ConstValue,
    /// Where it is defined.
    pub span: Span,
}

/// Where a constant's value comes from.
#[derive(Clone, Debug)]
pub enum ConstValue {
    /// A function without parameters, to be evaluated.
    Fn(FnId),
    /// Literal elements in row-major order, little-endian as in memory.
    Data(Vec<u8>),
}

/// A function instance.
#[derive(Clone, Debug)]
pub struct Fn {
    /// Name with module, as messages show it: `nn.softmax`.
    pub name: String,
    /// Documentation.
    pub doc: String,
    /// The name's place.
    pub span: Span,
    /// Size variables bound by parameters: solved from argument shapes, or given by a `dim` parameter.
    pub sizes: Vec<SizeParam>,
    /// Parameters. A `dim` parameter is a local of type `i32` whose value is its size.
    pub params: Vec<LocalId>,
    /// Results: none, one unnamed, or several named.
    pub results: Vec<ResultDecl>,
    /// Facts that hold inside: declared ones and those that parameters imply.
    pub facts: Vec<Fact>,
    /// Sizes in the results that the data decides (`i32[K <= N]`); each call yields fresh ones.
    pub decided: Vec<Decided>,
    /// All locals.
    pub locals: Vec<Local>,
    /// The body; its type is the result type (a tuple for several results).
    pub body: Block,
}

/// A size that the data decides: `K <= N` in a result's type.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The variable, in the types of the results.
    pub var: SizeVar,
    /// The greatest value it can have; decided sizes of the same function are not in it.
    pub bound: Size,
    /// Where it first stands: result number, axis. There the body's value tells what it is.
    pub place: (usize, usize),
}

/// A size variable of a function.
#[derive(Clone, Debug)]
pub struct SizeParam {
    /// The variable.
    pub var: SizeVar,
    /// How it gets its value.
    pub source: SizeSource,
}

/// How a size variable gets its value at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeSource {
    /// From axis `axis` of parameter number `param`, counted in the declared rank.
    Param {
        /// Parameter number.
        param: usize,
        /// Axis in the declared type; 0 for the capacity of a list.
        axis: usize,
    },
    /// It is the `dim` parameter with this number.
    Dim(usize),
}

/// A result.
#[derive(Clone, Debug)]
pub struct ResultDecl {
    /// Its name, if several.
    pub name: Option<String>,
    /// Its type.
    pub ty: Type,
}

/// A relation of sizes that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What relation.
    pub rel: Relation,
    /// The size that is 0, or at least 0.
    pub size: Size,
    /// Where it was declared.
    pub span: Span,
    /// Text for messages: `C == G * groups`.
    pub text: String,
}

/// The relation of a [`Fact`]'s size to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `size == 0`.
    Zero,
    /// `size >= 0`.
    NonNegative,
}

/// A local: parameter, `let`, or the index of a comprehension.
#[derive(Clone, Debug)]
pub struct Local {
    /// As written.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Where it is bound.
    pub span: Span,
    /// For a scalar parameter: its name inside `dim(…)` expressions.
    pub scalar: Option<ScalarVar>,
    /// Whether statements may change it: a `var`, or an in-out parameter.
    pub is_var: bool,
}

/// Statements and a value.
#[derive(Clone, Debug)]
pub struct Block {
    /// Statements in order.
    pub stmts: Vec<Stmt>,
    /// The value; `None` for statements only: the body of a test, of a loop, of a function without results, or of a
    /// function that is left by `return` on every path.
    pub value: Option<Box<Expr>>,
}

/// A statement. From `Var` on: sequential code, which runs as written.
///
/// What changes is a local with `is_var`: a scalar, a tensor (with value semantics) or a list. `break` and `continue` belong to the
/// innermost `Loop` or `While` of the same function and comprehension body; `return` to the function. None of them stands in the body of a
/// comprehension or reduction, but a whole loop with its own may. A call with in-out arguments is the whole value of a
/// `Let`, `Var`, `Assign` or `Return`, or of a `Let` without locals.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// `let`; several locals take a tuple apart.
    Let {
        /// One local, or one a component.
        locals: Vec<LocalId>,
        /// The value.
        value: Expr,
    },
    /// `assert`.
    Assert {
        /// A `bool`.
        cond: Expr,
        /// Text and scalar values.
        message: Vec<MessagePart>,
        /// The statement.
        span: Span,
    },
    /// A `for` of asserts in a test: the body runs for each index.
    ForAsserts {
        /// The axes.
        axes: Vec<Axis>,
        /// The statements.
        body: Block,
    },
    /// `var x = e`: a local that changes, and its first value. A scalar value fills a tensor. A list starts empty.
    Var {
        /// The local; it has `is_var`.
        local: LocalId,
        /// Its first value; `None` for a list only.
        value: Option<Expr>,
    },
    /// `x = e`, `a[i] = e`, `a[i, ..] = row`, `list[i] = e`. `a[i] += e` is written out by the checker, its indices bound by
    /// `Let` before so that they are evaluated once. The value is computed before anything is stored.
    Assign {
        /// The local; it has `is_var`. A list as a whole is not assigned to.
        local: LocalId,
        /// The part that is assigned: empty for all of it, else one item an axis, at most the rank. No borders.
        items: Vec<IndexItem>,
        /// The value: of the part's shape, or a scalar that fills it.
        value: Expr,
        /// The statement.
        span: Span,
    },
    /// `list.push(e)`; fails the call if the list is full.
    Push {
        /// The list.
        list: LocalId,
        /// The element.
        value: Expr,
        /// The statement.
        span: Span,
    },
    /// `list.pop()` as a statement, or `let x = list.pop()`; fails the call if the list is empty.
    Pop {
        /// The list.
        list: LocalId,
        /// The local that gets the element.
        into: Option<LocalId>,
        /// The statement.
        span: Span,
    },
    /// `list.truncate(n)`: keeps the first `n` elements; fails the call unless `0 <= n <= len`.
    Truncate {
        /// The list.
        list: LocalId,
        /// An `i32`.
        len: Expr,
        /// The statement.
        span: Span,
    },
    /// `if` as a statement.
    If {
        /// A scalar `bool`.
        cond: Expr,
        /// Runs if it holds; without a value.
        then: Block,
        /// Runs otherwise; without a value.
        otherwise: Block,
    },
    /// `loop i in a..b { … }`: serial. The bounds are evaluated once, before the first pass.
    Loop {
        /// The index and its range; `extent` as in comprehensions.
        axis: Box<Axis>,
        /// The statements.
        body: Block,
        /// The head.
        span: Span,
    },
    /// `while c { … }`.
    While {
        /// A scalar `bool`, evaluated before each pass.
        cond: Expr,
        /// The statements.
        body: Block,
        /// The head.
        span: Span,
    },
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `return e`: ends the function with this value (a tuple for several results; none for a function without results).
    Return {
        /// The value, of the function's result type.
        value: Option<Expr>,
        /// The statement.
        span: Span,
    },
}

/// A piece of an assert's message.
#[derive(Clone, Debug)]
pub enum MessagePart {
    /// Literal text.
    Text(String),
    /// A scalar.
    Value(Expr),
}

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Type,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A scalar literal.
    Const(Const),
    /// A literal table: elements in row-major order.
    Table(Vec<Const>),
    /// A local: its value now, if it is a `var`. As an in-out argument, the local itself (also a list).
    Local(LocalId),
    /// A list's elements as a tensor whose size the data decides: the fresh variable in its type is this one. It is `>= 0` and
    /// at most the list's `cap`. The value is that of now, whatever happens to the list later.
    Freeze {
        /// The list.
        list: LocalId,
        /// The number of elements.
        size: SizeVar,
    },
    /// `list.len`, an `i32`.
    ListLen(LocalId),
    /// `list[i]`; fails the call unless `0 <= i < len`.
    ListAt(LocalId, Box<Expr>),
    /// A constant item.
    ConstItem(ConstId),
    /// A size as an `i32`.
    Size(Size),
    /// An elementwise operation. Operands have equal element types; their shapes pair from the right, an operand
    /// with fewer axes is shared along the missing ones, an axis of literal extent 1 along that axis.
    Op(Op, Vec<Expr>),
    /// An elementwise cast to the expression's element type.
    Cast(Box<Expr>),
    /// `if`: the condition is a scalar `bool`, only the branch taken is evaluated. `and`, `or` are this too.
    If {
        /// The condition.
        cond: Box<Expr>,
        /// Value if it holds.
        then: Block,
        /// Value otherwise.
        otherwise: Block,
    },
    /// A call of an instance.
    Call(Call),
    /// A tensor with the same elements in row-major order; the shape is in the type.
    Reshape(Box<Expr>),
    /// Axis `i` of the result is axis `perm[i]` of the operand.
    Transpose(Box<Expr>, Vec<usize>),
    /// Tensors one after another along an existing axis.
    Concat(Vec<Expr>, usize),
    /// Tensors of one shape along a new axis at this position.
    Stack(Vec<Expr>, usize),
    /// `x[…]`: one item per axis of the base, at most its rank; missing ones are whole axes.
    Index {
        /// What is indexed.
        base: Box<Expr>,
        /// One item an axis, from the first.
        items: Vec<IndexItem>,
        /// Value of the access if any plain index is outside.
        default: Option<Box<Expr>>,
    },
    /// `for`: the axes' extents come first in the type, then the body's own axes.
    For {
        /// The axes, outermost first.
        axes: Vec<Axis>,
        /// The element.
        body: Block,
    },
    /// A reduction of a scalar body. `argmax` and `argmin` over several axes give a tuple of `i32`.
    Reduce {
        /// Which.
        op: ReduceOp,
        /// The axes, outermost first; bounds may depend on earlier ones and on any outer index.
        axes: Vec<Axis>,
        /// The element.
        body: Block,
    },
    /// Inclusive prefixes along one axis: a tensor with that axis.
    Scan {
        /// Which (`sum`, `prod`, `max`, `min`).
        op: ReduceOp,
        /// The axis; its extent is known as a size.
        axis: Box<Axis>,
        /// The element.
        body: Block,
    },
    /// Several values.
    Tuple(Vec<Expr>),
    /// One component of a tuple.
    Field(Box<Expr>, usize),
    /// Statements and a value.
    Block(Block),
}

/// A call with its rank lifting.
#[derive(Clone, Debug)]
pub struct Call {
    /// The instance.
    pub callee: FnId,
    /// Arguments, hidden captures last. An argument may have more axes than its parameter (see `lift`).
    pub args: Vec<Expr>,
    /// The value of each of the callee's `sizes`, in their order, in the caller's sizes.
    pub sizes: Vec<Size>,
    /// The extra leading axes of the result. An argument with `n` extra axes has the last `n` of them.
    pub lift: Vec<Size>,
    /// The caller's fresh variable for each of the callee's `decided`, in their order. (Not lifted if there are any.)
    pub decided: Vec<SizeVar>,
    /// Facts of the callee that could not be proved here: to be checked before the work.
    pub checks: Vec<Fact>,
}

/// One index inside brackets.
#[derive(Clone, Debug)]
pub enum IndexItem {
    /// One element; the axis disappears.
    At(Border, Expr),
    /// `lo..hi` with `0 <= lo <= hi <= extent`; the axis stays with extent `hi - lo`.
    Slice {
        /// First element.
        lo: Size,
        /// One past the last.
        hi: Size,
    },
}

/// An index of a comprehension or reduction.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The index, an `i32`.
    pub local: LocalId,
    /// Lower bound, an `i32`.
    pub lo: Expr,
    /// Upper bound, an `i32`.
    pub hi: Expr,
    /// Step, at least 1.
    pub step: Size,
    /// The number of values as a size, where `lo` and `hi` are sizes (always so in `for` and `scan`).
    pub extent: Option<Size>,
}
