//! Runs kcc modules in Wasmtime, with tensors viewed in place.
//!
//! ```no_run
//! # fn main() -> Result<(), kcc_runtime::Error> {
//! # let (height, width, pixels) = (480u32, 640u32, vec![0u8; 480 * 640 * 4]);
//! let engine = kcc_runtime::Engine::new()?;
//! let module = kcc_runtime::Module::from_file(&engine, "pipeline.wasm")?;
//! let mut instance = module.instantiate()?;
//! instance.plan("preprocess", &[("H", height), ("W", width)])?;
//! instance.view_mut::<u8>("preprocess", "photo")?.copy_from_slice(&pixels);
//! instance.run("preprocess")?;
//! let tensor = instance.view::<f32>("preprocess", "result")?;
//! println!("{:?} {}", tensor.shape(), tensor[0]);
//! # Ok(())
//! # }
//! ```
//!
//! An [`Engine`] compiles, a [`Module`] is compiled code with its manifest (share it, it is cheap to clone and may be
//! used by all threads), an [`Instance`] is a module with memory (one per thread or per request; making one takes
//! microseconds). [`Instance::plan`] gives sizes, views give the tensors' own memory, [`Instance::run`] computes,
//! [`Instance::connect`] chains pipelines without a copy.
//!
//! **Servers.** `run` is synchronous and computes: in an async server keep a pool of instances and run each call on a
//! thread that may block (`tokio::task::spawn_blocking(move || { instance.run("p")?; Ok(instance) })`). When a pipeline has
//! steps that the host awaits (models, GPU), [`Instance::run_async`] is the same verb as a plain future.
//!
//! **Time.** See [`Options`] and the module `engine`: run time is bounded by bounding sizes. Per-step timings are not
//! offered: a pipeline without host steps is one call of the module, and a clock inside would be an import.
//!
//! **Hostile modules** and manifests give an [`Error`]; they cannot read outside their own memory. They can take time
//! without end, and memory up to [`Options::max_memory`].

#[cfg(target_endian = "big")]
compile_error!("views need a little-endian machine, as WebAssembly memory is little-endian");

mod cache;
mod check;
mod element;
mod engine;
mod error;
mod failure;
mod instance;
mod manifest;
mod memory;
mod module;
mod plan;
mod value;
mod view;

pub use cache::CacheUse;
pub use element::{Element, f16_to_f32, f32_to_f16};
pub use engine::{Engine, Options};
pub use error::{CallError, Error, Place};
pub use instance::Instance;
pub use kcc_abi as abi;
pub use module::Module;
pub use value::Value;
pub use view::{View, ViewMut};

const fn shareable<T: Send + Sync + Clone>() {}
const fn sendable<T: Send>() {}
const _: () = {
    shareable::<Engine>();
    shareable::<Module>();
    sendable::<Instance>();
    sendable::<Error>();
};
