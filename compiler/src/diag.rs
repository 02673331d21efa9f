//! Diagnostics as values: a code, places, what was expected and found, and help where a fix is likely.
//!
//! Messages are lower case without a full stop; shapes are shown in full; help is something that can be
//! typed. Each [`Code`] has a heading in `docs/errors.md` with the smallest failing program and its repair.
//! Rendering (codespan-reporting) and JSON are here too; nothing else in the compiler formats messages.

pub mod codes;
pub mod inlined;
pub mod json;
pub mod render;

use crate::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The program is not compiled.
    Error,
    /// The program is compiled.
    Warning,
}

/// A diagnostic's stable number: `E` and four digits, listed in `diag/codes.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

/// A place with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The remark; may be empty.
    pub text: String,
    /// Whether it is the place (one per diagnostic) or another place that matters.
    pub primary: bool,
}

/// One message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable number.
    pub code: Code,
    /// One line: lower case, no full stop.
    pub message: String,
    /// Places; exactly one is primary.
    pub labels: Vec<Label>,
    /// The rule behind it, or `expected: …` / `found: …` lines.
    pub notes: Vec<String>,
    /// What to do: something that can be typed.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            labels: vec![Label { span, text: String::new(), primary: true }],
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Sets the remark at the primary place.
    pub fn at(mut self, text: impl Into<String>) -> Diagnostic {
        self.labels[0].text = text.into();
        self
    }

    /// Adds another place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into(), primary: false });
        self
    }

    /// Adds a note.
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// Adds help.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }
}
