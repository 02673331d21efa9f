//! What each scalar operation and each cast means, to the bit.
//!
//! Operands are canonical [`Const`]s of one type that the operation takes; integer divisors are not zero.
//! No platform mathematics: only IEEE basic operations, which every target has too.

use super::Op;
use crate::types::{Const, Scalar};

/// Applies an operation.
pub fn apply(op: Op, args: &[Const]) -> Const {
    let _ = (op, args);
    unreachable!()
}

/// Casts a value: integers wrap, floats to integers truncate and saturate (NaN gives 0), floats round to even.
pub fn cast(to: Scalar, value: Const) -> Const {
    let _ = (to, value);
    unreachable!()
}
