//! A diagnostic about an IR node: its origin's chain of calls → primary place, secondary place, notes.
//!
//! The primary place is the first that is not in std; the std line is the secondary one; the calls between and
//! around are notes. A call that merely encloses the next one is left out.

use super::{Code, Diagnostic};
use crate::origin::{OriginId, Origins};
use crate::source::{SourceMap, Span};

/// An error about the node with origin `id`.
pub fn error_at(
    code: Code,
    id: OriginId,
    origins: &Origins,
    sources: &SourceMap,
    message: impl Into<String>,
) -> Diagnostic {
    let chain = origins.chain(id);
    let is_user = |span: &Span| !sources.file(span.file).is_std;
    let primary = chain.iter().position(is_user).unwrap_or(0);
    let mut diagnostic = Diagnostic::error(code, chain[primary], message);
    if primary > 0 {
        diagnostic = diagnostic.label(chain[0], "in this function of std");
    }
    let mut inner = chain[0];
    for (depth, &call) in chain.iter().enumerate().skip(1) {
        let encloses = call.file == inner.file && call.start <= inner.start && inner.end <= call.end;
        if depth != primary && !encloses {
            let (line, column) = sources.line_column(call);
            diagnostic = diagnostic.note(format!("called from {}:{line}:{column}", sources.file(call.file).name));
        }
        inner = call;
    }
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::codes;
    use crate::source::FileId;

    #[test]
    fn the_user_s_line_is_primary_and_the_calls_are_notes() {
        let mut sources = SourceMap::default();
        let main = sources.add("main.k", "pipeline p\nfn helper\n", false);
        let std = sources.add("std/nn.k", "fn softmax\nfn rows\n", true);
        let span = |file: FileId, start, end| Span { file, start, end };
        let mut origins = Origins::default();
        let outer = origins.add(span(main, 0, 8), None);
        let user = origins.add(span(main, 11, 13), Some(outer));
        let rows = origins.add(span(std, 11, 13), Some(user));
        let enclosing = origins.add(span(std, 0, 10), Some(rows));
        let inner = origins.add(span(std, 3, 10), Some(enclosing));

        let diagnostic = error_at(codes::UNEXPECTED, inner, &origins, &sources, "what");
        assert_eq!(diagnostic.labels[0].span, span(main, 11, 13));
        assert!(diagnostic.labels[0].primary);
        assert_eq!(diagnostic.labels[1].span, span(std, 3, 10));
        assert_eq!(diagnostic.notes, ["called from std/nn.k:2:1", "called from main.k:1:1"]);

        let alone = error_at(codes::UNEXPECTED, outer, &origins, &sources, "what");
        assert_eq!((alone.labels.len(), alone.notes.len()), (1, 0));
    }
}
