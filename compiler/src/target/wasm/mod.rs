//! The WebAssembly target: flat kernels and a plan become one module.
//!
//! `emit` walks a kernel and leaves instructions to the tables: `scalar`, `divide`, `vector`, `lanes`, `cast`,
//! `half`, `memory`. All of them work on the operand stack of a [`code::Code`].

pub mod cast;
pub mod code;
pub mod divide;
pub mod emit;
pub mod expr;
pub mod half;
pub mod helpers;
pub mod lanes;
mod layout;
pub mod link;
pub mod manifest;
pub mod memory;
pub mod module;
pub mod plan_fn;
pub mod range;
pub mod scalar;
pub mod sizes;
pub mod vector;
