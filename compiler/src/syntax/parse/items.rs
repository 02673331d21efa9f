//! Items: what stands at the top of a file. An item whose head could not be read is left out, but its body is
//! still read for further slips.

use super::exprs::{row, unchained};
use super::{P, Resolved, Slip, Tok, anything, name, slip, stmts, types, word};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::ast::{Block, Expr, Fact, Fn, Item, ItemKind, Name, Param, ResultDecl, TypeExpr, Use, UsePath};
use crate::syntax::lex::inner;
use crate::syntax::text::unescape;
use chumsky::prelude::*;

/// What all items are made of.
struct Parts<'t> {
    row: P<'t, Resolved>,
    expr: P<'t, Expr>,
    ty: P<'t, TypeExpr>,
    block: P<'t, Block>,
}

fn parts<'t>() -> Parts<'t> {
    let block = recursive(|block| {
        let expr = recursive(|expr| unchained(row(expr.boxed(), block.clone().boxed()))).boxed();
        stmts::block(expr.clone(), types::ty(expr), block.boxed())
    })
    .boxed();
    let expr = recursive(|expr| unchained(row(expr.boxed(), block.clone()))).boxed();
    Parts { row: row(expr.clone(), block.clone()), ty: types::ty(expr.clone()), expr, block }
}

/// One expression and nothing more.
pub fn expr_alone<'t>() -> P<'t, Expr> {
    parts().expr.then_ignore(end()).boxed()
}

/// One item with its documentation; `None` if its head made no sense.
pub fn item<'t>() -> P<'t, Option<Item>> {
    let parts = parts();
    let doc = select! { Tok::Doc(line) => line }
        .repeated()
        .collect::<Vec<_>>()
        .map(|lines| lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect::<Vec<_>>());
    let kinds =
        choice((use_item(), constant(&parts), functions(&parts), test(&parts), external(&parts), structure(&parts)))
            .labelled("an item");
    let body = parts.block.clone();
    let skipped = anything().and_is(just(Tok::OpenBrace).not()).repeated().at_least(1).boxed();
    // Only these have statements between their braces.
    let with_body = select! { Tok::Fn | Tok::Pipeline | Tok::Name("test") => () };
    let rest = anything().or(just(Tok::CloseBrace).ignored()).repeated();
    let broken = with_body.then(skipped.clone()).then(body).ignored().or(skipped.ignored()).then(rest).to(None);
    let whole = doc.then(kinds.map_with(|kind, e| (kind, e.span()))).then_ignore(end());
    whole
        .map(|(doc, (kind, span)): (_, (_, Span))| Some(Item { doc: doc.join("\n"), kind, span }))
        .recover_with(via_parser(broken))
        .boxed()
}

/// A text literal as a string.
fn string<'t>() -> P<'t, String> {
    select! { Tok::Text(raw) => raw }
        .labelled("a text")
        .validate(|raw, e, emitter| {
            String::from_utf8(unescape(inner(raw)).unwrap_or_default()).unwrap_or_else(|_| {
                let message = "this text is not UTF-8";
                emitter.emit(Slip::special(Diagnostic::error(codes::MALFORMED_LITERAL, e.span(), message)));
                String::new()
            })
        })
        .boxed()
}

fn use_item<'t>() -> P<'t, ItemKind> {
    let std = name().separated_by(just(Tok::Dot)).at_least(1).collect::<Vec<_>>().validate(|mut names, e, emitter| {
        let head = names.remove(0);
        if head.text != "std" || names.is_empty() {
            let help = "write `use std.nn` for a standard module, `use \"./boxes.k\"` for a file";
            emitter.emit(slip(codes::UNEXPECTED, e.span(), "this names no module", help));
        }
        UsePath::Std(names.into_iter().map(|name| name.text).collect())
    });
    let path = std.or(string().map(UsePath::File)).map_with(|path, e| (path, e.span()));
    let alias = just(Tok::As).ignore_then(name()).or_not().boxed();
    let selected = name()
        .then(alias.clone())
        .separated_by(just(Tok::Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just(Tok::OpenParen), just(Tok::CloseParen));
    just(Tok::Use)
        .ignore_then(path)
        .then(alias)
        .then(selected.or_not())
        .map(|(((path, path_span), alias), select)| ItemKind::Use(Use { path, path_span, alias, select }))
        .boxed()
}

fn constant<'t>(parts: &Parts<'t>) -> P<'t, ItemKind> {
    just(Tok::Const)
        .ignore_then(name())
        .then(just(Tok::Colon).ignore_then(parts.ty.clone()).or_not())
        .then_ignore(just(Tok::Assign))
        .then(parts.expr.clone())
        .map(|((name, ty), value)| ItemKind::Const { name, ty, value })
        .boxed()
}

/// `fn` and `pipeline`.
fn functions<'t>(parts: &Parts<'t>) -> P<'t, ItemKind> {
    let is_pipeline = select! { Tok::Fn => false, Tok::Pipeline => true };
    is_pipeline
        .then(signature(parts))
        .then(facts(parts))
        .then(parts.block.clone())
        .map(|(((is_pipeline, (name, params, results)), facts), body)| {
            let function = Fn { name, params, results, facts, body };
            if is_pipeline { ItemKind::Pipeline(function) } else { ItemKind::Fn(function) }
        })
        .boxed()
}

/// `name(params) -> results`.
fn signature<'t>(parts: &Parts<'t>) -> P<'t, (Name, Vec<Param>, Vec<ResultDecl>)> {
    let param = just(Tok::Var)
        .or_not()
        .then(name())
        .then_ignore(just(Tok::Colon))
        .then(parts.ty.clone())
        .then(just(Tok::Assign).ignore_then(parts.expr.clone()).or_not())
        .map(|(((is_var, name), ty), default)| Param { name, is_var: is_var.is_some(), ty, default });
    let params = param
        .separated_by(just(Tok::Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just(Tok::OpenParen), just(Tok::CloseParen));
    let result =
        name().then_ignore(just(Tok::Colon)).or_not().then(parts.ty.clone()).map(|(name, ty)| ResultDecl { name, ty });
    let several = result
        .separated_by(just(Tok::Comma))
        .allow_trailing()
        .at_least(1)
        .collect::<Vec<_>>()
        .delimited_by(select! { Tok::OpenParen | Tok::OpenParenFirst => () }.labelled("`(`"), just(Tok::CloseParen))
        .validate(|mut results, _, emitter| {
            let several = results.len() > 1;
            let mut unnamed = results.iter_mut().filter(|result| several && result.name.is_none()).peekable();
            if let Some(first) = unnamed.peek() {
                let help = "write `(a: f32[N], b: f32[N])`";
                emitter.emit(slip(codes::UNNAMED_RESULTS, first.ty.span, "each of several results needs a name", help));
            }
            for (index, result) in unnamed.enumerate() {
                result.name = Some(Name { text: format!("result{index}"), span: result.ty.span });
            }
            results
        });
    let one = parts.ty.clone().map(|ty| vec![ResultDecl { name: None, ty }]);
    let results = just(Tok::Arrow).ignore_then(several.or(one)).or_not().map(Option::unwrap_or_default);
    name().then(params).then(results).map(|((name, params), results)| (name, params, results)).boxed()
}

/// `where C == G * groups, 1 <= k <= N, T: number`.
fn facts<'t>(parts: &Parts<'t>) -> P<'t, Vec<Fact>> {
    let constraint = name()
        .then_ignore(just(Tok::Colon))
        .then(name())
        .map(|(variable, class)| vec![Fact::Constraint(variable, class)]);
    let relation = parts
        .row
        .clone()
        .map(|resolved| std::iter::once(resolved.expr).chain(resolved.chained).map(Fact::Relation).collect::<Vec<_>>());
    just(Tok::Where)
        .ignore_then(constraint.or(relation).separated_by(just(Tok::Comma)).at_least(1).collect::<Vec<_>>())
        .or_not()
        .map(|facts| facts.unwrap_or_default().into_iter().flatten().collect())
        .boxed()
}

fn test<'t>(parts: &Parts<'t>) -> P<'t, ItemKind> {
    word("test")
        .ignore_then(string())
        .then(parts.block.clone())
        .map(|(name, body)| ItemKind::Test { name, body })
        .boxed()
}

/// `state`, `weights`, `model`: what lives outside of calls.
fn external<'t>(parts: &Parts<'t>) -> P<'t, ItemKind> {
    let typed = name().then_ignore(just(Tok::Colon)).then(parts.ty.clone()).boxed();
    let state = word("state")
        .ignore_then(typed.clone())
        .then(just(Tok::Assign).ignore_then(parts.expr.clone()).or_not())
        .map(|((name, ty), value)| ItemKind::State { name, ty, value });
    let weights = word("weights")
        .ignore_then(typed)
        .then(just(Tok::From).ignore_then(string().repeated().at_least(1).collect()))
        .map(|((name, ty), from)| ItemKind::Weights { name, ty, from });
    let model = word("model").ignore_then(signature(parts)).then(just(Tok::From).ignore_then(string())).map_with(
        |((name, params, results), from), e| {
            let whole: Span = e.span();
            let body = Block { stmts: Vec::new(), span: Span { start: whole.end, ..whole } };
            ItemKind::Model { signature: Fn { name, params, results, facts: Vec::new(), body }, from }
        },
    );
    choice((state.boxed(), weights.boxed(), model.boxed())).boxed()
}

fn structure<'t>(parts: &Parts<'t>) -> P<'t, ItemKind> {
    let sizes = name()
        .separated_by(just(Tok::Comma))
        .collect::<Vec<_>>()
        .delimited_by(just(Tok::OpenBracket), just(Tok::CloseBracket));
    let field = name().then_ignore(just(Tok::Colon)).then(parts.ty.clone());
    let fields = field
        .separated_by(just(Tok::Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just(Tok::OpenBrace), just(Tok::CloseBrace));
    just(Tok::Struct)
        .ignore_then(name())
        .then(sizes.or_not().map(Option::unwrap_or_default))
        .then(fields)
        .map(|((name, sizes), fields)| ItemKind::Struct { name, sizes, fields })
        .boxed()
}
