//! `kcc doc`: pages of documentation for the standard library, or for a file and the files it uses.

use crate::args::{Doc, DocFormat};
use crate::compile::Source;
use crate::doc::html::Site;
use crate::doc::{Module, Part, document, examples, markdown};
use crate::files::{Files, explain};
use crate::progress::Progress;
use crate::report::{Fail, Outcome, error, fault, note, stdout};
use std::path::Path;

/// Runs the command.
pub fn run(args: &Doc, std: Option<&Path>) -> Outcome {
    let (title, modules) = match &args.file {
        None => library(std)?,
        Some(path) if path.as_os_str() == "std" && !path.exists() => library(std)?,
        Some(path) => program(path, std)?,
    };
    let mut failed = 0;
    for module in &modules {
        for item in module.items() {
            for part in &item.doc {
                if let Part::Example(_, Err(why)) = part {
                    error(&format!("{}:{}: the example of `{}` fails: {why}", module.file, item.line, item.name));
                    failed += 1;
                }
            }
        }
    }
    if args.check {
        return check(&modules, failed);
    }
    write(args, &title, &modules)?;
    if failed == 0 { Ok(()) } else { Err(Fail::Said) }
}

/// The standard library.
fn library(std: Option<&Path>) -> Outcome<(String, Vec<Module>)> {
    let files = Files::library_only(std);
    let mut uses = String::new();
    let mut texts = Vec::new();
    for (path, _) in kcc_std::modules() {
        let name = path.trim_end_matches(".k");
        let is_used = !matches!(name, "math" | "tensor");
        if is_used {
            uses += &format!("use std.{name}\n");
        }
        let text = files.module(path).map_err(|problem| fault(path, problem))?;
        texts.push((name, is_used.then(|| format!("use std.{name}")), format!("std/{path}"), text));
    }
    let mut modules = Vec::new();
    for (name, usage, file, text) in texts {
        let _progress = Progress::start(format!("reading {file}"));
        modules.push(document(name, usage, &file, &text, &|_, example| {
            examples::run(&files, "example.k", &uses, example)
        }));
    }
    // What holds nothing for users has no page.
    modules.retain(|module| module.items().next().is_some());
    Ok(("kcc standard library".to_string(), modules))
}

/// A file and those it uses, but for the library's.
fn program(path: &Path, std: Option<&Path>) -> Outcome<(String, Vec<Module>)> {
    let source = Source::open(path, std)?;
    let checked = source.check().map_err(|rejected| source.rejected(&rejected))?;
    let mut modules: Vec<Module> = Vec::new();
    for (_, file) in checked.sources.iter().filter(|(_, file)| !file.is_std) {
        let _progress = Progress::start(format!("reading {}", file.name));
        let stem = file.name.rsplit('/').next().unwrap_or("").trim_end_matches(".k");
        // Two files of one name in different folders have a page each.
        let twins = modules.iter().filter(|module| module.file.ends_with(&format!("/{stem}.k"))).count();
        let name = if twins == 0 { stem.to_string() } else { format!("{stem}-{}", twins + 1) };
        let usage = (!modules.is_empty()).then(|| format!("use \"./{}\"", file.name));
        // Examples stand in the module itself: what it holds and uses is in scope.
        let run = |_: &str, example: &str| examples::run(source.files(), &file.name, &file.text, example);
        modules.push(document(&name, usage, &source.seen(&file.name), &file.text, &run));
    }
    let title = modules.first().map_or_else(String::new, |module| module.name.clone());
    Ok((title, modules))
}

/// Lists what has no documentation; fails if hosts see it, or if an example fails.
fn check(modules: &[Module], failed: usize) -> Outcome {
    let mut public = 0;
    let mut total = 0;
    for module in modules {
        for (kind, name, line) in &module.missing {
            stdout(&format!("{}:{line}: {kind} {name}\n", module.file))?;
            public += usize::from(!matches!(*kind, "fn" | "const" | "struct"));
        }
        total += module.items().count();
    }
    let missing: usize = modules.iter().map(|module| module.missing.len()).sum();
    note(&format!("{total} items on pages, {missing} without documentation, {public} of them seen by hosts"));
    if failed + public == 0 { Ok(()) } else { Err(Fail::Said) }
}

fn write(args: &Doc, title: &str, modules: &[Module]) -> Outcome {
    let fail = |path: &Path, error: std::io::Error| fault(path.display(), explain(&error));
    std::fs::create_dir_all(&args.output).map_err(|error| fail(&args.output, error))?;
    let put = |name: &str, text: String| {
        let path = args.output.join(name);
        std::fs::write(&path, text).map_err(|error| fail(&path, error))
    };
    let index = match args.format {
        DocFormat::Html => {
            let site = Site { title, modules };
            modules.iter().try_for_each(|module| put(&format!("{}.html", module.name), site.module(module)))?;
            put("index.html", site.index())?;
            "index.html"
        }
        DocFormat::Md => {
            modules.iter().try_for_each(|module| put(&format!("{}.md", module.name), markdown::module(module)))?;
            put("README.md", markdown::index(title, modules))?;
            "README.md"
        }
    };
    let items: usize = modules.iter().map(|module| module.items().count()).sum();
    stdout(&format!("{}: {} modules, {items} items\n", args.output.join(index).display(), modules.len()))
}
