//! Tokens with the comments and blank lines around them.
//!
//! Assumes that the text was lexed without a slip: between two tokens stand blanks, line ends and comments only, so
//! comments need no tokens of their own. Guarantees that each comment is at exactly one token, or at the end.

use crate::syntax::layout::Layout;
use crate::syntax::lex::Tok;
use std::ops::Range;

/// A comment on lines of its own.
#[derive(Clone, Debug)]
pub struct Comment<'s> {
    /// With its slashes, without blanks at the end.
    pub text: &'s str,
    /// An empty line stands before it.
    pub blank: bool,
}

/// A token and what stands around it.
#[derive(Debug)]
pub struct Token<'s> {
    /// What it is.
    pub tok: Tok<'s>,
    /// As written.
    pub text: &'s str,
    /// Comments between the last line end before it and the token before that.
    pub before: Vec<Comment<'s>>,
    /// An empty line stands directly before it.
    pub blank: bool,
    /// It is the first of its line.
    pub fresh: bool,
    /// Comments behind it on its line, or behind what was moved before it.
    pub after: Vec<&'s str>,
    /// Position of the bracket that closes this one.
    pub close: usize,
}

impl Token<'_> {
    /// Whether an empty line stands before it and its comments.
    pub fn leads_with_blank(&self) -> bool {
        self.before.first().map_or(self.blank, |comment| comment.blank)
    }

    /// Whether it begins a line in the source, with or without comments before it.
    pub fn begins_line(&self) -> bool {
        self.fresh || !self.before.is_empty()
    }
}

/// A whole text.
pub struct Tokens<'s> {
    /// Tokens in order; `Newline` stands between two statements.
    pub list: Vec<Token<'s>>,
    /// One range of `list` an item, documentation included.
    pub items: Vec<Range<usize>>,
    /// Comments behind the last token's line.
    pub end: Vec<Comment<'s>>,
}

/// Tokens of a layout without slips → the same with comments.
pub fn attach<'s>(text: &'s str, layout: Layout<'s>) -> Tokens<'s> {
    let mut list: Vec<Token<'s>> = Vec::with_capacity(layout.tokens.len());
    let mut open = Vec::new();
    let mut last: Option<usize> = None;
    let mut moved: Vec<Comment> = Vec::new();
    let mut end = 0;
    for (position, (tok, span)) in layout.tokens.iter().enumerate() {
        let range = span.start as usize..span.end as usize;
        let mut token = Token {
            tok: *tok,
            text: text[range.clone()].trim_end(),
            before: Vec::new(),
            blank: false,
            fresh: false,
            after: Vec::new(),
            close: position,
        };
        if *tok != Tok::Newline {
            let gap = Gap::read(&text[end..range.start], last.is_none());
            end = range.end;
            (token.before, token.blank, token.fresh) = (gap.comments, gap.blank, gap.has_line_end);
            // Comments before a comma go behind it: `a // c` and a comma on the next line.
            let is_comma = *tok == Tok::Comma;
            // A line has room for one, so that the comma's own goes on a line of its own.
            let is_taken = last.is_some_and(|last| list[last].tok == Tok::Comma && !list[last].after.is_empty());
            match gap.trailing {
                Some(text) if is_comma => token.after.push(text),
                Some(text) if is_taken || !moved.is_empty() => moved.push(Comment { text, blank: false }),
                Some(text) => last.iter().for_each(|last| list[*last].after.push(text)),
                None => {}
            }
            moved.append(&mut token.before);
            if !is_comma {
                token.before = std::mem::take(&mut moved);
            }
            last = Some(position);
        }
        match tok {
            Tok::OpenParen | Tok::OpenParenFirst | Tok::OpenBracket | Tok::OpenBracketFirst | Tok::OpenBrace => {
                open.push(position);
            }
            Tok::CloseParen | Tok::CloseBracket | Tok::CloseBrace => {
                if let Some(open) = open.pop() {
                    list[open].close = position;
                }
            }
            _ => {}
        }
        list.push(token);
    }
    let gap = Gap::read(&text[end..], last.is_none());
    if let Some(last) = last {
        list[last].after.extend(gap.trailing);
    }
    Tokens { list, items: layout.items, end: gap.comments }
}

/// What stands between two tokens.
struct Gap<'s> {
    trailing: Option<&'s str>,
    comments: Vec<Comment<'s>>,
    blank: bool,
    has_line_end: bool,
}

impl<'s> Gap<'s> {
    /// `first`: nothing stands before it in the file.
    fn read(text: &'s str, first: bool) -> Gap<'s> {
        let mut gap = Gap { trailing: None, comments: Vec::new(), blank: false, has_line_end: first };
        let mut lines = text.split('\n').map(str::trim).peekable();
        if !first {
            gap.trailing = lines.next().filter(|line| !line.is_empty());
            gap.has_line_end = lines.peek().is_some();
        }
        while let Some(line) = lines.next() {
            // The last line is that of the token itself.
            if lines.peek().is_none() && line.is_empty() {
                break;
            }
            if line.is_empty() {
                gap.blank = true;
            } else {
                gap.comments.push(Comment { text: line, blank: std::mem::take(&mut gap.blank) });
            }
        }
        gap
    }
}
