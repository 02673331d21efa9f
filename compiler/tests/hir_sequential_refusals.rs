//! Sequential programs that the checker refuses.

#[path = "support/refusals.rs"]
mod refusals;
mod support;

use refusals::{Refusal, hold, refusal};

#[rustfmt::skip]
const REFUSALS: &[Refusal] = &[
    // What changes.
    (
        "pipeline p(x: f32) -> f32 { let y = x\n y = 2\n y }",
        "2:2",
        &["E0212 `y` cannot be assigned to: it is bound by `let`"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32[N] { x[0] = 2\n x }",
        "1:35",
        &["E0212 `x` cannot be assigned to: it is a parameter"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32 { var s = 0.0\n loop i in 0..N { i = 3\n s += x[i] }\n s }",
        "2:19",
        &["E0212 `i` cannot be assigned to: it is an index"],
    ),
    (
        "const C = 3\npipeline p(x: f32) -> f32 { C = 4\n zz = 3\n x }",
        "2:29",
        &["E0212 `C` cannot be assigned to: it is an item of the module", "E0201 there is no variable `zz`"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32[N] { var s = 0.0\n let a = for i { s += x[i]\n s }\n a }",
        "2:18",
        &["E0324 `s` cannot be assigned to here"],
    ),
    (
        "pipeline p(x: f32) -> f32 { var s = 0.0\n 1.0 + { s = x\n s } }",
        "2:10",
        &["E0324 `s` cannot be assigned to here"],
    ),
    (
        "fn f(g: fn(f32) -> f32, x: f32) -> f32 { g(x) }\n\
         pipeline p(x: f32) -> f32 { var s = 0.0\n f(|t| { s = t\n t }, x) }",
        "3:10",
        &["E0324 `s` cannot be assigned to here"],
    ),
    // Values of the right type.
    (
        "pipeline p(x: i32) -> i32 { var n = 0\n n += 2.5\n n += i64(x)\n n = x > 3\n n }",
        "2:7",
        &[
            "E0304 `2.5` is a float literal, i32 is needed",
            "E0301 `+=` needs a value of the variable's type",
            "E0308 the value does not fit `n`",
        ],
    ),
    (
        "pipeline p(x: f32[N]) -> f32[N] { var a = x\n a = [1.0, 2.0]\n a[0, 1] = 2.0\n a[0..2] = [1.0, 2.0, 3.0]\n a[clamp: 3] = 0.0\n a }",
        "2:6",
        &[
            "E0402 the value does not fit `a`",
            "E0403 2 indices for a tensor of rank 1",
            "E0401 the value does not fit `a`",
            "E0110 an assignment has no border: what is outside cannot be assigned to",
        ],
    ),
    (
        "pipeline p(x: f32) -> f32 { var t = (1, 2)\n var u: f32[3]\n var w: list f32[3] = [1.0]\n x }",
        "1:37",
        &["E0313 a `var` holds one scalar, tensor or list", "E0314 `u` has no first value", "E0327 a list starts empty"],
    ),
    // Lists.
    (
        "pipeline p(x: i32) -> i32[K <= 4] { var out: list i32[4]\n out.psh(x)\n out.push(2.5)\n out.push(x > 3)\n out.push([1, 2])\n out.push(x, x)\n out = [1]\n out }",
        "2:6",
        &[
            "E0206 a list has no `psh`",
            "E0304 `2.5` is a float literal, i32 is needed",
            "E0316 `out` holds i32",
            "E0403 `out` holds scalars",
            "E0317 `push` takes 1 argument, 2 given",
            "E0327 the list `out` as a whole cannot be assigned to",
        ],
    ),
    (
        "pipeline p(x: i32) -> i32 { var out: list i32[4]\n let a = out.len()\n let b = out.size\n let c = out.push\n 1 + out.pop() }",
        "2:14",
        &[
            "E0319 `len` is a value, not a function",
            "E0206 a list has no `size`",
            "E0207 `push` is called: `out.push(…)`",
            "E0323 `out.pop()` changes the list, so it stands alone",
        ],
    ),
    (
        "pipeline p(x: f32[N]) -> f32 { var a: list i32[i32(x[0])]\n var b: list i32[N - 3]\n x[0] }",
        "1:52",
        &["E0406 the capacity of a list must be a size", "E0411 the capacity of a list must not be negative"],
    ),
    (
        "fn f(x: list i32[4]) -> i32 { 3 }\npipeline p(x: f32) -> f32 { let y: list f32[3] = x\n x }",
        "1:9",
        &["E0327 only an in-out parameter can be a list", "E0327 only a `var` and an in-out parameter can be a list"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32[N] { var l: list f32[N]\n let b = for i in 0..l.len { l[i] }\n let c = for i { l[i] }\n l + x }",
        "2:22",
        &[
            "E0406 the upper bound of a comprehension must be a size",
            "E0404 `i` would run over the list `l`, whose length is no size",
            "E0402 operands of `+` have shapes that do not go together",
        ],
    ),
    (
        "fn f(g: fn(f32) -> f32, x: f32) -> f32 { g(x) }\npipeline p(x: f32) -> f32 { var l: list f32[3]\n f(|t| t + l[0], x) }",
        "3:4",
        &["E0327 this lambda uses the list `l`"],
    ),
    // Leaving loops and functions.
    (
        "pipeline p(x: f32[N]) -> f32[N] { for i { break\n return x\n x[i] } }",
        "1:43",
        &["E0325 `break` stands in no loop", "E0325 `return` cannot stand here"],
    ),
    (
        "pipeline p(x: f32) -> f32 { continue\n x }",
        "1:29",
        &["E0325 `continue` stands in no loop"],
    ),
    (
        "fn f(g: fn(f32) -> f32, x: f32) -> f32 { g(x) }\npipeline p(x: f32) -> f32 { f(|t| { return t }, x) }",
        "2:37",
        &["E0325 `return` cannot stand here"],
    ),
    (
        "pipeline p(x: f32) -> f32 { loop i in 0..3 { break\n assert x > 3.0 }\n return x\n x }",
        "2:2",
        &["E0326 this is never reached", "E0326 this is never reached"],
    ),
    (
        "pipeline p(x: f32) -> f32 { if x > 3.0 { return x } else { return 2.0 }\n x }",
        "2:2",
        &["E0326 this is never reached"],
    ),
    (
        "pipeline p(x: f32) -> f32 { if x > 3.0 { return x } }",
        "1:53",
        &["E0314 not every path gives a result"],
    ),
    (
        "pipeline p(x: f32) -> f32 { var n = 0\n n += 1 }",
        "2:9",
        &["E0314 this block has no value"],
    ),
    (
        "fn f(x: f32) { return x }\npipeline p(x: f32) -> f32 { if x > 3.0 { return }\n if x > 2.0 { return 1 > 2 }\n x }",
        "1:23",
        &[
            "E0314 there is no result to return a value for",
            "E0314 this `return` gives no value",
            "E0308 the result of `p` is not what is declared",
        ],
    ),
    // In-out arguments.
    (
        "fn f(var a: f32, var b: f32) { a += b }\npipeline p(x: f32) -> f32 { var a = x\n let l = 3.0\n var i = 3\n f(var a, var a)\n f(var a, var l)\n f(var a, var i)\n f(var a, a)\n f(var a, var x)\n a }",
        "5:15",
        &[
            "E0322 `a` is passed twice as in-out",
            "E0212 `l` cannot be passed as in-out: it is bound by `let`",
            "E0322 `b` of `f` needs a variable of its own type",
            "E0322 `f` changes its argument `b`",
            "E0212 `x` cannot be passed as in-out: it is a parameter",
        ],
    ),
    (
        "fn f(var a: f32[N]) -> f32 { a[0] = 1.0\n a[0] }\nfn h(a: f32) -> f32 { a }\n\
         pipeline p(x: f32[N], y: f32[3, 4]) -> f32 { var m = y\n var v = x\n var s = 1.0\n f(var m)\n let q = f(var v) + 1.0\n let r = f(var v[0])\n let t = h(var s)\n let u = sqrt(var s)\n f(var v)\n s }",
        "7:8",
        &[
            "E0322 `a` of `f` needs a variable of its own type",
            "E0323 this call of `f` changes a variable, so it cannot be a part of an expression",
            "E0322 only a whole variable can be passed as in-out",
            "E0322 `h` does not change its argument `a`",
            "E0322 only functions of a module have in-out parameters",
            "E0312 this value is not used",
        ],
    ),
    (
        "pipeline p(var x: f32) -> f32 { x }",
        "1:16",
        &["E0322 a pipeline changes none of its parameters (`x`)"],
    ),
    (
        "fn f(var n: dim, var x: f32 = 1.0) { x += 1.0 }\npipeline p(x: f32) -> f32 { x }",
        "1:10",
        &[
            "E0322 `n` cannot be in-out: sizes and functions do not change",
            "E0322 the in-out parameter `x` cannot have a default",
        ],
    ),
    (
        "fn f(g: fn(f32) -> f32, x: f32) -> f32 { g(x) }\nfn h(var x: f32) -> f32 { x }\npipeline p(x: f32) -> f32 { f(h, x) }",
        "3:31",
        &["E0320 `g` must be a function that changes nothing"],
    ),
    // Sizes that the data decides.
    (
        "fn f(x: bool[N]) -> i32[K <= N] { var o: list i32[N]\n loop i in 0..N { if x[i] { o.push(i) } }\n o }\n\
         pipeline p(x: bool[B, N]) -> i32[K <= N] { let a = f(x)\n let r = for b { f(x[b]) }\n let t = for b { sum j { f(x[b])[j] } }\n f(x[0]) }",
        "4:52",
        &[
            "E0403 `f` is not mapped over further axes",
            "E0412 the elements of a `for` have one size, known before it",
            "E0404 `j` would run to `K2`, which its own body decides",
        ],
    ),
    (
        "fn f(x: i32[N]) -> i32[K <= N] { var o: list i32[N]\n o.push(x[0])\n o }\nconst C = f([1, 2])\nconst D = concat(C, C)\nconst E = concat(f([1, 2]), C)\npipeline p(x: f32) -> f32 { x }",
        "6:11",
        &["E0412 the size of this constant is not known well enough"],
    ),
    (
        "fn f(x: i32[N]) -> i32[K] { var o: list i32[N]\n o }\n\
         fn g(x: i32[N]) -> i32[N] { var o: list i32[N]\n o }\n\
         fn h(x: i32[N]) -> i32[N <= 4] { x }\n\
         fn i(x: i32[N]) -> i32[K <= 4] { x }\n\
         fn j(x: i32[K <= 4]) -> i32 { 3 }\n\
         fn k(x: i32[N]) -> (a: i32[K <= N], b: i32[K <= 2 * N]) { (x, x) }\n\
         fn l(x: i32[N]) -> i32[k] { var o: list i32[N]\n let y = o\n let k = extent(y, 0)\n y }\n\
         fn m(x: i32[N]) -> i32 { let y: i32[K <= N] = x\n y[0] }\n\
         pipeline p(x: f32) -> f32 { x }",
        "1:24",
        &[
            "E0201 nothing says what `K` is",
            "E0402 the result of `g` is not what is declared",
            "E0412 `N` is known already",
            "E0412 `N` is not known to be at most 4, the bound of `K`",
            "E0410 a parameter's size is bounded behind `where`",
            "E0412 `K` has two bounds, N and 2*N",
            "E0412 a size that the data decides needs a bound in the result's type",
            "E0412 a bound stands only in the type of a result",
        ],
    ),
];

#[test]
fn each_slip_gives_its_message_at_its_place() {
    hold(REFUSALS);
}

#[test]
fn a_call_that_is_not_mapped_shows_the_loop_to_write() {
    let text = "fn f(x: i32[N]) -> i32[K <= N] { var o: list i32[N]\n o.push(x[0])\n o }\n\
                pipeline p(x: i32[B, N]) -> i32[K <= N] { f(x) }\n";
    assert_eq!(
        refusal(&[("main.k", text)]),
        "E0403 4:43 `f` is not mapped over further axes\n\
        \x20 main.k:4:43 `f(x)` \n\
        \x20 main.k:4:45 `x` this is i32[B, N]\n\
        \x20 main.k:1:6 `x` the parameter is i32[N]\n\
        \x20 note: the data decides its size `K` at each call, so the results would have different sizes\n\
        \x20 help: write the loop: `loop b in 0..extent(x, 0) { let one = f(x[b]) … }`\n"
    );
}

#[test]
fn a_size_that_the_data_decides_needs_its_own_name() {
    let text = "fn f(x: i32[N]) -> i32[N] {\n    var o: list i32[N]\n    o\n}\npipeline p(x: f32) -> f32 { x }\n";
    assert_eq!(
        refusal(&[("main.k", text)]),
        "E0402 3:5 the result of `f` is not what is declared\n\
        \x20 main.k:3:5 `o` the result is o.len in axis 0\n\
        \x20 main.k:1:20 `i32[N]` the declared result is N in axis 0\n\
        \x20 note:          the result: [o.len]\n\
         the declared result: [N]\n\
        \x20 note: the data decides `o.len`: it may be another size than N\n\
        \x20 help: declare the result with a size that the data decides: `K <= bound`\n"
    );
}

#[test]
fn missing_words_are_shown_as_they_are_typed() {
    for (body, help) in [
        ("f(a)\n a", "write `var a`"),
        ("let b = g(var a) + 1.0\n b", "bind it first: `let x = g(var a)`"),
        ("let b = 1.0\n b = 2.0\n b", "declare it as `var b = …`"),
        ("var l: list f32[4]\n l.append(a)\n a", "write `l.push(…)`"),
        ("var l: list f32[4]\n l.poush(a)\n a", "did you mean `push`?"),
        ("var b: f32[3]\n a", "write `var b: f32[3] = 0.0`"),
        (
            "let b = for i in 0..3 { a = 2.0\n 1.0 }\n a",
            "write a `loop`, or build the values with `for` and assign the result",
        ),
    ] {
        let text = format!(
            "fn f(var a: f32) {{ a += 1.0 }}\nfn g(var a: f32) -> f32 {{ a += 1.0\n a }}\n\
             pipeline p(x: f32) -> f32 {{ var a = x\n {body} }}\n"
        );
        let shown = refusal(&[("main.k", &text)]);
        assert!(shown.contains(&format!("  help: {help}\n")), "{text}\n{shown}");
    }
}
