//! Statements: what a body binds and asserts.

use super::frame::{Generator, Kind, Tensor};
use super::tree::{self, BinaryOp, Expr, ExprKind, MessagePart, ReduceOp, Stmt, StmtKind};
use kcc_compiler::size::Size;
use kcc_compiler::types::Scalar;

/// How deep an expression of a statement is.
const DEPTH: usize = 4;

impl Generator {
    /// So many statements; their names stay in scope.
    pub fn statements(&mut self, count: usize, in_pipeline: bool) -> Vec<Stmt> {
        let mut stmts = Vec::new();
        while stmts.len() < count {
            self.frame.budget = 24;
            let stmt = match self.random.weighted(&[58, 12, 8, if in_pipeline { 5 } else { 2 }, 4, 2]) {
                0 => Some(self.let_tensor()),
                1 => Some(self.let_scalar()),
                2 => self.attempt(Self::let_several),
                3 => self.let_size(in_pipeline),
                4 => Some(self.assertion()),
                _ => self.assertions(),
            };
            stmts.extend(stmt);
        }
        stmts
    }

    fn let_tensor(&mut self) -> Stmt {
        let (value, tensor) = self.tensor(DEPTH);
        self.let_value(value, tensor)
    }

    fn let_scalar(&mut self) -> Stmt {
        let elem = if self.random.percent(10) { Scalar::Bool } else { self.number() };
        let value = if self.random.percent(60) { self.attempt(|g| g.reduction(elem, DEPTH)) } else { None };
        let value = value.unwrap_or_else(|| self.scalar(elem, DEPTH));
        self.let_value(value, Tensor { elem, dims: Vec::new() })
    }

    fn let_value(&mut self, value: Expr, tensor: Tensor) -> Stmt {
        let name = self.fresh(if tensor.dims.is_empty() { "s" } else { "t" });
        let ty = self.random.percent(15).then(|| self.write_type(&tensor));
        self.bind(&name, Kind::Value(tensor));
        tree::stmt(StmtKind::Let { names: vec![tree::name(&name)], is_tuple: false, ty, value })
    }

    /// A type as it is written here.
    pub fn write_type(&self, tensor: &Tensor) -> tree::TypeExpr {
        let dims = tensor.dims.iter().map(|dim| self.sizes.write(dim)).collect();
        tree::tensor_type(self.elem_name(tensor.elem), dims)
    }

    /// `let (a, b) = …`.
    fn let_several(&mut self) -> Option<Stmt> {
        let (value, types) = match self.random.below(3) {
            0 => {
                let (value, results) = self.tuple_call(DEPTH)?;
                (value, results.into_iter().map(|(_, tensor)| tensor).collect())
            }
            1 => {
                let op = self.random.pick(&[ReduceOp::ArgMax, ReduceOp::ArgMin]);
                let body = self.number();
                let (axes, body) = self.reduced(op, body, 2, DEPTH)?;
                let count = axes.len();
                let value = tree::expr(ExprKind::Reduce { op, scan: false, axes, body });
                let index = Tensor { elem: Scalar::I32, dims: Vec::new() };
                if count == 1 {
                    return Some(self.let_value(value, index));
                }
                (value, vec![index; count])
            }
            _ => {
                let (a, first) = self.tensor(2);
                let (b, second) = self.tensor(2);
                (tree::expr(ExprKind::Tuple(vec![(None, a), (None, b)])), vec![first, second])
            }
        };
        let names: Vec<String> = types.iter().map(|_| self.fresh("p")).collect();
        for (name, ty) in names.iter().zip(types) {
            self.bind(name, Kind::Value(ty));
        }
        let names = names.iter().map(|name| tree::name(name)).collect();
        Some(tree::stmt(StmtKind::Let { names, is_tuple: true, ty: None, value }))
    }

    /// `let k = N / 2`: a size with a name of its own.
    fn let_size(&mut self, in_pipeline: bool) -> Option<Stmt> {
        let pool = self.frame.pool.clone();
        let size = self.random.pick(&pool);
        let other = self.random.pick(&pool);
        let constant = Size::constant(self.random.below(3) as i64 + 1);
        let value = match self.random.below(5) {
            0 => size.div(&Size::constant(2)),
            1 => size.plus(&constant),
            2 => size.smaller(&other),
            3 => size.larger(&other),
            _ => size.plus(&other),
        };
        if self.sizes.greatest(&value) > 70 {
            return None;
        }
        let name = self.fresh("m");
        let written = self.sizes.write(&value);
        if in_pipeline {
            let values = std::array::from_fn(|call| self.sizes.value(&value, call));
            let var = self.sizes.known(&name, values, 0);
            self.bind(&name, Kind::Size);
            self.frame.pool.push(Size::from(var));
        } else {
            self.bind(&name, Kind::Size);
        }
        Some(tree::let_(&name, written))
    }

    /// A condition that holds, in most cases.
    fn condition(&mut self) -> Expr {
        if !self.frame.is_total && self.random.percent(15) {
            return self.scalar(Scalar::Bool, 2);
        }
        match self.random.below(3) {
            0 => {
                let (left, right) = (self.scalar(Scalar::I32, 2), self.scalar(Scalar::I32, 1));
                let less = tree::call("min", vec![left.clone(), right]);
                tree::binary(BinaryOp::Le, less, left)
            }
            1 => {
                let pool = self.frame.pool.clone();
                let size = self.random.pick(&pool);
                let sure = self.sizes.sure(&size).clamp(0, 2);
                let size = self.sizes.write(&size);
                tree::binary(BinaryOp::Ge, tree::call("i64", vec![size]), tree::int(i128::from(sure)))
            }
            _ => {
                let reduced = self.attempt(|g| g.reduced(ReduceOp::Count, Scalar::Bool, 2, 2));
                let Some((axes, body)) = reduced else { return tree::expr(ExprKind::Bool(true)) };
                let count = tree::expr(ExprKind::Reduce { op: ReduceOp::Count, scan: false, axes, body });
                tree::binary(BinaryOp::Ge, count, tree::int(0))
            }
        }
    }

    fn assertion(&mut self) -> Stmt {
        let cond = self.condition();
        let mut message = Vec::new();
        if self.random.percent(80) {
            message.push(MessagePart::Text(format!("{} ", self.fresh("assert "))));
            let scalars = self.locals(|local| {
                matches!(&local.kind, Kind::Value(t) if t.dims.is_empty() && t.elem != Scalar::F16)
                    || matches!(local.kind, Kind::Index(_) | Kind::Size)
            });
            if !scalars.is_empty() && self.random.percent(60) {
                let position = self.random.pick(&scalars);
                message.push(MessagePart::Value(self.use_local(position)));
            }
        }
        tree::stmt(StmtKind::Assert { cond, message })
    }

    /// `for i { assert … }`.
    fn assertions(&mut self) -> Option<Stmt> {
        let choice = self.affordable();
        if choice.is_empty() {
            return None;
        }
        let extent = self.random.pick(&choice);
        let name = self.fresh("j");
        let axis = tree::axis(&name, tree::int(0), self.sizes.write(&extent), None);
        let stmts = self.scoped(|generator| {
            generator.bind(&name, Kind::Index(Some(extent.clone())));
            generator.repeated(generator.sizes.greatest(&extent), |g| vec![g.assertion()])
        });
        let body = tree::Block { stmts, span: tree::BLANK };
        Some(tree::stmt(StmtKind::Expr(tree::expr(ExprKind::For { axes: vec![axis], body }))))
    }
}
