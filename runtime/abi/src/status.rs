//! Status codes that `plan` and `run` return. Never reused; the TypeScript runtime carries the same ones.
//!
//! When a call fails, the error block at [`crate::ERROR_BLOCK`] holds the failure's values, [`crate::ERROR_VALUES`]
//! slots of 64 bits (canonical bits of `i64`, or of the float type, in the low part).

/// The call succeeded.
pub const OK: i32 = 0;
/// `run` before a successful `plan`.
pub const NOT_PLANNED: i32 = 1;
/// A size is negative or beyond its declared bound; values: argument number, size, bound.
pub const SIZE_OUT_OF_BOUNDS: i32 = 2;
/// Some size or flat index would leave 32 bits.
pub const TOO_LARGE: i32 = 3;
/// The memory could not be grown; values: pages needed.
pub const OUT_OF_MEMORY: i32 = 4;
/// A size expression divides by zero.
pub const SIZE_DIVIDES_BY_ZERO: i32 = 5;
/// An extent would be negative; values: the extent.
pub const NEGATIVE_EXTENT: i32 = 6;
/// Codes from here on are listed in the manifest's `failures`.
pub const FIRST_FAILURE: i32 = 100;
