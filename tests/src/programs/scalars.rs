//! Scalar expressions of a wanted type.
//!
//! Everything but a literal beside an operand of known type says its own type, so that no expression is left open and takes
//! another type than was meant.

use super::frame::{Class, Generator, Kind};
use super::sizes::steps;
use super::tree::{self, BinaryOp, Block, Expr, ReduceOp, UnaryOp};
use kcc_compiler::size::Size;
use kcc_compiler::types::Scalar;

/// An operation of two operands: an operator, or a name.
#[derive(Clone, Copy, Debug)]
pub enum Binary {
    /// An operator.
    Infix(BinaryOp),
    /// A call.
    Named(&'static str),
}

impl Binary {
    /// Whether it fails if the second operand is zero.
    pub fn divides(self) -> bool {
        matches!(self, Binary::Infix(BinaryOp::Div | BinaryOp::Rem) | Binary::Named("trunc_div" | "trunc_rem"))
    }

    /// The operation on these operands.
    pub fn on(self, left: Expr, right: Expr) -> Expr {
        match self {
            Binary::Infix(op) => tree::binary(op, left, right),
            Binary::Named(name) => tree::call(name, vec![left, right]),
        }
    }
}

impl Generator {
    /// A scalar expression.
    pub fn scalar(&mut self, elem: Scalar, depth: usize) -> Expr {
        if depth == 0 || !self.spend() {
            return self.leaf(elem, depth);
        }
        match self.random.weighted(&[22, 24, 8, 10, 7, 5, 7, 4, 3]) {
            0 => self.leaf(elem, depth),
            1 => self.binary(elem, depth),
            2 => self.unary(elem, depth),
            3 => self.cast(elem, depth),
            4 => self.condition_of(elem, depth),
            5 => self.attempt(|g| g.reduction(elem, depth)).unwrap_or_else(|| self.leaf(elem, depth)),
            6 => self.attempt(|g| g.scalar_call(elem, depth)).unwrap_or_else(|| self.binary(elem, depth)),
            7 => self.attempt(|g| g.math(elem, depth)).unwrap_or_else(|| self.binary(elem, depth)),
            _ => {
                let inner = self.block(depth - 1, |generator, depth| generator.scalar(elem, depth));
                tree::expr(tree::ExprKind::Block(inner))
            }
        }
    }

    /// An expression as the value of a block, sometimes with statements before it.
    pub fn block(&mut self, depth: usize, value: impl FnOnce(&mut Self, usize) -> Expr) -> Block {
        self.scoped(|generator| {
            let mut stmts = Vec::new();
            while generator.random.percent(15) {
                let elem = generator.number();
                let value = generator.scalar(elem, depth.min(2));
                let name = generator.fresh("v");
                generator.bind(&name, Kind::Value(super::frame::Tensor { elem, dims: Vec::new() }));
                stmts.push(tree::let_(&name, value));
            }
            let value = value(generator, depth);
            tree::block(stmts, value)
        })
    }

    fn leaf(&mut self, elem: Scalar, depth: usize) -> Expr {
        let is_access = |kind: &Kind| matches!(kind, Kind::Value(t) if loads(t.elem, elem) && !t.dims.is_empty());
        let accessible = self.locals(|local| is_access(&local.kind));
        if !accessible.is_empty() && self.random.percent(65) {
            let position = self.random.pick(&accessible);
            return self.access(position, depth.saturating_sub(1));
        }
        if accessible.is_empty()
            && self.random.percent(50)
            && let Some(value) = self.converted_access(elem)
        {
            return value;
        }
        if self.random.percent(30) && depth > 0 {
            return self.cast(elem, 1);
        }
        self.atom(elem)
    }

    /// An element of some tensor, as this type.
    fn converted_access(&mut self, elem: Scalar) -> Option<Expr> {
        let tensors = self.locals(|local| matches!(&local.kind, Kind::Value(t) if !t.dims.is_empty()));
        if tensors.is_empty() {
            return None;
        }
        let position = self.random.pick(&tensors);
        let Kind::Value(tensor) = self.frame.locals[position].kind.clone() else { return None };
        let value = self.access(position, 0);
        if elem != Scalar::Bool {
            return Some(tree::call(self.elem_name(elem), vec![value]));
        }
        let limit = self.literal(super::tensors::computed(tensor.elem));
        let op = self.random.pick(&[BinaryOp::Lt, BinaryOp::Ge, BinaryOp::Eq, BinaryOp::Ne]);
        // `bool` is not ordered; but then the access would have been one of this type.
        Some(tree::binary(op, value, limit))
    }

    /// A name or a literal.
    pub fn atom(&mut self, elem: Scalar) -> Expr {
        let scalars = self.locals(|local| match &local.kind {
            Kind::Value(t) => t.elem == elem && t.dims.is_empty(),
            Kind::Index(_) | Kind::Size => elem == Scalar::I32,
            Kind::Function(..) => false,
        });
        if !scalars.is_empty() && self.random.percent(80) {
            let position = self.random.pick(&scalars);
            return self.use_local(position);
        }
        let literal = self.literal(elem);
        self.typed_literal(elem, literal)
    }

    /// A literal, whose type something else decides.
    pub fn literal(&mut self, elem: Scalar) -> Expr {
        if elem == Scalar::Bool {
            return tree::expr(tree::ExprKind::Bool(self.random.percent(50)));
        }
        if let Some(class) = self.class(elem) {
            let value = self.random.below(8);
            return if class == Class::Float { tree::float(value as f64 * 0.5) } else { tree::int(value as i128) };
        }
        if elem.is_float() {
            let values = [0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 3.0, 0.1, 1.0e10, -0.75, 255.0, 1.0e-5];
            let special = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, 65504.0, 1.0e-40, 3.0e38, 2147483648.0];
            return tree::float(if elem != Scalar::F16 && self.random.percent(10) {
                self.random.pick(&special)
            } else {
                self.random.pick(&values[..8])
            });
        }
        let (low, high) = elem.int_range().expect("an integer type");
        let value = match self.random.below(10) {
            0 => low,
            1 => high,
            2 => high / 2 + 1,
            3 => i128::from(self.random.bits()) % (high + 1),
            _ => self.random.below(9) as i128 - if elem.is_signed() { 4 } else { 0 },
        };
        tree::int(value)
    }

    /// A literal that says its type.
    pub fn typed_literal(&self, elem: Scalar, literal: Expr) -> Expr {
        if elem == Scalar::Bool { literal } else { tree::call(self.elem_name(elem), vec![literal]) }
    }

    /// A second operand: often a bare literal.
    fn operand(&mut self, elem: Scalar, depth: usize) -> Expr {
        if self.random.percent(25) && elem != Scalar::Bool { self.literal(elem) } else { self.scalar(elem, depth) }
    }

    /// An operation whose result has this type, and the type of its operands.
    pub fn binary_op(&mut self, elem: Scalar) -> (Binary, Scalar) {
        use Binary::{Infix, Named};
        use BinaryOp::*;
        if elem == Scalar::Bool {
            if self.random.percent(25) {
                return (self.random.pick(&[Infix(BitAnd), Infix(BitOr), Infix(BitXor), Infix(Eq), Infix(Ne)]), elem);
            }
            let op = self.random.pick(&[Eq, Ne, Lt, Le, Gt, Ge]);
            return (Infix(op), self.number());
        }
        let plain = [Infix(Add), Infix(Sub), Infix(Mul), Infix(Add), Infix(Mul), Named("min"), Named("max")];
        let class = self.class(elem);
        let is_int = elem.is_int() && class != Some(Class::Number);
        let op = if self.random.percent(60) || class == Some(Class::Number) {
            self.random.pick(&plain)
        } else if is_int {
            let own = [Infix(Div), Infix(Rem), Infix(BitAnd), Infix(BitOr), Infix(BitXor), Infix(Shl), Infix(Shr)];
            if self.random.percent(15) {
                self.random.pick(&[Named("trunc_div"), Named("trunc_rem")])
            } else {
                self.random.pick(&own)
            }
        } else {
            self.random.pick(&[Infix(Div), Infix(Div), Named("copysign")])
        };
        (op, elem)
    }

    fn binary(&mut self, elem: Scalar, depth: usize) -> Expr {
        if elem == Scalar::Bool && self.random.percent(20) {
            let op = self.random.pick(&[BinaryOp::And, BinaryOp::Or]);
            let left = self.scalar(elem, depth - 1);
            let right = self.conditional(|generator| generator.scalar(elem, depth - 1));
            return tree::binary(op, left, right);
        }
        let (op, operands) = self.binary_op(elem);
        let left = self.scalar(operands, depth - 1);
        if op.divides() && operands.is_int() {
            let right = self.divisor(operands, depth - 1);
            return op.on(left, right);
        }
        let right = self.operand(operands, depth - 1);
        let commutes_types = !matches!(left.kind, tree::ExprKind::Bool(_));
        if commutes_types && self.random.percent(30) { op.on(right, left) } else { op.on(left, right) }
    }

    /// An integer that is not zero; seldom one that may be.
    fn divisor(&mut self, elem: Scalar, depth: usize) -> Expr {
        let may_fail = !self.frame.is_total && self.random.percent(2);
        let candidates =
            self.locals(|local| matches!(&local.kind, Kind::Value(t) if t.elem == elem && !t.dims.is_empty()));
        if may_fail && !candidates.is_empty() {
            let position = self.random.pick(&candidates);
            return self.access(position, 0);
        }
        match self.random.below(3) {
            0 if self.class(elem).is_none() => {
                let values: &[i128] = if elem.is_signed() { &[1, 2, 3, 7, -1, -2, -3, 16] } else { &[1, 2, 3, 7, 16] };
                tree::int(self.random.pick(values))
            }
            1 => {
                let inner = self.scalar(elem, depth);
                tree::call("max", vec![inner, tree::int(1)])
            }
            _ => {
                let inner = self.scalar(elem, depth);
                tree::binary(BinaryOp::BitOr, inner, tree::int(1))
            }
        }
    }

    fn unary(&mut self, elem: Scalar, depth: usize) -> Expr {
        let inner = |generator: &mut Self, elem| generator.scalar(elem, depth - 1);
        if elem == Scalar::Bool {
            let value = inner(self, elem);
            return tree::unary(UnaryOp::Not, value);
        }
        let class = self.class(elem);
        let names: &[&'static str] = match (elem, class) {
            (_, Some(Class::Number)) => &["abs"],
            (Scalar::U32, None) => &["~", "clz", "ctz", "popcount", "bits"],
            (Scalar::U64, None) => &["~", "clz", "ctz", "popcount", "bits"],
            (elem, _) if elem.is_int() => &["abs", "~", "clz", "ctz", "popcount"],
            (_, Some(_)) => &["abs", "sqrt", "floor", "ceil", "trunc", "round"],
            (_, None) => &["abs", "sqrt", "floor", "ceil", "trunc", "round", "from_bits", "square"],
        };
        if self.random.percent(30) {
            let value = inner(self, elem);
            return tree::unary(UnaryOp::Neg, value);
        }
        match self.random.pick(names) {
            "~" => {
                let value = inner(self, elem);
                tree::unary(UnaryOp::BitNot, value)
            }
            "bits" => {
                let value = inner(self, if elem == Scalar::U32 { Scalar::F32 } else { Scalar::F64 });
                tree::call("bits", vec![value])
            }
            "from_bits" => {
                let value = inner(self, if elem == Scalar::F32 { Scalar::U32 } else { Scalar::U64 });
                tree::call("from_bits", vec![value])
            }
            name => {
                let value = inner(self, elem);
                tree::call(name, vec![value])
            }
        }
    }

    fn cast(&mut self, elem: Scalar, depth: usize) -> Expr {
        if elem == Scalar::Bool {
            let from = self.number();
            let (left, right) = (self.scalar(from, depth - 1), self.operand(from, 0));
            let op = self.random.pick(&[BinaryOp::Ne, BinaryOp::Lt, BinaryOp::Ge]);
            return tree::binary(op, left, right);
        }
        if elem == Scalar::F32 && self.class(elem).is_none() && self.random.percent(8) {
            let value = self.scalar(elem, depth - 1);
            return tree::call("f32", vec![tree::call("f16", vec![value])]);
        }
        let from = if self.random.percent(10) { Scalar::Bool } else { self.number() };
        let value = self.scalar(from, depth - 1);
        tree::call(self.elem_name(elem), vec![value])
    }

    fn condition_of(&mut self, elem: Scalar, depth: usize) -> Expr {
        let cond = self.scalar(Scalar::Bool, depth - 1);
        let then = self.conditional(|g| g.block(depth - 1, |g, depth| g.scalar(elem, depth)));
        let otherwise = self.conditional(|g| g.block(depth - 1, |g, depth| g.operand(elem, depth)));
        tree::if_(cond, then, otherwise)
    }

    /// A range to reduce over, for an index of this name.
    fn reduced_range(&mut self, name: &str, is_argument: bool, depth: usize) -> Option<Reduced> {
        let range = |axis, most, below, is_whole| Reduced { axis, most, below: Some(below), is_whole };
        let outer = self.locals(|local| matches!(&local.kind, Kind::Index(Some(_))));
        let affordable: Vec<Size> = self.affordable();
        if is_argument {
            let sure: Vec<Size> = affordable.into_iter().filter(|size| self.sizes.sure(size) >= 1).collect();
            if sure.is_empty() {
                return None;
            }
            let extent = self.random.pick(&sure);
            let hi = self.sizes.write(&extent);
            let most = self.sizes.greatest(&extent);
            return Some(range(tree::axis(name, tree::int(0), hi, None), most, extent, true));
        }
        let zero = tree::int(0);
        match self.random.weighted(&[10, if outer.is_empty() { 0 } else { 3 }, 2, 2, 1]) {
            1 => {
                let position = self.random.pick(&outer);
                let Kind::Index(Some(below)) = self.frame.locals[position].kind.clone() else { return None };
                let most = self.sizes.greatest(&below);
                if !self.affords(most) {
                    return None;
                }
                let index = self.use_local(position);
                if self.random.percent(50) {
                    let hi = tree::binary(BinaryOp::Add, index, tree::int(1));
                    Some(range(tree::axis(name, zero, hi, None), most, below, false))
                } else {
                    let hi = self.sizes.write(&below);
                    Some(range(tree::axis(name, index, hi, None), most, below, false))
                }
            }
            2 => {
                // Bounds that the data decides.
                let lo = self.scalar(Scalar::I32, depth.min(1));
                let hi = self.scalar(Scalar::I32, depth.min(1));
                let lo = tree::binary(BinaryOp::BitAnd, lo, tree::int(3));
                let hi = tree::binary(BinaryOp::BitAnd, hi, tree::int(15));
                if !self.affords(16) {
                    return None;
                }
                match affordable.is_empty() || self.random.percent(40) {
                    true => Some(range(tree::axis(name, lo, hi, None), 16, Size::constant(15), false)),
                    false => {
                        let below = self.random.pick(&affordable);
                        let hi = tree::call("min", vec![hi, self.sizes.write(&below)]);
                        Some(range(tree::axis(name, lo, hi, None), 16, below, false))
                    }
                }
            }
            3 if !affordable.is_empty() => {
                let extent = self.random.pick(&affordable);
                let lo = tree::int(self.random.below(3) as i128);
                let step = self.random.below(3) as i128 + 1;
                let hi = self.sizes.write(&extent);
                let most = self.sizes.greatest(&steps(&extent, step as i64));
                Some(range(tree::axis(name, lo, hi, Some(tree::int(step))), most, extent, false))
            }
            4 => {
                let count = self.random.pick(&[1, 3, 4, 5, 9]);
                self.affords(count).then(|| {
                    let hi = tree::int(i128::from(count));
                    range(tree::axis(name, zero, hi, None), count, Size::constant(count), true)
                })
            }
            _ if !affordable.is_empty() => {
                let extent = self.random.pick(&affordable);
                let hi = self.sizes.write(&extent);
                Some(range(tree::axis(name, zero, hi, None), self.sizes.greatest(&extent), extent, true))
            }
            _ => None,
        }
    }

    /// A reduction that gives this type.
    pub fn reduction(&mut self, elem: Scalar, depth: usize) -> Option<Expr> {
        let wide = self.class(elem).is_some() || elem.is_float() || (elem.is_int() && elem.bits() >= 32);
        let (op, body) = match elem {
            Scalar::Bool => (self.random.pick(&[ReduceOp::Any, ReduceOp::All]), elem),
            Scalar::I32 if self.random.percent(30) => match self.random.below(3) {
                0 => (ReduceOp::Count, Scalar::Bool),
                1 => (ReduceOp::ArgMax, self.number()),
                _ => (ReduceOp::ArgMin, self.number()),
            },
            _ if wide && self.random.percent(60) => {
                let ops = [ReduceOp::Sum, ReduceOp::Sum, ReduceOp::Sum, ReduceOp::Prod];
                (self.random.pick(&ops), elem)
            }
            _ => (self.random.pick(&[ReduceOp::Max, ReduceOp::Min]), elem),
        };
        let is_argument = matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin);
        let (axes, body) = self.reduced(op, body, if is_argument { 1 } else { 2 }, depth)?;
        Some(tree::expr(tree::ExprKind::Reduce { op, scan: false, axes, body }))
    }

    /// The axes (at most `most`) and body of a reduction.
    pub fn reduced(
        &mut self,
        op: ReduceOp,
        body: Scalar,
        most: usize,
        depth: usize,
    ) -> Option<(Vec<tree::Axis>, Block)> {
        let is_argument = matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin);
        let count = if most > 1 && self.random.percent(25) { 2 } else { 1 };
        self.over(count, is_argument, depth, |generator| {
            generator.block(depth.saturating_sub(1), |g, depth| g.scalar(body, depth.max(1)))
        })
    }

    fn over(
        &mut self,
        count: usize,
        is_argument: bool,
        depth: usize,
        body: impl FnOnce(&mut Self) -> Block,
    ) -> Option<(Vec<tree::Axis>, Block)> {
        let scope = self.frame.locals.len();
        let before = self.frame.work;
        let opened = self.frame.open.len();
        let mut axes = Vec::new();
        for _ in 0..count {
            let name = self.fresh("k");
            let Some(range) = self.attempt(|g| g.reduced_range(&name, is_argument, depth)) else { break };
            self.multiply_work(range.most);
            self.bind(&name, Kind::Index(range.below.clone()));
            axes.push((range.axis, range.below.filter(|_| range.is_whole)));
        }
        for (axis, _) in &axes {
            self.open(&axis.name.text);
        }
        let result = (!axes.is_empty()).then(|| body(self));
        let axes = self.close(opened, axes);
        self.frame.work = before;
        self.frame.locals.truncate(scope);
        result.map(|body| (axes, body))
    }
}

/// A range to reduce over.
struct Reduced {
    axis: tree::Axis,
    /// The greatest number of steps.
    most: i64,
    /// What its index stays below.
    below: Option<Size>,
    /// Whether it is all of `0..below`.
    is_whole: bool,
}

/// Whether an element of this type can be read as one of that type: halves are widened.
pub fn loads(elem: Scalar, wanted: Scalar) -> bool {
    elem == wanted || (elem == Scalar::F16 && wanted == Scalar::F32)
}
