//! Compiled code kept on disk between processes, off unless asked for.
//!
//! An entry's name is a SHA-256 over the module's bytes, the Wasmtime version and everything else that decides about
//! machine code (target, CPU features, settings). An entry holds a magic line, a SHA-256 of the code, and the code. It is
//! written under another name and renamed, so a reader sees a whole entry or none; a damaged one is compiled anew.
//! The checksum protects against accidents, not against malice: **who can write to the folder can run code**.
//! What the system can tell about ownership is examined in `cache/unix.rs`; `cache/portable.rs` is for systems where
//! nothing is known.

use crate::error::Error;
use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(any(not(unix), feature = "portable"))]
#[path = "cache/portable.rs"]
mod system;
#[cfg(all(unix, not(feature = "portable")))]
#[path = "cache/unix.rs"]
mod system;

const MAGIC: &[u8] = b"kcc compiled code 1\n";
const CHECKSUM: usize = 32;

/// What the cache did for a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheUse {
    /// The engine has no cache.
    Off,
    /// The code came from the cache.
    Hit,
    /// The code was compiled and stored.
    Stored,
    /// The code was compiled but could not be stored: why.
    NotStored(String),
}

/// The folder with the part of the key that is the same for all modules.
pub(crate) struct Cache {
    folder: PathBuf,
    engine_key: [u8; 32],
}

impl Cache {
    /// Makes the folder if it does not exist and checks that it is safe to load code from.
    pub(crate) fn open(folder: PathBuf, engine: &wasmtime::Engine) -> Result<Cache, Error> {
        system::prepare_folder(&folder)?;
        let mut hasher = Sha256Hasher(Sha256::new());
        MAGIC.hash(&mut hasher);
        std::env::consts::ARCH.hash(&mut hasher);
        std::env::consts::OS.hash(&mut hasher);
        // Wasmtime's version, target, CPU features and all settings that change code.
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Cache { folder, engine_key: hasher.0.finalize().into() })
    }

    /// The compiled module from the cache, or from `compile` and then stored.
    pub(crate) fn load(
        &self,
        engine: &wasmtime::Engine,
        wasm: &[u8],
        compile: impl FnOnce() -> Result<wasmtime::Module, Error>,
    ) -> Result<(wasmtime::Module, CacheUse), Error> {
        let path = self.entry(wasm);
        if let Some(module) = read(engine, &path) {
            return Ok((module, CacheUse::Hit));
        }
        let module = compile()?;
        let stored = module
            .serialize()
            .map_err(|error| format!("{error:#}"))
            .and_then(|code| write(&path, &code).map_err(|error| format!("{}: {error}", path.display())));
        let outcome = match stored {
            Ok(()) => CacheUse::Stored,
            Err(reason) => CacheUse::NotStored(reason),
        };
        Ok((module, outcome))
    }

    fn entry(&self, wasm: &[u8]) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(self.engine_key);
        hash.update(wasm);
        let name: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name).with_extension("kcc-code")
    }
}

/// The module in an entry; `None` if there is none, it is damaged, not ours, or Wasmtime refuses it.
fn read(engine: &wasmtime::Engine, path: &Path) -> Option<wasmtime::Module> {
    let bytes = system::read_own_file(path).ok()?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (checksum, code) = rest.split_at_checked(CHECKSUM)?;
    if Sha256::digest(code).as_slice() != checksum {
        return None;
    }
    // SAFETY: the code was written by `write` below: the folder and the file belong to this user alone (`system`),
    // the checksum shows that it is whole, and the documentation of `Options::cache` says what is trusted.
    unsafe { wasmtime::Module::deserialize(engine, code) }.ok()
}

/// Writes an entry under a name of its own and renames it.
fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    let result = system::create_own_file(&temporary).and_then(|mut file| {
        file.write_all(MAGIC)?;
        file.write_all(&Sha256::digest(code))?;
        file.write_all(code)?;
        file.sync_all()?;
        drop(file);
        std::fs::rename(&temporary, path)
    });
    if result.is_err() {
        // Best effort: the first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

/// Feeds `Hash` into SHA-256.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not used: the digest itself is taken.
    fn finish(&self) -> u64 {
        0
    }
}
