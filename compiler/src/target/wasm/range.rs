//! What is known of a kernel's values before it is emitted: ranges of `i32` values, constants behind variables.
//!
//! Ranges are sound for wrapping arithmetic: as soon as a result could leave its type, nothing is known of it.

use crate::loops::{Access, Buffer, Expr, Kernel, Stmt, VarId};
use crate::ops::Op;
use crate::size::{Atom, Size};
use crate::types::{Const, Scalar};

/// Least and greatest value.
pub type Range = (i64, i64);

/// What is known of a kernel's variables.
#[derive(Debug)]
pub struct Known<'a> {
    buffers: &'a [Buffer],
    kernel: &'a Kernel,
    /// Variables that are set after their definition.
    mutable: Vec<bool>,
    ranges: Vec<Option<Range>>,
    definitions: Vec<Option<&'a Expr>>,
}

/// Collects what is known of the variables of a kernel.
pub fn known<'a>(kernel: &'a Kernel, buffers: &'a [Buffer]) -> Known<'a> {
    let count = kernel.vars.len();
    let mut known = Known {
        buffers,
        kernel,
        mutable: vec![false; count],
        ranges: vec![None; count],
        definitions: vec![None; count],
    };
    known.find_mutable(&kernel.body);
    known.define(&kernel.body);
    known
}

impl<'a> Known<'a> {
    fn find_mutable(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Set(var, _) | Stmt::Accumulate(var, _, _) => self.mutable[var.0 as usize] = true,
                other => other.blocks().into_iter().for_each(|block| self.find_mutable(block)),
            }
        }
    }

    fn define(&mut self, stmts: &'a [Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Let(var, value) if !self.mutable[var.0 as usize] => {
                    self.ranges[var.0 as usize] = self.range(value);
                    self.definitions[var.0 as usize] = Some(value);
                }
                Stmt::For(l) => {
                    if !self.mutable[l.var.0 as usize]
                        && let (Some(lo), Some(hi)) = (self.range(&l.lo), self.range(&l.hi))
                    {
                        // Inside the body the index is below the bound, so the body is not entered if this is empty.
                        self.ranges[l.var.0 as usize] = Some((lo.0, (hi.1 - 1).max(lo.0)));
                    }
                    self.define(&l.body);
                }
                other => other.blocks().into_iter().for_each(|block| self.define(block)),
            }
        }
    }

    /// The expression that a variable stands for, if it is never set again.
    pub fn definition(&self, var: VarId) -> Option<&'a Expr> {
        self.definitions[var.0 as usize]
    }

    /// The constant that every lane of the expression has.
    pub fn constant(&self, e: &Expr) -> Option<Const> {
        match e {
            Expr::Const(value) => Some(*value),
            Expr::Splat(value, _) => self.constant(value),
            Expr::Var(var) => self.definition(*var).and_then(|e| self.constant(e)),
            Expr::Size(size) => size.as_const().map(|value| Const::int(Scalar::I32, i128::from(value))),
            Expr::Op(..) | Expr::Cast(..) | Expr::Select(_) | Expr::Load(_) | Expr::Ramp(..) | Expr::Lane(..) => None,
        }
    }

    /// The element type of an expression.
    pub fn scalar(&self, e: &Expr) -> Scalar {
        match e {
            Expr::Const(value) => value.ty,
            Expr::Var(var) => self.kernel.vars[var.0 as usize].ty.scalar,
            Expr::Size(_) | Expr::Ramp(..) => Scalar::I32,
            Expr::Op(op, args) => op.result(self.scalar(&args[0])).expect("operands were checked"),
            Expr::Cast(to, _) => *to,
            Expr::Select(parts) => self.scalar(&parts[1]),
            Expr::Load(load) => match self.buffers[load.buffer.0 as usize].elem {
                Scalar::F16 => Scalar::F32,
                elem => elem,
            },
            Expr::Splat(value, _) | Expr::Lane(value, _) => self.scalar(value),
        }
    }

    /// The range of an integer expression of one lane and at most 32 bits; `None` if nothing is known.
    pub fn range(&self, e: &Expr) -> Option<Range> {
        let ty = self.scalar(e);
        if !ty.is_int() || ty.bits() > 32 {
            return None;
        }
        let (least, greatest) = ty.int_range()?;
        let all = (least as i64, greatest as i64);
        let found = match e {
            Expr::Const(value) => Some((value.as_int() as i64, value.as_int() as i64)),
            Expr::Var(var) => self.ranges[var.0 as usize],
            Expr::Size(size) => Some(size_range(size)),
            Expr::Op(op, args) => self.op_range(*op, args),
            Expr::Cast(_, value) => self.range(value),
            Expr::Select(parts) => {
                let (a, b) = (self.range(&parts[1])?, self.range(&parts[2])?);
                Some((a.0.min(b.0), a.1.max(b.1)))
            }
            Expr::Load(load) if load.access == Access::One => None,
            Expr::Load(_) | Expr::Splat(..) | Expr::Ramp(..) | Expr::Lane(..) => return None,
        };
        Some(found.filter(|range| all.0 <= range.0 && range.1 <= all.1).unwrap_or(all))
    }

    fn op_range(&self, op: Op, args: &[Expr]) -> Option<Range> {
        let a = self.range(&args[0])?;
        let b = self.range(args.get(1)?)?;
        match op {
            // What leaves 64 bits left the operation's own type before, and nothing is known then.
            Op::Add => Some((a.0.saturating_add(b.0), a.1.saturating_add(b.1))),
            Op::Sub => Some((a.0.saturating_sub(b.1), a.1.saturating_sub(b.0))),
            Op::Mul => {
                let corners = [(a.0, b.0), (a.0, b.1), (a.1, b.0), (a.1, b.1)].map(|(x, y)| x.saturating_mul(y));
                Some((*corners.iter().min()?, *corners.iter().max()?))
            }
            Op::Min => Some((a.0.min(b.0), a.1.min(b.1))),
            Op::Max => Some((a.0.max(b.0), a.1.max(b.1))),
            Op::Div if b.0 > 0 => {
                let corners = [a.0.div_euclid(b.0), a.0.div_euclid(b.1), a.1.div_euclid(b.0), a.1.div_euclid(b.1)];
                Some((*corners.iter().min()?, *corners.iter().max()?))
            }
            Op::Rem if b.0 > 0 => Some((0, if a.0 >= 0 { a.1.min(b.1 - 1) } else { b.1 - 1 })),
            Op::TruncDiv | Op::TruncRem if a.0 >= 0 && b.0 > 0 => Some((0, a.1)),
            Op::And if b.0 >= 0 => Some((0, b.1)),
            Op::And if a.0 >= 0 => Some((0, a.1)),
            Op::Shr if a.0 >= 0 => Some((0, a.1)),
            _ => None,
        }
    }

    /// Whether an integer expression is certainly not negative.
    pub fn not_negative(&self, e: &Expr) -> bool {
        self.range(e).is_some_and(|range| range.0 >= 0)
    }
}

/// The range of a size that the plan accepted: it fits `i32`.
fn size_range(size: &Size) -> Range {
    let full = (i64::from(i32::MIN), i64::from(i32::MAX));
    if let Some(value) = size.as_const() {
        return (value, value);
    }
    let mut least = 0i64;
    for (product, coefficient) in size.terms() {
        match product {
            [] => least = coefficient,
            _ if coefficient < 0 || !product.iter().all(atom_not_negative) => return full,
            _ => {}
        }
    }
    (least.max(full.0), full.1)
}

fn atom_not_negative(atom: &Atom) -> bool {
    let at_least = |size: &Size, limit: i64| size_range(size).0 >= limit;
    match atom {
        Atom::Var(_) => true,
        Atom::Div(a, b) => at_least(a, 0) && at_least(b, 1),
        Atom::Rem(_, b) => at_least(b, 1),
        Atom::Min(a, b) => at_least(a, 0) && at_least(b, 0),
        Atom::Max(a, b) => at_least(a, 0) || at_least(b, 0),
        Atom::Dim(_) => false,
    }
}
