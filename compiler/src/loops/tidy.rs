//! Removes what the passes before left over: variables that nobody reads, and variables that are read once, right
//! where they are defined.
//!
//! Before: `let a = x[i]; let b = a * 2; y[i] = b`. After: `y[i] = x[i] * 2`. Values, and the order of loads relative
//! to stores, stay as they are.

use super::{Expr, Kernel, Program, Stmt, VarId, build};
use std::collections::BTreeMap;

/// Removes superfluous variables from every kernel.
pub fn tidy(program: &mut Program) {
    for kernel in &mut program.kernels {
        remove_unused(&mut kernel.body, kernel.vars.len());
        let uses = uses(&kernel.body, kernel.vars.len());
        let mut body = std::mem::take(&mut kernel.body);
        inline(&mut body, &uses);
        kernel.body = body;
        kernel.short.clear();
        compact(kernel);
    }
}

/// Removes variables that do not occur from the kernel's list.
fn compact(kernel: &mut Kernel) {
    let mut occurs = vec![false; kernel.vars.len()];
    for (known, used) in occurs.iter_mut().zip(uses(&kernel.body, kernel.vars.len())) {
        *known = used > 0;
    }
    for var in super::depends::defined(&kernel.body) {
        occurs[var.0 as usize] = true;
    }
    let mut names = BTreeMap::new();
    let mut kept = Vec::new();
    for (n, var) in std::mem::take(&mut kernel.vars).into_iter().enumerate() {
        if occurs[n] {
            names.insert(VarId(n as u32), Expr::Var(VarId(kept.len() as u32)));
            kept.push(var);
        }
    }
    kernel.vars = kept;
    super::rename::replace(&mut kernel.body, &names);
}

/// How often each variable is read or changed.
fn uses(body: &[Stmt], vars: usize) -> Vec<usize> {
    let mut uses = vec![0; vars];
    build::visit(body, &mut |stmt| {
        if let Stmt::Accumulate(var, ..) | Stmt::Set(var, _) = stmt {
            // A variable that changes is never inlined.
            uses[var.0 as usize] += 2;
        }
        for expr in stmt.exprs() {
            expr.visit(&mut |part| {
                if let Expr::Var(var) = part {
                    uses[var.0 as usize] += 1;
                }
            });
        }
    });
    uses
}

/// Removes definitions of variables that are never read, until none is left, and loops and conditions around nothing.
/// `vars` is the number of the kernel's variables; what is defined in `body` must not be used outside of it.
pub fn remove_unused(body: &mut Vec<Stmt>, vars: usize) {
    let mut uses = uses(body, vars);
    loop {
        let mut removed = Vec::new();
        remove(body, &uses, &mut removed);
        if removed.is_empty() {
            return;
        }
        for value in removed {
            value.visit(&mut |part| {
                if let Expr::Var(var) = part {
                    uses[var.0 as usize] -= 1;
                }
            });
        }
    }
}

fn remove(stmts: &mut Vec<Stmt>, uses: &[usize], removed: &mut Vec<Expr>) {
    for stmt in std::mem::take(stmts) {
        match stmt {
            Stmt::Let(var, value) if uses[var.0 as usize] == 0 => removed.push(value),
            mut kept => {
                for block in kept.blocks_mut() {
                    remove(block, uses, removed);
                }
                let is_empty = match &kept {
                    Stmt::For(nest) => nest.body.is_empty(),
                    Stmt::If(_, then, other) => then.is_empty() && other.is_empty(),
                    Stmt::Block(_, body) => body.is_empty(),
                    Stmt::Let(..) | Stmt::Set(..) | Stmt::Accumulate(..) | Stmt::Store { .. } => false,
                    // What never ends is not nothing.
                    Stmt::Fail(..) | Stmt::Repeat(_) | Stmt::Leave(_) => false,
                };
                if is_empty {
                    removed.extend(kept.exprs().into_iter().cloned());
                } else {
                    stmts.push(kept);
                }
            }
        }
    }
}

/// Puts definitions with one use into the statement that uses them, if that stands in the same block and nothing in
/// between changes the value.
fn inline(stmts: &mut Vec<Stmt>, uses: &[usize]) {
    let mut out: Vec<Stmt> = Vec::new();
    // Definitions that wait for their use.
    let mut waiting: Vec<(VarId, Expr)> = Vec::new();
    for mut stmt in std::mem::take(stmts) {
        // A loop's bounds stay variables: a target may look at them in every iteration.
        if !matches!(stmt, Stmt::For(_)) {
            for expr in stmt.exprs_mut() {
                fill(expr, &mut waiting);
            }
        }
        for block in stmt.blocks_mut() {
            inline(block, uses);
        }
        if let Stmt::Let(var, value) = stmt {
            if uses[var.0 as usize] == 1 {
                waiting.push((var, value));
            } else {
                out.push(Stmt::Let(var, value));
            }
            continue;
        }
        let mut kept = Vec::new();
        for (var, value) in waiting.drain(..) {
            if moves_past(&value, &stmt) && !uses_var(&stmt, var) {
                kept.push((var, value));
            } else {
                out.push(Stmt::Let(var, value));
            }
        }
        waiting = kept;
        out.push(stmt);
    }
    out.extend(waiting.into_iter().map(|(var, value)| Stmt::Let(var, value)));
    *stmts = out;
}

fn fill(expr: &mut Expr, waiting: &mut Vec<(VarId, Expr)>) {
    if let Expr::Var(var) = expr {
        if let Some(found) = waiting.iter().position(|(waiting, _)| waiting == var) {
            *expr = waiting.remove(found).1;
        }
        return;
    }
    for child in expr.children_mut() {
        fill(child, waiting);
    }
}

fn uses_var(stmt: &Stmt, var: VarId) -> bool {
    let mut found = false;
    build::visit(std::slice::from_ref(stmt), &mut |inner| {
        for expr in inner.exprs() {
            found |= expr.any(&mut |part| *part == Expr::Var(var));
        }
    });
    found
}

/// Whether a value is the same after a statement as before it.
fn moves_past(value: &Expr, stmt: &Stmt) -> bool {
    let mut holds = true;
    build::visit(std::slice::from_ref(stmt), &mut |inner| match inner {
        // Buffers may share memory, so a load never moves past a store.
        Stmt::Store { .. } => holds &= !value.any(&mut |part| matches!(part, Expr::Load(_))),
        Stmt::Set(var, _) | Stmt::Accumulate(var, ..) => holds &= !value.any(&mut |part| *part == Expr::Var(*var)),
        // What a call does before it fails cannot be seen, but a load moved past the check might be unsafe.
        Stmt::Fail(..) => holds &= !value.any(&mut |part| matches!(part, Expr::Load(_))),
        Stmt::Let(..) | Stmt::For(_) | Stmt::If(..) => {}
        // Only what stands behind it may be left out, and the value's use does.
        Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => {}
    });
    holds
}
