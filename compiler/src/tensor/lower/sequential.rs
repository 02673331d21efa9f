//! Sequential statements: what changes is a variable, what jumps leaves a block.

use super::region::{LoopLabels, Part, Returns, leaves};
use super::scan::{jumps, returns_early};
use super::value::{List, Tv, Value};
use super::{Enclosing, Lowerer, Scope};
use crate::hir;
use crate::ops::Op;
use crate::size::Size;
use crate::source::Span;
use crate::tensor::*;
use crate::types::{Const, Scalar};

impl<'a> Lowerer<'a> {
    /// `var x = e`, `var ids: list i32[N]`.
    pub(super) fn declare(&mut self, scope: &mut Scope<'a>, local: hir::LocalId, value: Option<&'a hir::Expr>) {
        let declared = &scope.function.locals[local.0 as usize];
        let origin = self.origin(scope, declared.span);
        let variable = match (&declared.ty, value) {
            (hir::Type::List(list), _) => {
                let cap = self.size_in(scope, &list.cap);
                let elements = self.variable(&declared.name, list.elem, vec![cap.clone()], origin);
                let len = self.variable(&format!("{}.len", declared.name), Scalar::I32, Vec::new(), origin);
                self.lengths.insert(len, cap);
                let zero = self.p.constant(Const::i32(0), origin);
                self.store_one(len, Vec::new(), zero, origin);
                Value::List(List { elements, len })
            }
            (ty, value) => {
                let elem = ty.as_tensor().expect("a variable is a scalar, a tensor or a list").elem;
                let dims = self.dims_in(scope, ty);
                let value = self.tensor(scope, value.expect("HIR promised a first value"));
                let tensor = self.variable(&declared.name, elem, dims, origin);
                self.store_rows(tensor, &[], &value, origin);
                Value::Var(tensor)
            }
        };
        scope.locals.insert(local, variable);
    }

    /// `x = e`, `a[i, ..] = row`, `list[i] = e`.
    pub(super) fn assign(
        &mut self,
        scope: &mut Scope<'a>,
        local: hir::LocalId,
        items: &'a [hir::IndexItem],
        value: &'a hir::Expr,
        origin: OriginId,
    ) {
        match scope.locals[&local].clone() {
            Value::Var(tensor) => {
                let items = self.parts(scope, tensor, items, origin);
                let value = self.tensor(scope, value);
                self.store_part(tensor, items, &value, origin);
            }
            Value::List(list) => {
                let [hir::IndexItem::At(_, index)] = items else { unreachable!("one element of a list is assigned") };
                let index = self.scalar(scope, index);
                self.check_list_index(list, index, origin);
                let value = self.scalar(scope, value);
                self.store_one(list.elements, vec![index], value, origin);
            }
            Value::Tensor(_) | Value::Tuple(_) => unreachable!("only variables are assigned"),
        }
    }

    /// The part of a variable that brackets name; indices are checked.
    fn parts(
        &mut self,
        scope: &mut Scope<'a>,
        tensor: TensorId,
        items: &'a [hir::IndexItem],
        origin: OriginId,
    ) -> Vec<Part> {
        let Tensor { name, dims, .. } = self.p.tensors[tensor].clone();
        let mut parts = Vec::new();
        for (axis, (item, extent)) in items.iter().zip(&dims).enumerate() {
            parts.push(match item {
                hir::IndexItem::At(_, index) => {
                    let index = self.scalar(scope, index);
                    self.check_index(index, extent, &name, axis, origin);
                    Part::At(index)
                }
                hir::IndexItem::Slice { lo, hi } => {
                    let (lo, hi) = self.check_slice(scope, lo, hi, extent, &name, axis, origin);
                    Part::Slice(lo.clone(), hi.minus(&lo))
                }
            });
        }
        parts.extend(dims[items.len()..].iter().map(|extent| Part::Slice(Size::constant(0), extent.clone())));
        parts
    }

    pub(super) fn list(&self, scope: &Scope<'a>, local: hir::LocalId) -> List {
        match &scope.locals[&local] {
            Value::List(list) => *list,
            other => panic!("HIR promised a list, found {other:?}"),
        }
    }

    /// `list.len`.
    pub(super) fn list_len(&mut self, list: List, origin: OriginId) -> ExprId {
        self.p.expr(Expr::Load(list.len, Vec::new()), Scalar::I32, origin)
    }

    /// `list[i]`.
    pub(super) fn list_at(&mut self, list: List, index: ExprId, origin: OriginId) -> ExprId {
        self.check_list_index(list, index, origin);
        let ty = compute_type(self.p.tensors[list.elements].elem);
        self.p.expr(Expr::Load(list.elements, vec![index]), ty, origin)
    }

    fn check_list_index(&mut self, list: List, index: ExprId, origin: OriginId) {
        let len = self.list_len(list, origin);
        let (low_holds, high_holds) = {
            let prover = self.prover();
            (prover.at_least_zero(index), prover.less(index, len))
        };
        let zero = self.p.constant(Const::i32(0), origin);
        let (low, high) = (self.p.op(Op::Le, &[zero, index], origin), self.p.op(Op::Lt, &[index, len], origin));
        let cond = match (low_holds, high_holds) {
            (true, true) => return,
            (true, false) => high,
            (false, true) => low,
            (false, false) => self.p.op(Op::And, &[low, high], origin),
        };
        let tensor = self.p.tensors[list.elements].name.clone();
        self.add_check(cond, Failure::IndexOutOfRange { tensor, axis: 0 }, vec![index, len], origin);
    }

    /// `list.push(e)`.
    pub(super) fn push(&mut self, list: List, value: ExprId, origin: OriginId) {
        let len = self.list_len(list, origin);
        let cap = self.lengths[&list.len].clone();
        let cap_value = self.p.size(&cap, origin);
        if !self.prover().less(len, cap_value) {
            let cond = self.p.op(Op::Lt, &[len, cap_value], origin);
            let name = self.p.tensors[list.elements].name.clone();
            self.add_check(cond, Failure::ListFull(name), vec![cap_value], origin);
        }
        self.store_one(list.elements, vec![len], value, origin);
        let one = self.p.constant(Const::i32(1), origin);
        let longer = self.p.op(Op::Add, &[len, one], origin);
        self.store_one(list.len, Vec::new(), longer, origin);
    }

    /// `list.pop()`; gives the element.
    pub(super) fn pop(&mut self, list: List, name: &str, wanted: bool, origin: OriginId) -> Option<ExprId> {
        let len = self.list_len(list, origin);
        if !self.prover().positive(len) {
            let zero = self.p.constant(Const::i32(0), origin);
            let cond = self.p.op(Op::Lt, &[zero, len], origin);
            let list_name = self.p.tensors[list.elements].name.clone();
            self.add_check(cond, Failure::ListEmpty(list_name), Vec::new(), origin);
        }
        let one = self.p.constant(Const::i32(1), origin);
        let last = self.p.op(Op::Sub, &[len, one], origin);
        let element = wanted.then(|| {
            let ty = compute_type(self.p.tensors[list.elements].elem);
            let load = self.p.expr(Expr::Load(list.elements, vec![last]), ty, origin);
            self.settle_scalar(load, name, origin)
        });
        self.store_one(list.len, Vec::new(), last, origin);
        element
    }

    /// `list.truncate(n)`.
    pub(super) fn truncate(&mut self, list: List, to: ExprId, origin: OriginId) {
        let len = self.list_len(list, origin);
        let zero = self.p.constant(Const::i32(0), origin);
        let (low, high) = (self.p.op(Op::Le, &[zero, to], origin), self.p.op(Op::Le, &[to, len], origin));
        let cond = self.p.op(Op::And, &[low, high], origin);
        let name = self.p.tensors[list.elements].name.clone();
        self.add_check(cond, Failure::ListLength(name), vec![to, len], origin);
        self.store_one(list.len, Vec::new(), to, origin);
    }

    /// A list's elements of now, as a tensor whose size is decided here.
    pub(super) fn freeze(
        &mut self,
        scope: &mut Scope<'a>,
        list: List,
        size: crate::size::SizeVar,
        origin: OriginId,
    ) -> Tv {
        let len = self.list_len(list, origin);
        let cap = self.lengths[&list.len].clone();
        let own = self.decide(self.program.names.size(size).to_string(), &cap, len, origin);
        scope.sizes.insert(size, own.clone());
        let elem = self.p.tensors[list.elements].elem;
        self.lambda(elem, &[own], origin, |l, index| {
            l.p.expr(Expr::Load(list.elements, index.to_vec()), compute_type(elem), origin)
        })
    }

    /// A fresh size with this value, which is between 0 and `bound`.
    pub(super) fn decide(&mut self, name: String, bound: &Size, value: ExprId, origin: OriginId) -> Size {
        let var = self.program.names.new_size(name);
        let size = Size::from(var);
        let known = self.greatest(bound);
        self.p.decided.push(Decided { var, bound: known });
        self.fact(false, size.clone(), String::new(), None);
        self.fact(false, bound.minus(&size), String::new(), None);
        self.p.body.stmts.push(Stmt::Decide { var, value, binding: Binding::Call, origin });
        size
    }

    /// The greatest value of a size, without decided sizes in it.
    pub(super) fn greatest(&self, size: &Size) -> Size {
        self.p.greatest(size)
    }

    /// `if` as a statement.
    pub(super) fn if_statement(
        &mut self,
        scope: &mut Scope<'a>,
        cond: &'a hir::Expr,
        then: &'a hir::Block,
        otherwise: &'a hir::Block,
    ) {
        let origin = self.origin(scope, cond.span);
        let cond = self.scalar(scope, cond);
        if let Some(value) = self.p.as_const(cond) {
            let taken = if value.bits != 0 { then } else { otherwise };
            self.block(scope, taken);
            return;
        }
        let not = self.p.op(Op::Not, &[cond], origin);
        let [yes, no] = [(cond, then), (not, otherwise)].map(|(cond, arm)| {
            self.region(|l| {
                l.learn(cond);
                l.block(scope, arm);
            })
        });
        let ends = |region: &Region| region.stmts.last().is_some_and(leaves);
        let (yes_leaves, no_leaves) = (ends(&yes), ends(&no));
        self.control(ControlKind::If { cond, then: yes, otherwise: no }, origin);
        // Whoever comes here did not take the branch that leaves.
        match (yes_leaves, no_leaves) {
            (true, false) if !self.changes_condition(scope, cond, otherwise) => self.learn(not),
            (false, true) if !self.changes_condition(scope, cond, then) => self.learn(cond),
            _ => {}
        }
    }

    fn changes_condition(&self, scope: &Scope<'a>, cond: ExprId, block: &hir::Block) -> bool {
        let vars = self.p.loads_var(cond);
        self.changed_in(scope, block).iter().any(|tensor| vars.contains(tensor))
    }

    /// `loop i in a..b { … }`.
    pub(super) fn loop_statement(
        &mut self,
        scope: &mut Scope<'a>,
        axis: &'a hir::Axis,
        body: &'a hir::Block,
        span: Span,
    ) {
        let origin = self.origin(scope, span);
        let depth = self.enclosing.len();
        self.push_axes(scope, std::slice::from_ref(axis), false);
        let mut own = self.enclosing.split_off(depth).pop().expect("one index");
        // The bounds are of now, also where the body changes what they are made of.
        own.lo = self.settle_scalar(own.lo, "first", origin);
        own.hi = self.settle_scalar(own.hi, "end", origin);
        self.bounds.insert(own.axis, (own.lo, own.hi));
        self.forget_changed(scope, body);
        let Enclosing { axis, lo, hi, step, .. } = own.clone();
        self.enclosing.push(own);
        self.exits(scope, body, origin, |l, scope| {
            let inside = l.region(|l| l.pass(scope, body, origin));
            let axis = ReduceAxis { axis, lo, hi, step };
            l.control(ControlKind::Loop { axis, body: inside }, origin);
        });
        self.enclosing.pop();
    }

    /// `while c { … }`.
    pub(super) fn while_statement(
        &mut self,
        scope: &mut Scope<'a>,
        cond: &'a hir::Expr,
        body: &'a hir::Block,
        span: Span,
    ) {
        let origin = self.origin(scope, span);
        self.forget_changed(scope, body);
        let after = self.label();
        let next = self.label();
        scope.loops.push(LoopLabels { after, next });
        let block = self.region(|l| {
            let inside = l.region(|l| {
                let cond = l.scalar(scope, cond);
                let leave = l.region(|l| l.control(ControlKind::Leave(after), origin));
                l.control(ControlKind::If { cond, then: Region::default(), otherwise: leave }, origin);
                l.learn(cond);
                l.pass(scope, body, origin);
            });
            l.control(ControlKind::Repeat(inside), origin);
        });
        scope.loops.pop();
        self.control(ControlKind::Block(after, block), origin);
    }

    /// A loop, in a block if something breaks it.
    fn exits(
        &mut self,
        scope: &mut Scope<'a>,
        body: &'a hir::Block,
        origin: OriginId,
        build: impl FnOnce(&mut Self, &mut Scope<'a>),
    ) {
        let (after, next) = (self.label(), self.label());
        scope.loops.push(LoopLabels { after, next });
        if jumps(body, &|stmt| matches!(stmt, hir::Stmt::Break)) {
            let block = self.region(|l| build(l, scope));
            self.control(ControlKind::Block(after, block), origin);
        } else {
            build(self, scope);
        }
        scope.loops.pop();
    }

    /// One pass of a loop's body, in a block if something ends it early.
    fn pass(&mut self, scope: &mut Scope<'a>, body: &'a hir::Block, origin: OriginId) {
        if jumps(body, &|stmt| matches!(stmt, hir::Stmt::Continue)) {
            let next = scope.loops.last().expect("a loop is around").next;
            let block = self.region(|l| {
                l.block(scope, body);
            });
            self.control(ControlKind::Block(next, block), origin);
        } else {
            self.block(scope, body);
        }
    }

    /// The body of the scope's function: its value, also where it returns early.
    pub(super) fn body(&mut self, scope: &mut Scope<'a>, origin: OriginId) -> Option<Value> {
        let function = scope.function;
        if !returns_early(&function.body) {
            let value = self.block(scope, &function.body)?;
            self.take_decided(scope, &value);
            return Some(value);
        }
        let label = self.label();
        // Room for the greatest that the data may decide.
        for decided in &function.decided {
            let bound = self.size_in(scope, &decided.bound);
            scope.sizes.insert(decided.var, self.greatest(&bound));
        }
        let mut parts = Vec::new();
        for result in &function.results {
            let name = result.name.as_deref().unwrap_or("returned");
            parts.extend(self.variables(scope, &[], &result.ty, name, origin));
        }
        let decided: Vec<TensorId> = function
            .decided
            .iter()
            .map(|decided| {
                let name = self.program.names.size(decided.var).to_string();
                self.variable(&name, Scalar::I32, Vec::new(), origin)
            })
            .collect();
        scope.returns = Some(Returns { label, parts: parts.clone(), decided: decided.clone() });
        let block = self.region(|l| {
            if let Some(value) = l.block(scope, &function.body) {
                l.leave_value(scope, Some(value), origin);
            }
        });
        self.control(ControlKind::Block(label, block), origin);
        for (declared, value) in function.decided.iter().zip(&decided) {
            let bound = scope.sizes[&declared.var].clone();
            let value = self.p.expr(Expr::Load(*value, Vec::new()), Scalar::I32, origin);
            let name = self.program.names.size(declared.var).to_string();
            let size = self.decide(name, &bound, value, origin);
            scope.sizes.insert(declared.var, size);
        }
        let mut values = Vec::new();
        for result in &function.results {
            let value = self.stored_value(&mut parts.drain(..count(&result.ty)), &result.ty);
            values.push(self.cut(scope, value, &result.ty, origin));
        }
        match values.len() {
            0 => None,
            1 => values.pop(),
            _ => Some(Value::Tuple(values)),
        }
    }

    /// A value in room for more, cut to the size that was decided.
    fn cut(&mut self, scope: &Scope<'a>, value: Value, ty: &hir::Type, origin: OriginId) -> Value {
        match (self.read(value), ty) {
            (Value::Tensor(tv), hir::Type::Tensor(tensor)) if !tv.dims.is_empty() => {
                let dims = self.dims_in(scope, ty);
                if dims == tv.dims {
                    return Value::Tensor(tv);
                }
                Value::Tensor(self.lambda(tensor.elem, &dims, origin, |l, index| l.element(&tv, index, origin)))
            }
            (Value::Tuple(parts), hir::Type::Tuple(types)) => Value::Tuple(
                parts.into_iter().zip(types).map(|(part, (_, ty))| self.cut(scope, part, ty, origin)).collect(),
            ),
            (value, _) => value,
        }
    }

    /// `return e`.
    pub(super) fn return_statement(&mut self, scope: &mut Scope<'a>, value: Option<&'a hir::Expr>, span: Span) {
        let origin = self.origin(scope, span);
        let value = value.map(|value| self.expr(scope, value));
        self.leave_value(scope, value, origin);
        let label = scope.returns.as_ref().expect("the function returns early").label;
        self.control(ControlKind::Leave(label), origin);
    }

    /// Leaves a function's value where its caller finds it.
    fn leave_value(&mut self, scope: &mut Scope<'a>, value: Option<Value>, origin: OriginId) {
        let Some(value) = value else { return };
        let Returns { parts, decided, .. } = scope.returns.clone().expect("the function returns early");
        for (declared, variable) in scope.function.decided.iter().zip(decided) {
            let size = self.extent_of(&value, declared.place);
            let size = self.p.size(&size, origin);
            self.store_one(variable, Vec::new(), size, origin);
        }
        self.leave_parts(&mut parts.into_iter(), value, origin);
    }

    /// Stores a value into room that may be larger.
    fn leave_parts(&mut self, tensors: &mut dyn Iterator<Item = TensorId>, value: Value, origin: OriginId) {
        match self.read(value) {
            Value::Tensor(tv) => {
                let tensor = tensors.next().expect("a variable for each part");
                let items = tv.dims.iter().map(|extent| Part::Slice(Size::constant(0), extent.clone())).collect();
                self.store_part(tensor, items, &tv, origin);
            }
            Value::Tuple(parts) => parts.into_iter().for_each(|part| self.leave_parts(tensors, part, origin)),
            Value::Var(_) | Value::List(_) => unreachable!("reading gives values"),
        }
    }

    /// Takes the sizes that the data decided from the value they belong to.
    fn take_decided(&mut self, scope: &mut Scope<'a>, value: &Value) {
        for decided in &scope.function.decided {
            let size = self.extent_of(value, decided.place);
            scope.sizes.insert(decided.var, size);
        }
    }

    /// An extent of a part of a value.
    fn extent_of(&self, value: &Value, (result, axis): (usize, usize)) -> Size {
        match value {
            Value::Tensor(tv) => tv.dims[axis].clone(),
            Value::Var(tensor) => self.p.tensors[*tensor].dims[axis].clone(),
            Value::Tuple(parts) => self.extent_of(&parts[result], (0, axis)),
            Value::List(_) => unreachable!("a list is no value"),
        }
    }
}

/// The number of tensors in a type.
fn count(ty: &hir::Type) -> usize {
    match ty {
        hir::Type::Tensor(_) | hir::Type::List(_) => 1,
        hir::Type::Tuple(parts) => parts.iter().map(|(_, part)| count(part)).sum(),
    }
}
