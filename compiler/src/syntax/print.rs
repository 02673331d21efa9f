//! Tree → text, in one style. Parsing what was printed gives the same tree up to spans.
//!
//! Assumes a tree that the parser could have made: names are no reserved words, floats are spelled as literals, a
//! tuple of one has a name, the first index of a reduction is not `by`, the message of an assert holds no text
//! literal. Comments are not in the tree.

mod exprs;
mod items;

use super::ast;

/// Column at which lists are broken.
const WIDTH: usize = 110;
/// Longest block on one line.
const FLAT: usize = 90;

/// A whole file.
pub fn print(file: &ast::File) -> String {
    let mut printer = Printer::default();
    for (index, item) in file.items.iter().enumerate() {
        let previous = index.checked_sub(1).map(|before| &file.items[before]);
        if previous.is_some_and(|previous| !items::stand_together(previous, item)) {
            printer.out.push('\n');
        }
        printer.item(item);
        printer.out.push('\n');
    }
    printer.out
}

/// One expression.
pub fn print_expr(expr: &ast::Expr) -> String {
    let mut printer = Printer::default();
    printer.expr(expr, 0);
    printer.out
}

/// One type.
pub fn print_type(ty: &ast::TypeExpr) -> String {
    let mut printer = Printer::default();
    printer.ty(ty);
    printer.out
}

/// The text so far.
#[derive(Default)]
struct Printer {
    out: String,
    /// Levels of indentation, four blanks each.
    indent: usize,
    /// Everything must go on one line, at most so many bytes of `out`.
    flat: Option<usize>,
    /// It did not.
    failed: bool,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        if self.flat.is_some_and(|limit| self.out.len() > limit) {
            self.failed = true;
        }
    }

    fn line(&mut self) {
        self.failed |= self.flat.is_some();
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("    ", self.indent));
    }

    fn column(&self) -> usize {
        self.out.len() - self.out.rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// `print` applied on one line of at most `budget` bytes, or nothing and `false`.
    fn try_flat(&mut self, budget: usize, print: impl Fn(&mut Printer)) -> bool {
        let limit = self.flat.unwrap_or(usize::MAX).min(budget);
        let mut attempt = Printer { out: String::new(), indent: self.indent, flat: Some(limit), failed: false };
        print(&mut attempt);
        if !attempt.failed {
            self.push(&attempt.out);
        }
        !attempt.failed
    }

    /// Elements with commas between them, broken where a line grows long. For use inside brackets only.
    fn list<T>(&mut self, elements: &[T], print: impl Fn(&mut Printer, &T)) {
        for (index, element) in elements.iter().enumerate() {
            if self.failed {
                return;
            }
            if index > 0 {
                self.push(",");
                if self.flat.is_none() && self.column() >= WIDTH {
                    self.indent += 1;
                    self.line();
                    self.indent -= 1;
                } else {
                    self.push(" ");
                }
            }
            print(self, element);
        }
    }
}
