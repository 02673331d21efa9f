//! Rough costs of statements, in instructions, with one lane or with many: what `schedule` compares.
//!
//! Extents that are not known are taken to be long, ranges from memory to be short.

use super::depends::{Definitions, trip_count};
use super::lanes::{Class, Lanes};
use super::{Expr, Loop, Program, Stmt, Var, VarId, build};
use crate::ops::Op;
use crate::types::Scalar;

/// Iterations assumed for a range of unknown size.
const LONG: f64 = 256.0;
/// Iterations assumed for a range that comes from memory or varies.
const SHORT: f64 = 12.0;
/// Counting, comparing and jumping once.
const LOOP: f64 = 1.5;

/// What costs are computed with.
#[derive(Clone, Copy)]
pub struct Costs<'a> {
    /// The program.
    pub program: &'a Program,
    /// The kernel's variables.
    pub vars: &'a [Var],
    /// Their definitions.
    pub definitions: &'a Definitions,
}

/// What an iteration of a loop costs with one lane, and per lane if it can have lanes, where what is accumulated into
/// these variables from outside may be reordered.
pub fn per_iteration(program: &Program, vars: &[Var], nest: &Loop, accumulators: &[VarId]) -> (f64, Option<f64>) {
    let definitions = Definitions::within(&nest.body, vars.len());
    let costs = Costs { program, vars, definitions: &definitions };
    let scalar = costs.scalar(&nest.body) + LOOP;
    let lanes = Lanes::of(program, &definitions, vars, nest, accumulators);
    let vector = lanes.map(|lanes| {
        let all = costs.vector(&lanes, &nest.body, lanes.lanes) + LOOP;
        all / f64::from(lanes.lanes)
    });
    (scalar, vector)
}

impl Costs<'_> {
    /// The number of iterations, known or assumed.
    pub fn trips(&self, nest: &Loop) -> f64 {
        match trip_count(nest) {
            Some(count) => count as f64,
            None if self.is_of_sizes(&nest.lo) && self.is_of_sizes(&nest.hi) => {
                self.limit(&nest.hi).map_or(LONG, |limit| limit.clamp(0.0, LONG))
            }
            None => SHORT,
        }
    }

    /// A constant that a bound cannot exceed.
    fn limit(&self, bound: &Expr) -> Option<f64> {
        match bound {
            Expr::Var(var) => self.limit(self.definitions.get(*var)?),
            Expr::Op(Op::Min, args) => args.iter().find_map(build::as_int).map(|limit| limit as f64),
            _ => None,
        }
    }

    fn is_of_sizes(&self, expr: &Expr) -> bool {
        !expr.any(&mut |part| match part {
            Expr::Load(_) => true,
            Expr::Var(var) => self.definitions.get(*var).is_some_and(|value| !self.is_of_sizes(value)),
            _ => false,
        })
    }

    /// Cost of one execution with one lane.
    pub fn scalar(&self, stmts: &[Stmt]) -> f64 {
        stmts.iter().map(|stmt| self.scalar_stmt(stmt)).sum()
    }

    fn scalar_stmt(&self, stmt: &Stmt) -> f64 {
        let own: f64 = stmt.exprs().into_iter().map(|expr| self.scalar_expr(expr)).sum();
        own + match stmt {
            Stmt::Let(..) | Stmt::Set(..) | Stmt::Fail(..) => 0.0,
            Stmt::Accumulate(..) | Stmt::Store { .. } => 1.0,
            Stmt::For(nest) => self.trips(nest) * (self.scalar(&nest.body) + LOOP),
            Stmt::If(_, then, other) => 1.0 + self.scalar(then).max(self.scalar(other)),
            Stmt::Block(_, body) => self.scalar(body),
            Stmt::Repeat(body) => SHORT * self.scalar(body),
            Stmt::Leave(_) => 1.0,
        }
    }

    fn scalar_expr(&self, expr: &Expr) -> f64 {
        let own = match expr {
            Expr::Const(_) | Expr::Var(_) | Expr::Size(_) => 0.0,
            Expr::Op(op, args) => scalar_op(*op, build::ty(self.program, self.vars, &args[0]).scalar),
            Expr::Load(_) | Expr::Select(_) => 1.0,
            Expr::Cast(to, arg) => {
                let from = build::ty(self.program, self.vars, arg).scalar;
                if from.is_float() == to.is_float() { 0.5 } else { 1.5 }
            }
            Expr::Splat(..) | Expr::Ramp(..) | Expr::Lane(..) => 1.0,
        };
        own + expr.children().into_iter().map(|child| self.scalar_expr(child)).sum::<f64>()
    }

    /// Cost of one execution for all lanes, `stored` of which are stored; what has one lane costs as before.
    pub fn vector(&self, lanes: &Lanes<'_>, stmts: &[Stmt], stored: u8) -> f64 {
        stmts.iter().map(|stmt| self.vector_stmt(lanes, stmt, stored)).sum()
    }

    fn vector_stmt(&self, lanes: &Lanes<'_>, stmt: &Stmt, stored: u8) -> f64 {
        match stmt {
            Stmt::Let(var, _) if lanes.varies(*var) && !lanes.is_needed(*var) => 0.0,
            Stmt::Let(_, value) | Stmt::Set(_, value) => self.vector_expr(lanes, value),
            Stmt::Accumulate(var, op, value) => {
                let ty = self.vars[var.0 as usize].ty.scalar;
                self.vector_expr(lanes, value) + vector_op(*op, ty, lanes.lanes, false)
            }
            Stmt::For(nest) => self.trips(nest) * (self.vector(lanes, &nest.body, stored) + LOOP),
            Stmt::If(_, then, other) => 1.0 + self.vector(lanes, then, stored).max(self.vector(lanes, other, stored)),
            Stmt::Store { buffer, index, value } => {
                let narrow = build::ty(self.program, self.vars, value).scalar.bytes() * u32::from(lanes.lanes) < 16;
                let store = match lanes.class(*buffer, index) {
                    Class::Contiguous if stored == lanes.lanes => 1.0 + if narrow { 1.5 } else { 0.0 },
                    _ => 2.0 * f64::from(stored),
                };
                self.vector_expr(lanes, value) + store
            }
            Stmt::Fail(..) => 0.0,
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => unreachable!("these loops get no lanes"),
        }
    }

    fn vector_expr(&self, lanes: &Lanes<'_>, expr: &Expr) -> f64 {
        if !lanes.has_lanes(expr) {
            return self.scalar_expr(expr);
        }
        let n = lanes.lanes;
        let own = match expr {
            Expr::Const(_) | Expr::Var(_) | Expr::Size(_) => 0.0,
            Expr::Op(op, args) => {
                let uniform = args.get(1).is_some_and(|arg| !lanes.has_lanes(arg));
                vector_op(*op, build::ty(self.program, self.vars, &args[0]).scalar, n, uniform)
            }
            Expr::Select(_) => 1.0,
            Expr::Cast(to, arg) => vector_cast(build::ty(self.program, self.vars, arg).scalar, *to, n),
            Expr::Load(load) => {
                let elem = self.program.buffers[load.buffer.0 as usize].elem;
                let widens = elem.bytes() * u32::from(n) < 16;
                return match lanes.class(load.buffer, &load.index) {
                    Class::Splat | Class::Contiguous => 1.0 + if widens { 1.0 } else { 0.0 },
                    Class::Strided(stride) if stride.abs() <= 4 => 4.0,
                    Class::Strided(_) | Class::Apart(_) => 2.0 * f64::from(n),
                    Class::Anywhere => {
                        let index: f64 = load.index.iter().map(|index| self.vector_expr(lanes, index)).sum();
                        index + 3.0 * f64::from(n)
                    }
                };
            }
            Expr::Splat(..) | Expr::Ramp(..) | Expr::Lane(..) => 1.0,
        };
        own + expr.children().into_iter().map(|child| self.vector_expr(lanes, child)).sum::<f64>()
    }
}

fn scalar_op(op: Op, ty: Scalar) -> f64 {
    match op {
        Op::Sqrt => 6.0,
        Op::Div if ty.is_float() => 4.0,
        Op::Div | Op::Rem | Op::TruncDiv | Op::TruncRem => 8.0,
        Op::Min | Op::Max if ty.is_float() => 3.0,
        Op::Min | Op::Max => 2.0,
        Op::Popcount => 2.0,
        _ => 1.0,
    }
}

/// Cost of an operation on vectors; what the machine lacks goes lane by lane.
fn vector_op(op: Op, ty: Scalar, n: u8, uniform_count: bool) -> f64 {
    let by_lane = |each: f64| f64::from(n) * (each + 2.0);
    match op {
        Op::Sqrt => 8.0,
        Op::Div if ty.is_float() => 5.0,
        Op::Div | Op::Rem | Op::TruncDiv | Op::TruncRem => by_lane(8.0),
        Op::Shl | Op::Shr if uniform_count => 1.0,
        Op::Shl | Op::Shr | Op::Clz | Op::Ctz => by_lane(1.0),
        Op::Min | Op::Max if ty.is_float() => 4.0,
        Op::Min | Op::Max if n == 2 => 3.0,
        Op::Mul if n == 16 => 6.0,
        Op::Popcount => 4.0,
        _ => 1.0,
    }
}

fn vector_cast(from: Scalar, to: Scalar, n: u8) -> f64 {
    match (from.is_float(), to.is_float()) {
        (false, false) => 0.5,
        (true, true) => 1.0,
        _ if from.bytes() == 8 && !from.is_float() || to.bytes() == 8 && !to.is_float() => 4.0 * f64::from(n),
        _ => 2.0,
    }
}
