//! Text → tokens. Comments and blanks disappear, line ends stay (`layout` decides which of them matter).
//!
//! Lexing always succeeds: what no token begins with is reported and left out, spellings of other languages
//! (`;`, `&&`, `'text'`) are reported and replaced by what was meant. Literals are validated here, so the parser
//! may convert them without looking for errors.

use super::text::unescape;
use crate::diag::{Diagnostic, codes};
use crate::source::{FileId, Span};
use logos::Logos;

/// A token. `Reduce`, `Scan`, `OpenParenFirst` and `OpenBracketFirst` are made by `layout`.
#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(skip(r"[ \t\r\x0c]+"))]
#[logos(skip(r"//[^\n]*", allow_greedy = true, priority = 2))]
#[allow(missing_docs)]
pub enum Tok<'s> {
    #[token("\n")]
    Newline,
    /// `///`: the text behind the slashes.
    #[regex(r"///[^\n]*", |lex| &lex.slice()[3..], allow_greedy = true, priority = 20)]
    Doc(&'s str),
    #[regex("[A-Za-z_][A-Za-z0-9_]*", priority = 2)]
    Name(&'s str),
    /// Digits as written; `Number::int` converts them.
    #[regex("[0-9][0-9_]*|0x[0-9A-Fa-f_]+|0b[01_]+", priority = 10)]
    Int(&'s str),
    #[regex(r"[0-9][0-9_]*\.[0-9][0-9_]*([eE][+-]?[0-9_]+)?|[0-9][0-9_]*[eE][+-]?[0-9_]+", priority = 9)]
    Float(&'s str),
    #[regex("[0-9][0-9A-Za-z_]*", priority = 3)]
    BadNumber,
    /// With its quotes.
    #[regex(r#""([^"\\\n]|\\[^\n])*""#, priority = 10)]
    Text(&'s str),
    #[regex(r#""([^"\\\n]|\\[^\n])*"#, priority = 5)]
    OpenText,
    /// With its quotes.
    #[regex(r"'([^'\\\n]|\\[^\n])*'", priority = 10)]
    Byte(&'s str),
    #[regex(r"'([^'\\\n]|\\[^\n])*", priority = 5)]
    OpenByte,
    #[token("/*")]
    OpenComment,

    #[token("and")]
    And,
    #[token("or")]
    Or,
    #[token("not")]
    Not,
    #[token("is")]
    Is,
    #[token("if")]
    If,
    #[token("else")]
    Else,
    #[token("for")]
    For,
    #[token("in")]
    In,
    #[token("let")]
    Let,
    #[token("var")]
    Var,
    #[token("loop")]
    Loop,
    #[token("while")]
    While,
    #[token("break")]
    Break,
    #[token("continue")]
    Continue,
    #[token("return")]
    Return,
    #[token("assert")]
    Assert,
    #[token("static")]
    Static,
    #[token("true")]
    True,
    #[token("false")]
    False,
    #[token("inf")]
    Inf,
    #[token("nan")]
    Nan,
    #[token("use")]
    Use,
    #[token("as")]
    As,
    #[token("const")]
    Const,
    #[token("fn")]
    Fn,
    #[token("pipeline")]
    Pipeline,
    #[token("struct")]
    Struct,
    #[token("from")]
    From,
    #[token("where")]
    Where,

    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token("->")]
    Arrow,
    #[token("=")]
    Assign,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("&")]
    Amp,
    #[token("|")]
    Pipe,
    #[token("^")]
    Caret,
    #[token("~")]
    Tilde,
    #[token("<<")]
    Shl,
    #[token(">>")]
    Shr,
    #[token("==")]
    EqEq,
    #[token("!=")]
    NotEq,
    #[token("<")]
    Lt,
    #[token("<=")]
    Le,
    #[token(">")]
    Gt,
    #[token(">=")]
    Ge,
    #[token("+=")]
    PlusAssign,
    #[token("-=")]
    MinusAssign,
    #[token("*=")]
    StarAssign,
    #[token("/=")]
    SlashAssign,
    #[token("%=")]
    PercentAssign,
    #[token("&=")]
    AmpAssign,
    #[token("|=")]
    PipeAssign,
    #[token("^=")]
    CaretAssign,
    #[token("<<=")]
    ShlAssign,
    #[token(">>=")]
    ShrAssign,

    #[token(";")]
    Semicolon,
    #[token("&&")]
    AmpAmp,
    #[token("||")]
    PipePipe,
    #[token("!")]
    Bang,
    #[token("**")]
    StarStar,
    #[token("..=")]
    DotDotEq,

    /// A reducer word before a name on the same line.
    Reduce(crate::ops::ReduceOp),
    /// `scan` before a reduction on the same line.
    Scan,
    /// `(` that is the first token of its line: it calls nothing.
    OpenParenFirst,
    /// `[` that is the first token of its line: it indexes nothing.
    OpenBracketFirst,
}

/// The tokens of a text and what was wrong with it.
pub struct Lexed<'s> {
    /// Tokens in order, line ends included.
    pub tokens: Vec<(Tok<'s>, Span)>,
    /// One message a slip.
    pub diagnostics: Vec<Diagnostic>,
}

/// Longest float literal that is taken; more digits than any `f64` can tell apart.
const MAX_FLOAT: usize = 800;

/// Text → tokens. `base` is the offset of `text` in its file.
pub fn lex(text: &str, file: FileId, base: u32) -> Lexed<'_> {
    let mut out = Lexed { tokens: Vec::new(), diagnostics: Vec::new() };
    let mut lexer = Tok::lexer(text);
    while let Some(token) = lexer.next() {
        let range = lexer.span();
        let span = Span { file, start: base + range.start as u32, end: base + range.end as u32 };
        match token {
            Ok(Tok::OpenComment) => {
                let rest = lexer.remainder();
                lexer.bump(rest.find("*/").map_or(rest.len(), |at| at + 2));
                out.diagnostics.push(
                    Diagnostic::error(codes::FOREIGN_SPELLING, span, "comments of several lines do not exist")
                        .help("begin each line with `//`"),
                );
            }
            Ok(token) => {
                if let Some(token) = validate(token, lexer.slice(), span, &mut out.diagnostics) {
                    out.tokens.push((token, span));
                }
            }
            Err(()) => unknown(lexer.slice(), span, &mut out.diagnostics),
        }
    }
    out
}

/// Checks a literal and replaces foreign spellings; `None` leaves the token out.
fn validate<'s>(token: Tok<'s>, slice: &'s str, span: Span, out: &mut Vec<Diagnostic>) -> Option<Tok<'s>> {
    let mut foreign = |what: &str, help: &str| {
        out.push(Diagnostic::error(codes::FOREIGN_SPELLING, span, what).help(help));
    };
    match token {
        Tok::Semicolon => foreign("a statement ends with its line, not with `;`", "leave the `;` out"),
        Tok::AmpAmp => foreign("`&&` is written `and`", "write `and`"),
        Tok::PipePipe => foreign("`||` is written `or`", "write `or`"),
        Tok::Bang => foreign("`!` is written `not`", "write `not`"),
        Tok::StarStar => foreign("there is no operator `**`", "call `pow(a, b)`"),
        Tok::DotDotEq => foreign("a range never includes its upper bound", "write `a..b + 1`"),
        Tok::Byte(raw) if matches!(unescape(inner(raw)), Ok(bytes) if bytes.len() != 1) => {
            foreign("`'…'` is a single byte", "write text as `\"…\"`");
        }
        _ => {}
    }
    let mut bad = |message: String| out.push(Diagnostic::error(codes::MALFORMED_LITERAL, span, message));
    Some(match token {
        Tok::Semicolon => Tok::Newline,
        Tok::AmpAmp => Tok::And,
        Tok::PipePipe => Tok::Or,
        Tok::Bang => Tok::Not,
        Tok::StarStar => Tok::Star,
        Tok::DotDotEq => Tok::DotDot,
        Tok::BadNumber => {
            bad(format!("`{}` is not a number", shorten(slice)));
            Tok::Int("0")
        }
        Tok::Int(digits) if int(digits).is_none() => {
            bad(format!("`{}` is no integer up to 18446744073709551615", shorten(digits)));
            Tok::Int("0")
        }
        Tok::Float(digits) if digits.len() > MAX_FLOAT => {
            bad(format!("`{}` has {} characters, {MAX_FLOAT} are enough for any float", shorten(digits), digits.len()));
            Tok::Float("0.0")
        }
        Tok::OpenText => {
            bad("the text is not closed on its line".to_string());
            Tok::Text("\"\"")
        }
        Tok::OpenByte => {
            bad("`'` is not closed on its line".to_string());
            Tok::Byte("' '")
        }
        Tok::Text(raw) | Tok::Byte(raw) => match unescape(inner(raw)) {
            // More than a byte between `'` was reported above and is taken as a text.
            Ok(bytes) if matches!(token, Tok::Byte(_)) && bytes.len() != 1 => Tok::Text(raw),
            Ok(_) => token,
            Err((at, message)) => {
                let start = span.start + 1 + at as u32;
                let shown: usize = inner(raw)[at..].chars().take(2).map(char::len_utf8).sum();
                let place = Span { start, end: start + shown as u32, ..span };
                out.push(
                    Diagnostic::error(codes::MALFORMED_LITERAL, place, message)
                        .note("escapes are \\n \\t \\r \\0 \\\\ \\\" \\' \\xHH \\u{HEX}"),
                );
                if matches!(token, Tok::Text(_)) { Tok::Text("\"\"") } else { Tok::Byte("' '") }
            }
        },
        other => other,
    })
}

/// Reports a run of text that begins no token.
fn unknown(slice: &str, span: Span, out: &mut Vec<Diagnostic>) {
    // Neighbours of an unknown character are mostly part of the same slip.
    if out.last().is_some_and(|last| last.code == codes::UNKNOWN_CHARACTER && last.labels[0].span.end == span.start) {
        return out.last_mut().into_iter().for_each(|last| last.labels[0].span.end = span.end);
    }
    let shown = slice.chars().next().map_or(String::new(), |c| c.escape_debug().to_string());
    let mut diagnostic =
        Diagnostic::error(codes::UNKNOWN_CHARACTER, span, format!("`{shown}` has no meaning in a program"));
    if slice.starts_with('#') {
        diagnostic = diagnostic.help("a comment begins with `//`");
    } else if slice.starts_with(char::is_alphabetic) {
        diagnostic = diagnostic.note("names are made of the letters a to z, digits and `_`");
    }
    out.push(diagnostic);
}

/// What stands between the quotes of a literal.
pub fn inner(raw: &str) -> &str {
    &raw[1..raw.len() - 1]
}

/// The value of an integer literal, or `None` if it is too large or has no digits.
pub fn int(digits: &str) -> Option<u64> {
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0b") => (&digits[2..], 2),
        _ => (digits, 10),
    };
    let mut value: u64 = 0;
    let mut any = false;
    for digit in digits.chars().filter(|c| *c != '_') {
        value = value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit.to_digit(radix)?))?;
        any = true;
    }
    any.then_some(value)
}

/// A token's text for a message: its beginning if it is long.
pub fn shorten(text: &str) -> String {
    if text.chars().count() <= 24 { text.to_string() } else { text.chars().take(20).chain("…".chars()).collect() }
}
