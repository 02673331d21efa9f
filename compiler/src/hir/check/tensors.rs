//! The rank-generic intrinsics: `reshape flatten transpose concat stack extent`, and `dim`, which is no function either.

use super::items::Intrinsic;
use super::shape::Shape;
use super::{Checked, Checker, Expect, Reported, expr, size_expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::facts::Answer;
use crate::hir::{Expr, ExprKind, TensorType, Type};
use crate::size::Size;
use crate::source::Span;
use crate::syntax::ast;

impl Checker<'_> {
    pub fn intrinsic(&mut self, intrinsic: Intrinsic, args: &[ast::Arg], span: Span, expect: &Expect) -> Checked<Expr> {
        let (positional, axis) = self.split_axis(intrinsic, args)?;
        match intrinsic {
            Intrinsic::Reshape => self.reshape(&positional, span, expect),
            Intrinsic::Flatten => self.flatten(&positional, span, expect),
            Intrinsic::Transpose => self.transpose(&positional, span, expect),
            Intrinsic::Concat => self.concat(&positional, axis, span, expect),
            Intrinsic::Stack => self.stack(&positional, axis, span, expect),
            Intrinsic::Extent => self.extent(&positional, axis, span),
            Intrinsic::Dim => {
                let [arg] = &positional[..] else { return Err(self.wrong_count(intrinsic, "1 argument", span)) };
                let value = self.settled(arg, &Expect::None)?;
                Ok(size_expr(self.dim_call(&value, span)?, span))
            }
            Intrinsic::Embed | Intrinsic::EmbedNpy | Intrinsic::EmbedSafetensors => {
                self.embed(intrinsic, &positional, span)
            }
        }
    }

    pub fn wrong_count(&mut self, intrinsic: Intrinsic, wanted: &str, span: Span) -> Reported {
        let form = match intrinsic {
            Intrinsic::Reshape => "reshape(x, 2, 3)",
            Intrinsic::Flatten => "flatten(x)",
            Intrinsic::Transpose => "transpose(x)` or `transpose(x, 0, 2, 1)",
            Intrinsic::Concat => "concat(a, b, axis: 0)",
            Intrinsic::Stack => "stack(a, b, axis: 0)",
            Intrinsic::Extent => "extent(x, 0)",
            Intrinsic::Dim => "dim(e)",
            Intrinsic::Embed => "embed(\"table.bin\")",
            Intrinsic::EmbedNpy => "embed_npy(\"table.npy\")",
            Intrinsic::EmbedSafetensors => "embed_safetensors(\"model.safetensors\", \"weight\")",
        };
        let message = format!("`{}` takes {wanted}", intrinsic.name());
        self.report(Diagnostic::error(codes::ARGUMENT_COUNT, span, message).help(format!("write `{form}`")))
    }

    /// Separates the `axis:` argument, the only named one.
    fn split_axis<'t>(
        &mut self,
        intrinsic: Intrinsic,
        args: &'t [ast::Arg],
    ) -> Checked<(Vec<&'t ast::Expr>, Option<&'t ast::Expr>)> {
        let takes_axis = matches!(intrinsic, Intrinsic::Concat | Intrinsic::Stack | Intrinsic::Extent);
        let (mut positional, mut axis) = (Vec::new(), None);
        for arg in args {
            match &arg.name {
                None => positional.push(&arg.value),
                Some(name) if takes_axis && name.text == "axis" => axis = Some(&arg.value),
                Some(name) => {
                    let message = format!("`{}` has no parameter `{}`", intrinsic.name(), name.text);
                    let mut diagnostic = Diagnostic::error(codes::ARGUMENT_NAME, name.span, message);
                    if takes_axis {
                        diagnostic = diagnostic.help("write `axis: 0`");
                    }
                    return Err(self.report(diagnostic));
                }
            }
        }
        Ok((positional, axis))
    }

    fn operand(&mut self, tree: &ast::Expr, expect: &Expect, what: &str) -> Checked<(Expr, TensorType)> {
        let value = self.settled(tree, expect)?;
        let ty = self.tensor_of(&value, what)?.clone();
        Ok((value, ty))
    }

    fn reshape(&mut self, args: &[&ast::Expr], span: Span, expect: &Expect) -> Checked<Expr> {
        let [x, dims @ ..] = args else {
            return Err(self.wrong_count(Intrinsic::Reshape, "a tensor and its new extents", span));
        };
        let value = self.operand(x, expect, "what is reshaped");
        let dims: Vec<Checked<Size>> = dims.iter().map(|dim| self.size(dim, "an extent")).collect();
        let (value, ty) = value?;
        let dims = dims.into_iter().collect::<Checked<Vec<Size>>>()?;
        let (from, to) = (Size::product(&ty.dims), Size::product(&dims));
        let answer = self.facts().equal(&from, &to);
        if answer != Answer::Yes {
            let names = &self.program.names;
            let (shown_from, shown_to) = (names.show(&from), names.show(&to));
            let code = if answer == Answer::No { codes::SHAPES_DIFFER } else { codes::SHAPES_UNDECIDED };
            let mut diagnostic = Diagnostic::error(code, span, "a reshape must keep the number of elements")
                .at(format!("{shown_to} elements asked for"))
                .label(value.span, format!("this has {shown_from} elements"))
                .note(format!("   from: {}\n     to: {}", names.show_dims(&ty.dims), names.show_dims(&dims)));
            if answer == Answer::Unknown {
                diagnostic = diagnostic.help(format!(
                    "if they always are equal, say so behind the parameters: `where {shown_from} == {shown_to}`"
                ));
            }
            return Err(self.report(diagnostic));
        }
        Ok(expr(ExprKind::Reshape(Box::new(value)), Type::tensor(ty.elem, dims), span))
    }

    fn flatten(&mut self, args: &[&ast::Expr], span: Span, expect: &Expect) -> Checked<Expr> {
        let [x] = args else { return Err(self.wrong_count(Intrinsic::Flatten, "1 argument", span)) };
        let (value, ty) = self.operand(x, expect, "what is flattened")?;
        let dims = vec![Size::product(&ty.dims)];
        Ok(expr(ExprKind::Reshape(Box::new(value)), Type::tensor(ty.elem, dims), span))
    }

    fn transpose(&mut self, args: &[&ast::Expr], span: Span, expect: &Expect) -> Checked<Expr> {
        let [x, perm @ ..] = args else {
            return Err(self.wrong_count(Intrinsic::Transpose, "a tensor and an order of its axes", span));
        };
        let (value, ty) = self.operand(x, expect, "what is transposed")?;
        let rank = ty.dims.len();
        let order = if perm.is_empty() {
            (0..rank).rev().collect()
        } else {
            let mut order = Vec::new();
            for tree in perm {
                let axis = self.axis(tree, rank)?;
                if order.contains(&axis) {
                    let message = format!("axis {axis} stands twice in the order");
                    return Err(self.error(codes::BAD_AXIS, tree.span, message));
                }
                order.push(axis);
            }
            if order.len() != rank {
                let shown = self.show_type(&value.ty);
                let message = format!("the order names {} axes of {rank}", order.len());
                return Err(self.report(
                    Diagnostic::error(codes::BAD_AXIS, span, message).label(value.span, format!("this is {shown}")),
                ));
            }
            order
        };
        let dims = order.iter().map(|&axis| ty.dims[axis].clone()).collect();
        Ok(expr(ExprKind::Transpose(Box::new(value), order), Type::tensor(ty.elem, dims), span))
    }

    /// An axis number; a negative one counts from the end.
    fn axis(&mut self, tree: &ast::Expr, rank: usize) -> Checked<usize> {
        let axis = self.known_int(tree, "an axis")?;
        let wrapped = if axis < 0 { axis + rank as i64 } else { axis };
        if (0..rank as i64).contains(&wrapped) {
            return Ok(wrapped as usize);
        }
        let message = match rank {
            0 => "a scalar has no axes".to_string(),
            1 => format!("there is no axis {axis}, the only axis is 0"),
            _ => format!("there is no axis {axis}, the axes are 0 to {}", rank - 1),
        };
        Err(self.error(codes::BAD_AXIS, tree.span, message))
    }

    /// Operands of one element type; literals take it from the others.
    fn parts(
        &mut self,
        intrinsic: Intrinsic,
        args: &[&ast::Expr],
        span: Span,
        expect: &Expect,
    ) -> Checked<(Vec<Expr>, TensorType)> {
        if args.is_empty() {
            return Err(self.wrong_count(intrinsic, "at least 1 tensor", span));
        }
        let values = self.operands(args, expect)?;
        let name = intrinsic.name();
        for value in &values {
            self.tensor_of(value, &format!("an argument of `{name}`"))?;
        }
        let first = values[0].ty.as_tensor().expect("just seen").clone();
        for value in &values[1..] {
            if value.ty.as_tensor().is_some_and(|tensor| tensor.elem != first.elem) {
                let message = format!("`{name}` needs tensors of one element type");
                self.same_type(
                    codes::ELEMENT_TYPES,
                    &message,
                    (&value.ty, value.span, "this tensor"),
                    (&values[0].ty, values[0].span, "the first tensor"),
                )?;
            }
        }
        Ok((values, first))
    }

    fn concat(&mut self, args: &[&ast::Expr], axis: Option<&ast::Expr>, span: Span, expect: &Expect) -> Checked<Expr> {
        let (values, first) = self.parts(Intrinsic::Concat, args, span, expect)?;
        let rank = first.dims.len();
        if rank == 0 {
            return Err(self.report(
                Diagnostic::error(
                    codes::RANK,
                    values[0].span,
                    "`concat` joins tensors along an axis, this is a scalar",
                )
                .help("for scalars write a table: `[a, b]`"),
            ));
        }
        let axis = axis.map_or(Ok(0), |tree| self.axis(tree, rank))?;
        let mut dims = first.dims.clone();
        for value in &values[1..] {
            let own = value.ty.as_tensor().expect("seen to be a tensor").dims.clone();
            // The joined axis may differ: it is compared with itself.
            let mut wanted = first.dims.clone();
            if own.len() == rank {
                wanted[axis] = own[axis].clone();
                dims[axis] = dims[axis].plus(&own[axis]);
            }
            self.same_shape(
                &format!("tensors joined along axis {axis} must agree in all others"),
                &Shape { dims: &own, span: value.span, what: "this tensor" },
                &Shape { dims: &wanted, span: values[0].span, what: "the first tensor" },
            )?;
        }
        Ok(expr(ExprKind::Concat(values, axis), Type::tensor(first.elem, dims), span))
    }

    fn stack(&mut self, args: &[&ast::Expr], axis: Option<&ast::Expr>, span: Span, expect: &Expect) -> Checked<Expr> {
        let (values, first) = self.parts(Intrinsic::Stack, args, span, expect)?;
        // The new axis may stand behind the last one.
        let axis = axis.map_or(Ok(0), |tree| self.axis(tree, first.dims.len() + 1))?;
        for value in &values[1..] {
            let own = value.ty.as_tensor().expect("seen to be a tensor").dims.clone();
            self.same_shape(
                "stacked tensors must have one shape",
                &Shape { dims: &own, span: value.span, what: "this tensor" },
                &Shape { dims: &first.dims, span: values[0].span, what: "the first tensor" },
            )?;
        }
        let mut dims = first.dims;
        dims.insert(axis, Size::constant(values.len() as i64));
        Ok(expr(ExprKind::Stack(values, axis), Type::tensor(first.elem, dims), span))
    }

    fn extent(&mut self, args: &[&ast::Expr], axis: Option<&ast::Expr>, span: Span) -> Checked<Expr> {
        let (x, axis) = match (args, axis) {
            ([x, axis], None) => (x, *axis),
            ([x], Some(axis)) => (x, axis),
            _ => return Err(self.wrong_count(Intrinsic::Extent, "a tensor and an axis", span)),
        };
        let (_, ty) = self.operand(x, &Expect::None, "what is measured")?;
        let axis = self.axis(axis, ty.dims.len())?;
        Ok(size_expr(ty.dims[axis].clone(), span))
    }
}
