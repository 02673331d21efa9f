//! Documentation of modules as data: what `kcc doc` shows, independent of the format.
//!
//! What has a `///` comment is documented, and so is what hosts see (pipelines, weights, models, states), with a comment
//! or without. A module's introduction is the `//` comment at its top; a comment `// ---- Title` begins a section.

pub mod examples;
pub mod html;
pub mod markdown;

use kcc_compiler::source::FileId;
use kcc_compiler::syntax::ast::{DimDecl, Expr, ExprKind, Fact, Fn, Item as Node, ItemKind, TypeExpr, TypeKind};
use kcc_compiler::syntax::format::format;
use kcc_compiler::syntax::parse;

/// A module.
pub struct Module {
    /// As it is written before a dot: `nn`.
    pub name: String,
    /// How it is used: `use std.nn`, if it must be.
    pub usage: Option<String>,
    /// Its file as messages name it: `std/nn.k`.
    pub file: String,
    /// Its introduction, as Markdown.
    pub intro: String,
    /// What it holds, in order.
    pub sections: Vec<Section>,
    /// Kind, name and line of what has no documentation.
    pub missing: Vec<(&'static str, String, usize)>,
}

/// Items under a title.
pub struct Section {
    /// Empty before the first title.
    pub title: String,
    /// In order.
    pub items: Vec<Item>,
}

/// A documented item.
pub struct Item {
    /// `fn`, `pipeline`, `const` …
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its head, in the one style.
    pub signature: String,
    /// What the signature asks for, in words, as Markdown.
    pub facts: Vec<String>,
    /// Its documentation.
    pub doc: Vec<Part>,
    /// Where it begins, from 1.
    pub line: usize,
}

/// A part of an item's documentation.
pub enum Part {
    /// Markdown.
    Text(String),
    /// A `k` block, and what came of running it.
    Example(String, Result<(), String>),
}

impl Module {
    /// All items.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|section| &section.items)
    }

    /// The first paragraph of the introduction.
    pub fn summary(&self) -> &str {
        self.intro.split("\n\n").next().unwrap_or("")
    }
}

/// A module's text, which parses → its documentation. `run` runs an example of the item with this name.
pub fn document(
    name: &str,
    usage: Option<String>,
    file: &str,
    text: &str,
    run: &dyn std::ops::Fn(&str, &str) -> Result<(), String>,
) -> Module {
    let (nodes, _) = parse(text, FileId(0));
    // The same items in one style, to take the signatures from.
    let styled = format(text, FileId(0)).unwrap_or_else(|_| text.to_string());
    let (styled_nodes, _) = parse(&styled, FileId(0));
    let mut module = Module {
        name: name.to_string(),
        usage,
        file: file.to_string(),
        intro: introduction(text),
        sections: vec![Section { title: String::new(), items: Vec::new() }],
        missing: Vec::new(),
    };
    let mut at = 0;
    for (node, styled_node) in nodes.items.iter().zip(&styled_nodes.items) {
        let start = node.span.start as usize;
        for title in text[at..start].lines().filter_map(|line| line.strip_prefix("// ---- ")) {
            module.sections.push(Section { title: title.trim().to_string(), items: Vec::new() });
        }
        at = node.span.end as usize;
        let Some((kind, name, is_public)) = head(&node.kind) else { continue };
        let line = text[..start].matches('\n').count() + 1;
        if node.doc.is_empty() {
            module.missing.push((kind, name.to_string(), line));
        }
        if !node.doc.is_empty() || is_public {
            let item = Item {
                kind,
                name: name.to_string(),
                signature: signature(styled_node, &styled),
                facts: function(&node.kind).map_or(Vec::new(), |function| facts(function, text)),
                doc: parts(&node.doc, |example| run(name, example)),
                line,
            };
            module.sections.last_mut().expect("one without a title is always there").items.push(item);
        }
    }
    module.sections.retain(|section| !section.items.is_empty());
    module
}

/// The comment at the top of a file, as Markdown.
fn introduction(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with("//") && !line.starts_with("///"));
    let lines: Vec<&str> = lines.map(|line| line[2..].trim()).collect();
    if lines.first().is_some_and(|line| line.starts_with("----")) { String::new() } else { lines.join("\n") }
}

/// Kind and name of an item, and whether hosts see it; `None` for what is never documented.
fn head(kind: &ItemKind) -> Option<(&'static str, &str, bool)> {
    Some(match kind {
        ItemKind::Use(_) | ItemKind::Test { .. } => return None,
        ItemKind::Const { name, .. } => ("const", &name.text, false),
        ItemKind::Fn(function) => ("fn", &function.name.text, false),
        ItemKind::Struct { name, .. } => ("struct", &name.text, false),
        ItemKind::Pipeline(function) => ("pipeline", &function.name.text, true),
        ItemKind::State { name, .. } => ("state", &name.text, true),
        ItemKind::Weights { name, .. } => ("weights", &name.text, true),
        ItemKind::Model { signature, .. } => ("model", &signature.name.text, true),
    })
}

fn function(kind: &ItemKind) -> Option<&Fn> {
    match kind {
        ItemKind::Fn(function) | ItemKind::Pipeline(function) | ItemKind::Model { signature: function, .. } => {
            Some(function)
        }
        _ => None,
    }
}

/// An item without its body; a long value of a constant is left out.
fn signature(item: &Node, text: &str) -> String {
    let whole = &text[item.span.start as usize..item.span.end as usize];
    match &item.kind {
        ItemKind::Fn(function) | ItemKind::Pipeline(function) => {
            text[item.span.start as usize..function.body.span.start as usize].trim_end().to_string()
        }
        ItemKind::Const { value, .. } if whole.contains('\n') => {
            format!("{} …", text[item.span.start as usize..value.span.start as usize].trim_end())
        }
        _ => whole.to_string(),
    }
}

/// Where sizes come from, and what must hold of types and sizes.
fn facts(function: &Fn, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut known: Vec<&str> = function.params.iter().map(|param| param.name.text.as_str()).collect();
    for param in &function.params {
        let mut own = Vec::new();
        size_names(&param.ty, &mut own);
        own.retain(|name| !known.contains(name));
        own.dedup();
        if !own.is_empty() {
            let names: Vec<String> = own.iter().map(|name| format!("`{name}`")).collect();
            let verb = if own.len() == 1 { "is a size" } else { "are sizes" };
            out.push(format!("{} {verb} of `{}`", names.join(", "), param.name.text));
            known.append(&mut own);
        }
    }
    for fact in &function.facts {
        out.push(match fact {
            Fact::Constraint(name, class) => format!("`{}` is any {} type", name.text, class.text),
            Fact::Relation(relation) => {
                format!("`{}` must hold", &text[relation.span.start as usize..relation.span.end as usize])
            }
        });
    }
    out
}

/// Names that stand in the extents of a type, in order.
fn size_names<'a>(ty: &'a TypeExpr, out: &mut Vec<&'a str>) {
    fn expr<'a>(size: &'a Expr, out: &mut Vec<&'a str>) {
        match &size.kind {
            ExprKind::Name(name) if !out.contains(&name.text.as_str()) => out.push(&name.text),
            ExprKind::Binary(_, left, right) => {
                expr(left, out);
                expr(right, out);
            }
            ExprKind::Unary(_, operand) => expr(operand, out),
            _ => {}
        }
    }
    if let TypeKind::Tensor(_, dims) = &ty.kind {
        for dim in dims {
            match dim {
                DimDecl::Size(size) => expr(size, out),
                DimDecl::Bounded(name, _) => out.push(&name.text),
            }
        }
    }
}

/// A doc comment → Markdown and examples.
fn parts(doc: &str, run: impl std::ops::Fn(&str) -> Result<(), String>) -> Vec<Part> {
    let mut out = Vec::new();
    let mut text = String::new();
    let mut example: Option<String> = None;
    for line in doc.lines() {
        match example.as_mut() {
            None if line == "```k" => {
                out.push(Part::Text(std::mem::take(&mut text)));
                example = Some(String::new());
            }
            None => text += &format!("{line}\n"),
            Some(code) if line == "```" => {
                let outcome = run(code);
                out.push(Part::Example(std::mem::take(code), outcome));
                example = None;
            }
            Some(code) => *code += &format!("{line}\n"),
        }
    }
    // A block that is not closed is text.
    text += &example.unwrap_or_default();
    out.push(Part::Text(text));
    out.retain(|part| !matches!(part, Part::Text(text) if text.trim().is_empty()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// A module.
// Of two lines.
//
// More.

// ---- First

/// Twice.
///
/// ```k
/// assert twice(2) == 4
/// ```
fn twice( x:T[N] )->T[N] where T: number { 2*x }

fn helper() { }

// ---- Second

pipeline p(x: f32[H, W]) -> f32[H, W] where H <= 9 { x }
const TABLE = [1,2]
";

    #[test]
    fn modules_are_taken_apart() {
        let run =
            |name: &str, code: &str| if code == "assert twice(2) == 4\n" { Ok(()) } else { Err(name.to_string()) };
        let module = document("m", None, "m.k", TEXT, &run);
        assert_eq!(module.summary(), "A module.\nOf two lines.");
        let titles: Vec<&str> = module.sections.iter().map(|section| section.title.as_str()).collect();
        assert_eq!(titles, ["First", "Second"]);
        let items: Vec<_> = module.items().map(|item| (item.kind, item.name.as_str(), item.line)).collect();
        assert_eq!(items, [("fn", "twice", 13), ("pipeline", "p", 19)]);
        let twice = module.items().next().expect("an item");
        assert_eq!(twice.signature, "fn twice(x: T[N]) -> T[N] where T: number");
        assert_eq!(twice.facts, ["`N` is a size of `x`", "`T` is any number type"]);
        assert!(matches!(&twice.doc[..], [Part::Text(_), Part::Example(_, Ok(()))]));
        let missing: Vec<_> = module.missing.iter().map(|(kind, name, line)| (*kind, name.as_str(), *line)).collect();
        assert_eq!(missing, [("fn", "helper", 15), ("pipeline", "p", 19), ("const", "TABLE", 20)]);
    }
}
