//! Scheduled Loop IR → flat Loop IR: each access becomes a buffer plus one byte offset.
//!
//! Before: `x[i + 1, j]` of `x: f32[N, M]`. After: `x[a + j*4]` with `a = i*(4*M) + 4*M` in front of the loop over `j`.
//! An offset is a sum of terms; the terms that a loop does not change are added up in front of it, and equal sums are
//! shared. A constant stands last in the offset, so that a target can put it into the instruction.
//! Guarantees: sizes occur only in lets at the head of a kernel. Index arithmetic is modulo 2^32, so terms may be
//! added in any order.

use super::{Expr, Load, Loop, Program, Stmt, Ty, Var, VarId, build};
use crate::ops::Op;
use crate::size::{Size, SizeVar};
use crate::types::Scalar;

/// Makes every access one byte offset.
pub fn flatten(program: &mut Program) {
    for n in 0..program.kernels.len() {
        let kernel = &mut program.kernels[n];
        let body = std::mem::take(&mut kernel.body);
        let vars = std::mem::take(&mut kernel.vars);
        let decided = kernel.decided.clone();
        let mut settable = vec![false; vars.len()];
        build::visit(&body, &mut |stmt| {
            if let Stmt::Set(var, _) | Stmt::Accumulate(var, ..) = stmt {
                settable[var.0 as usize] = true;
            }
        });
        let count = vars.len();
        let mut flattener = Flattener {
            program,
            vars,
            settable,
            depth: vec![0; count],
            affine: vec![None; count],
            frames: Vec::new(),
            sizes: Vec::new(),
            decided,
        };
        let body = flattener.block(body);
        let head = flattener.sizes.into_iter().map(|(size, var)| Stmt::Let(var, Expr::Size(size)));
        let (head, vars) = (head.collect::<Vec<_>>(), flattener.vars);
        let kernel = &mut program.kernels[n];
        kernel.vars = vars;
        kernel.body = head.into_iter().chain(body).collect();
    }
}

/// A block under construction.
#[derive(Default)]
struct Frame {
    stmts: Vec<Stmt>,
    /// Sums of offset terms that have a variable here.
    sums: Vec<(Expr, VarId)>,
}

struct Flattener<'a> {
    program: &'a Program,
    vars: Vec<Var>,
    /// Variables that change after their definition.
    settable: Vec<bool>,
    /// The frame in which each variable is defined.
    depth: Vec<usize>,
    /// The definition of a variable that is a sum of variables and sizes.
    affine: Vec<Option<Expr>>,
    frames: Vec<Frame>,
    /// Sizes that have a variable at the head of the kernel.
    sizes: Vec<(Size, VarId)>,
    /// Variables that hold sizes which the data decides.
    decided: Vec<(SizeVar, VarId)>,
}

/// A sum of terms under construction.
#[derive(Default)]
struct Sum {
    terms: Vec<(Expr, Size)>,
    constant: Size,
}

impl Flattener<'_> {
    fn var(&mut self, name: &str, depth: usize) -> VarId {
        self.vars.push(Var { name: name.to_string(), ty: Ty::one(Scalar::I32) });
        self.settable.push(false);
        self.depth.push(depth);
        self.affine.push(None);
        VarId(self.vars.len() as u32 - 1)
    }

    fn top(&self) -> usize {
        self.frames.len() - 1
    }

    fn block(&mut self, stmts: Vec<Stmt>) -> Vec<Stmt> {
        self.frames.push(Frame::default());
        for stmt in stmts {
            let stmt = self.stmt(stmt);
            self.frames.last_mut().expect("a frame is open").stmts.push(stmt);
        }
        self.frames.pop().expect("a frame is open").stmts
    }

    fn stmt(&mut self, stmt: Stmt) -> Stmt {
        match stmt {
            Stmt::Let(var, value) => {
                self.depth[var.0 as usize] = self.top();
                if !self.settable[var.0 as usize] && is_affine(&value) {
                    self.affine[var.0 as usize] = Some(value.clone());
                }
                Stmt::Let(var, self.expr(value))
            }
            Stmt::Set(var, value) => Stmt::Set(var, self.expr(value)),
            Stmt::Accumulate(var, op, value) => Stmt::Accumulate(var, op, self.expr(value)),
            Stmt::For(Loop { var, lo, hi, step, kind, body }) => {
                let (lo, hi, step) = (self.expr(lo), self.expr(hi), self.expr(step));
                self.depth[var.0 as usize] = self.top() + 1;
                Stmt::For(Loop { var, lo, hi, step, kind, body: self.block(body) })
            }
            Stmt::Store { buffer, index, value } => {
                let value = self.expr(value);
                Stmt::Store { buffer, index: vec![self.offset(buffer, index)], value }
            }
            Stmt::If(cond, then, other) => Stmt::If(self.expr(cond), self.block(then), self.block(other)),
            Stmt::Block(label, body) => Stmt::Block(label, self.block(body)),
            Stmt::Repeat(body) => Stmt::Repeat(self.block(body)),
            Stmt::Leave(label) => Stmt::Leave(label),
            Stmt::Fail(failure, values) => {
                Stmt::Fail(failure, values.into_iter().map(|value| self.expr(value)).collect())
            }
        }
    }

    fn expr(&mut self, mut expr: Expr) -> Expr {
        match expr {
            Expr::Size(size) => self.size(&size),
            Expr::Load(Load { buffer, index, mut access }) => {
                if let super::Access::Gather { offsets, .. } = &mut access {
                    *offsets = std::mem::take(offsets).into_iter().map(|offset| self.expr(offset)).collect();
                }
                Expr::Load(Load { buffer, index: vec![self.offset(buffer, index)], access })
            }
            _ => {
                for child in expr.children_mut() {
                    let taken = std::mem::replace(child, build::int(0));
                    *child = self.expr(taken);
                }
                expr
            }
        }
    }

    /// A size as a constant or a variable.
    fn size(&mut self, size: &Size) -> Expr {
        if let Some(value) = size.as_const() {
            return build::int(value);
        }
        if self.decided.iter().any(|(var, _)| size.mentions(*var)) {
            let value = build::decided_size(size, &self.decided);
            return self.expr(value);
        }
        if let Some((_, var)) = self.sizes.iter().find(|(known, _)| known == size) {
            return Expr::Var(*var);
        }
        let var = self.var("size", 0);
        self.sizes.push((size.clone(), var));
        Expr::Var(var)
    }

    /// The byte offset of an element.
    fn offset(&mut self, buffer: super::BufferId, index: Vec<Expr>) -> Expr {
        let buffer = &self.program.buffers[buffer.0 as usize];
        let mut stride = Size::constant(i64::from(buffer.elem.bytes()));
        let mut sum = Sum::default();
        for (index, dim) in index.into_iter().zip(&buffer.dims).rev() {
            self.add(&mut sum, index, &stride);
            stride = stride.times(dim);
        }
        self.total(sum)
    }

    /// Adds `scale * expr`.
    fn add(&mut self, sum: &mut Sum, expr: Expr, scale: &Size) {
        if let Some(size) = build::as_size(&expr) {
            sum.constant = sum.constant.plus(&size.times(scale));
            return;
        }
        match expr {
            Expr::Var(var) if self.affine[var.0 as usize].is_some() => {
                let definition = self.affine[var.0 as usize].clone().expect("just seen");
                self.add(sum, definition, scale);
            }
            Expr::Op(op @ (Op::Add | Op::Sub), args) => {
                let [a, b] = <[Expr; 2]>::try_from(args).expect("two operands");
                self.add(sum, a, scale);
                self.add(sum, b, &if op == Op::Sub { scale.times_const(-1) } else { scale.clone() });
            }
            Expr::Op(Op::Neg, mut args) => self.add(sum, args.remove(0), &scale.times_const(-1)),
            Expr::Op(Op::Mul, args) if args.iter().any(|arg| build::as_size(arg).is_some()) => {
                let [a, b] = <[Expr; 2]>::try_from(args).expect("two operands");
                let (factor, other) = match build::as_size(&a) {
                    Some(factor) => (factor, b),
                    None => (build::as_size(&b).expect("one of them is a size"), a),
                };
                self.add(sum, other, &scale.times(&factor));
            }
            atom => {
                let atom = self.expr(atom);
                match sum.terms.iter_mut().find(|(known, _)| *known == atom) {
                    Some((_, factor)) => *factor = factor.plus(scale),
                    None => sum.terms.push((atom, scale.clone())),
                }
            }
        }
    }

    /// The frame in which a term's value is known.
    fn known_at(&self, term: &Expr) -> usize {
        let mut depth = 0;
        term.visit(&mut |part| match part {
            Expr::Var(var) if self.settable[var.0 as usize] => depth = self.top(),
            Expr::Var(var) => depth = depth.max(self.depth[var.0 as usize]),
            // Memory may change inside a loop.
            Expr::Load(_) => depth = self.top(),
            _ => {}
        });
        depth
    }

    fn total(&mut self, sum: Sum) -> Expr {
        let mut known: Vec<Vec<Expr>> = vec![Vec::new(); self.frames.len()];
        for (term, factor) in sum.terms {
            if factor.as_const() != Some(0) {
                let product = build::mul(term, self.size(&factor));
                known[self.known_at(&product)].push(product);
            }
        }
        let constant = sum.constant.terms().find(|(product, _)| product.is_empty()).map_or(0, |(_, value)| value);
        let symbolic = self.size(&sum.constant.minus(&Size::constant(constant)));
        let mut total = build::int(0);
        // Sizes are known at the head, but for those that the data decides.
        match self.known_at(&symbolic) {
            0 => total = symbolic,
            depth => known[depth].push(symbolic),
        }
        for (depth, products) in known.into_iter().enumerate() {
            if products.is_empty() {
                continue;
            }
            total = products.into_iter().fold(total, build::add);
            total = self.shared(depth, total);
        }
        build::add(total, build::int(constant))
    }

    /// A variable of a frame with this value, one per value; the value itself if it can change or is a leaf.
    fn shared(&mut self, depth: usize, value: Expr) -> Expr {
        let changes = |part: &Expr| match part {
            Expr::Var(var) => self.settable[var.0 as usize],
            Expr::Load(_) => true,
            _ => false,
        };
        if matches!(value, Expr::Var(_) | Expr::Const(_)) || value.any(&mut { changes }) {
            return value;
        }
        if let Some((_, var)) = self.frames[depth].sums.iter().find(|(known, _)| *known == value) {
            return Expr::Var(*var);
        }
        let var = self.var("at", depth);
        self.frames[depth].stmts.push(Stmt::Let(var, value.clone()));
        self.frames[depth].sums.push((value, var));
        Expr::Var(var)
    }
}

/// Whether an expression is a sum of variables with sizes as factors.
fn is_affine(expr: &Expr) -> bool {
    match expr {
        Expr::Size(_) | Expr::Var(_) => true,
        Expr::Const(value) => value.ty == Scalar::I32,
        Expr::Op(Op::Add | Op::Sub | Op::Neg, args) => args.iter().all(is_affine),
        Expr::Op(Op::Mul, args) => args.iter().all(is_affine) && args.iter().any(|arg| build::as_size(arg).is_some()),
        Expr::Op(..) | Expr::Cast(..) | Expr::Select(_) | Expr::Load(_) => false,
        Expr::Splat(..) | Expr::Ramp(..) | Expr::Lane(..) => false,
    }
}
