//! Expressions: operands with their postfixes, comprehensions, reductions, `if`, lambdas, and rows of operators.

use super::operators::{Piece, Resolved, chain_slip, resolve};
use super::{P, Tok, anything, error_expr, name, word};
use crate::ops::{Border, ReduceOp};
use crate::source::Span;
use crate::syntax::ast::{Arg, Axis, BinaryOp, Block, Expr, ExprKind, IndexItem, Range, Stmt, StmtKind, UnaryOp};
use crate::syntax::lex::{inner, int};
use crate::syntax::text::unescape;
use chumsky::prelude::*;

/// A row of operators, not yet a tree: `facts` splits its comparison chains, `expr` refuses them.
pub fn row<'t>(expr: P<'t, Expr>, block: P<'t, Block>) -> P<'t, Resolved> {
    let operand = postfixed(atom(expr.clone(), block), expr).map(Piece::Operand);
    let prefix = select! { Tok::Minus => UnaryOp::Neg, Tok::Not => UnaryOp::Not, Tok::Tilde => UnaryOp::BitNot }
        .map_with(|op, e| Piece::Prefix(op, e.span()));
    let operand = prefix
        .repeated()
        .collect::<Vec<_>>()
        .then(operand)
        .map(|(mut pieces, operand)| {
            pieces.push(operand);
            pieces
        })
        .labelled("an expression")
        .boxed();
    let infix = infix().then(operand.clone()).map(|(op, mut pieces)| {
        pieces.insert(0, Piece::Infix(op));
        pieces
    });
    let is = just(Tok::Is).ignore_then(name()).map(|name| vec![Piece::Is(name)]);
    let more = infix.or(is.labelled("an operator")).boxed();
    operand
        .foldl(more.repeated(), |mut pieces, more| {
            pieces.extend(more);
            pieces
        })
        .map_with(|pieces, e| {
            resolve(pieces).unwrap_or_else(|| Resolved { expr: error_expr(e.span()), chained: Vec::new() })
        })
        .boxed()
}

/// An expression made of a row: comparison chains are slips.
pub fn unchained(row: P<'_, Resolved>) -> P<'_, Expr> {
    row.validate(|resolved, _, emitter| {
        if let Some(chained) = resolved.chained.first() {
            emitter.emit(chain_slip(chained));
        }
        resolved.expr
    })
    .boxed()
}

fn infix<'t>() -> P<'t, BinaryOp> {
    select! {
        Tok::Or => BinaryOp::Or,
        Tok::And => BinaryOp::And,
        Tok::EqEq => BinaryOp::Eq,
        Tok::NotEq => BinaryOp::Ne,
        Tok::Lt => BinaryOp::Lt,
        Tok::Le => BinaryOp::Le,
        Tok::Gt => BinaryOp::Gt,
        Tok::Ge => BinaryOp::Ge,
        Tok::Pipe => BinaryOp::BitOr,
        Tok::Caret => BinaryOp::BitXor,
        Tok::Amp => BinaryOp::BitAnd,
        Tok::Shl => BinaryOp::Shl,
        Tok::Shr => BinaryOp::Shr,
        Tok::Plus => BinaryOp::Add,
        Tok::Minus => BinaryOp::Sub,
        Tok::Star => BinaryOp::Mul,
        Tok::Slash => BinaryOp::Div,
        Tok::Percent => BinaryOp::Rem,
    }
    .labelled("an operator")
    .boxed()
}

/// An operand without postfixes.
fn atom<'t>(expr: P<'t, Expr>, block: P<'t, Block>) -> P<'t, Expr> {
    let literal = select! {
        Tok::Int(digits) => ExprKind::Int(int(digits).unwrap_or(0)),
        Tok::Float(digits) => ExprKind::Float(digits.replace('_', "")),
        Tok::Inf => ExprKind::Float("inf".to_string()),
        Tok::Nan => ExprKind::Float("nan".to_string()),
        Tok::True => ExprKind::Bool(true),
        Tok::False => ExprKind::Bool(false),
        // The lexer has validated both.
        Tok::Text(raw) => ExprKind::Text(unescape(inner(raw)).unwrap_or_default()),
        Tok::Byte(raw) => ExprKind::Byte(unescape(inner(raw)).ok().and_then(|bytes| bytes.first().copied()).unwrap_or(0)),
    };
    let lambda = name()
        .separated_by(just(Tok::Comma))
        .at_least(1)
        .collect()
        .delimited_by(just(Tok::Pipe), just(Tok::Pipe))
        .then(expr.clone())
        .map(|(params, body)| ExprKind::Lambda { params, body: Box::new(body) });
    let plain = choice((
        literal.boxed(),
        name().map(ExprKind::Name).boxed(),
        conditional(expr.clone(), block.clone()),
        comprehension(expr.clone(), block.clone()),
        lambda.boxed(),
        array(expr.clone()),
        block.map(ExprKind::Block).boxed(),
    ))
    .map_with(|kind, e| Expr { kind, span: e.span() });
    plain.or(parenthesised(expr)).boxed()
}

/// `(e)`, whose span includes the parentheses, or a tuple.
fn parenthesised(expr: P<'_, Expr>) -> P<'_, Expr> {
    let element = name().then_ignore(just(Tok::Colon)).or_not().then(expr);
    let open = select! { Tok::OpenParen | Tok::OpenParenFirst => () }.labelled("`(`").boxed();
    element
        .separated_by(just(Tok::Comma))
        .allow_trailing()
        .at_least(1)
        .collect::<Vec<_>>()
        .delimited_by(open.clone(), just(Tok::CloseParen))
        .map_with(|mut elements, e| match elements.pop() {
            Some((None, only)) if elements.is_empty() => Expr { span: e.span(), ..only },
            last => {
                elements.extend(last);
                Expr { kind: ExprKind::Tuple(elements), span: e.span() }
            }
        })
        .recover_with(via_parser(skip_group(open, Tok::CloseParen).map(error_expr)))
        .boxed()
}

fn array(expr: P<'_, Expr>) -> P<'_, ExprKind> {
    let open = select! { Tok::OpenBracket | Tok::OpenBracketFirst => () }.labelled("`[`").boxed();
    expr.separated_by(just(Tok::Comma))
        .allow_trailing()
        .collect()
        .delimited_by(open.clone(), just(Tok::CloseBracket))
        .map(ExprKind::Array)
        .recover_with(via_parser(skip_group(open, Tok::CloseBracket).to(ExprKind::Error)))
        .boxed()
}

/// `if`, `static if` and their `else`.
fn conditional<'t>(expr: P<'t, Expr>, block: P<'t, Block>) -> P<'t, ExprKind> {
    recursive(|conditional| {
        let nested = conditional.map_with(|kind, e| {
            let span = e.span();
            let stmt = Stmt { kind: StmtKind::Expr(Expr { kind, span }), span };
            Block { stmts: vec![stmt], span }
        });
        just(Tok::Static)
            .or_not()
            .then_ignore(just(Tok::If))
            .then(expr)
            .then(block.clone())
            .then(just(Tok::Else).ignore_then(nested.or(block)).or_not())
            .map(|(((is_static, cond), then), otherwise)| ExprKind::If {
                is_static: is_static.is_some(),
                cond: Box::new(cond),
                then,
                otherwise,
            })
    })
    .boxed()
}

/// `for` and reductions.
fn comprehension<'t>(expr: P<'t, Expr>, block: P<'t, Block>) -> P<'t, ExprKind> {
    let axis = name().then(just(Tok::In).ignore_then(range(expr)).or_not()).map(|(name, range)| Axis { name, range });
    let axes = axis.separated_by(just(Tok::Comma)).at_least(1).collect::<Vec<_>>().then(block).boxed();
    let build = just(Tok::For).ignore_then(axes.clone()).map(|(axes, body)| ExprKind::For { axes, body });
    let op = select! { Tok::Reduce(op) => op }.labelled("a reducer").boxed();
    let reduce = just(Tok::Scan).or_not().then(op).then(axes).map(
        |((scan, op), (axes, body)): ((Option<Tok>, ReduceOp), (Vec<Axis>, Block))| ExprKind::Reduce {
            op,
            scan: scan.is_some(),
            axes,
            body,
        },
    );
    build.or(reduce).boxed()
}

/// `a..b by s`.
pub fn range(expr: P<'_, Expr>) -> P<'_, Range> {
    expr.clone()
        .then_ignore(just(Tok::DotDot))
        .then(expr.clone())
        .then(word("by").labelled("`by`").ignore_then(expr).or_not())
        .map(|((lo, hi), step)| Range { lo, hi, step })
        .boxed()
}

/// What follows an operand on its line.
enum Postfix {
    Field(crate::syntax::ast::Name),
    Call(Vec<Arg>),
    Index(Vec<IndexItem>, Option<Expr>),
}

fn postfixed<'t>(atom: P<'t, Expr>, expr: P<'t, Expr>) -> P<'t, Expr> {
    let field = just(Tok::Dot).ignore_then(name()).map(Postfix::Field);
    let postfix = choice((field.boxed(), call(expr.clone()), index(expr))).boxed();
    atom.foldl_with(postfix.repeated(), |base, postfix, e| {
        let base = Box::new(base);
        let kind = match postfix {
            Postfix::Field(name) => ExprKind::Field(base, name),
            Postfix::Call(args) => ExprKind::Call { callee: base, args },
            Postfix::Index(items, default) => ExprKind::Index { base, items, default: default.map(Box::new) },
        };
        Expr { kind, span: e.span() }
    })
    .boxed()
}

fn call(expr: P<'_, Expr>) -> P<'_, Postfix> {
    let label = name().then_ignore(just(Tok::Colon)).or_not();
    let arg = label.then(just(Tok::Var).or_not()).then(expr).map(|((name, var), value)| Arg {
        name,
        is_var: var.is_some(),
        value,
    });
    let open = just(Tok::OpenParen).ignored().boxed();
    let failed = |span| Postfix::Call(vec![Arg { name: None, is_var: false, value: error_expr(span) }]);
    arg.separated_by(just(Tok::Comma))
        .allow_trailing()
        .collect()
        .delimited_by(open.clone(), just(Tok::CloseParen))
        .map(Postfix::Call)
        .recover_with(via_parser(skip_group(open, Tok::CloseParen).map(failed)))
        .boxed()
}

fn index(expr: P<'_, Expr>) -> P<'_, Postfix> {
    let border = select! {
        Tok::Name("clamp") => Border::Clamp,
        Tok::Name("wrap") => Border::Wrap,
        Tok::Name("reflect") => Border::Reflect,
    };
    let bordered =
        border.then_ignore(just(Tok::Colon)).then(expr.clone()).map(|(border, at)| IndexItem::At(border, at));
    let upper = just(Tok::DotDot).ignore_then(expr.clone().or_not()).boxed();
    let open_below = upper.clone().map_with(|hi, e| IndexItem::Slice(None, hi, e.span()));
    let other = expr.clone().then(upper.or_not()).map_with(|(lo, upper), e| match upper {
        Some(hi) => IndexItem::Slice(Some(lo), hi, e.span()),
        None => IndexItem::At(Border::None, lo),
    });
    let open = just(Tok::OpenBracket).ignored().boxed();
    let failed = |span| Postfix::Index(vec![IndexItem::At(Border::None, error_expr(span))], None);
    choice((bordered.boxed(), open_below.boxed(), other.boxed()))
        .separated_by(just(Tok::Comma))
        .collect()
        .then(just(Tok::Else).ignore_then(expr).or_not())
        .delimited_by(open.clone(), just(Tok::CloseBracket))
        .map(|(items, default)| Postfix::Index(items, default))
        .recover_with(via_parser(skip_group(open, Tok::CloseBracket).map(failed)))
        .boxed()
}

/// A bracket group whose contents could not be read; its span.
pub fn skip_group<'t>(open: P<'t, ()>, close: Tok<'t>) -> P<'t, Span> {
    let inside = anything().or(just(Tok::Newline).ignored()).repeated();
    open.then(inside).then(just(close)).map_with(|_, e| e.span()).boxed()
}
