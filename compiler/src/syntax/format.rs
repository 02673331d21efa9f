//! Source text → the same in one style: 120 columns, four blanks a level, one blank or line end where any stood.
//!
//! The layout works on tokens, not on the tree: each token is printed as it was written, with the comments around it,
//! so nothing but blanks, line ends and commas before closing brackets can change. Where a line that is too long
//! breaks is decided by `render`; the author decides that a block, a call or an array is broken by a line end
//! after its opening bracket, and may put one empty line between statements, rows and items.
//!
//! The printer of trees (`print`) spells a tree as tokens on few lines and leaves the layout to this module.
//!
//! Guarantees, held by `verify` after each run: the result parses to the same tree and has the same comments.

mod build;
mod doc;
mod exprs;
mod items;
mod render;
mod stmts;
mod tokens;

use super::blank::blank_spans;
use super::layout::layout;
use super::lex::lex;
use super::parse::parse;
use crate::diag::Diagnostic;
use crate::source::{FileId, Span};

/// Formats a whole file. `text` has `\n` line ends and no byte order mark, as `SourceMap` holds it.
///
/// # Errors
/// The slips of the parser: a text that is not a program is not touched.
pub fn format(text: &str, file: FileId) -> Result<String, Vec<Diagnostic>> {
    let (_, diagnostics) = parse(text, file);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let out = lay_out(text);
    verify(text, &out);
    Ok(out)
}

/// Tokens, laid out anew. The text may hold what is no program, and is then laid out somehow.
pub(super) fn lay_out(text: &str) -> String {
    let tokens = tokens::attach(text, layout(lex(text, FileId(0), 0).tokens));
    render::render(&items::file(tokens))
}

/// Panics if formatting changed more than the layout, which would be our bug.
fn verify(before: &str, after: &str) {
    let (mut old, _) = parse(before, FileId(0));
    let (mut new, diagnostics) = parse(after, FileId(0));
    blank_spans(&mut old);
    blank_spans(&mut new);
    assert!(diagnostics.is_empty() && old == new, "formatting changed the program:\n{before}\nbecame\n{after}");
    assert!(comments(before) == comments(after), "formatting changed comments:\n{before}\nbecame\n{after}");
}

/// The comments of a text in order, without those that document items.
pub fn comments(text: &str) -> Vec<&str> {
    let tokens = lex(text, FileId(0), 0).tokens;
    let ends = [(text.len(), text.len())];
    let spans = tokens.iter().map(|(_, Span { start, end, .. })| (*start as usize, *end as usize));
    let mut at = 0;
    let mut out = Vec::new();
    for (start, end) in spans.chain(ends) {
        out.extend(text[at..start].split('\n').map(str::trim).filter(|line| !line.is_empty()));
        at = end;
    }
    out
}
