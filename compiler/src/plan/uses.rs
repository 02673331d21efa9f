//! What a kernel uses: the buffers it touches and the sizes it computes with.

use crate::loops::{Access, BufferId, Expr, Kernel, Load, Stmt};
use crate::size::Size;
use std::collections::BTreeSet;

/// What a kernel uses.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// Buffers that it reads.
    pub reads: BTreeSet<BufferId>,
    /// Buffers that it writes.
    pub writes: BTreeSet<BufferId>,
    /// Sizes that are not constant.
    pub sizes: BTreeSet<Size>,
}

/// Collects what a kernel uses.
pub fn uses(kernel: &Kernel) -> Uses {
    let mut uses = Uses::default();
    uses.stmts(&kernel.body);
    uses
}

impl Uses {
    fn stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Let(_, value) | Stmt::Set(_, value) | Stmt::Accumulate(_, _, value) => self.expr(value),
                Stmt::For(l) => {
                    self.exprs([&l.lo, &l.hi, &l.step]);
                    self.stmts(&l.body);
                }
                Stmt::Store { buffer, index, value } => {
                    self.writes.insert(*buffer);
                    self.exprs(index);
                    self.expr(value);
                }
                Stmt::If(cond, then, other) => {
                    self.expr(cond);
                    self.stmts(then);
                    self.stmts(other);
                }
                Stmt::Fail(_, values) => self.exprs(values),
                Stmt::Block(_, body) | Stmt::Repeat(body) => self.stmts(body),
                Stmt::Leave(_) => {}
            }
        }
    }

    fn exprs<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Expr>) {
        for e in exprs {
            self.expr(e);
        }
    }

    fn expr(&mut self, e: &Expr) {
        match e {
            Expr::Const(_) | Expr::Var(_) => {}
            Expr::Size(size) => {
                if size.as_const().is_none() {
                    self.sizes.insert(size.clone());
                }
            }
            Expr::Op(_, args) => self.exprs(args),
            Expr::Cast(_, value) | Expr::Splat(value, _) | Expr::Ramp(value, _) | Expr::Lane(value, _) => {
                self.expr(value);
            }
            Expr::Select(parts) => self.exprs(&**parts),
            Expr::Load(load) => self.load(load),
        }
    }

    fn load(&mut self, load: &Load) {
        self.reads.insert(load.buffer);
        self.exprs(&load.index);
        match &load.access {
            Access::Gather { offsets, .. } => self.exprs(offsets),
            Access::One | Access::Contiguous(_) | Access::Strided { .. } => {}
        }
    }
}
