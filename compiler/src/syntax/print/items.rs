//! Printing of items and types.

use super::{Printer, WIDTH};
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

impl Printer {
    pub fn item(&mut self, item: &Item) {
        if !item.doc.is_empty() {
            for line in item.doc.split('\n') {
                self.push(if line.is_empty() { "///" } else { "/// " });
                self.push(line);
                self.line();
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
                self.list(fields, |printer, (name, ty)| {
                    printer.push(&name.text);
                    printer.typed(Some(ty));
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
        let alias = |printer: &mut Printer, alias: &Option<Name>| {
            if let Some(alias) = alias {
                printer.push(&format!(" as {}", alias.text));
            }
        };
        alias(self, &item.alias);
        if let Some(select) = &item.select {
            self.push(" (");
            self.list(select, |printer, (name, renamed)| {
                printer.push(&name.text);
                alias(printer, renamed);
            });
            self.push(")");
        }
    }

    fn function(&mut self, word: &str, function: &Fn) {
        self.signature(word, function);
        let print = |printer: &mut Printer| {
            for (index, fact) in function.facts.iter().enumerate() {
                printer.push(if index == 0 { "where " } else { ", " });
                match fact {
                    Fact::Constraint(variable, class) => printer.push(&format!("{}: {}", variable.text, class.text)),
                    Fact::Relation(expr) => printer.expr(expr, 0),
                }
            }
        };
        if !function.facts.is_empty() {
            self.push(" ");
            let space = WIDTH.saturating_sub(self.column());
            if !self.try_flat(space, print) {
                self.out.pop();
                self.indent += 1;
                self.line();
                print(self);
                self.indent -= 1;
            }
        }
        self.push(" ");
        self.lines(&function.body.stmts);
    }

    /// `fn name(params) -> results`.
    fn signature(&mut self, word: &str, function: &Fn) {
        self.push(&format!("{word} {}(", function.name.text));
        self.list(&function.params, |printer, Param { name, is_var, ty, default }| {
            printer.push(if *is_var { "var " } else { "" });
            printer.push(&name.text);
            printer.typed(Some(ty));
            if let Some(default) = default {
                printer.push(" = ");
                printer.expr(default, 0);
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
                self.list(results, |printer, ResultDecl { name, ty }| match name {
                    Some(name) => {
                        printer.push(&name.text);
                        printer.typed(Some(ty));
                    }
                    None => printer.ty(ty),
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
                self.list(dims, |printer, dim| match dim {
                    DimDecl::Size(size) => printer.expr(size, 0),
                    DimDecl::Bounded(name, bound) => {
                        printer.push(&format!("{} <= ", name.text));
                        printer.expr(bound, crate::syntax::parse::IS_POWER + 1);
                    }
                });
                self.push("]");
            }
            TypeKind::Fn(params, result) => {
                self.push("fn(");
                self.list(params, Printer::ty);
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
