//! Compiles statements: loops over a stage's axes around its expressions, loops over a check's axes around its condition.

use super::code::{Code, Instr, Reg};
use super::compile::{Compiler, Leaves, length};
use super::error::EvalError;
use super::reduce::{Combine, combine};
use crate::tensor::{AxisId, Check, ExprId, ReduceOp, Stage, StageBody};
use crate::types::Scalar;

impl Compiler<'_, '_> {
    /// A stage's code: it appends all elements of its tensors, tensor number n in write slot n. All extents are at
    /// least 1: a stage without elements is not compiled.
    pub(super) fn stage(mut self, stage: &Stage) -> Result<Code, EvalError> {
        match &stage.body {
            StageBody::Map(exprs) => {
                if exprs.len() != stage.tensors.len() {
                    return Err(EvalError::Invalid("a stage has one expression a tensor".to_string()));
                }
                let loops = self.open_axes(&stage.axes)?;
                for (slot, expr) in exprs.iter().enumerate() {
                    let value = self.expr(*expr)?;
                    self.append(stage, slot, value, self.pipeline.ty(*expr))?;
                }
                self.close_axes(loops);
            }
            StageBody::Scan { op, expr } => self.scan(stage, *op, *expr)?,
        }
        Ok(self.finish())
    }

    fn scan(&mut self, stage: &Stage, op: ReduceOp, expr: ExprId) -> Result<(), EvalError> {
        let Combine { f, identity } = combine(op, self.pipeline.ty(expr))?;
        let Some((last, outer)) = stage.axes.split_last().filter(|_| stage.tensors.len() == 1) else {
            return Err(EvalError::Invalid("a scan has one tensor and at least one axis".to_string()));
        };
        let outer = self.open_axes(outer)?;
        let sum = self.new_regs(1);
        self.emit(Instr::Const { dst: sum, bits: identity });
        let inner = self.open_axes(&[*last])?;
        let value = self.expr(expr)?;
        self.emit(Instr::Binary { f, dst: sum, a: sum, b: value });
        self.append(stage, 0, sum, self.pipeline.ty(expr))?;
        self.close_axes(inner);
        self.close_axes(outer);
        Ok(())
    }

    fn append(&mut self, stage: &Stage, slot: usize, value: Reg, ty: Scalar) -> Result<(), EvalError> {
        let tensor = &self.pipeline.tensors[stage.tensors[slot]];
        let fits = ty == if tensor.elem == Scalar::F16 { Scalar::F32 } else { tensor.elem };
        if !fits || tensor.dims.len() != stage.axes.len() {
            return Err(EvalError::Invalid(format!("the stage does not fit its tensor `{}`", tensor.name)));
        }
        self.emit(Instr::Append { slot: slot as u32, value, elem: tensor.elem });
        Ok(())
    }

    /// A check's code: it fails for the first values of its axes for which the condition does not hold.
    pub(super) fn check(mut self, check: &Check) -> Result<Code, EvalError> {
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
        self.emit(Instr::Fail { first, count: values.len() as u32 });
        let fail = self.close();
        self.emit(Instr::Unless { cond, by: 1 });
        self.emit(Instr::Jump { by: length(&fail) });
        self.emit_all(fail);
        while let Some(open) = open.pop() {
            self.close_loop(open);
        }
        Ok(self.finish())
    }

    /// Begins loops over axes with extents; gives their indices and limits.
    fn open_axes(&mut self, axes: &[AxisId]) -> Result<Vec<(AxisId, Reg, Reg)>, EvalError> {
        let mut loops = Vec::new();
        for axis in axes {
            let Some(extent) = &self.pipeline.axes[*axis].extent else {
                return Err(EvalError::Invalid(format!("axis {axis:?} of a stage has no extent")));
            };
            let extent = self.size(extent)?;
            let limit = self.constant(extent as u64);
            self.open(Leaves::All, vec![*axis]);
            loops.push((*axis, self.bind(*axis), limit));
        }
        Ok(loops)
    }

    fn close_axes(&mut self, mut loops: Vec<(AxisId, Reg, Reg)>) {
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
