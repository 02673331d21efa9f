//! Programs from text to module: the module and the evaluator give the same bits, whatever is fused, in both profiles.

use crate::harness::*;
use kcc_abi::DimValue;
use kcc_compiler::pipeline::text::{Form, print};
use kcc_compiler::pipeline::{Built, Options, build, check, lower};
use kcc_compiler::source::{Resolved, Resolver};
use kcc_compiler::target::Profile;
use kcc_compiler::target::wasm::module::Artifact;
use kcc_compiler::tensor::eval::{self, TensorValue};
use kcc_compiler::types::{Const, Scalar};

/// One file, and the standard library.
struct Program<'a>(&'a str);

impl Resolver for Program<'_> {
    fn source(&self, _: &str, path: &str) -> Result<Resolved, String> {
        match path.strip_prefix("std/") {
            Some(name) => {
                let text = kcc_std::source(name).ok_or("no such module")?;
                Ok(Resolved { name: path.to_string(), text: text.to_string(), is_std: true })
            }
            None => Ok(Resolved { name: path.to_string(), text: self.0.to_string(), is_std: false }),
        }
    }

    fn bytes(&self, _: &str, _: &str) -> Result<Vec<u8>, String> {
        Err("no files here".to_string())
    }
}

fn compile(text: &str, options: &Options) -> Built {
    let show = |rejected: Box<kcc_compiler::pipeline::Rejected>| -> ! {
        panic!("{text}\nis refused: {:#?}", rejected.diagnostics)
    };
    let checked = check(&Program(text), "main.k").unwrap_or_else(|rejected| show(rejected));
    let lowered = lower(checked, options).unwrap_or_else(|rejected| show(rejected));
    build(lowered, options).unwrap_or_else(|rejected| show(rejected))
}

/// Random values that stay moderate, so that sums and exponentials say something.
fn input(random: &mut Random, elem: Scalar, dims: &[i64]) -> TensorValue {
    let count: i64 = dims.iter().product();
    let bytes = (0..count)
        .flat_map(|_| {
            let raw = random.next();
            match elem {
                Scalar::F32 => Const::f32((raw as i32) as f32 / (1u32 << 29) as f32).to_le_bytes(),
                Scalar::F64 => Const::f64((raw as i64) as f64 / (1u64 << 61) as f64).to_le_bytes(),
                Scalar::F16 => Const { ty: elem, bits: 0x3000 + (raw & 0x9fff) }.to_le_bytes(),
                Scalar::I32 => Const::i32((raw % 200) as i32 - 100).to_le_bytes(),
                _ => Const::int(elem, i128::from(raw)).to_le_bytes(),
            }
        })
        .collect();
    TensorValue { elem, dims: dims.to_vec(), bytes }
}

/// Runs the first pipeline with these sizes.
fn run(built: &Built, sizes: &[i32], inputs: &[TensorValue]) -> Result<Vec<TensorValue>, i32> {
    let mut running = Running::new(Artifact { wasm: built.wasm.clone(), manifest: built.manifest.clone() });
    let own = running.manifest.pipelines[0].clone();
    if let Some(plan) = &own.plan {
        let args: Vec<wasmtime::Val> = sizes.iter().map(|size| wasmtime::Val::I32(*size)).collect();
        match running.call(plan, &args) {
            0 => {}
            status => return Err(status),
        }
    }
    for (param, value) in own.params.iter().zip(inputs) {
        let at = running.address(param.address) as usize;
        running.memory.data_mut(&mut running.store)[at..at + value.bytes.len()].copy_from_slice(&value.bytes);
    }
    match running.call(&own.run, &[]) {
        0 => {}
        status => return Err(status),
    }
    let read = |result: &kcc_abi::Tensor| {
        let dims: Vec<i64> = result
            .dims
            .iter()
            .map(|dim| match dim.value {
                DimValue::Fixed(n) => i64::from(n),
                DimValue::Arg { arg, scale, offset } => scale * i64::from(sizes[arg]) + offset,
                DimValue::At(at) => i64::from(running.i32_at(at)),
                DimValue::Decided(address) => i64::from(running.i32_at(running.address(address))),
            })
            .collect();
        let elem = Scalar::from_name(&result.elem).expect("a type");
        let count: i64 = dims.iter().product();
        let bytes = running.bytes(running.address(result.address), count as usize * elem.bytes() as usize).to_vec();
        TensorValue { elem, dims, bytes }
    };
    Ok(own.results.iter().map(read).collect())
}

fn elements(value: &TensorValue) -> Vec<Const> {
    value.bytes.chunks(value.elem.bytes() as usize).map(|bytes| Const::from_le_bytes(value.elem, bytes)).collect()
}

/// Compiles and runs a program in every way, for each list of sizes, against the evaluator on unfused stages.
fn agree(text: &str, sizes: &[&[i32]]) {
    let plain = compile(text, &Options { fuse: false, ..Options::default() });
    let others = [
        compile(text, &Options { profile: Profile::Scalar, ..Options::default() }),
        compile(text, &Options::default()),
    ];
    let mut random = Random(0xabcdef);
    for sizes in sizes {
        let params = &plain.manifest.pipelines[0].params;
        let inputs: Vec<TensorValue> = params
            .iter()
            .map(|param| {
                let dims: Vec<i64> = param
                    .dims
                    .iter()
                    .map(|dim| match dim.value {
                        DimValue::Fixed(n) => i64::from(n),
                        DimValue::Arg { arg, scale, offset } => scale * i64::from(sizes[arg]) + offset,
                        DimValue::At(_) | DimValue::Decided(_) => panic!("{} is not decided by the sizes", dim.text),
                    })
                    .collect();
                input(&mut random, Scalar::from_name(&param.elem).expect("a type"), &dims)
            })
            .collect();
        let expected = eval::run(&plain.program, 0, &inputs, u64::MAX).map_err(|error| error.to_string());
        for built in [&plain].into_iter().chain(&others) {
            let found = run(built, sizes, &inputs);
            match (&expected, found) {
                (Err(_), Err(_)) => {}
                (Ok(expected), Ok(found)) => {
                    for (expected, found) in expected.iter().zip(&found) {
                        assert_eq!(expected.dims, found.dims, "{text}");
                        for (at, (a, b)) in elements(expected).into_iter().zip(elements(found)).enumerate() {
                            assert!(same(a, b), "{text}\nsizes {sizes:?}, element {at}: module {b:?}, evaluator {a:?}");
                        }
                    }
                }
                (expected, found) => panic!("{text}\nsizes {sizes:?}: module {found:?}, evaluator {expected:?}"),
            }
        }
    }
}

#[test]
fn pointwise_reductions_and_views() {
    agree("pipeline p(x: f32[N]) -> f32[N] { for i { x[i] * 2.0 + 1.0 } }", &[&[7], &[0], &[1000]]);
    agree(
        "use std.nn\npipeline p(x: f32[B, N]) -> f32[B, N] { nn.softmax(x) }",
        &[&[3, 17], &[1, 1], &[5, 1000], &[2, 70000]],
    );
    agree("pipeline p(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { matmul(a, b) }", &[&[3, 4, 5], &[16, 16, 16]]);
    agree(
        "pipeline p(x: u8[H, W, 4]) -> f32[3, H, W] { for c in 0..3, y, x2 { f32(x[y, x2, c]) / 255.0 } }",
        &[&[5, 9]],
    );
    agree("pipeline p(x: f16[N]) -> f16[N] { for i { x[i] * x[i] + 0.5 } }", &[&[33]]);
    agree(
        "pipeline p(x: i64[N]) -> (s: i64, m: i64, a: i32) { (sum i { x[i] }, max i { x[i] }, argmax i { x[i] }) }",
        &[&[9], &[1]],
    );
    agree("pipeline p(x: i32[N]) -> i32[N] { scan sum i { x[i] } }", &[&[9], &[0]]);
    agree("pipeline p(x: f64[N, 3]) -> f64[3, N] { for j, i { x[i, j] - sum k { x[i, k] } } }", &[&[20]]);
}

#[test]
fn borders_checks_and_failures() {
    agree(
        "pipeline p(x: f32[N]) -> f32[N] { for i in 0..extent(x, 0) { x[clamp: i - 2] + x[wrap: i + 3] } }",
        &[&[9], &[1]],
    );
    agree("pipeline p(x: f32[N], k: i32) -> f32 { x[k] }", &[&[300], &[1]]);
    agree("pipeline p(x: i32[N]) -> i32[N] { for i { 100 / x[i] } }", &[&[50], &[4000], &[0]]);
    agree(
        "pipeline p(x: i32[N]) -> i32 {\n    assert extent(x, 0) > 4, \"only {extent(x, 0)}\"\n    sum i { x[i] }\n}",
        &[&[9], &[4]],
    );
}

#[test]
fn constants_and_plan_tables() {
    agree("const T = [3.0, 1.0, 2.0]\npipeline p(x: f32[N, 3]) -> f32[N, 3] { for i, j { x[i, j] * T[j] } }", &[&[6]]);
    agree(
        "pipeline p(x: f32[N]) -> f32[N] {\n    let w = for i in 0..extent(x, 0) { exp(f32(i) / f32(extent(x, 0))) }\n    for i { x[i] * w[i] }\n}",
        &[&[6], &[200]],
    );
}

/// The limit is held against the certificate; without bounds there is none.
#[test]
fn the_memory_limit() {
    let refused = |text: &str, limit: u64| {
        let options = Options { max_memory: Some(limit), ..Options::default() };
        let checked = check(&Program(text), "main.k").expect("a program");
        let rejected = build(lower(checked, &options).expect("stages"), &options).expect_err("it is refused");
        let [diagnostic] = &rejected.diagnostics[..] else { panic!("one diagnostic") };
        assert_eq!(diagnostic.code, kcc_compiler::diag::codes::MEMORY_LIMIT);
        (diagnostic.message.clone(), diagnostic.help.clone())
    };
    let bounded = "pipeline p(x: f32[H, W]) -> f32[H, W] where H <= 1024, W <= 1024 { for i, j { x[i, j] + 1.0 } }";
    let certificate = compile(bounded, &Options::default()).plan.ceiling.expect("bounds");
    assert!((8 << 20..(8 << 20) + 4096).contains(&certificate), "{certificate}");
    compile(bounded, &Options { max_memory: Some(certificate), ..Options::default() });
    assert_eq!(
        refused(bounded, 1 << 20),
        (
            "the program may need 8.1 MiB, more than the limit of 1 MiB".to_string(),
            vec!["declare smaller bounds of its sizes, or raise --max-memory".to_string()]
        )
    );
    assert_eq!(
        refused("pipeline p(x: f32[H, W]) -> f32[H, W] where W <= 9 { for i, j { x[i, j] + 1.0 } }", 1 << 30),
        ("the memory that the pipeline `p` needs has no bound".to_string(), vec!["where H <= 4096".to_string()])
    );
    let huge = "pipeline p(x: f32[H, W], y: f32[H, W]) -> f32[H, W] where H <= 65536, W <= 65536 {\n    for i, j { x[i, j] + y[i, j] }\n}";
    assert_eq!(refused(huge, 1 << 30).0, "for the declared bounds the pipeline `p` may need 4 GiB or more");
}

#[test]
fn every_form_prints() {
    let text = "const T = [1.0, 2.0]\npipeline p(x: f32[N, 2]) -> f32[N] { for i { sum j { x[i, j] * T[j] } } }";
    for (form, name) in Form::ALL {
        let printed = print(&Program(text), "main.k", &Options::default(), form).expect("a program");
        let expected = match form {
            Form::Ast => "pipeline p(",
            Form::Hir | Form::Tensor | Form::Loops | Form::Plan => "p",
            Form::Wat => "(export \"p.run\"",
            Form::Manifest => "\"name\": \"p\"",
        };
        assert!(printed.contains(expected), "{name}:\n{printed}");
        assert_eq!(printed, print(&Program(text), "main.k", &Options::default(), form).expect("a program"));
    }
}
