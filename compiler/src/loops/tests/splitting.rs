//! Loops split at borders, and screened checks: the bits of the evaluator for every size, and what must have happened.

use super::scheduling::{agree, scheduled};

/// Sizes below, at and above a border's width and a vector's.
const SIZES: [i64; 7] = [0, 1, 2, 4, 5, 8, 19];

/// Runs a program over columns of all sizes; gives its schedule.
fn rows(text: &str, least: i64) -> String {
    let mut schedule = String::new();
    for (n, m) in SIZES.into_iter().zip([3, 1, 6, 0, 2, 4, 5]).filter(|(n, m)| *n.min(m) >= least) {
        schedule = agree(text, &[&[m, n]]);
    }
    schedule
}

fn blur(index: &str) -> String {
    let facts = if index.contains("else") { "" } else { "where H >= 1, W >= 1" };
    format!(
        "pipeline p(x: f32[H, W]) -> f32[H, W] {facts} {{
            for y in 0..H, i in 0..W {{ sum a in 0..3, b in 0..3 {{ x[{index}] }} }}
        }}"
    )
}

#[test]
fn every_border_of_a_stencil() {
    for (index, least) in [
        ("y + a - 1, i + b - 1 else 0.0", 0),
        ("clamp: y + a - 1, clamp: i + b - 1", 1),
        ("reflect: y + a - 1, reflect: i + b - 1", 1),
        ("wrap: y + a - 1, wrap: i + b - 1", 1),
        ("clamp: y + a - 1, i + b - 1 else 7.0", 1),
    ] {
        let schedule = rows(&blur(index), least);
        // The rows at the edges have lanes, too.
        assert!(schedule.contains("p.result: j split; i split; j vector 4; j vector 4"), "{schedule}: {index}");
    }
}

#[test]
fn what_lies_beside_a_picture_gets_lanes_too() {
    let text = "pipeline p(x: f32[H, W], n: i32) -> f32[H, W + 40] { for y in 0..H, i in 0..W + 40 { x[y, i - 20 else 0.5] } }";
    for n in SIZES {
        let schedule = agree(text, &[&[3, n], &[]]);
        assert_eq!(schedule, "p.result: j split; j vector 4; j vector 4; j vector 4");
    }
    let text = "pipeline p(x: f32[N], y: f32[M]) -> f32[N + M] { concat(x, y, axis: 0) }";
    for n in SIZES {
        for m in SIZES {
            // Where the second tensor is read, its last element is a border once more.
            assert_eq!(agree(text, &[&[n], &[m]]), "p.result: i split; i split; i vector 4; i vector 4");
        }
    }
}

/// Conditions on both indices, on a bound from outside, on multiples, the other way round.
#[test]
fn conditions_of_many_forms() {
    for text in [
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H, i in 0..W { if i <= y { x[y, i] } else { x[y, clamp: i - y] } } }",
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H, i in 0..W { if i < 5 { x[y, i] } else { 0.0 } + (if i >= 5 { x[y, clamp: W - i] } else { 1.0 }) } }",
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H, i in 0..W { x[y, W - 3 - i else 1.0] + x[y, reflect: 2 * i - 3] } }",
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H, i in 0..W { x[y, 2 * i + y else 1.0] * x[clamp: y - i, clamp: y + i] } }",
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H, i in 0..W { if not (i > 2 and i < W - 2) { x[y, i] } else { x[y, i - 2 else 3.0] } } }",
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H, i in 0..W { if i + y > 3 or i == 1 { x[y, i] } else { x[clamp: i, clamp: y] } } }",
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H, i in 0..W { if i < y { sum k in 0..i + 1 { x[y, k] } } else { 2.0 } } }",
        "pipeline p(x: u8[H, W]) -> i32[H] { for y in 0..H { sum i in 0..W { i32(x[y, i - 1 else 3]) } } }",
        "pipeline p(x: u8[H, W]) -> u8[H, W, 3] { for y in 0..H, i in 0..W, c in 0..3 { x[y, clamp: i - c] } }",
    ] {
        let least = i64::from(text.contains("clamp") || text.contains("reflect"));
        let text = if least == 1 { text.replacen("] {", "] where H >= 1, W >= 1 {", 1) } else { text.to_string() };
        rows(&text, least);
    }
}

/// An index that wraps at 32 bits is not the number that it looks like.
#[test]
fn sums_that_wrap() {
    let text = "pipeline p(x: f32[N], at: i32[1]) -> f32[N] { for i in 0..N { if i + at[0] < 3 { x[i] } else { x[N - 1 - i] * 2.0 } } }";
    let text = text.replace("i + at[0]", "i + at[0] * 1000000007");
    for n in [5, 40] {
        agree(&text, &[&[n], &[1]]);
    }
    let text = "pipeline p(x: f32[N]) -> f32[N] { for i in 0..N { if i * 500000000 < 3 { x[i] } else { x[N - 1 - i] * 2.0 } } }";
    for n in [5, 40] {
        agree(text, &[&[n]]);
    }
}

#[test]
fn a_convolution_with_padding() {
    let text = "
        pipeline p(x: f32[C, H, W], w: f32[K, C, 3, 3]) -> f32[K, H, W] {
            for k, y in 0..H, i in 0..W { sum c, a in 0..3, b in 0..3 { x[c, y + a - 1, i + b - 1 else 0.0] * w[k, c, a, b] } }
        }";
    for (c, h, w, k) in [(2, 5, 9, 3), (1, 1, 1, 1), (0, 4, 4, 2), (3, 2, 21, 5), (2, 0, 3, 1)] {
        let schedule = agree(text, &[&[c, h, w], &[k, c, 3, 3]]);
        assert!(schedule.contains("k split; j split; k vector 4; j jam 4; k vector 4 x2"), "{schedule}");
    }
    let strided = "
        pipeline p(x: f32[C, H, W], w: f32[C, 3, 3]) -> f32[H / 2, W / 2] {
            for y in 0..H / 2, i in 0..W / 2 { sum c, a in 0..3, b in 0..3 { x[c, 2 * y + a - 1, 2 * i + b - 1 else 0.0] * w[c, a, b] } }
        }";
    for (c, h, w) in [(2, 6, 18), (1, 2, 2), (2, 9, 41)] {
        agree(strided, &[&[c, h, w], &[c, 3, 3]]);
    }
}

#[test]
fn what_is_not_split() {
    // Short loops, loops in order, conditions that do not cost more than a splitted loop.
    for text in [
        "pipeline p(x: f32[H, W]) -> f32[H, 4] where W >= 1 { for y in 0..H, i in 0..4 { x[y, clamp: i - 1] } }",
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H { scan sum i in 0..W { x[y, i - 1 else 0.0] } } }",
        "pipeline p(x: f32[H, W]) -> f32[H, W] { for y in 0..H, i in 0..W { x[y, i] * (if i > 2 { 1.0 } else { 0.5 }) } }",
    ] {
        let schedule = scheduled(text);
        assert!(!schedule.contains("split"), "{schedule}\n{text}");
    }
}

#[test]
fn checks_are_screened() {
    let text = "pipeline p(x: f32[M], at: i32[N]) -> f32[N] { for i { x[at[i]] } }";
    // The indices of `fill` are out of range almost always, so nothing is read.
    for n in [0, 1, 4, 17, 40] {
        let schedule = agree(text, &[&[7], &[n]]);
        assert!(schedule.contains("p.check: screened; i fold, vector 4"), "{schedule}");
    }
    let text = "pipeline p(x: u8[N, M]) -> u8[N, M] { for i, j { x[i, j] / (x[i, j] >> 7) } }";
    for n in [0, 1, 5, 16, 33] {
        let schedule = agree(text, &[&[3, n]]);
        assert!(schedule.contains("p.check: screened"), "{schedule}");
    }
}
