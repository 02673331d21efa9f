//! The WebAssembly emitter.
