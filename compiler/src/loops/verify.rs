//! Checks Loop IR at each of its levels. A complaint is a bug of the pass before.

use super::{Access, Expr, Kernel, LabelId, Load, LoopKind, Program, Stmt, Ty, VarId};
use crate::loops::build::loaded;
use crate::ops::Op;
use crate::types::Scalar;

/// A level of Loop IR (see the module's text).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All loops serial, all values of one lane.
    Naive,
    /// Kinds, lanes and tails are set.
    Scheduled,
    /// One byte offset an access, sizes only at the head of a kernel, nothing left to unroll.
    Flat,
}

/// Checks a program.
///
/// Holds afterwards: every variable is defined before it is used, in a scope that encloses the use, and only once;
/// types and lanes fit; accesses have an `i32` index per dimension (one at level flat); the level's own rules.
///
/// # Errors
/// The first complaint, with the kernel's name.
pub fn verify(program: &Program, level: Level) -> Result<(), String> {
    for (n, buffer) in program.buffers.iter().enumerate() {
        if let Some(of) = buffer.alias_of {
            let root = program.buffers.get(of.0 as usize).ok_or(format!("buffer b{n} is an alias of no buffer"))?;
            if root.alias_of.is_some() {
                return Err(format!("buffer b{n} is an alias of an alias"));
            }
        }
    }
    for kernel in &program.kernels {
        let mut checker = Checker {
            program,
            kernel,
            level,
            visible: vec![false; kernel.vars.len()],
            defined: vec![false; kernel.vars.len()],
            loop_vars: vec![false; kernel.vars.len()],
            labels: Vec::new(),
        };
        checker.vars()?;
        checker.block(&kernel.body).map_err(|complaint| format!("kernel {}: {complaint}", kernel.name))?;
    }
    Ok(())
}

struct Checker<'a> {
    program: &'a Program,
    kernel: &'a Kernel,
    level: Level,
    visible: Vec<bool>,
    defined: Vec<bool>,
    loop_vars: Vec<bool>,
    labels: Vec<LabelId>,
}

type Check<T = ()> = Result<T, String>;

fn expect(holds: bool, complaint: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(complaint()) }
}

const INDEX: Ty = Ty { scalar: Scalar::I32, lanes: 1 };

impl Checker<'_> {
    fn vars(&self) -> Check {
        for (n, var) in self.kernel.vars.iter().enumerate() {
            let Ty { scalar, lanes } = var.ty;
            let fits = lanes == 1 || (matches!(lanes, 2 | 4 | 8 | 16) && scalar.bytes() * u32::from(lanes) <= 16);
            expect(fits && scalar != Scalar::F16, || format!("variable {}{n} has type {:?}", var.name, var.ty))?;
            expect(self.level != Level::Naive || lanes == 1, || format!("variable {}{n} has lanes", var.name))?;
        }
        Ok(())
    }

    fn name(&self, var: VarId) -> String {
        self.kernel.vars.get(var.0 as usize).map_or("?".to_string(), |known| format!("{}{}", known.name, var.0))
    }

    fn define(&mut self, var: VarId) -> Check {
        let n = var.0 as usize;
        expect(n < self.defined.len(), || format!("no variable {n}"))?;
        expect(!self.defined[n], || format!("{} is defined twice", self.name(var)))?;
        self.defined[n] = true;
        self.visible[n] = true;
        Ok(())
    }

    fn used(&self, var: VarId) -> Check<Ty> {
        let known = self.visible.get(var.0 as usize) == Some(&true);
        expect(known, || format!("{} is used where it is not defined", self.name(var)))?;
        Ok(self.kernel.vars[var.0 as usize].ty)
    }

    fn settable(&self, var: VarId) -> Check<Ty> {
        let ty = self.used(var)?;
        expect(!self.loop_vars[var.0 as usize], || format!("{} is a loop's index and is set", self.name(var)))?;
        Ok(ty)
    }

    fn block(&mut self, stmts: &[Stmt]) -> Check {
        let outside = self.visible.clone();
        for stmt in stmts {
            self.stmt(stmt)?;
        }
        self.visible = outside;
        Ok(())
    }

    fn is(&self, what: &str, found: Ty, wanted: Ty) -> Check {
        expect(found == wanted, || format!("{what} has type {found:?}, wanted {wanted:?}"))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Check {
        match stmt {
            Stmt::Let(var, value) => {
                let ty = self.expr(value)?;
                self.define(*var)?;
                self.is(&format!("let {}", self.name(*var)), ty, self.kernel.vars[var.0 as usize].ty)
            }
            Stmt::Set(var, value) => {
                let ty = self.settable(*var)?;
                self.is(&format!("what {} is set to", self.name(*var)), self.expr(value)?, ty)
            }
            Stmt::Accumulate(var, op, value) => {
                let ty = self.settable(*var)?;
                expect(op.arity() == 2 && op.result(ty.scalar) == Some(ty.scalar), || format!("accumulate {op:?}"))?;
                self.is(&format!("what {} accumulates", self.name(*var)), self.expr(value)?, ty)
            }
            Stmt::For(nest) => {
                for bound in [&nest.lo, &nest.hi, &nest.step] {
                    self.is("a loop bound", self.expr(bound)?, INDEX)?;
                }
                let allowed = match (nest.kind, self.level) {
                    (LoopKind::Serial | LoopKind::Ordered, _) | (_, Level::Scheduled) => true,
                    (_, Level::Naive) | (LoopKind::Unrolled(_), Level::Flat) => false,
                    (LoopKind::Vector(_) | LoopKind::Parallel, Level::Flat) => true,
                };
                expect(allowed, || format!("a loop of kind {:?} at level {:?}", nest.kind, self.level))?;
                let outside = self.visible.clone();
                self.define(nest.var)?;
                self.loop_vars[nest.var.0 as usize] = true;
                self.is("a loop's index", self.kernel.vars[nest.var.0 as usize].ty, INDEX)?;
                self.block(&nest.body)?;
                self.visible = outside;
                Ok(())
            }
            Stmt::Store { buffer, index, value } => {
                self.access(*buffer, index)?;
                let elem = loaded(self.program.buffers[buffer.0 as usize].elem);
                let ty = self.expr(value)?;
                self.is("a stored value", ty, Ty { scalar: elem, lanes: ty.lanes })
            }
            Stmt::If(cond, then, other) => {
                self.is("a condition", self.expr(cond)?, Ty::one(Scalar::Bool))?;
                self.block(then)?;
                self.block(other)
            }
            Stmt::Block(label, body) => {
                self.labels.push(*label);
                self.block(body)?;
                self.labels.pop();
                Ok(())
            }
            Stmt::Repeat(body) => self.block(body),
            Stmt::Leave(label) => {
                expect(self.labels.contains(label), || format!("nothing around is called {}", label.0))
            }
            Stmt::Fail(failure, values) => {
                expect((failure.0 as usize) < self.program.failures.len(), || "no such failure".to_string())?;
                for value in values {
                    expect(self.expr(value)?.lanes == 1, || "a failure's value has lanes".to_string())?;
                }
                Ok(())
            }
        }
    }

    fn access(&self, buffer: super::BufferId, index: &[Expr]) -> Check {
        let known = self.program.buffers.get(buffer.0 as usize).ok_or(format!("no buffer {}", buffer.0))?;
        let wanted = if self.level == Level::Flat { 1 } else { known.dims.len() };
        expect(index.len() == wanted, || format!("{} has {} indices, wanted {wanted}", known.name, index.len()))?;
        index.iter().try_for_each(|index| self.is("an index", self.expr(index)?, INDEX))
    }

    fn lanes(&self, lanes: u8, scalar: Scalar) -> Check<Ty> {
        let fits = matches!(lanes, 2 | 4 | 8 | 16) && u32::from(lanes) * scalar.bytes() <= 16;
        expect(fits && self.level != Level::Naive, || format!("{lanes} lanes of {scalar}"))?;
        Ok(Ty { scalar, lanes })
    }

    fn expr(&self, expr: &Expr) -> Check<Ty> {
        match expr {
            Expr::Const(value) => Ok(Ty::one(value.ty)),
            Expr::Var(var) => self.used(*var),
            Expr::Size(_) => Ok(INDEX),
            Expr::Op(op, args) => self.op(*op, args),
            Expr::Cast(to, arg) => {
                let lanes = self.expr(arg)?.lanes;
                if lanes == 1 { Ok(Ty::one(*to)) } else { self.lanes(lanes, *to) }
            }
            Expr::Select(parts) => {
                let (cond, a, b) = (self.expr(&parts[0])?, self.expr(&parts[1])?, self.expr(&parts[2])?);
                self.is("a select's condition", cond, Ty { scalar: Scalar::Bool, lanes: a.lanes })?;
                self.is("a select's second value", b, a)?;
                Ok(a)
            }
            Expr::Load(load) => self.load(load),
            Expr::Splat(arg, lanes) => {
                let arg = self.expr(arg)?;
                expect(arg.lanes == 1, || "a splat of lanes".to_string())?;
                self.lanes(*lanes, arg.scalar)
            }
            Expr::Ramp(arg, lanes) => {
                self.is("a ramp's base", self.expr(arg)?, INDEX)?;
                self.lanes(*lanes, Scalar::I32)
            }
            Expr::Lane(arg, lane) => {
                let arg = self.expr(arg)?;
                expect(arg.lanes > *lane && arg.lanes > 1, || format!("lane {lane} of {}", arg.lanes))?;
                Ok(Ty::one(arg.scalar))
            }
        }
    }

    fn op(&self, op: Op, args: &[Expr]) -> Check<Ty> {
        expect(args.len() == op.arity(), || format!("{op:?} has {} operands", args.len()))?;
        let first = self.expr(&args[0])?;
        for arg in &args[1..] {
            self.is(&format!("an operand of {op:?}"), self.expr(arg)?, first)?;
        }
        let scalar = op.result(first.scalar).ok_or(format!("{op:?} does not take {}", first.scalar))?;
        Ok(Ty { scalar, lanes: first.lanes })
    }

    fn load(&self, load: &Load) -> Check<Ty> {
        self.access(load.buffer, &load.index)?;
        let scalar = loaded(self.program.buffers[load.buffer.0 as usize].elem);
        match &load.access {
            Access::One => Ok(Ty::one(scalar)),
            Access::Contiguous(lanes) | Access::Strided { lanes, .. } => self.lanes(*lanes, scalar),
            Access::Gather { lanes, offsets } => {
                match offsets.as_slice() {
                    [one] => {
                        let wanted = Ty { scalar: Scalar::I32, lanes: *lanes };
                        self.is("a gather's offsets", self.expr(one)?, wanted)?;
                    }
                    many => {
                        expect(many.len() == usize::from(*lanes), || "a gather lacks offsets".to_string())?;
                        for offset in many {
                            self.is("a gather's offset", self.expr(offset)?, INDEX)?;
                        }
                    }
                }
                self.lanes(*lanes, scalar)
            }
        }
    }
}
