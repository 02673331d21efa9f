//! Symbolic sizes in one normal form: used for types, bounds proofs, addresses and the memory plan.
//!
//! A [`Size`] is a polynomial with integer coefficients over [`Atom`]s. Equal sizes are equal values
//! of the type (`==`), as far as ring laws go; `a/b`, `a%b`, `min`, `max` fold when constant and are
//! opaque atoms otherwise; `dim(e)` atoms are equal when their expressions are equal.
//! A size's value always fits `i32` at run time: the plan refuses others before the call.

pub mod eval;

use crate::ops::Op;
use crate::types::{Const, Scalar};
use std::collections::BTreeMap;
use std::fmt::{self, Write};

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

    /// Replaces variables; the result is in normal form again, with constants folded by `Subst::fold`.
    pub fn substitute(&self, subst: &Subst<'_>) -> Size {
        let mut result = Size::default();
        for (product, coefficient) in &self.terms {
            let mut term = Size::constant(*coefficient);
            for atom in product {
                let value = match atom {
                    Atom::Var(var) => (subst.size)(*var),
                    Atom::Div(a, b) => a.substitute(subst).div(&b.substitute(subst)),
                    Atom::Rem(a, b) => a.substitute(subst).rem(&b.substitute(subst)),
                    Atom::Min(a, b) => a.substitute(subst).smaller(&b.substitute(subst)),
                    Atom::Max(a, b) => a.substitute(subst).larger(&b.substitute(subst)),
                    Atom::Dim(e) => Size::dim(e.substitute(subst)),
                };
                term = term.times(&value);
            }
            result = result.plus(&term);
        }
        result
    }
}

impl DimExpr {
    /// Replaces variables and folds what became constant.
    pub fn substitute(&self, subst: &Subst<'_>) -> DimExpr {
        let replaced = match self {
            DimExpr::Const(_) => return self.clone(),
            DimExpr::Size(size) => {
                let size = size.substitute(subst);
                return match size.as_const() {
                    Some(value) => DimExpr::Const(Const::int(Scalar::I32, i128::from(value))),
                    None => DimExpr::Size(size),
                };
            }
            DimExpr::Scalar(var, ty) => return (subst.scalar)(*var, *ty),
            DimExpr::Op(op, args) => DimExpr::Op(*op, args.iter().map(|arg| arg.substitute(subst)).collect()),
            DimExpr::Cast(to, arg) => DimExpr::Cast(*to, Box::new(arg.substitute(subst))),
            DimExpr::Select(parts) => DimExpr::Select(Box::new([
                parts[0].substitute(subst),
                parts[1].substitute(subst),
                parts[2].substitute(subst),
            ])),
        };
        replaced.fold()
    }

    /// Evaluates one level if all operands are constants; a division by a constant zero stays.
    pub fn fold(self) -> DimExpr {
        let constant = |e: &DimExpr| if let DimExpr::Const(value) = e { Some(*value) } else { None };
        match &self {
            DimExpr::Op(op, args) => match args.iter().map(constant).collect::<Option<Vec<_>>>() {
                Some(values) if !(op.divides(values[0].ty) && values[1].as_int() == 0) => {
                    DimExpr::Const(crate::ops::eval::apply(*op, &values))
                }
                _ => self,
            },
            DimExpr::Cast(to, arg) => match constant(arg) {
                Some(value) => DimExpr::Const(crate::ops::eval::cast(*to, value)),
                None => self,
            },
            DimExpr::Select(parts) => match constant(&parts[0]) {
                Some(value) if value.bits != 0 => parts[1].clone(),
                Some(_) => parts[2].clone(),
                None => self,
            },
            _ => self,
        }
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

/// What [`Size::substitute`] puts in the place of variables.
pub struct Subst<'a> {
    /// For a size variable.
    pub size: &'a dyn Fn(SizeVar) -> Size,
    /// For a scalar parameter.
    pub scalar: &'a dyn Fn(ScalarVar, Scalar) -> DimExpr,
}

/// Names of size variables and scalar parameters, for messages and printed IR.
#[derive(Clone, Debug, Default)]
pub struct SizeNames {
    sizes: Vec<String>,
    scalars: Vec<String>,
}

impl SizeNames {
    /// A new size variable.
    pub fn new_size(&mut self, name: impl Into<String>) -> SizeVar {
        self.sizes.push(name.into());
        SizeVar(self.sizes.len() as u32 - 1)
    }

    /// A new scalar parameter.
    pub fn new_scalar(&mut self, name: impl Into<String>) -> ScalarVar {
        self.scalars.push(name.into());
        ScalarVar(self.scalars.len() as u32 - 1)
    }

    /// The variable's name as the user wrote it.
    pub fn size(&self, var: SizeVar) -> &str {
        &self.sizes[var.0 as usize]
    }

    /// The parameter's name as the user wrote it.
    pub fn scalar(&self, var: ScalarVar) -> &str {
        &self.scalars[var.0 as usize]
    }

    /// A size in the user's terms: `2*H + 1`.
    pub fn show(&self, size: &Size) -> String {
        let mut out = String::new();
        self.write_size(&mut out, size);
        out
    }

    /// A shape in the user's terms: `[H, W, 3]`.
    pub fn show_dims(&self, dims: &[Size]) -> String {
        let dims: Vec<String> = dims.iter().map(|dim| self.show(dim)).collect();
        format!("[{}]", dims.join(", "))
    }

    fn write_size(&self, out: &mut String, size: &Size) {
        // The constant stands last, as people write it.
        let mut terms: Vec<_> = size.terms.iter().collect();
        terms.sort_by_key(|(product, _)| product.is_empty());
        if terms.is_empty() {
            out.push('0');
        }
        for (position, (product, coefficient)) in terms.into_iter().enumerate() {
            match (position, *coefficient < 0) {
                (0, true) => out.push('-'),
                (0, false) => {}
                (_, true) => out.push_str(" - "),
                (_, false) => out.push_str(" + "),
            }
            let magnitude = coefficient.unsigned_abs();
            if product.is_empty() || magnitude != 1 {
                let _ = write!(out, "{magnitude}");
            }
            for (index, atom) in product.iter().enumerate() {
                if index > 0 || magnitude != 1 {
                    out.push('*');
                }
                self.write_atom(out, atom);
            }
        }
    }

    fn write_operand(&self, out: &mut String, size: &Size) {
        if size.as_atom().is_some() || size.as_const().is_some_and(|value| value >= 0) {
            self.write_size(out, size);
        } else {
            out.push('(');
            self.write_size(out, size);
            out.push(')');
        }
    }

    fn write_atom(&self, out: &mut String, atom: &Atom) {
        match atom {
            Atom::Var(var) => out.push_str(self.size(*var)),
            Atom::Div(a, b) | Atom::Rem(a, b) => {
                out.push('(');
                self.write_operand(out, a);
                out.push_str(if matches!(atom, Atom::Div(..)) { " / " } else { " % " });
                self.write_operand(out, b);
                out.push(')');
            }
            Atom::Min(a, b) | Atom::Max(a, b) => {
                let _ = write!(
                    out,
                    "{}({}, {})",
                    if matches!(atom, Atom::Min(..)) { "min" } else { "max" },
                    self.show(a),
                    self.show(b)
                );
            }
            Atom::Dim(e) => {
                let _ = write!(out, "dim({})", self.show_expr(e));
            }
        }
    }

    /// A `dim` expression in the user's terms.
    pub fn show_expr(&self, expr: &DimExpr) -> String {
        match expr {
            DimExpr::Const(value) => value.to_string(),
            DimExpr::Size(size) => self.show(size),
            DimExpr::Scalar(var, _) => self.scalar(*var).to_string(),
            DimExpr::Cast(to, arg) => format!("{to}({})", self.show_expr(arg)),
            DimExpr::Select(parts) => {
                let [c, a, b] = &**parts;
                format!("if {} {{ {} }} else {{ {} }}", self.show_expr(c), self.show_expr(a), self.show_expr(b))
            }
            DimExpr::Op(op, args) if args.len() == 2 && !op.name().starts_with(|c: char| c.is_alphabetic()) => {
                format!("({} {} {})", self.show_expr(&args[0]), op.name(), self.show_expr(&args[1]))
            }
            DimExpr::Op(op, args) => {
                let args: Vec<String> = args.iter().map(|arg| self.show_expr(arg)).collect();
                format!("{}({})", op.name(), args.join(", "))
            }
        }
    }
}

impl fmt::Display for SizeVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}
