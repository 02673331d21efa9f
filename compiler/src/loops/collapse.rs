//! Joins two loops that walk over adjacent memory into one.
//!
//! Before: `for x: 0..W { for c: 0..3 { y[r, x, c] = a[r, x + 1, c] } }`. After: `for z: 0..W*3 { y[r, 0, z] = a[r, 1,
//! z] }`: an index may leave its dimension, since memory is row-major. All accesses must have the inner index as
//! their last varying one, over a dimension of just that extent, with the outer index right before it.

use super::depends::{Definitions, Varying};
use super::{Expr, Kernel, Loop, LoopKind, Program, Stmt, VarId, build};
use crate::size::Size;

/// Joins loops in every kernel, innermost first.
pub fn collapse(program: &mut Program) {
    for n in 0..program.kernels.len() {
        let mut body = std::mem::take(&mut program.kernels[n].body);
        while step(program, n, &mut body) {}
        program.kernels[n].body = body;
    }
}

fn step(program: &Program, kernel: usize, body: &mut [Stmt]) -> bool {
    let kernel = &program.kernels[kernel];
    let probe = Kernel { body: body.to_vec(), ..kernel.clone() };
    let definitions = Definitions::of(&probe);
    let mut changed = false;
    build::visit_mut(body, &mut |stmt| {
        if let Stmt::For(outer) = stmt
            && !changed
            && let Some(joined) = join(program, &definitions, kernel.vars.len(), outer)
        {
            *outer = joined;
            changed = true;
        }
    });
    changed
}

/// The two loops as one.
fn join(program: &Program, definitions: &Definitions, count: usize, outer: &Loop) -> Option<Loop> {
    let (last, lets) = outer.body.split_last()?;
    let Stmt::For(inner) = last else { return None };
    let starts_at_zero = |nest: &Loop| build::as_int(&nest.lo) == Some(0) && build::as_int(&nest.step) == Some(1);
    if outer.kind == LoopKind::Ordered || inner.kind == LoopKind::Ordered {
        return None;
    }
    if !starts_at_zero(outer) || !starts_at_zero(inner) || !lets.iter().all(|stmt| matches!(stmt, Stmt::Let(..))) {
        return None;
    }
    let extent = build::as_size(&inner.hi)?;
    build::as_size(&outer.hi)?;
    // Only leaf loops: joining around other loops would hide their bounds.
    let has_loops = inner.body.iter().any(|stmt| !matches!(stmt, Stmt::Let(..) | Stmt::Store { .. }));
    if has_loops {
        return None;
    }
    let by_outer = Varying::on(outer.var, &outer.body, count);
    let by_inner = Varying::on(inner.var, &inner.body, count);
    let pair = Pair { program, definitions, by_outer: &by_outer, by_inner: &by_inner, outer, inner, extent: &extent };
    let mut body: Vec<Stmt> = lets.to_vec();
    body.extend(inner.body.iter().cloned());
    // What stands between the loops must be made of addresses: it is needed no more.
    for stmt in lets {
        let Stmt::Let(var, _) = stmt else { return None };
        definitions.coefficient(&Expr::Var(*var), outer.var, &by_outer)?;
    }
    for stmt in &mut body {
        let lets_only =
            matches!(stmt, Stmt::Let(var, _) if lets.iter().any(|l| matches!(l, Stmt::Let(v, _) if v == var)));
        if lets_only {
            continue;
        }
        pair.stmt(stmt)?;
    }
    let hi = build::mul(outer.hi.clone(), inner.hi.clone());
    // The lets between the loops fall away: every access that used them was rewritten.
    let body = body.split_off(lets.len());
    Some(Loop { hi, body, ..inner.clone() })
}

struct Pair<'a> {
    program: &'a Program,
    definitions: &'a Definitions,
    by_outer: &'a Varying,
    by_inner: &'a Varying,
    outer: &'a Loop,
    inner: &'a Loop,
    extent: &'a Size,
}

impl Pair<'_> {
    fn stmt(&self, stmt: &mut Stmt) -> Option<()> {
        if let Stmt::Store { buffer, index, .. } = stmt {
            *index = self.access(*buffer, index)?;
        }
        let exprs = match stmt {
            Stmt::Store { value, .. } => vec![value],
            other => other.exprs_mut(),
        };
        exprs.into_iter().try_for_each(|expr| self.expr(expr))
    }

    /// Outside of indices neither loop's index may be used, nor what is made of it except loads.
    fn expr(&self, expr: &mut Expr) -> Option<()> {
        match expr {
            Expr::Load(load) => {
                load.index = self.access(load.buffer, &load.index)?;
                Some(())
            }
            Expr::Var(var) => {
                let is_value = self.defined_inside(*var) || !(self.by_outer.has(*var) || self.by_inner.has(*var));
                is_value.then_some(())
            }
            _ => expr.children_mut().into_iter().try_for_each(|child| self.expr(child)),
        }
    }

    /// Whether a variable is a let of the inner body whose value is not made of indices alone.
    fn defined_inside(&self, var: VarId) -> bool {
        self.inner.body.iter().any(|stmt| matches!(stmt, Stmt::Let(own, _) if *own == var))
            && self.definitions.coefficient(&Expr::Var(var), self.inner.var, self.by_inner).is_none_or(|_| {
                self.definitions.coefficient(&Expr::Var(var), self.outer.var, self.by_outer).is_none()
                    || !(self.by_outer.has(var) || self.by_inner.has(var))
            })
    }

    /// The index of an access in the joined loop.
    fn access(&self, buffer: super::BufferId, index: &[Expr]) -> Option<Vec<Expr>> {
        let dims = &self.program.buffers[buffer.0 as usize].dims;
        let zero = Size::constant(0);
        let one = Size::constant(1);
        let of = |expr: &Expr| {
            let outer = self.definitions.coefficient(expr, self.outer.var, self.by_outer)?;
            let inner = self.definitions.coefficient(expr, self.inner.var, self.by_inner)?;
            Some((outer, inner))
        };
        let moves: Vec<(Size, Size)> = index.iter().map(of).collect::<Option<_>>()?;
        let position = moves.iter().position(|(outer, inner)| *outer != zero || *inner != zero);
        let Some(outer_at) = position else { return Some(index.to_vec()) };
        let inner_at = outer_at + 1;
        let rest_still = moves.get(inner_at + 1..)?.iter().all(|(outer, inner)| *outer == zero && *inner == zero);
        let fits = moves[outer_at] == (one.clone(), zero.clone())
            && *moves.get(inner_at)? == (zero, one)
            && dims[inner_at] == *self.extent
            && index[inner_at] == Expr::Var(self.inner.var)
            && rest_still;
        if !fits {
            return None;
        }
        let mut joined = index.to_vec();
        joined[outer_at] = self.without_outer(&index[outer_at])?;
        Some(joined)
    }

    /// An index without the outer loop's index, which it contains once.
    fn without_outer(&self, expr: &Expr) -> Option<Expr> {
        if !self.by_outer.mentions(expr) {
            return Some(expr.clone());
        }
        match expr {
            Expr::Var(var) if *var == self.outer.var => Some(build::int(0)),
            Expr::Var(var) => self.without_outer(self.definitions.get(*var)?),
            Expr::Op(crate::ops::Op::Add, args) => {
                Some(build::add(self.without_outer(&args[0])?, self.without_outer(&args[1])?))
            }
            Expr::Op(crate::ops::Op::Sub, args) if !self.by_outer.mentions(&args[1]) => {
                Some(build::sub(self.without_outer(&args[0])?, args[1].clone()))
            }
            _ => None,
        }
    }
}
