//! Bad input of every kind: a clear message, exit code 1 (program or data) or 2 (usage), never a panic, never a signal.

mod common;

use common::{Folder, f32s, npy};

const SCALE: &str = "/// Scales.
pipeline scale(x: f32[N, 2], gain: f32) -> f32[N, 2] where N <= 8, N >= 1 {
    assert gain < 100.0, \"gain {gain} is too much\"
    for i, j { x[i, j] * gain }
}
";

fn scale() -> Folder {
    Folder::new(&[("scale.k", SCALE)])
}

/// Runs `scale` with one x, on both engines: the outcome's code must be the same.
fn scale_fails(folder: &Folder, x: &str, code: i32, part: &str) {
    for engine in ["wasmtime", "eval"] {
        folder.bad(&["run", "scale.k", "--in", &format!("x={x}"), "--in", "gain=2", "--engine", engine], code, part);
    }
}

#[test]
fn wrong_shapes() {
    let folder = scale();
    scale_fails(&folder, "[1, 2, 3]", 1, "`x` is f32[3], expected f32[N, 2]");
    scale_fails(&folder, "[[1, 2, 3]]", 1, "`x` is f32[1, 3], expected f32[N, 2]");
    scale_fails(&folder, "5", 1, "`x` is f32, expected f32[N, 2]");
    scale_fails(&folder, "[[1, 2], [3]]", 2, "rows must be equally long");
    folder.write("x.npy", &npy("<f4", "(2, 2, 1)", &f32s(&[1.0; 4])));
    scale_fails(&folder, "@x.npy", 1, "f32[2, 2, 1], expected f32[N, 2]");
    folder.write("two.k", b"pipeline two(a: f32[N], b: f32[N]) -> f32[N] { a + b }\n");
    folder.bad(
        &["run", "two.k", "--in", "a=[1]", "--in", "b=[1, 2]"],
        1,
        "size `N` is 1 by axis 0 of `a` and 2 by axis 0 of `b`",
    );
    folder.bad(&["run", "two.k", "--engine", "eval", "--in", "a=[1]", "--in", "b=[1, 2]"], 1, "`b` has shape [2]");
}

#[test]
fn sizes_over_the_bounds_and_huge_declared_sizes() {
    let folder = scale();
    let rows = format!("[{}]", ["[0, 0]"; 9].join(", "));
    folder.bad(
        &["run", "scale.k", "--in", &format!("x={rows}"), "--in", "gain=1"],
        1,
        "size N = 9 is greater than its declared bound 8",
    );
    folder.bad(
        &["run", "scale.k", "--engine", "eval", "--in", &format!("x={rows}"), "--in", "gain=1"],
        1,
        "does not hold",
    );
    folder.bad(&["build", "scale.k", "--size", "N=9"], 1, "N");
    folder.bad(&["build", "scale.k", "--size", "M=9"], 1, "M");
    folder.write(
        "huge.k",
        b"pipeline huge(x: f32[N]) -> f32[N, 1000000000] where N <= 1000 { for i, j in 0..1000000000 { x[i] } }\n",
    );
    folder.bad(&["run", "huge.k", "--in", "x=[1, 2, 3]"], 1, "");
    folder.bad(&["build", "huge.k", "--max-memory", "64MiB"], 1, "memory");
    folder.write("fixed.k", b"pipeline fixed(x: f32[2000000000]) -> f32 { sum i { x[i] } }\n");
    folder.bad(&["run", "fixed.k", "--in", "x=[1]"], 1, "");
    folder.bad(&["build", "scale.k", "--max-memory", "1KiB"], 1, "memory");
    folder.write("x.bin", &[0; 16]);
    folder.bad(&["run", "scale.k", "--in", "x=@x.bin:4000000000x4000000000", "--in", "gain=1"], 1, "too large");
    folder.write("x.npy", &npy("<f4", "(1000000000000, 2)", &[0; 16]));
    folder.bad(&["run", "scale.k", "--in", "x=@x.npy", "--in", "gain=1"], 1, "promises");
}

#[test]
fn zero_sized_tensors() {
    let folder = Folder::new(&[(
        "empty.k",
        "pipeline total(x: f32[N, 3]) -> (sum: f32, big: f32, y: f32[N, 3]) { (sum: sum i, j { x[i, j] }, big: max i, j { x[i, j] }, y: x * 2.0) }
pipeline first(x: f32[N]) -> i32 { argmax i { x[i] } }
",
    )]);
    let ran = folder.kcc(&["run", "empty.k", "total", "--in", "x=[]"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("sum: f32 = 0.0")
            && ran.out.contains("big: f32 = -inf")
            && ran.out.contains("y: f32[0, 3]  empty"),
        "{ran:?}"
    );
    for engine in ["wasmtime", "eval"] {
        folder.bad(&["run", "empty.k", "first", "--in", "x=[]", "--engine", engine], 1, "of nothing");
    }
    folder.write("x.npy", &npy("<f4", "(0, 3)", &[]));
    folder.good(&["run", "empty.k", "total", "--in", "x=@x.npy", "--out", "y=y.npy"]);
    assert_eq!(folder.read("y.npy").len(), 128);
    folder.bad(&["run", "empty.k", "total", "--in", "x=@x.npy", "--out", "y=y.png"], 1, "picture");
    scale_fails(&scale(), "[]", 1, "N >= 1");
}

#[test]
fn missing_extra_and_repeated_inputs() {
    let folder = scale();
    folder.bad(&["run", "scale.k"], 2, "also takes `x: f32[N, 2]`, `gain: f32`");
    folder.bad(&["run", "scale.k", "--in", "x=[[1, 2]]"], 2, "also takes `gain: f32`");
    folder.bad(&["run", "scale.k", "--in", "x=[[1, 2]]", "--in", "gain=1", "--in", "bias=1"], 2, "no parameter `bias`");
    folder.bad(&["run", "scale.k", "--in", "x=[[1, 2]]", "--in", "x=[[1, 2]]", "--in", "gain=1"], 2, "given twice");
    folder.bad(&["run", "scale.k", "--in", "x"], 2, "NAME=VALUE");
    folder.bad(&["run", "scale.k", "--in", "=1"], 2, "NAME=VALUE");
}

#[test]
fn wrong_element_types() {
    let folder = scale();
    folder.write("f64.npy", &npy("<f8", "(1, 2)", &[0; 16]));
    scale_fails(&folder, "@f64.npy", 1, "`x` is f64[1, 2], expected f32[N, 2]; save it as float32");
    folder.write("c.npy", &npy("<c8", "(1, 2)", &[0; 16]));
    scale_fails(&folder, "@c.npy", 1, "for which the language has no type");
    scale_fails(&folder, "[[true, false]]", 2, "not a number");
    scale_fails(&folder, "\"ab\"", 2, "not a number");
    folder.write("small.k", b"pipeline small(x: u8[N], yes: bool) -> u8[N] { if yes { x } else { x + 1 } }\n");
    folder.bad(&["run", "small.k", "--in", "x=[300]", "--in", "yes=true"], 2, "beyond the range of u8");
    folder.bad(&["run", "small.k", "--in", "x=[1.5]", "--in", "yes=true"], 2, "not an integer");
    folder.bad(&["run", "small.k", "--in", "x=[1]", "--in", "yes=1"], 2, "not true or false");
}

#[test]
fn nan_and_infinities() {
    let folder = scale();
    let args = ["run", "scale.k", "--in", "x=[[nan, inf], [-inf, -0.0]]", "--in", "gain=2", "--json"];
    let out = folder.good(&args);
    assert!(out.contains(r#"[["nan","inf"],["-inf",-0.0]]"#), "{out}");
    // NaN is not less than the limit, so the assert fails and shows it.
    for engine in ["wasmtime", "eval"] {
        folder.bad(
            &["run", "scale.k", "--in", "x=[[1, 2]]", "--in", "gain=nan", "--engine", engine],
            1,
            "gain NaN is too much",
        );
    }
    scale_fails(&folder, "[[1e39, 0]]", 2, "beyond the range of f32");
    // A payload NaN in a file comes out as the canonical one.
    let odd = [f32::from_bits(0xffc1_2345), 1.0];
    folder.write("x.npy", &npy("<f4", "(1, 2)", &f32s(&odd)));
    folder.good(&["run", "scale.k", "--in", "x=@x.npy", "--in", "gain=1", "--out", "y.bin"]);
    assert_eq!(folder.read("y.bin")[..4], 0x7fc0_0000u32.to_le_bytes());
}

#[test]
fn a_failed_assert_is_one_line_with_its_place() {
    let folder = scale();
    for engine in ["wasmtime", "eval"] {
        let args = ["run", "scale.k", "--in", "x=[[1, 2]]", "--in", "gain=150.5", "--engine", engine];
        folder.bad(&args, 1, "gain 150.5 is too much");
        folder.bad(&args, 1, "scale.k:3:");
    }
    let ran = folder.kcc(&["run", "scale.k", "--in", "x=[[1, 2]]", "--in", "gain=150.5", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert!(json["error"]["message"].as_str().expect("text").contains("gain 150.5"), "{ran:?}");
    assert_eq!(ran.code, 1);
}

#[test]
fn unknown_pipelines_and_results() {
    let folder = Folder::new(&[(
        "two.k",
        "pipeline a(x: f32) -> f32 { x }\npipeline b(x: f32) -> (p: f32, q: f32) { (p: x, q: x) }\n",
    )]);
    folder.bad(&["run", "two.k", "c", "--in", "x=1"], 2, "no pipeline `c`, the file has `a`, `b`");
    folder.bad(&["run", "two.k", "--in", "x=1"], 2, "several pipelines");
    folder.bad(&["run", "two.k", "b", "--in", "x=1", "--out", "r=x.npy"], 2, "no result `r`, it gives p, q");
    folder.bad(&["run", "two.k", "b", "--in", "x=1", "--out", "x.npy"], 2, "several results");
    folder.bad(&["run", "two.k", "a", "--in", "x=1", "--out", "result=x.gif"], 2, ".npy .npz");
    folder.bad(&["run", "two.k", "a", "--in", "x=@x.gif"], 2, ".npy .npz");
    folder.bad(&["explain", "two.k", "c"], 2, "no pipeline `c`");
    folder.good(&["build", "two.k"]);
    folder.bad(&["run", "two.wasm", "c", "--in", "x=1"], 2, "no pipeline `c`");
    folder.write("none.k", b"const A = 1\n");
    folder.bad(&["run", "none.k"], 1, "no pipeline");
}

#[test]
fn source_that_is_not_utf8() {
    let folder = Folder::new(&[("main.k", "use \"./bad.k\"\npipeline p(x: f32) -> f32 { x }\n")]);
    folder.write("bad.k", b"const A = 1\nconst B = \xff\n");
    for command in ["check", "build", "test", "explain"] {
        folder.bad(&[command, "bad.k"], 1, "not UTF-8 text (byte 22)");
    }
    folder.bad(&["check", "main.k"], 1, "not UTF-8 text (byte 22)");
    folder.write("nul.k", b"pipeline p(x: f32) -> f32 { \0 }\n");
    folder.bad(&["check", "nul.k"], 1, "nul.k:1:29");
}

#[test]
fn deeply_nested_source() {
    let nest = |open: &str, inner: &str, close: &str| {
        format!("pipeline p(x: f32) -> f32 {{ {}{inner}{} }}\n", open.repeat(20_000), close.repeat(20_000))
    };
    let files = [
        nest("(", "x", ")"),
        nest("-", "x", ""),
        nest("{ ", "x", " }"),
        nest("if true { ", "x", " } else { x }"),
        nest("sin(", "x", ")"),
        nest("x + (", "x", ")"),
        nest("[", "x", "]"),
        nest("(", "", ""),
    ];
    for (number, text) in files.iter().enumerate() {
        let name = format!("deep{number}.k");
        let folder = Folder::new(&[(&name, text)]);
        folder.bad(&["check", &name], 1, "error");
    }
    // Long is not deep: a chain of operators is an ordinary program.
    let chain = format!("pipeline p(x: f32) -> f32 {{ x{} }}\n", " + x".repeat(500));
    let folder = Folder::new(&[("chain.k", &chain)]);
    let ran = folder.kcc(&["check", "chain.k"]);
    assert!(ran.code == 0 || ran.code == 1 && ran.err.contains("nested"), "{ran:?}");
}

#[test]
fn enormous_literals() {
    let digits = "9".repeat(100_000);
    for text in [
        format!("pipeline p(x: i32) -> i32 {{ x + {digits} }}\n"),
        format!("pipeline p(x: f32) -> f32 {{ x + {digits}.0e{digits} }}\n"),
        format!("pipeline p(x: f32[{digits}]) -> f32 {{ x[0] }}\n"),
        "pipeline p(x: f32) -> f32 { x + 1.0e999 }\n".to_string(),
        "pipeline p(x: u8) -> u8 { x + 256 }\n".to_string(),
    ] {
        let folder = Folder::new(&[("big.k", &text)]);
        let ran = folder.kcc(&["check", "big.k"]);
        assert_eq!(ran.code, 1, "{}: {ran:?}", &text[..60.min(text.len())]);
        assert!(ran.err.contains("error[E"), "{ran:?}");
        assert!(ran.err.len() < 10_000, "a message does not repeat 100,000 digits");
    }
    let folder = scale();
    scale_fails(&folder, &digits[..50_000], 2, "beyond the range of f32");
    let string = format!("pipeline p(x: u8) -> u8 {{ \"{}\"[0] + x }}\n", "a".repeat(1 << 20));
    let folder = Folder::new(&[("text.k", &string)]);
    folder.good(&["run", "text.k", "--in", "x=1"]);
}

#[test]
fn cyclic_and_missing_use() {
    let folder = Folder::new(&[
        ("a.k", "use \"./b.k\"\npipeline p(x: f32) -> f32 { x }\n"),
        ("b.k", "use \"./lib/../c.k\"\n"),
        ("c.k", "use \"./a.k\"\n"),
        ("self.k", "use \"./self.k\"\n"),
        ("missing.k", "use \"./none.k\"\nuse std.nothing\n"),
        ("absolute.k", "use \"/etc/passwd\"\n"),
        ("folder.k", "use \"./lib\"\n"),
    ]);
    folder.write("lib/x.k", b"");
    folder.bad(&["check", "a.k"], 1, "E0204");
    folder.bad(&["check", "self.k"], 1, "E0204");
    folder.bad(&["check", "missing.k"], 1, "no such file");
    folder.bad(&["check", "missing.k"], 1, "no module `nothing`");
    folder.bad(&["check", "absolute.k"], 1, "relative");
    folder.bad(&["check", "folder.k"], 1, "folder");
}

#[test]
fn missing_files() {
    let folder = scale();
    for command in ["check", "build", "test", "explain", "inspect", "run"] {
        folder.bad(&[command, "none.k"], 1, "none.k: there is no such file");
    }
    folder.bad(&["run", "none.wasm"], 1, "none.wasm: there is no such file");
    folder.bad(&["check", "."], 1, "folder");
    scale_fails(&folder, "@none.npy", 1, "none.npy: there is no such file");
    folder.bad(&["check", "scale.k", "--std", "nowhere"], 2, "no such folder");
}

#[test]
fn unwritable_output() {
    let folder = scale();
    folder.write("taken/x", b"");
    folder.bad(&["build", "scale.k", "-o", "taken"], 1, "taken: ");
    folder.bad(&["build", "scale.k", "-o", "none/x.wasm"], 1, "none/x.wasm: there is no such file");
    folder.bad(&["build", "scale.k", "--emit", "wat", "-o", "none/x.wat"], 1, "none/x.wat");
    let run = ["run", "scale.k", "--in", "x=[[1, 2]]", "--in", "gain=1", "--out"];
    folder.bad(&[&run[..], &["none/y.npy"]].concat(), 1, "none/y.npy: there is no such file");
    folder.bad(&[&run[..], &["y.wav"]].concat(), 1, "sample rate");
    folder.bad(&[&run[..], &["y.png"]].concat(), 1, "picture");
    folder.bad(&["new", "taken"], 1, "not empty");
    folder.bad(&["new", "scale.k"], 1, "scale.k: ");
}

#[test]
fn modules_that_are_none() {
    let folder = scale();
    folder.good(&["build", "scale.k"]);
    let wasm = folder.read("scale.wasm");
    for length in [0, 4, 8, wasm.len() / 2, wasm.len() - 1] {
        folder.write("cut.wasm", &wasm[..length]);
        folder.bad(&["inspect", "cut.wasm"], 1, "cut.wasm: ");
        folder.bad(&["run", "cut.wasm", "--in", "x=[[1, 2]]", "--in", "gain=1"], 1, "cut.wasm: ");
    }
    folder.write("text.wasm", b"hello");
    folder.bad(&["inspect", "text.wasm"], 1, "not a module");
    folder.bad(&["run", "scale.wasm", "--engine", "eval"], 2, "runs sources");
    folder.bad(&["run", "scale.wasm", "--size", "N=3"], 2, "compiled already");
}

#[test]
fn wrong_usage() {
    let folder = scale();
    for args in [
        &["frobnicate"][..],
        &["build"],
        &["build", "scale.k", "--emit", "poetry"],
        &["build", "scale.k", "--profile", "avx"],
        &["build", "scale.k", "--size", "N"],
        &["build", "scale.k", "--size", "N=-1"],
        &["build", "scale.k", "--max-memory", "lots"],
        &["run", "scale.k", "--repeat", "0"],
        &["completions", "elvis"],
        &[],
    ] {
        let ran = folder.kcc(args);
        assert_eq!(ran.code, 2, "{args:?}: {ran:?}");
        assert!(ran.out.is_empty(), "{ran:?}");
    }
}
