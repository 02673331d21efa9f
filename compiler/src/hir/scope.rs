//! Names inside functions: what a name can mean, nested scopes, and suggestions for misspelt names.

use super::check::FnValue;
use super::{LocalId, Type};
use crate::size::Size;
use crate::source::Span;
use crate::types::{Const, Scalar};
use std::collections::BTreeMap;

/// What a name inside a function means.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A local: parameter, `let`, index.
    Local(LocalId),
    /// A size variable.
    Size(Size),
    /// The name of a `static loop` in one of its passes.
    Const(Const),
    /// A type parameter.
    Type(Scalar),
    /// A function-typed parameter with its declared type.
    Fn(FnValue, FnSignature),
    /// Its definition was wrong; uses stay silent.
    Poison,
}

/// The declared type of a function-typed parameter.
#[derive(Clone, Debug)]
pub struct FnSignature {
    /// Parameter types.
    pub params: Vec<Type>,
    /// Result type.
    pub result: Type,
    /// Where it is declared.
    pub span: Span,
}

/// The names of nested blocks, innermost last.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    nested: Vec<BTreeMap<String, Binding>>,
}

impl Scopes {
    /// Opens a block.
    pub fn open(&mut self) {
        self.nested.push(BTreeMap::new());
    }

    /// Closes the innermost block.
    pub fn close(&mut self) {
        self.nested.pop();
    }

    /// Binds a name in the innermost block; an earlier meaning is shadowed.
    pub fn bind(&mut self, name: &str, binding: Binding) {
        if self.nested.is_empty() {
            self.open();
        }
        self.nested.last_mut().expect("a block is open").insert(name.to_string(), binding);
    }

    /// What a name means, innermost first.
    pub fn find(&self, name: &str) -> Option<&Binding> {
        self.nested.iter().rev().find_map(|scope| scope.get(name))
    }

    /// All names in scope.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.nested.iter().flat_map(|scope| scope.keys().map(String::as_str))
    }
}

/// The known name that is nearest to a misspelt one, if one is near enough to be meant.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate.to_string())
}

/// Edit distance; swapping two neighbours counts as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = substituted.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["softmax", "matmul", "layer_norm"];
        assert_eq!(did_you_mean("sofmax", known), Some("softmax".into()));
        assert_eq!(did_you_mean("matlum", known), Some("matmul".into()));
        assert_eq!(did_you_mean("conv2d", known), None);
        assert_eq!(did_you_mean("x", ["y"]), None);
    }
}
