//! Planning: sizes from names or from the shapes of inputs, and tensors that share memory.
//!
//! A plan with the sizes of the last one costs a call of the module, which then does nothing, and does not allocate.

use crate::check::arg_name;
use crate::error::Error;
use crate::instance::{Instance, Source};
use crate::memory::{read_i32, write_i32};
use crate::value::Value;
use kcc_abi::{Address, DimValue, Pipeline, PlanArg};
use wasmtime::Val;

impl Instance {
    /// Gives a pipeline its sizes by name, in any order: checks them, lays out its tensors and computes what depends on
    /// sizes alone. Inputs must be written (again) after a plan with other sizes.
    ///
    /// # Errors
    /// [`Error::Shape`] if a size is missing or unknown, [`Error::Call`] if the module refuses them (beyond a bound, a
    /// fact does not hold, no memory), [`Error::Argument`] if scalars are needed too (see [`Instance::plan_with`]).
    pub fn plan(&mut self, pipeline: &str, sizes: &[(&str, u32)]) -> Result<(), Error> {
        self.plan_with(pipeline, sizes, &[])
    }

    /// [`Instance::plan`] with the scalar parameters that reach a size.
    ///
    /// # Errors
    /// As [`Instance::plan`]; [`Error::Argument`] if a scalar is missing, unknown or not of its type.
    pub fn plan_with(&mut self, pipeline: &str, sizes: &[(&str, u32)], scalars: &[(&str, Value)]) -> Result<(), Error> {
        let index = self.module.position(pipeline)?;
        let info = &self.module.pipelines()[index];
        for (position, (name, _)) in sizes.iter().enumerate() {
            let known = info.plan_args.iter().any(|arg| matches!(arg, PlanArg::Size { name: n, .. } if n == name));
            if !known {
                return Err(Error::Shape(format!(
                    "pipeline `{pipeline}` has no size `{name}`, it has {}",
                    names(info)
                )));
            }
            if sizes[..position].iter().any(|(other, _)| other == name) {
                return Err(Error::Shape(format!("size `{name}` is given twice")));
            }
        }
        let state = &mut self.states[index];
        state.planned = false;
        for (arg, slot) in info.plan_args.iter().zip(&mut state.args) {
            if let PlanArg::Size { name, .. } = arg {
                let given = sizes.iter().find(|(given, _)| given == name);
                let (_, value) = given.ok_or_else(|| {
                    Error::Shape(format!("size `{name}` of pipeline `{pipeline}` is missing, it has {}", names(info)))
                })?;
                *slot = Val::I32(size(name, u64::from(*value))?);
            }
        }
        self.take_scalars(index, scalars)?;
        self.call_plan(index)
    }

    /// Gives a pipeline its sizes by the shapes of its parameters, and its plan scalars by name. Every size must follow
    /// from some shape; shapes of parameters that are not listed are not checked.
    ///
    /// # Errors
    /// [`Error::Shape`] if a shape does not fit the parameter's type or another shape; otherwise as
    /// [`Instance::plan_with`].
    pub fn plan_shapes(
        &mut self,
        pipeline: &str,
        shapes: &[(&str, &[u32])],
        scalars: &[(&str, Value)],
    ) -> Result<(), Error> {
        let index = self.module.position(pipeline)?;
        self.states[index].planned = false;
        for arg in 0..self.states[index].args.len() {
            self.solve(index, arg, shapes)?;
        }
        self.take_scalars(index, scalars)?;
        for (name, shape) in shapes {
            let position = self.find_param(index, name)?;
            self.check_rank(index, position, shape)?;
        }
        self.call_plan(index)?;
        for (name, shape) in shapes {
            let position = self.find_param(index, name)?;
            if self.states[index].shapes[position] != *shape {
                let found = self.states[index].shapes[position].clone();
                self.states[index].planned = false;
                let declared = type_text(&self.module.pipelines()[index].params[position]);
                return Err(Error::Shape(format!(
                    "`{name}` has shape {shape:?}, but at these sizes {declared} is {found:?}"
                )));
            }
        }
        Ok(())
    }

    /// Lets a parameter use the memory of another tensor of this instance, usually a result of another pipeline, so
    /// that pipelines are chained without a copy. Both must be planned, of one element type and shape. It lasts until
    /// the parameter's pipeline is planned anew; if the other one is planned anew, its new place counts.
    ///
    /// Do not chain a pipeline's result into its own parameter unless it may overwrite what it reads.
    ///
    /// # Errors
    /// [`Error::Bind`] if the tensors do not fit each other or the parameter's address is fixed in the module.
    pub fn connect(&mut self, from: (&str, &str), to: (&str, &str)) -> Result<(), Error> {
        let (source_index, source) = self.find(from.0, from.1)?;
        let (index, position) = self.find(to.0, to.1)?;
        self.plan_if_without_arguments(index)?;
        self.plan_if_without_arguments(source_index)?;
        let bad = |reason: String| {
            Err(Error::Bind(format!("`{}` of `{}` cannot be `{}` of `{}`: {reason}", to.1, to.0, from.1, from.0)))
        };
        if position >= self.states[index].sources.len() {
            return bad(format!("`{}` is a result", to.1));
        }
        let (given, wanted) = (self.tensor(source_index, source), self.tensor(index, position));
        if given.elem != wanted.elem {
            return bad(format!("its elements are {}, not {}", given.elem, wanted.elem));
        }
        let Address::At(slot) = wanted.address else {
            return bad("its address is fixed in the module".to_string());
        };
        // Follow what the source itself shares to its end, so that no chain can become a circle.
        let (mut source_index, mut source) = (source_index, source);
        while let Some(Some(origin)) = self.states[source_index].sources.get(source) {
            (source_index, source) = origin.tensor;
        }
        if (source_index, source) == (index, position) {
            return bad("they are the same tensor".to_string());
        }
        self.ready(index)?;
        self.ready(source_index)?;
        let (given, wanted) = (&self.states[source_index].shapes[source], &self.states[index].shapes[position]);
        if given != wanted {
            return bad(format!("shape {given:?} is not {wanted:?}"));
        }
        let own = match self.states[index].sources[position] {
            Some(before) => before.own,
            None => read_i32(self.memory.data(&self.store), slot)?,
        };
        self.states[index].sources[position] = Some(Source { tensor: (source_index, source), own });
        self.apply_sources(index)
    }

    /// Writes the current places of shared tensors where the module reads its parameters' addresses.
    pub(crate) fn apply_sources(&mut self, index: usize) -> Result<(), Error> {
        for position in 0..self.states[index].sources.len() {
            let Some(Source { tensor: (source_index, source), .. }) = self.states[index].sources[position] else {
                continue;
            };
            if self.states[source_index].shapes[source] != self.states[index].shapes[position] {
                return Err(Error::Bind(format!(
                    "`{}` of `{}` shares a tensor that got another shape: plan and connect it anew",
                    self.tensor(index, position).name,
                    self.module.pipelines()[index].name
                )));
            }
            let place = self.place(source_index, source)?;
            self.write_address(index, position, place.start as i32)?;
        }
        Ok(())
    }

    /// Gives shared parameters their own memory back: a plan with the sizes of the last one would not.
    fn separate(&mut self, index: usize) -> Result<(), Error> {
        for position in 0..self.states[index].sources.len() {
            if let Some(source) = self.states[index].sources[position].take() {
                self.write_address(index, position, source.own)?;
            }
        }
        Ok(())
    }

    /// Writes the slot where the module reads the address of a parameter.
    fn write_address(&mut self, index: usize, position: usize, address: i32) -> Result<(), Error> {
        match self.tensor(index, position).address {
            Address::At(slot) => write_i32(self.memory.data_mut(&mut self.store), slot, address),
            Address::Fixed(_) => Ok(()),
        }
    }

    /// Plans a pipeline whose plan takes no arguments, if nobody did.
    pub(crate) fn plan_if_without_arguments(&mut self, index: usize) -> Result<(), Error> {
        let state = &self.states[index];
        if state.args.is_empty() && !state.planned { self.call_plan(index) } else { Ok(()) }
    }

    /// Calls the plan with the arguments in place.
    fn call_plan(&mut self, index: usize) -> Result<(), Error> {
        self.states[index].planned = false;
        self.separate(index)?;
        let state = &self.states[index];
        if let Some(plan) = state.plan {
            let mut status = [Val::I32(0)];
            let result = plan.call(&mut self.store, &state.args, &mut status);
            self.outcome(index, result.map(|()| status[0].i32().unwrap_or(-1)))?;
        }
        self.settle(index)
    }

    /// Puts scalars in their places among the arguments; every one must be given.
    fn take_scalars(&mut self, index: usize, scalars: &[(&str, Value)]) -> Result<(), Error> {
        let info = &self.module.pipelines()[index];
        for (name, _) in scalars {
            let known = info.plan_args.iter().any(|arg| matches!(arg, PlanArg::Scalar { name: n, .. } if n == name));
            if !known {
                return Err(Error::Argument(format!("`{name}` is no scalar that the plan of `{}` takes", info.name)));
            }
        }
        for (arg, slot) in info.plan_args.iter().zip(&mut self.states[index].args) {
            if let PlanArg::Scalar { name, elem } = arg {
                let given = scalars.iter().find(|(given, _)| given == name);
                let (_, value) = given.ok_or_else(|| {
                    Error::Argument(format!(
                        "scalar `{name}: {elem}` decides sizes of `{}` and must be given to its plan",
                        info.name
                    ))
                })?;
                *slot = value
                    .to_wasm(elem)
                    .ok_or_else(|| Error::Argument(format!("`{name}` cannot be {value}, its type is {elem}")))?;
            }
        }
        Ok(())
    }

    /// Finds a size from the shapes in which it occurs; all of them must agree.
    fn solve(&mut self, index: usize, arg: usize, shapes: &[(&str, &[u32])]) -> Result<(), Error> {
        let info = &self.module.pipelines()[index];
        let PlanArg::Size { name, .. } = &info.plan_args[arg] else { return Ok(()) };
        let mut found: Option<(i32, &str, usize)> = None;
        for (given, shape) in shapes {
            let Some(param) = info.params.iter().find(|param| param.name == *given) else { continue };
            for (axis, (dim, extent)) in param.dims.iter().zip(*shape).enumerate() {
                let DimValue::Arg { arg: of, scale, offset } = dim.value else { continue };
                if of != arg {
                    continue;
                }
                let scaled = i64::from(*extent).checked_sub(offset);
                let value = scaled.filter(|scaled| *scaled >= 0 && scaled % scale == 0).map(|scaled| scaled / scale);
                let value = value.ok_or_else(|| {
                    Error::Shape(format!("axis {axis} of `{given}` is {extent}, which `{}` cannot be", dim.text))
                })?;
                let value = size(name, value.unsigned_abs())?;
                match found {
                    Some((other, first, first_axis)) if other != value => {
                        return Err(Error::Shape(format!(
                            "size `{name}` is {other} by axis {first_axis} of `{first}` and {value} by axis {axis} of `{given}`"
                        )));
                    }
                    Some(_) => {}
                    None => found = Some((value, given, axis)),
                }
            }
        }
        let (value, ..) = found.ok_or_else(|| {
            Error::Shape(format!("size `{name}` of `{}` does not follow from the shapes given", info.name))
        })?;
        self.states[index].args[arg] = Val::I32(value);
        Ok(())
    }

    fn find_param(&self, index: usize, name: &str) -> Result<usize, Error> {
        let info = &self.module.pipelines()[index];
        info.params.iter().position(|param| param.name == name).ok_or_else(|| Error::NoTensor {
            pipeline: info.name.clone(),
            name: name.to_string(),
            known: info.params.iter().map(|param| param.name.clone()).collect(),
        })
    }

    /// Rank and fixed extents, before the plan is asked.
    fn check_rank(&self, index: usize, position: usize, shape: &[u32]) -> Result<(), Error> {
        let param = &self.module.pipelines()[index].params[position];
        let fits = param.dims.len() == shape.len()
            && param.dims.iter().zip(shape).all(|(dim, extent)| match dim.value {
                DimValue::Fixed(wanted) => wanted == *extent,
                DimValue::Arg { .. } | DimValue::At(_) | DimValue::Decided(_) => true,
            });
        if fits {
            return Ok(());
        }
        Err(Error::Shape(format!("`{}` has shape {shape:?}, expected {}", param.name, type_text(param))))
    }
}

/// A size as `plan` takes it.
fn size(name: &str, value: u64) -> Result<i32, Error> {
    i32::try_from(value).map_err(|_| Error::Shape(format!("size `{name}` cannot be {value}, at most {}", i32::MAX)))
}

/// Names of a pipeline's sizes for a message.
fn names(info: &Pipeline) -> String {
    let names: Vec<&str> = info
        .plan_args
        .iter()
        .filter(|arg| matches!(arg, PlanArg::Size { .. }))
        .map(|arg| arg_name(arg).as_str())
        .collect();
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}

/// A tensor's type as written: `u8[H, W, 4]`.
pub(crate) fn type_text(tensor: &kcc_abi::Tensor) -> String {
    let dims: Vec<&str> = tensor.dims.iter().map(|dim| dim.text.as_str()).collect();
    if dims.is_empty() { tensor.elem.clone() } else { format!("{}[{}]", tensor.elem, dims.join(", ")) }
}
