//! How text becomes HIR: files are loaded and parsed, then everything that the root file offers is checked.

use super::Program;
use super::check::Checker;
use super::load::{ItemId, ModuleId, load};
use crate::diag::codes;
use crate::diag::{Diagnostic, Severity};
use crate::source::{Resolver, SourceMap};
use crate::syntax::ast::{self, ItemKind};
use std::collections::{BTreeMap, BTreeSet};

/// Text → HIR: loads `root` and what it uses through `resolver` (the root is asked for with an empty `from`), and
/// checks constants, pipelines, tests and functions of the root file, and whatever they call.
///
/// Diagnostics are added in the order of the source. If one is an error, the program is incomplete and must not be
/// used further.
pub fn lower(
    resolver: &dyn Resolver,
    root: &str,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Program {
    let before = diagnostics.len();
    let modules = load(resolver, root, sources, diagnostics);
    // After a syntax error the tree has holes: what is missing there would be missed everywhere else.
    let is_broken = diagnostics[before..].iter().any(|d| d.severity == Severity::Error && d.code.0 < 200);
    let Some(modules) = modules.filter(|_| !is_broken) else {
        in_order(diagnostics, before);
        return Program::default();
    };
    let mut checker = Checker::new(resolver, sources, modules);
    root_items(&mut checker);
    let Checker { program, diagnostics: mut found, .. } = checker;
    diagnostics.append(&mut found);
    in_order(diagnostics, before);
    program
}

fn root_items(checker: &mut Checker<'_>) {
    let module = ModuleId(0);
    let ast = checker.modules.get(module).ast.clone();
    let items = || ast.items.iter().enumerate().map(|(item, tree)| (ItemId { module, item }, tree));
    for (item, tree) in items() {
        match &tree.kind {
            ItemKind::Const { name, ty, value } => {
                checker.constant_item(item, name, ty.as_ref(), value, None);
            }
            ItemKind::Pipeline(function) => pipeline(checker, item, function),
            ItemKind::Test { name, body } => {
                if let Ok(id) = checker.test(item, name, body, tree.span) {
                    checker.program.tests.push((name.clone(), id));
                }
            }
            ItemKind::State { name, .. } => not_yet(checker, codes::NOT_YET_HOST, "`state`", name),
            ItemKind::Weights { name, .. } => not_yet(checker, codes::NOT_YET_HOST, "`weights`", name),
            ItemKind::Model { signature, .. } => not_yet(checker, codes::NOT_YET_HOST, "`model`", &signature.name),
            ItemKind::Struct { .. } => {
                // The diagnostics are all that is wanted.
                let _ = checker.struct_def(item);
            }
            ItemKind::Use(_) | ItemKind::Fn(_) => {}
        }
    }
    // Generic functions last: a call says more about them than the types that are tried where nothing calls them.
    for generic in [false, true] {
        for (item, tree) in items() {
            if let ItemKind::Fn(function) = &tree.kind
                && checker.type_params(module, function).is_empty() != generic
                && !checker.instances.keys().any(|key| key.item == item)
            {
                checker.uncalled(item, function);
            }
        }
    }
}

fn pipeline(checker: &mut Checker<'_>, item: ItemId, function: &ast::Fn) {
    if let Some(name) = checker.type_params(item.module, function).first() {
        let message = format!("pipeline `{}` needs concrete types, {name} is a type parameter", function.name.text);
        checker.diagnostics.push(
            Diagnostic::error(codes::UNKNOWN_TYPE, function.name.span, message)
                .note("a pipeline is called from outside: its element types are fixed"),
        );
        return;
    }
    let of_function = |param: &&ast::Param| matches!(param.ty.kind, ast::TypeKind::Fn(..));
    if let Some(param) = function.params.iter().find(of_function) {
        let message = format!("a pipeline cannot take a function (`{}`)", param.name.text);
        checker.diagnostics.push(Diagnostic::error(codes::FUNCTION_ARGUMENT, param.ty.span, message));
        return;
    }
    if let Some(param) = function.params.iter().find(|param| param.is_var) {
        let message = format!("a pipeline changes none of its parameters (`{}`)", param.name.text);
        checker.diagnostics.push(
            Diagnostic::error(codes::IN_OUT, param.name.span, message)
                .help(format!("copy it: `var work = {}`, and give it back as a result", param.name.text)),
        );
        return;
    }
    if function.results.is_empty() {
        let message = format!("pipeline `{}` has no result", function.name.text);
        checker.diagnostics.push(Diagnostic::error(codes::NO_VALUE, function.name.span, message));
        return;
    }
    if let Ok(id) = checker.instance(item, &[], Vec::new(), BTreeMap::new(), None) {
        checker.program.pipelines.push(id);
    }
}

fn not_yet(checker: &mut Checker<'_>, code: crate::diag::Code, what: &str, name: &ast::Name) {
    let message = format!("{what} is not available yet (`{}`)", name.text);
    checker.diagnostics.push(Diagnostic::error(code, name.span, message));
}

/// Sorts new diagnostics by place and drops repeats: a function that is checked for several types says things once.
fn in_order(diagnostics: &mut Vec<Diagnostic>, before: usize) {
    let mut found = diagnostics.split_off(before);
    found.sort_by_key(|d| d.labels[0].span);
    let mut seen = BTreeSet::new();
    // One place in the user's file may stand for several in std, which come second then.
    found.retain(|d| seen.insert((d.code, d.labels[0].span, d.labels.get(1).map(|label| label.span))));
    diagnostics.append(&mut found);
}
