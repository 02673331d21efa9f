//! Comprehensions, reductions and scans: index ranges (written or inferred from accesses) and result types.

use super::expr::block_type;
use super::{Checked, Checker, Expect, PendingAxis, Reported, expr, size_expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::facts::Answer;
use crate::hir::scope::Binding;
use crate::hir::{Axis, Block, Expr, ExprKind, LocalId, Stmt, Type};
use crate::ops::ReduceOp;
use crate::size::{DimExpr, Size};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Scalar;

/// An axis before its body was checked: `None` where the range is to be inferred.
struct Opened {
    local: LocalId,
    name: ast::Name,
    range: Option<Axis>,
}

impl Checker<'_> {
    /// `for i, j { e }`.
    pub fn for_expr(&mut self, axes: &[ast::Axis], body: &ast::Block, span: Span, expect: &Expect) -> Checked<Expr> {
        let fresh = self.frame().fresh.len();
        let (axes, body) = self.over(axes, true, |checker| checker.body_value(body, expect))?;
        let value = body.value.as_ref().expect("a body that is a value has one");
        let element = self.tensor_of(value, "the element of a `for`")?.clone();
        if element.dims.iter().any(|dim| self.mentions_fresh_since(dim, fresh)) {
            let found = self.show_type(&value.ty);
            return Err(self.report(
                Diagnostic::error(
                    codes::DATA_SIZE,
                    value.span,
                    "the elements of a `for` have one size, known before it",
                )
                .at(format!("this is {found}, a size that the data decides for each element"))
                .help("write a `loop` that pushes them to a list"),
            ));
        }
        let mut dims: Vec<Size> =
            axes.iter().map(|axis| axis.extent.clone().expect("the axes of a `for` have extents")).collect();
        dims.extend(element.dims);
        Ok(expr(ExprKind::For { axes, body }, Type::tensor(element.elem, dims), span))
    }

    /// A `for` of asserts.
    pub fn for_asserts(&mut self, axes: &[ast::Axis], body: &ast::Block) -> Checked<Stmt> {
        let (axes, body) = self.over(axes, false, |checker| checker.unit_body(body))?;
        Ok(Stmt::ForAsserts { axes, body })
    }

    /// `sum k { e }` and its kin.
    pub fn reduce(
        &mut self,
        op: ReduceOp,
        axes: &[ast::Axis],
        body: &ast::Block,
        span: Span,
        expect: &Expect,
    ) -> Checked<Expr> {
        let (axes, body) = self.reduced_body(op, axes, body, false, expect)?;
        let elem = block_type(&body).as_scalar().expect("the body of a reduction is a scalar");
        let index = Type::scalar(Scalar::I32);
        let ty = match op {
            ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min => Type::scalar(elem),
            ReduceOp::Any | ReduceOp::All => Type::scalar(Scalar::Bool),
            ReduceOp::Count => index,
            ReduceOp::ArgMax | ReduceOp::ArgMin if axes.len() == 1 => index,
            ReduceOp::ArgMax | ReduceOp::ArgMin => Type::tuple(axes.iter().map(|_| (None, index.clone())).collect()),
        };
        Ok(expr(ExprKind::Reduce { op, axes, body }, ty, span))
    }

    /// `scan sum i { e }`.
    pub fn scan(
        &mut self,
        op: ReduceOp,
        axes: &[ast::Axis],
        body: &ast::Block,
        span: Span,
        expect: &Expect,
    ) -> Checked<Expr> {
        if !matches!(op, ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min) {
            let message = format!("there is no `scan {}`", op.name());
            return Err(self.report(
                Diagnostic::error(codes::OPERAND_TYPE, span, message).note("`scan` takes `sum`, `prod`, `max`, `min`"),
            ));
        }
        if let [_, second, ..] = axes {
            return Err(self.report(
                Diagnostic::error(codes::BAD_AXIS, second.name.span, "`scan` runs over one index")
                    .help(format!("put it inside a comprehension: `for {} {{ scan … }}`", axes[0].name.text)),
            ));
        }
        let (mut axes, body) = self.reduced_body(op, axes, body, true, expect)?;
        let axis = axes.pop().expect("one index");
        let elem = block_type(&body).as_scalar().expect("the body of a scan is a scalar");
        let extent = axis.extent.clone().expect("the axis of a `scan` has an extent");
        Ok(expr(ExprKind::Scan { op, axis: Box::new(axis), body }, Type::tensor(elem, vec![extent]), span))
    }

    fn reduced_body(
        &mut self,
        op: ReduceOp,
        axes: &[ast::Axis],
        body: &ast::Block,
        needs_extents: bool,
        expect: &Expect,
    ) -> Checked<(Vec<Axis>, Block)> {
        let expect = match op {
            ReduceOp::Sum | ReduceOp::Prod | ReduceOp::Max | ReduceOp::Min => expect.clone(),
            ReduceOp::Any | ReduceOp::All | ReduceOp::Count | ReduceOp::ArgMax | ReduceOp::ArgMin => Expect::None,
        };
        let (axes, mut body) = self.over(axes, needs_extents, |checker| checker.body_value(body, &expect))?;
        let value = body.value.take().expect("a body that is a value has one");
        let value = self.widen(*value);
        let found = self.show_type(&value.ty);
        let Some(elem) = value.ty.as_scalar() else {
            let mut diagnostic =
                Diagnostic::error(codes::RANK, value.span, format!("the body of `{}` must be a scalar", op.name()))
                    .at(format!("this is {found}"));
            if value.ty.as_tensor().is_some() {
                diagnostic =
                    diagnostic.help(format!("build the tensor outside: `for j {{ {} i {{ x[i, j] }} }}`", op.name()));
            }
            return Err(self.report(diagnostic));
        };
        let logical = matches!(op, ReduceOp::Any | ReduceOp::All | ReduceOp::Count);
        if logical != (elem == Scalar::Bool) {
            let wanted = if logical { "bool" } else { "a number" };
            let mut diagnostic = Diagnostic::error(
                codes::OPERAND_TYPE,
                value.span,
                format!("the body of `{}` must be {wanted}", op.name()),
            )
            .at(format!("this is {found}"));
            if op == ReduceOp::Sum {
                diagnostic = diagnostic.help("to count what is true write `count i { … }`");
            }
            return Err(self.report(diagnostic));
        }
        if matches!(op, ReduceOp::Sum | ReduceOp::Prod) && elem.is_int() && elem.bits() < 32 {
            let wider = if elem.is_signed() { Scalar::I32 } else { Scalar::U32 };
            let text = self.sources.text(value.span).to_string();
            return Err(self.report(
                Diagnostic::error(
                    codes::NARROW_SUM,
                    value.span,
                    format!("`{}` of {elem} would wrap at {} bits", op.name(), elem.bits()),
                )
                .at(format!("this is {elem}"))
                .help(format!("write `{wider}({text})`")),
            ));
        }
        body.value = Some(Box::new(value));
        Ok((axes, body))
    }

    /// Indices and body of parallel code.
    fn over(
        &mut self,
        axes: &[ast::Axis],
        needs_extents: bool,
        check: impl FnOnce(&mut Self) -> Checked<Block>,
    ) -> Checked<(Vec<Axis>, Block)> {
        let fresh = self.frame().fresh.len();
        let (complete, body) = self.indexed(axes, needs_extents, |checker| checker.behind(true, check))?;
        for (axis, tree) in complete.iter().zip(axes) {
            if let Some(extent) = axis.extent.as_ref().filter(|extent| self.mentions_fresh_since(extent, fresh)) {
                let shown = self.show(extent);
                let message = format!("`{}` would run to `{shown}`, which its own body decides", tree.name.text);
                return Err(self.error(codes::NO_RANGE, tree.name.span, message));
            }
        }
        Ok((complete, body))
    }

    /// Opens the indices, checks a body that may run in order, closes them again and completes their ranges.
    pub fn indexed(
        &mut self,
        axes: &[ast::Axis],
        needs_extents: bool,
        check: impl FnOnce(&mut Self) -> Checked<Block>,
    ) -> Checked<(Vec<Axis>, Block)> {
        self.frame_mut().scopes.open();
        let pending = self.frame().axes.len();
        let mut opened = Vec::new();
        let mut failed = false;
        for (position, axis) in axes.iter().enumerate() {
            if let Some(first) = axes[..position].iter().find(|first| first.name.text == axis.name.text) {
                self.report(
                    Diagnostic::error(
                        codes::DUPLICATE_NAME,
                        axis.name.span,
                        format!("two indices are called `{}`", axis.name.text),
                    )
                    .label(first.name.span, "the first one"),
                );
                failed = true;
            }
            match self.open_axis(axis, needs_extents) {
                Ok(axis) => opened.push(axis),
                Err(Reported) => failed = true,
            }
        }
        let body = check(self);
        self.frame_mut().scopes.close();
        let inferred = self.frame_mut().axes.split_off(pending);
        if failed {
            return Err(Reported);
        }
        let body = body?;
        let mut complete = Vec::new();
        for axis in opened {
            match axis.range {
                Some(range) => complete.push(Ok(range)),
                None => {
                    let pending = inferred.iter().find(|pending| pending.local == axis.local);
                    let pending = pending.expect("an axis without a range is pending");
                    complete.push(self.inferred_axis(&axis.name, pending, needs_extents));
                }
            }
        }
        let axes = complete.into_iter().collect::<Checked<Vec<Axis>>>()?;
        Ok((axes, body))
    }

    fn open_axis(&mut self, axis: &ast::Axis, needs_extents: bool) -> Checked<Opened> {
        let ty = Type::scalar(Scalar::I32);
        // The range does not see its own index.
        let range = axis.range.as_ref().map(|range| self.range(range, needs_extents));
        let local = self.add_local(&axis.name.text, ty, axis.name.span, None);
        let range = match range {
            None => {
                let conditions = self.frame().conditions;
                self.frame_mut().axes.push(PendingAxis { local, found: Vec::new(), list: None, conditions });
                self.bind(&axis.name.text, Binding::Local(local));
                None
            }
            Some(Ok(mut range)) => {
                self.bind(&axis.name.text, Binding::Local(local));
                range.local = local;
                if let (Some(lo), Some(hi), Some(1)) =
                    (self.dim_expr(&range.lo), self.dim_expr(&range.hi), range.step.as_const())
                {
                    self.frame_mut().ranges.insert(local, (Size::dim(lo), Size::dim(hi)));
                }
                Some(range)
            }
            Some(Err(Reported)) => {
                // Uses of the index are fine; only its range is not known.
                self.bind(&axis.name.text, Binding::Local(local));
                return Err(Reported);
            }
        };
        Ok(Opened { local, name: axis.name.clone(), range })
    }

    /// A written range. Its `local` is filled in by the caller.
    fn range(&mut self, range: &ast::Range, needs_extents: bool) -> Checked<Axis> {
        let lo = self.scalar_expr(&range.lo, Scalar::I32, codes::NOT_AN_INDEX, "a bound of a range");
        let hi = self.scalar_expr(&range.hi, Scalar::I32, codes::NOT_AN_INDEX, "a bound of a range");
        let step = match &range.step {
            None => Ok(Size::constant(1)),
            Some(step) => self.step(step),
        };
        let (lo, hi, step) = (lo?, hi?, step?);
        let local = LocalId(u32::MAX);
        if !needs_extents {
            let (Some(lo_size), Some(hi_size)) = (self.plain_size(&lo), self.plain_size(&hi)) else {
                return Ok(Axis { local, lo, hi, step, extent: None });
            };
            // An empty range may run backwards; then its extent is not the difference.
            let length = hi_size.minus(&lo_size);
            let extent = (self.facts().non_negative(&length) == Answer::Yes).then(|| steps(&length, &step));
            return Ok(Axis { local, lo: size_expr(lo_size, lo.span), hi: size_expr(hi_size, hi.span), step, extent });
        }
        let (lo_span, hi_span) = (lo.span, hi.span);
        let lo = self.size_of(&lo, "the lower bound of a comprehension");
        let hi = self.size_of(&hi, "the upper bound of a comprehension");
        let (lo, hi) = (lo?, hi?);
        let length = hi.minus(&lo);
        if self.facts().non_negative(&length) == Answer::No {
            let (lo, hi) = (self.show(&lo), self.show(&hi));
            return Err(self.report(
                Diagnostic::error(codes::BAD_RANGE, lo_span.to(hi_span), "this range runs backwards")
                    .at(format!("from {lo} up to {hi}")),
            ));
        }
        let extent = Some(steps(&length, &step));
        Ok(Axis { local, lo: size_expr(lo, lo_span), hi: size_expr(hi, hi_span), step, extent })
    }

    fn step(&mut self, tree: &ast::Expr) -> Checked<Size> {
        let step = self.size(tree, "the step of a range")?;
        if self.facts().non_negative(&step.minus(&Size::constant(1))) != Answer::Yes {
            let shown = self.show(&step);
            let mut diagnostic = Diagnostic::error(codes::BAD_RANGE, tree.span, "a step must be at least 1")
                .at(format!("this is {shown}"));
            if step.as_const().is_none() {
                diagnostic =
                    diagnostic.help(format!("if it always is, say so behind the parameters: `where {shown} >= 1`"));
            }
            return Err(self.report(diagnostic));
        }
        Ok(step)
    }

    /// The size that an expression is, if it is one without `dim(…)` being needed.
    pub fn plain_size(&self, value: &Expr) -> Option<Size> {
        match self.let_pure(value)? {
            super::Pure::Scalar(DimExpr::Size(size)) => Some(size),
            super::Pure::Scalar(DimExpr::Const(value)) => Some(Size::constant(value.as_int() as i64)),
            super::Pure::Scalar(_) | super::Pure::Tuple(_) => None,
        }
    }

    /// The range of an index from the accesses in which it stands alone.
    fn inferred_axis(&mut self, name: &ast::Name, pending: &PendingAxis, needs_extent: bool) -> Checked<Axis> {
        let PendingAxis { local, ref found, list, .. } = *pending;
        let zero = size_expr(Size::constant(0), name.span);
        if let (true, Some(list)) = (found.is_empty(), list) {
            if !needs_extent {
                let hi = expr(ExprKind::ListLen(list), Type::scalar(Scalar::I32), name.span);
                return Ok(Axis { local, lo: zero, hi, step: Size::constant(1), extent: None });
            }
            let list = self.frame().locals[list.0 as usize].name.clone();
            let message = format!("`{}` would run over the list `{list}`, whose length is no size", name.text);
            return Err(self.report(
                Diagnostic::error(codes::NO_RANGE, name.span, message)
                    .help(format!("bind its elements first: `let items = {list}`, then write `items[{}]`", name.text)),
            ));
        }
        let Some((extent, first)) = found.first() else {
            return Err(self.report(
                Diagnostic::error(codes::NO_RANGE, name.span, format!("the range of `{}` is not known", name.text))
                    .note(
                        "a range is inferred from an access that always runs, has no border, and in which the index \
                         stands alone",
                    )
                    .help(format!("write it: `{} in 0..n`", name.text)),
            ));
        };
        let facts = self.facts();
        for (other, place) in &found[1..] {
            let answer = facts.equal(extent, other);
            if answer == Answer::Yes {
                continue;
            }
            let (a, b) = (self.show(extent), self.show(other));
            let mut diagnostic = Diagnostic::error(
                codes::TWO_EXTENTS,
                name.span,
                format!("`{}` would run over two different extents, {a} and {b}", name.text),
            )
            .label(*first, format!("extent {a} here"))
            .label(*place, format!("extent {b} here"))
            .help(format!("write the range that is meant: `{} in 0..{a}`", name.text));
            if answer == Answer::Unknown {
                diagnostic = diagnostic.help(format!("or say that they are equal: `where {a} == {b}`"));
            }
            return Err(self.report(diagnostic));
        }
        let hi = size_expr(extent.clone(), name.span);
        Ok(Axis { local, lo: zero, hi, step: Size::constant(1), extent: Some(extent.clone()) })
    }
}

/// How many steps of a length: rounded up.
fn steps(length: &Size, step: &Size) -> Size {
    length.plus(step).plus(&Size::constant(-1)).div(step)
}
