//! From text to tree: `lex` makes tokens, `layout` decides which line ends count, `parse` makes the tree, `print`
//! makes text again.

pub mod ast;
pub mod blank;
pub mod format;
pub mod highlight;
mod layout;
mod lex;
mod message;
pub mod parse;
pub mod print;
mod text;
pub mod visit;

pub use layout::MAX_DEPTH;
pub use parse::parse;
pub use print::print;
