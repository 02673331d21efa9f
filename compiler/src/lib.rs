//! The kcc compiler: from `.k` text to one self-describing `.wasm`, as a pure library.
//!
//! No I/O, clock, environment or printing: sources come through a [`source::Resolver`], results are values.
//! Start with [`pipeline`]: it lists all passes in order. Folders follow the chain
//! `syntax → hir → tensor → loops → plan → target`; each imports only what lies to its left.

pub mod arena;
pub mod diag;
pub mod formats;
pub mod hir;
pub mod loops;
pub mod ops;
pub mod origin;
pub mod pipeline;
pub mod plan;
pub mod size;
pub mod source;
pub mod syntax;
pub mod target;
pub mod tensor;
pub mod types;
