//! An instance: a module with its memory. Calls of `run` and views are here; planning is in `plan.rs`.

use crate::element::Element;
use crate::error::Error;
use crate::failure::describe;
use crate::memory::{cast, cast_mut, element, is_decided, range, read_i32, read_shape};
use crate::module::Module;
use crate::view::{View, ViewMut};
use kcc_abi::{Pipeline, PlanArg, Tensor, status};
use std::ops::Range;
use wasmtime::{Func, Memory, Store, StoreLimits, StoreLimitsBuilder, TypedFunc, Val};

/// A module with memory of its own. One call at a time; move it to any thread, make one per thread.
///
/// Pipelines and tensors are named as in the source; a single unnamed result is called `result`. Nothing is copied:
/// views lie in the module's memory. [`Instance::run`] does not allocate.
pub struct Instance {
    pub(crate) store: Store<StoreLimits>,
    pub(crate) module: Module,
    pub(crate) memory: Memory,
    pub(crate) states: Vec<State>,
}

/// What an instance knows about one pipeline.
pub(crate) struct State {
    pub(crate) plan: Option<Func>,
    pub(crate) run: TypedFunc<(), i32>,
    /// Arguments of the last plan; their types are those of the export.
    pub(crate) args: Vec<Val>,
    /// Whether tensors have places and sizes.
    pub(crate) planned: bool,
    /// What the memory at `generation_at` held after the last plan.
    pub(crate) generation: i32,
    /// Shape of each tensor, parameters first.
    pub(crate) shapes: Vec<Vec<u32>>,
    /// For each parameter the tensor whose memory it shares.
    pub(crate) sources: Vec<Option<Source>>,
}

/// What a parameter shares memory with.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    /// Pipeline and position of the tensor, parameters first.
    pub(crate) tensor: (usize, usize),
    /// The address that the plan gave the parameter itself.
    pub(crate) own: i32,
}

impl Instance {
    pub(crate) fn new(module: &Module) -> Result<Instance, Error> {
        let mut limits = StoreLimitsBuilder::new();
        if let Some(bytes) = module.engine().max_memory() {
            limits = limits.memory_size(bytes);
        }
        let mut store = Store::new(module.engine().wasmtime(), limits.build());
        store.limiter(|limits| limits);
        let instance = wasmtime::Instance::new(&mut store, module.wasmtime(), &[]).map_err(|error| match error
            .downcast_ref::<wasmtime::Trap>(
        ) {
            Some(trap) => Error::Trap(trap.to_string()),
            None => Error::Module(format!("{error:#}")),
        })?;
        let missing = |name: &str| Error::Manifest(format!("there is no export `{name}`"));
        let memory = instance.get_memory(&mut store, "memory").ok_or_else(|| missing("memory"))?;
        let mut states = Vec::with_capacity(module.pipelines().len());
        for pipeline in module.pipelines() {
            let plan = match &pipeline.plan {
                Some(name) => Some(instance.get_func(&mut store, name).ok_or_else(|| missing(name))?),
                None => None,
            };
            let run = instance.get_typed_func(&mut store, &pipeline.run).map_err(|_| missing(&pipeline.run))?;
            let args = pipeline.plan_args.iter().map(zero).collect();
            let tensors = pipeline.params.iter().chain(&pipeline.results);
            states.push(State {
                plan,
                run,
                args,
                planned: false,
                generation: 0,
                shapes: tensors.map(|tensor| vec![0; tensor.dims.len()]).collect(),
                sources: vec![None; pipeline.params.len()],
            });
        }
        let mut instance = Instance { store, module: module.clone(), memory, states };
        for index in 0..instance.states.len() {
            if instance.states[index].plan.is_none() {
                instance.settle(index)?;
            }
        }
        Ok(instance)
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Bytes of linear memory at present.
    pub fn memory_size(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    /// Runs a pipeline on what its parameters hold. Results are read with [`Instance::view`].
    ///
    /// # Errors
    /// [`Error::Call`] if the pipeline fails (the instance and the inputs stay usable), [`Error::NotPlanned`],
    /// [`Error::NoPipeline`], [`Error::Trap`] if the module is not one of kcc's.
    pub fn run(&mut self, pipeline: &str) -> Result<(), Error> {
        let index = self.module.position(pipeline)?;
        self.plan_if_without_arguments(index)?;
        self.ready(index)?;
        self.apply_sources(index)?;
        let result = self.states[index].run.call(&mut self.store, ());
        let outcome = self.outcome(index, result);
        self.settle_results(index, outcome.is_ok())?;
        outcome
    }

    /// [`Instance::run`] for pipelines with steps that the host runs (models, GPU): awaits those steps. A pipeline
    /// without such steps runs to its end in the first poll, on the polling thread; a server gives long ones to a thread
    /// that may block. Needs no particular executor. This version refuses modules with host steps when they are loaded.
    ///
    /// # Errors
    /// As [`Instance::run`].
    pub async fn run_async(&mut self, pipeline: &str) -> Result<(), Error> {
        self.run(pipeline)
    }

    /// A tensor in place, to read.
    ///
    /// # Errors
    /// [`Error::NoPipeline`], [`Error::NoTensor`], [`Error::ElementType`], [`Error::NotPlanned`].
    pub fn view<T: Element>(&self, pipeline: &str, tensor: &str) -> Result<View<'_, T>, Error> {
        let (index, position) = self.find(pipeline, tensor)?;
        let info = self.tensor(index, position);
        element::<T>(info)?;
        let bytes = &self.memory.data(&self.store)[self.place(index, position)?];
        Ok(View { data: cast(bytes, info)?, shape: &self.states[index].shapes[position] })
    }

    /// A tensor in place, to write: a parameter before [`Instance::run`]. (Results may be written too, without use.)
    ///
    /// # Errors
    /// As [`Instance::view`].
    pub fn view_mut<T: Element>(&mut self, pipeline: &str, tensor: &str) -> Result<ViewMut<'_, T>, Error> {
        let (index, position) = self.find(pipeline, tensor)?;
        element::<T>(self.tensor(index, position))?;
        self.plan_if_without_arguments(index)?;
        let place = self.place(index, position)?;
        let info = tensor_at(&self.module.pipelines()[index], position);
        let bytes = &mut self.memory.data_mut(&mut self.store)[place];
        Ok(ViewMut { data: cast_mut(bytes, info)?, shape: &self.states[index].shapes[position] })
    }

    /// The bytes of a tensor of any type, to read.
    ///
    /// # Errors
    /// As [`Instance::view`].
    pub fn bytes(&self, pipeline: &str, tensor: &str) -> Result<View<'_, u8>, Error> {
        let (index, position) = self.find(pipeline, tensor)?;
        let data = &self.memory.data(&self.store)[self.place(index, position)?];
        Ok(View { data, shape: &self.states[index].shapes[position] })
    }

    /// The bytes of a tensor of any type, to write.
    ///
    /// # Errors
    /// As [`Instance::view`].
    pub fn bytes_mut(&mut self, pipeline: &str, tensor: &str) -> Result<ViewMut<'_, u8>, Error> {
        let (index, position) = self.find(pipeline, tensor)?;
        self.plan_if_without_arguments(index)?;
        let place = self.place(index, position)?;
        let data = &mut self.memory.data_mut(&mut self.store)[place];
        Ok(ViewMut { data, shape: &self.states[index].shapes[position] })
    }

    /// Writes a scalar parameter. (One that reaches a size is given to the plan instead, see [`Instance::plan_with`].)
    ///
    /// # Errors
    /// As [`Instance::view`]; [`Error::Shape`] if the tensor is no scalar.
    pub fn set<T: Element>(&mut self, pipeline: &str, tensor: &str, value: T) -> Result<(), Error> {
        let view = self.view_mut::<T>(pipeline, tensor)?;
        match (view.shape, view.data) {
            ([], [element]) => {
                *element = value;
                Ok(())
            }
            (shape, _) => Err(no_scalar(pipeline, tensor, shape)),
        }
    }

    /// Reads a scalar result.
    ///
    /// # Errors
    /// As [`Instance::view`]; [`Error::Shape`] if the tensor is no scalar.
    pub fn get<T: Element>(&self, pipeline: &str, tensor: &str) -> Result<T, Error> {
        let view = self.view::<T>(pipeline, tensor)?;
        match (view.shape(), view.elements()) {
            ([], [element]) => Ok(*element),
            (shape, _) => Err(no_scalar(pipeline, tensor, shape)),
        }
    }

    /// Position of a tensor of a pipeline, parameters first.
    pub(crate) fn find(&self, pipeline: &str, tensor: &str) -> Result<(usize, usize), Error> {
        let index = self.module.position(pipeline)?;
        let info = &self.module.pipelines()[index];
        let position = info.params.iter().chain(&info.results).position(|candidate| candidate.name == tensor);
        match position {
            Some(position) => Ok((index, position)),
            None => Err(Error::NoTensor {
                pipeline: pipeline.to_string(),
                name: tensor.to_string(),
                known: info.params.iter().chain(&info.results).map(|known| known.name.clone()).collect(),
            }),
        }
    }

    pub(crate) fn tensor(&self, index: usize, position: usize) -> &Tensor {
        tensor_at(&self.module.pipelines()[index], position)
    }

    /// Where a tensor's bytes lie, inside the memory.
    pub(crate) fn place(&self, index: usize, position: usize) -> Result<Range<usize>, Error> {
        self.ready(index)?;
        // A parameter that shares another tensor's memory lies where that one lies now.
        if let Some(Some(Source { tensor: (from, source), .. })) = self.states[index].sources.get(position) {
            return self.place(*from, *source);
        }
        let data = self.memory.data(&self.store);
        range(data, self.tensor(index, position), &self.states[index].shapes[position])
    }

    /// Whether the pipeline's plan holds; the module may have moved it while it planned another pipeline.
    pub(crate) fn ready(&self, index: usize) -> Result<(), Error> {
        let pipeline = &self.module.pipelines()[index];
        let state = &self.states[index];
        let current = match pipeline.generation_at {
            Some(at) if state.planned => read_i32(self.memory.data(&self.store), at)? == state.generation,
            _ => state.planned,
        };
        if current { Ok(()) } else { Err(Error::NotPlanned { pipeline: pipeline.name.clone() }) }
    }

    /// After a plan: reads shapes, checks that every tensor lies inside the memory, notes the generation.
    pub(crate) fn settle(&mut self, index: usize) -> Result<(), Error> {
        let pipeline = &self.module.pipelines()[index];
        let data = self.memory.data(&self.store);
        let state = &mut self.states[index];
        state.planned = false;
        for (tensor, shape) in pipeline.params.iter().chain(&pipeline.results).zip(&mut state.shapes) {
            read_shape(data, tensor, &state.args, false, shape)?;
            range(data, tensor, shape)?;
        }
        if let Some(at) = pipeline.generation_at {
            state.generation = read_i32(data, at)?;
        }
        state.planned = true;
        Ok(())
    }

    /// After a run: reads the extents that the data decided. After one that failed they are 0.
    fn settle_results(&mut self, index: usize, decided: bool) -> Result<(), Error> {
        let pipeline = &self.module.pipelines()[index];
        let data = self.memory.data(&self.store);
        let state = &mut self.states[index];
        let shapes = &mut state.shapes[pipeline.params.len()..];
        for (tensor, shape) in pipeline.results.iter().zip(shapes).filter(|(tensor, _)| is_decided(tensor)) {
            read_shape(data, tensor, &state.args, decided, shape)?;
            range(data, tensor, shape)?;
        }
        Ok(())
    }

    /// From what an export returned to a result.
    pub(crate) fn outcome(&self, index: usize, result: wasmtime::Result<i32>) -> Result<(), Error> {
        match result {
            Ok(status::OK) => Ok(()),
            Ok(code) => {
                let manifest = self.module.manifest();
                Err(describe(manifest, &manifest.pipelines[index], code, self.memory.data(&self.store)))
            }
            Err(error) => Err(Error::Trap(match error.downcast_ref::<wasmtime::Trap>() {
                Some(trap) => trap.to_string(),
                None => format!("{error:#}"),
            })),
        }
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("module", &self.module).finish_non_exhaustive()
    }
}

pub(crate) fn tensor_at(pipeline: &Pipeline, position: usize) -> &Tensor {
    match position.checked_sub(pipeline.params.len()) {
        None => &pipeline.params[position],
        Some(result) => &pipeline.results[result],
    }
}

fn no_scalar(pipeline: &str, tensor: &str, shape: &[u32]) -> Error {
    Error::Shape(format!("`{tensor}` of pipeline `{pipeline}` is no scalar, its shape is {shape:?}"))
}

/// A value of the type in which an argument of `plan` is passed.
fn zero(arg: &PlanArg) -> Val {
    match arg {
        PlanArg::Size { .. } => Val::I32(0),
        PlanArg::Scalar { elem, .. } => match elem.as_str() {
            "i64" | "u64" => Val::I64(0),
            "f16" | "f32" => Val::F32(0),
            "f64" => Val::F64(0),
            _ => Val::I32(0),
        },
    }
}
