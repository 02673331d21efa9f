//! Tree → text. Parsing what was printed gives the same tree up to spans.
//!
//! The tree is spelled as tokens, with line ends where statements need them and where a body is to have lines of its
//! own; `format` lays them out, so that printed and formatted programs look alike.
//!
//! Assumes a tree that the parser could have made: names are no reserved words, floats are spelled as literals, a
//! tuple of one has a name, the first index of a reduction is not `by`, the message of an assert holds no text
//! literal. Comments are not in the tree.

mod exprs;
mod items;

use super::ast;
use super::format::lay_out;

/// A whole file.
pub fn print(file: &ast::File) -> String {
    let mut speller = Speller::default();
    for (index, item) in file.items.iter().enumerate() {
        let previous = index.checked_sub(1).map(|before| &file.items[before]);
        if previous.is_some_and(|previous| !items::stand_together(previous, item)) {
            speller.push("\n");
        }
        speller.item(item);
        speller.push("\n");
    }
    lay_out(&speller.out)
}

/// The text so far.
#[derive(Default)]
struct Speller {
    out: String,
}

impl Speller {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Elements with commas between them.
    fn list<T>(&mut self, elements: &[T], spell: impl Fn(&mut Speller, &T)) {
        for (index, element) in elements.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            spell(self, element);
        }
    }
}
