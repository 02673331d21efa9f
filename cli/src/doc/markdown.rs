//! Documentation as Markdown, for repositories and editors.

use super::{Item, Module, Part};
use std::fmt::Write;

/// The page of a module.
pub fn module(module: &Module) -> String {
    let mut out = format!("# {}\n\n", module.name);
    if let Some(usage) = &module.usage {
        let _ = writeln!(out, "```k\n{usage}\n```\n");
    }
    if !module.intro.is_empty() {
        let _ = writeln!(out, "{}\n", module.intro);
    }
    for section in &module.sections {
        if !section.title.is_empty() {
            let _ = writeln!(out, "## {}\n", section.title);
        }
        section.items.iter().for_each(|one| item(one, &module.file, &mut out));
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

fn item(item: &Item, file: &str, out: &mut String) {
    let _ = writeln!(out, "### {}\n\n```k\n{}\n```\n", item.name, item.signature);
    for part in &item.doc {
        let _ = match part {
            Part::Text(text) => writeln!(out, "{}\n", text.trim_end()),
            Part::Example(code, Ok(())) => writeln!(out, "Example (it passes):\n\n```k\n{code}```\n"),
            Part::Example(code, Err(why)) => writeln!(out, "Example (it **fails**: {why}):\n\n```k\n{code}```\n"),
        };
    }
    for fact in &item.facts {
        let _ = writeln!(out, "- {fact}");
    }
    let _ = writeln!(out, "{}*{file}:{}*\n", if item.facts.is_empty() { "" } else { "\n" }, item.line);
}

/// The page that leads to the modules.
pub fn index(title: &str, modules: &[Module]) -> String {
    let mut out = format!("# {title}\n");
    for module in modules {
        let _ = writeln!(out, "\n## [{0}]({0}.md)\n", module.name);
        if !module.summary().is_empty() {
            let _ = writeln!(out, "{}\n", module.summary());
        }
        let links: Vec<String> = module
            .items()
            .map(|item| format!("[{0}]({1}.md#{2})", item.name, module.name, item.name.to_lowercase()))
            .collect();
        let _ = writeln!(out, "{}", links.join(", "));
    }
    out
}
