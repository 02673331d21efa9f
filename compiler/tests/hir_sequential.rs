//! Sequential programs that the checker accepts, and what they become.

mod support;

use kcc_compiler::hir::print::{print, type_text};
use kcc_compiler::hir::verify::verify;
use kcc_compiler::pipeline::Checked;
use support::{check_files, show};

fn accept(text: &str) -> Checked {
    match check_files(&[("main.k", text)]) {
        Ok(checked) => {
            verify(&checked.program, "check");
            checked
        }
        Err(rejected) => panic!("refused:\n{}\n{text}", show(&rejected)),
    }
}

/// The program as text.
fn hir(text: &str) -> String {
    print(&accept(text).program)
}

const CTC: &str = "\
pipeline ctc(logits: f32[T, C], blank: i32) -> i32[K <= T] {
    var out: list i32[T]
    var last = blank
    loop t in 0..T {
        let best = argmax c { logits[t, c] }
        if best != last and best != blank { out.push(best) }
        last = best
    }
    out
}
";

#[test]
fn a_list_becomes_a_result_whose_size_the_data_decides() {
    assert_eq!(
        hir(CTC),
        "fn 0 ctc(logits%0: f32[T, C], blank%1: i32) -> i32[K] sizes T@0.0, C@0.1 decided K@0.0 <= T \
         fact out.len >= 0 fact T - out.len >= 0 {
    var out%2: list i32[T]
    var last%3: i32 = blank%1
    loop t%4 in 0:i32..size(T) {
        let best%6: i32 = argmax c%5 in 0:i32..size(C) { logits%0[t%4, c%5] }
        if if (!= best%6, last%3) { (!= best%6, blank%1) } else { false:bool } {
            push out%2, best%6
        }
        last%3 = best%6
    }
    freeze(out%2, out.len)
}
pipeline 0
"
    );
}

#[test]
fn programs_of_the_design_are_accepted() {
    for text in [
        // Detection: parallel expressions in a loop, lists read by parallel code, sizes passed on through types.
        "fn iou(a: f32[4], b: f32[4]) -> f32 { (sum i { a[i] * b[i] }) }
         fn nms(box: f32[N, 4], score: f32[N], limit: f32) -> i32[K <= N] {
             var keep: list i32[N]
             loop i in 0..N {
                 if not any j in 0..keep.len { iou(box[i], box[keep[j]]) > limit } { keep.push(i) }
             }
             keep
         }
         fn nonzero(x: bool[N]) -> i32[K <= N] {
             var out: list i32[N]
             loop i in 0..N { if x[i] { out.push(i) } }
             out
         }
         pipeline yolo(head: f32[84, A]) -> (corner: f32[K <= A, 4], score: f32[K], class: i32[K]) {
             let best  = for a { max c in 0..80 { head[4 + c, a] } }
             let class = for a { argmax c in 0..80 { head[4 + c, a] } }
             let hits  = nonzero(best > 0.25)
             let box   = for h, e in 0..4 { head[e, hits[h]] }
             let kept  = nms(for h, e { box[h, e] + 7680.0 * f32(class[hits[h]]) }, for h { best[hits[h]] }, 0.45)
             (for k { box[kept[k]] }, for k { best[hits[kept[k]]] }, for k { class[hits[kept[k]]] })
         }",
        // In-out lists, early return, while.
        "fn end_of(text: u8[N], at: i32) -> i32 {
             var i = at
             while i < N {
                 if text[i] == ' ' { return i + 1 }
                 i += 1
             }
             N
         }
         fn add(var out: list i32[CAP], text: u8[N], first: i32, last: i32) {
             loop i in first..last {
                 if text[i] == 0 { break }
                 if text[i] < 32 { continue }
                 out.push(i32(text[i]))
             }
         }
         pipeline encode(input: u8[N]) -> i32[K <= N] {
             var ids: list i32[N]
             var at = 0
             while at < N {
                 let end = end_of(input, at)
                 add(var ids, input, at, end)
                 at = end
             }
             ids
         }",
        // Var tensors, slices, compound assignment with a changing index.
        "pipeline p(x: f32[H, W]) -> f32[H, W] where H >= 2, W >= 4 {
             var a = x
             var n = 0
             a[0, ..] = 0.0
             a[1] = x[0] * 2.0
             a[n, 1..3] += 1.0
             loop y in 0..H {
                 a[y, ..] += x[y]
                 a[y, n % 4] *= 2.0
                 n += 1
             }
             a = for y, x { a[y, x] + 1.0 }
             a
         }",
        // Blocks that end in a value, in every place.
        "fn f(x: i32) -> i32 {
             let a = { var n = x
 n += 1
 n }
             let b = if a > 3 { var m = 0
 while m < a { m += 2 }
 m } else { 7 }
             if b > 5 { return b }
             a
         }
         pipeline p(x: i32[N]) -> i32[N] {
             for i {
                 var s = 0
                 loop k in 0..i { s += x[k] * f(x[i]) }
                 s
             }
         }",
        // Every path returns.
        "fn sign(x: f32) -> f32 { if x > 0.0 { return 1.0 } else if x < 0.0 { return -1.0 } else { return 0.0 } }
         fn first(x: i32[N], y: i32) -> i32 {
             var i = 0
             while true {
                 if i == N { return -1 }
                 if x[i] == y { return i }
                 i += 1
             }
         }
         pipeline p(x: f32, y: i32[N]) -> f32 { sign(x) + f32(first(y, 3)) }",
        // Lists: all that they can do.
        "pipeline p(x: i32[N]) -> (a: i32[K <= N], last: i32) {
             var out: list i32[N]
             loop i in 0..N { out.push(x[i]) }
             let n = out.len
             let last = out.pop()
             out.pop()
             out[0] = 5
             out[n / 2] += out[-1] + out[0]
             out.truncate(out.len - 1)
             let total = sum j in 0..out.len { out[j] }
             let items = out
             let double = for j { items[j] * 2 + total }
             (double, last)
         }",
        // In-out scalars and tensors, generic lists, results beside.
        "fn grow(var total: f32, var hist: f32[N], at: i32) -> f32 {
             total += 1.0
             hist[at] += total
             total * 2.0
         }
         fn put(var out: list T[CAP], value: T) where T: number { out.push(value) }
         pipeline p(x: f32[N]) -> f32 {
             var t = 0.0
             var h: f32[N] = 0.0
             var l: list f32[3]
             let a = grow(var t, var h, 0)
             put(var l, 2.5)
             t = grow(var t, at: 1, hist: var h)
             a + t + h[1] + l[0]
         }",
        // A lambda takes the value that a variable has where it is given.
        "fn twice(f: fn(f32) -> f32, x: f32) -> f32 { f(f(x)) }
         pipeline p(x: f32) -> f32 {
             var y = x
             y += 1.0
             let a = twice(|t| t + y, x)
             y = a
             y
         }",
        // A test is sequential too.
        "test \"t\" {
             var n = 1
             loop i in 0..10 by 3 { n = n * 2 }
             assert n == 16
             if n > 3 { assert n == 16 }
         }
         pipeline p(x: f32) -> f32 { x }",
        // Sizes that the data decides are sizes.
        "fn evens(x: i32[N]) -> i32[K <= N] { var o: list i32[N]
 loop i in 0..N { if x[i] % 2 == 0 { o.push(x[i]) } }
 o }
         fn both(x: i32[N]) -> (a: i32[K <= N], b: i32[K], c: i32[L <= N + 1]) {
             let e = evens(x)
             var more: list i32[extent(e, 0) + 1]
             more.push(3)
             (e, e * 2, more)
         }
         pipeline p(x: i32[N]) -> i32 { let (a, b, c) = both(x)
 (sum i { a[i] * b[i] }) + (sum i { c[i] }) }",
    ] {
        accept(text);
    }
}

#[test]
fn the_size_of_a_constant_that_its_evaluation_decides_is_known_everywhere() {
    let text = "fn evens(n: dim) -> i32[K <= n] {\n    var o: list i32[n]\n    loop i in 0..n by 2 { o.push(i) }\n    o\n}\n\
                fn on(f: fn(i32) -> i32, x: i32) -> i32 { f(x) }\nconst E = evens(9)\n\
                pipeline all() -> i32[extent(E, 0)] { E + E }\npipeline p(x: i32) -> i32 { on(|i| E[i] + extent(E, 0), x) }\n";
    let checked = accept(text);
    let [decided] = &checked.program.consts[0].decided[..] else { panic!("one size") };
    assert_eq!((decided.place, decided.bound.as_const()), ((0, 0), Some(9)));
    let shown = print(&checked.program);
    assert!(shown.contains("const 0 E: i32[K] = fn 1\n"), "{shown}");
    assert!(shown.contains("|i|(i%0: i32) -> i32 {\n    (+ const 0[i%0], size(K))\n}"), "{shown}");
}

#[test]
fn a_compound_assignment_evaluates_its_index_once() {
    let text = "pipeline p(x: f32[N]) -> f32[N] {\n    var a = x\n    var n = 0\n    a[n] += 1\n    a\n}\n";
    let shown = hir(text);
    assert!(shown.contains("    let at%3: i32 = n%2\n    a%1[at%3] = (+ a%1[at%3], 1.0:f32)\n"), "{shown}");
}

#[test]
fn a_variable_takes_the_type_of_its_first_value() {
    for (first, ty) in [("0", "i32"), ("0.5", "f32"), ("f64(x)", "f64"), ("[1, 2]", "i32[2]"), ("true", "bool")] {
        let text = format!("pipeline p(x: f32) -> f32 {{\n    var n = {first}\n    n = n\n    x\n}}\n");
        let checked = accept(&text);
        let function = &checked.program.fns[0];
        let local = function.locals.iter().find(|local| local.name == "n").expect("a local");
        assert!(local.is_var);
        assert_eq!(type_text(&checked.program.names, &local.ty), ty, "{first}");
    }
}

#[test]
fn a_return_at_the_end_of_every_path_is_a_value() {
    let text = "pipeline p(x: f32) -> f32 {\n    if x > 0.0 { return 1.0 } else { return x }\n}\n";
    let shown = hir(text);
    assert!(shown.contains("    if (> x%0, 0.0:f32) { 1.0:f32 } else { x%0 }\n"), "{shown}");
}
