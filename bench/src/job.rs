//! A job in Wasmtime: a kcc module with its inputs, or a hand-written module that needs none.
//!
//! Assumes the names in `jobs.json`; modules are `STEM.wasm` and inputs `JOB.PARAMETER.bin` in the folder. A job's first
//! call has its inputs in place; one that copies them does so in every call.

use crate::Result;
use kcc_runtime::{Engine, Instance, Module};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A job as `jobs.json` has it. Fields that only the coordinator needs are left out.
#[derive(Deserialize)]
pub struct Spec {
    pub name: String,
    #[serde(flatten)]
    code: CodeSpec,
}

/// What a job runs.
#[derive(Deserialize)]
#[serde(untagged)]
enum CodeSpec {
    Kcc {
        source: String,
        pipeline: String,
        sizes: BTreeMap<String, u32>,
        inputs: BTreeMap<String, serde_json::Value>,
        #[serde(default)]
        copies_inputs: bool,
    },
    Wat {
        wat: String,
    },
}

/// A job that can be called.
pub enum Job {
    /// A pipeline of a kcc module.
    Kcc {
        /// The instance, with its plan made.
        instance: Box<Instance>,
        /// Which pipeline is called.
        pipeline: String,
        /// What every call copies into the module's memory.
        copied: Vec<(String, Vec<u8>)>,
    },
    /// The export `run` of a hand-written module.
    Wat {
        /// Holds the instance.
        store: wasmtime::Store<()>,
        /// The export.
        run: wasmtime::TypedFunc<(), i32>,
    },
}

impl Job {
    /// Loads the module, makes the plan, writes the inputs.
    pub fn open(spec: &Spec, folder: &Path) -> Result<Job> {
        match &spec.code {
            CodeSpec::Kcc { source, pipeline, sizes, inputs, copies_inputs } => {
                let module = Module::from_file(&Engine::new()?, module_file(folder, source))?;
                let mut instance = module.instantiate()?;
                let sizes: Vec<(&str, u32)> = sizes.iter().map(|(name, size)| (name.as_str(), *size)).collect();
                instance.plan(pipeline, &sizes)?;
                let mut copied = Vec::new();
                for name in inputs.keys() {
                    let bytes = std::fs::read(folder.join(format!("{}.{name}.bin", spec.name)))?;
                    instance.bytes_mut(pipeline, name)?.copy_from_slice(&bytes);
                    if *copies_inputs {
                        copied.push((name.clone(), bytes));
                    }
                }
                Ok(Job::Kcc { instance: Box::new(instance), pipeline: pipeline.clone(), copied })
            }
            CodeSpec::Wat { wat } => {
                let engine = wasmtime::Engine::default();
                let module = wasmtime::Module::from_file(&engine, module_file(folder, wat))?;
                let mut store = wasmtime::Store::new(&engine, ());
                let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
                let run = instance.get_typed_func(&mut store, "run")?;
                Ok(Job::Wat { store, run })
            }
        }
    }

    /// One call.
    pub fn call(&mut self) -> Result<()> {
        match self {
            Job::Kcc { instance, pipeline, copied } => {
                for (name, bytes) in copied {
                    instance.bytes_mut(pipeline, name)?.copy_from_slice(bytes);
                }
                instance.run(pipeline)?;
            }
            Job::Wat { store, run } => {
                run.call(store, ())?;
            }
        }
        Ok(())
    }

    /// The bytes of the result of the last call.
    pub fn result(&self) -> Result<Vec<u8>> {
        match self {
            Job::Kcc { instance, pipeline, .. } => Ok(instance.bytes(pipeline, "result")?.to_vec()),
            Job::Wat { .. } => Err("a hand-written module has no result".into()),
        }
    }
}

fn module_file(folder: &Path, source: &str) -> PathBuf {
    folder.join(Path::new(source).with_extension("wasm"))
}
