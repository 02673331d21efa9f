//! The back ends that every program of the tests runs on, behind one call.
//!
//! [`prepare`] compiles a program for one engine, [`Prepared::run`] binds inputs and runs. Results come back by name in the
//! order of the pipeline's results. Nothing is kept between runs: each has an instance of its own.

use crate::array::Array;
use kcc_compiler::diag::render::render;
use kcc_compiler::pipeline::{self, Built, Checked, Lowered, Options, Profile, Rejected};
use kcc_compiler::source::{Resolved, Resolver};
use kcc_compiler::tensor;
use kcc_compiler::types::Const;
use kcc_runtime::{Module, Value};
use std::sync::OnceLock;

/// A back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The reference evaluator on Tensor IR as lowered.
    Unfused,
    /// The reference evaluator on fused Tensor IR.
    Eval,
    /// The module without vectors, in Wasmtime.
    Scalar,
    /// The module with 128-bit vectors, in Wasmtime.
    Simd128,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 4] = [Engine::Unfused, Engine::Eval, Engine::Scalar, Engine::Simd128];

    /// Its name on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Unfused => "unfused",
            Engine::Eval => "eval",
            Engine::Scalar => "scalar",
            Engine::Simd128 => "simd128",
        }
    }

    /// The engine with this name.
    pub fn from_name(name: &str) -> Option<Engine> {
        Engine::ALL.into_iter().find(|engine| engine.name() == name)
    }

    /// The options that a program is compiled with for it.
    pub fn options(self, tests: bool) -> Options {
        let profile = if self == Engine::Scalar { Profile::Scalar } else { Profile::Simd128 };
        Options { fuse: self != Engine::Unfused, tests, profile, ..Options::default() }
    }
}

/// Instructions that the evaluator may execute in one run.
const BUDGET: u64 = 20_000_000_000;

/// A program ready to run.
pub enum Prepared {
    /// For the evaluator.
    Tensor(tensor::Program),
    /// For Wasmtime.
    Module(Box<Module>),
}

/// Compiles a program (its root file's text) for an engine; `tests` makes its tests pipelines.
///
/// # Errors
/// The diagnostics as users see them.
pub fn prepare(text: &str, engine: Engine, tests: bool) -> Result<Prepared, String> {
    let lowered = pipeline::lower(check(text)?, &engine.options(tests)).map_err(|rejected| shown(&rejected))?;
    finish(lowered, engine, tests)
}

/// The front end on a program.
///
/// # Errors
/// The diagnostics as users see them.
pub fn check(text: &str) -> Result<Checked, String> {
    pipeline::check(&Library { root: text }, ROOT).map_err(|rejected| shown(&rejected))
}

/// What [`prepare`] does after Tensor IR.
///
/// # Errors
/// The diagnostics as users see them.
pub fn finish(lowered: Lowered, engine: Engine, tests: bool) -> Result<Prepared, String> {
    match engine {
        Engine::Unfused | Engine::Eval => Ok(Prepared::Tensor(lowered.program)),
        Engine::Scalar | Engine::Simd128 => {
            let built = pipeline::build(lowered, &engine.options(tests)).map_err(|rejected| shown(&rejected))?;
            let module = Module::from_bytes(wasmtime(), &built.wasm).map_err(|e| e.to_string())?;
            Ok(Prepared::Module(Box::new(module)))
        }
    }
}

/// Compiles a program to a module.
///
/// # Errors
/// The diagnostics as users see them.
pub fn compile(text: &str, options: &Options) -> Result<Built, String> {
    let lowered = pipeline::lower(check(text)?, options).map_err(|rejected| shown(&rejected))?;
    pipeline::build(lowered, options).map_err(|rejected| shown(&rejected))
}

/// The kernels of a program's SIMD module, and how each is scheduled.
///
/// # Errors
/// The diagnostics as users see them.
pub fn schedules(text: &str) -> Result<Vec<(String, String)>, String> {
    let built = built(text)?;
    let kernels = built.loops.iter().flat_map(|loops| &loops.kernels);
    Ok(kernels.map(|kernel| (kernel.name.clone(), kernel.schedule.clone())).collect())
}

/// What the compiler makes of a program for SIMD modules, with all it says of it.
///
/// # Errors
/// The diagnostics as users see them.
pub fn built(text: &str) -> Result<Built, String> {
    compile(text, &Engine::Simd128.options(false))
}

/// The diagnostics of a refused program as users see them.
pub fn shown(rejected: &Rejected) -> String {
    render(&rejected.diagnostics, &rejected.sources, false)
}

const ROOT: &str = "program.k";

/// A program in memory with the standard library around it.
struct Library<'a> {
    root: &'a str,
}

impl Resolver for Library<'_> {
    fn source(&self, _from: &str, path: &str) -> Result<Resolved, String> {
        if path == ROOT {
            return Ok(Resolved { name: path.to_string(), text: self.root.to_string(), is_std: false });
        }
        let text = path.strip_prefix("std/").and_then(kcc_std::source).ok_or("there is no such module")?;
        Ok(Resolved { name: path.to_string(), text: text.to_string(), is_std: true })
    }

    fn bytes(&self, _from: &str, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path}: programs of the tests embed no files"))
    }
}

impl Prepared {
    /// Names of the pipelines, in order.
    pub fn pipelines(&self) -> Vec<String> {
        match self {
            Prepared::Tensor(program) => program.pipelines.iter().map(|pipeline| pipeline.name.clone()).collect(),
            Prepared::Module(module) => module.pipelines().iter().map(|pipeline| pipeline.name.clone()).collect(),
        }
    }

    /// Runs a pipeline on inputs in the order of its parameters.
    ///
    /// # Errors
    /// What the call failed with.
    pub fn run(&self, pipeline: usize, inputs: &[Array]) -> Result<Vec<(String, Array)>, String> {
        match self {
            Prepared::Tensor(program) => evaluate(program, pipeline, inputs),
            Prepared::Module(module) => execute(module, pipeline, inputs).map_err(|e| match e {
                // The evaluator's complaints carry no place; neither do these then.
                kcc_runtime::Error::Call(call) => call.message.clone(),
                other => other.to_string(),
            }),
        }
    }
}

fn evaluate(program: &tensor::Program, number: usize, inputs: &[Array]) -> Result<Vec<(String, Array)>, String> {
    let values: Vec<tensor::eval::TensorValue> = inputs
        .iter()
        .map(|array| tensor::eval::TensorValue {
            elem: array.elem,
            dims: array.dims.iter().map(|extent| *extent as i64).collect(),
            bytes: array.bytes.clone(),
        })
        .collect();
    let results = tensor::eval::run(program, number, &values, BUDGET).map_err(|e| e.to_string())?;
    let names = program.pipelines[number].results.iter().map(|(name, _)| name.clone());
    Ok(names
        .zip(results)
        .map(|(name, value)| {
            let dims = value.dims.iter().map(|extent| *extent as usize).collect();
            (name, Array { elem: value.elem, dims, bytes: value.bytes })
        })
        .collect())
}

/// One Wasmtime engine for all modules of a process.
fn wasmtime() -> &'static kcc_runtime::Engine {
    static ENGINE: OnceLock<kcc_runtime::Engine> = OnceLock::new();
    ENGINE.get_or_init(|| kcc_runtime::Engine::new().expect("Wasmtime starts"))
}

fn execute(module: &Module, number: usize, inputs: &[Array]) -> Result<Vec<(String, Array)>, kcc_runtime::Error> {
    let described = &module.pipelines()[number];
    let pipeline = described.name.as_str();
    let mut instance = module.instantiate()?;
    let params = described.params.iter().zip(inputs);
    let shapes: Vec<(&str, Vec<u32>)> = params
        .clone()
        .map(|(param, array)| (param.name.as_str(), array.dims.iter().map(|extent| *extent as u32).collect()))
        .collect();
    let shapes: Vec<(&str, &[u32])> = shapes.iter().map(|(name, shape)| (*name, shape.as_slice())).collect();
    let reaches_size = |name: &str| {
        described.plan_args.iter().any(|arg| matches!(arg, kcc_abi::PlanArg::Scalar { name: own, .. } if own == name))
    };
    let scalars: Vec<(&str, Value)> = params
        .clone()
        .filter(|(param, _)| reaches_size(&param.name))
        .map(|(param, array)| (param.name.as_str(), value(Const::from_le_bytes(array.elem, &array.bytes))))
        .collect();
    if described.plan.is_some() {
        instance.plan_shapes(pipeline, &shapes, &scalars)?;
    }
    for (param, array) in params {
        if !reaches_size(&param.name) {
            let mut view = instance.bytes_mut(pipeline, &param.name)?;
            if view.len() != array.bytes.len() {
                return Err(kcc_runtime::Error::Shape(format!("`{}` has another shape", param.name)));
            }
            view.copy_from_slice(&array.bytes);
        }
    }
    instance.run(pipeline)?;
    described
        .results
        .iter()
        .map(|result| {
            let view = instance.bytes(pipeline, &result.name)?;
            let elem = kcc_compiler::types::Scalar::from_name(&result.elem).expect("the manifest names element types");
            let dims = view.shape().iter().map(|extent| *extent as usize).collect();
            Ok((result.name.clone(), Array { elem, dims, bytes: view.elements().to_vec() }))
        })
        .collect()
}

fn value(scalar: Const) -> Value {
    use kcc_compiler::types::Scalar;
    match scalar.ty {
        Scalar::Bool => Value::Bool(scalar.bits != 0),
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => Value::Int(scalar.bits as i64),
        Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => Value::UInt(scalar.bits),
        Scalar::F16 | Scalar::F32 => Value::F32(f32::from_bits(scalar.bits as u32)),
        Scalar::F64 => Value::F64(f64::from_bits(scalar.bits)),
    }
}
