//! Builds Tensor IR by hand for tests: every call adds one node and gives its id.

use crate::ops::Op;
use crate::origin::OriginId;
use crate::size::{Size, SizeVar};
use crate::source::{FileId, Span};
use crate::tensor::eval::{EvalError, TensorValue, run};
use crate::tensor::*;
use crate::types::{Const, Scalar};

/// A program with one pipeline under construction.
pub struct Build {
    pub program: Program,
    pub origin: OriginId,
}

impl Build {
    pub fn new() -> Build {
        let mut program = Program::default();
        let origin = program.origins.add(Span { file: FileId(0), start: 0, end: 0 }, None);
        program.pipelines.push(Pipeline {
            name: "test".to_string(),
            doc: String::new(),
            origin,
            sizes: Vec::new(),
            plan_scalars: Vec::new(),
            params: Vec::new(),
            results: Vec::new(),
            facts: Vec::new(),
            decided: Vec::new(),
            tensors: Default::default(),
            axes: Default::default(),
            exprs: Default::default(),
            types: Vec::new(),
            body: Region::default(),
        });
        Build { program, origin }
    }

    pub fn p(&mut self) -> &mut Pipeline {
        &mut self.program.pipelines[0]
    }

    /// A size variable.
    pub fn size(&mut self, name: &str) -> SizeVar {
        let var = self.program.names.new_size(name);
        self.p().sizes.push(var);
        var
    }

    fn tensor(&mut self, name: &str, elem: Scalar, dims: &[Size], kind: TensorKind) -> TensorId {
        let origin = self.origin;
        self.p().tensors.add(Tensor { name: name.to_string(), elem, dims: dims.to_vec(), kind }, origin)
    }

    pub fn param(&mut self, name: &str, elem: Scalar, dims: &[Size]) -> TensorId {
        let number = self.p().params.len();
        let id = self.tensor(name, elem, dims, TensorKind::Param(number));
        self.p().params.push(id);
        id
    }

    pub fn local(&mut self, name: &str, elem: Scalar, dims: &[Size]) -> TensorId {
        self.tensor(name, elem, dims, TensorKind::Local)
    }

    pub fn constant(&mut self, value: TensorValue) -> TensorId {
        let data = DataId(self.program.consts.len() as u32);
        let dims: Vec<Size> = value.dims.iter().map(|dim| Size::constant(*dim)).collect();
        let (elem, dims_now, bytes) = (value.elem, value.dims, value.bytes);
        self.program.consts.push(ConstData { name: "C".to_string(), elem, dims: dims_now, bytes });
        self.tensor("C", elem, &dims, TensorKind::Const(data))
    }

    pub fn result(&mut self, tensor: TensorId) {
        self.p().results.push(("result".to_string(), tensor));
    }

    /// A stage's axis.
    pub fn axis(&mut self, extent: impl Into<Size>) -> AxisId {
        let (origin, extent) = (self.origin, Some(extent.into()));
        self.p().axes.add(Axis { name: "i".to_string(), extent }, origin)
    }

    /// A reduction's axis with its bounds.
    pub fn reduce_axis(&mut self, lo: ExprId, hi: ExprId, step: i64) -> ReduceAxis {
        let origin = self.origin;
        let axis = self.p().axes.add(Axis { name: "k".to_string(), extent: None }, origin);
        ReduceAxis { axis, lo, hi, step: Size::constant(step) }
    }

    pub fn expr(&mut self, expr: Expr, ty: Scalar) -> ExprId {
        let origin = self.origin;
        self.p().expr(expr, ty, origin)
    }

    pub fn int(&mut self, value: i32) -> ExprId {
        self.expr(Expr::Const(Const::i32(value)), Scalar::I32)
    }

    pub fn float(&mut self, value: f32) -> ExprId {
        self.expr(Expr::Const(Const::f32(value)), Scalar::F32)
    }

    pub fn at(&mut self, axis: AxisId) -> ExprId {
        self.expr(Expr::Axis(axis), Scalar::I32)
    }

    pub fn size_value(&mut self, size: Size) -> ExprId {
        self.expr(Expr::Size(size), Scalar::I32)
    }

    pub fn op(&mut self, op: Op, args: &[ExprId]) -> ExprId {
        let ty = op.result(self.p().ty(args[0])).unwrap();
        self.expr(Expr::Op(op, args.to_vec()), ty)
    }

    pub fn cast(&mut self, to: Scalar, arg: ExprId) -> ExprId {
        self.expr(Expr::Cast(arg), to)
    }

    pub fn select(&mut self, cond: ExprId, then: ExprId, otherwise: ExprId) -> ExprId {
        let ty = self.p().ty(then);
        self.expr(Expr::Select(cond, then, otherwise), ty)
    }

    pub fn load(&mut self, tensor: TensorId, index: &[ExprId]) -> ExprId {
        let elem = self.p().tensors[tensor].elem;
        let ty = if elem == Scalar::F16 { Scalar::F32 } else { elem };
        self.expr(Expr::Load(tensor, index.to_vec()), ty)
    }

    pub fn reduce(&mut self, op: ReduceOp, axes: Vec<ReduceAxis>, body: ExprId, order: FoldOrder) -> ExprId {
        let ty = crate::ops::fold::result(op, self.p().ty(body)).unwrap();
        self.expr(Expr::Reduce(Reduce { op, axes, body, order, component: 0 }), ty)
    }

    /// `sum`-like reduction of `tensor[k]` over its whole only axis.
    pub fn reduce_all(&mut self, op: ReduceOp, tensor: TensorId, order: FoldOrder) -> ExprId {
        let extent = self.p().tensors[tensor].dims[0].clone();
        let (lo, hi) = (self.int(0), self.size_value(extent));
        let axis = self.reduce_axis(lo, hi, 1);
        let k = self.at(axis.axis);
        let body = self.load(tensor, &[k]);
        self.reduce(op, vec![axis], body, order)
    }

    /// A stage of one tensor.
    pub fn map(&mut self, tensor: TensorId, axes: &[AxisId], expr: ExprId) {
        let (axes, origin) = (axes.to_vec(), self.origin);
        let body = StageBody::Map(vec![expr]);
        let stage = Stage { tensors: vec![tensor], axes, body, guard: None, binding: Binding::Call, origin };
        self.p().body.stmts.push(Stmt::Stage(stage));
    }

    pub fn check(&mut self, axes: Vec<CheckAxis>, cond: ExprId, failure: Failure, values: Vec<ExprId>) {
        let origin = self.origin;
        let check = Check { axes, cond, failure, values, binding: Binding::Call, origin };
        self.p().body.stmts.push(Stmt::Check(check));
    }

    pub fn run(&self, inputs: &[TensorValue]) -> Result<Vec<TensorValue>, EvalError> {
        run(&self.program, 0, inputs, 1 << 32)
    }
}

pub fn f32s(dims: &[i64], values: &[f32]) -> TensorValue {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    TensorValue { elem: Scalar::F32, dims: dims.to_vec(), bytes }
}

pub fn i32s(dims: &[i64], values: &[i32]) -> TensorValue {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    TensorValue { elem: Scalar::I32, dims: dims.to_vec(), bytes }
}

pub fn as_f32(value: &TensorValue) -> Vec<f32> {
    assert_eq!(value.elem, Scalar::F32);
    value.bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}
