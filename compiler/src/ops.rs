//! The scalar operations: one row each, with what they take and give. The meaning of each row is
//! `ops::eval` (file `ops/eval.rs`), which the constant folder and the reference evaluator use and
//! which every target must reproduce bit for bit (NaN payloads aside).
//!
//! To add an operation: a row here, its meaning in `ops/eval.rs`, the matches that the compiler then
//! lists, and one corpus file. Casts and selection are expression forms of their own, not operations.

pub mod eval;
pub mod fold;

use crate::types::Scalar;

/// What operand types an operation accepts. Operands of one operation always have the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Any integer or float.
    Number,
    /// Integers only.
    Integer,
    /// Floats only (not `f16`, which is widened first).
    Float,
    /// `bool` only.
    Bool,
    /// `bool` and integers.
    Bits,
    /// Everything.
    Any,
}

/// What an operation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// The operands' type.
    Same,
    /// `bool`.
    Bool,
    /// `f32` gives `u32`, `f64` gives `u64` (the bits).
    BitsOf,
    /// `u32` gives `f32`, `u64` gives `f64` (from the bits).
    FloatOf,
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident $text:literal $arity:literal $takes:ident $gives:ident;)*) => {
        /// A scalar operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Op { $($(#[$doc])* $name,)* }

        impl Op {
            /// Every operation in table order.
            pub const ALL: &[Op] = &[$(Op::$name,)*];

            /// Name in printed IR; for operations called by name, also the name in the language.
            pub fn name(self) -> &'static str { match self { $(Op::$name => $text,)* } }

            /// Number of operands.
            pub fn arity(self) -> usize { match self { $(Op::$name => $arity,)* } }

            /// Accepted operand types.
            pub fn takes(self) -> Takes { match self { $(Op::$name => Takes::$takes,)* } }

            /// Result type rule.
            pub fn gives(self) -> Gives { match self { $(Op::$name => Gives::$gives,)* } }
        }
    };
}

table! {
    /// Negation; integers wrap.
    Neg "neg" 1 Number Same;
    /// Logical not.
    Not "not" 1 Bool Same;
    /// Bitwise complement.
    BitNot "bitnot" 1 Integer Same;
    /// Absolute value; the least integer wraps to itself.
    Abs "abs" 1 Number Same;
    /// IEEE square root.
    Sqrt "sqrt" 1 Float Same;
    /// Round toward minus infinity.
    Floor "floor" 1 Float Same;
    /// Round toward plus infinity.
    Ceil "ceil" 1 Float Same;
    /// Round toward zero.
    Trunc "trunc" 1 Float Same;
    /// Round to nearest, ties to even.
    Round "round" 1 Float Same;
    /// The bits of a float as an unsigned integer; any NaN gives the canonical quiet NaN's bits.
    Bits "bits" 1 Float BitsOf;
    /// The float with these bits.
    FromBits "from_bits" 1 Integer FloatOf;
    /// Leading zero bits.
    Clz "clz" 1 Integer Same;
    /// Trailing zero bits.
    Ctz "ctz" 1 Integer Same;
    /// Number of one bits.
    Popcount "popcount" 1 Integer Same;
    /// Addition; integers wrap.
    Add "+" 2 Number Same;
    /// Subtraction; integers wrap.
    Sub "-" 2 Number Same;
    /// Multiplication; integers wrap.
    Mul "*" 2 Number Same;
    /// Float division, or integer division that floors. MIN / -1 wraps; the divisor is not zero (checked before).
    Div "/" 2 Number Same;
    /// Integer remainder with the divisor's sign, as Python's. The divisor is not zero (checked before).
    Rem "%" 2 Integer Same;
    /// Integer division toward zero. The divisor is not zero (checked before).
    TruncDiv "trunc_div" 2 Integer Same;
    /// Integer remainder with the dividend's sign. The divisor is not zero (checked before).
    TruncRem "trunc_rem" 2 Integer Same;
    /// `a` if a NaN-free comparison says so: NaN if either is, `b` if `b < a`, else `a`.
    Min "min" 2 Number Same;
    /// NaN if either is, `b` if `a < b`, else `a`.
    Max "max" 2 Number Same;
    /// Bitwise and; on `bool` both operands are evaluated.
    And "&" 2 Bits Same;
    /// Bitwise or; on `bool` both operands are evaluated.
    Or "|" 2 Bits Same;
    /// Bitwise exclusive or.
    Xor "^" 2 Bits Same;
    /// Shift left; the count is taken modulo the width.
    Shl "<<" 2 Integer Same;
    /// Shift right, arithmetic for signed types; the count is taken modulo the width.
    Shr ">>" 2 Integer Same;
    /// The first operand with the sign of the second; a NaN second operand counts as positive (engines differ in the
    /// sign of a NaN, and results must not).
    CopySign "copysign" 2 Float Same;
    /// Equality.
    Eq "==" 2 Any Bool;
    /// Inequality.
    Ne "!=" 2 Any Bool;
    /// Less than.
    Lt "<" 2 Number Bool;
    /// Less than or equal.
    Le "<=" 2 Number Bool;
    /// Greater than.
    Gt ">" 2 Number Bool;
    /// Greater than or equal.
    Ge ">=" 2 Number Bool;
}

impl Op {
    /// The result type for operands of type `ty`, or `None` if the operation does not take them.
    /// `f16` is never an operand type: it is widened to `f32` when loaded.
    pub fn result(self, ty: Scalar) -> Option<Scalar> {
        let accepted = match self.takes() {
            Takes::Number => ty != Scalar::Bool,
            Takes::Integer => ty.is_int(),
            Takes::Float => ty.is_float(),
            Takes::Bool => ty == Scalar::Bool,
            Takes::Bits => !ty.is_float(),
            Takes::Any => true,
        };
        if !accepted || ty == Scalar::F16 {
            return None;
        }
        match self.gives() {
            Gives::Same => Some(ty),
            Gives::Bool => Some(Scalar::Bool),
            Gives::BitsOf => match ty {
                Scalar::F32 => Some(Scalar::U32),
                Scalar::F64 => Some(Scalar::U64),
                _ => None,
            },
            Gives::FloatOf => match ty {
                Scalar::U32 => Some(Scalar::F32),
                Scalar::U64 => Some(Scalar::F64),
                _ => None,
            },
        }
    }

    /// Whether the operation fails the call when its second operand is zero.
    pub fn divides(self, ty: Scalar) -> bool {
        matches!(self, Op::Div | Op::Rem | Op::TruncDiv | Op::TruncRem) && ty.is_int()
    }
}

/// What happens to an index outside the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// It is an error (or the access's `else` value).
    None,
    /// The nearest element.
    Clamp,
    /// Modulo the extent.
    Wrap,
    /// Mirrored, edge not repeated.
    Reflect,
}

/// Reducers, in the language, HIR and Tensor IR alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum ReduceOp {
    Sum,
    Prod,
    Max,
    Min,
    Any,
    All,
    Count,
    ArgMax,
    ArgMin,
}

impl ReduceOp {
    /// All reducers.
    pub const ALL: [ReduceOp; 9] = [
        ReduceOp::Sum,
        ReduceOp::Prod,
        ReduceOp::Max,
        ReduceOp::Min,
        ReduceOp::Any,
        ReduceOp::All,
        ReduceOp::Count,
        ReduceOp::ArgMax,
        ReduceOp::ArgMin,
    ];

    /// The word in the language.
    pub fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "sum",
            ReduceOp::Prod => "prod",
            ReduceOp::Max => "max",
            ReduceOp::Min => "min",
            ReduceOp::Any => "any",
            ReduceOp::All => "all",
            ReduceOp::Count => "count",
            ReduceOp::ArgMax => "argmax",
            ReduceOp::ArgMin => "argmin",
        }
    }
}
