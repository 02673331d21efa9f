//! The reference evaluator: runs Tensor IR as it is, fused or not. It defines what a program means, computes
//! constants at build time and is the oracle of the tests.
//!
//! Each statement is compiled to bytecode for the sizes at hand (`compile.rs`, `reduce.rs`, `statement.rs`, with
//! `analysis.rs` telling what may move where) and run (`machine.rs`). Guarantees: an invalid input or program gives an
//! error, never a panic; the work is bounded by the step budget and the memory by what a module can address; NaNs in
//! results are the canonical quiet NaN, so results are the same bits on every machine.

mod analysis;
mod code;
mod compile;
mod error;
pub(crate) mod inputs;
mod machine;
mod reduce;
mod statement;
#[cfg(test)]
pub(crate) mod tests;

pub use error::{EvalError, message};

use super::{Binding, ConstData, Pipeline, Program, Region, Stmt, TensorId, TensorKind};
use crate::size::SizeNames;
use crate::size::eval::SizeValues;
use crate::types::{Const, Scalar};
use analysis::Analysis;
use compile::Compiler;
use machine::Stop;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A tensor's contents.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorValue {
    /// Element type.
    pub elem: Scalar,
    /// Extents.
    pub dims: Vec<i64>,
    /// Elements in row-major order, little-endian as in memory.
    pub bytes: Vec<u8>,
}

/// Runs a pipeline of a program on inputs in the order of its parameters; gives its results in order. Statements run by
/// binding time, then in program order, as in a module. `budget` bounds the number of executed instructions, roughly.
///
/// # Errors
/// See [`EvalError`].
pub fn run(
    program: &Program,
    pipeline: usize,
    inputs: &[TensorValue],
    budget: u64,
) -> Result<Vec<TensorValue>, EvalError> {
    run_pipeline(&program.pipelines[pipeline], &program.consts, &program.names, inputs, budget)
}

/// Runs a pipeline that need not stand in a program yet: see [`run`].
///
/// # Errors
/// See [`EvalError`].
pub fn run_pipeline(
    pipeline: &Pipeline,
    consts: &[ConstData],
    names: &SizeNames,
    inputs: &[TensorValue],
    budget: u64,
) -> Result<Vec<TensorValue>, EvalError> {
    let values = inputs::solve(pipeline, names, inputs)?;
    inputs::check(pipeline, names, &values)?;
    let mut run = Run::new(pipeline, consts, names, inputs, values, budget);
    for binding in [Binding::Build, Binding::Bind, Binding::Plan, Binding::Call] {
        run.region(&pipeline.body, binding)?;
    }
    pipeline.results.iter().map(|(_, tensor)| run.value(*tensor)).collect()
}

/// Runs only the statements of a pipeline that belong to build time and gives the tensors they wrote, in order.
///
/// # Errors
/// See [`EvalError`].
pub fn run_build(
    pipeline: &Pipeline,
    consts: &[ConstData],
    names: &SizeNames,
    budget: u64,
) -> Result<Vec<(TensorId, TensorValue)>, EvalError> {
    let mut run = Run::new(pipeline, consts, names, &[], SizeValues::default(), budget);
    run.region(&pipeline.body, Binding::Build)?;
    let mut written = Vec::new();
    for stmt in pipeline.body.stmts.iter().filter(|stmt| stmt.binding() == Binding::Build) {
        // What stages inside other statements wrote, nobody else reads.
        let is_read = |tensor: &TensorId| {
            matches!(stmt, Stmt::Stage(_) | Stmt::Alias { .. }) || pipeline.tensors[*tensor].kind == TensorKind::Var
        };
        for tensor in stmt.writes().into_iter().filter(is_read) {
            if !written.contains(&tensor) {
                written.push(tensor);
            }
        }
    }
    written.into_iter().map(|tensor| Ok((tensor, run.value(tensor)?))).collect()
}

/// A pipeline while it runs.
struct Run<'a> {
    pipeline: &'a Pipeline,
    names: &'a SizeNames,
    values: SizeValues,
    analysis: Analysis<'a>,
    /// Contents, by number in `place`.
    contents: Vec<Cow<'a, [u8]>>,
    /// Where the contents of a tensor are, once they are known; aliases share.
    place: BTreeMap<TensorId, usize>,
    budget: u64,
}

impl<'a> Run<'a> {
    fn new(
        pipeline: &'a Pipeline,
        consts: &'a [ConstData],
        names: &'a SizeNames,
        inputs: &'a [TensorValue],
        values: SizeValues,
        budget: u64,
    ) -> Self {
        let mut contents = Vec::new();
        let mut place = BTreeMap::new();
        for (id, tensor) in pipeline.tensors.iter() {
            let bytes = match tensor.kind {
                TensorKind::Param(number) => inputs.get(number).map(|input| &input.bytes),
                TensorKind::Const(data) => consts.get(data.0 as usize).map(|data| &data.bytes),
                TensorKind::Local | TensorKind::Var => None,
            };
            if let Some(bytes) = bytes {
                place.insert(id, contents.len());
                contents.push(Cow::Borrowed(bytes.as_slice()));
            }
        }
        Run { pipeline, names, values, analysis: Analysis::new(pipeline), contents, place, budget }
    }

    /// Runs the statements of the outermost region that have this binding time.
    fn region(&mut self, region: &'a Region, when: Binding) -> Result<(), EvalError> {
        for stmt in region.stmts.iter().filter(|stmt| stmt.binding() == when) {
            match stmt {
                Stmt::Alias { tensor, of, .. } => {
                    let place = self.place_of(*of)?;
                    self.place.insert(*tensor, place);
                }
                Stmt::Decide { var, value, .. } => {
                    let code = self.compiler().value(*value)?;
                    let Err(Stop::Value(bits)) = self.execute(&code)? else {
                        return Err(EvalError::Invalid("a size has no value".to_string()));
                    };
                    self.values.sizes.insert(*var, bits as i64);
                }
                Stmt::Stage(_) | Stmt::Check(_) | Stmt::Group(_) | Stmt::Store(_) | Stmt::Control(_) => {
                    self.make_room(stmt)?;
                    let code = self.compiler().whole(stmt)?;
                    self.run_code(&code)?;
                }
            }
        }
        Ok(())
    }

    fn compiler(&mut self) -> Compiler<'_, 'a> {
        Compiler::new(self.pipeline, self.names, &self.values, &mut self.analysis, &self.place)
    }

    /// Room for what a statement, or one inside it, writes. What a stage that does not run leaves unwritten holds zeros.
    fn make_room(&mut self, stmt: &Stmt) -> Result<(), EvalError> {
        if let Stmt::Alias { tensor, of, .. } = stmt {
            let place = self.place_of(*of)?;
            self.place.insert(*tensor, place);
            return Ok(());
        }
        let mut own = if stmt.regions().is_empty() { stmt.writes() } else { Vec::new() };
        // A list may be asked before anything was stored.
        for root in super::own_roots(stmt) {
            own.extend(self.pipeline.loads_var(root).into_iter().filter(|var| !self.place.contains_key(var)));
        }
        for tensor in own {
            let length = self.capacity(tensor)?;
            let known = self.place.get(&tensor).map(|place| self.contents[*place].len());
            if known == Some(length) {
                continue;
            }
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(length).map_err(|_| EvalError::Memory { bytes: length as u64 })?;
            bytes.resize(length, 0);
            self.place.insert(tensor, self.contents.len());
            self.contents.push(Cow::Owned(bytes));
        }
        stmt.regions().into_iter().flat_map(|region| &region.stmts).try_for_each(|stmt| self.make_room(stmt))
    }

    /// Runs the code of a statement.
    fn run_code(&mut self, code: &code::Code<'_>) -> Result<(), EvalError> {
        let Err(stop) = self.execute(code)? else { return Ok(()) };
        let Stop::Failed(number, bits) = stop else {
            return Err(EvalError::Invalid("a statement gave a value".to_string()));
        };
        let check = code.checks[number];
        let values = (check.values.iter().zip(bits)).map(|(value, bits)| {
            let ty = self.pipeline.ty(*value);
            Const { ty, bits: crate::ops::eval::canonical(ty, bits) }
        });
        Err(EvalError::Failed { failure: check.failure.clone(), values: values.collect(), origin: check.origin })
    }

    /// Runs code; the inner error is a failed check or a value.
    fn execute(&mut self, code: &code::Code<'_>) -> Result<Result<(), Stop>, EvalError> {
        let mut budget = self.budget;
        let stop = machine::execute(code, &mut self.contents, &mut budget);
        self.budget = budget;
        match stop {
            Ok(()) => Ok(Ok(())),
            Err(stop @ (Stop::Failed(..) | Stop::Value(_))) => Ok(Err(stop)),
            Err(Stop::Budget) => Err(EvalError::Budget),
            Err(Stop::OutOfRange { index, extent }) => {
                Err(EvalError::Invalid(format!("an access has index {index} where the extent is {extent}")))
            }
            Err(Stop::DivisionByZero) => Err(EvalError::Invalid("an integer division by zero".to_string())),
        }
    }

    fn shape(&self, tensor: TensorId) -> Result<Vec<i64>, EvalError> {
        inputs::shape(self.pipeline, self.names, &self.values, tensor)
    }

    /// Bytes of a tensor's contents.
    fn length(&self, tensor: TensorId) -> Result<usize, EvalError> {
        let elements: i64 = self.shape(tensor)?.iter().product();
        self.bytes(tensor, elements)
    }

    /// Bytes of a tensor's contents at most, whatever the data decides.
    fn capacity(&self, tensor: TensorId) -> Result<usize, EvalError> {
        let elements: i64 = inputs::capacity(self.pipeline, self.names, &self.values, tensor)?.iter().product();
        self.bytes(tensor, elements)
    }

    fn bytes(&self, tensor: TensorId, elements: i64) -> Result<usize, EvalError> {
        let bytes = elements as u64 * u64::from(self.pipeline.tensors[tensor].elem.bytes());
        usize::try_from(bytes).map_err(|_| EvalError::Memory { bytes })
    }

    fn place_of(&self, tensor: TensorId) -> Result<usize, EvalError> {
        let name = &self.pipeline.tensors[tensor].name;
        let unwritten = || EvalError::Invalid(format!("`{name}` is read before it is written"));
        self.place.get(&tensor).copied().ok_or_else(unwritten)
    }

    fn value(&self, tensor: TensorId) -> Result<TensorValue, EvalError> {
        let length = self.length(tensor)?;
        let contents = &self.contents[self.place_of(tensor)?];
        let Some(bytes) = contents.get(..length).map(<[u8]>::to_vec) else {
            let name = &self.pipeline.tensors[tensor].name;
            return Err(EvalError::Invalid(format!("`{name}` has fewer bytes than its shape says")));
        };
        Ok(TensorValue { elem: self.pipeline.tensors[tensor].elem, dims: self.shape(tensor)?, bytes })
    }
}
