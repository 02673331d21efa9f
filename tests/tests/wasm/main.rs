//! The WebAssembly target without a front end: hand-built flat kernels, planned, assembled and run in Wasmtime.

#[allow(dead_code)]
mod harness;
mod ops;
