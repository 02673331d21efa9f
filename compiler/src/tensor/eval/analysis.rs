//! What the bytecode compiler must know of expressions to place them: which axes they use, and whether they may be
//! computed where nobody asked for them.

use crate::tensor::{AxisId, Expr, ExprId, Pipeline};
use std::rc::Rc;

/// Facts about the expressions of one pipeline, found on demand.
pub(super) struct Analysis<'a> {
    pipeline: &'a Pipeline,
    known: Vec<Option<Facts>>,
}

/// Facts about one expression.
#[derive(Clone)]
pub(super) struct Facts {
    /// The axes it uses and does not bind itself, sorted.
    pub(super) axes: Rc<[AxisId]>,
    /// Whether it has a value under all circumstances: no load, no integer division, no reduction in it.
    pub(super) total: bool,
}

impl<'a> Analysis<'a> {
    pub(super) fn new(pipeline: &'a Pipeline) -> Self {
        Analysis { pipeline, known: vec![None; pipeline.exprs.len()] }
    }

    /// The facts about an expression.
    pub(super) fn of(&mut self, id: ExprId) -> Facts {
        if let Some(facts) = &self.known[id.index()] {
            return facts.clone();
        }
        let pipeline = self.pipeline;
        let mut axes = Vec::new();
        let mut total = true;
        let mut add = |this: &mut Self, operand: ExprId, bound: &[AxisId]| {
            let facts = this.of(operand);
            axes.extend(facts.axes.iter().filter(|axis| !bound.contains(axis)));
            total &= facts.total;
        };
        match &pipeline.exprs[id] {
            Expr::Const(_) | Expr::Size(_) => {}
            Expr::Axis(axis) => axes.push(*axis),
            Expr::Op(op, args) => {
                args.iter().for_each(|arg| add(self, *arg, &[]));
                total &= !op.divides(pipeline.ty(args[0]));
            }
            Expr::Cast(arg) => add(self, *arg, &[]),
            Expr::Select(cond, then, otherwise) => {
                for operand in [cond, then, otherwise] {
                    add(self, *operand, &[]);
                }
            }
            Expr::Load(_, index) => {
                index.iter().for_each(|arg| add(self, *arg, &[]));
                total = false;
            }
            Expr::Reduce(reduce) => {
                let mut bound = Vec::new();
                for axis in &reduce.axes {
                    add(self, axis.lo, &bound);
                    add(self, axis.hi, &bound);
                    bound.push(axis.axis);
                }
                add(self, reduce.body, &bound);
                total = false;
            }
        }
        axes.sort();
        axes.dedup();
        let facts = Facts { axes: axes.into(), total };
        self.known[id.index()] = Some(facts.clone());
        facts
    }
}
