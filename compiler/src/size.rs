//! Symbolic sizes in one normal form: used for types, bounds proofs, addresses and the memory plan.
//!
//! A [`Size`] is a polynomial with integer coefficients over [`Atom`]s. Equal sizes are equal values
//! of the type (`==`), as far as ring laws go; `a/b`, `a%b`, `min`, `max` fold when constant and are
//! opaque atoms otherwise; `dim(e)` atoms are equal when their expressions are equal.
//! A size's value always fits `i32` at run time: the plan refuses others before the call.

pub mod eval;
mod names;
mod substitute;

pub use self::names::SizeNames;
pub use self::substitute::Subst;
use crate::ops::Op;
use crate::types::{Const, Scalar};
use std::collections::BTreeMap;

/// A size variable, unique in one compilation. Names live in [`SizeNames`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SizeVar(pub u32);

/// A scalar parameter that occurs in a `dim(…)` expression, unique in one compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScalarVar(pub u32);

/// Something a size is made of that ring laws do not look into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A size variable.
    Var(SizeVar),
    /// Floor division.
    Div(Box<Size>, Box<Size>),
    /// Remainder with the divisor's sign.
    Rem(Box<Size>, Box<Size>),
    /// The smaller one.
    Min(Box<Size>, Box<Size>),
    /// The larger one.
    Max(Box<Size>, Box<Size>),
    /// `dim(e)`: the value of a pure scalar expression of sizes and scalar parameters, cast to `i32`.
    Dim(Box<DimExpr>),
}

/// The expression inside `dim(…)`: pure, scalar, over sizes and scalar parameters only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DimExpr {
    /// A constant.
    Const(Const),
    /// A size as an `i32`.
    Size(Size),
    /// A scalar parameter of a function or pipeline.
    Scalar(ScalarVar, Scalar),
    /// An operation; operands have equal types.
    Op(Op, Vec<DimExpr>),
    /// A cast.
    Cast(Scalar, Box<DimExpr>),
    /// `if c { a } else { b }`.
    Select(Box<[DimExpr; 3]>),
}

impl DimExpr {
    /// The expression's type.
    pub fn ty(&self) -> Scalar {
        match self {
            DimExpr::Const(value) => value.ty,
            DimExpr::Size(_) => Scalar::I32,
            DimExpr::Scalar(_, ty) | DimExpr::Cast(ty, _) => *ty,
            DimExpr::Op(op, args) => op.result(args[0].ty()).expect("operands were checked"),
            DimExpr::Select(parts) => parts[1].ty(),
        }
    }
}

type Monomial = Vec<Atom>;

/// A symbolic size in normal form.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size {
    /// Coefficient (never 0) of each product of atoms (sorted); the empty product is the constant.
    terms: BTreeMap<Monomial, i64>,
}

impl From<i64> for Size {
    fn from(value: i64) -> Self {
        Size::constant(value)
    }
}

impl From<SizeVar> for Size {
    fn from(var: SizeVar) -> Self {
        Size::atom(Atom::Var(var))
    }
}

/// Coefficients stay far inside `i64`: what would leave this range is clamped, and a size that large
/// is refused by the plan anyway.
const LIMIT: i64 = 1 << 62;

fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(-LIMIT), i128::from(LIMIT)) as i64
}

impl Size {
    /// A constant size.
    pub fn constant(value: i64) -> Size {
        let mut size = Size::default();
        size.add_term(Vec::new(), value);
        size
    }

    /// A single atom.
    pub fn atom(atom: Atom) -> Size {
        let mut size = Size::default();
        size.add_term(vec![atom], 1);
        size
    }

    fn add_term(&mut self, product: Monomial, coefficient: i64) {
        let entry = self.terms.entry(product).or_insert(0);
        *entry = clamp(i128::from(*entry) + i128::from(coefficient));
        if *entry == 0 {
            self.terms.retain(|_, coefficient| *coefficient != 0);
        }
    }

    /// The value, if it is a constant.
    pub fn as_const(&self) -> Option<i64> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// The variable, if it is just one.
    pub fn as_var(&self) -> Option<SizeVar> {
        match self.as_atom() {
            Some(Atom::Var(var)) => Some(*var),
            _ => None,
        }
    }

    /// The atom, if it is just one.
    pub fn as_atom(&self) -> Option<&Atom> {
        let (product, coefficient) = self.terms.iter().next()?;
        (self.terms.len() == 1 && *coefficient == 1 && product.len() == 1).then(|| &product[0])
    }

    /// `self = a*var + rest` with a constant `a` that is not 0 and a `rest` without `var`, if it has that form.
    pub fn solve_for(&self, var: SizeVar) -> Option<(i64, Size)> {
        let own = vec![Atom::Var(var)];
        let coefficient = *self.terms.get(&own)?;
        let mut rest = self.clone();
        rest.terms.remove(&own);
        (!rest.mentions(var)).then_some((coefficient, rest))
    }

    /// Whether the variable occurs anywhere in it.
    pub fn mentions(&self, var: SizeVar) -> bool {
        let mut vars = Vec::new();
        self.vars(&mut vars);
        vars.contains(&var)
    }

    /// The terms: products of atoms with their coefficients, in a fixed order.
    pub fn terms(&self) -> impl Iterator<Item = (&[Atom], i64)> {
        self.terms.iter().map(|(product, coefficient)| (product.as_slice(), *coefficient))
    }

    /// `self + other`.
    pub fn plus(&self, other: &Size) -> Size {
        let mut sum = self.clone();
        for (product, coefficient) in &other.terms {
            sum.add_term(product.clone(), *coefficient);
        }
        sum
    }

    /// `self - other`.
    pub fn minus(&self, other: &Size) -> Size {
        self.plus(&other.times_const(-1))
    }

    /// `self * factor`.
    pub fn times_const(&self, factor: i64) -> Size {
        self.times(&Size::constant(factor))
    }

    /// `self * other`.
    pub fn times(&self, other: &Size) -> Size {
        let mut result = Size::default();
        for (left, a) in &self.terms {
            for (right, b) in &other.terms {
                let mut product = left.clone();
                product.extend(right.iter().cloned());
                product.sort();
                result.add_term(product, clamp(i128::from(*a) * i128::from(*b)));
            }
        }
        result
    }

    /// Floor division; folds constants, `x/1`, and exact division of every coefficient.
    pub fn div(&self, other: &Size) -> Size {
        match (self.as_const(), other.as_const()) {
            (Some(a), Some(b)) if b != 0 => {
                return Size::constant(a.div_euclid(b) - i64::from(b < 0 && a.rem_euclid(b) != 0));
            }
            (_, Some(b)) if b != 0 && self.terms.values().all(|c| c % b == 0) => {
                let mut result = self.clone();
                result.terms.values_mut().for_each(|c| *c /= b);
                return result;
            }
            _ => {}
        }
        Size::atom(Atom::Div(Box::new(self.clone()), Box::new(other.clone())))
    }

    /// Remainder with the divisor's sign; folds as [`Size::div`] does.
    pub fn rem(&self, other: &Size) -> Size {
        match (self.as_const(), other.as_const()) {
            (Some(a), Some(b)) if b != 0 => {
                let r = a.rem_euclid(b);
                return Size::constant(if b < 0 && r != 0 { r + b } else { r });
            }
            (_, Some(b)) if b != 0 && self.terms.values().all(|c| c % b == 0) => return Size::constant(0),
            _ => {}
        }
        Size::atom(Atom::Rem(Box::new(self.clone()), Box::new(other.clone())))
    }

    /// The smaller one; folds when the difference is constant.
    pub fn smaller(&self, other: &Size) -> Size {
        match self.minus(other).as_const() {
            Some(difference) => {
                if difference <= 0 {
                    self.clone()
                } else {
                    other.clone()
                }
            }
            None => {
                let (a, b) = if self <= other { (self, other) } else { (other, self) };
                Size::atom(Atom::Min(Box::new(a.clone()), Box::new(b.clone())))
            }
        }
    }

    /// The larger one; folds when the difference is constant.
    pub fn larger(&self, other: &Size) -> Size {
        match self.minus(other).as_const() {
            Some(difference) => {
                if difference >= 0 {
                    self.clone()
                } else {
                    other.clone()
                }
            }
            None => {
                let (a, b) = if self <= other { (self, other) } else { (other, self) };
                Size::atom(Atom::Max(Box::new(a.clone()), Box::new(b.clone())))
            }
        }
    }

    /// `dim(e)`: an `i32` expression as a size. What ring laws can express becomes part of the normal form;
    /// a constant expression must have been folded by the caller.
    pub fn dim(expr: DimExpr) -> Size {
        match expr {
            DimExpr::Const(value) if value.ty.is_int() => Size::constant(value.as_int() as i64),
            DimExpr::Size(size) => size,
            other => match &other {
                DimExpr::Op(op, args) if other.ty() == Scalar::I32 && args.len() == 2 => {
                    let (a, b) = (Size::dim(args[0].clone()), Size::dim(args[1].clone()));
                    match op {
                        Op::Add => a.plus(&b),
                        Op::Sub => a.minus(&b),
                        Op::Mul => a.times(&b),
                        Op::Div => a.div(&b),
                        Op::Rem => a.rem(&b),
                        Op::Min => a.smaller(&b),
                        Op::Max => a.larger(&b),
                        _ => Size::atom(Atom::Dim(Box::new(other))),
                    }
                }
                _ => Size::atom(Atom::Dim(Box::new(other))),
            },
        }
    }

    /// The product of sizes; 1 for none.
    pub fn product<'a>(sizes: impl IntoIterator<Item = &'a Size>) -> Size {
        sizes.into_iter().fold(Size::constant(1), |product, size| product.times(size))
    }

    /// Appends all size variables in it, also those inside atoms, in order of occurrence, without repeats.
    pub fn vars(&self, out: &mut Vec<SizeVar>) {
        self.visit(&mut |leaf| {
            if let Leaf::Size(var) = leaf
                && !out.contains(&var)
            {
                out.push(var);
            }
        });
    }

    /// Appends all scalar parameters in it, without repeats.
    pub fn scalars(&self, out: &mut Vec<(ScalarVar, Scalar)>) {
        self.visit(&mut |leaf| {
            if let Leaf::Scalar(var, ty) = leaf
                && !out.contains(&(var, ty))
            {
                out.push((var, ty));
            }
        });
    }

    /// Calls `f` with each variable in it.
    pub fn visit(&self, f: &mut impl FnMut(Leaf)) {
        fn expr(e: &DimExpr, f: &mut dyn FnMut(Leaf)) {
            match e {
                DimExpr::Const(_) => {}
                DimExpr::Size(size) => walk(size, f),
                DimExpr::Scalar(var, ty) => f(Leaf::Scalar(*var, *ty)),
                DimExpr::Op(_, args) => args.iter().for_each(|arg| expr(arg, f)),
                DimExpr::Cast(_, arg) => expr(arg, f),
                DimExpr::Select(parts) => parts.iter().for_each(|arg| expr(arg, f)),
            }
        }
        fn walk(size: &Size, f: &mut dyn FnMut(Leaf)) {
            for atom in size.terms.keys().flatten() {
                match atom {
                    Atom::Var(var) => f(Leaf::Size(*var)),
                    Atom::Div(a, b) | Atom::Rem(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => {
                        walk(a, f);
                        walk(b, f);
                    }
                    Atom::Dim(e) => expr(e, f),
                }
            }
        }
        walk(self, f);
    }
}

/// A variable met by [`Size::visit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// A size variable.
    Size(SizeVar),
    /// A scalar parameter.
    Scalar(ScalarVar, Scalar),
}
