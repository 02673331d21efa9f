//! The reference cases: a folder of inputs and of what reference implementations answer for them.
//!
//! A case is turned into a `.k` program by the adapter of its kind, compiled, run and compared. Adapters see parameters
//! and input shapes only ([`text::Request`]); the values are bound by whoever runs the program.

pub mod adapters;
pub mod case;
pub mod compare;
pub mod run;
pub mod text;
