//! Blocks and statements. A statement that could not be read becomes an `Error` expression; a `let` or `var` whose
//! value could not be read still binds its name.

use super::exprs::range;
use super::{P, Slip, Tok, anything, error_expr, name, slip};
use crate::diag::codes;
use crate::syntax::ast::{Axis, BinaryOp, Block, Expr, ExprKind, MessagePart, Name, Over, Stmt, StmtKind, TypeExpr};
use crate::syntax::message::parse_message;
use chumsky::prelude::*;

/// `{ … }`.
pub fn block<'t>(expr: P<'t, Expr>, ty: P<'t, TypeExpr>, block: P<'t, Block>) -> P<'t, Block> {
    stmt(expr, ty, block)
        .separated_by(just(Tok::Newline))
        .collect()
        .delimited_by(just(Tok::OpenBrace), just(Tok::CloseBrace))
        .map_with(|stmts, e| Block { stmts, span: e.span() })
        .boxed()
}

/// A statement and nothing more on its line.
fn stmt<'t>(expr: P<'t, Expr>, ty: P<'t, TypeExpr>, block: P<'t, Block>) -> P<'t, Stmt> {
    let end = select! { Tok::Newline | Tok::CloseBrace => () }.labelled("the end of the line").rewind().boxed();
    let skipped = anything().repeated().at_least(1).map_with(|(), e| error_expr(e.span())).boxed();
    // The value of a binding goes to the end of the line: whatever stands there, the name is bound.
    let value = just(Tok::Assign)
        .ignore_then(expr.clone().then_ignore(end.clone()).recover_with(via_parser(skipped.clone())))
        .boxed();
    let typed = just(Tok::Colon).ignore_then(ty).or_not().boxed();
    let kinds = choice((
        bindings(typed, value),
        assert(expr.clone()),
        loops(expr.clone(), block),
        select! { Tok::Break => StmtKind::Break, Tok::Continue => StmtKind::Continue }.boxed(),
        just(Tok::Return).ignore_then(expr.clone().or_not()).map(StmtKind::Return).boxed(),
        assign_or_value(expr),
    ));
    kinds
        .then_ignore(end)
        .labelled("a statement")
        .recover_with(via_parser(skipped.map(StmtKind::Expr)))
        .map_with(|kind, e| Stmt { kind, span: e.span() })
        .boxed()
}

/// `let` and `var`.
fn bindings<'t>(typed: P<'t, Option<TypeExpr>>, value: P<'t, Expr>) -> P<'t, StmtKind> {
    let several = name()
        .separated_by(just(Tok::Comma))
        .allow_trailing()
        .at_least(1)
        .collect::<Vec<_>>()
        .delimited_by(just(Tok::OpenParen), just(Tok::CloseParen));
    let several =
        several.then(value.clone()).map(|(names, value)| StmtKind::Let { names, is_tuple: true, ty: None, value });
    let one = name().then(typed.clone()).then(value.clone()).map(|((name, ty), value)| StmtKind::Let {
        names: vec![name],
        is_tuple: false,
        ty,
        value,
    });
    let binding = just(Tok::Let).ignore_then(several.or(one));
    let variable = just(Tok::Var)
        .ignore_then(name())
        .then(typed)
        .then(value.or_not())
        .map(|((name, ty), value)| StmtKind::Var { name, ty, value });
    binding.or(variable).boxed()
}

/// `assert cond, "text {value}"`.
fn assert(expr: P<'_, Expr>) -> P<'_, StmtKind> {
    let text = select! { Tok::Text(raw) = e => (raw, e.span()) }.labelled("a text").boxed();
    just(Tok::Assert)
        .ignore_then(expr)
        .then(just(Tok::Comma).ignore_then(text).or_not())
        .validate(|(cond, text), _, emitter| {
            let message = text.map_or(Vec::new(), |(raw, span)| {
                let (parts, diagnostics): (Vec<MessagePart>, _) = parse_message(raw, span);
                diagnostics.into_iter().for_each(|diagnostic| emitter.emit(Slip::special(diagnostic)));
                parts
            });
            StmtKind::Assert { cond, message }
        })
        .boxed()
}

/// `loop`, `while`, `static loop`.
fn loops<'t>(expr: P<'t, Expr>, block: P<'t, Block>) -> P<'t, StmtKind> {
    let head = just(Tok::Loop).ignore_then(name()).then_ignore(just(Tok::In)).boxed();
    let plain = head
        .clone()
        .then(range(expr.clone()))
        .then(block.clone())
        .map(|((name, range), body)| StmtKind::Loop { axis: Axis { name, range: Some(range) }, body });
    let fixed = just(Tok::Static)
        .ignore_then(head)
        .then(range(expr.clone()).map(|range| Over::Range(Box::new(range))).or(expr.clone().map(Over::Values)))
        .then(block.clone())
        .map(|((name, over), body): ((Name, Over), Block)| StmtKind::StaticLoop { name, over, body });
    let whilst = just(Tok::While).ignore_then(expr).then(block).map(|(cond, body)| StmtKind::While { cond, body });
    choice((plain.boxed(), fixed.boxed(), whilst.boxed())).boxed()
}

/// `target = e`, `target += e`, or an expression.
fn assign_or_value(expr: P<'_, Expr>) -> P<'_, StmtKind> {
    let op = select! {
        Tok::Assign => None,
        Tok::PlusAssign => Some(BinaryOp::Add),
        Tok::MinusAssign => Some(BinaryOp::Sub),
        Tok::StarAssign => Some(BinaryOp::Mul),
        Tok::SlashAssign => Some(BinaryOp::Div),
        Tok::PercentAssign => Some(BinaryOp::Rem),
        Tok::AmpAssign => Some(BinaryOp::BitAnd),
        Tok::PipeAssign => Some(BinaryOp::BitOr),
        Tok::CaretAssign => Some(BinaryOp::BitXor),
        Tok::ShlAssign => Some(BinaryOp::Shl),
        Tok::ShrAssign => Some(BinaryOp::Shr),
    }
    .labelled("`=`");
    expr.clone()
        .then(op.then(expr).or_not())
        .validate(|(target, assigned), _, emitter| {
            let Some((op, value)) = assigned else { return StmtKind::Expr(target) };
            let is_place = match &target.kind {
                ExprKind::Name(_) | ExprKind::Error => true,
                ExprKind::Index { base, .. } => matches!(base.kind, ExprKind::Name(_) | ExprKind::Error),
                _ => false,
            };
            if !is_place {
                let help = "assign to a `var`, or to elements of one: `a[i] = …`";
                emitter.emit(slip(codes::NOT_ASSIGNABLE, target.span, "this cannot be assigned to", help));
            }
            StmtKind::Assign { target, op, value }
        })
        .boxed()
}
