//! Joins two loops that walk over adjacent memory into one.
//!
//! Before: `for x: 0..W { for c: 0..3 { y[r, x, c] = a[r, x + 1, c] } }`. After: `for z: 0..W*3 { y[r, 0, z] = a[r, 1,
//! z] }`: an index may leave its dimension, since memory is row-major. All accesses must have the inner index as
//! their last varying one, over a dimension of just that extent, with the outer index right before it.

use super::depends::{Definitions, Varying};
use super::{Expr, Loop, LoopKind, Program, Stmt, Ty, Var, VarId, build};
use crate::size::Size;
use crate::types::Scalar;

/// Joins loops in every kernel.
pub fn collapse(program: &mut Program) {
    for n in 0..program.kernels.len() {
        let mut body = std::mem::take(&mut program.kernels[n].body);
        let mut vars = std::mem::take(&mut program.kernels[n].vars);
        loop {
            let definitions = Definitions::within(&body, vars.len());
            if !step(program, &definitions, &mut vars, &mut body) {
                break;
            }
        }
        program.kernels[n].vars = vars;
        program.kernels[n].body = body;
    }
}

/// Joins the first two loops that can be joined, if there are such.
fn step(program: &Program, definitions: &Definitions, vars: &mut Vec<Var>, block: &mut Vec<Stmt>) -> bool {
    for at in 0..block.len() {
        if let Stmt::For(outer) = &block[at]
            && let Some(mut joined) = join(program, definitions, vars.len(), outer)
        {
            // A target may look at the end in every iteration, so it is a leaf.
            let mut lets = Vec::new();
            if !matches!(joined.hi, Expr::Const(_) | Expr::Size(_) | Expr::Var(_)) {
                let end = VarId(vars.len() as u32);
                vars.push(Var { name: "end".to_string(), ty: Ty::one(Scalar::I32) });
                lets.push(Stmt::Let(end, std::mem::replace(&mut joined.hi, Expr::Var(end))));
            }
            block.splice(at..=at, lets.into_iter().chain([Stmt::For(joined)]));
            return true;
        }
        if block[at].blocks_mut().into_iter().any(|block| step(program, definitions, vars, block)) {
            return true;
        }
    }
    false
}

/// The two loops as one.
fn join(program: &Program, definitions: &Definitions, count: usize, outer: &Loop) -> Option<Loop> {
    let (last, lets) = outer.body.split_last()?;
    let Stmt::For(inner) = last else { return None };
    let by_one = |nest: &Loop| build::as_int(&nest.step) == Some(1);
    let is_whole = build::as_int(&inner.lo) == Some(0) && by_one(inner) && by_one(outer);
    let is_free = |nest: &Loop| nest.kind != LoopKind::Ordered;
    if !is_free(outer) || !is_free(inner) || !is_whole || !lets.iter().all(|stmt| matches!(stmt, Stmt::Let(..))) {
        return None;
    }
    let extent = build::as_size(&inner.hi)?;
    // Only leaf loops: joining around other loops would hide their bounds. What is accumulated lies outside both.
    let between = |var: &VarId| lets.iter().any(|stmt| matches!(stmt, Stmt::Let(own, _) if own == var));
    let fits = |stmt: &Stmt| match stmt {
        Stmt::Let(..) | Stmt::Store { .. } => true,
        Stmt::Accumulate(var, ..) => !between(var),
        Stmt::Set(..) | Stmt::For(_) | Stmt::If(..) | Stmt::Fail(..) => false,
        Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => false,
    };
    if !inner.body.iter().all(fits) {
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
    let [lo, hi] = [&outer.lo, &outer.hi].map(|bound| build::mul(bound.clone(), inner.hi.clone()));
    // Lets that move with the outer loop fall away: every access that used them was rewritten. The others stay, inside
    // the loop, since what they load may be there only if the loop runs at all.
    let inside = body.split_off(lets.len());
    body.retain(|stmt| matches!(stmt, Stmt::Let(var, _) if !by_outer.has(*var)));
    body.extend(inside);
    Some(Loop { lo, hi, body, ..inner.clone() })
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
