//! What must hold of Tensor IR after every pass (see `tensor/mod.rs`).

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Panics with the pass's name, the complaint and the IR's text if the program breaks a rule: that is a bug of kcc.
pub fn verify(program: &Program, after: &str) {
    if let Err(complaint) = check(program) {
        panic!(
            "internal error: Tensor IR is invalid after `{after}`: {complaint}\nplease report this with the program\n{}",
            print::print(program)
        );
    }
}

/// Checks all rules.
///
/// # Errors
/// The first rule that is broken, in words.
pub fn check(program: &Program) -> Result<(), String> {
    for pipeline in &program.pipelines {
        let mut verifier = Verifier { program, p: pipeline, written: BTreeSet::new(), guarded: BTreeSet::new() };
        verifier.pipeline().map_err(|complaint| format!("pipeline `{}`: {complaint}", pipeline.name))?;
    }
    Ok(())
}

struct Verifier<'a> {
    program: &'a Program,
    p: &'a Pipeline,
    written: BTreeSet<TensorId>,
    guarded: BTreeSet<TensorId>,
}

impl Verifier<'_> {
    fn pipeline(&mut self) -> Result<(), String> {
        if self.p.types.len() != self.p.exprs.len() {
            return Err("expressions and types are not parallel".into());
        }
        for (id, tensor) in self.p.tensors.iter() {
            match tensor.kind {
                TensorKind::Param(position) => {
                    ensure(self.p.params.get(position) == Some(&id), || {
                        format!("parameter {id:?} is not in the list")
                    })?;
                    self.written.insert(id);
                }
                TensorKind::Const(data) => {
                    let data = self.program.consts.get(data.0 as usize).ok_or("a constant has no contents")?;
                    let dims: Vec<Option<i64>> = tensor.dims.iter().map(|dim| dim.as_const()).collect();
                    ensure(data.elem == tensor.elem, || format!("constant {id:?} has another element type"))?;
                    ensure(dims == data.dims.iter().map(|dim| Some(*dim)).collect::<Vec<_>>(), || {
                        format!("constant {id:?} has another shape")
                    })?;
                    let bytes = data.dims.iter().product::<i64>() * i64::from(data.elem.bytes());
                    ensure(bytes == data.bytes.len() as i64, || {
                        format!("constant {id:?} has the wrong number of bytes")
                    })?;
                    self.written.insert(id);
                }
                TensorKind::Local => {}
            }
        }
        for stmt in &self.p.body.stmts {
            self.stmt(stmt)?;
        }
        for (name, tensor) in &self.p.results {
            ensure(self.written.contains(tensor), || format!("result `{name}` is never written"))?;
        }
        Ok(())
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<(), String> {
        match stmt {
            Stmt::Group(group) => self.group(group, &BTreeSet::new(), None),
            Stmt::Stage(stage) => self.stage(stage, &[], &BTreeMap::new()),
            Stmt::Alias { tensor, of, .. } => {
                ensure(self.written.contains(of), || format!("{of:?} is aliased before it is written"))?;
                ensure(self.p.tensors[*tensor].elem == self.p.tensors[*of].elem, || {
                    "an alias changes the element type".into()
                })?;
                self.write(*tensor)
            }
            Stmt::Check(check) => {
                let mut bound = BTreeSet::new();
                for axis in &check.axes {
                    self.index(axis.lo, &bound)?;
                    self.index(axis.hi, &bound)?;
                    bound.insert(axis.axis);
                }
                self.expr(check.cond, &bound)?;
                ensure(self.p.ty(check.cond) == Scalar::Bool, || "a check needs a bool".into())?;
                check.values.iter().try_for_each(|value| self.expr(*value, &bound))
            }
        }
    }

    /// A group inside loops over `around`; `rows` if it belongs to a ring.
    fn group(&mut self, group: &Group, around: &BTreeSet<AxisId>, rows: Option<&Size>) -> Result<(), String> {
        let Some((last, lead)) = group.axes.split_last() else { return Err("a group shares no axis".into()) };
        ensure(group.axes.iter().all(|axis| self.p.axes[*axis].extent.is_some()), || {
            "a group axis has no extent".into()
        })?;
        ensure(!around.contains(last), || format!("group axis {last:?} is bound around it"))?;
        let bound: BTreeSet<AxisId> = around.iter().chain(&group.axes).copied().collect();
        let own: BTreeSet<AxisId> = group.axes.iter().copied().collect();
        for ring in &group.rings {
            self.index(ring.first, &own)?;
            self.index(ring.end, &own)?;
            let lead_is_same = ring.group.axes.split_last().is_some_and(|(_, own)| own == lead);
            ensure(lead_is_same, || "a ring's rows do not move with the last axis of its group".into())?;
            ensure(ring.group.binding == group.binding, || "a ring runs at another time than its group".into())?;
            self.group(&ring.group, &bound, Some(&ring.rows))?;
        }
        // What becomes of a tensor's shared dimensions: nothing is left of them, or rows of a ring.
        let mut rooms: BTreeMap<TensorId, Option<&Size>> = group.private.iter().map(|id| (*id, None)).collect();
        if rows.is_some() {
            rooms.extend(group.stored().map(|tensor| (tensor, rows)));
        }
        let guard = group.stages.first().and_then(|stage| stage.guard);
        for stage in &group.stages {
            ensure(stage.guard == guard, || "the stages of a group have different guards".into())?;
            self.stage(stage, &group.axes, &rooms)?;
        }
        for ring in &group.rings {
            let same = ring.group.stages.iter().all(|stage| stage.guard == guard);
            ensure(same, || "a ring has another guard than its group".into())?;
        }
        // Nobody outside reads what has no room of its own.
        let kept = group.rings.iter().flat_map(|ring| ring.group.stored());
        for tensor in kept.chain(group.private.iter().copied()) {
            self.written.remove(&tensor);
        }
        Ok(())
    }

    /// A stage by itself (`shared` empty) or in a group that shares these axes; `rooms` says what stands for the shared axes
    /// of tensors that have not room for all of their values.
    fn stage(
        &mut self,
        stage: &Stage,
        shared: &[AxisId],
        rooms: &BTreeMap<TensorId, Option<&Size>>,
    ) -> Result<(), String> {
        let exprs: Vec<ExprId> = match &stage.body {
            StageBody::Map(exprs) => exprs.clone(),
            StageBody::Scan { op, expr } => {
                let last_is_own = stage.axes.last().is_some_and(|axis| !shared.contains(axis));
                ensure(last_is_own, || "a scan without an axis".into())?;
                ensure(matches!(op, ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min), || {
                    format!("a scan cannot combine with {}", op.name())
                })?;
                vec![*expr]
            }
        };
        ensure(exprs.len() == stage.tensors.len(), || "a stage has one expression a tensor".into())?;
        let mut bound: BTreeSet<AxisId> = BTreeSet::new();
        for axis in &stage.axes {
            ensure(self.p.axes[*axis].extent.is_some(), || format!("stage axis {axis:?} has no extent"))?;
            ensure(bound.insert(*axis), || format!("stage axis {axis:?} stands twice"))?;
        }
        ensure(shared.iter().all(|axis| bound.contains(axis)), || "a stage lacks an axis of its group".into())?;
        for (tensor, expr) in stage.tensors.iter().zip(&exprs) {
            let declared = &self.p.tensors[*tensor];
            let extent = |axis: &AxisId| self.p.axes[*axis].extent.as_ref();
            let dims: Vec<&Size> = match rooms.get(tensor) {
                Some(rows) => {
                    let inner = stage.axes.iter().filter(|axis| !shared.contains(axis));
                    rows.iter().copied().chain(inner.filter_map(extent)).collect()
                }
                None => stage.axes.iter().filter_map(extent).collect(),
            };
            ensure(declared.dims.iter().eq(dims), || format!("{tensor:?} does not have its axes' extents"))?;
            self.expr(*expr, &bound)?;
            let stored = compute_type(declared.elem);
            ensure(self.p.ty(*expr) == stored, || {
                format!("{tensor:?} of {} gets {}", declared.elem, self.p.ty(*expr))
            })?;
        }
        if let Some(guard) = stage.guard {
            self.expr(guard, &BTreeSet::new())?;
            ensure(self.p.ty(guard) == Scalar::Bool, || "a guard is a bool".into())?;
        }
        for tensor in &stage.tensors {
            // Stages whose guards exclude each other may write one tensor.
            let again = stage.guard.is_some() && !self.guarded.insert(*tensor);
            if !again {
                self.write(*tensor)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, tensor: TensorId) -> Result<(), String> {
        ensure(self.p.tensors[tensor].kind == TensorKind::Local, || format!("{tensor:?} is not for writing"))?;
        ensure(self.written.insert(tensor), || format!("{tensor:?} is written twice"))
    }

    fn index(&self, id: ExprId, bound: &BTreeSet<AxisId>) -> Result<(), String> {
        ensure(self.p.ty(id) == Scalar::I32, || format!("{id:?} is an index but not i32"))?;
        self.expr(id, bound)
    }

    fn expr(&self, id: ExprId, bound: &BTreeSet<AxisId>) -> Result<(), String> {
        // Free axes are collected over the whole DAG at once; the rest is checked node by node.
        let free = self.p.free_axes(id);
        ensure(free.is_subset(bound), || format!("{id:?} uses axes {:?} that nothing binds", free.difference(bound)))?;
        let mut result = Ok(());
        self.p.visit(&[id], &mut |id, _| {
            if result.is_ok() {
                result = self.node(id);
            }
        });
        result
    }

    fn node(&self, id: ExprId) -> Result<(), String> {
        let ty = self.p.ty(id);
        let same = |a: ExprId, b: Scalar| {
            ensure(self.p.ty(a) == b, || format!("{id:?}: operand {a:?} is {} where {b} is needed", self.p.ty(a)))
        };
        ensure(ty != Scalar::F16, || format!("{id:?} computes in f16"))?;
        match &self.p.exprs[id] {
            Expr::Const(value) => ensure(value.ty == ty, || format!("{id:?}: constant of another type")),
            Expr::Axis(_) | Expr::Size(_) => ensure(ty == Scalar::I32, || format!("{id:?}: an index is i32")),
            Expr::Op(op, args) => {
                ensure(args.len() == op.arity(), || format!("{id:?}: {} takes {} operands", op.name(), op.arity()))?;
                args.iter().try_for_each(|arg| same(*arg, self.p.ty(args[0])))?;
                ensure(op.result(self.p.ty(args[0])) == Some(ty), || {
                    format!("{id:?}: {} of {} does not give {ty}", op.name(), self.p.ty(args[0]))
                })
            }
            Expr::Cast(_) => Ok(()),
            Expr::Select(c, a, b) => {
                same(*c, Scalar::Bool)?;
                same(*a, ty)?;
                same(*b, ty)
            }
            Expr::Load(tensor, index) => {
                let declared = &self.p.tensors[*tensor];
                ensure(index.len() == declared.dims.len(), || {
                    format!("{id:?}: {} indices into {tensor:?}", index.len())
                })?;
                ensure(self.written.contains(tensor), || format!("{id:?}: {tensor:?} is read before it is written"))?;
                ensure(ty == compute_type(declared.elem), || format!("{id:?}: a load of another type"))?;
                index.iter().try_for_each(|arg| same(*arg, Scalar::I32))
            }
            Expr::Reduce(reduce) => {
                ensure(!reduce.axes.is_empty(), || format!("{id:?}: a reduction without an axis"))?;
                for axis in &reduce.axes {
                    same(axis.lo, Scalar::I32)?;
                    same(axis.hi, Scalar::I32)?;
                }
                let body = self.p.ty(reduce.body);
                let (takes, gives) = match reduce.op {
                    ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min => (body != Scalar::Bool, body),
                    ReduceOp::Any | ReduceOp::All => (body == Scalar::Bool, Scalar::Bool),
                    ReduceOp::Count => (body == Scalar::Bool, Scalar::I32),
                    ReduceOp::ArgMax | ReduceOp::ArgMin => (reduce.component < reduce.axes.len(), Scalar::I32),
                };
                ensure(takes && gives == ty, || format!("{id:?}: {} of {body} does not give {ty}", reduce.op.name()))?;
                let lanes_ok = reduce.order != FoldOrder::Lanes16 || reduce.axes.len() == 1;
                ensure(lanes_ok, || format!("{id:?}: lanes over several axes"))?;
                let is_order_free = !body.is_float() || matches!(reduce.op, ReduceOp::ArgMax | ReduceOp::ArgMin);
                ensure(is_order_free == (reduce.order == FoldOrder::Any), || format!("{id:?}: fold order of {body}"))
            }
        }
    }
}

fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint()) }
}
