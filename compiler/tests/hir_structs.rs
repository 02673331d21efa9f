//! Structs: what they become, and what is refused. Items that only their own file sees.

#[path = "support/refusals.rs"]
mod refusals;
mod support;

use kcc_compiler::hir::print::print;
use kcc_compiler::hir::verify::verify;
use refusals::{Refusal, hold, refusal};
use support::{check_files, show};

fn hir(files: &[(&str, &str)]) -> String {
    match check_files(files) {
        Ok(checked) => {
            verify(&checked.program, "check");
            print(&checked.program)
        }
        Err(rejected) => panic!("refused:\n{}\n{}", show(&rejected), files[0].1),
    }
}

const BOXES: &str = "\
struct Boxes[K] { corner: f32[K, 4], score: f32[K] }
fn better(b: Boxes[N], limit: f32) -> Boxes[K <= N] {
    var keep: list i32[N]
    loop i in 0..N { if b.score[i] > limit { keep.push(i) } }
    let kept = keep
    Boxes(corner: for k { b.corner[kept[k]] }, score: for k { b.score[kept[k]] })
}
";

#[test]
fn a_struct_is_one_parameter_and_one_result_a_field() {
    let shown = hir(&[("main.k", BOXES)]);
    assert_eq!(
        shown.lines().next().expect("a function"),
        "fn 0 better(b.corner%0: f32[N, 4], b.score%1: f32[N], limit%3: f32) -> corner: f32[K, 4], score: f32[K] \
         sizes N@0.0 decided K@0.0 <= N fact keep.len >= 0 fact N - keep.len >= 0 {"
    );
    assert!(shown.contains("    let b%2: Boxes[N] = (b.corner%0, b.score%1)\n"), "{shown}");
}

#[test]
fn structs_of_other_files_are_written_with_their_module() {
    let text = "use \"./boxes.k\"\n\
                pipeline p(head: f32[A, 4], b: boxes.Boxes[N]) -> boxes.Boxes[K <= N] {\n    \
                let all = boxes.Boxes(score: for i { head[i, 0] }, corner: head)\n    \
                assert boxes.better(all, 0.0).score[0] > 0.0\n    \
                boxes.better(boxes.better(b, 0.25), 0.5)\n}\n";
    let shown = hir(&[("main.k", text), ("boxes.k", BOXES)]);
    assert!(shown.contains("boxes.better#"), "{shown}");
    let selected = "use \"./boxes.k\" (Boxes, better)\n\
                    pipeline p(b: Boxes[N]) -> Boxes[K <= N] { better(b, 0.5) }\n";
    hir(&[("main.k", selected), ("boxes.k", BOXES)]);
}

#[test]
fn structs_go_wherever_values_go() {
    for text in [
        "struct P { x: f32, y: f32 }\nconst ORIGIN = P(0, 1)\n\
         fn mid(a: P, b: P) -> P { P((a.x + b.x) / 2, y: (a.y + b.y) / 2) }\n\
         fn first(a: P, b: P) -> P { if a.x < b.x { return a }\n b }\n\
         pipeline p(a: P, t: bool) -> P { let b = if t { a } else { ORIGIN }\n first(mid(a, b), b) }\n",
        "struct P { x: f32, y: f32[3] }\nfn on(x: f32, f: fn(f32) -> f32) -> f32 { f(x) }\n\
         pipeline p(q: P) -> f32 { on(1.0, |t| t + q.x + q.y[1]) }\n",
        "struct S[N] { values: f32[2 * N], half: f32[N] }\nfn f(s: S[M + 1]) -> f32[M] { for i in 0..M { s.values[i] } }\n\
         pipeline p(s: S[8]) -> f32[7] { f(s) }\n",
    ] {
        hir(&[("main.k", text)]);
    }
}

#[test]
fn a_lifted_call_gives_the_fields_with_further_axes() {
    let text = "struct P { low: f32, high: f32 }\n\
                fn range(x: f32[N]) -> P { P(min i { x[i] }, max i { x[i] }) }\n\
                pipeline p(x: f32[B, N]) -> f32[B] { let r = range(x)\n r.high - r.low }\n";
    hir(&[("main.k", text)]);
}

#[rustfmt::skip]
const REFUSALS: &[Refusal] = &[
    (
        "struct A { x: f32, x: i32 }\nstruct B[N] { x: f32[2 * N] }\nstruct C { a: D }\nstruct D { x: f32 }\nstruct E { }\nstruct F { x: list f32[3] }",
        "1:20",
        &[
            "E0202 `x` is defined twice",
            "E0407 no field says what `N` is",
            "E0328 a field is a scalar or tensor, `a` is the struct `D`",
            "E0328 `E` has no fields",
            "E0327 only a `var` and an in-out parameter can be a list",
        ],
    ),
    (
        "struct P[N] { x: f32[N], y: f32 }\nfn f(p: P[N]) -> f32 { p.z }\nfn g(p: P) -> P[3] { p }\nfn h(var p: P[3]) -> f32 { 1.0 }\n\
         fn i(p: P[3]) -> (a: P[3], b: f32) { (p, 1.0) }\nfn j(p: P[3]) -> f32 { let (a, b) = p\n b }\nfn k(p: P[3]) -> f32 { var q = p\n q.y }",
        "2:26",
        &[
            "E0206 there is no field `z`",
            "E0328 `P` has 1 size, 0 given",
            "E0322 `p` cannot be in-out: a struct is not changed",
            "E0328 a struct is the only result of a function",
            "E0313 `P` is one value, not several",
            "E0313 a `var` holds one scalar, tensor or list",
        ],
    ),
    (
        "struct P[N] { x: f32[N], y: f32 }\nfn f(p: P[3]) -> f32 { p.y }\n\
         pipeline p(x: f32[3], y: f32[2]) -> f32 { let a = P(x: x, z: 3.0)\n let b = P(x: x)\n let c = P(x, 1.0, 2.0)\n let d = P(x, y)\n let e = P(1.0, y)\n let g = P(x, x > 1.0)\n let h = f(x)\n let i = f(P(y, 1.0))\n let j = P\n 1.0 }",
        "3:59",
        &[
            "E0318 `P` has no field `z`",
            "E0317 this `P` has no `y`",
            "E0317 `P` has 2 fields, 3 given",
            "E0403 the field `y` of `P` has another type than declared",
            "E0403 the field `x` of `P` is another tensor",
            "E0316 the field `y` of `P` has another type than declared",
            "E0316 `p` of `f` must be the struct `P`",
            "E0401 `p.x` of `f` has another shape than its parameters say",
            "E0207 `P` is a struct, not a value",
        ],
    ),
    (
        "struct P { x: f32 }\nstruct Q { x: f32 }\npipeline p(a: P, t: bool) -> Q { if t { a } else { P(1.0) } }\npipeline q(a: P) -> P { (x: 1.0, y: 2.0) }",
        "3:34",
        &["E0308 the result of `p` is not what is declared", "E0308 the result of `q` is not what is declared"],
    ),
];

#[test]
fn each_slip_gives_its_message_at_its_place() {
    hold(REFUSALS);
}

#[test]
fn private_items_are_seen_in_their_own_file_only() {
    let library =
        "const _SCALE = 2.0\nfn _twice(x: f32) -> f32 { x * _SCALE }\nfn four(x: f32) -> f32 { _twice(_twice(x)) }\n";
    hir(&[("main.k", "use \"./lib.k\"\npipeline p(x: f32) -> f32 { lib.four(x) }\n"), ("lib.k", library)]);
    let text = "use \"./lib.k\"\npipeline p(x: f32) -> f32 { lib._twice(x) + lib._SCALE }\n";
    assert_eq!(
        refusal(&[("main.k", text), ("lib.k", library)]),
        "E0205 2:33 `_twice` is private to the module `lib`\n\
        \x20 main.k:2:33 `_twice` \n\
        \x20 lib.k:2:4 `_twice` defined here\n\
        \x20 note: items whose names begin with `_` are seen only in their own file\n\
         E0205 2:49 `_SCALE` is private to the module `lib`\n\
        \x20 main.k:2:49 `_SCALE` \n\
        \x20 lib.k:1:7 `_SCALE` defined here\n\
        \x20 note: items whose names begin with `_` are seen only in their own file\n"
    );
    let selected = "use \"./lib.k\" (_twice)\npipeline p(x: f32) -> f32 { _twice(x) }\n";
    assert!(refusal(&[("main.k", selected), ("lib.k", library)]).starts_with("E0205 1:16 `_twice` is private"));
}

#[test]
fn what_would_become_too_much_code_is_refused() {
    // Each function calls the one before twice.
    let mut text = "fn call0(x: f32) -> f32 { x + 1.0 }\n".to_string();
    for depth in 1..40 {
        text += &format!("fn call{depth}(x: f32) -> f32 {{ call{0}(x) + call{0}(x) }}\n", depth - 1);
    }
    text += "pipeline p(x: f32) -> f32 { call39(x) }\n";
    let shown = refusal(&[("main.k", &text)]);
    assert!(shown.starts_with("E0703 17:4 `call16` becomes more than 400000 operations\n"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with('E')).count(), 1, "{shown}");
    // A chain of calls.
    let mut text = "fn call0(x: f32) -> f32 { x + 1.0 }\n".to_string();
    for depth in 1..80 {
        text += &format!("fn call{depth}(x: f32) -> f32 {{ call{}(x) }}\n", depth - 1);
    }
    text += "pipeline p(x: f32) -> f32 { call79(x) }\n";
    let shown = refusal(&[("main.k", &text)]);
    assert!(shown.starts_with("E0703 18:28 calls are nested more than 64 deep\n"), "{shown}");
}
