//! The WebAssembly target without a front end: hand-built flat kernels, planned, assembled and run in Wasmtime.

mod contract;
mod harness;
mod loops;
mod memory;
mod ops;
mod plans;
mod programs;
