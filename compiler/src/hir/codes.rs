//! The codes of the checker's diagnostics stand with all others in `diag/codes.rs`.

pub use crate::diag::codes::*;
