//! The text of an assert → its parts: literal text and `{values}`. `{{` and `}}` are literal braces.

use super::ast::{Expr, ExprKind, MessagePart};
use super::lex::inner;
use super::parse::parse_inner;
use super::text::unescape;
use crate::diag::{Diagnostic, codes};
use crate::source::Span;

/// A text literal with its quotes → its parts and what was wrong with them.
pub fn parse_message(raw: &str, span: Span) -> (Vec<MessagePart>, Vec<Diagnostic>) {
    let text = inner(raw);
    let base = span.start + 1;
    let mut parts = Vec::new();
    let mut diagnostics = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            literal.push_str(&rest[..1]);
            at += 2;
        } else if rest.starts_with('{') {
            flush(&mut literal, &mut parts);
            let length = value_length(rest);
            let place = Span { start: base + at as u32, end: base + (at + length.unwrap_or(1)) as u32, ..span };
            let Some(length) = length else {
                let message = "`{` is never closed in this message";
                diagnostics
                    .push(Diagnostic::error(codes::BAD_INTERPOLATION, place, message).help("a literal `{` is `{{`"));
                return (parts, diagnostics);
            };
            let (expr, mut found) = parse_inner(&rest[1..length - 1], span.file, place.start + 1);
            diagnostics.append(&mut found);
            parts.push(MessagePart::Value(expr.unwrap_or(Expr { kind: ExprKind::Error, span: place })));
            at += length;
        } else if rest.starts_with('}') {
            let place = Span { start: base + at as u32, end: base + at as u32 + 1, ..span };
            let message = "`}` closes nothing in this message";
            diagnostics.push(Diagnostic::error(codes::BAD_INTERPOLATION, place, message).help("a literal `}` is `}}`"));
            at += 1;
        } else {
            let length = plain_length(rest);
            literal.push_str(&rest[..length]);
            at += length;
        }
    }
    flush(&mut literal, &mut parts);
    (parts, diagnostics)
}

/// Length of one character or escape at the start of `rest`.
fn plain_length(rest: &str) -> usize {
    let mut chars = rest.chars();
    match chars.next() {
        Some('\\') if rest.starts_with("\\u{") => rest.find('}').map_or(rest.len(), |end| end + 1),
        Some('\\') => 1 + chars.next().map_or(0, char::len_utf8),
        Some(c) => c.len_utf8(),
        None => 0,
    }
}

/// Length of `{…}` at the start of `rest`, or `None` if it is not closed.
fn value_length(rest: &str) -> Option<usize> {
    let mut depth = 0;
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            // A byte literal: nothing in it counts.
            '\'' => loop {
                match chars.next()?.1 {
                    '\\' => drop(chars.next()),
                    '\'' => break,
                    _ => {}
                }
            },
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Text collected so far becomes a part. The lexer has validated its escapes.
fn flush(literal: &mut String, parts: &mut Vec<MessagePart>) {
    if !literal.is_empty() {
        let bytes = unescape(literal).unwrap_or_default();
        parts.push(MessagePart::Text(String::from_utf8_lossy(&bytes).into_owned()));
        literal.clear();
    }
}
