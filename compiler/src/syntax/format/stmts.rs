//! Layout of statements and types.

use super::build::{Build, Element, Shape, Style};
use super::doc::{Doc, Flow};
use crate::syntax::lex::Tok;

impl<'s> Build<'s> {
    /// A statement up to its line end.
    pub fn stmt(&mut self) -> Doc<'s> {
        let space = || Doc::text(" ");
        match self.peek() {
            Some(Tok::Let | Tok::Var) => {
                let mut docs = vec![self.take(), space()];
                if let Some(Tok::OpenParen | Tok::OpenParenFirst) = self.peek() {
                    docs.push(self.list(Style::Args, |build| (build.take(), Shape::Plain)).0);
                } else {
                    docs.push(self.take());
                }
                docs.push(self.declared());
                Doc::seq(docs)
            }
            Some(Tok::Assert) => {
                let word = self.take();
                let mut parts = vec![Doc::seq(vec![word, space(), self.expr()])];
                if self.peek() == Some(Tok::Comma) {
                    let comma = self.take();
                    let cond = parts.pop().unwrap_or_else(Doc::empty);
                    parts.extend([Doc::seq(vec![cond, comma]), self.take()]);
                }
                Doc::fill(parts, Flow::Hang)
            }
            Some(Tok::Static) if self.ahead(1) == Some(Tok::Loop) => {
                let docs = vec![self.take(), space(), self.looped()];
                Doc::seq(docs)
            }
            Some(Tok::Loop | Tok::While) => self.looped(),
            Some(Tok::Return) => {
                let word = self.take();
                if self.at_end() { word } else { Doc::seq(vec![word, space(), self.expr()]) }
            }
            Some(Tok::Break | Tok::Continue) => self.take(),
            _ => {
                let mut docs = vec![self.expr()];
                if self.peek().is_some_and(crate::syntax::layout::assigns) {
                    docs.extend([space(), self.take(), space(), self.expr()]);
                }
                Doc::seq(docs)
            }
        }
    }

    /// `loop i in a..b { … }`, `while c { … }`.
    fn looped(&mut self) -> Doc<'s> {
        let is_loop = self.peek() == Some(Tok::Loop);
        let word = self.take();
        let head = if is_loop { self.axis() } else { self.expr() };
        let mut docs = vec![word, Doc::text(" "), head, Doc::text(" ")];
        if self.peek() == Some(Tok::OpenBrace) {
            docs.push(self.open_block());
        }
        Doc::group(Doc::seq(docs))
    }

    /// `: type` and `= value` behind a name, as far as they are there.
    pub fn declared(&mut self) -> Doc<'s> {
        let mut docs = Vec::new();
        if let Some(colon) = self.take_if(Tok::Colon) {
            docs.extend([colon, Doc::text(" "), self.ty()]);
        }
        if let Some(assign) = self.take_if(Tok::Assign) {
            docs.extend([Doc::text(" "), assign, Doc::text(" "), self.expr()]);
        }
        Doc::seq(docs)
    }

    /// `f32[H, W]`, `list i32[N]`, `fn(f64) -> f64`.
    pub fn ty(&mut self) -> Doc<'s> {
        let mut docs = Vec::new();
        if let Some(word) = self.take_if(Tok::Fn) {
            docs.extend([word, self.list(Style::Bare, |build| (build.ty(), Shape::Other)).0]);
            if let Some(arrow) = self.take_if(Tok::Arrow) {
                docs.extend([Doc::text(" "), arrow, Doc::text(" "), self.ty()]);
            }
            return Doc::seq(docs);
        }
        let ahead = (self.peek(), self.ahead(1), self.ahead(2));
        if let (Some(Tok::Name("list")), Some(Tok::Name(_)), Some(Tok::OpenBracket)) = ahead {
            docs.extend([self.take(), Doc::text(" "), self.take()]);
            docs.push(self.list(Style::Bare, Build::shaped).0);
            return Doc::seq(docs);
        }
        docs.push(self.take());
        while let Some(dot) = self.take_if(Tok::Dot) {
            docs.extend([dot, self.take()]);
        }
        if self.peek() == Some(Tok::OpenBracket) {
            docs.push(self.list(Style::Args, Build::shaped).0);
        }
        Doc::seq(docs)
    }

    /// `name: type`, `var name: type = e`, or a type alone.
    pub fn param(&mut self) -> Element<'s> {
        let mut docs = Vec::new();
        if let Some(word) = self.take_if(Tok::Var) {
            docs.extend([word, Doc::text(" ")]);
        }
        if let (Some(Tok::Name(_)), Some(Tok::Colon)) = (self.peek(), self.ahead(1)) {
            docs.extend([self.take(), self.declared()]);
        } else {
            docs.push(self.ty());
        }
        (Doc::seq(docs), Shape::Other)
    }
}
