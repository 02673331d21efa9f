//! Text → tree. `lex` makes tokens, `layout` cuts them into items with balanced brackets, and one chumsky parser
//! reads each item; so a slip in one item never hides another item.
//!
//! Recovery is at brackets, statements and items: what could not be read becomes `Error` (or is left out) and one
//! message is given. Messages about places that `layout` has muted are dropped: they follow from another slip.

mod exprs;
mod items;
mod operators;
mod slip;
mod stmts;
mod types;

use super::ast;
use super::layout::layout;
use super::lex::{Tok, lex};
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};
use chumsky::input::{Input as _, MappedInput};
use chumsky::prelude::*;
use operators::Resolved;
pub(super) use operators::{IS_POWER, binary_power, unary_power};
use slip::Slip;
use std::ops::Range;

/// What the parsers read.
type Tokens<'t> = MappedInput<'t, Tok<'t>, Span, &'t [(Tok<'t>, Span)]>;
/// What they complain with.
type Extra = extra::Err<Slip>;
/// A parser as it is passed around: boxed, which keeps types and compile times small.
type P<'t, O> = Boxed<'t, 't, Tokens<'t>, O, Extra>;

/// Text → tree and messages. The tree is always there; it is whole if no message is an error.
pub fn parse(text: &str, file: FileId) -> (ast::File, Vec<Diagnostic>) {
    let (layout, mut diagnostics, muted) = prepare(text, file, 0);
    let mut tree = ast::File::default();
    let item = items::item();
    for range in layout.items {
        let tokens = &layout.tokens[range];
        let (parsed, slips) = run(&item, tokens);
        tree.items.extend(parsed.flatten());
        report(slips, text, 0, &muted, &mut diagnostics);
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels[0].span.start);
    (tree, diagnostics)
}

/// One expression inside a text at offset `base`, for the interpolations of `assert`.
pub(super) fn parse_inner(text: &str, file: FileId, base: u32) -> (Option<ast::Expr>, Vec<Diagnostic>) {
    let (layout, mut diagnostics, muted) = prepare(text, file, base);
    let parser = items::expr_alone();
    let [range] = &layout.items[..] else {
        if diagnostics.is_empty() {
            let span = Span { file, start: base, end: base + text.len() as u32 };
            diagnostics.push(Diagnostic::error(
                crate::diag::codes::BAD_INTERPOLATION,
                span,
                "one expression is expected between `{` and `}`",
            ));
        }
        return (None, diagnostics);
    };
    let (parsed, slips) = run(&parser, &layout.tokens[range.clone()]);
    report(slips, text, base, &muted, &mut diagnostics);
    (parsed, diagnostics)
}

/// Lexes and lays out; the messages of both, and the places that they mute.
fn prepare(text: &str, file: FileId, base: u32) -> (super::layout::Layout<'_>, Vec<Diagnostic>, Vec<Range<u32>>) {
    let lexed = lex(text, file, base);
    let mut layout = layout(lexed.tokens);
    let mut diagnostics = lexed.diagnostics;
    diagnostics.append(&mut layout.diagnostics);
    let mut muted = std::mem::take(&mut layout.muted);
    muted.extend(diagnostics.iter().map(|diagnostic| line_around(text, base, diagnostic.labels[0].span)));
    (layout, diagnostics, muted)
}

fn run<'t, O>(parser: &P<'t, O>, tokens: &'t [(Tok<'t>, Span)]) -> (Option<O>, Vec<Slip>) {
    let Some((_, last)) = tokens.last() else { return (None, Vec::new()) };
    let end = Span { start: last.end, ..*last };
    parser.parse(tokens.split_token_span(end)).into_output_errors()
}

fn report(slips: Vec<Slip>, text: &str, base: u32, muted: &[Range<u32>], out: &mut Vec<Diagnostic>) {
    for slip in slips {
        let diagnostic = slip.into_diagnostic(text, base);
        let start = diagnostic.labels[0].span.start;
        if !muted.iter().any(|range| range.contains(&start)) {
            out.push(diagnostic);
        }
    }
}

/// The line on which a span begins, its end included.
fn line_around(text: &str, base: u32, span: Span) -> Range<u32> {
    let at = (span.start - base) as usize;
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    base + start as u32..base + end as u32 + 1
}

impl chumsky::span::Span for Span {
    type Context = FileId;
    type Offset = u32;

    fn new(file: FileId, range: Range<u32>) -> Span {
        Span { file, start: range.start, end: range.end }
    }

    fn context(&self) -> FileId {
        self.file
    }

    fn start(&self) -> u32 {
        self.start
    }

    fn end(&self) -> u32 {
        self.end
    }
}

/// A name.
fn name<'t>() -> P<'t, ast::Name> {
    select! { Tok::Name(text) = e => ast::Name { text: text.to_string(), span: e.span() } }.labelled("a name").boxed()
}

/// The contextual word `text`, which is an ordinary name elsewhere.
fn word<'t>(text: &'static str) -> P<'t, ()> {
    select! { Tok::Name(found) if found == text => () }.labelled(text).boxed()
}

/// Balanced brackets and anything between them, or a token that is no bracket and ends no statement.
fn anything<'t>() -> P<'t, ()> {
    recursive(|tree| {
        let inside = tree.clone().or(just(Tok::Newline).ignored()).repeated();
        let open = select! {
            Tok::OpenParen | Tok::OpenParenFirst | Tok::OpenBracket | Tok::OpenBracketFirst | Tok::OpenBrace => ()
        };
        let close = select! { Tok::CloseParen | Tok::CloseBracket | Tok::CloseBrace => () };
        let other = any().filter(|token| {
            !matches!(
                token,
                Tok::OpenParen
                    | Tok::OpenParenFirst
                    | Tok::OpenBracket
                    | Tok::OpenBracketFirst
                    | Tok::OpenBrace
                    | Tok::CloseParen
                    | Tok::CloseBracket
                    | Tok::CloseBrace
                    | Tok::Newline
            )
        });
        open.then(inside).then(close).ignored().or(other.ignored())
    })
    .boxed()
}

/// An expression where a slip stands.
fn error_expr(span: Span) -> ast::Expr {
    ast::Expr { kind: ast::ExprKind::Error, span }
}

/// A slip with its own code.
fn slip(code: Code, span: Span, message: &str, help: &str) -> Slip {
    Slip::special(Diagnostic::error(code, span, message).help(help))
}
