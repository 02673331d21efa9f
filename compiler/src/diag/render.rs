//! Diagnostics → text for people, by codespan-reporting, plain or with ANSI colours.
//!
//! Whatever the sources hold, the text holds no control characters of theirs, and lines of thousands of characters
//! are not repeated: such places are named by line and column only.

use super::{Diagnostic, Severity};
use crate::source::{SourceMap, Span};
use codespan_reporting::diagnostic as shown;
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::termcolor::Ansi;
use codespan_reporting::term::{Config, Styles, StylesWriter, emit_into_string, emit_to_write_style};

/// Longest source line that is shown.
const MAX_LINE: usize = 400;

/// All diagnostics, one after the other, each with an empty line behind it.
pub fn render(diagnostics: &[Diagnostic], sources: &SourceMap, color: bool) -> String {
    let mut files = SimpleFiles::new();
    for (_, file) in sources.iter() {
        files.add(printable(&file.name), printable(&file.text));
    }
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&render_one(diagnostic, sources, &files, color));
    }
    out
}

fn render_one(
    diagnostic: &Diagnostic,
    sources: &SourceMap,
    files: &SimpleFiles<String, String>,
    color: bool,
) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => shown::Severity::Error,
        Severity::Warning => shown::Severity::Warning,
    };
    let mut notes = Vec::new();
    let mut labels = Vec::new();
    for label in &diagnostic.labels {
        let span = label.span;
        let text = printable(&label.text);
        if line_length(span, sources) > MAX_LINE {
            let (line, column) = sources.line_column(span);
            let name = printable(&sources.file(span.file).name);
            notes.push(format!("at {name}:{line}:{column} {text}").trim_end().to_string());
            continue;
        }
        let style = if label.primary { shown::LabelStyle::Primary } else { shown::LabelStyle::Secondary };
        let range = span.start as usize..span.end as usize;
        labels.push(shown::Label::new(style, span.file.0 as usize, range).with_message(text));
    }
    notes.extend(diagnostic.notes.iter().map(|note| printable(note)));
    notes.extend(diagnostic.help.iter().map(|help| format!("help: {}", printable(help))));
    let shown = shown::Diagnostic::new(severity)
        .with_code(diagnostic.code.to_string())
        .with_message(printable(&diagnostic.message))
        .with_labels(labels)
        .with_notes(notes);
    let config = Config::default();
    let result = if color {
        let mut ansi = Ansi::new(Vec::new());
        let styles = Styles::default();
        let mut writer = StylesWriter::new(&mut ansi, &styles);
        emit_to_write_style(&mut writer, &config, files, &shown)
            .map(|()| String::from_utf8_lossy(&ansi.into_inner()).into_owned())
    } else {
        emit_into_string(&config, files, &shown)
    };
    // Spans lie inside their files, and strings take every write.
    result.unwrap_or_else(|error| panic!("cannot show {diagnostic:?}: {error}"))
}

/// Length of the longest line on which a span begins or ends.
fn line_length(span: Span, sources: &SourceMap) -> usize {
    let text = &sources.file(span.file).text;
    let around = |at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        end - start
    };
    around(span.start as usize).max(around(span.end as usize))
}

/// The text with `?` for each control character but line end and tab; every offset stays what it was.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() && c.len_utf8() == 1 => '?',
            // Two bytes, as the character it stands for.
            c if c.is_control() => '¿',
            // Characters that reorder what follows: three bytes, as their replacement.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::codes;

    fn sources(text: &str) -> SourceMap {
        let mut sources = SourceMap::default();
        sources.add("main.k", text, false);
        sources
    }

    fn span(start: u32, end: u32) -> Span {
        Span { file: crate::source::FileId(0), start, end }
    }

    #[test]
    fn both_places_and_the_help_are_shown() {
        let sources = sources("let a = 1\nlet b = 2\n");
        let diagnostic =
            Diagnostic::error(codes::UNEXPECTED, span(4, 5), "axis `k` has extent 64 in `a` and 32 in `b`")
                .at("64 here")
                .label(span(14, 15), "32 here")
                .note("the rule")
                .help("write `c`");
        let text = render(std::slice::from_ref(&diagnostic), &sources, false);
        assert_eq!(
            text,
            "error[E0101]: axis `k` has extent 64 in `a` and 32 in `b`
  ┌─ main.k:1:5
  │
1 │ let a = 1
  │     ^ 64 here
2 │ let b = 2
  │     - 32 here
  │
  = the rule
  = help: write `c`

"
        );
        let colored = render(&[diagnostic], &sources, true);
        assert!(colored.contains("\u{1b}["));
    }

    #[test]
    fn control_characters_and_endless_lines_are_not_repeated() {
        let text = format!("let a = \u{1b}[31m\u{85}\u{202e}\nlet b = {}\n", "1".repeat(100_000));
        let sources = sources(&text);
        let first = Diagnostic::error(codes::UNEXPECTED, span(8, 9), "one");
        let second = Diagnostic::error(codes::UNEXPECTED, span(30, 31), "two").at("here");
        let text = render(&[first, second], &sources, false);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{85}') && !text.contains('\u{202e}'));
        assert!(text.len() < 1000, "{text}");
        assert!(text.contains("at main.k:2:"), "{text}");
    }
}
