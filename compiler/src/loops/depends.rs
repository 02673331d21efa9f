//! What depends on what inside a loop: which variables change with its index, whether its iterations are independent,
//! how an element's place in memory moves with the index.

use super::{BufferId, Expr, Kernel, Loop, LoopKind, Program, Stmt, VarId, build};
use crate::ops::Op;
use crate::size::Size;

/// Facts about a kernel's variables.
pub struct Definitions {
    values: Vec<Option<Expr>>,
}

impl Definitions {
    /// Collects the definitions of a kernel.
    pub fn of(kernel: &Kernel) -> Definitions {
        Definitions::within(&kernel.body, kernel.vars.len())
    }

    /// Collects the definitions in statements of a kernel with so many variables.
    pub fn within(stmts: &[Stmt], vars: usize) -> Definitions {
        let mut values = vec![None; vars];
        let mut changes = vec![false; vars];
        build::visit(stmts, &mut |stmt| match stmt {
            Stmt::Let(var, value) => values[var.0 as usize] = Some(value.clone()),
            Stmt::Set(var, _) | Stmt::Accumulate(var, ..) => changes[var.0 as usize] = true,
            Stmt::For(_) | Stmt::Store { .. } | Stmt::If(..) | Stmt::Fail(..) => {}
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => {}
        });
        for (value, changes) in values.iter_mut().zip(changes) {
            if changes {
                *value = None;
            }
        }
        Definitions { values }
    }

    /// The definition of a variable that never changes after it; `None` for others and for loop indices.
    pub fn get(&self, var: VarId) -> Option<&Expr> {
        self.values.get(var.0 as usize)?.as_ref()
    }

    /// How much a sum of variables and sizes grows when `var` grows by one; `None` if it is not such a sum.
    pub fn coefficient(&self, expr: &Expr, var: VarId, varying: &Varying) -> Option<Size> {
        if !varying.mentions(expr) {
            return Some(Size::constant(0));
        }
        match expr {
            Expr::Var(other) if *other == var => Some(Size::constant(1)),
            Expr::Var(other) => self.coefficient(self.get(*other)?, var, varying),
            Expr::Op(op, args) => {
                let of = |n: usize| self.coefficient(&args[n], var, varying);
                match op {
                    Op::Add => Some(of(0)?.plus(&of(1)?)),
                    Op::Sub => Some(of(0)?.minus(&of(1)?)),
                    Op::Neg => Some(of(0)?.times_const(-1)),
                    Op::Mul => match (build::as_size(&args[0]), build::as_size(&args[1])) {
                        (Some(factor), _) => Some(of(1)?.times(&factor)),
                        (_, Some(factor)) => Some(of(0)?.times(&factor)),
                        _ => None,
                    },
                    _ => None,
                }
            }
            Expr::Const(_) | Expr::Size(_) | Expr::Cast(..) | Expr::Select(_) | Expr::Load(_) => None,
            Expr::Splat(..) | Expr::Ramp(..) | Expr::Lane(..) => None,
        }
    }

    /// How many elements an access moves when `var` grows by one; `None` if that is not the same everywhere.
    pub fn stride(
        &self,
        program: &Program,
        buffer: BufferId,
        index: &[Expr],
        var: VarId,
        varying: &Varying,
    ) -> Option<Size> {
        let mut total = Size::constant(0);
        let mut stride = Size::constant(1);
        for (index, dim) in index.iter().zip(&program.buffers[buffer.0 as usize].dims).rev() {
            total = total.plus(&self.coefficient(index, var, varying)?.times(&stride));
            stride = stride.times(dim);
        }
        Some(total)
    }
}

/// The variables whose values depend on a loop's index (or on any of several variables).
pub struct Varying {
    marked: Vec<bool>,
}

impl Varying {
    /// Marks everything in `stmts` that depends on `var`, by value or because a condition or a loop's bound does.
    pub fn on(var: VarId, stmts: &[Stmt], count: usize) -> Varying {
        let mut varying = Varying { marked: vec![false; count] };
        varying.marked[var.0 as usize] = true;
        while varying.spread(stmts, false) {}
        varying
    }

    /// Whether a variable depends on the index.
    pub fn has(&self, var: VarId) -> bool {
        self.marked.get(var.0 as usize) == Some(&true)
    }

    /// Whether an expression does.
    pub fn mentions(&self, expr: &Expr) -> bool {
        expr.any(&mut |part| matches!(part, Expr::Var(var) if self.has(*var)))
    }

    fn mark(&mut self, var: VarId) -> bool {
        !std::mem::replace(&mut self.marked[var.0 as usize], true)
    }

    fn spread(&mut self, stmts: &[Stmt], controlled: bool) -> bool {
        let mut changed = false;
        for stmt in stmts {
            match stmt {
                Stmt::Let(var, value) | Stmt::Set(var, value) | Stmt::Accumulate(var, _, value) => {
                    if controlled || self.mentions(value) {
                        changed |= self.mark(*var);
                    }
                }
                Stmt::For(nest) => {
                    let bounds = [&nest.lo, &nest.hi, &nest.step].into_iter().any(|bound| self.mentions(bound));
                    if controlled || bounds {
                        changed |= self.mark(nest.var);
                    }
                    changed |= self.spread(&nest.body, controlled || bounds);
                }
                Stmt::If(cond, then, other) => {
                    let controlled = controlled || self.mentions(cond);
                    changed |= self.spread(then, controlled);
                    changed |= self.spread(other, controlled);
                }
                // What a jump decides is not followed: a loop with one keeps its order.
                Stmt::Block(_, body) | Stmt::Repeat(body) => changed |= self.spread(body, controlled),
                Stmt::Store { .. } | Stmt::Fail(..) | Stmt::Leave(_) => {}
            }
        }
        changed
    }
}

/// The variables defined in statements.
pub fn defined(stmts: &[Stmt]) -> Vec<VarId> {
    let mut all = Vec::new();
    build::visit(stmts, &mut |stmt| match stmt {
        Stmt::Let(var, _) => all.push(*var),
        Stmt::For(nest) => all.push(nest.var),
        Stmt::Set(..) | Stmt::Accumulate(..) | Stmt::Store { .. } | Stmt::If(..) | Stmt::Fail(..) => {}
        Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => {}
    });
    all
}

/// Every access in statements: buffer, index, whether it is a store.
pub fn accesses(stmts: &[Stmt]) -> Vec<(BufferId, &[Expr], bool)> {
    let mut all = Vec::new();
    build::visit(stmts, &mut |stmt| {
        if let Stmt::Store { buffer, index, .. } = stmt {
            all.push((*buffer, index.as_slice(), true));
        }
        for expr in stmt.exprs() {
            expr.visit(&mut |part| {
                if let Expr::Load(load) = part {
                    all.push((load.buffer, load.index.as_slice(), false));
                }
            });
        }
    });
    all
}

/// Whether the iterations of a loop can run in any order: nothing defined outside is changed, and what is written
/// has the loop's index, perhaps plus what is the same in all iterations, as one of its indices in every access.
pub fn is_parallel(program: &Program, nest: &Loop) -> bool {
    if nest.kind == LoopKind::Ordered {
        return false;
    }
    let own = defined(&nest.body);
    let mut holds = true;
    build::visit(&nest.body, &mut |stmt| match stmt {
        Stmt::Set(var, _) | Stmt::Accumulate(var, ..) => holds &= own.contains(var),
        Stmt::Fail(..) | Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => holds = false,
        Stmt::Let(..) | Stmt::For(_) | Stmt::Store { .. } | Stmt::If(..) => {}
    });
    if !holds {
        return false;
    }
    let root = |buffer: BufferId| program.buffers[buffer.0 as usize].alias_of.unwrap_or(buffer);
    let all = accesses(&nest.body);
    let moves = |expr: &Expr| moves_with(expr, nest.var, &own);
    all.iter().filter(|(_, _, is_store)| *is_store).all(|(buffer, stored, _)| {
        let Some(dim) = stored.iter().position(moves) else { return false };
        all.iter()
            .filter(|(other, ..)| root(*other) == root(*buffer))
            .all(|(other, place, _)| other == buffer && place[dim] == stored[dim])
    })
}

/// Whether an index is a loop's index plus or minus what is the same in all its iterations; `own` are the variables
/// that the loop defines.
fn moves_with(expr: &Expr, index: VarId, own: &[VarId]) -> bool {
    let same = |expr: &Expr| {
        !expr.any(&mut |part| match part {
            Expr::Var(var) => *var == index || own.contains(var),
            Expr::Load(_) => true,
            _ => false,
        })
    };
    match expr {
        Expr::Var(var) => *var == index,
        Expr::Op(Op::Add, args) => {
            moves_with(&args[0], index, own) && same(&args[1]) || same(&args[0]) && moves_with(&args[1], index, own)
        }
        Expr::Op(Op::Sub, args) => moves_with(&args[0], index, own) && same(&args[1]),
        _ => false,
    }
}

/// The number of iterations, if it is a constant.
pub fn trip_count(nest: &Loop) -> Option<i64> {
    let (lo, hi, step) = (build::as_int(&nest.lo)?, build::as_int(&nest.hi)?, build::as_int(&nest.step)?);
    Some(((hi - lo).max(0) + step - 1) / step)
}
