//! The abstract syntax tree: what was written, with a span on every node.
//!
//! The tree can also be built by code (importers, translators) and printed as `.k` by
//! `syntax::print`; print∘parse is the identity on trees up to spans. Parsing never fails: where the text
//! made no sense stands `ExprKind::Error` or nothing, and a diagnostic was given.

pub use crate::ops::{Border, ReduceOp};
use crate::source::Span;

/// A name with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The identifier.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A whole file.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct File {
    /// Items in order.
    pub items: Vec<Item>,
}

/// An item with its documentation.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Lines of `///` comments, joined with `\n`, without the slashes and one following space.
    pub doc: String,
    /// What it is.
    pub kind: ItemKind,
    /// The whole item without its documentation.
    pub span: Span,
}

/// The kinds of items.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `use std.image`, `use "./boxes.k" as b`, `use std.nn (softmax, gelu as g)`.
    Use(Use),
    /// `const NAME = e`, `const NAME: T = e`.
    Const {
        /// Its name.
        name: Name,
        /// Declared type.
        ty: Option<TypeExpr>,
        /// Its value.
        value: Expr,
    },
    /// `fn`.
    Fn(Fn),
    /// `pipeline`: an exported entry point, written like a function.
    Pipeline(Fn),
    /// `test "name" { … }`.
    Test {
        /// Its name.
        name: String,
        /// Its body.
        body: Block,
    },
    /// `state name: type = e` (served by a later issue; parsed and refused with a clear message).
    State {
        /// Its name.
        name: Name,
        /// Its type.
        ty: TypeExpr,
        /// Initial value.
        value: Option<Expr>,
    },
    /// `weights name: type from "file" "key"`.
    Weights {
        /// Its name.
        name: Name,
        /// Its type.
        ty: TypeExpr,
        /// File and key.
        from: Vec<String>,
    },
    /// `model name(params) -> results from "file"`.
    Model {
        /// Name, parameters and results; the body is empty.
        signature: Fn,
        /// The file.
        from: String,
    },
    /// `struct Name[K] { field: type, … }`.
    Struct {
        /// Its name.
        name: Name,
        /// Size parameters.
        sizes: Vec<Name>,
        /// Fields.
        fields: Vec<(Name, TypeExpr)>,
    },
}

/// A `use` item.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// What is used.
    pub path: UsePath,
    /// Where the path stands.
    pub path_span: Span,
    /// `as name`.
    pub alias: Option<Name>,
    /// `(a, b as c)`: selected items, brought into scope under their own or the given name.
    pub select: Option<Vec<(Name, Option<Name>)>>,
}

/// What a `use` names.
#[derive(Clone, Debug, PartialEq)]
pub enum UsePath {
    /// `std.nn`: the std module `nn`.
    Std(Vec<String>),
    /// `"./boxes.k"`: a file relative to this one.
    File(String),
}

/// A function or pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Fn {
    /// Its name.
    pub name: Name,
    /// Parameters.
    pub params: Vec<Param>,
    /// Results: none (a function of asserts), one unnamed, or several named ones.
    pub results: Vec<ResultDecl>,
    /// `where` facts and constraints.
    pub facts: Vec<Fact>,
    /// The body.
    pub body: Block,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// `var`: in-out.
    pub is_var: bool,
    /// Its type.
    pub ty: TypeExpr,
    /// Default value.
    pub default: Option<Expr>,
}

/// One result.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultDecl {
    /// Its name; `None` only for a single unnamed result.
    pub name: Option<Name>,
    /// Its type.
    pub ty: TypeExpr,
}

/// One fact behind `where`: `T: number`, or a comparison of sizes such as `C == G * groups`, `H <= 4096`.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// `T: number`.
    Constraint(Name, Name),
    /// A boolean expression over sizes (a chain such as `1 <= k <= N` is written as two facts).
    Relation(Expr),
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// What it is.
    pub kind: TypeKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of types.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `f32`, `T`, `dim`, or a struct's name; `boxes.Boxes` is one name with a point in it.
    Name(Name),
    /// `f32[H, W]`; `f32[]` is a tensor of rank 0, the same as `f32`.
    Tensor(Name, Vec<DimDecl>),
    /// `fn(f64) -> f64`.
    Fn(Vec<TypeExpr>, Box<TypeExpr>),
    /// `list i32[CAP]`.
    List(Name, Expr),
    /// A syntax error stands here.
    Error,
}

/// One extent in a type: a size expression, or `K <= bound` for one that the data decides.
#[derive(Clone, Debug, PartialEq)]
pub enum DimDecl {
    /// A size expression.
    Size(Expr),
    /// `K <= bound`.
    Bounded(Name, Expr),
}

/// `{ … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Statements in order; a trailing expression statement is the block's value.
    pub stmts: Vec<Stmt>,
    /// With the braces.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `let x = e`, `let x: T = e`, `let (a, b) = e`.
    Let {
        /// One name, or several in parentheses.
        names: Vec<Name>,
        /// Whether parentheses were written.
        is_tuple: bool,
        /// Declared type (single name only).
        ty: Option<TypeExpr>,
        /// The value.
        value: Expr,
    },
    /// `var x = e`, `var a: f32[256] = 0.0`, `var out: list i32[N]`.
    Var {
        /// Its name.
        name: Name,
        /// Declared type.
        ty: Option<TypeExpr>,
        /// Initial value.
        value: Option<Expr>,
    },
    /// `x = e`, `a[i] = e`, `a[i, ..] += e`.
    Assign {
        /// A name or an index expression.
        target: Expr,
        /// The operator before `=`, if any.
        op: Option<BinaryOp>,
        /// The value.
        value: Expr,
    },
    /// `assert cond` or `assert cond, "text {value}"`.
    Assert {
        /// The condition.
        cond: Expr,
        /// The message, with its interpolations parsed.
        message: Vec<MessagePart>,
    },
    /// `loop i in a..b { … }` (with `by`).
    Loop {
        /// The index and its range.
        axis: Axis,
        /// The body.
        body: Block,
    },
    /// `while c { … }`.
    While {
        /// The condition.
        cond: Expr,
        /// The body.
        body: Block,
    },
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `return` or `return e`.
    Return(Option<Expr>),
    /// `static loop p in T { … }`.
    StaticLoop {
        /// The loop's name.
        name: Name,
        /// What it runs over.
        over: Over,
        /// The body.
        body: Block,
    },
    /// An expression.
    Expr(Expr),
}

/// What a `static loop` runs over.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// The elements of a table.
    Values(Expr),
    /// `a..b by s`.
    Range(Box<Range>),
}

/// A piece of an assert's message.
#[derive(Clone, Debug, PartialEq)]
pub enum MessagePart {
    /// Literal text.
    Text(String),
    /// `{e}`: a scalar value shown in the message.
    Value(Expr),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An integer literal (decimal, `0x`, `0b`, with `_`); at most `u64::MAX`.
    Int(u64),
    /// A float literal: its text without underscores, converted once its type is known. `inf` and `nan` too.
    Float(String),
    /// `true`, `false`.
    Bool(bool),
    /// `"…"` after escapes: a constant `u8[n]`.
    Text(Vec<u8>),
    /// `'a'`: a `u8`.
    Byte(u8),
    /// A name: local, item, size, type in a cast, or function.
    Name(Name),
    /// `a.b`: a module's item, a tuple's or struct's field, or a list's property.
    Field(Box<Expr>, Name),
    /// `f(a, name: b, var c, name: var d)`.
    Call {
        /// What is called: a name or a field.
        callee: Box<Expr>,
        /// Arguments.
        args: Vec<Arg>,
    },
    /// `x[i, a..b, clamp: j else e]`.
    Index {
        /// What is indexed.
        base: Box<Expr>,
        /// One item a written index.
        items: Vec<IndexItem>,
        /// `else e` at the end of the brackets.
        default: Option<Box<Expr>>,
    },
    /// `-x`, `not x`, `~x`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b` …
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `[1, 2, 3]`, nested for higher ranks.
    Array(Vec<Expr>),
    /// `(a, b)`, with optional names `(x: a, y: b)`.
    Tuple(Vec<(Option<Name>, Expr)>),
    /// `if c { … } else { … }`; `else if` is a nested `If` in a block of its own. `static if` too.
    If {
        /// `static if`: decided during compilation.
        is_static: bool,
        /// The condition.
        cond: Box<Expr>,
        /// Taken when it holds.
        then: Block,
        /// Taken otherwise.
        otherwise: Option<Block>,
    },
    /// `for i, j in 0..n { e }`.
    For {
        /// The axes.
        axes: Vec<Axis>,
        /// The element.
        body: Block,
    },
    /// `sum k { e }` and its kin.
    Reduce {
        /// Which reduction.
        op: ReduceOp,
        /// `scan sum i { e }`.
        scan: bool,
        /// The axes.
        axes: Vec<Axis>,
        /// The element.
        body: Block,
    },
    /// `|a, b| e`.
    Lambda {
        /// Parameter names.
        params: Vec<Name>,
        /// The result.
        body: Box<Expr>,
    },
    /// `T is f32`, in `static if`.
    Is(Box<Expr>, Name),
    /// `{ … }` as an expression.
    Block(Block),
    /// A syntax error stands here.
    Error,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// `name:`.
    pub name: Option<Name>,
    /// `var x`.
    pub is_var: bool,
    /// The value.
    pub value: Expr,
}

/// An index with its range: `i`, `i in 0..n`, `i in 0..n by 2`.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its name.
    pub name: Name,
    /// Its range; inferred if missing.
    pub range: Option<Range>,
}

/// `a..b by s`.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Lower bound, included.
    pub lo: Expr,
    /// Upper bound, not included.
    pub hi: Expr,
    /// Step, 1 if missing.
    pub step: Option<Expr>,
}

/// One index inside brackets.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexItem {
    /// `i`, `clamp: i`, `wrap: i`, `reflect: i`.
    At(Border, Expr),
    /// `a..b`, `a..`, `..b`, `..`.
    Slice(Option<Expr>, Option<Expr>, Span),
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `not`
    Not,
    /// `~`
    BitNot,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    And,
    Or,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}
