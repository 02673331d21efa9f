//! One file a command.

pub mod build;
pub mod check;
pub mod doc;
pub mod execute;
pub mod explain;
pub mod fmt;
pub mod inspect;
pub mod new;
pub mod run;
pub mod test;
