//! Tokens → items: line ends that end a statement stay, the others go; brackets balance; nesting is bounded.
//!
//! Guarantees for the parser: each item is a run of tokens with balanced brackets; `Newline` stands only between two
//! statements of one block, never first, last or doubled; the tree of each item is at most [`MAX_DEPTH`] deep. Each
//! slip found here gives one message, and the places around it are `muted`: what the parser says there follows
//! from the slip.
//!
//! The bound on depth: every token that can put one node under another weighs 1, or [`HEAVY`] if the parser itself
//! recurses there. What weighs on a token is the sum over the open brackets of what came since the bracket, the
//! last line end, or the last comma; commas do not count where indices or parameters may stand between them.

use super::lex::Tok;
use crate::diag::{Diagnostic, codes};
use crate::ops::ReduceOp;
use crate::source::Span;
use std::ops::Range;

/// Greatest depth of an item's tree, and greatest weight on a token.
pub const MAX_DEPTH: usize = 400;
/// What a bracket, `if`, `for`, a reducer or a lambda weighs: at most 80 to 100 of them nest.
const HEAVY: usize = 4;

/// A text cut into items.
pub struct Layout<'s> {
    /// The tokens that count.
    pub tokens: Vec<(Tok<'s>, Span)>,
    /// One range of `tokens` an item, documentation included.
    pub items: Vec<Range<usize>>,
    /// One message a slip.
    pub diagnostics: Vec<Diagnostic>,
    /// Ranges of bytes about which nothing more needs to be said.
    pub muted: Vec<Range<u32>>,
}

/// An open bracket, or the file itself.
struct Level<'s> {
    /// The bracket as written; `None` for the file.
    open: Option<(Tok<'s>, Span)>,
    /// What came since the bracket, the last comma or line end weighs so much, the bracket included.
    weight: usize,
    /// A `for`, a reducer or a lambda came since the bracket or line end: commas separate nothing for certain.
    has_axes: bool,
    /// First token of the current statement.
    head: Option<Tok<'s>>,
}

struct Builder<'s> {
    raw: Vec<(Tok<'s>, Span)>,
    out: Layout<'s>,
    levels: Vec<Level<'s>>,
    item_start: usize,
    /// Sum of the levels' weights.
    weight: usize,
    /// The current item nests too deeply and is left out.
    refused: bool,
}

/// Tokens → items.
pub fn layout<'s>(raw: Vec<(Tok<'s>, Span)>) -> Layout<'s> {
    let out = Layout { tokens: Vec::new(), items: Vec::new(), diagnostics: Vec::new(), muted: Vec::new() };
    let file = Level { open: None, weight: 0, has_axes: false, head: None };
    let mut builder = Builder { raw, out, levels: vec![file], item_start: 0, weight: 0, refused: false };
    let mut fresh_line = true;
    for at in 0..builder.raw.len() {
        match builder.raw[at].0 {
            Tok::Newline => fresh_line = true,
            _ => {
                builder.token(at, fresh_line);
                fresh_line = false;
            }
        }
    }
    builder.close_inside(1, None);
    builder.end_item();
    builder.out
}

impl<'s> Builder<'s> {
    /// Takes one token in.
    fn token(&mut self, at: usize, fresh_line: bool) {
        let (mut token, span) = self.raw[at];
        if let Tok::Doc(_) = token {
            return self.doc(at, fresh_line);
        }
        if fresh_line {
            self.line_begins(at);
        }
        match token {
            Tok::OpenParen if fresh_line => token = Tok::OpenParenFirst,
            Tok::OpenBracket if fresh_line => token = Tok::OpenBracketFirst,
            Tok::Name(name) if !matches!(self.last(), Some((Tok::Dot, _))) => token = self.reducer(at, name),
            _ => {}
        }
        if matches!(token, Tok::CloseParen | Tok::CloseBracket | Tok::CloseBrace) {
            return self.close(token, span);
        }
        // Inside parentheses `->` stands only behind the parameters of a function type.
        if token == Tok::Arrow && !matches!(self.last(), Some((Tok::CloseParen, _))) {
            self.close_parens(span);
        }
        let is_lambda = token == Tok::Pipe && !self.last().is_some_and(|(last, _)| ends_expression(last));
        let level = self.levels.last_mut().expect("the file's level is never popped");
        level.head.get_or_insert(token);
        level.has_axes |= is_lambda || matches!(token, Tok::For | Tok::Reduce(_));
        let weight = if is_lambda { HEAVY } else { weight(token) };
        level.weight += weight;
        self.weight += weight;
        if token == Tok::Comma && !level.has_axes {
            self.lighten();
        }
        if is_open(token) {
            self.levels.push(Level { open: Some((token, span)), weight: HEAVY, has_axes: false, head: None });
            self.weight += HEAVY;
        }
        self.check_depth(span);
        self.out.tokens.push((token, span));
    }

    /// Documentation stands before an item, on lines of its own.
    fn doc(&mut self, at: usize, fresh_line: bool) {
        let (token, span) = self.raw[at];
        let mut next = self.raw[at..].iter().map(|(token, _)| token);
        let has_item = next.any(|token| !matches!(token, Tok::Doc(_) | Tok::Newline));
        if self.levels.len() > 1 || !fresh_line || !has_item {
            let repeated = matches!(at.checked_sub(2).map(|before| self.raw[before].0), Some(Tok::Doc(_)));
            if !repeated || !fresh_line {
                let diagnostic = Diagnostic::error(codes::DANGLING_DOC, span, "`///` documents no item here");
                self.out.diagnostics.push(diagnostic.help("write `//`"));
            }
            return;
        }
        if !matches!(self.last(), Some((Tok::Doc(_), _))) {
            self.end_item();
        }
        self.out.tokens.push((token, span));
    }

    /// The token at `at` is the first of its line: decides whether a statement ends before it.
    fn line_begins(&mut self, at: usize) {
        let (token, span) = self.raw[at];
        let next = self.raw.get(at + 1).map(|(token, _)| *token);
        let begins_item = matches!(
            (token, next),
            (Tok::Const | Tok::Pipeline | Tok::Struct | Tok::Use, _)
                | (Tok::Fn, Some(Tok::Name(_)))
                | (Tok::Name("test"), Some(Tok::Text(_)))
                | (Tok::Name("state" | "weights" | "model"), Some(Tok::Name(_)))
        );
        // A range may go on with a value called `state` and its step.
        let is_step =
            next == Some(Tok::Name("by")) && self.raw.get(at + 2).map(|(token, _)| *token) != Some(Tok::Colon);
        let begins_item = begins_item && !is_step;
        let begins_statement =
            matches!(token, Tok::Let | Tok::Loop | Tok::While | Tok::Return | Tok::Assert | Tok::Break | Tok::Continue);
        if begins_item {
            self.close_inside(1, Some(span));
        } else if begins_statement {
            self.close_parens(span);
        }
        let Some((last, last_span)) = self.last() else { return };
        if self.in_parens() || matches!(last, Tok::Doc(_)) {
            return;
        }
        if begins_item {
            return self.end_statement(last_span);
        }
        if continues_after(last) || continues_before(token) || last == Tok::OpenBrace {
            return;
        }
        if token == Tok::OpenBrace && self.levels.len() == 1 {
            let diagnostic = Diagnostic::error(codes::UNEXPECTED, span, "`{` begins a line of its own");
            let diagnostic = diagnostic.label(last_span, "this line is complete without it");
            return self.out.diagnostics.push(diagnostic.help("write `{` at the end of the line above"));
        }
        let head = self.levels.last().and_then(|level| level.head);
        if token == Tok::Minus && ends_expression(last) && !matches!(head, Some(Tok::Loop | Tok::While)) {
            self.out.diagnostics.push(
                Diagnostic::error(codes::LEADING_MINUS, span, "this line begins with `-` after a complete expression")
                    .label(last_span, "the expression is complete here")
                    .help("end the line above with `-`, or write `(-…)`"),
            );
            return;
        }
        self.end_statement(last_span);
    }

    /// Ends the statement, or at the top of the file the item, behind `last`.
    fn end_statement(&mut self, last: Span) {
        if self.levels.len() == 1 {
            return self.end_item();
        }
        self.out.tokens.push((Tok::Newline, Span { start: last.end, ..last }));
        self.lighten();
        if let Some(level) = self.levels.last_mut() {
            level.has_axes = false;
            level.head = None;
        }
    }

    /// Forgets what weighs on the innermost level but its bracket.
    fn lighten(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            let bracket = if level.open.is_some() { HEAVY } else { 0 };
            self.weight -= level.weight - bracket;
            level.weight = bracket;
        }
    }

    fn pop(&mut self) -> Option<Level<'s>> {
        let level = self.levels.pop()?;
        self.weight -= level.weight;
        Some(level)
    }

    fn end_item(&mut self) {
        let end = self.out.tokens.len();
        if self.refused {
            self.out.tokens.truncate(self.item_start);
        } else if end > self.item_start {
            self.out.items.push(self.item_start..end);
        }
        self.refused = false;
        self.item_start = self.out.tokens.len();
        self.lighten();
        self.levels[0].has_axes = false;
        self.levels[0].head = None;
    }

    /// A closing bracket: closes what is open inside its own bracket first.
    fn close(&mut self, token: Tok<'s>, span: Span) {
        let matching = |level: &Level| level.open.is_some_and(|(open, _)| closer(open) == token);
        let Some(depth) = self.levels.iter().rposition(matching) else {
            let text = spelling(token);
            self.out.diagnostics.push(
                Diagnostic::error(codes::UNBALANCED, span, format!("`{text}` closes nothing"))
                    .help(format!("leave the `{text}` out, or open it before")),
            );
            return self.out.muted.push(span.start..span.end + 1);
        };
        self.close_inside(depth + 1, Some(span));
        self.pop();
        self.drop_newline();
        self.out.tokens.push((token, span));
    }

    /// Closes `(` and `[` up to the innermost block: what stands at `found` cannot stand inside them.
    fn close_parens(&mut self, found: Span) {
        let is_block = |level: &Level| !matches!(level.open, Some((open, _)) if open != Tok::OpenBrace);
        let block = self.levels.iter().rposition(is_block).expect("the file's level is a block");
        self.close_inside(block + 1, Some(found));
    }

    /// Closes the brackets at `depth` and deeper, which nothing closed before `found`; reports the outermost of them.
    fn close_inside(&mut self, depth: usize, found: Option<Span>) {
        let Some((open, span)) = self.levels.get(depth).and_then(|level| level.open) else { return };
        let (text, close) = (spelling(open), spelling(closer(open)));
        let mut diagnostic = Diagnostic::error(codes::UNBALANCED, span, format!("`{text}` is never closed"));
        if let Some(found) = found {
            diagnostic = diagnostic.label(found, format!("`{close}` is missing before this"));
        }
        self.out.diagnostics.push(diagnostic);
        self.out.muted.push(span.start..found.map_or(u32::MAX, |found| found.end));
        while self.levels.len() > depth {
            let Some((open, span)) = self.pop().and_then(|level| level.open) else { break };
            self.drop_newline();
            let at = self.last().map_or(span, |(_, last)| Span { start: last.end, ..last });
            self.out.tokens.push((closer(open), at));
        }
    }

    /// A statement end directly before a closing bracket ends nothing.
    fn drop_newline(&mut self) {
        if let Some((Tok::Newline, _)) = self.last() {
            self.out.tokens.pop();
        }
    }

    /// `max` before a name on the same line is a reduction; `scan` before a reduction is one too.
    fn reducer(&self, at: usize, name: &'s str) -> Tok<'s> {
        // `by` after a reducer's word is the step of a range whose bound has that name.
        let is_name = |at: usize| matches!(self.raw.get(at), Some((Tok::Name(name), _)) if *name != "by");
        let reduces = |at: usize| match self.raw.get(at) {
            Some((Tok::Name(word), _)) if is_name(at + 1) => ReduceOp::ALL.into_iter().find(|op| op.name() == *word),
            _ => None,
        };
        if name == "scan" && reduces(at + 1).is_some() {
            return Tok::Scan;
        }
        reduces(at).map_or(Tok::Name(name), Tok::Reduce)
    }

    fn check_depth(&mut self, span: Span) {
        if self.weight > MAX_DEPTH && !self.refused {
            self.refused = true;
            self.out.diagnostics.push(
                Diagnostic::error(codes::TOO_DEEP, span, "this is nested too deeply")
                    .note("at most 80 brackets may stand around a token, or 400 operators before it")
                    .help("name parts of it with `let`"),
            );
        }
    }

    fn in_parens(&self) -> bool {
        self.levels.last().and_then(|level| level.open).is_some_and(|(open, _)| open != Tok::OpenBrace)
    }

    /// The last token of the current item.
    fn last(&self) -> Option<(Tok<'s>, Span)> {
        self.out.tokens[self.item_start..].last().copied()
    }
}

/// Whether a line that ends with this token goes on in the next.
fn continues_after(token: Tok) -> bool {
    continues_before(token)
        || assigns(token)
        || matches!(
            token,
            Tok::Comma | Tok::Colon | Tok::DotDot | Tok::Minus | Tok::Not | Tok::Tilde | Tok::In | Tok::As
        )
}

/// Whether a line that begins with this token belongs to the line before.
fn continues_before(token: Tok) -> bool {
    matches!(
        token,
        Tok::Dot
            | Tok::Arrow
            | Tok::Else
            | Tok::From
            | Tok::Where
            | Tok::And
            | Tok::Or
            | Tok::Is
            | Tok::Plus
            | Tok::Star
            | Tok::Slash
            | Tok::Percent
            | Tok::Amp
            | Tok::Pipe
            | Tok::Caret
            | Tok::Shl
            | Tok::Shr
            | Tok::EqEq
            | Tok::NotEq
            | Tok::Lt
            | Tok::Le
            | Tok::Gt
            | Tok::Ge
    )
}

/// Whether it is `=`, `+=` or a kin.
pub fn assigns(token: Tok) -> bool {
    matches!(
        token,
        Tok::Assign
            | Tok::PlusAssign
            | Tok::MinusAssign
            | Tok::StarAssign
            | Tok::SlashAssign
            | Tok::PercentAssign
            | Tok::AmpAssign
            | Tok::PipeAssign
            | Tok::CaretAssign
            | Tok::ShlAssign
            | Tok::ShrAssign
    )
}

/// How much deeper the tree, or the parser, may get by this token.
fn weight(token: Tok) -> usize {
    match token {
        Tok::If | Tok::For | Tok::Reduce(_) => HEAVY,
        Tok::Minus | Tok::Not | Tok::Tilde => 1,
        _ if continues_before(token) || is_open(token) => 1,
        _ => 0,
    }
}

fn is_open(token: Tok) -> bool {
    matches!(token, Tok::OpenParen | Tok::OpenBracket | Tok::OpenBrace | Tok::OpenParenFirst | Tok::OpenBracketFirst)
}

/// Whether an expression may end with this token.
fn ends_expression(token: Tok) -> bool {
    matches!(
        token,
        Tok::Name(_)
            | Tok::Int(_)
            | Tok::Float(_)
            | Tok::Text(_)
            | Tok::Byte(_)
            | Tok::True
            | Tok::False
            | Tok::Inf
            | Tok::Nan
            | Tok::CloseParen
            | Tok::CloseBracket
            | Tok::CloseBrace
    )
}

fn closer(open: Tok) -> Tok<'static> {
    match open {
        Tok::OpenParen | Tok::OpenParenFirst => Tok::CloseParen,
        Tok::OpenBracket | Tok::OpenBracketFirst => Tok::CloseBracket,
        _ => Tok::CloseBrace,
    }
}

fn spelling(bracket: Tok) -> &'static str {
    match bracket {
        Tok::OpenParen | Tok::OpenParenFirst => "(",
        Tok::OpenBracket | Tok::OpenBracketFirst => "[",
        Tok::OpenBrace => "{",
        Tok::CloseParen => ")",
        Tok::CloseBracket => "]",
        _ => "}",
    }
}
