//! One file a command.

pub mod build;
pub mod check;
pub mod execute;
pub mod explain;
pub mod inspect;
pub mod new;
pub mod run;
pub mod test;
