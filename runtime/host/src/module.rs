//! A loaded module: compiled code and manifest, shared by any number of instances on any number of threads.

use crate::cache::CacheUse;
use crate::engine::Engine;
use crate::error::Error;
use crate::instance::Instance;
use crate::{check, manifest};
use kcc_abi::{Manifest, Pipeline};
use std::path::Path;
use std::sync::Arc;

/// A module that can be instantiated. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    wasmtime: wasmtime::Module,
    manifest: Manifest,
    cache: CacheUse,
}

impl Module {
    /// Loads a module from its bytes: reads the manifest, compiles (or takes the code from the engine's cache), and
    /// holds the manifest against the module.
    ///
    /// # Errors
    /// [`Error::Module`], [`Error::Manifest`], [`Error::Abi`] or [`Error::Requires`] say why it is refused.
    pub fn from_bytes(engine: &Engine, wasm: &[u8]) -> Result<Module, Error> {
        let manifest = manifest::read(wasm)?;
        let compile = || {
            wasmtime::Module::from_binary(engine.wasmtime(), wasm).map_err(|error| Error::Module(format!("{error:#}")))
        };
        let (wasmtime, cache) = match engine.cache() {
            Some(cache) => cache.load(engine.wasmtime(), wasm, compile)?,
            None => (compile()?, CacheUse::Off),
        };
        check::check(&wasmtime, &manifest)?;
        Ok(Module { inner: Arc::new(Inner { engine: engine.clone(), wasmtime, manifest, cache }) })
    }

    /// Loads a module from a `.wasm` file.
    ///
    /// # Errors
    /// [`Error::Io`], or as [`Module::from_bytes`].
    pub fn from_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module, Error> {
        let path = path.as_ref();
        let wasm = std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
        Module::from_bytes(engine, &wasm)
    }

    /// A new instance with memory of its own.
    ///
    /// # Errors
    /// [`Error::Module`] if the engine cannot provide it, [`Error::Trap`] if its start function traps.
    pub fn instantiate(&self) -> Result<Instance, Error> {
        Instance::new(self)
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.inner.manifest
    }

    /// The pipelines in source order.
    pub fn pipelines(&self) -> &[Pipeline] {
        &self.inner.manifest.pipelines
    }

    /// The pipeline with this name.
    ///
    /// # Errors
    /// [`Error::NoPipeline`] names those that exist.
    pub fn pipeline(&self, name: &str) -> Result<&Pipeline, Error> {
        self.position(name).map(|position| &self.pipelines()[position])
    }

    /// What the engine's cache did for this module.
    pub fn cache_use(&self) -> &CacheUse {
        &self.inner.cache
    }

    pub(crate) fn position(&self, name: &str) -> Result<usize, Error> {
        self.pipelines().iter().position(|pipeline| pipeline.name == name).ok_or_else(|| Error::NoPipeline {
            name: name.to_string(),
            known: self.pipelines().iter().map(|pipeline| pipeline.name.clone()).collect(),
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Module {
        &self.inner.wasmtime
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.pipelines().iter().map(|pipeline| pipeline.name.as_str()).collect();
        f.debug_struct("Module").field("pipelines", &names).finish_non_exhaustive()
    }
}
