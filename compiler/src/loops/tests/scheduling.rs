//! Scheduling of whole programs, written as text: the bits of the evaluator at every level, and the lanes that the
//! loops must get.

use super::agree_with;
use crate::pipeline::{Options, check, lower};
use crate::source::{Resolved, Resolver};
use crate::tensor;
use crate::tensor::eval::{TensorValue, run};
use crate::types::{Const, Scalar};

struct Text<'a>(&'a str);

impl Resolver for Text<'_> {
    fn source(&self, _from: &str, path: &str) -> Result<Resolved, String> {
        let (text, is_std) = if path == "main.k" { (self.0, false) } else { ("", true) };
        Ok(Resolved { name: path.to_string(), text: text.to_string(), is_std })
    }

    fn bytes(&self, _from: &str, _path: &str) -> Result<Vec<u8>, String> {
        Err("no files".to_string())
    }
}

fn compile(text: &str) -> tensor::Program {
    let show = |rejected: Box<crate::pipeline::Rejected>| -> tensor::Program {
        let all: Vec<String> = rejected.diagnostics.iter().map(|d| format!("{}: {:?}", d.message, d.labels)).collect();
        panic!("{}\n{text}", all.join("\n"))
    };
    let checked = match check(&Text(text), "main.k") {
        Ok(checked) => checked,
        Err(rejected) => return show(rejected),
    };
    match lower(checked, &Options::default()) {
        Ok(lowered) => lowered.program,
        Err(rejected) => show(rejected),
    }
}

/// Values of all kinds, the same each time.
fn fill(elem: Scalar, dims: &[i64], seed: u64) -> TensorValue {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    };
    let count: i64 = dims.iter().product();
    let mut bytes = Vec::new();
    for _ in 0..count {
        let raw = next();
        let value = match elem {
            Scalar::F32 => Const::f32(match raw % 41 {
                0 => -0.0,
                1 => f32::NAN,
                2 => f32::INFINITY,
                _ => (raw % 2000) as f32 / 64.0 - 15.0,
            }),
            Scalar::F64 => Const::f64((raw % 2000) as f64 / 64.0 - 15.0),
            Scalar::Bool => Const::bool(raw % 3 == 0),
            Scalar::F16 => Const { ty: Scalar::F16, bits: 0x3000 + raw % 0x1800 },
            _ => Const::int(elem, i128::from(raw) - (1 << 40)),
        };
        bytes.extend(value.to_le_bytes());
    }
    TensorValue { elem, dims: dims.to_vec(), bytes }
}

/// Runs a program on inputs of these shapes at every level; gives its schedules.
pub(super) fn agree(text: &str, shapes: &[&[i64]]) -> String {
    let program = compile(text);
    let pipeline = &program.pipelines[0];
    let inputs: Vec<TensorValue> = pipeline
        .params
        .iter()
        .zip(shapes)
        .enumerate()
        .map(|(n, (param, dims))| fill(pipeline.tensors[*param].elem, dims, n as u64 + 7))
        .collect();
    let expected = run(&program, 0, &inputs, 1 << 34);
    agree_with(&program, &inputs, &expected);
    schedules(&program)
}

/// The schedules of a program's kernels.
pub fn scheduled(text: &str) -> String {
    schedules(&compile(text))
}

fn schedules(program: &tensor::Program) -> String {
    let mut loops = crate::loops::lower(program, &program.pipelines[0]);
    crate::loops::screen::screen(&mut loops);
    crate::loops::split::split(&mut loops);
    crate::loops::schedule::schedule(&mut loops);
    let lines: Vec<String> = loops.kernels.iter().map(|k| format!("{}: {}", k.name, k.schedule)).collect();
    lines.join("\n")
}

#[test]
fn elementwise_with_all_tails() {
    let text = "pipeline p(x: f32[N], y: f32[N]) -> f32[N] { for i { max(x[i], y[i]) * 2.0 - abs(x[i]) } }";
    for n in [0, 1, 3, 4, 5, 16, 19] {
        assert_eq!(agree(text, &[&[n], &[n]]), "p.result: i vector 4");
    }
}

#[test]
fn bytes_stay_narrow() {
    let text = "pipeline p(x: u8[N], t: u8) -> u8[N] { for i { if x[i] > t { x[i] - t } else { x[i] & 15 } } }";
    for n in [0, 5, 16, 33] {
        assert_eq!(agree(text, &[&[n], &[]]), "p.result: i vector 16");
    }
    let text = "pipeline p(x: i16[N]) -> i16[N] { for i { x[i] * x[i] + 3 } }";
    assert_eq!(agree(text, &[&[21]]), "p.result: i vector 8");
}

#[test]
fn adjacent_loops_are_joined() {
    let text = "pipeline p(x: u8[H, W, 3]) -> f32[H, W, 3] { for y, x1, c { f32(x[y, x1, c]) / 255.0 } }";
    assert_eq!(agree(text, &[&[3, 5, 3]]), "p.result: k vector 4");
    let text = "pipeline p(x: u8[H, W, 3]) -> f32[H - 1, W, 3] where H >= 1 { for y in 0..H - 1, x1, c { f32(x[y + 1, x1, c]) } }";
    assert_eq!(agree(text, &[&[4, 5, 3]]), "p.result: k vector 4");
}

#[test]
fn products_are_tiled() {
    let text = "pipeline p(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { for i, j { sum k { a[i, k] * b[k, j] } } }";
    let tiles = "i, j tile 4x8 over k by 256, packed by 512";
    for (m, k, n) in [(4, 3, 8), (9, 7, 21), (3, 1, 3), (1, 0, 9), (0, 4, 4), (6, 5, 4)] {
        assert_eq!(agree(text, &[&[m, k], &[k, n]]), format!("p.result: {tiles}; i jam 4; j vector 4 x2"));
    }
    let text =
        "pipeline p(a: f32[M, K], b: f32[N, K]) -> f32[M, N] { for i, j { max(0.0, sum k { a[i, k] * b[j, k] }) } }";
    agree(text, &[&[9, 7], &[13, 7]]);
}

#[test]
fn sums_get_sixteen_lanes() {
    let text = "pipeline p(x: f32[B, N]) -> f32[B] { for b { sum i { x[b, i] * x[b, i] } } }";
    for n in [0, 5, 16, 40, 100, 70_000] {
        assert_eq!(agree(text, &[&[2, n]]), "p.result: n sixteen partials, vector 4");
    }
    let text = "pipeline p(x: f64[N]) -> f64 { sum i { x[i] } }";
    assert_eq!(agree(text, &[&[37]]), "p.result: n sixteen partials, vector 2");
    let text = "pipeline p(x: f32[N]) -> (a: f32, b: f32) { (max i { x[i] }, min i { x[i] }) }";
    agree(text, &[&[50]]);
}

#[test]
fn integer_folds_take_any_order() {
    let text = "pipeline p(x: u8[N]) -> i32 { sum i { i32(x[i]) } }";
    for n in [0, 7, 8, 30] {
        assert_eq!(agree(text, &[&[n]]), "p.result: i fold, vector 4 x2");
    }
    let text = "pipeline p(x: i32[N]) -> (a: i32, b: bool, c: i32, d: bool) { (max i { x[i] }, any i { x[i] > 5 }, count i { x[i] < 0 }, all i { x[i] != 1 }) }";
    agree(text, &[&[43]]);
    agree("pipeline p(x: f32[N]) -> (a: i32, b: i32) { (argmax i { x[i] }, argmin i { x[i] }) }", &[&[29]]);
}

#[test]
fn columns_and_channels_in_lanes() {
    // Reductions over rows: the columns are in the lanes.
    let text = "pipeline p(x: f32[M, N]) -> f32[N] { for j { max i { x[i, j] } } }";
    assert!(agree(text, &[&[6, 22]]).contains("vector 4"));
    // Which column is greatest, for each row of lanes.
    let text = "pipeline p(x: f32[M, N]) -> i32[N] { for j { argmax i { x[i, j] } } }";
    assert!(agree(text, &[&[6, 22]]).contains("vector 4"));
    // Interleaved to planar.
    let text = "pipeline p(x: u8[H, W, 3]) -> f32[3, H, W] { for c, y, i { f32(x[y, i, c]) / 255.0 } }";
    assert!(agree(text, &[&[3, 9, 3]]).contains("vector 4"));
    // Drop alpha; and a grey picture.
    agree("pipeline p(x: u8[H, W, 4]) -> u8[H, W, 3] { for y, i, c in 0..3 { x[y, i, c] } }", &[&[3, 9, 4]]);
    let text = "pipeline p(x: u8[H, W, 3]) -> u8[H, W] { for y, i { u8((i32(x[y, i, 0]) * 77 + i32(x[y, i, 1]) * 150 + i32(x[y, i, 2]) * 29) >> 8) } }";
    assert!(agree(text, &[&[3, 9, 3]]).contains("vector 4"));
    // Backwards, transposed, through a table.
    agree("pipeline p(x: f32[M, N]) -> f32[N, M] { for j, i { x[i, j] } }", &[&[5, 9]]);
    agree("pipeline p(x: f32[N]) -> f32[N] { for i in 0..N { x[N - 1 - i] } }", &[&[11]]);
    agree("pipeline p(x: u8[N], t: f32[256]) -> f32[N] { for i { t[i32(x[i])] } }", &[&[13], &[256]]);
}

/// Sums over ranges from a table, channels in lanes, rows side by side.
#[test]
fn table_bounded_sums() {
    let text = "
        pipeline p(x: u8[H, W, 4], w: i32[8, 3]) -> u8[H, 8, 3] where W >= 10 {
            let first = for i in 0..8 { i }
            let last = for i in 0..8 { i + 3 }
            for y, i, c in 0..3 {
                let acc = sum s in first[i]..last[i] { i32(x[y, s, c]) * w[i, s - first[i]] }
                u8(min(max((acc + 512) >> 10, 0), 255))
            }
        }";
    for h in [1, 4, 7] {
        agree(text, &[&[h, 12, 4], &[8, 3]]);
    }
}

#[test]
fn borders_and_half_floats() {
    agree(
        "pipeline p(x: f32[M, N]) -> f32[M, N] { for y in 0..M, i in 0..N { x[clamp: y - 1, clamp: i + 2] + x[y, i - 1 else 7.0] } }",
        &[&[4, 11]],
    );
    agree("pipeline p(x: f16[N]) -> f16[N] { for i { f16(f32(x[i]) * 2.0) } }", &[&[11]]);
    agree("pipeline p(x: f32[N]) -> f32[N] { scan sum i { x[i] } }", &[&[11]]);
}

/// `softmax` without `exp`: a group of stages, row by row.
#[test]
fn groups_of_stages() {
    let text = "
        pipeline p(x: f32[B, N]) -> f32[B, N] {
            let m = for b { max i { x[b, i] } }
            let e = for b, i { sqrt(abs(x[b, i] - m[b])) }
            let z = for b { sum i { e[b, i] } }
            for b, i { e[b, i] / z[b] }
        }";
    for (b, n) in [(2, 37), (1, 3), (3, 0), (0, 5)] {
        agree(text, &[&[b, n]]);
    }
}
