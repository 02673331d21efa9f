//! Equality of shapes and broadcasting, and the messages when they fail: both shapes in full, the axis that
//! disagrees, both places, and the fact that would decide it.

use super::{Checked, Checker, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::facts::Answer;
use crate::hir::{Expr, Parts, Type};
use crate::size::Size;
use crate::source::Span;

/// A shape with its place and what it is called in messages.
pub(in crate::hir) struct Shape<'a> {
    pub dims: &'a [Size],
    pub span: Span,
    pub what: &'a str,
}

impl Checker<'_> {
    /// Holds that two shapes are equal.
    pub fn same_shape(&mut self, message: &str, left: &Shape<'_>, right: &Shape<'_>) -> Checked<()> {
        if left.dims.len() != right.dims.len() {
            return Err(self.rank_error(message, left, right));
        }
        let facts = self.facts();
        for axis in 0..left.dims.len() {
            let (a, b) = (&left.dims[axis], &right.dims[axis]);
            let answer = facts.equal(a, b);
            if answer != Answer::Yes {
                return Err(self.extent_error(answer, message, left, right, (axis, axis)));
            }
        }
        Ok(())
    }

    /// The shape of an elementwise operation: shapes pair from the right; an operand with fewer axes is shared, and
    /// so is an axis of literal extent 1.
    pub fn broadcast(&mut self, message: &str, left: &Shape<'_>, right: &Shape<'_>) -> Checked<Vec<Size>> {
        let facts = self.facts();
        let rank = left.dims.len().max(right.dims.len());
        let mut result = Vec::new();
        for from_right in (0..rank).rev() {
            let at = |dims: &[Size]| dims.len().checked_sub(from_right + 1);
            result.push(match (at(left.dims), at(right.dims)) {
                (Some(a), None) => left.dims[a].clone(),
                (None, Some(b)) => right.dims[b].clone(),
                (Some(a), Some(b)) => {
                    let (left_dim, right_dim) = (&left.dims[a], &right.dims[b]);
                    if right_dim.as_const() == Some(1) {
                        left_dim.clone()
                    } else if left_dim.as_const() == Some(1) {
                        right_dim.clone()
                    } else {
                        match facts.equal(left_dim, right_dim) {
                            Answer::Yes => left_dim.clone(),
                            answer => return Err(self.extent_error(answer, message, left, right, (a, b))),
                        }
                    }
                }
                (None, None) => unreachable!("one of the two has this axis"),
            });
        }
        Ok(result)
    }

    fn rank_error(&mut self, message: &str, left: &Shape<'_>, right: &Shape<'_>) -> Reported {
        let (a, b) = (self.program.names.show_dims(left.dims), self.program.names.show_dims(right.dims));
        let diagnostic = Diagnostic::error(codes::RANK, left.span, message)
            .at(format!("{} has {}", left.what, axes(left.dims.len())))
            .note(lines(&[(left.what, &a), (right.what, &b)]));
        let text = format!("{} has {}", right.what, axes(right.dims.len()));
        self.report(with_place(diagnostic, right.span, text))
    }

    /// Two extents that are not known to be equal.
    pub fn extent_error(
        &mut self,
        answer: Answer,
        message: &str,
        left: &Shape<'_>,
        right: &Shape<'_>,
        axes: (usize, usize),
    ) -> Reported {
        let (a, b) = (&left.dims[axes.0], &right.dims[axes.1]);
        let (shown_a, shown_b) = (self.show(a), self.show(b));
        let (shape_a, shape_b) = (self.program.names.show_dims(left.dims), self.program.names.show_dims(right.dims));
        let code = if answer == Answer::No { codes::SHAPES_DIFFER } else { codes::SHAPES_UNDECIDED };
        let mut diagnostic = Diagnostic::error(code, left.span, message)
            .at(format!("{} is {shown_a} in axis {}", left.what, axes.0))
            .note(lines(&[(left.what, &shape_a), (right.what, &shape_b)]));
        let text = format!("{} is {shown_b} in axis {}", right.what, axes.1);
        diagnostic = with_place(diagnostic, right.span, text);
        if let Some(size) =
            [a, b].into_iter().find(|size| self.mentions_fresh(size)).filter(|_| answer == Answer::Unknown)
        {
            let (size, other) = if size == a { (&shown_a, &shown_b) } else { (&shown_b, &shown_a) };
            diagnostic = diagnostic.note(format!("the data decides `{size}`: it may be another size than {other}"));
            if right.what == "the declared result" {
                diagnostic = diagnostic.help("declare the result with a size that the data decides: `K <= bound`");
            }
        } else if answer == Answer::Unknown {
            diagnostic = diagnostic
                .note(format!("nothing says that {shown_a} and {shown_b} are equal"))
                .help(format!("if they always are, say so behind the parameters: `where {shown_a} == {shown_b}`"));
        }
        self.report(diagnostic)
    }

    /// Holds that two types are equal: elements, ranks, extents, component by component.
    pub fn same_type(
        &mut self,
        code: crate::diag::Code,
        message: &str,
        found: (&Type, Span, &str),
        expected: (&Type, Span, &str),
    ) -> Checked<()> {
        match (found.0, expected.0) {
            (Type::Tensor(a), Type::Tensor(b)) if a.elem == b.elem => self.same_shape(
                message,
                &Shape { dims: &a.dims, span: found.1, what: found.2 },
                &Shape { dims: &b.dims, span: expected.1, what: expected.2 },
            ),
            (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() && same_struct(a, b) => {
                for ((_, a), (_, b)) in a.iter().zip(b) {
                    self.same_type(code, message, (a, found.1, found.2), (b, expected.1, expected.2))?;
                }
                Ok(())
            }
            (a, b) => {
                let (shown_a, shown_b) = (self.show_type(a), self.show_type(b));
                let mut diagnostic = Diagnostic::error(code, found.1, message)
                    .at(format!("this is {shown_a}"))
                    .note(format!("expected: {shown_b}\n   found: {shown_a}"));
                diagnostic = with_place(diagnostic, expected.1, format!("{shown_b} is expected because of this"));
                if let (Type::Tensor(a), Type::Tensor(b)) = (a, b)
                    && a.dims.len() == b.dims.len()
                {
                    let text = self.sources.text(found.1);
                    if text.len() <= 40 && !text.contains('\n') {
                        diagnostic = diagnostic.help(format!("convert it: `{}({text})`", b.elem));
                    }
                }
                Err(self.report(diagnostic))
            }
        }
    }

    /// The tensor type of an operand, or a complaint about a tuple.
    pub fn tensor_of<'e>(&mut self, value: &'e Expr, what: &str) -> Checked<&'e crate::hir::TensorType> {
        match &value.ty {
            Type::Tensor(tensor) => Ok(tensor),
            Type::List(_) => unreachable!("a list is used as a tensor of its elements"),
            Type::Tuple(parts) => {
                let message = if parts.is_empty() {
                    format!("{what} must be a tensor or scalar, this has no value")
                } else {
                    format!("{what} must be a tensor or scalar, this is several values")
                };
                let found = self.show_type(&value.ty);
                let mut diagnostic =
                    Diagnostic::error(codes::TUPLE_PARTS, value.span, message).note(format!("found: {found}"));
                if !parts.is_empty() {
                    diagnostic = diagnostic.help("take it apart: `let (a, b) = …`");
                }
                Err(self.report(diagnostic))
            }
        }
    }
}

/// Whether both are fields of the same struct, or of none.
fn same_struct(a: &Parts, b: &Parts) -> bool {
    a.of.as_ref().map(|of| of.item) == b.of.as_ref().map(|of| of.item)
}

/// Two lines whose values stand below each other.
fn lines(lines: &[(&str, &str)]) -> String {
    let width = lines.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = lines.iter().map(|(what, value)| format!("{what:>width$}: {value}")).collect();
    lines.join("\n")
}

fn axes(count: usize) -> String {
    match count {
        0 => "no axes".to_string(),
        1 => "1 axis".to_string(),
        _ => format!("{count} axes"),
    }
}

/// Adds a second place, unless it is the first one again.
fn with_place(diagnostic: Diagnostic, span: Span, text: String) -> Diagnostic {
    if diagnostic.labels[0].span == span { diagnostic.note(text) } else { diagnostic.label(span, text) }
}
