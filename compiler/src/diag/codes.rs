//! Every diagnostic code with its short title. Each has a heading in `docs/errors.md` with the smallest failing
//! program and its repair. Codes are never reused.
//!
//! E01xx syntax, E02xx names, E03xx types, E04xx sizes and shapes, E05xx bounds, E06xx build-time evaluation,
//! E07xx limits, E09xx not yet available. To add one: a row here and a heading there; a test compares the two.

use super::Code;
use std::fmt;

macro_rules! table {
    ($($name:ident $number:literal $title:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: Code = Code($number);
        )*

        /// Every code with its title, in the order of this file.
        pub const TABLE: &[(Code, &str)] = &[$(($name, $title),)*];
    };
}

table! {
    UNEXPECTED 101 "unexpected token";
    UNKNOWN_CHARACTER 102 "unknown character";
    UNBALANCED 103 "bracket that is not closed or not opened";
    MALFORMED_LITERAL 104 "malformed literal";
    LEADING_MINUS 105 "line that begins with `-`";
    TOO_DEEP 106 "program text nested too deeply";
    FOREIGN_SPELLING 107 "spelling of another language";
    CHAINED_COMPARISON 108 "chained comparison";
    DANGLING_DOC 109 "documentation of nothing";
    NOT_ASSIGNABLE 110 "assignment to something that is not a variable";
    UNNAMED_RESULTS 111 "several results without names";
    BAD_INTERPOLATION 112 "malformed message of an assert";
    BAD_BOUND 113 "bound of something that is not a name";
}

impl Code {
    /// The short title, or an empty text for a number that is not in the table.
    pub fn title(self) -> &'static str {
        TABLE.iter().find(|(code, _)| *code == self).map_or("", |(_, title)| title)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_titles_are_lower_case() {
        let mut seen = std::collections::BTreeSet::new();
        for (code, title) in TABLE {
            assert!(seen.insert(*code), "{code} stands twice in the table");
            assert!((100..1000).contains(&code.0), "{code} is outside every range");
            assert!(!title.is_empty() && !title.ends_with('.'), "{code}: {title}");
        }
    }
}
