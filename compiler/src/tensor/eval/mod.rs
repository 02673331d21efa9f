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

use super::{Binding, Check, ConstData, ExprId, Failure, Pipeline, Program, Region, Stage, Stmt, TensorId, TensorKind};
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
    for stmt in &pipeline.body.stmts {
        match stmt {
            Stmt::Stage(stage) if stage.binding == Binding::Build => written.extend(&stage.tensors),
            Stmt::Alias { tensor, binding: Binding::Build, .. } => written.push(*tensor),
            Stmt::Stage(_) | Stmt::Alias { .. } | Stmt::Check(_) | Stmt::Group(_) => {}
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
                TensorKind::Local => None,
            };
            if let Some(bytes) = bytes {
                place.insert(id, contents.len());
                contents.push(Cow::Borrowed(bytes.as_slice()));
            }
        }
        Run { pipeline, names, values, analysis: Analysis::new(pipeline), contents, place, budget }
    }

    /// Runs the statements of a region that have this binding time.
    fn region(&mut self, region: &Region, when: Binding) -> Result<(), EvalError> {
        for stmt in &region.stmts {
            match stmt {
                Stmt::Stage(stage) if stage.binding == when => self.stage(stage)?,
                Stmt::Check(check) if check.binding == when => self.check(check)?,
                Stmt::Alias { tensor, of, binding, .. } if *binding == when => {
                    let place = self.place_of(*of)?;
                    self.place.insert(*tensor, place);
                }
                Stmt::Stage(_) | Stmt::Alias { .. } | Stmt::Check(_) => {}
                Stmt::Group(_) => return Err(EvalError::Invalid("groups are made after evaluation".to_string())),
            }
        }
        Ok(())
    }

    fn stage(&mut self, stage: &Stage) -> Result<(), EvalError> {
        if let Some(guard) = stage.guard
            && !self.holds(guard)?
        {
            return self.skip(stage);
        }
        let mut writes = Vec::new();
        let mut lengths = Vec::new();
        for tensor in &stage.tensors {
            let length = self.length(*tensor)?;
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(length).map_err(|_| EvalError::Memory { bytes: length as u64 })?;
            lengths.push(length);
            writes.push(bytes);
        }
        if lengths.iter().any(|length| *length > 0) {
            let compiler = Compiler::new(self.pipeline, self.names, &self.values, &mut self.analysis);
            let code = compiler.stage(stage)?;
            self.execute(&code, &mut writes)?.map_err(|_| EvalError::Invalid("a stage failed".to_string()))?;
        }
        for ((tensor, bytes), length) in stage.tensors.iter().zip(writes).zip(lengths) {
            if bytes.len() != length {
                let name = &self.pipeline.tensors[*tensor].name;
                return Err(EvalError::Invalid(format!("the axes of the stage are not those of `{name}`")));
            }
            self.place.insert(*tensor, self.contents.len());
            self.contents.push(Cow::Owned(bytes));
        }
        Ok(())
    }

    /// Whether a guard, which has no axes, holds.
    fn holds(&mut self, guard: ExprId) -> Result<bool, EvalError> {
        let test = Check {
            axes: Vec::new(),
            cond: guard,
            failure: Failure::Fact(String::new()),
            values: Vec::new(),
            binding: Binding::Call,
            origin: self.pipeline.exprs.origin(guard),
        };
        let compiler = Compiler::new(self.pipeline, self.names, &self.values, &mut self.analysis);
        let code = compiler.check(&test)?;
        Ok(self.execute(&code, &mut [])?.is_ok())
    }

    /// The tensors of a stage that does not run hold zeros, unless another stage wrote them.
    fn skip(&mut self, stage: &Stage) -> Result<(), EvalError> {
        for tensor in &stage.tensors {
            if !self.place.contains_key(tensor) {
                let length = self.length(*tensor)?;
                let mut bytes = Vec::new();
                bytes.try_reserve_exact(length).map_err(|_| EvalError::Memory { bytes: length as u64 })?;
                bytes.resize(length, 0);
                self.place.insert(*tensor, self.contents.len());
                self.contents.push(Cow::Owned(bytes));
            }
        }
        Ok(())
    }

    fn check(&mut self, check: &Check) -> Result<(), EvalError> {
        let compiler = Compiler::new(self.pipeline, self.names, &self.values, &mut self.analysis);
        let code = compiler.check(check)?;
        self.execute(&code, &mut [])?.map_err(|bits| EvalError::Failed {
            failure: check.failure.clone(),
            values: (check.values.iter().zip(bits))
                .map(|(value, bits)| {
                    let ty = self.pipeline.ty(*value);
                    Const { ty, bits: crate::ops::eval::canonical(ty, bits) }
                })
                .collect(),
            origin: check.origin,
        })
    }

    /// Runs code; the inner error is a failed check.
    fn execute(&mut self, code: &code::Code, writes: &mut [Vec<u8>]) -> Result<Result<(), Vec<u64>>, EvalError> {
        let mut reads = Vec::new();
        for tensor in &code.reads {
            let bytes = &*self.contents[self.place_of(*tensor)?];
            if bytes.len() != self.length(*tensor)? {
                let name = &self.pipeline.tensors[*tensor].name;
                return Err(EvalError::Invalid(format!("`{name}` has not as many bytes as its shape says")));
            }
            reads.push(bytes);
        }
        let mut budget = self.budget;
        let stop = machine::execute(code, &reads, writes, &mut budget);
        self.budget = budget;
        match stop {
            Ok(()) => Ok(Ok(())),
            Err(Stop::Failed(values)) => Ok(Err(values)),
            Err(Stop::Budget) => Err(EvalError::Budget),
            Err(Stop::OutOfRange { index, extent }) => {
                Err(EvalError::Invalid(format!("a load has index {index} where the extent is {extent}")))
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
        let bytes = elements as u64 * u64::from(self.pipeline.tensors[tensor].elem.bytes());
        usize::try_from(bytes).map_err(|_| EvalError::Memory { bytes })
    }

    fn place_of(&self, tensor: TensorId) -> Result<usize, EvalError> {
        let name = &self.pipeline.tensors[tensor].name;
        let unwritten = || EvalError::Invalid(format!("`{name}` is read before it is written"));
        self.place.get(&tensor).copied().ok_or_else(unwritten)
    }

    fn value(&self, tensor: TensorId) -> Result<TensorValue, EvalError> {
        let bytes = self.contents[self.place_of(tensor)?].to_vec();
        Ok(TensorValue { elem: self.pipeline.tensors[tensor].elem, dims: self.shape(tensor)?, bytes })
    }
}
