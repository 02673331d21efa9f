//! Diagnostics → JSON for editors: one object each, lines and columns counted from 1, columns in characters.

use super::{Diagnostic, Severity};
use crate::source::{SourceMap, Span};
use serde_json::{Value, json};

/// All diagnostics as a JSON array.
pub fn to_json(diagnostics: &[Diagnostic], sources: &SourceMap) -> Value {
    diagnostics.iter().map(|diagnostic| one(diagnostic, sources)).collect()
}

fn one(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let labels: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let (line, column) = sources.line_column(label.span);
            let (end_line, end_column) = sources.line_column(Span { start: label.span.end, ..label.span });
            json!({
                "file": sources.file(label.span.file).name,
                "start": label.span.start,
                "end": label.span.end,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
                "primary": label.primary,
                "text": label.text,
            })
        })
        .collect();
    json!({
        "code": diagnostic.code.to_string(),
        "title": diagnostic.code.title(),
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": diagnostic.message,
        "labels": labels,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::codes;
    use crate::source::FileId;

    #[test]
    fn places_are_lines_and_columns_in_characters() {
        let mut sources = SourceMap::default();
        sources.add("main.k", "// é\nlet é = x\n", false);
        let span = Span { file: FileId(0), start: 10, end: 12 };
        let diagnostic = Diagnostic::error(codes::UNKNOWN_CHARACTER, span, "what").at("this").help("that");
        assert_eq!(
            to_json(&[diagnostic], &sources),
            json!([{
                "code": "E0102", "title": "unknown character", "severity": "error", "message": "what",
                "labels": [{
                    "file": "main.k", "start": 10, "end": 12, "line": 2, "column": 5, "end_line": 2, "end_column": 6,
                    "primary": true, "text": "this",
                }],
                "notes": [], "help": ["that"],
            }])
        );
    }
}
