//! Turns the body of a loop into one that computes several consecutive values of the loop's index at once.
//!
//! Before: `for i { x = a[i]; y[i] = x * s }`. After, with four lanes: `x: f32x4 = a[i]:4; y[i] = x * splat(s)`.
//! Values that do not depend on the index keep one lane and are splatted where lanes meet them. How an access lies in
//! memory is read off the index's coefficient: 0 splat, 1 contiguous, a small constant strided, otherwise gathered.

use super::depends::{Definitions, Varying};
use super::{Access, Expr, Load, Loop, Program, Stmt, Ty, Var, VarId, build};
use crate::ops::Op;
use crate::size::Size;
use crate::types::Scalar;
use std::collections::BTreeMap;

/// Greatest constant distance of elements that is loaded as `Strided`.
const STRIDED: i64 = 64;

/// What a loop's body needs to be vectorised.
pub struct Lanes<'a> {
    program: &'a Program,
    definitions: &'a Definitions,
    varying: Varying,
    /// The loop's index.
    var: VarId,
    /// Variables that are needed with lanes, not only as parts of addresses.
    needed: Vec<bool>,
    /// The lanes: as many as the widest needed value allows.
    pub lanes: u8,
}

/// A load's or store's place, seen from a vector.
pub enum Class {
    /// The same for all lanes.
    Splat,
    /// Next to each other.
    Contiguous,
    /// At a constant distance.
    Strided(i32),
    /// At a distance that is known when the kernel runs.
    Apart(Size),
    /// Anywhere.
    Anywhere,
}

impl<'a> Lanes<'a> {
    /// Looks at a loop's body. `None` if the loop cannot have lanes: a condition, a range or a place that varies.
    /// `accumulators` are variables from outside that get lanes, too.
    pub fn of(
        program: &'a Program,
        definitions: &'a Definitions,
        vars: &[Var],
        nest: &Loop,
        accumulators: &[VarId],
    ) -> Option<Lanes<'a>> {
        let varying = Varying::on(nest.var, &nest.body, vars.len());
        let needed = vec![false; vars.len()];
        let mut lanes = Lanes { program, definitions, varying, var: nest.var, needed, lanes: 0 };
        lanes.allowed(&nest.body)?;
        let mut widest = 1;
        while lanes.need(&nest.body, vars, &mut widest) {}
        for &accumulator in accumulators {
            widest = widest.max(vars[accumulator.0 as usize].ty.scalar.bytes());
        }
        lanes.lanes = (16 / widest) as u8;
        (lanes.lanes >= 2).then_some(lanes)
    }

    /// Whether the variable has lanes.
    pub fn varies(&self, var: VarId) -> bool {
        self.varying.has(var)
    }

    /// Whether an expression has lanes.
    pub fn has_lanes(&self, expr: &Expr) -> bool {
        self.varying.mentions(expr)
    }

    /// Whether the value of a variable is needed, not only the address it is part of.
    pub fn is_needed(&self, var: VarId) -> bool {
        self.needed[var.0 as usize]
    }

    /// How an access lies in memory.
    pub fn class(&self, buffer: super::BufferId, index: &[Expr]) -> Class {
        match self.definitions.stride(self.program, buffer, index, self.var, &self.varying) {
            None => Class::Anywhere,
            Some(stride) => match stride.as_const() {
                Some(0) => Class::Splat,
                Some(1) => Class::Contiguous,
                Some(stride) if stride.abs() <= STRIDED => Class::Strided(stride as i32),
                _ => Class::Apart(stride),
            },
        }
    }

    fn allowed(&self, stmts: &[Stmt]) -> Option<()> {
        for stmt in stmts {
            match stmt {
                Stmt::Let(..) | Stmt::Set(..) | Stmt::Accumulate(..) => {}
                Stmt::For(nest) if !self.varies(nest.var) => self.allowed(&nest.body)?,
                Stmt::If(cond, then, other) if !self.has_lanes(cond) => {
                    self.allowed(then)?;
                    self.allowed(other)?;
                }
                Stmt::Store { buffer, index, .. } => match self.class(*buffer, index) {
                    Class::Contiguous | Class::Strided(_) | Class::Apart(_) => {}
                    Class::Splat | Class::Anywhere => return None,
                },
                Stmt::For(_) | Stmt::If(..) | Stmt::Fail(..) => return None,
                Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => return None,
            }
        }
        Some(())
    }

    /// Marks what is needed with lanes; tells whether something was new.
    fn need(&mut self, stmts: &[Stmt], vars: &[Var], widest: &mut u32) -> bool {
        let mut changed = false;
        for stmt in stmts {
            match stmt {
                Stmt::Let(var, value) if self.varies(*var) && self.is_needed(*var) => {
                    changed |= self.need_value(value, vars, widest);
                }
                Stmt::Set(var, value) | Stmt::Accumulate(var, _, value) if self.varies(*var) => {
                    changed |= !std::mem::replace(&mut self.needed[var.0 as usize], true);
                    *widest = (*widest).max(vars[var.0 as usize].ty.scalar.bytes());
                    changed |= self.need_value(value, vars, widest);
                }
                Stmt::Store { value, .. } => changed |= self.need_value(value, vars, widest),
                Stmt::For(nest) => changed |= self.need(&nest.body, vars, widest),
                Stmt::If(_, then, other) => {
                    changed |= self.need(then, vars, widest);
                    changed |= self.need(other, vars, widest);
                }
                Stmt::Let(..) | Stmt::Set(..) | Stmt::Accumulate(..) | Stmt::Fail(..) => {}
                // Not allowed.
                Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => {}
            }
        }
        changed
    }

    fn need_value(&mut self, expr: &Expr, vars: &[Var], widest: &mut u32) -> bool {
        *widest = (*widest).max(build::ty(self.program, vars, expr).scalar.bytes());
        if !self.has_lanes(expr) {
            return false;
        }
        match expr {
            Expr::Var(var) => !std::mem::replace(&mut self.needed[var.0 as usize], true),
            Expr::Load(load) => {
                let mut changed = false;
                if matches!(self.class(load.buffer, &load.index), Class::Anywhere) {
                    for index in &load.index {
                        changed |= self.need_value(index, vars, widest);
                    }
                }
                changed
            }
            _ => {
                let mut changed = false;
                for child in expr.children() {
                    changed |= self.need_value(child, vars, widest);
                }
                changed
            }
        }
    }
}

/// A body with lanes, and what must stand in front of its loop.
pub struct Widened {
    /// Splats of values from outside.
    pub before: Vec<Stmt>,
    /// The body, for `lanes` consecutive values that start at the index.
    pub body: Vec<Stmt>,
    /// The variables that took the place of accumulators and of variables in the body.
    pub widened: BTreeMap<VarId, VarId>,
}

/// Gives a loop's body lanes. For each accumulator from outside, `accumulators` names the variable with lanes.
/// `store_only`: how many lanes are stored (all, unless the loop has fewer iterations than lanes).
pub fn widen(
    lanes: &Lanes<'_>,
    body: &[Stmt],
    vars: &mut Vec<Var>,
    accumulators: BTreeMap<VarId, VarId>,
    store_only: u8,
) -> Widened {
    let mut widener = Widener {
        lanes,
        vars,
        store_only,
        done: Widened { before: Vec::new(), body: Vec::new(), widened: accumulators },
        splats: BTreeMap::new(),
        constants: Vec::new(),
    };
    let body = widener.block(body);
    widener.done.body = body;
    widener.done
}

struct Widener<'w, 'a> {
    lanes: &'w Lanes<'a>,
    vars: &'w mut Vec<Var>,
    store_only: u8,
    done: Widened,
    /// Variables of one lane, splatted.
    splats: BTreeMap<VarId, VarId>,
    constants: Vec<(Expr, VarId)>,
}

impl Widener<'_, '_> {
    fn n(&self) -> u8 {
        self.lanes.lanes
    }

    fn var(&mut self, name: &str, scalar: Scalar) -> VarId {
        self.vars.push(Var { name: name.to_string(), ty: Ty { scalar, lanes: self.n() } });
        VarId(self.vars.len() as u32 - 1)
    }

    fn fits(&self, scalar: Scalar) -> bool {
        scalar.bytes() * u32::from(self.n()) <= 16
    }

    /// The variable with lanes for one that varies.
    fn wide(&mut self, var: VarId) -> VarId {
        if let Some(wide) = self.done.widened.get(&var) {
            return *wide;
        }
        let narrow = self.vars[var.0 as usize].clone();
        let wide = self.var(&narrow.name, narrow.ty.scalar);
        self.done.widened.insert(var, wide);
        wide
    }

    fn block(&mut self, stmts: &[Stmt]) -> Vec<Stmt> {
        let mut out = Vec::new();
        for stmt in stmts {
            self.stmt(stmt, &mut out);
        }
        out
    }

    fn stmt(&mut self, stmt: &Stmt, out: &mut Vec<Stmt>) {
        match stmt {
            Stmt::Let(var, value) if self.lanes.varies(*var) => {
                let lanes = self.lanes;
                if lanes.definitions.coefficient(&Expr::Var(*var), lanes.var, &lanes.varying).is_some() {
                    // Addresses are made of the values of lane 0.
                    out.push(stmt.clone());
                }
                if self.lanes.is_needed(*var) {
                    let wide = self.wide(*var);
                    out.push(Stmt::Let(wide, self.value(value)));
                }
            }
            Stmt::Let(var, value) => {
                let changes = self.lanes.definitions.get(*var).is_none();
                out.push(Stmt::Let(*var, value.clone()));
                let scalar = self.vars[var.0 as usize].ty.scalar;
                if !changes && self.fits(scalar) {
                    let name = self.vars[var.0 as usize].name.clone();
                    let splat = self.var(&name, scalar);
                    self.splats.insert(*var, splat);
                    out.push(Stmt::Let(splat, Expr::Splat(Box::new(Expr::Var(*var)), self.n())));
                }
            }
            Stmt::Set(var, value) if self.lanes.varies(*var) => {
                let wide = self.wide(*var);
                out.push(Stmt::Set(wide, self.value(value)));
            }
            Stmt::Accumulate(var, op, value) if self.lanes.varies(*var) || self.done.widened.contains_key(var) => {
                let wide = self.wide(*var);
                out.push(Stmt::Accumulate(wide, *op, self.value(value)));
            }
            Stmt::Set(..) | Stmt::Accumulate(..) | Stmt::Fail(..) => out.push(stmt.clone()),
            Stmt::Block(..) | Stmt::Repeat(_) | Stmt::Leave(_) => unreachable!("these loops get no lanes"),
            Stmt::For(nest) => {
                let body = self.block(&nest.body);
                out.push(Stmt::For(Loop { body, ..nest.clone() }));
            }
            Stmt::If(cond, then, other) => {
                out.push(Stmt::If(cond.clone(), self.block(then), self.block(other)));
            }
            Stmt::Store { buffer, index, value } => {
                let value = self.value(value);
                let contiguous = matches!(self.lanes.class(*buffer, index), Class::Contiguous);
                if contiguous && self.store_only == self.n() {
                    out.push(Stmt::Store { buffer: *buffer, index: index.clone(), value });
                    return;
                }
                let scalar = build::ty(self.lanes.program, self.vars, &value).scalar;
                let held = self.var("lanes", scalar);
                out.push(Stmt::Let(held, value));
                for lane in 0..self.store_only {
                    let index = index.iter().map(|index| self.at_lane(index, lane)).collect();
                    let value = Expr::Lane(Box::new(Expr::Var(held)), lane);
                    out.push(Stmt::Store { buffer: *buffer, index, value });
                }
            }
        }
    }

    /// An index in another lane: it moves by its coefficient.
    fn at_lane(&self, index: &Expr, lane: u8) -> Expr {
        let lanes = self.lanes;
        let step = lanes.definitions.coefficient(index, lanes.var, &lanes.varying).expect("checked before");
        build::add(index.clone(), build::size(&step.times_const(i64::from(lane))))
    }

    fn splat(&self, value: Expr) -> Expr {
        Expr::Splat(Box::new(value), self.n())
    }

    /// A value of one lane in all lanes. What comes from outside is splatted in front of the loop.
    fn uniform(&mut self, expr: &Expr) -> Expr {
        match expr {
            Expr::Var(var) => match self.splats.get(var) {
                Some(splat) => Expr::Var(*splat),
                None if self.lanes.definitions.get(*var).is_some() => {
                    let known = self.vars[var.0 as usize].clone();
                    let splat = self.var(&known.name, known.ty.scalar);
                    self.splats.insert(*var, splat);
                    self.done.before.push(Stmt::Let(splat, self.splat(Expr::Var(*var))));
                    Expr::Var(splat)
                }
                // A loop's index, or a variable that changes.
                None => self.splat(expr.clone()),
            },
            Expr::Const(_) | Expr::Size(_) => {
                if let Some((_, known)) = self.constants.iter().find(|(known, _)| known == expr) {
                    return Expr::Var(*known);
                }
                let scalar = build::ty(self.lanes.program, self.vars, expr).scalar;
                let splat = self.var("k", scalar);
                self.constants.push((expr.clone(), splat));
                self.done.before.push(Stmt::Let(splat, self.splat(expr.clone())));
                Expr::Var(splat)
            }
            _ => self.splat(expr.clone()),
        }
    }

    /// An expression with lanes.
    fn value(&mut self, expr: &Expr) -> Expr {
        if !self.lanes.has_lanes(expr) {
            return self.uniform(expr);
        }
        match expr {
            Expr::Var(var) if *var == self.lanes.var => Expr::Ramp(Box::new(expr.clone()), self.n()),
            Expr::Var(var) => Expr::Var(self.wide(*var)),
            Expr::Op(op, args) => {
                // Shifts by one count for all lanes are single instructions if the count is seen to be splatted.
                let shift = matches!(op, Op::Shl | Op::Shr) && !self.lanes.has_lanes(&args[1]);
                let first = self.value(&args[0]);
                let rest = args[1..].iter().map(|arg| if shift { self.splat(arg.clone()) } else { self.value(arg) });
                let rest: Vec<Expr> = rest.collect();
                Expr::Op(*op, [first].into_iter().chain(rest).collect())
            }
            Expr::Cast(to, arg) => Expr::Cast(*to, Box::new(self.value(arg))),
            Expr::Select(parts) => {
                let [cond, yes, no] = [0, 1, 2].map(|n| self.value(&parts[n]));
                Expr::Select(Box::new([cond, yes, no]))
            }
            Expr::Load(load) => self.load(load),
            Expr::Const(_) | Expr::Size(_) => unreachable!("constants do not vary"),
            Expr::Splat(..) | Expr::Ramp(..) | Expr::Lane(..) => unreachable!("the loop has no lanes yet"),
        }
    }

    fn load(&mut self, load: &Load) -> Expr {
        let lanes = self.n();
        let Load { buffer, index, .. } = load;
        let (index, access) = match self.lanes.class(*buffer, index) {
            Class::Splat => {
                return self.splat(Expr::Load(Load { access: Access::One, ..load.clone() }));
            }
            Class::Contiguous => (index.clone(), Access::Contiguous(lanes)),
            Class::Strided(stride) => (index.clone(), Access::Strided { lanes, stride }),
            Class::Apart(stride) => {
                let offset = |lane: u8| build::size(&stride.times_const(i64::from(lane)));
                (index.clone(), Access::Gather { lanes, offsets: (0..lanes).map(offset).collect() })
            }
            Class::Anywhere => self.anywhere(*buffer, index),
        };
        Expr::Load(Load { buffer: *buffer, index, access })
    }

    /// The base index and the offsets of a load whose lanes lie anywhere.
    fn anywhere(&mut self, buffer: super::BufferId, index: &[Expr]) -> (Vec<Expr>, Access) {
        let mut base = Vec::new();
        let mut offsets: Option<Expr> = None;
        let mut stride = Size::constant(1);
        let dims = &self.lanes.program.buffers[buffer.0 as usize].dims;
        for (index, dim) in index.iter().zip(dims).rev() {
            if self.lanes.has_lanes(index) {
                base.push(build::int(0));
                let mut offset = self.value(index);
                if stride.as_const() != Some(1) {
                    offset = Expr::Op(Op::Mul, vec![offset, self.uniform(&build::size(&stride))]);
                }
                offsets = Some(match offsets {
                    Some(sum) => Expr::Op(Op::Add, vec![sum, offset]),
                    None => offset,
                });
            } else {
                base.push(index.clone());
            }
            stride = stride.times(dim);
        }
        base.reverse();
        let offsets = vec![offsets.expect("an index varies")];
        (base, Access::Gather { lanes: self.n(), offsets })
    }
}
