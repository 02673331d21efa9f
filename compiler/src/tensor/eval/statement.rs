//! Compiles statements: loops over a stage's axes around its expressions, loops over a check's axes around its condition,
//! jumps for sequential code.

use super::code::{Code, Instr, Reg};
use super::compile::{Compiler, Leaves, length};
use super::error::EvalError;
use super::reduce::{Combine, combine};
use crate::tensor::{
    AxisId, Check, Control, ControlKind, ExprId, LabelId, ReduceOp, Region, Stage, StageBody, Stmt, Store, TensorId,
};
use crate::types::Scalar;

/// An open loop over an axis: the axis, its index, its limit.
type OpenAxis = (AxisId, Reg, Reg);

impl<'p> Compiler<'_, 'p> {
    /// The code of one statement.
    pub(super) fn whole(mut self, stmt: &'p Stmt) -> Result<Code<'p>, EvalError> {
        self.statement(stmt)?;
        Ok(self.finish())
    }

    /// Code that ends with the value of an expression, which has no axes.
    pub(super) fn value(mut self, id: ExprId) -> Result<Code<'p>, EvalError> {
        let a = self.expr(id)?;
        self.emit(Instr::Give { a });
        Ok(self.finish())
    }

    fn region(&mut self, region: &'p Region) -> Result<(), EvalError> {
        region.stmts.iter().try_for_each(|stmt| self.statement(stmt))
    }

    /// Compiles a statement behind a floor of its own.
    fn statement(&mut self, stmt: &'p Stmt) -> Result<(), EvalError> {
        let outer = self.open_floor();
        match stmt {
            Stmt::Stage(stage) => self.stage(stage)?,
            Stmt::Check(check) => self.check(check)?,
            Stmt::Store(store) => self.store(store)?,
            Stmt::Decide { var, value, .. } => {
                let a = self.expr(*value)?;
                let dst = self.new_regs(1);
                self.emit(Instr::Move { dst, a });
                self.decided.insert(*var, dst);
            }
            Stmt::Alias { .. } => {}
            Stmt::Group(_) => return Err(EvalError::Invalid("groups are made after evaluation".to_string())),
            Stmt::Control(control) => self.control(control)?,
        }
        self.close_floor(outer);
        Ok(())
    }

    /// What follows stays together, in front of what comes after it.
    fn open_floor(&mut self) -> usize {
        self.open(Leaves::Nothing, Vec::new());
        let innermost = self.innermost();
        std::mem::replace(&mut self.floor, innermost)
    }

    fn close_floor(&mut self, outer: usize) {
        let code = self.close();
        self.floor = outer;
        self.emit_all(code);
    }

    fn control(&mut self, control: &'p Control) -> Result<(), EvalError> {
        match &control.kind {
            ControlKind::If { cond, then, otherwise } => {
                let cond = self.expr(*cond)?;
                let (other, end) = (self.label(), self.label());
                self.emit(Instr::GoUnless { cond, label: other });
                self.region(then)?;
                self.emit(Instr::Go { label: end });
                self.emit(Instr::Label { label: other });
                self.region(otherwise)?;
                self.emit(Instr::Label { label: end });
            }
            ControlKind::Loop { axis, body } => {
                let (lo, hi) = (self.expr(axis.lo)?, self.expr(axis.hi)?);
                let step = self.step(axis)?;
                let index = self.bind(axis.axis);
                self.emit(Instr::Move { dst: index, a: lo });
                let (start, end) = (self.label(), self.label());
                self.emit(Instr::GoIfGe { a: index, b: hi, label: end });
                self.emit(Instr::Label { label: start });
                self.region(body)?;
                self.emit(Instr::GoNext { index, limit: hi, step, label: start });
                self.emit(Instr::Label { label: end });
                self.unbind(axis.axis);
            }
            ControlKind::Repeat(body) => {
                let start = self.label();
                self.emit(Instr::Label { label: start });
                self.region(body)?;
                self.emit(Instr::Go { label: start });
            }
            ControlKind::Block(label, body) => {
                let end = self.label();
                self.blocks.push((*label, end));
                self.region(body)?;
                self.blocks.pop();
                self.emit(Instr::Label { label: end });
            }
            ControlKind::Leave(label) => self.leave(*label)?,
        }
        Ok(())
    }

    fn leave(&mut self, label: LabelId) -> Result<(), EvalError> {
        let Some((_, end)) = self.blocks.iter().find(|(own, _)| *own == label) else {
            return Err(EvalError::Invalid("a leave without its block".to_string()));
        };
        let label = *end;
        self.emit(Instr::Go { label });
        Ok(())
    }

    /// Writes all elements of a stage's tensors, in row-major order.
    fn stage(&mut self, stage: &Stage) -> Result<(), EvalError> {
        let end = self.label();
        if let Some(guard) = stage.guard {
            let cond = self.expr(guard)?;
            self.emit(Instr::GoUnless { cond, label: end });
        }
        self.skip_empty(&stage.axes, end)?;
        let outer = self.open_floor();
        let mut positions = Vec::new();
        for _ in &stage.tensors {
            let at = self.new_regs(1);
            self.emit(Instr::Const { dst: at, bits: 0 });
            positions.push(at);
        }
        match &stage.body {
            StageBody::Map(exprs) => {
                if exprs.len() != stage.tensors.len() {
                    return Err(EvalError::Invalid("a stage has one expression a tensor".to_string()));
                }
                let loops = self.open_axes(&stage.axes)?;
                for ((expr, tensor), at) in exprs.iter().zip(&stage.tensors).zip(positions) {
                    let value = self.expr(*expr)?;
                    self.append(*tensor, stage.axes.len(), at, value, self.pipeline.ty(*expr))?;
                }
                self.close_axes(loops);
            }
            StageBody::Scan { op, expr } => self.scan(stage, *op, *expr, positions[0])?,
        }
        self.close_floor(outer);
        self.emit(Instr::Label { label: end });
        Ok(())
    }

    /// Jumps over what follows if one of the axes has no value: code may leave loops that run at least once.
    fn skip_empty(&mut self, axes: &[AxisId], end: u32) -> Result<(), EvalError> {
        let zero = self.constant(0);
        for axis in axes {
            let extent = self.extent(*axis)?;
            self.emit(Instr::GoIfGe { a: zero, b: extent, label: end });
        }
        Ok(())
    }

    fn scan(&mut self, stage: &Stage, op: ReduceOp, expr: ExprId, at: Reg) -> Result<(), EvalError> {
        let ty = self.pipeline.ty(expr);
        let Combine { f, identity } = combine(op, ty)?;
        let Some((last, outer)) = stage.axes.split_last().filter(|_| stage.tensors.len() == 1) else {
            return Err(EvalError::Invalid("a scan has one tensor and at least one axis".to_string()));
        };
        let outer = self.open_axes(outer)?;
        let sum = self.new_regs(1);
        self.emit(Instr::Const { dst: sum, bits: identity });
        let inner = self.open_axes(&[*last])?;
        let value = self.expr(expr)?;
        self.emit(Instr::Binary { f, dst: sum, a: sum, b: value });
        self.append(stage.tensors[0], stage.axes.len(), at, sum, ty)?;
        self.close_axes(inner);
        self.close_axes(outer);
        Ok(())
    }

    fn append(&mut self, tensor: TensorId, rank: usize, at: Reg, value: Reg, ty: Scalar) -> Result<(), EvalError> {
        let declared = &self.pipeline.tensors[tensor];
        let elem = declared.elem;
        let fits = ty == if elem == Scalar::F16 { Scalar::F32 } else { elem };
        if !fits || declared.dims.len() != rank {
            return Err(EvalError::Invalid(format!("the stage does not fit its tensor `{}`", declared.name)));
        }
        let place = self.place_of(tensor)?;
        self.emit(Instr::Append { place, at, value, elem });
        Ok(())
    }

    fn store(&mut self, store: &Store) -> Result<(), EvalError> {
        let end = self.label();
        self.skip_empty(&store.axes, end)?;
        let outer = self.open_floor();
        let loops = self.open_axes(&store.axes)?;
        let at = self.flat_index(store.tensor, &store.index)?;
        let value = self.expr(store.value)?;
        let (place, elem) = (self.place_of(store.tensor)?, self.pipeline.tensors[store.tensor].elem);
        self.emit(Instr::Store { place, at, value, elem });
        self.close_axes(loops);
        self.close_floor(outer);
        self.emit(Instr::Label { label: end });
        Ok(())
    }

    /// Fails for the first values of a check's axes for which its condition does not hold.
    fn check(&mut self, check: &'p Check) -> Result<(), EvalError> {
        let mut open = Vec::new();
        for axis in &check.axes {
            open.push(self.open_loop(axis)?);
        }
        let cond = self.expr(check.cond)?;
        self.open(Leaves::Nothing, Vec::new());
        let mut values = Vec::new();
        for value in &check.values {
            values.push(self.expr(*value)?);
        }
        let first = self.new_regs(values.len() as u32);
        for (position, a) in values.iter().enumerate() {
            self.emit(Instr::Move { dst: first + position as u32, a: *a });
        }
        let number = self.checks.len() as u32;
        self.checks.push(check);
        self.emit(Instr::Fail { check: number, first, count: values.len() as u32 });
        let fail = self.close();
        self.emit(Instr::Unless { cond, by: 1 });
        self.emit(Instr::Jump { by: length(&fail) });
        self.emit_all(fail);
        while let Some(open) = open.pop() {
            self.close_loop(open);
        }
        Ok(())
    }

    /// The extent of a stage's axis.
    fn extent(&mut self, axis: AxisId) -> Result<Reg, EvalError> {
        match &self.pipeline.axes[axis].extent {
            Some(extent) => self.size_reg(extent),
            None => Err(EvalError::Invalid(format!("axis {axis:?} of a stage has no extent"))),
        }
    }

    /// Begins loops over axes that have values; gives their indices and limits.
    fn open_axes(&mut self, axes: &[AxisId]) -> Result<Vec<OpenAxis>, EvalError> {
        let mut loops = Vec::new();
        for axis in axes {
            let limit = self.extent(*axis)?;
            self.open(Leaves::All, vec![*axis]);
            loops.push((*axis, self.bind(*axis), limit));
        }
        Ok(loops)
    }

    fn close_axes(&mut self, mut loops: Vec<OpenAxis>) {
        while let Some((axis, index, limit)) = loops.pop() {
            let body = self.close();
            self.unbind(axis);
            let by = length(&body) + 1;
            self.emit(Instr::Const { dst: index, bits: 0 });
            self.emit_all(body);
            self.emit(Instr::Next { index, limit, step: 1, by });
        }
    }
}
