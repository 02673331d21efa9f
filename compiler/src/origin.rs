//! Where an IR node comes from: a place in the source, and the chain of calls it was inlined through.
//!
//! Every arena of every IR has a parallel vector of origins, so a pass cannot forget them. Inlining a
//! call pushes the call's place; a message then names the user's place first (see `diag`).

use crate::source::{SourceMap, Span};

/// The name of an [`Origin`] in [`Origins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(u32);

/// A place and the call it was inlined from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The place itself.
    pub span: Span,
    /// The call whose inlining brought the place here.
    pub called_from: Option<OriginId>,
}

/// All origins of one compilation.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    all: Vec<Origin>,
}

impl Origins {
    /// Adds an origin.
    pub fn add(&mut self, span: Span, called_from: Option<OriginId>) -> OriginId {
        self.all.push(Origin { span, called_from });
        OriginId(self.all.len() as u32 - 1)
    }

    /// The origin with this name.
    pub fn get(&self, id: OriginId) -> Origin {
        self.all[id.0 as usize]
    }

    /// The place and, outwards, the calls that led there.
    pub fn chain(&self, id: OriginId) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let origin = self.get(id);
            spans.push(origin.span);
            next = origin.called_from;
        }
        spans
    }

    /// The first place on the chain that is not in std, which is what a user wants to see first.
    pub fn user_span(&self, id: OriginId, sources: &SourceMap) -> Span {
        let chain = self.chain(id);
        chain.iter().copied().find(|span| !sources.file(span.file).is_std).unwrap_or(chain[0])
    }
}
