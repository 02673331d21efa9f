//! From a plan and kernels to artifacts.

pub mod wasm;
