//! The module graph: loads and parses the root file and, through the [`Resolver`], every file it uses.
//!
//! Guarantees: each file is loaded once, `use` has no cycles, and the names that a module brings into scope are
//! known ([`Module::items`], [`Module::uses`]). `math` and `tensor` of std are loaded if they exist, and are in scope
//! everywhere. What could not be loaded gave a diagnostic, and its name is poisoned so that uses of it stay silent.

use super::scope::did_you_mean;
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::source::{Resolver, SourceMap, Span};
use crate::syntax::ast::{self, ItemKind, UsePath};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The number of a module, in order of loading; the root is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleId(pub usize);

/// An item of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ItemId {
    /// The module.
    pub module: ModuleId,
    /// Position in its file.
    pub item: usize,
}

/// What a name brought in by `use` means.
#[derive(Clone, Copy, Debug)]
pub enum Used {
    /// A module.
    Module(ModuleId),
    /// An item of another module.
    Item(ItemId),
    /// It could not be loaded or found; a diagnostic was given.
    Poison,
}

/// One file.
#[derive(Debug)]
pub struct Module {
    /// Short name for messages: `nn`.
    pub name: String,
    /// Its canonical name, from which relative paths are resolved.
    pub path: String,
    /// Whether it is part of std.
    pub is_std: bool,
    /// Its tree.
    pub ast: Rc<ast::File>,
    /// Its named items.
    pub items: BTreeMap<String, usize>,
    /// Names that `use` brings into scope.
    pub uses: BTreeMap<String, Used>,
}

impl Module {
    /// The names of its items that other files see.
    pub fn public_names(&self) -> impl Iterator<Item = &str> {
        self.items.keys().map(String::as_str).filter(|name| !is_private(name))
    }
}

/// Whether an item with this name is seen only in its own file.
pub fn is_private(name: &str) -> bool {
    name.starts_with('_')
}

/// Complains about the use of another file's private item.
pub fn private(name: &ast::Name, module: &str, defined: Option<&ast::Name>) -> Diagnostic {
    let message = format!("`{}` is private to the module `{module}`", name.text);
    let mut diagnostic = Diagnostic::error(codes::NOT_IN_MODULE, name.span, message)
        .note("items whose names begin with `_` are seen only in their own file");
    if let Some(defined) = defined {
        diagnostic = diagnostic.label(defined.span, "defined here");
    }
    diagnostic
}

/// All modules of one compilation.
#[derive(Debug, Default)]
pub struct Modules {
    /// In order of loading.
    pub all: Vec<Module>,
    /// `math` and `tensor`, as far as they exist.
    pub prelude: Vec<ModuleId>,
}

impl Modules {
    /// The module with this number.
    pub fn get(&self, id: ModuleId) -> &Module {
        &self.all[id.0]
    }

    /// The item's tree.
    pub fn item(&self, id: ItemId) -> &ast::Item {
        &self.all[id.module.0].ast.items[id.item]
    }

    /// The item with this name in a module.
    pub fn find(&self, module: ModuleId, name: &str) -> Option<ItemId> {
        self.get(module).items.get(name).map(|&item| ItemId { module, item })
    }
}

/// The name that an item defines, with its place.
pub fn item_name(item: &ast::Item) -> Option<&ast::Name> {
    match &item.kind {
        ItemKind::Use(_) | ItemKind::Test { .. } => None,
        ItemKind::Const { name, .. }
        | ItemKind::State { name, .. }
        | ItemKind::Weights { name, .. }
        | ItemKind::Struct { name, .. } => Some(name),
        ItemKind::Fn(function) | ItemKind::Pipeline(function) => Some(&function.name),
        ItemKind::Model { signature, .. } => Some(&signature.name),
    }
}

struct Loader<'a> {
    resolver: &'a dyn Resolver,
    sources: &'a mut SourceMap,
    diagnostics: &'a mut Vec<Diagnostic>,
    modules: Modules,
    /// Canonical names of loaded files; `None` while a file's own `use` items are being followed.
    loaded: BTreeMap<String, Option<ModuleId>>,
    /// The files whose `use` items are being followed, with the place of the `use` that led on.
    path: Vec<(String, Span)>,
}

/// Loads the root file and all it uses. `None` if the root itself could not be read.
pub fn load(
    resolver: &dyn Resolver,
    root: &str,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Modules> {
    let mut loader = Loader {
        resolver,
        sources,
        diagnostics,
        modules: Modules::default(),
        loaded: BTreeMap::new(),
        path: Vec::new(),
    };
    let resolved = match resolver.source("", root) {
        Ok(resolved) => resolved,
        Err(why) => {
            let file = loader.sources.add(root, "", false);
            let span = Span { file, start: 0, end: 0 };
            loader.diagnostics.push(Diagnostic::error(codes::NO_SUCH_FILE, span, format!("cannot read {root}: {why}")));
            return None;
        }
    };
    loader.module(resolved, stem(root));
    for name in ["math", "tensor"] {
        let loaded = resolver.source("", &format!("std/{name}.k")).ok();
        if let Some(Ok(id)) = loaded.map(|resolved| loader.follow(resolved, name.to_string())) {
            loader.modules.prelude.push(id);
        }
    }
    Some(loader.modules)
}

/// The last part of a path without its ending.
fn stem(path: &str) -> String {
    let last = path.rsplit(['/', '\\']).next().unwrap_or(path);
    last.strip_suffix(".k").unwrap_or(last).to_string()
}

impl Loader<'_> {
    /// The module of a resolved file: the one loaded before, or a new one. `Err` holds the cycle that it would close.
    fn follow(&mut self, resolved: crate::source::Resolved, name: String) -> Result<ModuleId, String> {
        match self.loaded.get(&resolved.name) {
            Some(Some(id)) => Ok(*id),
            Some(None) => Err(resolved.name),
            None => Ok(self.module(resolved, name)),
        }
    }

    fn module(&mut self, resolved: crate::source::Resolved, name: String) -> ModuleId {
        let file = self.sources.add(resolved.name.clone(), &resolved.text, resolved.is_std);
        let (ast, mut problems) = crate::syntax::parse::parse(&self.sources.file(file).text, file);
        self.diagnostics.append(&mut problems);
        let ast = Rc::new(ast);
        let id = ModuleId(self.modules.all.len());
        self.modules.all.push(Module {
            name,
            path: resolved.name.clone(),
            is_std: resolved.is_std,
            ast: ast.clone(),
            items: BTreeMap::new(),
            uses: BTreeMap::new(),
        });
        self.loaded.insert(resolved.name.clone(), None);
        let mut places: BTreeMap<String, Span> = BTreeMap::new();
        for (position, item) in ast.items.iter().enumerate() {
            let Some(name) = item_name(item) else { continue };
            if self.declare(&mut places, name) {
                self.modules.all[id.0].items.insert(name.text.clone(), position);
            }
        }
        for item in &ast.items {
            if let ItemKind::Use(item) = &item.kind {
                self.follow_use(id, item, &resolved.name, &mut places);
            }
        }
        self.loaded.insert(resolved.name, Some(id));
        id
    }

    /// Notes that a name is taken in a file; complains if it was.
    fn declare(&mut self, places: &mut BTreeMap<String, Span>, name: &ast::Name) -> bool {
        if let Some(&first) = places.get(&name.text) {
            self.diagnostics.push(
                Diagnostic::error(codes::DUPLICATE_NAME, name.span, format!("`{}` is defined twice", name.text))
                    .at("defined again here")
                    .label(first, "first defined here"),
            );
            return false;
        }
        places.insert(name.text.clone(), name.span);
        true
    }

    fn follow_use(&mut self, user: ModuleId, item: &ast::Use, from: &str, places: &mut BTreeMap<String, Span>) {
        let (path, own_name) = match &item.path {
            UsePath::Std(parts) => (format!("std/{}.k", parts.join("/")), parts.last().cloned().unwrap_or_default()),
            UsePath::File(path) => (path.clone(), stem(path)),
        };
        let asked_from = if matches!(item.path, UsePath::Std(_)) { "" } else { from };
        let module = match self.resolver.source(asked_from, &path) {
            Ok(resolved) => {
                self.path.push((from.to_string(), item.path_span));
                let module = self.follow(resolved, own_name.clone());
                if let Err(name) = &module {
                    self.report_cycle(name, item.path_span);
                }
                self.path.pop();
                module.ok()
            }
            Err(why) => {
                let what = match &item.path {
                    UsePath::Std(parts) => format!("there is no std module `{}`: {why}", parts.join(".")),
                    UsePath::File(path) => format!("cannot use \"{path}\": {why}"),
                };
                self.diagnostics.push(Diagnostic::error(codes::NO_SUCH_MODULE, item.path_span, what));
                None
            }
        };
        match &item.select {
            None => {
                let name = item.alias.clone().unwrap_or(ast::Name { text: own_name, span: item.path_span });
                if self.declare(places, &name) {
                    let used = module.map_or(Used::Poison, Used::Module);
                    self.modules.all[user.0].uses.insert(name.text, used);
                }
            }
            Some(select) => {
                for (name, alias) in select {
                    let used = match module {
                        None => Used::Poison,
                        Some(module) => self.select(module, name),
                    };
                    let local = alias.as_ref().unwrap_or(name);
                    if self.declare(places, local) {
                        self.modules.all[user.0].uses.insert(local.text.clone(), used);
                    }
                }
            }
        }
    }

    fn select(&mut self, module: ModuleId, name: &ast::Name) -> Used {
        if let Some(item) = self.modules.find(module, &name.text) {
            if is_private(&name.text) {
                let own = &self.modules.get(module).name;
                self.diagnostics.push(private(name, own, item_name(self.modules.item(item))));
                return Used::Poison;
            }
            return Used::Item(item);
        }
        let known = self.modules.get(module);
        let mut diagnostic = Diagnostic::error(
            codes::NOT_IN_MODULE,
            name.span,
            format!("module `{}` has no item `{}`", known.name, name.text),
        );
        if let Some(near) = did_you_mean(&name.text, known.public_names()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.diagnostics.push(diagnostic);
        Used::Poison
    }

    fn report_cycle(&mut self, name: &str, span: Span) {
        let start = self.path.iter().position(|(file, _)| file == name).unwrap_or(0);
        let mut diagnostic = Diagnostic::error(codes::CYCLIC_USE, span, "files use each other in a circle")
            .at(format!("this leads back to {name}"));
        for (file, place) in &self.path[start..] {
            if *place != span {
                diagnostic = diagnostic.label(*place, format!("{file} goes on here"));
            }
        }
        self.diagnostics.push(diagnostic.help("move what both need into a third file"));
    }
}
