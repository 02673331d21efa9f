//! Types: `f32[H, W]`, `list i32[N]`, `fn(f64) -> f64`, `Boxes[K <= A]`.

use super::exprs::skip_group;
use super::{P, Tok, name, slip, word};
use crate::diag::codes;
use crate::syntax::ast::{BinaryOp, DimDecl, Expr, ExprKind, Name, TypeExpr, TypeKind};
use chumsky::prelude::*;

/// A type.
pub fn ty(expr: P<'_, Expr>) -> P<'_, TypeExpr> {
    recursive(|ty| {
        let function = just(Tok::Fn)
            .ignore_then(
                ty.clone()
                    .separated_by(just(Tok::Comma))
                    .collect()
                    .delimited_by(just(Tok::OpenParen), just(Tok::CloseParen)),
            )
            .then_ignore(just(Tok::Arrow))
            .then(ty)
            .map(|(params, result)| TypeKind::Fn(params, Box::new(result)));
        let open = just(Tok::OpenBracket).ignored().boxed();
        let list = word("list")
            .ignore_then(name())
            .then(expr.clone().delimited_by(open.clone(), just(Tok::CloseBracket)))
            .map(|(element, capacity)| TypeKind::List(element, capacity));
        let dims = dim(expr)
            .separated_by(just(Tok::Comma))
            .allow_trailing()
            .collect::<Vec<_>>()
            .delimited_by(open.clone(), just(Tok::CloseBracket))
            .map(Some)
            .recover_with(via_parser(skip_group(open, Tok::CloseBracket).to(None)));
        // `boxes.Boxes`: an item of a module, as one name.
        let path = name().foldl_with(just(Tok::Dot).ignore_then(name()).repeated(), |of: Name, name: Name, e| Name {
            text: format!("{}.{}", of.text, name.text),
            span: e.span(),
        });
        let plain = path.then(dims.or_not()).map(|(name, dims)| match dims {
            None => TypeKind::Name(name),
            Some(Some(dims)) => TypeKind::Tensor(name, dims),
            Some(None) => TypeKind::Error,
        });
        choice((function.boxed(), list.boxed(), plain.boxed()))
            .map_with(|kind, e| TypeExpr { kind, span: e.span() })
            .labelled("a type")
    })
    .boxed()
}

/// One extent: a size, or `K <= bound`.
fn dim(expr: P<'_, Expr>) -> P<'_, DimDecl> {
    expr.validate(|expr, _, emitter| match expr.kind {
        ExprKind::Binary(BinaryOp::Le, left, right) => match left.kind {
            ExprKind::Name(name) => DimDecl::Bounded(name, *right),
            _ => {
                let help = "write `K <= bound` with a new name `K`";
                emitter.emit(slip(codes::BAD_BOUND, left.span, "only a name can have a bound here", help));
                DimDecl::Size(Expr { kind: ExprKind::Error, span: expr.span })
            }
        },
        _ => DimDecl::Size(expr),
    })
    .boxed()
}
