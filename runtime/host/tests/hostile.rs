//! Modules and manifests that lie or are damaged give errors, never panics, and views never leave the memory.

mod common;

use common::{MANIFEST, WAT, fixture, with_manifest};
use kcc_runtime::{Engine, Error, Module, Options};

/// Loads, and if that works uses everything the manifest offers; the outcome of each step does not matter.
fn exercise(engine: &Engine, wasm: &[u8]) -> Result<(), Error> {
    let module = Module::from_bytes(engine, wasm)?;
    let mut instance = module.instantiate()?;
    let mut worst = Ok(());
    for pipeline in module.pipelines().to_vec() {
        let sizes: Vec<(&str, u32)> = ["H", "W", "N"]
            .into_iter()
            .filter(|size| format!("{:?}", pipeline.plan_args).contains(&format!("{size:?}")))
            .map(|size| (size, 4))
            .collect();
        let mut note = |result: Result<(), Error>| {
            if result.is_err() && worst.is_ok() {
                worst = result;
            }
        };
        note(instance.plan(&pipeline.name, &sizes));
        note(instance.run(&pipeline.name));
        for tensor in pipeline.params.iter().chain(&pipeline.results) {
            note(instance.bytes(&pipeline.name, &tensor.name).map(|view| {
                std::hint::black_box(view.iter().map(|byte| u64::from(*byte)).sum::<u64>());
            }));
            note(instance.bytes_mut(&pipeline.name, &tensor.name).map(|mut view| view.fill(0)));
        }
    }
    worst
}

fn refused(manifest: &str) -> String {
    let engine = Engine::new().expect("engine");
    exercise(&engine, &with_manifest(WAT, manifest)).expect_err("a lie must be noticed").to_string()
}

/// The manifest with one thing changed.
fn lie(from: &str, to: &str) -> String {
    assert!(MANIFEST.contains(from), "{from}");
    MANIFEST.replacen(from, to, 1)
}

#[test]
fn the_fixture_itself_works() {
    exercise(&Engine::new().expect("engine"), &fixture()).expect("no lie, no error");
}

#[test]
fn lies_about_addresses_are_noticed() {
    for (from, to) in [
        (r#""address": { "at": 136 }"#, r#""address": { "fixed": 4294967295 }"#),
        (r#""address": { "at": 136 }"#, r#""address": { "fixed": 1114112 }"#),
        (r#""address": { "at": 136 }"#, r#""address": { "at": 4294967295 }"#),
        (r#""address": { "at": 136 }"#, r#""address": { "at": 1114109 }"#),
        (r#""address": { "at": 140 }"#, r#""address": { "fixed": 130 }"#),
        (r#""generation_at": 144"#, r#""generation_at": 4294967295"#),
        (r#"{ "at": 128 }"#, r#"{ "at": 4294967294 }"#),
        (r#"{ "at": 148 }"#, r#"{ "at": 136 }"#),
        (r#"{ "fixed": 4 }"#, r#"{ "fixed": 4294967295 }"#),
        (r#"{ "fixed": 4 }"#, r#"{ "fixed": 2147483647 }"#),
    ] {
        let text = refused(&lie(from, to));
        assert!(text.contains("manifest"), "{to}: {text}");
    }
}

#[test]
fn lies_about_names_types_and_arguments_are_noticed() {
    for (from, to, part) in [
        (r#""run": "scale.run""#, r#""run": "scale.walk""#, "no export `scale.walk`"),
        (r#""run": "scale.run""#, r#""run": "memory""#, "not a function"),
        (r#""run": "scale.run""#, r#""run": "scale.plan""#, "does not fit"),
        (r#""plan": "scale.plan""#, r#""plan": "negate.plan""#, "does not fit"),
        (r#""plan": "scale.plan""#, r#""plan": null"#, "sizes but no plan"),
        (r#""name": "W""#, r#""name": "H""#, "two arguments"),
        (r#""name": "gain""#, r#""name": "x""#, "two of its tensors"),
        (r#""name": "negate""#, r#""name": "scale""#, "two pipelines"),
        (r#""elem": "f32""#, r#""elem": "f31""#, "no element type `f31`"),
        (r#"{ "arg": 1, "scale": 2, "offset": 0 }"#, r#"{ "arg": 9, "scale": 2, "offset": 0 }"#, "argument 9"),
        (r#"{ "arg": 1, "scale": 2, "offset": 0 }"#, r#"{ "arg": 1, "scale": 0, "offset": 0 }"#, "factor 0"),
        (
            r#"{ "arg": 1, "scale": 2, "offset": 0 }"#,
            r#"{ "arg": 1, "scale": 9223372036854775807, "offset": 5 }"#,
            "not a possible size",
        ),
        (
            r#"{ "arg": 1, "scale": 2, "offset": 0 }"#,
            r#"{ "arg": 1, "scale": 1, "offset": -9223372036854775808 }"#,
            "not a possible size",
        ),
        (r#""values": ["i32"]"#, r#""values": ["i32","i32","i32","i32","i32","i32","i32","i32","i32"]"#, "9 values"),
        (r#""kind": "wasm""#, r#""kind": "seance""#, "seance"),
        (r#""requires": []"#, r#""requires": ["simd128", 7]"#, "7"),
        (r#""abi": [0, 1]"#, r#""abi": [1, 0]"#, "ABI 1.0"),
        (r#""abi": [0, 1]"#, r#""abi": 3"#, "pair of numbers"),
    ] {
        let text = refused(&lie(from, to));
        assert!(text.contains(part), "{to}: {text}");
    }
    let dims = r#"{ "text": "4", "value": { "fixed": 1 } },"#.repeat(40);
    let deep = lie(
        r#"{ "text": "4", "value": { "fixed": 4 } }"#,
        &format!(r#"{dims} {{ "text": "4", "value": {{ "fixed": 4 }} }}"#),
    );
    assert!(refused(&deep).contains("axes"));
}

#[test]
fn a_newer_minor_version_may_have_more_fields() {
    let newer = lie(r#""abi": [0, 1]"#, r#""abi": [0, 99], "colour": "green""#);
    exercise(&Engine::new().expect("engine"), &with_manifest(WAT, &newer)).expect("minor versions are compatible");
}

#[test]
fn huge_shapes_do_not_overflow() {
    let from = r#"{ "text": "4", "value": { "fixed": 4 } }"#;
    let huge = vec![r#"{ "text": "b", "value": { "fixed": 2147483647 } }"#; 20].join(", ");
    let text = refused(&lie(from, &huge));
    assert!(text.contains("does not lie aligned inside"), "{text}");
}

#[test]
fn every_truncation_is_an_error() {
    let wasm = fixture();
    let engine = Engine::new().expect("engine");
    for length in 0..wasm.len() {
        assert!(exercise(&engine, &wasm[..length]).is_err(), "{length} of {} bytes", wasm.len());
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let wasm = fixture();
    let engine = Engine::with(Options { max_memory: Some(64 << 20), ..Options::default() }).expect("engine");
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let manifest_at = wasm.windows(12).position(|window| window == b"kcc.manifest").expect("manifest");
    let mut loaded = 0;
    for _ in 0..3000 {
        let mut damaged = wasm.clone();
        // Code could be turned into an endless loop, so only the manifest is damaged here.
        for _ in 0..1 + random() % 3 {
            let at = manifest_at + random() as usize % (wasm.len() - manifest_at);
            damaged[at] = if random() % 2 == 0 { b"0123456789-"[random() as usize % 11] } else { random() as u8 };
        }
        loaded += usize::from(exercise(&engine, &damaged).is_ok());
    }
    assert!(loaded > 0, "some damage is harmless");
}

#[test]
fn damaged_code_never_panics_at_load() {
    let wasm = fixture();
    let engine = Engine::new().expect("engine");
    for at in (0..wasm.len().min(600)).step_by(5) {
        for value in [0u8, 0x7f, 0xff] {
            let mut damaged = wasm.clone();
            damaged[at] = value;
            // Loaded, not run: damaged code may loop for ever.
            let _ = Module::from_bytes(&engine, &damaged);
        }
    }
}

#[test]
fn traps_imports_and_odd_memories_are_errors() {
    let engine = Engine::new().expect("engine");
    let trap = WAT.replacen("(local $n i32) (local $i i32)", "(local $n i32) (local $i i32) unreachable", 1);
    let text = exercise(&engine, &with_manifest(&trap, MANIFEST)).expect_err("traps").to_string();
    assert!(text.contains("trapped"), "{text}");
    let start = WAT.replacen("(memory", "(start $s) (func $s unreachable) (memory", 1);
    assert!(matches!(exercise(&engine, &with_manifest(&start, MANIFEST)), Err(Error::Trap(_))));
    let import = WAT.replacen("(memory", r#"(import "env" "f" (func)) (memory"#, 1);
    let text = exercise(&engine, &with_manifest(&import, MANIFEST)).expect_err("imports").to_string();
    assert!(text.contains("imports `f` from `env`"), "{text}");
    let shared = WAT.replacen("17)", "17 20 shared)", 1);
    assert!(exercise(&engine, &with_manifest(&shared, MANIFEST)).is_err());
    let unnamed = WAT.replacen(r#"(export "memory")"#, "", 1);
    assert!(exercise(&engine, &with_manifest(&unnamed, MANIFEST)).is_err());
    let tiny = WAT.replacen("17)", "0)", 1);
    assert!(exercise(&engine, &with_manifest(&tiny, MANIFEST)).is_err());
    let recursion = WAT.replacen("(memory", "(start $s) (func $s call $s) (memory", 1);
    assert!(matches!(exercise(&engine, &with_manifest(&recursion, MANIFEST)), Err(Error::Trap(_))));
}

#[test]
fn memory_is_limited_by_the_host() {
    let engine = Engine::with(Options { max_memory: Some(17 * 65536), ..Options::default() }).expect("engine");
    let mut instance = Module::from_bytes(&engine, &fixture()).expect("loads").instantiate().expect("fits");
    let error = instance.plan("scale", &[("H", 4096), ("W", 4096)]).expect_err("too large");
    assert!(error.to_string().contains("the memory cannot grow to the"), "{error}");
    let engine = Engine::with(Options { max_memory: Some(65536), ..Options::default() }).expect("engine");
    assert!(Module::from_bytes(&engine, &fixture()).expect("loads").instantiate().is_err());
}

#[test]
fn an_unknown_status_is_reported_as_such() {
    let engine = Engine::new().expect("engine");
    let odd = WAT.replacen("(return (i32.const 100))", "(return (i32.const 12345))", 1);
    let module = Module::from_bytes(&engine, &with_manifest(&odd, MANIFEST)).expect("loads");
    let mut instance = module.instantiate().expect("instantiates");
    let text = instance.plan("scale", &[("H", 1), ("W", 0)]).expect_err("fails").to_string();
    assert!(text.contains("status 12345"), "{text}");
}
