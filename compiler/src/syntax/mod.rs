//! From text to tree: `lex` makes tokens, `layout` decides which line ends count, `parse` makes the tree, `print`
//! makes text again.

pub mod ast;
mod layout;
mod lex;
mod message;
pub mod parse;
mod text;

pub use parse::parse;
