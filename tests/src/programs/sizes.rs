//! Sizes of a generated program: symbolic in the compiler's own normal form, so that two extents which are equal here are
//! equal to the compiler, with the values that the program's calls will give them.
//!
//! Inside a function the values are not known; what must hold there is decided by the least value that a size may have.

use super::tree::{self, BinaryOp, Expr};
use kcc_compiler::size::eval::SizeValues;
use kcc_compiler::size::{Atom, Size, SizeNames, SizeVar};

/// How many times each program is called, each time with other sizes and elements.
pub const CALLS: usize = 3;

/// What a size variable of a function is taken to be where work is estimated.
const NOMINAL: i64 = 6;
/// More than any size that is generated.
const HUGE: i64 = 1 << 20;

/// What is known of a size variable.
#[derive(Clone, Copy, Debug)]
struct Info {
    /// Its value at each call.
    values: [i64; CALLS],
    /// Its least value, declared by a fact or 0.
    least: i64,
    /// Whether the values are only nominal.
    is_nominal: bool,
}

/// The size variables of a program.
#[derive(Debug, Default)]
pub struct Sizes {
    names: SizeNames,
    infos: Vec<Info>,
}

impl Sizes {
    /// A size variable of a pipeline.
    pub fn known(&mut self, name: &str, values: [i64; CALLS], least: i64) -> SizeVar {
        self.infos.push(Info { values, least, is_nominal: false });
        self.names.new_size(name)
    }

    /// A size variable of a function.
    pub fn unknown(&mut self, name: &str, least: i64) -> SizeVar {
        self.infos.push(Info { values: [NOMINAL.max(least); CALLS], least, is_nominal: true });
        self.names.new_size(name)
    }

    /// The variable's name.
    pub fn name(&self, var: SizeVar) -> &str {
        self.names.size(var)
    }

    /// The least value that was declared for a variable.
    pub fn declared_least(&self, var: SizeVar) -> i64 {
        self.infos[var.0 as usize].least
    }

    /// The value at a call.
    pub fn value(&self, size: &Size, call: usize) -> i64 {
        let mut values = SizeValues::default();
        let mut vars = Vec::new();
        size.vars(&mut vars);
        for var in vars {
            values.sizes.insert(var, self.infos[var.0 as usize].values[call]);
        }
        values.size(size).unwrap_or(-1)
    }

    /// The greatest value over all calls.
    pub fn greatest(&self, size: &Size) -> i64 {
        (0..CALLS).map(|call| self.value(size, call)).max().unwrap_or(0)
    }

    /// What the size is at least, at every call.
    pub fn sure(&self, size: &Size) -> i64 {
        let mut vars = Vec::new();
        size.vars(&mut vars);
        if vars.iter().any(|var| self.infos[var.0 as usize].is_nominal) {
            self.interval(size).0
        } else {
            (0..CALLS).map(|call| self.value(size, call)).min().unwrap_or(0)
        }
    }

    fn interval(&self, size: &Size) -> (i64, i64) {
        let (mut low, mut high) = (0i64, 0i64);
        for (product, coefficient) in size.terms() {
            let (mut a, mut b) = (coefficient, coefficient);
            for atom in product {
                let (c, d) = self.atom_interval(atom);
                let ends = [a.saturating_mul(c), a.saturating_mul(d), b.saturating_mul(c), b.saturating_mul(d)];
                (a, b) = (ends.into_iter().min().unwrap_or(0), ends.into_iter().max().unwrap_or(0));
            }
            (low, high) = (low.saturating_add(a), high.saturating_add(b));
        }
        (low, high)
    }

    fn atom_interval(&self, atom: &Atom) -> (i64, i64) {
        match atom {
            Atom::Var(var) => (self.infos[var.0 as usize].least, HUGE),
            Atom::Div(a, b) => match (self.interval(a), b.as_const()) {
                ((low, high), Some(divisor)) if divisor > 0 => (low.div_euclid(divisor), high.div_euclid(divisor)),
                _ => (-HUGE, HUGE),
            },
            Atom::Rem(_, b) => (0, b.as_const().unwrap_or(HUGE) - 1),
            Atom::Min(a, b) => {
                let ((a, b), (c, d)) = (self.interval(a), self.interval(b));
                (a.min(c), b.min(d))
            }
            Atom::Max(a, b) => {
                let ((a, b), (c, d)) = (self.interval(a), self.interval(b));
                (a.max(c), b.max(d))
            }
            Atom::Dim(_) => (-HUGE, HUGE),
        }
    }

    /// The size as it is written.
    pub fn write(&self, size: &Size) -> Expr {
        let mut sum: Option<Expr> = None;
        let mut terms: Vec<_> = size.terms().collect();
        // What is added stands first, the constant last.
        terms.sort_by_key(|(product, coefficient)| (*coefficient < 0, product.is_empty()));
        for (product, coefficient) in terms {
            let mut term = product.iter().map(|atom| self.write_atom(atom)).collect::<Vec<_>>();
            if product.is_empty() || coefficient.abs() != 1 {
                term.insert(0, tree::int(i128::from(coefficient.abs())));
            }
            let term = term
                .into_iter()
                .reduce(|left, right| tree::binary(BinaryOp::Mul, left, right))
                .expect("a term has a factor");
            sum = Some(match (sum, coefficient < 0) {
                (None, false) => term,
                (None, true) => tree::binary(BinaryOp::Sub, tree::int(0), term),
                (Some(sum), false) => tree::binary(BinaryOp::Add, sum, term),
                (Some(sum), true) => tree::binary(BinaryOp::Sub, sum, term),
            });
        }
        sum.unwrap_or_else(|| tree::int(0))
    }

    fn write_atom(&self, atom: &Atom) -> Expr {
        match atom {
            Atom::Var(var) => tree::ident(self.name(*var)),
            Atom::Div(a, b) => tree::binary(BinaryOp::Div, self.write(a), self.write(b)),
            Atom::Rem(a, b) => tree::binary(BinaryOp::Rem, self.write(a), self.write(b)),
            Atom::Min(a, b) => tree::call("min", vec![self.write(a), self.write(b)]),
            Atom::Max(a, b) => tree::call("max", vec![self.write(a), self.write(b)]),
            Atom::Dim(_) => unreachable!("sizes made by `dim` are variables here"),
        }
    }
}

/// How many steps of this width a range of this length takes, in the compiler's normal form.
pub fn steps(length: &Size, step: i64) -> Size {
    length.plus(&Size::constant(step - 1)).div(&Size::constant(step))
}
