//! Contractions: that they are found by structure in every layout, that tiles of all heights, widths and depths give
//! the evaluator's bits, and what is left alone.

use super::scheduling::agree;

const TILES: &str = "tile 4x8 over";

/// Runs a contraction, which must be tiled.
fn tiled(text: &str, shapes: &[&[i64]]) {
    let schedule = agree(text, shapes);
    assert!(schedule.contains(TILES), "{schedule}\n{text}");
}

#[test]
fn all_edges_of_tiles() {
    let text = "pipeline p(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { for i, j { sum k { a[i, k] * b[k, j] } } }";
    for m in [8, 9, 11, 12] {
        for n in [16, 17, 20, 23, 24] {
            for k in [16, 19] {
                tiled(text, &[&[m, k], &[k, n]]);
            }
        }
    }
    // On either side of what pays, and nothing.
    for (m, k, n) in
        [(7, 16, 16), (8, 15, 16), (8, 16, 15), (0, 16, 16), (8, 0, 16), (8, 16, 0), (0, 0, 0), (1, 20, 30)]
    {
        tiled(text, &[&[m, k], &[k, n]]);
    }
}

#[test]
fn slices_and_blocks() {
    let text = "pipeline p(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { for i, j { sum k { a[i, k] * b[k, j] } } }";
    for k in [255, 256, 257, 512, 530] {
        tiled(text, &[&[9, k], &[k, 19]]);
    }
    for n in [511, 512, 513, 1030] {
        tiled(text, &[&[8, 17], &[17, n]]);
    }
    // Fixed sizes: no loops as they were beside the tiles.
    let text = "pipeline p(a: f32[9, 300], b: f32[300, 20]) -> f32[9, 20] { for i, j { sum k { a[i, k] * b[k, j] } } }";
    assert_eq!(agree(text, &[&[9, 300], &[300, 20]]), "p.result: i, j tile 4x8 over k by 256, packed by 512");
}

#[test]
fn every_layout() {
    for (a, b) in [("a[i, k]", "b[k, j]"), ("a[k, i]", "b[k, j]"), ("a[i, k]", "b[j, k]"), ("a[k, i]", "b[j, k]")] {
        for (axes, dims) in [("i, j", "M, N"), ("j, i", "N, M")] {
            let (a_dims, b_dims) =
                (if a == "a[i, k]" { "M, K" } else { "K, M" }, if b == "b[k, j]" { "K, N" } else { "N, K" });
            let text = format!(
                "pipeline p(a: f32[{a_dims}], b: f32[{b_dims}]) -> f32[{dims}] {{ for {axes} {{ sum k {{ {b} * {a} }} }} }}"
            );
            let (m, k, n) = (21, 37, 18);
            let first = if a == "a[i, k]" { [m, k] } else { [k, m] };
            let second = if b == "b[k, j]" { [k, n] } else { [n, k] };
            tiled(&text, &[&first, &second]);
        }
    }
}

#[test]
fn batches_and_heads() {
    let text = "pipeline p(a: f32[B, M, K], b: f32[K, N]) -> f32[B, M, N] { for b1, i, j { sum k { a[b1, i, k] * b[k, j] } } }";
    tiled(text, &[&[3, 9, 17], &[17, 18]]);
    let text = "pipeline p(q: f32[B, Q, H, D], k: f32[B, S, H, D]) -> f32[B, H, Q, S] { for b, h, i, j { sum d { q[b, i, h, d] * k[b, j, h, d] } } }";
    tiled(text, &[&[2, 9, 3, 16], &[2, 17, 3, 16]]);
    tiled(text, &[&[2, 3, 3, 4], &[2, 5, 3, 4]]);
}

#[test]
fn values_before_and_after() {
    // Scales of rows and columns, a weight of the summed index, and what follows the sum.
    let text = "
        pipeline p(a: f32[M, K], b: f32[N, K], s: f32[M], t: f32[N], w: f32[K]) -> f32[M, N] {
            for i, j { max(0.0, (sum k { (a[i, k] * s[i]) * w[k] * (b[j, k] - t[j]) }) * s[i] + t[j]) }
        }";
    tiled(text, &[&[13, 270], &[19, 270], &[13], &[19], &[270]]);
    // The result has another type than the sum: partial sums wait in a buffer of their own.
    let text = "pipeline p(a: f16[M, K], b: f16[K, N]) -> f16[M, N] { for i, j { f16(sum k { f32(a[i, k]) * f32(b[k, j]) }) } }";
    tiled(text, &[&[9, 270], &[270, 17]]);
    let text = "pipeline p(a: u8[M, K], b: i8[K, N]) -> i32[M, N] { for i, j { sum k { (i32(a[i, k]) - 128) * i32(b[k, j]) } } }";
    tiled(text, &[&[9, 270], &[270, 17]]);
    let text = "pipeline p(a: f64[M, K], b: f64[K, N]) -> f64[M, N] { for i, j { sum k { a[i, k] * b[k, j] } } }";
    assert!(agree(text, &[&[9, 130], &[130, 17]]).contains("tile 4x4 over"));
    // Other operations than a sum of products.
    let text = "pipeline p(a: i16[M, K], b: i16[K, N]) -> i16[M, N] { for i, j { max k { a[i, k] + b[k, j] } } }";
    assert!(agree(text, &[&[9, 33], &[33, 37]]).contains("tile 4x16 over"));
}

#[test]
fn what_is_no_contraction() {
    for (text, shapes) in [
        (
            "pipeline p(a: f32[M, K], x: f32[K]) -> f32[M] { for i { sum k { a[i, k] * x[k] } } }",
            vec![vec![20, 20], vec![20]],
        ),
        (
            "pipeline p(a: f32[M, 3], b: f32[3, N]) -> f32[M, N] { for i, j { sum k { a[i, k] * b[k, j] } } }",
            vec![vec![20, 3], vec![3, 20]],
        ),
        (
            "pipeline p(a: f32[M, N, K], b: f32[K, N]) -> f32[M, N] { for i, j { sum k { a[i, j, k] * b[k, j] } } }",
            vec![vec![9, 17, 16], vec![16, 17]],
        ),
        (
            "pipeline p(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { for i, j { sum k { a[i, k] / b[k, j] } } }",
            vec![vec![9, 17], vec![17, 17]],
        ),
    ] {
        let shapes: Vec<&[i64]> = shapes.iter().map(Vec::as_slice).collect();
        let schedule = agree(text, &shapes);
        assert!(!schedule.contains("tile"), "{schedule}\n{text}");
    }
}

/// The name of a function, and the file it stands in, say nothing.
#[test]
fn names_do_not_matter() {
    let text = |function: &str| {
        format!(
            "fn {function}(a: f32[M, K], b: f32[K, N]) -> f32[M, N] {{ for i, j {{ sum k {{ a[i, k] * b[k, j] }} }} }}
             pipeline p(a: f32[M, K], b: f32[K, N]) -> f32[M, N] {{ {function}(a, b) }}"
        )
    };
    let shapes: &[&[i64]] = &[&[9, 17], &[17, 18]];
    let schedule = agree(&text("own_product"), shapes);
    assert!(schedule.contains(TILES));
    assert_eq!(schedule, agree(&text("something_else"), shapes));
}
