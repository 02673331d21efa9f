//! Programs that the checker refuses for their sizes, shapes and bounds.

#[path = "support/refusals.rs"]
mod refusals;
mod support;

use refusals::{Refusal, hold, refusal};

#[rustfmt::skip]
const REFUSALS: &[Refusal] = &[
    (
        "pipeline p(x: f32[3], y: f32[4]) -> f32[3] { x + y }",
        "1:46",
        &["E0401 operands of `+` have shapes that do not go together"],
    ),
    (
        "pipeline p(x: f32[N], y: f32[M]) -> f32[N] { x + y }",
        "1:46",
        &["E0402 operands of `+` have shapes that do not go together"],
    ),
    (
        "fn mm(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { for i, j { sum k { a[i, k] * b[k, j] } } }\npipeline p(x: f32[A, B], y: f32[C, D]) -> f32[A, D] { mm(x, y) }",
        "2:61",
        &["E0402 `b` of `mm` has another shape than its parameters say"],
    ),
    (
        "pipeline p(x: f32[N, M]) -> f32[10] { reshape(x, 10) }",
        "1:39",
        &["E0402 a reshape must keep the number of elements"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32 { x[0, 1] }",
        "1:32",
        &["E0403 2 indices for a tensor of rank 1"],
    ),
    (
        "fn f(x: f32[N, M]) -> f32 { x[0, 0] }\npipeline p(x: f32[N]) -> f32 { f(x) }",
        "2:34",
        &["E0403 `x` of `f` needs at least 2 axes, found 1"],
    ),
    (
        "pipeline p(x: f32[N, M]) -> f32 { sum i { x[i] } }",
        "1:43",
        &["E0403 the body of `sum` must be a scalar"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32[N] { for i { x[i - 1] } }",
        "1:39",
        &["E0404 the range of `i` is not known"],
    ),
    (
        "pipeline p(x: f32[N], y: f32[M]) -> f32[N] { for i { x[i] + y[i] } }",
        "1:50",
        &["E0405 `i` would run over two different extents, N and M"],
    ),
    (
        "pipeline p(x: f32[N], n: i32) -> f32[N] { for i in 0..n { x[i] } }",
        "1:55",
        &["E0406 the upper bound of a comprehension must be a size"],
    ),
    (
        "pipeline p(x: i32[N]) -> i32[N] { for i in 0..x[0] { i } }",
        "1:47",
        &["E0406 the upper bound of a comprehension must be a size"],
    ),
    (
        "fn f(n: i32, x: f32[n]) -> f32 { x[0] }",
        "1:21",
        &["E0406 `n` is a value, not a size"],
    ),
    (
        "fn f(x: f32[N], k: dim) -> f32[k] { for i in 0..k { x[i] } }\npipeline p(x: f32[N], k: i32) -> f32 { f(x, k)[0] }",
        "2:45",
        &["E0406 `k` of `f` must be a size"],
    ),
    (
        "fn f(x: f32[N], s: f32) -> f32[k] { let k = dim(s)\n for i in 0..k { x[i] } }\npipeline p(x: f32[N]) -> f32 { f(x, x[0])[0] }",
        "3:37",
        &["E0406 `s` of `f` decides a size, so it must be known before the work begins"],
    ),
    (
        "pipeline p(x: f32[H * W]) -> f32 { x[0] }",
        "1:19",
        &["E0407 nothing says what `H` is"],
    ),
    (
        "pipeline p(x: f32[N, M]) -> f32[M, N] { transpose(x, 0, 2) }",
        "1:57",
        &["E0408 there is no axis 2, the axes are 0 to 1"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32[N] { concat(x, x, axis: 1) }",
        "1:54",
        &["E0408 there is no axis 1, the only axis is 0"],
    ),
    (
        "fn f(x: f32[N]) -> f32 where N >= 4 { x[3] }\npipeline p(x: f32[3]) -> f32 { f(x) }",
        "2:32",
        &["E0409 `f` needs `N >= 4`, which does not hold here"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32 where N != 4 { x[3] }",
        "1:36",
        &["E0410 a fact is a comparison of sizes"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32[0] { for i in 5..3 { x[i] } }",
        "1:44",
        &["E0411 this range runs backwards"],
    ),
    (
        "fn f(x: f32[N], s: dim) -> f32 { sum i in 0..N by s { x[i] } }",
        "1:51",
        &["E0411 a step must be at least 1"],
    ),
    (
        "pipeline p(x: f32[3]) -> f32 { x[3] }",
        "1:34",
        &["E0501 index 3 is outside an axis of extent 3"],
    ),
    (
        "pipeline p(x: f32[3]) -> f32 { x[-4] }",
        "1:34",
        &["E0501 index -4 is outside an axis of extent 3"],
    ),
    (
        "pipeline p(x: f32[3]) -> f32[2] { x[2..4] }",
        "1:37",
        &["E0501 slice 2..4 is outside an axis of extent 3"],
    ),
    (
        "pipeline p(x: f32[3]) -> f32[4] { for i in 0..4 { x[i] } }",
        "1:53",
        &["E0501 index 3 is outside an axis of extent 3"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32 { x[N] }",
        "1:34",
        &["E0501 index N is outside an axis of extent N"],
    ),
    (
        "pipeline p(x: i32) -> i32 { x / 0 }",
        "1:33",
        &["E0502 division by zero"],
    ),
];

#[test]
fn each_slip_gives_its_message_at_its_place() {
    hold(REFUSALS);
}

#[test]
fn a_shape_that_is_not_decided_shows_both_shapes_places_and_the_fact_to_add() {
    let text = "fn mm(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { for i, j { sum k { a[i, k] * b[k, j] } } }\n\
                pipeline p(x: f32[A, B], y: f32[C, D]) -> f32[A, D] { mm(x, y) }\n";
    assert_eq!(
        refusal(&[("main.k", text)]),
        "E0402 2:61 `b` of `mm` has another shape than its parameters say\n\
        \x20 main.k:2:61 `y` `b` is C in axis 0\n\
        \x20 main.k:2:58 `x` what `a` asks for is B in axis 0\n\
        \x20 note:               `b`: [C, D]\n\
         what `a` asks for: [B, D]\n\
        \x20 note: nothing says that C and B are equal\n\
        \x20 help: if they always are, say so behind the parameters: `where C == B`\n"
    );
}
