//! Spelling of items and types.

use super::Speller;
use crate::syntax::ast::{
    DimDecl, Fact, Fn, Item, ItemKind, Name, Param, ResultDecl, TypeExpr, TypeKind, Use, UsePath,
};
use crate::syntax::text::escape;

/// Whether two items stand on neighbouring lines: two of one kind that fit a line each.
pub fn stand_together(first: &Item, second: &Item) -> bool {
    second.doc.is_empty()
        && matches!(
            (&first.kind, &second.kind),
            (ItemKind::Use(_), ItemKind::Use(_))
                | (ItemKind::Const { .. }, ItemKind::Const { .. })
                | (ItemKind::State { .. }, ItemKind::State { .. })
                | (ItemKind::Weights { .. }, ItemKind::Weights { .. })
        )
}

impl Speller {
    pub fn item(&mut self, item: &Item) {
        if !item.doc.is_empty() {
            for line in item.doc.split('\n') {
                self.push(if line.is_empty() { "///" } else { "/// " });
                self.push(line);
                self.push("\n");
            }
        }
        match &item.kind {
            ItemKind::Use(item) => self.use_item(item),
            ItemKind::Const { name, ty, value } => {
                self.push(&format!("const {}", name.text));
                self.typed(ty.as_ref());
                self.push(" = ");
                self.expr(value, 0);
            }
            ItemKind::Fn(function) => self.function("fn", function),
            ItemKind::Pipeline(function) => self.function("pipeline", function),
            ItemKind::Test { name, body } => {
                self.push(&format!("test {} ", quoted(name)));
                self.lines(&body.stmts);
            }
            ItemKind::State { name, ty, value } => {
                self.push(&format!("state {}", name.text));
                self.typed(Some(ty));
                if let Some(value) = value {
                    self.push(" = ");
                    self.expr(value, 0);
                }
            }
            ItemKind::Weights { name, ty, from } => {
                self.push(&format!("weights {}", name.text));
                self.typed(Some(ty));
                self.push(" from");
                from.iter().for_each(|text| self.push(&format!(" {}", quoted(text))));
            }
            ItemKind::Model { signature, from } => {
                self.signature("model", signature);
                self.push(&format!(" from {}", quoted(from)));
            }
            ItemKind::Struct { name, sizes, fields } => {
                self.push(&format!("struct {}", name.text));
                if !sizes.is_empty() {
                    let sizes: Vec<&str> = sizes.iter().map(|name| name.text.as_str()).collect();
                    self.push(&format!("[{}]", sizes.join(", ")));
                }
                self.push(" { ");
                self.list(fields, |speller, (name, ty)| {
                    speller.push(&name.text);
                    speller.typed(Some(ty));
                });
                self.push(" }");
            }
        }
    }

    fn use_item(&mut self, item: &Use) {
        match &item.path {
            UsePath::Std(path) => self.push(&format!("use std.{}", path.join("."))),
            UsePath::File(path) => self.push(&format!("use {}", quoted(path))),
        }
        let alias = |speller: &mut Speller, alias: &Option<Name>| {
            if let Some(alias) = alias {
                speller.push(&format!(" as {}", alias.text));
            }
        };
        alias(self, &item.alias);
        if let Some(select) = &item.select {
            self.push(" (");
            self.list(select, |speller, (name, renamed)| {
                speller.push(&name.text);
                alias(speller, renamed);
            });
            self.push(")");
        }
    }

    fn function(&mut self, word: &str, function: &Fn) {
        self.signature(word, function);
        for (index, fact) in function.facts.iter().enumerate() {
            self.push(if index == 0 { " where " } else { ", " });
            match fact {
                Fact::Constraint(variable, class) => self.push(&format!("{}: {}", variable.text, class.text)),
                Fact::Relation(expr) => self.expr(expr, 0),
            }
        }
        self.push(" ");
        self.lines(&function.body.stmts);
    }

    /// `fn name(params) -> results`.
    fn signature(&mut self, word: &str, function: &Fn) {
        self.push(&format!("{word} {}(", function.name.text));
        self.list(&function.params, |speller, Param { name, is_var, ty, default }| {
            speller.push(if *is_var { "var " } else { "" });
            speller.push(&name.text);
            speller.typed(Some(ty));
            if let Some(default) = default {
                speller.push(" = ");
                speller.expr(default, 0);
            }
        });
        self.push(")");
        match &function.results[..] {
            [] => {}
            [ResultDecl { name: None, ty }] => {
                self.push(" -> ");
                self.ty(ty);
            }
            results => {
                self.push(" -> (");
                self.list(results, |speller, ResultDecl { name, ty }| match name {
                    Some(name) => {
                        speller.push(&name.text);
                        speller.typed(Some(ty));
                    }
                    None => speller.ty(ty),
                });
                self.push(")");
            }
        }
    }

    /// `: type`, if there is one.
    pub fn typed(&mut self, ty: Option<&TypeExpr>) {
        if let Some(ty) = ty {
            self.push(": ");
            self.ty(ty);
        }
    }

    pub fn ty(&mut self, ty: &TypeExpr) {
        match &ty.kind {
            TypeKind::Name(name) => self.push(&name.text),
            TypeKind::Tensor(name, dims) => {
                self.push(&format!("{}[", name.text));
                self.list(dims, |speller, dim| match dim {
                    DimDecl::Size(size) => speller.expr(size, 0),
                    DimDecl::Bounded(name, bound) => {
                        speller.push(&format!("{} <= ", name.text));
                        speller.expr(bound, crate::syntax::parse::IS_POWER + 1);
                    }
                });
                self.push("]");
            }
            TypeKind::Fn(params, result) => {
                self.push("fn(");
                self.list(params, Speller::ty);
                self.push(") -> ");
                self.ty(result);
            }
            TypeKind::List(element, capacity) => {
                self.push(&format!("list {}[", element.text));
                self.expr(capacity, 0);
                self.push("]");
            }
            TypeKind::Error => self.push("<error>"),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escape(text.as_bytes(), '"'))
}
