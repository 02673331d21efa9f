//! Compiled modules in their host: no call allocates or copies, memory stays as it is, and its peak is the certificate.

#[path = "../../runtime/host/tests/counting/mod.rs"]
mod counting;

use counting::allocations;
use kcc_abi::{Address, Tensor};
use kcc_compiler::pipeline::Options;
use kcc_runtime::{Engine, Instance, Module};
use kcc_tests::engines::compile;

const PAGE: usize = 65536;

const PHOTO: &str = include_str!("../../examples/imagenet/pipeline.k");

const SIGNAL: &str = include_str!("../../examples/hello/hello.k");

const LAYER: &str = "use std.nn
pipeline layer(x: f32[B, N], w: f32[N, M]) -> f32[B, M] where B <= 64, N <= 96, M <= 200 {
    let hidden = matmul(x, w)
    for b { nn.softmax(hidden[b]) }
}
";

const FIXED: &str = "use std.pil
pipeline shrink(photo: u8[48, 64, 3], gain: f32) -> (small: u8[24, 32, 3], loud: f32[24, 32, 3]) {
    let small = pil.resize_bilinear(photo, 24, 32)
    (small: small, loud: for y, x, c { f32(small[y, x, c]) * gain })
}
";

fn module(text: &str) -> Module {
    let wasm = compile(text, &Options::default()).unwrap_or_else(|why| panic!("{why}")).wasm;
    Module::from_bytes(&Engine::new().expect("engine"), &wasm).expect("loads")
}

fn pages(instance: &Instance) -> usize {
    assert_eq!(instance.memory_size() % PAGE, 0);
    instance.memory_size() / PAGE
}

/// The greatest number of pages that a module promises.
fn certificate(module: &Module) -> usize {
    module.manifest().memory.max_pages.expect("all sizes are bounded") as usize
}

/// Bytes of a photo that is not all of one colour.
fn fill(bytes: &mut [u8]) {
    for (position, byte) in bytes.iter_mut().enumerate() {
        *byte = (position * 7 % 251) as u8;
    }
}

#[test]
fn calls_of_compiled_pipelines_do_not_allocate() {
    let module = module(PHOTO);
    let mut instance = module.instantiate().expect("instance");
    let sizes = [("H", 300), ("W", 260)];
    instance.plan("preprocess", &sizes).expect("plan");
    fill(&mut instance.bytes_mut("preprocess", "photo").expect("photo"));
    instance.run("preprocess").expect("run");
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0u8; 100]))), 1, "the counter counts");
    let count = allocations(|| {
        for _ in 0..3 {
            instance.plan("preprocess", &sizes).expect("plan");
            fill(&mut instance.bytes_mut("preprocess", "photo").expect("photo"));
            instance.run("preprocess").expect("run");
            let result = instance.view::<f32>("preprocess", "result").expect("result");
            assert_eq!(result.len(), 3 * 224 * 224);
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn views_lie_in_linear_memory() {
    let module = module(FIXED);
    let mut instance = module.instantiate().expect("instance");
    fill(&mut instance.bytes_mut("shrink", "photo").expect("photo"));
    instance.set("shrink", "gain", 0.5f32).expect("gain");
    instance.run("shrink").expect("run");
    // The addresses of a fixed pipeline are known: each view begins that far behind the memory's first byte.
    let described = &module.pipelines()[0];
    let tensors: Vec<&Tensor> = described.params.iter().chain(&described.results).collect();
    assert_eq!(tensors.len(), 4);
    let start = |tensor: &Tensor| {
        let Address::Fixed(address) = tensor.address else { panic!("{} has no fixed address", tensor.name) };
        let view = instance.bytes("shrink", &tensor.name).expect("view");
        assert!(address as usize + view.len() <= instance.memory_size());
        view.as_ptr() as usize - address as usize
    };
    let memory = start(tensors[0]);
    assert_eq!(memory % PAGE.min(4096), 0, "a memory begins with a page of the host");
    assert!(tensors.iter().all(|tensor| start(tensor) == memory));
    let small = instance.view::<u8>("shrink", "small").expect("small")[100];
    assert_eq!(instance.view::<f32>("shrink", "loud").expect("loud")[100], f32::from(small) * 0.5);
}

#[test]
fn memory_does_not_grow_over_ten_thousand_calls() {
    let module = module(LAYER);
    let mut instance = module.instantiate().expect("instance");
    instance.plan("layer", &[("B", 2), ("N", 8), ("M", 16)]).expect("plan");
    let before = pages(&instance);
    let count = allocations(|| {
        for _ in 0..10_000 {
            instance.plan("layer", &[("B", 2), ("N", 8), ("M", 16)]).expect("plan");
            instance.run("layer").expect("run");
        }
    });
    assert_eq!((pages(&instance), count), (before, 0));
}

#[test]
fn the_peak_is_the_certificate_at_the_bounds() {
    for (text, pipeline, sizes) in [
        (SIGNAL, "normalise", &[("N", 1_048_576)][..]),
        (LAYER, "layer", &[("B", 64), ("N", 96), ("M", 200)][..]),
        (FIXED, "shrink", &[][..]),
    ] {
        let module = module(text);
        let mut instance = module.instantiate().expect("instance");
        assert!(pages(&instance) <= certificate(&module));
        if !sizes.is_empty() {
            instance.plan(pipeline, sizes).expect("plan");
        }
        assert_eq!(pages(&instance), certificate(&module), "{pipeline}");
    }
}

#[test]
fn the_peak_never_exceeds_the_certificate() {
    let module = module(PHOTO);
    let certificate = certificate(&module);
    let mut instance = module.instantiate().expect("instance");
    // Wide, tall and square ones, in an order that makes regions grow in turn.
    for (h, w) in [(1, 1), (480, 640), (8192, 300), (1, 8192), (8192, 1), (333, 8192), (4097, 4099), (8192, 8192)] {
        let planned = instance.plan("preprocess", &[("H", h), ("W", w)]);
        assert!(pages(&instance) <= certificate, "{h} x {w}");
        // The middle of an image whose sides differ by much is still 224 pixels wide.
        planned.unwrap_or_else(|why| panic!("{h} x {w}: {why}"));
    }
    assert!(instance.plan("preprocess", &[("H", 8193), ("W", 8192)]).is_err());
}
