//! Tokens → document: the cursor over the tokens, bracketed lists, blocks. What stands in them is in `items`, `stmts`
//! and `exprs`.
//!
//! Every token is taken exactly once, in order, and brings its comments along; only commas before a closing bracket
//! are left out or added. So nothing can get lost, whatever a file here does about layout. Tokens that follow no
//! grammar (they come only from trees with `Error` nodes) are laid out too, somehow.

use super::doc::{Doc, Flow, List, Row};
use super::tokens::{Comment, Token};
use crate::syntax::lex::Tok;

/// The tokens and where we are.
pub struct Build<'s> {
    tokens: Vec<Token<'s>>,
    at: usize,
}

/// What an expression or a list's element looks like, as far as layout cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One token, or a minus and one.
    Plain,
    /// Ends with a block: `for`, reductions, `if`, lambdas with one.
    Block,
    /// An array or tuple.
    Array,
    /// Ends with an argument or index list.
    Call,
    /// Anything else.
    Other,
}

/// How a list is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A comma may stand behind the last element; one element a line, if it must break.
    Args,
    /// As `Args`, but short elements share lines.
    Array,
    /// As `Args`, but a single element in the brackets is only grouped.
    Parens,
    /// No comma behind the last element.
    Bare,
    /// As `Args`, with blanks inside the brackets.
    Fields,
}

/// An element of a list: its document and what it looks like.
pub type Element<'s> = (Doc<'s>, Shape);

impl<'s> Build<'s> {
    /// At the first token.
    pub fn new(tokens: Vec<Token<'s>>) -> Build<'s> {
        Build { tokens, at: 0 }
    }

    /// The next token, or the end.
    pub fn peek(&self) -> Option<Tok<'s>> {
        self.ahead(0)
    }

    /// The token `count` tokens later.
    pub fn ahead(&self, count: usize) -> Option<Tok<'s>> {
        self.tokens.get(self.at + count).map(|token| token.tok)
    }

    /// The next token with what stands around it.
    pub fn next(&mut self) -> Option<&mut Token<'s>> {
        self.tokens.get_mut(self.at)
    }

    /// Takes what the next token has around it, and goes behind the token.
    pub fn around(&mut self) -> (Vec<Doc<'s>>, Vec<Doc<'s>>) {
        let Some(token) = self.tokens.get_mut(self.at) else { return (Vec::new(), Vec::new()) };
        self.at += 1;
        let blank = token.blank;
        let before = own_lines(std::mem::take(&mut token.before), blank);
        (before, token.after.drain(..).map(Doc::trailing).collect())
    }

    /// Takes the comments before the next token, so that they do not count for what begins with it.
    pub fn comments_before(&mut self) -> Vec<Doc<'s>> {
        let Some(token) = self.tokens.get_mut(self.at) else { return Vec::new() };
        own_lines(std::mem::take(&mut token.before), token.blank)
    }

    /// Position of the next token.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Goes to a position.
    pub fn seek(&mut self, at: usize) {
        self.at = at;
    }

    /// Takes the next token with its comments.
    pub fn take(&mut self) -> Doc<'s> {
        let Some(text) = self.tokens.get(self.at).map(|token| token.text) else { return Doc::empty() };
        let (mut docs, after) = self.around();
        docs.push(Doc::text(text));
        docs.extend(after);
        Doc::seq(docs)
    }

    /// Takes the next token if it is this one.
    pub fn take_if(&mut self, tok: Tok) -> Option<Doc<'s>> {
        (self.peek() == Some(tok)).then(|| self.take())
    }

    /// Whether no element can begin here.
    pub fn at_end(&self) -> bool {
        let closes = |tok| matches!(tok, Tok::CloseParen | Tok::CloseBracket | Tok::CloseBrace | Tok::Newline);
        self.peek().is_none_or(closes)
    }

    /// Leaves the statement or item separator out.
    pub fn skip_newline(&mut self) {
        if self.peek() == Some(Tok::Newline) {
            self.at += 1;
        }
    }

    /// A bracketed list, from its opening bracket to the closing one.
    pub fn list(&mut self, style: Style, element: impl Fn(&mut Self) -> Element<'s>) -> Element<'s> {
        let Some(close) = self.next().map(|open| open.close) else { return (Doc::empty(), Shape::Other) };
        let open = self.take();
        let breaks = self.next().is_some_and(|first| first.begins_line()) && self.at < close;
        // Comments behind the last element's last token go behind the comma that may follow.
        let mut comments: Vec<Doc> = Vec::new();
        let last = close.saturating_sub(1);
        if self.at <= last {
            comments.extend(self.tokens[last].after.drain(..).map(Doc::trailing));
        }
        let mut elements: Vec<(bool, bool, Doc, Shape)> = Vec::new();
        while self.at < close {
            let begin = self.at;
            let (blank, fresh) =
                self.next().map_or((false, false), |token| (token.leads_with_blank(), token.begins_line()));
            let before = self.comments_before();
            let (mut doc, shape) = element(self);
            if self.peek() == Some(Tok::Comma) {
                if self.at + 1 < close {
                    doc = Doc::seq(vec![doc, self.take()]);
                } else {
                    self.at += 1;
                }
            } else if self.at == begin {
                // Follows no grammar.
                doc = Doc::seq(vec![doc, self.take()]);
            }
            let doc = Doc::seq(before.into_iter().chain([doc]).collect());
            elements.push((blank, fresh, doc, shape));
        }
        self.at = close;
        let before_close = self.next().map(|close| std::mem::take(&mut close.before)).unwrap_or_default();
        comments.extend(own_lines(before_close, false));
        let close = self.take();
        if style == Style::Parens && elements.len() == 1 && elements[0].3 != Shape::Other {
            let (_, _, element, shape) = elements.remove(0);
            let mut docs = vec![open, element];
            docs.append(&mut comments);
            docs.push(close);
            // `shape` says what stands inside, see `parenthesised`.
            return (Doc::seq(docs), shape);
        }
        let plain = elements.iter().all(|element| element.3 == Shape::Plain);
        let shares = style == Style::Array && plain;
        let hug = !breaks && comments.is_empty() && elements.last().is_some_and(|last| may_hug(last.3, elements.len()));
        let is_empty = elements.is_empty();
        let broken = breaks && !is_empty || !comments.is_empty();
        let list = List {
            open,
            rows: rows(elements, breaks, shares),
            comma: style != Style::Bare && !is_empty,
            comments,
            close,
            pad: style == Style::Fields,
            hug,
        };
        (Doc::list(list, broken), Shape::Array)
    }

    /// `{ … }` as part of a group whose lines are those of the block.
    pub fn open_block(&mut self) -> Doc<'s> {
        let Some(close) = self.next().map(|open| open.close) else { return Doc::empty() };
        let open = self.take();
        let mut is_broken = self.next().is_some_and(|first| first.begins_line()) && self.at < close;
        let mut inside = Vec::new();
        while self.at < close {
            let begin = self.at;
            let blank = self.next().is_some_and(|token| token.leads_with_blank());
            is_broken |= !inside.is_empty();
            inside.push(if inside.is_empty() { Doc::line() } else { Doc::hard(blank) });
            inside.extend(self.comments_before());
            inside.push(self.stmt());
            while self.at < close && self.peek() != Some(Tok::Newline) {
                // Follows no grammar.
                inside.push(self.take());
            }
            self.skip_newline();
            debug_assert!(self.at > begin);
        }
        self.at = close;
        let comments = self.next().map(|close| std::mem::take(&mut close.before)).unwrap_or_default();
        for comment in comments {
            is_broken = true;
            inside.push(Doc::hard(comment.blank && !inside.is_empty()));
            inside.push(Doc::comment(comment.text, false));
        }
        if inside.is_empty() {
            let close = self.take();
            return Doc::seq(vec![open, Doc::text(" "), close]);
        }
        let mut docs = vec![open, Doc::nest(Doc::seq(inside)), Doc::line(), self.take()];
        if is_broken {
            docs.push(Doc::broken());
        }
        Doc::seq(docs)
    }
}

/// Comments on lines of their own; an empty line stands behind the last if `blank`.
pub fn own_lines<'s>(comments: Vec<Comment<'s>>, blank: bool) -> Vec<Doc<'s>> {
    let next: Vec<bool> = comments.iter().skip(1).map(|comment| comment.blank).chain([blank]).collect();
    comments.iter().zip(next).map(|(comment, blank)| Doc::comment(comment.text, blank)).collect()
}

/// Whether the last of `count` elements may go on over lines while the list stays on the first.
fn may_hug(shape: Shape, count: usize) -> bool {
    matches!(shape, Shape::Block | Shape::Array) || shape == Shape::Call && count == 1
}

/// The lines of a list that breaks: those of the source if the source broke it, otherwise one for each element, or as
/// many as fit.
fn rows<'s>(elements: Vec<(bool, bool, Doc<'s>, Shape)>, as_written: bool, shares: bool) -> Vec<Row<'s>> {
    let mut rows: Vec<(bool, Vec<Doc<'s>>)> = Vec::new();
    for (blank, fresh, doc, _) in elements {
        let begins = if as_written { fresh } else { !shares };
        match rows.last_mut() {
            Some((_, row)) if !begins => row.push(doc),
            _ => rows.push((blank, vec![doc])),
        }
    }
    rows.into_iter().map(|(blank, row)| Row { blank, doc: Doc::fill(row, Flow::Even) }).collect()
}
