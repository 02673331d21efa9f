//! The engine: Wasmtime configured for kernels, and what an embedder decides.
//!
//! Neither fuel nor epochs are offered: either makes every vector accumulator go through the stack in each iteration
//! of a loop, which costs a factor of two to three. A module made by kcc always ends, in time bounded by its
//! sizes, so bound the sizes (`where H <= 8192`, or the host's own limits before `plan`). For modules that you do not
//! trust run the instance in a process or a thread that you can abandon.

use crate::cache::Cache;
use crate::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// What an embedder decides about an [`Engine`].
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Folder in which compiled code is kept between processes; `None` (the default) keeps none.
    ///
    /// **Who can write to this folder can run code in this process.** It is created with access for its owner only;
    /// on Unix a folder that belongs to someone else or that others may write to or read is refused. Elsewhere the system's
    /// access rules are not examined: choose a folder inside the user's profile. Nothing is ever removed from it.
    pub cache: Option<PathBuf>,
    /// Most bytes that one instance's linear memory may have, whatever its module declares.
    pub max_memory: Option<usize>,
}

/// Compiles modules. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    wasmtime: wasmtime::Engine,
    cache: Option<Cache>,
    max_memory: Option<usize>,
}

impl Engine {
    /// An engine with default options: no cache, no limit of memory beyond the modules' own.
    ///
    /// # Errors
    /// [`Error::Module`] if Wasmtime does not support this machine.
    pub fn new() -> Result<Engine, Error> {
        Engine::with(Options::default())
    }

    /// An engine with these options.
    ///
    /// # Errors
    /// As [`Engine::new`]; [`Error::Io`] or [`Error::CacheFolder`] if the cache's folder cannot be made or is not private.
    pub fn with(options: Options) -> Result<Engine, Error> {
        let mut config = wasmtime::Config::new();
        config.wasm_relaxed_simd(false);
        let wasmtime =
            wasmtime::Engine::new(&config).map_err(|error| Error::Module(format!("no engine: {error:#}")))?;
        let cache = options.cache.map(|folder| Cache::open(folder, &wasmtime)).transpose()?;
        Ok(Engine { inner: Arc::new(Inner { wasmtime, cache, max_memory: options.max_memory }) })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner.wasmtime
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.inner.cache.as_ref()
    }

    pub(crate) fn max_memory(&self) -> Option<usize> {
        self.inner.max_memory
    }
}
