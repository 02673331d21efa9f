//! Indexing: elements, slices, borders and the `else` of an access. Indices that stand alone here give inferred
//! ranges; what is certainly out of bounds is an error now, the rest is checked or proved later.

use super::{Checked, Checker, Expect, Reported, expr, size_expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::facts::Answer;
use crate::hir::scope::Binding;
use crate::hir::{Border, Expr, ExprKind, IndexItem, Type};
use crate::size::Size;
use crate::source::Span;
use crate::syntax::ast::{self, UnaryOp};
use crate::types::Scalar;

impl Checker<'_> {
    /// `x[…]`.
    pub fn index(
        &mut self,
        base: &ast::Expr,
        items: &[ast::IndexItem],
        default: Option<&ast::Expr>,
        span: Span,
        expect: &Expect,
    ) -> Checked<Expr> {
        if let (Some(list), [ast::IndexItem::At(Border::None, index)], None) = (self.list_named(base), items, default) {
            return self.list_at(list, index, span);
        }
        let base = self.expr(base, expect);
        // Indices are checked even if the base is wrong: they may be wrong too.
        let dims = match &base {
            Ok(base) => Some(self.tensor_of(base, "what is indexed")?.dims.clone()),
            Err(Reported) => None,
        };
        if let (Some(dims), Ok(base)) = (&dims, &base)
            && items.len() > dims.len()
        {
            return Err(self.too_many_indices(items.len(), &base.ty, base.span, span));
        }
        let is_guarded = default.is_some();
        let mut result_dims = Vec::new();
        let mut checked = Vec::new();
        let mut failed = false;
        for (axis, item) in items.iter().enumerate() {
            let extent = dims.as_ref().map(|dims| &dims[axis]);
            match self.item(item, extent, is_guarded) {
                Ok(item) => {
                    if let IndexItem::Slice { lo, hi } = &item {
                        result_dims.push(hi.minus(lo));
                    }
                    checked.push(item);
                }
                Err(Reported) => failed = true,
            }
        }
        let base = base?;
        let base_ty = base.ty.as_tensor().expect("seen to be a tensor");
        result_dims.extend(base_ty.dims.iter().skip(items.len()).cloned());
        let ty = Type::tensor(base_ty.elem, result_dims);
        let default = match default {
            None => None,
            Some(tree) => {
                self.frame_mut().conditions += 1;
                let value = self.expr(tree, &Expect::of(&ty));
                self.frame_mut().conditions -= 1;
                let value = self.coerce(value?, &ty);
                self.check_default(&value, &ty, &checked, span)?;
                Some(Box::new(value))
            }
        };
        if failed {
            return Err(Reported);
        }
        Ok(expr(ExprKind::Index { base: Box::new(base), items: checked, default }, ty, span))
    }

    pub fn too_many_indices(&mut self, number: usize, ty: &Type, base: Span, span: Span) -> Reported {
        let shown = self.show_type(ty);
        let rank = ty.as_tensor().map_or(0, |tensor| tensor.dims.len());
        let message = format!("{} for a tensor of rank {rank}", count(number, "index", "indices"));
        self.report(Diagnostic::error(codes::RANK, span, message).label(base, format!("this is {shown}")))
    }

    fn check_default(&mut self, value: &Expr, ty: &Type, items: &[IndexItem], span: Span) -> Checked<()> {
        if !items.iter().any(|item| matches!(item, IndexItem::At(Border::None, _))) {
            return Err(self.report(
                Diagnostic::error(codes::NO_VALUE, value.span, "this `else` can never be taken")
                    .note("`else` is the value of an access whose plain indices are outside; there is none here"),
            ));
        }
        let elem = ty.as_tensor().expect("an access is a tensor").elem;
        let wanted = if value.ty.as_scalar().is_some() { Type::scalar(elem) } else { ty.clone() };
        self.same_type(
            codes::ELEMENT_TYPES,
            "the `else` value has another type than the access",
            (&value.ty, value.span, "the `else` value"),
            (&wanted, span, "the access"),
        )
    }

    pub fn item(&mut self, item: &ast::IndexItem, extent: Option<&Size>, is_guarded: bool) -> Checked<IndexItem> {
        match item {
            ast::IndexItem::At(border, tree) => {
                if *border == Border::None
                    && !is_guarded
                    && let (Some(extent), ast::ExprKind::Name(name)) = (extent, &tree.kind)
                {
                    self.note_access(name, extent);
                }
                // With a border there is a position -1, so nothing counts from the end.
                let value = self.position(tree, extent.filter(|_| *border == Border::None))?;
                if *border == Border::None
                    && !is_guarded
                    && let Some(extent) = extent
                {
                    self.check_bounds(&value, extent)?;
                }
                Ok(IndexItem::At(*border, value))
            }
            ast::IndexItem::Slice(lo, hi, span) => self.slice(lo.as_ref(), hi.as_ref(), *span, extent),
        }
    }

    /// If the name is an index whose range is to be inferred, and this access always runs, it says the extent.
    fn note_access(&mut self, name: &ast::Name, extent: &Size) {
        let Some(Binding::Local(local)) = self.frame().scopes.find(&name.text).cloned() else { return };
        let conditions = self.frame().conditions;
        if let Some(axis) = self.frame_mut().axes.iter_mut().find(|axis| axis.local == local)
            && axis.conditions == conditions
        {
            axis.found.push((extent.clone(), name.span));
        }
    }

    /// An index value: an `i32`; a literal with a leading minus counts from the end.
    pub fn position(&mut self, tree: &ast::Expr, extent: Option<&Size>) -> Checked<Expr> {
        if let (Some(back), Some(extent)) = (from_end(tree), extent) {
            return Ok(size_expr(extent.minus(&Size::constant(back)), tree.span));
        }
        let value = self.expr(tree, &Expect::Elem(Scalar::I32))?;
        if value.ty.as_scalar() == Some(Scalar::I32) {
            return Ok(value);
        }
        let found = self.show_type(&value.ty);
        let text = self.sources.text(value.span).to_string();
        let mut diagnostic = Diagnostic::error(codes::NOT_AN_INDEX, value.span, "an index must be an i32")
            .at(format!("this is {found}"))
            .note(format!("expected: i32\n   found: {found}"));
        diagnostic = match value.ty.as_tensor() {
            Some(tensor) if !tensor.dims.is_empty() => {
                diagnostic.help(format!("to pick several elements write `for k {{ x[{text}[k]] }}`"))
            }
            Some(tensor) if tensor.elem.is_int() || tensor.elem.is_float() => {
                diagnostic.help(format!("convert it: `i32({text})`"))
            }
            _ => diagnostic,
        };
        Err(self.report(diagnostic))
    }

    /// Complains about an index that is outside for every size.
    fn check_bounds(&mut self, index: &Expr, extent: &Size) -> Checked<()> {
        let (lowest, highest) = match &index.kind {
            // An index of a written range takes its last value, if the range is not empty.
            ExprKind::Local(local) => {
                let Some((lo, hi)) = self.frame().ranges.get(local).cloned() else { return Ok(()) };
                let facts = self.facts();
                let always_runs = self.frame().conditions == 0
                    && !self.frame().jumps
                    && facts.non_negative(&hi.minus(&lo).minus(&Size::constant(1))) == Answer::Yes;
                if !always_runs {
                    return Ok(());
                }
                (lo, hi.minus(&Size::constant(1)))
            }
            _ => match self.dim_expr(index) {
                Some(pure) => {
                    let size = Size::dim(pure);
                    (size.clone(), size)
                }
                None => return Ok(()),
            },
        };
        let facts = self.facts();
        let below = facts.non_negative(&lowest) == Answer::No;
        let above = facts.non_negative(&highest.minus(extent)) == Answer::Yes;
        if !below && !above {
            return Ok(());
        }
        let written = self.sources.text(index.span);
        let index_text = match written.strip_prefix('-') {
            // Counted from the end: what was written says more than what it came to.
            Some(back) if back.chars().all(|c| c.is_ascii_digit()) => written.to_string(),
            _ => self.show(if below { &lowest } else { &highest }),
        };
        let extent_text = self.show(extent);
        Err(self.report(
            Diagnostic::error(
                codes::OUT_OF_BOUNDS,
                index.span,
                format!("index {index_text} is outside an axis of extent {extent_text}"),
            )
            .at(format!("this is {index_text} here"))
            .help("for another value outside write `x[i else 0]`, `x[clamp: i]`, `x[wrap: i]` or `x[reflect: i]`"),
        ))
    }

    fn slice(
        &mut self,
        lo: Option<&ast::Expr>,
        hi: Option<&ast::Expr>,
        span: Span,
        extent: Option<&Size>,
    ) -> Checked<IndexItem> {
        let lo = lo.map(|tree| self.slice_end(tree, extent)).transpose();
        let hi = hi.map(|tree| self.slice_end(tree, extent)).transpose();
        let (lo, hi) = (lo?.unwrap_or_default(), hi?);
        let Some(extent) = extent else { return Err(Reported) };
        let hi = hi.unwrap_or_else(|| extent.clone());
        let facts = self.facts();
        let problem = if facts.non_negative(&lo) == Answer::No {
            Some("it begins before the first element")
        } else if facts.non_negative(&hi.minus(&lo)) == Answer::No {
            Some("it ends before it begins")
        } else if facts.non_negative(&extent.minus(&hi)) == Answer::No {
            Some("it ends behind the last element")
        } else {
            None
        };
        match problem {
            None => Ok(IndexItem::Slice { lo, hi }),
            Some(problem) => {
                let (lo, hi, extent) = (self.show(&lo), self.show(&hi), self.show(extent));
                let message = format!("slice {lo}..{hi} is outside an axis of extent {extent}");
                Err(self.report(Diagnostic::error(codes::OUT_OF_BOUNDS, span, message).at(problem)))
            }
        }
    }

    fn slice_end(&mut self, tree: &ast::Expr, extent: Option<&Size>) -> Checked<Size> {
        if let (Some(back), Some(extent)) = (from_end(tree), extent) {
            return Ok(extent.minus(&Size::constant(back)));
        }
        let value = self.expr(tree, &Expect::Elem(Scalar::I32))?;
        if self.dim_expr(&value).is_none() && value.ty.as_scalar() == Some(Scalar::I32) {
            return Err(self.report(
                Diagnostic::error(codes::NOT_A_SIZE, value.span, "an end of a slice must be a size")
                    .at("this is only known while the work runs")
                    .help("write a comprehension: `for k in 0..n { x[start + k] }`"),
            ));
        }
        self.size_of(&value, "an end of a slice")
    }
}

/// A literal with a leading minus.
fn from_end(tree: &ast::Expr) -> Option<i64> {
    match &tree.kind {
        ast::ExprKind::Unary(UnaryOp::Neg, inner) => match inner.kind {
            ast::ExprKind::Int(value) => i64::try_from(value).ok(),
            _ => None,
        },
        _ => None,
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
