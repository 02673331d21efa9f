//! Layout of items and of whole files.

use super::build::{Build, Shape, Style};
use super::doc::{Doc, Flow};
use super::tokens::Tokens;
use crate::syntax::lex::Tok;

/// A whole file.
pub fn file<'s>(tokens: Tokens<'s>) -> Doc<'s> {
    let mut build = Build::new(tokens.list);
    let mut docs: Vec<Doc> = Vec::new();
    // Whether the item before takes several lines, its documentation included.
    let mut was_long = false;
    for range in tokens.items {
        build.seek(range.start);
        let blank = build.next().is_some_and(|first| first.leads_with_blank());
        let comments = build.comments_before();
        let has_doc = matches!(build.peek(), Some(Tok::Doc(_)));
        let mut item = build.item();
        while build.position() < range.end {
            // Follows no grammar.
            item = Doc::seq(vec![item, Doc::text(" "), build.take()]);
        }
        let is_long = has_doc || item.size.flat.is_none_or(|flat| flat > super::render::WIDTH);
        if !docs.is_empty() {
            docs.push(Doc::hard(blank || was_long || is_long));
        }
        docs.extend(comments);
        docs.push(item);
        was_long = is_long;
    }
    for comment in tokens.end {
        if !docs.is_empty() {
            docs.push(Doc::hard(comment.blank));
        }
        docs.push(Doc::comment(comment.text, false));
    }
    Doc::seq(docs)
}

impl<'s> Build<'s> {
    /// An item with its documentation.
    fn item(&mut self) -> Doc<'s> {
        let mut docs = Vec::new();
        while let Some(Tok::Doc(text)) = self.peek() {
            let (before, after) = self.around();
            let text = text.strip_prefix(' ').unwrap_or(text).trim_end();
            docs.extend(before);
            docs.push(if text.is_empty() { Doc::text("///") } else { Doc::text(format!("/// {text}")) });
            docs.extend(after);
            docs.push(Doc::hard(false));
        }
        let word = self.peek();
        docs.extend([self.take(), Doc::text(" ")]);
        docs.push(match word {
            Some(Tok::Use) => self.used(),
            Some(Tok::Fn | Tok::Pipeline) => {
                let signature = self.signature();
                let body = self.open_block();
                Doc::group(Doc::seq(vec![signature, Doc::text(" "), body]))
            }
            Some(Tok::Name("test")) => {
                let name = self.take();
                let body = self.open_block();
                Doc::group(Doc::seq(vec![name, Doc::text(" "), body]))
            }
            Some(Tok::Name("model")) => self.signature(),
            Some(Tok::Name("weights")) => {
                let head = Doc::seq(vec![self.take(), self.declared()]);
                let from = self.origin();
                Doc::fill(vec![head].into_iter().chain(from).collect(), Flow::Hang)
            }
            Some(Tok::Struct) => self.structure(),
            _ => Doc::seq(vec![self.take(), self.declared()]),
        });
        Doc::seq(docs)
    }

    /// What stands behind `use`.
    fn used(&mut self) -> Doc<'s> {
        let mut docs = vec![self.take()];
        while let Some(dot) = self.take_if(Tok::Dot) {
            docs.extend([dot, self.take()]);
        }
        docs.push(self.renamed());
        if let Some(Tok::OpenParen | Tok::OpenParenFirst) = self.peek() {
            docs.push(Doc::text(" "));
            docs.push(self.list(Style::Array, |build| (Doc::seq(vec![build.take(), build.renamed()]), Shape::Plain)).0);
        }
        Doc::seq(docs)
    }

    /// `as name`, if it is there.
    fn renamed(&mut self) -> Doc<'s> {
        match self.take_if(Tok::As) {
            Some(word) => Doc::seq(vec![Doc::text(" "), word, Doc::text(" "), self.take()]),
            None => Doc::empty(),
        }
    }

    /// `name(params) -> results where facts`, `name(params) -> results from "file"`.
    fn signature(&mut self) -> Doc<'s> {
        let name = self.take();
        let mut parts = vec![Doc::seq(vec![name, self.list(Style::Args, Build::param).0])];
        if let Some(arrow) = self.take_if(Tok::Arrow) {
            let results = match self.peek() {
                Some(Tok::OpenParen | Tok::OpenParenFirst) => self.list(Style::Args, Build::param).0,
                _ => self.ty(),
            };
            parts.push(Doc::seq(vec![arrow, Doc::text(" "), results]));
        }
        if let Some(word) = self.take_if(Tok::Where) {
            let mut facts = vec![Doc::seq(vec![word, Doc::text(" "), self.fact()])];
            while self.peek() == Some(Tok::Comma) {
                let comma = self.take();
                let fact = facts.pop().unwrap_or_else(Doc::empty);
                facts.extend([Doc::seq(vec![fact, comma]), self.fact()]);
            }
            parts.push(Doc::fill(facts, Flow::Hang));
        }
        parts.extend(self.origin());
        Doc::fill(parts, Flow::Hang)
    }

    /// `T: number`, or a comparison of sizes.
    fn fact(&mut self) -> Doc<'s> {
        match self.name_before_colon() {
            Some(name) => Doc::seq(vec![name, self.take()]),
            None => self.expr(),
        }
    }

    /// `from "file" "key"`, if it is there.
    fn origin(&mut self) -> Option<Doc<'s>> {
        let mut docs = vec![self.take_if(Tok::From)?];
        while let Some(Tok::Text(_)) = self.peek() {
            docs.extend([Doc::text(" "), self.take()]);
        }
        Some(Doc::seq(docs))
    }

    fn structure(&mut self) -> Doc<'s> {
        let mut docs = vec![self.take()];
        if self.peek() == Some(Tok::OpenBracket) {
            docs.push(self.list(Style::Bare, |build| (build.take(), Shape::Plain)).0);
        }
        docs.push(Doc::text(" "));
        if self.peek() == Some(Tok::OpenBrace) {
            docs.push(self.list(Style::Fields, Build::param).0);
        }
        Doc::seq(docs)
    }
}
