//! What the test programs share: arrays, engines, the front end alone, the corpus, the reference cases and random programs.

pub mod array;
pub mod cases;
pub mod corpus;
pub mod engines;
pub mod examples;
pub mod front;
pub mod programs;
pub mod structure;
