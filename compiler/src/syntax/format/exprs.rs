//! Layout of expressions: rows of operators break behind the loosest ones.

use super::build::{Build, Element, Shape, Style};
use super::doc::{Doc, Flow};
use crate::syntax::ast::BinaryOp;
use crate::syntax::lex::Tok;
use crate::syntax::parse::{IS_POWER, binary_power};

impl<'s> Build<'s> {
    /// An expression.
    pub fn expr(&mut self) -> Doc<'s> {
        self.shaped().0
    }

    /// An expression and what it looks like.
    pub fn shaped(&mut self) -> Element<'s> {
        let (first, shape) = self.operand();
        let mut operands = vec![first];
        let mut powers = Vec::new();
        while let Some(power) = self.peek().and_then(infix_power) {
            let op = self.take();
            let left = operands.pop().unwrap_or_else(Doc::empty);
            operands.push(Doc::seq(vec![left, Doc::text(" "), op]));
            operands.push(self.operand().0);
            powers.push(power);
        }
        let shape = if powers.is_empty() { shape } else { Shape::Other };
        (chain(operands, &powers, Flow::Hang), shape)
    }

    /// An operand with its prefixes and postfixes.
    fn operand(&mut self) -> Element<'s> {
        let mut docs = Vec::new();
        while let Some(tok @ (Tok::Minus | Tok::Not | Tok::Tilde)) = self.peek() {
            docs.push(self.take());
            if tok == Tok::Not {
                docs.push(Doc::text(" "));
            }
        }
        let signed = !docs.is_empty();
        let (atom, mut shape) = self.atom();
        docs.push(atom);
        loop {
            match self.peek() {
                Some(Tok::Dot) => {
                    docs.push(self.take());
                    docs.push(self.take());
                    shape = Shape::Other;
                }
                Some(Tok::OpenParen) => {
                    docs.push(self.list(Style::Args, Build::argument).0);
                    shape = Shape::Call;
                }
                Some(Tok::OpenBracket) => {
                    docs.push(self.list(Style::Bare, Build::index).0);
                    shape = Shape::Call;
                }
                _ => break,
            }
        }
        let shape = if signed && shape != Shape::Plain { Shape::Other } else { shape };
        (Doc::seq(docs), shape)
    }

    fn atom(&mut self) -> Element<'s> {
        match self.peek() {
            Some(Tok::OpenParen | Tok::OpenParenFirst) => self.parenthesised(),
            Some(Tok::OpenBracket | Tok::OpenBracketFirst) => self.list(Style::Array, Build::shaped),
            Some(Tok::OpenBrace) => (self.block(), Shape::Block),
            Some(Tok::If | Tok::Static) => (self.conditional(), Shape::Block),
            Some(Tok::For | Tok::Reduce(_) | Tok::Scan) => (self.comprehension(), Shape::Block),
            Some(Tok::Pipe) => self.lambda(),
            // An operand is missing in what follows no grammar.
            None | Some(Tok::Newline | Tok::Comma | Tok::CloseParen | Tok::CloseBracket | Tok::CloseBrace) => {
                (Doc::empty(), Shape::Other)
            }
            Some(_) => (self.take(), Shape::Plain),
        }
    }

    /// `(e)`, whose lines hang like those around it, or a tuple.
    fn parenthesised(&mut self) -> Element<'s> {
        let (doc, shape) = self.list(Style::Parens, |build| match build.name_before_colon() {
            // A tuple may have one element if it has a name. `Other` keeps the list from being taken for `(e)`.
            Some(name) => (Doc::seq(vec![name, build.expr()]), Shape::Other),
            None => {
                let (doc, shape) = build.shaped();
                (doc, if shape == Shape::Other { Shape::Call } else { shape })
            }
        });
        (doc, if shape == Shape::Array { Shape::Array } else { Shape::Other })
    }

    /// `if`, `static if` and their `else`: all blocks on one line, or none.
    fn conditional(&mut self) -> Doc<'s> {
        let mut docs = Vec::new();
        loop {
            if let Some(word) = self.take_if(Tok::Static) {
                docs.extend([word, Doc::text(" ")]);
            }
            docs.extend([self.take(), Doc::text(" "), self.expr(), Doc::text(" ")]);
            if self.peek() == Some(Tok::OpenBrace) {
                docs.push(self.open_block());
            }
            let Some(word) = self.take_if(Tok::Else) else { break };
            docs.extend([Doc::text(" "), word, Doc::text(" ")]);
            if !matches!(self.peek(), Some(Tok::If | Tok::Static)) {
                if self.peek() == Some(Tok::OpenBrace) {
                    docs.push(self.open_block());
                }
                break;
            }
        }
        Doc::group(Doc::seq(docs))
    }

    /// `for`, `sum` and their kin.
    fn comprehension(&mut self) -> Doc<'s> {
        let mut docs = Vec::new();
        while let Some(Tok::For | Tok::Reduce(_) | Tok::Scan) = self.peek() {
            docs.extend([self.take(), Doc::text(" ")]);
        }
        let mut axes = vec![self.axis()];
        while self.peek() == Some(Tok::Comma) {
            let comma = self.take();
            let axis = axes.pop().unwrap_or_else(Doc::empty);
            axes.extend([Doc::seq(vec![axis, comma]), self.axis()]);
        }
        docs.extend([Doc::fill(axes, Flow::Hang), Doc::text(" ")]);
        if self.peek() == Some(Tok::OpenBrace) {
            docs.push(self.open_block());
        }
        Doc::group(Doc::seq(docs))
    }

    /// `i`, `i in a..b`, `i in a..b by s`; `i in e` of a `static loop`.
    pub fn axis(&mut self) -> Doc<'s> {
        let mut docs = vec![self.take()];
        if let Some(word) = self.take_if(Tok::In) {
            docs.extend([Doc::text(" "), word, Doc::text(" "), self.expr()]);
            if let Some(dots) = self.take_if(Tok::DotDot) {
                docs.extend([dots, self.expr()]);
            }
            if let Some(by) = self.take_if(Tok::Name("by")) {
                docs.extend([Doc::text(" "), by, Doc::text(" "), self.expr()]);
            }
        }
        Doc::seq(docs)
    }

    fn lambda(&mut self) -> Element<'s> {
        let mut docs = vec![self.take()];
        while let Some(Tok::Name(_) | Tok::Comma) = self.peek() {
            let is_comma = self.peek() == Some(Tok::Comma);
            docs.push(self.take());
            if is_comma {
                docs.push(Doc::text(" "));
            }
        }
        docs.extend([self.take(), Doc::text(" ")]);
        let (body, shape) = self.shaped();
        docs.push(body);
        (Doc::seq(docs), if shape == Shape::Block { Shape::Block } else { Shape::Other })
    }

    /// `{ … }`.
    pub fn block(&mut self) -> Doc<'s> {
        let block = self.open_block();
        Doc::group(block)
    }

    /// `name: ` before an element, if there is one.
    pub fn name_before_colon(&mut self) -> Option<Doc<'s>> {
        let is_name = matches!((self.peek(), self.ahead(1)), (Some(Tok::Name(_)), Some(Tok::Colon)));
        is_name.then(|| Doc::seq(vec![self.take(), self.take(), Doc::text(" ")]))
    }

    /// `e`, `name: e`, `var e`.
    fn argument(&mut self) -> Element<'s> {
        let prefix = match self.take_if(Tok::Var) {
            Some(word) => Some(Doc::seq(vec![word, Doc::text(" ")])),
            None => self.name_before_colon(),
        };
        let (value, shape) = self.shaped();
        match prefix {
            // A named number is not one of a row of numbers.
            Some(prefix) => (Doc::seq(vec![prefix, value]), if shape == Shape::Plain { Shape::Other } else { shape }),
            None => (value, shape),
        }
    }

    /// `i`, `clamp: i`, `a..b`, with the `else` behind the last.
    fn index(&mut self) -> Element<'s> {
        let mut docs = Vec::new();
        docs.extend(self.name_before_colon());
        if !matches!(self.peek(), Some(Tok::DotDot | Tok::Else)) {
            docs.push(self.expr());
        }
        if let Some(dots) = self.take_if(Tok::DotDot) {
            docs.push(dots);
            if !self.at_end() && !matches!(self.peek(), Some(Tok::Comma | Tok::Else)) {
                docs.push(self.expr());
            }
        }
        if let Some(word) = self.take_if(Tok::Else) {
            if !docs.is_empty() {
                docs.push(Doc::text(" "));
            }
            docs.extend([word, Doc::text(" "), self.expr()]);
        }
        (Doc::seq(docs), Shape::Other)
    }
}

/// Operands, each with its operator behind it but for the last → a fill of fills, by precedence.
fn chain<'s>(mut operands: Vec<Doc<'s>>, powers: &[u8], flow: Flow) -> Doc<'s> {
    let Some(loosest) = powers.iter().min() else { return operands.pop().unwrap_or_else(Doc::empty) };
    let mut items = Vec::new();
    let mut rest = operands.into_iter();
    for part in powers.split(|power| power == loosest) {
        items.push(chain(rest.by_ref().take(part.len() + 1).collect(), part, Flow::Tight));
    }
    Doc::fill(items, flow)
}

/// Binding power of an infix operator, if it is one.
fn infix_power(tok: Tok) -> Option<u8> {
    Some(binary_power(match tok {
        Tok::Is => return Some(IS_POWER),
        Tok::Or => BinaryOp::Or,
        Tok::And => BinaryOp::And,
        Tok::EqEq | Tok::NotEq | Tok::Lt | Tok::Le | Tok::Gt | Tok::Ge => BinaryOp::Eq,
        Tok::Pipe => BinaryOp::BitOr,
        Tok::Caret => BinaryOp::BitXor,
        Tok::Amp => BinaryOp::BitAnd,
        Tok::Shl | Tok::Shr => BinaryOp::Shl,
        Tok::Plus | Tok::Minus => BinaryOp::Add,
        Tok::Star | Tok::Slash | Tok::Percent => BinaryOp::Mul,
        _ => return None,
    }))
}
