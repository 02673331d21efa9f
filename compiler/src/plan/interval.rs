//! Interval arithmetic on sizes: every value that a size can have for variables in a box lies in its interval.
//!
//! Sizes are turned into one graph in which equal parts are one node, so that many boxes can be tried. Sums are exact,
//! rounding is monotone, and what is not known widens the interval. Values that `plan` refuses, those of a part that
//! leaves 32 bits or divides by zero, need not lie in it.

use super::values::{Values, apply};
use crate::ops::Op;
use crate::size::{Atom, DimExpr, Size, SizeVar};
use crate::types::{Const, Scalar};
use std::collections::HashMap;

/// Least and greatest value.
pub type Interval = (i128, i128);

/// The greatest value of a size.
pub const GREATEST: i128 = i32::MAX as i128;

/// Farther away than any size; intervals end here.
const FAR: i128 = 1 << 100;

/// Padding is added to sizes that fit 32 bits without asking whether the sum does.
const ALMOST: i128 = GREATEST + kcc_abi::PADDING as i128;

/// Some sizes, to be evaluated on boxes: intervals of variables, in the order in which they were given.
#[derive(Clone, Debug)]
pub struct Formula {
    nodes: Vec<Node>,
    results: Vec<usize>,
}

/// A part of a size; operands are positions of earlier nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// A variable, by position; `None` is one without a bound.
    Var(Option<usize>),
    /// Coefficients and the factors of each product.
    Sum(Vec<(i64, Vec<usize>)>),
    Div(usize, usize),
    Rem(usize, usize),
    Min(usize, usize),
    Max(usize, usize),
    /// A value as a size.
    Dim(usize),
    /// A size as a value.
    Operand(usize),
    Const(Const),
    Scalar(Scalar),
    Op(Op, Vec<usize>),
    Cast(Scalar, usize),
    Select([usize; 3]),
}

#[derive(Clone, Copy, Debug)]
enum Range {
    Size(Interval),
    Value(Values),
}

impl Range {
    fn size(self) -> Interval {
        match self {
            Range::Size(interval) => interval,
            Range::Value(_) => unreachable!("the operands of a size are sizes"),
        }
    }

    fn value(self) -> Values {
        match self {
            Range::Value(values) => values,
            Range::Size(_) => unreachable!("the operands of a value are values"),
        }
    }
}

impl Formula {
    /// The graph of some sizes over these variables; another variable may have any value.
    pub fn of<'a>(sizes: impl IntoIterator<Item = &'a Size>, vars: &[SizeVar]) -> Formula {
        let mut builder = Builder { vars, nodes: Vec::new(), known: HashMap::new() };
        let results = sizes.into_iter().map(|size| builder.size(size)).collect();
        Formula { nodes: builder.nodes, results }
    }

    /// How many nodes one evaluation visits.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the plan refuses a size, by its number, for all sizes in a box: it divides by zero.
    pub fn is_refused(&self, vars: &[Interval], number: usize) -> bool {
        let mut ranges: Vec<Range> = Vec::with_capacity(self.nodes.len());
        let mut refused: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let own = node.is_refused(&ranges, &refused);
            refused.push(own);
            let range = node.eval(vars, &ranges);
            ranges.push(range);
        }
        refused[self.results[number]]
    }

    /// The interval of each size; not cut off at 32 bits, since sums of sizes may be larger.
    pub fn eval(&self, vars: &[Interval]) -> Vec<Interval> {
        let mut ranges: Vec<Range> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let range = node.eval(vars, &ranges);
            ranges.push(range);
        }
        self.results.iter().map(|result| ranges[*result].size()).collect()
    }
}

struct Builder<'a> {
    vars: &'a [SizeVar],
    nodes: Vec<Node>,
    known: HashMap<Node, usize>,
}

impl Builder<'_> {
    fn add(&mut self, node: Node) -> usize {
        if let Some(position) = self.known.get(&node) {
            return *position;
        }
        self.known.insert(node.clone(), self.nodes.len());
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn size(&mut self, size: &Size) -> usize {
        if let Some(atom) = size.as_atom() {
            return self.atom(atom);
        }
        let terms =
            size.terms().map(|(product, c)| (c, product.iter().map(|atom| self.atom(atom)).collect())).collect();
        self.add(Node::Sum(terms))
    }

    fn atom(&mut self, atom: &Atom) -> usize {
        let node = match atom {
            Atom::Var(var) => Node::Var(self.vars.iter().position(|own| own == var)),
            Atom::Div(a, b) => Node::Div(self.size(a), self.size(b)),
            Atom::Rem(a, b) => Node::Rem(self.size(a), self.size(b)),
            Atom::Min(a, b) => Node::Min(self.size(a), self.size(b)),
            Atom::Max(a, b) => Node::Max(self.size(a), self.size(b)),
            Atom::Dim(e) => Node::Dim(self.expr(e)),
        };
        self.add(node)
    }

    fn expr(&mut self, e: &DimExpr) -> usize {
        let node = match e {
            DimExpr::Const(value) => Node::Const(*value),
            DimExpr::Size(size) => Node::Operand(self.size(size)),
            DimExpr::Scalar(_, ty) => Node::Scalar(*ty),
            DimExpr::Op(op, args) => Node::Op(*op, args.iter().map(|arg| self.expr(arg)).collect()),
            DimExpr::Cast(to, arg) => Node::Cast(*to, self.expr(arg)),
            DimExpr::Select(parts) => Node::Select([self.expr(&parts[0]), self.expr(&parts[1]), self.expr(&parts[2])]),
        };
        self.add(node)
    }
}

impl Node {
    /// Whether the part has no value, whatever the variables are; what a condition leaves out does not count.
    fn is_refused(&self, known: &[Range], refused: &[bool]) -> bool {
        let is_zero = |position: &usize| match known[*position] {
            Range::Size(interval) => interval == (0, 0),
            Range::Value(values) => values.as_point().is_some_and(|point| point.ty.is_int() && point.bits == 0),
        };
        let of = |position: &usize| refused[*position];
        match self {
            Node::Var(_) | Node::Const(_) | Node::Scalar(_) => false,
            Node::Sum(terms) => terms.iter().any(|(_, factors)| factors.iter().any(of)),
            Node::Div(a, b) | Node::Rem(a, b) => of(a) || of(b) || is_zero(b),
            Node::Min(a, b) | Node::Max(a, b) => of(a) || of(b),
            Node::Dim(arg) | Node::Operand(arg) | Node::Cast(_, arg) => of(arg),
            Node::Op(op, args) => {
                let divides = matches!(op, Op::Div | Op::Rem | Op::TruncDiv | Op::TruncRem);
                args.iter().any(of) || (divides && is_zero(&args[1]))
            }
            Node::Select([cond, yes, no]) => {
                of(cond)
                    || match known[*cond].value().as_point() {
                        Some(decided) if decided.bits != 0 => of(yes),
                        Some(_) => of(no),
                        None => of(yes) && of(no),
                    }
            }
        }
    }

    fn eval(&self, vars: &[Interval], known: &[Range]) -> Range {
        let size = |position: &usize| known[*position].size();
        let value = |position: &usize| known[*position].value();
        let full = (i128::from(i32::MIN), GREATEST);
        let operand = |position: &usize| {
            let (lo, hi) = size(position);
            (lo.clamp(full.0, ALMOST), hi.clamp(full.0, ALMOST))
        };
        Range::Size(match self {
            Node::Var(position) => position.map_or((0, GREATEST), |position| vars[position]),
            Node::Sum(terms) => terms.iter().fold((0, 0), |sum, (coefficient, factors)| {
                let one = (i128::from(*coefficient), i128::from(*coefficient));
                plus(sum, factors.iter().fold(one, |term, factor| times(term, size(factor))))
            }),
            // A zero divisor is refused, so any result is right for it; a negative one is not looked into.
            Node::Div(a, b) => match (operand(a), operand(b)) {
                (_, b) if b.0 < 0 => full,
                (_, (_, 0)) => (0, 0),
                (a, (least, greatest)) => {
                    let b = (least.max(1), greatest);
                    hull(&[a.0.div_euclid(b.0), a.0.div_euclid(b.1), a.1.div_euclid(b.0), a.1.div_euclid(b.1)])
                }
            },
            Node::Rem(a, b) => match (operand(a), operand(b)) {
                (_, b) if b.0 < 0 => full,
                (a, b) if a.0 == a.1 && b.0 == b.1 && b.0 > 0 => (a.0.rem_euclid(b.0), a.0.rem_euclid(b.0)),
                (a, b) if a.0 >= 0 => (0, a.1.min((b.1 - 1).max(0))),
                (_, b) => (0, (b.1 - 1).max(0)),
            },
            Node::Min(a, b) => {
                let (a, b) = (operand(a), operand(b));
                (a.0.min(b.0), a.1.min(b.1))
            }
            Node::Max(a, b) => {
                let (a, b) = (operand(a), operand(b));
                (a.0.max(b.0), a.1.max(b.1))
            }
            Node::Dim(e) => {
                let value = value(e).cast(Scalar::I32);
                (value.least.as_int(), value.greatest.as_int())
            }
            Node::Operand(size_of) => {
                let (lo, hi) = size(size_of);
                return Range::Value(Values::int(Scalar::I32, lo.clamp(full.0, full.1), hi.clamp(full.0, full.1)));
            }
            Node::Const(constant) => {
                return Range::Value(Values::hull(&[*constant]).unwrap_or_else(|| Values::all(constant.ty)));
            }
            Node::Scalar(ty) => return Range::Value(Values::all(*ty)),
            Node::Op(op, args) => return Range::Value(apply(*op, &args.iter().map(value).collect::<Vec<_>>())),
            Node::Cast(to, arg) => return Range::Value(value(arg).cast(*to)),
            Node::Select([cond, yes, no]) => {
                return Range::Value(match value(cond).as_point() {
                    Some(decided) if decided.bits != 0 => value(yes),
                    Some(_) => value(no),
                    None => value(yes).or(value(no)),
                });
            }
        })
    }
}

/// The ends are infinite once they are far away.
fn plus(a: Interval, b: Interval) -> Interval {
    let lo = if a.0 <= -FAR || b.0 <= -FAR { -FAR } else { (a.0 + b.0).min(FAR) };
    let hi = if a.1 >= FAR || b.1 >= FAR { FAR } else { (a.1 + b.1).max(-FAR) };
    (lo, hi)
}

fn times(a: Interval, b: Interval) -> Interval {
    let product = |x: i128, y: i128| x.saturating_mul(y).clamp(-FAR, FAR);
    hull(&[product(a.0, b.0), product(a.0, b.1), product(a.1, b.0), product(a.1, b.1)])
}

fn hull(values: &[i128]) -> Interval {
    values.iter().fold((values[0], values[0]), |(lo, hi), value| (lo.min(*value), hi.max(*value)))
}
