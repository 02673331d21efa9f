//! Text → what its parts are, for showing programs in colours. Works on any text; what is no token has no class.

use super::lex::{Tok, lex};
use crate::ops::ReduceOp;
use crate::source::FileId;
use crate::types::Scalar;
use std::ops::Range;

/// What a part of a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A word of the language, reducers before a name included.
    Keyword,
    /// A scalar type, `dim`.
    Type,
    /// A number, `true`, `false`, `inf`, `nan`.
    Number,
    /// A text or byte.
    Text,
    /// A comment or documentation.
    Comment,
    /// A name that is called or defined as a function.
    Function,
}

/// The parts that have a class, in order.
pub fn classes(text: &str) -> Vec<(Range<usize>, Class)> {
    let tokens = lex(text, FileId(0), 0).tokens;
    let mut out = Vec::new();
    let mut at = 0;
    for (position, (token, span)) in tokens.iter().enumerate() {
        let range = span.start as usize..span.end as usize;
        comments(text, at..range.start, &mut out);
        at = range.end;
        let next = tokens.get(position + 1).map(|(token, _)| *token);
        if let Some(class) = class(*token, next) {
            out.push((range, class));
        }
    }
    comments(text, at..text.len(), &mut out);
    out
}

/// The comments between two tokens.
fn comments(text: &str, gap: Range<usize>, out: &mut Vec<(Range<usize>, Class)>) {
    if let Some(slashes) = text[gap.clone()].find("//") {
        let start = gap.start + slashes;
        let length = text[start..gap.end].find('\n').unwrap_or(gap.end - start);
        out.push((start..start + length, Class::Comment));
    }
}

fn class(token: Tok, next: Option<Tok>) -> Option<Class> {
    Some(match token {
        Tok::Doc(_) => Class::Comment,
        Tok::Int(_) | Tok::Float(_) | Tok::True | Tok::False | Tok::Inf | Tok::Nan => Class::Number,
        Tok::Text(_) | Tok::Byte(_) => Class::Text,
        Tok::Name("dim" | "list") => Class::Type,
        Tok::Name(name) if Scalar::from_name(name).is_some() => Class::Type,
        Tok::Name(name) => match next {
            Some(Tok::OpenParen) => Class::Function,
            Some(Tok::Text(_)) if name == "test" => Class::Keyword,
            Some(Tok::Name(_)) if matches!(name, "state" | "weights" | "model" | "scan") => Class::Keyword,
            Some(Tok::Name(_)) if ReduceOp::ALL.iter().any(|op| op.name() == name) => Class::Keyword,
            Some(Tok::Int(_) | Tok::Name(_)) if name == "by" => Class::Keyword,
            _ => return None,
        },
        Tok::And | Tok::Or | Tok::Not | Tok::Is | Tok::If | Tok::Else | Tok::For | Tok::In | Tok::Let | Tok::Var => {
            Class::Keyword
        }
        Tok::Loop | Tok::While | Tok::Break | Tok::Continue | Tok::Return | Tok::Assert | Tok::Static | Tok::Use => {
            Class::Keyword
        }
        Tok::As | Tok::Const | Tok::Fn | Tok::Pipeline | Tok::Struct | Tok::From | Tok::Where => Class::Keyword,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_classes() {
        let text = "fn f(x: f32[N]) { max i { max(x[i], 1.0) } } // é\ntest \"t\" { @ }";
        let found: Vec<(&str, Class)> = classes(text).into_iter().map(|(range, class)| (&text[range], class)).collect();
        use Class::*;
        let expected = [
            ("fn", Keyword),
            ("f", Function),
            ("f32", Type),
            ("max", Keyword),
            ("max", Function),
            ("1.0", Number),
            ("// é", Comment),
            ("test", Keyword),
            ("\"t\"", Text),
        ];
        assert_eq!(found, expected);
    }
}
