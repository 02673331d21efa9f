//! Prepares cases for engines that Rust does not reach: `engine_cases FOLDER` compiles programs, runs them in Wasmtime,
//! and writes modules, inputs and the bits that came out, for `tests/engines/compare.mjs` to run elsewhere.
//!
//! The programs are all of `corpus/runs`, in both profiles, and the examples on real input. A call that fails is a case
//! too: status and message must be the same everywhere.

use kcc_compiler::pipeline::{self, Options, Profile};
use kcc_compiler::types::Scalar;
use kcc_runtime::abi::{self, PlanArg};
use kcc_runtime::{Engine, Error, Instance, Module, Value};
use kcc_tests::array::Array;
use kcc_tests::corpus;
use kcc_tests::front::{Library, ROOT};
use serde_json::{Map, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder] = arguments.as_slice() else {
        eprintln!("usage: engine_cases FOLDER");
        return ExitCode::from(2);
    };
    match write_all(Path::new(folder)) {
        Ok(count) => {
            println!("{count} cases prepared");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A call to prepare.
struct Call {
    pipeline: String,
    inputs: Vec<(String, Array)>,
}

/// Writes everything into the folder; returns the number of cases.
fn write_all(folder: &Path) -> Fallible<usize> {
    std::fs::create_dir_all(folder)?;
    let mut writer = Writer { folder, engine: Engine::new()?, entries: Vec::new(), files: 0 };
    for (name, path) in sources()? {
        let text = std::fs::read_to_string(&path)?;
        let calls = calls(&name, &path, &text)?;
        for profile in [Profile::Simd128, Profile::Scalar] {
            let title = format!("{name}.{}", profile.name());
            writer.program(&title, &text, profile, &calls).map_err(|error| format!("{title}: {error}"))?;
        }
    }
    let count = writer.entries.len();
    std::fs::write(folder.join("cases.json"), serde_json::to_vec(&writer.entries)?)?;
    Ok(count)
}

/// The programs by name, in order.
fn sources() -> Fallible<Vec<(String, PathBuf)>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = tests.join("../examples");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(tests.join("corpus/runs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "k") {
            found.push((format!("runs-{}", path.file_stem().unwrap_or_default().to_string_lossy()), path));
        }
    }
    found.sort();
    found.push(("hello".to_string(), examples.join("hello/hello.k")));
    found.push(("imagenet".to_string(), examples.join("imagenet/pipeline.k")));
    Ok(found)
}

/// What a program is called with: its header lines, for the examples real input.
fn calls(name: &str, path: &Path, text: &str) -> Fallible<Vec<Call>> {
    let call = |pipeline: &str, inputs: Vec<(&str, Array)>| Call {
        pipeline: pipeline.to_string(),
        inputs: inputs.into_iter().map(|(name, array)| (name.to_string(), array)).collect(),
    };
    match name {
        "hello" => {
            let sound: Vec<f32> = (0..1000).map(|n| ((n * n % 997) as f32 - 400.0) / 7.0).collect();
            let bytes = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let x = Array { elem: Scalar::F32, dims: vec![sound.len()], bytes };
            let level = Array { elem: Scalar::F32, dims: vec![], bytes: 0.9f32.to_le_bytes().to_vec() };
            Ok(vec![call("normalise", vec![("x", x), ("level", level)])])
        }
        "imagenet" => {
            let photo = image::open(path.with_file_name("photo.png"))?.into_rgba8();
            // The photo, parts of it with other proportions, and one that is enlarged.
            let crops = [(451, 300), (224, 300), (300, 225), (97, 131)];
            let calls = crops.into_iter().map(|(width, height)| {
                let part = image::imageops::crop_imm(&photo, 0, 0, width, height).to_image();
                let dims = vec![height as usize, width as usize, 4];
                call("preprocess", vec![("photo", Array { elem: Scalar::U8, dims, bytes: part.into_raw() })])
            });
            Ok(calls.collect())
        }
        _ => {
            let run = corpus::read(text).map_err(|error| format!("{name}: {error}"))?;
            Ok(run.calls.into_iter().map(|call| Call { pipeline: call.pipeline, inputs: call.inputs }).collect())
        }
    }
}

/// Where cases go.
struct Writer<'a> {
    folder: &'a Path,
    engine: Engine,
    entries: Vec<serde_json::Value>,
    files: usize,
}

impl Writer<'_> {
    /// Compiles a program and prepares its calls.
    fn program(&mut self, title: &str, text: &str, profile: Profile, calls: &[Call]) -> Fallible<()> {
        let options = Options { profile, ..Options::default() };
        let built = pipeline::check(&Library { root: text }, ROOT)
            .and_then(|checked| pipeline::lower(checked, &options))
            .and_then(|lowered| pipeline::build(lowered, &options))
            .map_err(|rejected| kcc_compiler::diag::render::render(&rejected.diagnostics, &rejected.sources, false))?;
        let wasm = format!("{title}.wasm");
        std::fs::write(self.folder.join(&wasm), &built.wasm)?;
        let module = Module::from_bytes(&self.engine, &built.wasm)?;
        for (number, call) in calls.iter().enumerate() {
            self.call(&format!("{title}.{number}"), &wasm, &module, call)?;
        }
        Ok(())
    }

    fn call(&mut self, name: &str, wasm: &str, module: &Module, call: &Call) -> Fallible<()> {
        let pipeline = module.pipeline(&call.pipeline)?;
        let mut shapes = Map::new();
        let mut inputs = Map::new();
        for (param, array) in &call.inputs {
            shapes.insert(param.clone(), json!(array.dims));
            inputs.insert(param.clone(), json!(self.file(&array.bytes)?));
        }
        let scalars = plan_scalars(pipeline, call)?;
        let shown: Map<_, _> = scalars.iter().map(|(name, _, number)| (name.to_string(), number.clone())).collect();
        let mut entry = json!({
            "name": name, "wasm": wasm, "pipeline": call.pipeline, "shapes": shapes, "scalars": shown, "inputs": inputs,
        });
        let mut instance = module.instantiate()?;
        match execute(&mut instance, call, &scalars) {
            Ok(()) => {
                let mut results = Map::new();
                for result in &pipeline.results {
                    let view = instance.bytes(&call.pipeline, &result.name)?;
                    let file = self.file(&view)?;
                    let described = json!({ "elem": result.elem, "shape": view.shape(), "file": file });
                    results.insert(result.name.clone(), described);
                }
                entry["results"] = json!(results);
            }
            Err(Error::Call(failure)) => {
                entry["failure"] = json!({ "status": failure.status, "message": failure.to_string() });
            }
            Err(error) => return Err(error.into()),
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Writes bytes to a file of their own; returns its name.
    fn file(&mut self, bytes: &[u8]) -> Fallible<String> {
        let name = format!("{}.bin", self.files);
        self.files += 1;
        std::fs::write(self.folder.join(&name), bytes)?;
        Ok(name)
    }
}

/// A plan scalar: its name, its value for Wasmtime and for JSON.
type PlanScalar<'a> = (&'a str, Value, serde_json::Value);

/// The scalar parameters that reach a size, with the values of the call.
fn plan_scalars<'a>(pipeline: &'a abi::Pipeline, call: &Call) -> Fallible<Vec<PlanScalar<'a>>> {
    let mut scalars = Vec::new();
    for arg in &pipeline.plan_args {
        let PlanArg::Scalar { name, .. } = arg else { continue };
        let given = call.inputs.iter().find(|(input, _)| input == name);
        let value = given.and_then(|(_, array)| array.values().next());
        let value = value.ok_or_else(|| format!("scalar `{name}` has no value"))?;
        scalars.push(match value.ty {
            Scalar::Bool => (name.as_str(), Value::Bool(value.bits != 0), json!(value.bits != 0)),
            Scalar::F32 => (name.as_str(), Value::F32(value.as_f32()), json!(value.as_f32())),
            Scalar::F64 => (name.as_str(), Value::F64(value.as_f64()), json!(value.as_f64())),
            _ => {
                let int = i64::try_from(value.as_int())?;
                (name.as_str(), Value::Int(int), json!(int))
            }
        });
    }
    Ok(scalars)
}

fn execute(instance: &mut Instance, call: &Call, scalars: &[PlanScalar<'_>]) -> Result<(), Error> {
    let extents: Vec<Vec<u32>> =
        call.inputs.iter().map(|(_, array)| array.dims.iter().map(|extent| *extent as u32).collect()).collect();
    let shapes: Vec<(&str, &[u32])> =
        call.inputs.iter().zip(&extents).map(|((name, _), shape)| (name.as_str(), shape.as_slice())).collect();
    let scalars: Vec<(&str, Value)> = scalars.iter().map(|(name, value, _)| (*name, *value)).collect();
    instance.plan_shapes(&call.pipeline, &shapes, &scalars)?;
    for (name, array) in &call.inputs {
        instance.bytes_mut(&call.pipeline, name)?.copy_from_slice(&array.bytes);
    }
    instance.run(&call.pipeline)
}
