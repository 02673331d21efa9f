//! What the parsers complain with: a place and what could have stood there, or a ready message.

use super::{Tok, Tokens};
use crate::diag::{Diagnostic, codes};
use crate::ops::ReduceOp;
use crate::source::Span;
use crate::syntax::lex::shorten;
use chumsky::DefaultExpected;
use chumsky::error::{Error, LabelError};
use chumsky::util::MaybeRef;

/// An expected token that has no words of its own.
const OTHER: &str = "something else";

/// One complaint of the parser.
#[derive(Clone, Debug)]
pub struct Slip {
    span: Span,
    /// What could have stood there.
    expected: Vec<&'static str>,
    /// A message that is better than "expected …".
    special: Option<Box<Diagnostic>>,
}

impl Slip {
    /// A ready message.
    pub fn special(diagnostic: Diagnostic) -> Slip {
        Slip { span: diagnostic.labels[0].span, expected: Vec::new(), special: Some(Box::new(diagnostic)) }
    }

    /// The message to the user. `text` begins at offset `base` of its file.
    pub fn into_diagnostic(self, text: &str, base: u32) -> Diagnostic {
        if let Some(special) = self.special {
            return *special;
        }
        let found = &text[(self.span.start - base) as usize..(self.span.end - base) as usize];
        let shown = if found.is_empty() { "the end of the line".to_string() } else { format!("`{}`", shorten(found)) };
        let expected = self.expected_list();
        let mut diagnostic =
            Diagnostic::error(codes::UNEXPECTED, self.span, format!("expected {expected}, found {shown}"));
        if let Some(help) = self.hint(found, &text[..(self.span.start - base) as usize]) {
            diagnostic = diagnostic.help(help);
        }
        diagnostic
    }

    /// The alternatives that say most, in words. Ways to go on with an expression are named only if nothing else is.
    fn expected_list(&self) -> String {
        let weak =
            |text: &&&str| matches!(**text, "an operator" | "`.`" | "`(`" | "`[`" | "`else`" | "`:`" | "`=`" | OTHER);
        let strong: Vec<&str> = self.expected.iter().filter(|text| !weak(text)).copied().collect();
        let mut shown = if strong.is_empty() { self.expected.clone() } else { strong };
        shown.sort_unstable();
        shown.dedup();
        shown.truncate(4);
        match &shown[..] {
            [] => "something else".to_string(),
            [one] => (*one).to_string(),
            [start @ .., last] => format!("{} or {last}", start.join(", ")),
        }
    }

    /// What was probably meant, from what was found and the text before it.
    fn hint(&self, found: &str, before: &str) -> Option<String> {
        let expects = |what: &str| self.expected.contains(&what);
        let word = before.trim_end().rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("");
        Some(match found {
            "{" if ReduceOp::ALL.iter().any(|op| op.name() == word) => format!("name the index: `{word} i {{ … }}`"),
            "{" if expects("`..`") => "a range is written `a..b`".to_string(),
            "=" if expects("`{`") => "`=` assigns, `==` compares".to_string(),
            "=" if expects("an expression") => "`==`, `<=` and `>=` are written without blanks".to_string(),
            "=" if expects("a type") => "without a type, write `let name = …`".to_string(),
            "elif" | "elsif" | "elseif" => "write `else if`".to_string(),
            "def" | "func" | "function" if expects("an item") => "a function begins with `fn`".to_string(),
            "let" | "var" if expects("an item") => "at the top of a file, write `const`".to_string(),
            "import" | "include" if expects("an item") => "write `use`".to_string(),
            "" if expects("`{`") => "`{` stands on the same line".to_string(),
            ":" if expects("`{`") => "a block stands between `{` and `}`".to_string(),
            "/" | "*" | "%" | "+" if expects("an expression") => "an operator needs a value on both sides".to_string(),
            _ if expects("a name") && found.starts_with(|c: char| c.is_ascii_lowercase()) => {
                format!("`{found}` is a word of the language, choose another name")
            }
            _ => return None,
        })
    }
}

impl<'t> Error<'t, Tokens<'t>> for Slip {
    fn merge(mut self, other: Slip) -> Slip {
        if self.special.is_none() && other.special.is_some() {
            return other;
        }
        self.expected.extend(other.expected);
        self
    }
}

impl<'t> LabelError<'t, Tokens<'t>, DefaultExpected<'t, Tok<'t>>> for Slip {
    fn expected_found<E: IntoIterator<Item = DefaultExpected<'t, Tok<'t>>>>(
        expected: E,
        _found: Option<MaybeRef<'t, Tok<'t>>>,
        span: Span,
    ) -> Slip {
        let mut names = Vec::new();
        for one in expected {
            match one {
                DefaultExpected::Token(token) => names.push(describe(*token)),
                DefaultExpected::EndOfInput => names.push("the end of the line"),
                // Said better by the labels beside it.
                _ => {}
            }
        }
        Slip { span, expected: names, special: None }
    }

    fn label_with(&mut self, _label: DefaultExpected<'t, Tok<'t>>) {}
}

impl<'t> LabelError<'t, Tokens<'t>, &'static str> for Slip {
    fn expected_found<E: IntoIterator<Item = &'static str>>(
        expected: E,
        _found: Option<MaybeRef<'t, Tok<'t>>>,
        span: Span,
    ) -> Slip {
        Slip { span, expected: expected.into_iter().collect(), special: None }
    }

    fn label_with(&mut self, label: &'static str) {
        if self.special.is_none() {
            self.expected = vec![label];
        }
    }
}

/// How a token is named among the expected ones.
fn describe(token: Tok) -> &'static str {
    match token {
        Tok::Newline => "the end of the line",
        Tok::OpenParen | Tok::OpenParenFirst => "`(`",
        Tok::CloseParen => "`)`",
        Tok::OpenBracket | Tok::OpenBracketFirst => "`[`",
        Tok::CloseBracket => "`]`",
        Tok::OpenBrace => "`{`",
        Tok::CloseBrace => "`}`",
        Tok::Comma => "`,`",
        Tok::Colon => "`:`",
        Tok::Dot => "`.`",
        Tok::DotDot => "`..`",
        Tok::Arrow => "`->`",
        Tok::Assign => "`=`",
        Tok::Pipe => "`|`",
        Tok::Else => "`else`",
        Tok::In => "`in`",
        Tok::As => "`as`",
        Tok::Is => "`is`",
        Tok::From => "`from`",
        Tok::Where => "`where`",
        Tok::If => "`if`",
        Tok::Loop => "`loop`",
        // Everything else is expected only under a label, which says more.
        _ => OTHER,
    }
}
