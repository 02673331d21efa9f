//! From text to tree: `lex` makes tokens, `parse` makes the tree, `print` makes text again.

pub mod ast;
