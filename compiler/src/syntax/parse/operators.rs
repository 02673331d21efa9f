//! Operands and operators in a row → a tree, by precedence as in Python: `or`, `and`, `not`, comparisons (which do
//! not chain), `|`, `^`, `&`, shifts, `+ -`, `* / %`, prefix `- ~`.

use super::Slip;
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Name, UnaryOp};
use std::vec::IntoIter;

/// One element of the row.
pub enum Piece {
    /// A prefix operator.
    Prefix(UnaryOp, Span),
    /// An operand with its postfixes.
    Operand(Expr),
    /// An infix operator.
    Infix(BinaryOp),
    /// `is f32`.
    Is(Name),
}

/// What an expression parser makes of a row.
pub struct Resolved {
    /// The tree.
    pub expr: Expr,
    /// The second halves of comparison chains, `k <= N` of `1 <= k <= N`.
    pub chained: Vec<Expr>,
}

/// Binding power of an infix operator; a greater one binds tighter.
fn power(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        // `not` binds with 3.
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => COMPARISON,
        BinaryOp::BitOr => 5,
        BinaryOp::BitXor => 6,
        BinaryOp::BitAnd => 7,
        BinaryOp::Shl | BinaryOp::Shr => 8,
        BinaryOp::Add | BinaryOp::Sub => 9,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => 10,
    }
}

const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const PREFIX: u8 = 11;

/// Binding power of an operator, for the printer too.
pub fn binary_power(op: BinaryOp) -> u8 {
    power(op)
}

/// Binding power of a prefix operator.
pub fn unary_power(op: UnaryOp) -> u8 {
    match op {
        UnaryOp::Not => NOT,
        UnaryOp::Neg | UnaryOp::BitNot => PREFIX,
    }
}

/// Binding power of `is`.
pub const IS_POWER: u8 = COMPARISON;

/// A row → its tree. Pieces alternate: prefixes and an operand, then an infix operator or `is` and so on.
pub fn resolve(pieces: Vec<Piece>) -> Option<Resolved> {
    let mut rest = Row { pieces: pieces.into_iter().peekable(), chained: Vec::new() };
    let expr = rest.climb(0)?;
    Some(Resolved { expr, chained: rest.chained })
}

/// The message about a chain in an expression.
pub fn chain_slip(chained: &Expr) -> Slip {
    Slip::special(
        Diagnostic::error(codes::CHAINED_COMPARISON, chained.span, "comparisons do not chain")
            .help("write `a < b and b < c`"),
    )
}

struct Row {
    pieces: std::iter::Peekable<IntoIter<Piece>>,
    chained: Vec<Expr>,
}

impl Row {
    /// The longest expression whose operators bind at least as tightly as `least`.
    fn climb(&mut self, least: u8) -> Option<Expr> {
        let mut left = match self.pieces.next()? {
            Piece::Operand(expr) => expr,
            Piece::Prefix(op, span) => {
                let operand = self.climb(unary_power(op))?;
                let span = span.to(operand.span);
                Expr { kind: ExprKind::Unary(op, Box::new(operand)), span }
            }
            Piece::Infix(_) | Piece::Is(_) => return None,
        };
        let mut compared: Option<Expr> = None;
        loop {
            let op = match self.pieces.peek() {
                Some(Piece::Infix(op)) if power(*op) >= least => *op,
                Some(Piece::Is(_)) if COMPARISON >= least => {
                    let Some(Piece::Is(name)) = self.pieces.next() else { return None };
                    let span = left.span.to(name.span);
                    left = Expr { kind: ExprKind::Is(Box::new(left), name), span };
                    continue;
                }
                _ => return Some(left),
            };
            self.pieces.next();
            let right = self.climb(power(op) + 1)?;
            let middle = compared.take();
            let goes_on = matches!(self.pieces.peek(), Some(Piece::Infix(next)) if power(*next) == COMPARISON);
            if power(op) == COMPARISON && goes_on {
                compared = Some(right.clone());
            }
            match middle {
                Some(middle) => self.chained.push(binary(op, middle, right)),
                None => left = binary(op, left, right),
            }
        }
    }
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), span }
}
