//! The commands on good programs.

mod common;

use common::{Folder, f32s, npy};

const SCALE: &str = "/// Scales.
pipeline scale(x: f32[N], gain: f32) -> f32[N] where N <= 1000 { for i { x[i] * gain } }

test \"scales\" { assert scale([1.0, 2.0], 3.0)[1] == 6.0 }
";

fn folder() -> Folder {
    Folder::new(&[("k/scale.k", SCALE)])
}

const IN: [&str; 4] = ["--in", "x=[1, -4, 2]", "--in", "gain=0.5"];

#[test]
fn build_run_and_inspect() {
    let folder = folder();
    let out = folder.good(&["build", "k/scale.k"]);
    assert!(out.starts_with("k/scale.wasm: ") && out.contains("KiB in") && out.contains(" ms"), "{out}");
    let expected = "result: f32[3]  from -2.0 to 1.0\n  0.5 -2.0 1.0\n";
    for args in [
        &["run", "k/scale.k"][..],
        &["run", "k/scale.k", "scale"],
        &["run", "k/scale.wasm"],
        &["run", "k/scale.k", "--engine", "eval"],
        &["run", "k/scale.k", "--profile", "scalar"],
        &["run", "k/scale.k", "--size", "N=3"],
    ] {
        assert_eq!(folder.good(&[args, &IN].concat()), expected, "{args:?}");
    }
    let out = folder.good(&["inspect", "k/scale.wasm"]);
    assert!(
        out.contains("/// Scales.\npipeline scale(x: f32[N], gain: f32) -> f32[N]\n  plan takes N <= 1000"),
        "{out}"
    );
    let manifest = folder.good(&["inspect", "k/scale.wasm", "--json"]);
    assert_eq!(manifest, folder.good(&["build", "k/scale.k", "--emit", "manifest"]));
}

#[test]
fn results_as_json_and_times() {
    let folder = folder();
    let out = folder.good(&[&["run", "k/scale.k", "--json", "--repeat", "3"][..], &IN].concat());
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["pipeline"], "scale");
    assert_eq!(json["results"][0]["shape"], serde_json::json!([3]));
    assert_eq!(json["results"][0]["values"], serde_json::json!([0.5, -2.0, 1.0]));
    assert_eq!(json["seconds"].as_array().expect("times").len(), 3);
    let out = folder.good(&[&["run", "k/scale.k", "--repeat", "3"][..], &IN].concat());
    assert!(out.contains("3 runs: median"), "{out}");
}

#[test]
fn every_level_has_a_text_form() {
    let folder = folder();
    let mut seen = std::collections::BTreeSet::new();
    for kind in ["ast", "hir", "tensor", "loops", "plan", "wat", "manifest"] {
        let text = folder.good(&["build", "k/scale.k", "--emit", kind]);
        assert!(text.contains("scale"), "{kind}: {text}");
        assert!(seen.insert(text), "{kind} differs from the others");
        assert!(!folder.path("k/scale.wasm").exists(), "--emit writes no module");
    }
    folder.good(&["build", "k/scale.k", "--emit", "wat", "-o", "x.wat"]);
    assert!(folder.read("x.wat").starts_with(b"(module"));
}

#[test]
fn the_same_bytes_in_every_folder_and_with_any_line_ends() {
    let folder = Folder::new(&[("a/main.k", ""), ("b/c/main.k", "")]);
    let main = "use \"./lib/twice.k\"\npipeline p(x: f32[N]) -> f32[N] { twice.twice(x) }\n";
    let lib = "fn twice(x: f32[N]) -> f32[N] { x * 2.0 }\n";
    for (place, prefix, crlf) in [("a", "", false), ("b/c", "\u{feff}", true)] {
        for (name, text) in [("main.k", main), ("lib/twice.k", lib)] {
            let text = if crlf { text.replace('\n', "\r\n") } else { text.to_string() };
            folder.write(&format!("{place}/{name}"), format!("{prefix}{text}").as_bytes());
        }
        folder.good(&["build", &format!("{place}/main.k")]);
    }
    assert_eq!(folder.read("a/main.wasm"), folder.read("b/c/main.wasm"));
}

#[test]
fn tests_run_on_both_engines() {
    let folder = folder();
    assert_eq!(folder.good(&["test", "k/scale.k"]), "ok    scales\n1 passed, 0 failed\n");
    folder.write("bad.k", format!("{SCALE}\ntest \"fails\" {{ assert 1 + 1 == 3, \"sums {{1 + 1}}\" }}\n").as_bytes());
    let ran = folder.kcc(&["test", "bad.k"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("ok    scales\nFAIL  fails\n") && ran.out.ends_with("1 passed, 1 failed\n"), "{ran:?}");
    assert!(!ran.err.contains("disagree"), "{ran:?}");
    assert_eq!(folder.good(&["test", "bad.k", "scal"]), "ok    scales\n1 passed, 0 failed\n");
    folder.write("none.k", b"pipeline p(x: f32) -> f32 { x }\n");
    assert!(folder.kcc(&["test", "none.k"]).err.contains("no tests"));
}

#[test]
fn check_for_people_and_editors() {
    let folder = folder();
    assert!(folder.kcc(&["check", "k/scale.k"]).err.contains("no errors"));
    assert_eq!(folder.good(&["check", "k/scale.k", "--json"]), "[]\n");
    folder.write("k/bad.k", b"pipeline p(x: f32[N]) -> f32[N] { for i { x[j] } }\n");
    let ran = folder.kcc(&["check", "k/bad.k"]);
    assert!(ran.code == 1 && ran.err.contains("k/bad.k:1:45"), "{ran:?}");
    assert!(!ran.err.contains('\u{1b}'), "no colour without a terminal");
    let ran = folder.kcc(&["check", "k/bad.k", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert!(ran.code == 1 && ran.err.is_empty());
    assert_eq!(json[0]["labels"][0]["file"], "k/bad.k");
    assert_eq!(json[0]["code"], "E0201");
}

#[test]
fn explain_names_stages_kernels_and_memory() {
    let folder = folder();
    let out = folder.good(&["explain", "k/scale.k"]);
    for part in ["pipeline scale(x: f32[N], gain: f32) -> f32[N]", "stages", "kernels", "memory", "k/scale.k:2"] {
        assert!(out.contains(part), "{part}: {out}");
    }
}

#[test]
fn explain_estimates_work_and_says_what_is_checked_and_when() {
    let program = "pipeline p(x: f32[R, K], y: f32[K, N], at: i32[M]) -> f32[M, N] {
    for i, j { sum k { x[at[i], k] * y[k, j] } }
}
";
    let folder = Folder::new(&[("p.k", program)]);
    let out = folder.good(&["explain", "p.k"]);
    for part in [
        "  stages: 0 fused into their readers, 1 stored",
        "that the index of axis 0 of `x` lies inside\n",
        "at each call, in a loop: ",
        "p.k:2",
        "f32[M, N]",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let json: serde_json::Value = serde_json::from_str(&folder.good(&["explain", "p.k", "--json"])).expect("JSON");
    let pipeline = &json["pipelines"][0];
    assert_eq!(pipeline["pipeline"], "p");
    assert_eq!(pipeline["checks"][0]["place"], "p.k:2");
    assert_eq!(pipeline["memory"]["buffers"][0]["role"], "parameter");
    let sizes = ["--size", "R=2", "--size", "K=3", "--size", "N=5", "--size", "M=2"];
    let fixed = folder.good(&[&["explain", "p.k", "--json"][..], &sizes].concat());
    let json: serde_json::Value = serde_json::from_str(&fixed).expect("JSON");
    assert_eq!(json["pipelines"][0]["work"][0]["float_operations"], "60");
    assert_eq!(json["pipelines"][0]["work"][0]["bytes_written"], "40");
}

#[test]
fn new_folders_work_at_once() {
    let folder = Folder::new(&[]);
    folder.good(&["new", "My Kernel"]);
    assert!(folder.good(&["test", "My Kernel/pipeline.k"]).contains("1 passed, 0 failed"));
    folder.good(&["build", "My Kernel/pipeline.k"]);
    let out = folder.good(&["run", "My Kernel/pipeline.wasm", "--in", "x=[1, -4, 2]", "--in", "level=0.5"]);
    assert!(out.contains("0.125 -0.5 0.25"), "{out}");
    for file in ["embed.rs", "Cargo.toml", "embed.mjs", "package.json", "index.html", "README.md", ".gitignore"] {
        assert!(!folder.read(&format!("My Kernel/{file}")).is_empty());
    }
    assert!(String::from_utf8(folder.read("My Kernel/Cargo.toml")).expect("text").contains("name = \"my-kernel\""));
}

#[test]
fn another_standard_library_can_be_given() {
    let folder = Folder::new(&[("main.k", "use std.mine\npipeline p(x: f32) -> f32 { mine.f(x) }\n")]);
    folder.bad(&["check", "main.k"], 1, "no module `mine`");
    folder.write("lib/mine.k", b"fn f(x: f32) -> f32 { x + 1.0 }\n");
    let out = folder.good(&["run", "main.k", "--std", "lib", "--in", "x=2"]);
    assert_eq!(out, "result: f32 = 3.0\n");
}

#[test]
fn compiled_code_is_kept_where_asked() {
    let folder = folder();
    let args = [&["run", "k/scale.k", "--cache", "code"][..], &IN].concat();
    let first = folder.good(&args);
    assert_eq!(std::fs::read_dir(folder.path("code")).expect("made").count(), 1);
    assert_eq!(folder.good(&args), first);
    folder.bad(&[&["run", "k/scale.k", "--cache", "k/scale.k"][..], &IN].concat(), 1, "cannot hold compiled code");
}

#[test]
fn versions_help_and_completions() {
    let folder = Folder::new(&[]);
    let version = folder.good(&["--version"]);
    assert!(version.contains("(language ") && version.contains(", ABI ") && version.contains(", std "), "{version}");
    assert!(folder.good(&["run", "--help"]).contains("Examples:"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(folder.good(&["completions", shell]).contains("kcc"), "{shell}");
    }
}

#[test]
fn files_are_embedded_relative_to_their_source() {
    let program = "const TABLE = embed_npy(\"data/table.npy\")\n\
        const HALVES = embed_npy(\"data/halves.npy\")\n\
        const WEIGHT = embed_safetensors(\"data/model.safetensors\", \"layer.weight\")\n\
        const BYTES = embed(\"data/halves.npy\")\n\
        pipeline p(x: f32[3]) -> f32[2] { for i { sum j { TABLE[i, j] * x[j] } + WEIGHT[i] + f32(HALVES[0]) } }\n\
        test \"as in the files\" {\n    \
            assert TABLE[1, 2] == 6.0 and WEIGHT[1] == -8.0 and HALVES[0] == 1.0 and BYTES[1] == 78\n    \
            assert p([1.0, 0.0, 2.0])[0] == 16.0\n}\n";
    let folder = Folder::new(&[("lib/p.k", program)]);
    folder.write("lib/data/table.npy", &npy("<f4", "(2, 3)", &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
    folder.write("lib/data/halves.npy", &npy("<f2", "(1,)", &[0, 0x3c]));
    let header = r#"{"layer.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let mut model = (header.len() as u64).to_le_bytes().to_vec();
    model.extend(header.as_bytes());
    model.extend(f32s(&[8.0, -8.0]));
    folder.write("lib/data/model.safetensors", &model);
    folder.good(&["test", "lib/p.k"]);
    for engine in ["wasmtime", "eval"] {
        let out = folder.good(&["run", "lib/p.k", "--in", "x=[1, 0, 2]", "--engine", engine]);
        assert!(out.contains("16.0 9.0"), "{out}");
    }
    // Cut off in the middle of the data, and a tensor that is not there.
    folder.write("lib/data/model.safetensors", &model[..model.len() - 1]);
    folder.bad(&["check", "lib/p.k"], 1, "tensor `layer.weight` lies outside the 7 bytes of data");
    folder.write("lib/data/model.safetensors", &model);
    folder.write("lib/data/table.npy", &npy("<f4", "(2, 3)", &f32s(&[1.0; 5])));
    folder.bad(&["check", "lib/p.k"], 1, "its header promises shape [2, 3] of f32, but it holds 20 bytes of data");
}
