//! Why an evaluation gave no result, as values; `Display` gives one line in the user's terms.

use crate::origin::OriginId;
use crate::size::eval::SizeError;
use crate::tensor::Failure;
use crate::types::Const;
use std::fmt;

/// Why an evaluation gave no result.
#[derive(Clone, Debug, PartialEq)]
pub enum EvalError {
    /// The inputs do not fit the parameters: their number, an element type, a rank, an extent, contents of a `bool`.
    Inputs(String),
    /// A declared fact does not hold for these sizes.
    Fact {
        /// The fact as written.
        text: String,
        /// Where it was declared.
        origin: OriginId,
    },
    /// A size has no value for these inputs, or is negative where it is an extent.
    Size {
        /// The size in the user's terms.
        size: String,
        /// Why.
        reason: String,
    },
    /// A check failed.
    Failed {
        /// What failed.
        failure: Failure,
        /// The values that belong to it.
        values: Vec<Const>,
        /// Where it stands.
        origin: OriginId,
    },
    /// The step budget is used up.
    Budget,
    /// More memory than a module can address is needed.
    Memory {
        /// Bytes needed.
        bytes: u64,
    },
    /// The Tensor IR breaks its own rules: a bug of the compiler.
    Invalid(String),
}

impl EvalError {
    pub(super) fn size(size: String, error: SizeError) -> EvalError {
        EvalError::Size { size, reason: error.to_string() }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvalError::Inputs(text) => f.write_str(text),
            EvalError::Fact { text, .. } => write!(f, "{text} does not hold"),
            EvalError::Size { size, reason } => write!(f, "the size `{size}` {reason}"),
            EvalError::Failed { failure, values, .. } => f.write_str(&message(failure, values)),
            EvalError::Budget => f.write_str("the evaluation took too many steps"),
            EvalError::Memory { bytes } => write!(f, "the evaluation needs {bytes} bytes, more than a module has"),
            EvalError::Invalid(text) => write!(f, "invalid Tensor IR: {text}"),
        }
    }
}

impl std::error::Error for EvalError {}

/// A failed check in one line, as a module's manifest has it.
pub fn message(failure: &Failure, values: &[Const]) -> String {
    let shown = |n: usize| values.get(n).map_or_else(|| "?".to_string(), Const::to_string);
    match failure {
        Failure::IndexOutOfRange { tensor, axis } => {
            format!("index {} is out of range for axis {axis} of `{tensor}`, whose extent is {}", shown(0), shown(1))
        }
        Failure::DivisionByZero => "division by zero".to_string(),
        Failure::EmptyArg => "argmax or argmin of nothing".to_string(),
        Failure::ListFull(list) => format!("the list `{list}` is full, it can hold {}", shown(0)),
        Failure::ListEmpty(list) => format!("the list `{list}` is empty"),
        Failure::ListLength(list) => format!("the list `{list}` cannot be cut to {}, it has {}", shown(0), shown(1)),
        Failure::Fact(text) => format!("{text} does not hold"),
        Failure::Assert(pieces) => {
            let mut text = String::new();
            for (position, piece) in pieces.iter().enumerate() {
                text.push_str(piece);
                if position + 1 < pieces.len() {
                    text.push_str(&shown(position));
                }
            }
            text
        }
    }
}
