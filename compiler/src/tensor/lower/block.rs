//! Blocks, statements and the simple expressions.

use super::value::{At, Tv, Value};
use super::{Enclosing, Lowerer, Scope};
use crate::hir;
use crate::ops::Op;
use crate::size::Size;
use crate::tensor::*;
use crate::types::Scalar;

impl<'a> Lowerer<'a> {
    /// Statements in order, then the value.
    pub(super) fn block(&mut self, scope: &mut Scope<'a>, block: &'a hir::Block) -> Option<Value> {
        let before = self.p.tensors.len();
        for stmt in &block.stmts {
            self.statement(scope, stmt);
        }
        let value = block.value.as_ref().map(|value| self.expr(scope, value));
        // Nobody can name the block's variables from here on.
        let ended = self.p.tensors.iter().map(|(id, _)| id).skip(before);
        let ended: Vec<TensorId> = ended.filter(|id| self.p.tensors[*id].kind == TensorKind::Var).collect();
        self.ended.extend(ended);
        value
    }

    fn statement(&mut self, scope: &mut Scope<'a>, stmt: &'a hir::Stmt) {
        match stmt {
            hir::Stmt::Let { locals, value } => {
                let value = self.expr(scope, value);
                match (value, locals.as_slice()) {
                    (Value::Tuple(parts), [single]) => {
                        let parts = parts.into_iter().map(|part| self.bind(scope, *single, part)).collect();
                        scope.locals.insert(*single, Value::Tuple(parts));
                    }
                    (Value::Tuple(parts), several) => {
                        for (part, local) in parts.into_iter().zip(several) {
                            let part = self.bind(scope, *local, part);
                            scope.locals.insert(*local, part);
                        }
                    }
                    (single, locals) => {
                        let part = self.bind(scope, locals[0], single);
                        scope.locals.insert(locals[0], part);
                    }
                }
            }
            hir::Stmt::Assert { cond, message, span } => self.assert(scope, cond, message, *span),
            hir::Stmt::ForAsserts { axes, body } => {
                let is_sequential = self.is_sequential(body);
                let depth = self.enclosing.len();
                self.push_axes(scope, axes, true);
                if is_sequential {
                    let own = self.enclosing.split_off(depth);
                    let origin = self.p.origin;
                    self.loops(own, origin, &mut |l, _| {
                        l.block(scope, body);
                    });
                } else {
                    self.block(scope, body);
                    self.enclosing.truncate(depth);
                }
            }
            hir::Stmt::Var { local, value } => self.declare(scope, *local, value.as_ref()),
            hir::Stmt::Assign { local, items, value, span } => {
                let origin = self.origin(scope, *span);
                self.assign(scope, *local, items, value, origin);
            }
            hir::Stmt::Push { list, value, span } => {
                let origin = self.origin(scope, *span);
                let value = self.scalar(scope, value);
                let list = self.list(scope, *list);
                self.push(list, value, origin);
            }
            hir::Stmt::Pop { list, into, span } => {
                let origin = self.origin(scope, *span);
                let list = self.list(scope, *list);
                let name = into.map_or("", |local| scope.function.locals[local.0 as usize].name.as_str());
                let element = self.pop(list, name, into.is_some(), origin);
                if let (Some(local), Some(element)) = (into, element) {
                    scope.locals.insert(*local, Value::Tensor(self.scalar_value(element)));
                }
            }
            hir::Stmt::Truncate { list, len, span } => {
                let origin = self.origin(scope, *span);
                let len = self.scalar(scope, len);
                let list = self.list(scope, *list);
                self.truncate(list, len, origin);
            }
            hir::Stmt::If { cond, then, otherwise } => self.if_statement(scope, cond, then, otherwise),
            hir::Stmt::Loop { axis, body, span } => self.loop_statement(scope, axis, body, *span),
            hir::Stmt::While { cond, body, span } => self.while_statement(scope, cond, body, *span),
            hir::Stmt::Break => {
                let after = scope.loops.last().expect("HIR promised a loop around").after;
                self.control(ControlKind::Leave(after), self.p.origin);
            }
            hir::Stmt::Continue => {
                let next = scope.loops.last().expect("HIR promised a loop around").next;
                self.control(ControlKind::Leave(next), self.p.origin);
            }
            hir::Stmt::Return { value, span } => self.return_statement(scope, value.as_ref(), *span),
        }
    }

    /// A named value is computed once.
    fn bind(&mut self, scope: &Scope<'_>, local: hir::LocalId, value: Value) -> Value {
        let declared = &scope.function.locals[local.0 as usize];
        let origin = self.origin(scope, declared.span);
        let value = self.read(value);
        // Inside an expression nothing changes.
        let value = if self.at_statement() { self.settle_value(value, &declared.name, origin) } else { value };
        self.bind_as(&declared.name, value, origin)
    }

    fn settle_value(&mut self, value: Value, name: &str, origin: OriginId) -> Value {
        match value {
            Value::Tensor(tv) => Value::Tensor(self.settle(&tv, name, origin)),
            Value::Tuple(parts) => {
                Value::Tuple(parts.into_iter().map(|part| self.settle_value(part, name, origin)).collect())
            }
            variable @ (Value::Var(_) | Value::List(_)) => variable,
        }
    }

    pub(super) fn bind_as(&mut self, name: &str, value: Value, origin: OriginId) -> Value {
        match value {
            Value::Tensor(tv) => Value::Tensor(self.store(&tv, name, origin)),
            Value::Tuple(parts) => {
                Value::Tuple(parts.into_iter().map(|part| self.bind_as(name, part, origin)).collect())
            }
            variable @ (Value::Var(_) | Value::List(_)) => variable,
        }
    }

    /// A tensor-valued expression.
    pub(super) fn tensor(&mut self, scope: &mut Scope<'a>, e: &'a hir::Expr) -> Tv {
        let value = self.expr(scope, e);
        match self.read(value) {
            Value::Tensor(value) => value,
            other => panic!("{other:?} stands where HIR promised a tensor"),
        }
    }

    /// A scalar expression.
    pub(super) fn scalar(&mut self, scope: &mut Scope<'a>, e: &'a hir::Expr) -> ExprId {
        let value = self.tensor(scope, e);
        let origin = self.origin(scope, e.span);
        self.element(&value, &[], origin)
    }

    pub(super) fn expr(&mut self, scope: &mut Scope<'a>, e: &'a hir::Expr) -> Value {
        let origin = self.origin(scope, e.span);
        match &e.kind {
            hir::ExprKind::Const(value) => {
                let id = self.p.constant(*value, origin);
                let id = self.p.cast(compute_type(value.ty), id, origin);
                Value::Tensor(self.scalar_value(id))
            }
            hir::ExprKind::Table(values) => {
                let ty = e.ty.as_tensor().expect("tables are tensors");
                let dims: Vec<i64> =
                    ty.dims.iter().map(|dim| dim.as_const().expect("tables have known extents")).collect();
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                let data = ConstData { name: "table".to_string(), elem: ty.elem, dims, bytes };
                let data = super::add_const(&mut self.program.consts, data);
                Value::Tensor(self.const_tensor(data, origin))
            }
            hir::ExprKind::Local(local) => {
                let value = scope.locals[local].clone();
                self.read(value)
            }
            hir::ExprKind::Freeze { list, size } => {
                let list = self.list(scope, *list);
                Value::Tensor(self.freeze(scope, list, *size, origin))
            }
            hir::ExprKind::ListLen(list) => {
                let list = self.list(scope, *list);
                let len = self.list_len(list, origin);
                Value::Tensor(self.scalar_value(len))
            }
            hir::ExprKind::ListAt(list, index) => {
                let index = self.scalar(scope, index);
                let list = self.list(scope, *list);
                let element = self.list_at(list, index, origin);
                Value::Tensor(self.scalar_value(element))
            }
            hir::ExprKind::ConstItem(id) => {
                let item = &self.consts[id.0 as usize];
                let parts: Vec<Value> =
                    item.parts.iter().map(|data| Value::Tensor(self.const_tensor(*data, origin))).collect();
                if item.is_tuple {
                    Value::Tuple(parts)
                } else {
                    parts.into_iter().next().expect("a constant has a value")
                }
            }
            hir::ExprKind::Size(size) => {
                let size = self.size_in(scope, size);
                let id = self.p.size(&size, origin);
                Value::Tensor(self.scalar_value(id))
            }
            hir::ExprKind::Op(op, args) => Value::Tensor(self.operation(scope, e, *op, args, origin)),
            hir::ExprKind::Cast(arg) => {
                let to = e.ty.as_tensor().expect("casts give tensors").elem;
                let value = self.tensor(scope, arg);
                let dims = value.dims.clone();
                Value::Tensor(self.map(&value, to, &dims, origin, |l, x| l.p.cast(compute_type(to), x, origin)))
            }
            hir::ExprKind::If { cond, then, otherwise } => {
                let cond = self.scalar(scope, cond);
                self.conditional(scope, cond, [then, otherwise], &e.ty, origin)
            }
            hir::ExprKind::Call(call) => self.call(scope, call, e),
            hir::ExprKind::Reshape(arg) => {
                let value = self.tensor(scope, arg);
                let dims = self.dims_in(scope, &e.ty);
                Value::Tensor(self.reshape(&value, dims, origin))
            }
            hir::ExprKind::Transpose(arg, perm) => {
                let value = self.tensor(scope, arg);
                let dims: Vec<Size> = perm.iter().map(|axis| value.dims[*axis].clone()).collect();
                Value::Tensor(self.lambda(value.elem, &dims, origin, |l, index| {
                    let mut inner = index.to_vec();
                    perm.iter().zip(index).for_each(|(axis, id)| inner[*axis] = *id);
                    l.element(&value, &inner, origin)
                }))
            }
            hir::ExprKind::Concat(parts, axis) => {
                let values: Vec<Tv> = parts.iter().map(|part| self.tensor(scope, part)).collect();
                Value::Tensor(self.concat(&values, *axis, origin))
            }
            hir::ExprKind::Stack(parts, axis) => {
                let values: Vec<Tv> = parts.iter().map(|part| self.tensor(scope, part)).collect();
                Value::Tensor(self.stack(&values, *axis, origin))
            }
            hir::ExprKind::Index { base, items, default } => self.index(scope, base, items, default.as_deref(), origin),
            hir::ExprKind::For { axes, body } if self.is_sequential(body) => {
                if !self.at_statement() {
                    self.unsupported(e.span, "sequential code inside a reduction whose range the data decides");
                }
                self.comprehension_of_statements(scope, axes, body, &e.ty, origin)
            }
            hir::ExprKind::For { axes, body } => self.comprehension(scope, axes, body, origin),
            hir::ExprKind::Reduce { op, axes, body } => self.reduce(scope, *op, axes, body, &e.ty, origin),
            hir::ExprKind::Scan { op, axis, body } => Value::Tensor(self.scan(scope, *op, axis, body, e, origin)),
            hir::ExprKind::Tuple(parts) => Value::Tuple(parts.iter().map(|part| self.expr(scope, part)).collect()),
            hir::ExprKind::Field(base, field) => match self.expr(scope, base) {
                Value::Tuple(mut parts) => parts.swap_remove(*field),
                other => panic!("a field of {other:?}"),
            },
            hir::ExprKind::Block(block) => self.block(scope, block).expect("HIR promised a value"),
        }
    }

    /// The tensor of a constant; one element of rank 0 becomes a constant expression.
    fn const_tensor(&mut self, data: DataId, origin: OriginId) -> Tv {
        let content = &self.program.consts[data.0 as usize];
        let dims: Vec<Size> = content.dims.iter().map(|dim| Size::constant(*dim)).collect();
        if dims.is_empty() {
            let value = crate::types::Const::from_le_bytes(content.elem, &content.bytes);
            let elem = content.elem;
            let id = self.p.constant(value, origin);
            let id = self.p.cast(compute_type(elem), id, origin);
            return self.scalar_value(id);
        }
        let known = self.p.tensors.iter().find(|(_, tensor)| tensor.kind == TensorKind::Const(data)).map(|(id, _)| id);
        let elem = content.elem;
        let tensor = match known {
            Some(id) => id,
            None => {
                let tensor =
                    Tensor { name: content.name.clone(), elem, dims: dims.clone(), kind: TensorKind::Const(data) };
                self.p.tensors.add(tensor, origin)
            }
        };
        Tv::stored(elem, dims, tensor, Vec::new())
    }

    /// Element by element.
    pub(super) fn map(
        &mut self,
        value: &Tv,
        elem: Scalar,
        dims: &[Size],
        origin: OriginId,
        f: impl FnOnce(&mut Self, ExprId) -> ExprId,
    ) -> Tv {
        self.lambda(elem, dims, origin, |l, index| {
            let x = l.element(value, index, origin);
            f(l, x)
        })
    }

    /// An elementwise operation with broadcasting from the right; integer divisors are checked.
    fn operation(
        &mut self,
        scope: &mut Scope<'a>,
        e: &'a hir::Expr,
        op: Op,
        args: &'a [hir::Expr],
        origin: OriginId,
    ) -> Tv {
        let values: Vec<Tv> = args.iter().map(|arg| self.tensor(scope, arg)).collect();
        let ty = e.ty.as_tensor().expect("operations give tensors");
        let dims = self.dims_in(scope, &e.ty);
        let elem = ty.elem;
        let axes: Vec<AxisId> = dims.iter().map(|dim| self.axis("i", dim, origin)).collect();
        let index: Vec<ExprId> = axes.iter().map(|axis| self.p.axis(*axis, origin)).collect();
        let operands: Vec<ExprId> = values
            .iter()
            .map(|value| {
                let skip = dims.len() - value.dims.len();
                let own: Vec<ExprId> = value
                    .dims
                    .iter()
                    .zip(&index[skip..])
                    .zip(&dims[skip..])
                    .map(|((own, id), out)| {
                        let shared = own.as_const() == Some(1) && out.as_const() != Some(1);
                        if shared { self.p.constant(crate::types::Const::i32(0), origin) } else { *id }
                    })
                    .collect();
                self.element(value, &own, origin)
            })
            .collect();
        if op.divides(self.p.ty(operands[0])) {
            let depth = self.enclosing.len();
            self.push_own(&axes, origin);
            self.check_divisor(operands[1], origin);
            self.enclosing.truncate(depth);
        }
        let expr = self.p.op(op, &operands, origin);
        Tv { elem, dims, at: At::Lambda(axes, expr) }
    }

    /// Axes of a lambda under construction, as enclosing indices of what is checked inside it.
    pub(super) fn push_own(&mut self, axes: &[AxisId], origin: OriginId) {
        for axis in axes {
            let extent = self.p.axes[*axis].extent.clone().expect("a lambda's axes have extents");
            let lo = self.p.constant(crate::types::Const::i32(0), origin);
            let hi = self.p.size(&extent, origin);
            self.enclosing.push(Enclosing {
                axis: *axis,
                lo,
                hi,
                step: Size::constant(1),
                liftable: true,
                is_output: true,
            });
        }
    }

    fn conditional(
        &mut self,
        scope: &mut Scope<'a>,
        cond: ExprId,
        [then, otherwise]: [&'a hir::Block; 2],
        ty: &'a hir::Type,
        origin: OriginId,
    ) -> Value {
        // A condition decided at build time leaves one branch.
        if let Some(value) = self.p.as_const(cond) {
            let taken = if value.bits != 0 { then } else { otherwise };
            return self.block(scope, taken).expect("HIR promised a value");
        }
        if self.is_sequential(then) || self.is_sequential(otherwise) {
            return self.branch_of_statements(scope, cond, [then, otherwise], ty, origin);
        }
        self.path.push(cond);
        let a = self.block(scope, then).expect("HIR promised a value");
        self.path.pop();
        let not = self.p.op(Op::Not, &[cond], origin);
        self.path.push(not);
        let b = self.block(scope, otherwise).expect("HIR promised a value");
        self.path.pop();
        self.choose(cond, a, b, origin)
    }

    fn choose(&mut self, cond: ExprId, a: Value, b: Value, origin: OriginId) -> Value {
        match (a, b) {
            (Value::Tensor(a), Value::Tensor(b)) => {
                let dims = a.dims.clone();
                Value::Tensor(self.lambda(a.elem, &dims, origin, |l, index| {
                    let (x, y) = (l.element(&a, index, origin), l.element(&b, index, origin));
                    l.p.select(cond, x, y, origin)
                }))
            }
            (Value::Tuple(a), Value::Tuple(b)) => {
                Value::Tuple(a.into_iter().zip(b).map(|(a, b)| self.choose(cond, a, b, origin)).collect())
            }
            _ => panic!("branches of different types"),
        }
    }
}
