//! Compiles reductions: loops over their axes around one step of an accumulator, in the stated fold order.

use super::code::{Instr, LANE_STATE, Reg};
use super::compile::Compiler;
use super::error::EvalError;
use crate::ops::eval::{Binary, binary};
use crate::ops::fold;
use crate::tensor::{FoldOrder, Reduce, ReduceOp};
use crate::types::Scalar;

/// How a reducer other than an arg reduction combines.
pub(super) struct Combine {
    /// The result so far (first) with the next element (second).
    pub(super) f: Binary,
    /// Where it starts.
    pub(super) identity: u64,
}

/// How `op` combines elements of this type.
pub(super) fn combine(op: ReduceOp, elem: Scalar) -> Result<Combine, EvalError> {
    let parts = || {
        let ty = fold::result(op, elem)?;
        Some(Combine { f: binary(fold::combine(op)?, ty)?, identity: fold::identity(op, elem)?.bits })
    };
    parts().ok_or_else(|| EvalError::Invalid(format!("{} of {elem}", op.name())))
}

impl Compiler<'_, '_> {
    /// Computes a reduction in the innermost scope.
    pub(super) fn reduce(&mut self, reduce: &Reduce) -> Result<Reg, EvalError> {
        match reduce.op {
            ReduceOp::ArgMax | ReduceOp::ArgMin => self.arg(reduce),
            ReduceOp::Sum
            | ReduceOp::Prod
            | ReduceOp::Max
            | ReduceOp::Min
            | ReduceOp::Any
            | ReduceOp::All
            | ReduceOp::Count => match reduce.order {
                FoldOrder::Any | FoldOrder::Serial => self.serial(reduce),
                FoldOrder::Lanes16 => self.lanes(reduce),
            },
        }
    }

    fn serial(&mut self, reduce: &Reduce) -> Result<Reg, EvalError> {
        let Combine { f, identity } = combine(reduce.op, self.pipeline.ty(reduce.body))?;
        let dst = self.new_regs(1);
        self.emit(Instr::Const { dst, bits: identity });
        self.loops(reduce, |this, value, _| this.emit(Instr::Binary { f, dst, a: dst, b: value }))?;
        Ok(dst)
    }

    fn lanes(&mut self, reduce: &Reduce) -> Result<Reg, EvalError> {
        if reduce.axes.len() != 1 {
            return Err(EvalError::Invalid("a reduction in lanes has one axis".to_string()));
        }
        let Combine { f, identity } = combine(reduce.op, self.pipeline.ty(reduce.body))?;
        let (state, dst) = (self.new_regs(LANE_STATE), self.new_regs(1));
        self.emit(Instr::LaneInit { state, identity });
        self.loops(reduce, |this, value, _| this.emit(Instr::LaneStep { f, state, value, identity }))?;
        self.emit(Instr::LaneFinish { f, dst, state });
        Ok(dst)
    }

    /// The index of nothing is 0 here; a check before the stage has failed the call then.
    fn arg(&mut self, reduce: &Reduce) -> Result<Reg, EvalError> {
        let elem = self.pipeline.ty(reduce.body);
        let replaces = fold::replaces(reduce.op, elem)
            .ok_or_else(|| EvalError::Invalid(format!("{} of {elem}", reduce.op.name())))?;
        let (state, dst) = (self.new_regs(2), self.new_regs(1));
        self.emit(Instr::Const { dst: state + 1, bits: 0 });
        self.emit(Instr::Const { dst, bits: 0 });
        let component = reduce.component;
        if component >= reduce.axes.len() {
            return Err(EvalError::Invalid("an arg reduction gives the index of one of its axes".to_string()));
        }
        self.loops(reduce, |this, value, indices| {
            this.emit(Instr::ArgStep { replaces, state, value, dst, index: indices[component] });
        })?;
        Ok(dst)
    }

    /// The loops over all axes, with `step` (given the element's and the indices' registers) inside.
    fn loops(&mut self, reduce: &Reduce, step: impl FnOnce(&mut Self, Reg, &[Reg])) -> Result<(), EvalError> {
        let mut open = Vec::new();
        for axis in &reduce.axes {
            open.push(self.open_loop(axis)?);
        }
        let value = self.expr(reduce.body)?;
        let indices: Vec<Reg> = open.iter().map(|open| open.index).collect();
        step(self, value, &indices);
        while let Some(open) = open.pop() {
            self.close_loop(open);
        }
        Ok(())
    }
}
