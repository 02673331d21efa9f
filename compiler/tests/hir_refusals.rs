//! Programs that the checker refuses: every diagnostic it gives, and the place of the first.

#[path = "support/refusals.rs"]
mod refusals;
mod support;

use refusals::{Refusal, hold, refusal};

#[rustfmt::skip]
const REFUSALS: &[Refusal] = &[
    (
        "pipeline p(x: f32[N]) -> f32[N] { for i { y[i] } }",
        "1:43",
        &["E0201 there is no name `y`"],
    ),
    (
        "fn f(x: f32) -> f32 { x }\nfn f(x: f32) -> f32 { x }",
        "2:4",
        &["E0202 `f` is defined twice"],
    ),
    (
        "pipeline p(x: f32[N, N]) -> f32[N, N] { for i, i { x[i, i] } }",
        "1:48",
        &["E0202 two indices are called `i`"],
    ),
    (
        "use std.nothing\npipeline p(x: f32) -> f32 { nothing.f(x) }",
        "1:5",
        &["E0203 there is no std module `nothing`: no such file"],
    ),
    (
        "fn f(x: f32) -> (a: f32, b: f32) { (x, x) }\npipeline p(x: f32) -> f32 { f(x).c }",
        "2:34",
        &["E0206 there is no field `c`"],
    ),
    (
        "pipeline p(x: f32) -> f32 { f32 + x }",
        "1:29",
        &["E0207 `f32` is a type, not a value"],
    ),
    (
        "pipeline p(x: f32) -> f32 { abs + x }",
        "1:29",
        &["E0207 `abs` is a function, not a value"],
    ),
    (
        "const A = B + 1\nconst B = A + 1\npipeline p(x: f32) -> f32 { x }",
        "1:7",
        &["E0208 constant `A` needs itself"],
    ),
    (
        "fn f(x: f32) -> f32 { g(x) }\nfn g(x: f32) -> f32 { f(x) }\npipeline p(x: f32) -> f32 { f(x) }",
        "2:23",
        &["E0209 `f` calls itself"],
    ),
    (
        "pipeline p(x: f3) -> f32 { x }",
        "1:15",
        &["E0211 there is no type `f3`"],
    ),
    (
        "fn f(x: f32) -> T { x }",
        "1:17",
        &["E0211 there is no type `T`"],
    ),
    (
        "pipeline p(x: f32[N], i: i32) -> f32[N] { x * i }",
        "1:43",
        &["E0301 `*` needs operands of one type, found f32[N] and i32"],
    ),
    (
        "pipeline p(x: f32) -> f32 { x % 2 }",
        "1:29",
        &["E0302 `%` takes integers, found f32"],
    ),
    (
        "pipeline p(x: i32) -> i32 { sqrt(x) }",
        "1:29",
        &["E0302 `sqrt` takes floats, found i32"],
    ),
    (
        "pipeline p(x: f32) -> f32 { x & 1 }",
        "1:29",
        &["E0302 `&` takes bool or integers, found f32"],
    ),
    (
        "pipeline p(x: u8) -> u8 { x + 300 }",
        "1:31",
        &["E0303 `300` is out of range for u8"],
    ),
    (
        "pipeline p(x: f32) -> f32 { x + 1.0e99 }",
        "1:33",
        &["E0303 `1.0e99` is out of range for f32"],
    ),
    (
        "pipeline p(x: u32) -> u32 { x + -1 }",
        "1:33",
        &["E0303 `-1` is out of range for u32"],
    ),
    (
        "pipeline p(x: i32) -> i32 { x + 0.5 }",
        "1:33",
        &["E0304 a float literal does not go with i32"],
    ),
    (
        "pipeline p(x: i32[4]) -> i32 { x[1.5] }",
        "1:34",
        &["E0304 `1.5` is a float literal, i32 is needed"],
    ),
    (
        "pipeline p(x: i32) -> i32 { if x { 1 } else { 2 } }",
        "1:32",
        &["E0305 a condition must be a bool"],
    ),
    (
        "pipeline p(x: bool[N], y: bool[N]) -> bool[N] { x and y }",
        "1:49",
        &["E0305 an operand of `and` must be a bool", "E0305 an operand of `and` must be a bool"],
    ),
    (
        "pipeline p(x: f32[N], i: u8) -> f32 { x[i] }",
        "1:41",
        &["E0306 an index must be an i32"],
    ),
    (
        "pipeline p(x: f32[N], i: i32[M]) -> f32[M] { x[i] }",
        "1:48",
        &["E0306 an index must be an i32"],
    ),
    (
        "pipeline p(x: f32, y: i32) -> f32 { if x > 0 { x } else { y } }",
        "1:59",
        &["E0307 the branches of an `if` have different types"],
    ),
    (
        "pipeline p(x: f32) -> i32 { x }",
        "1:29",
        &["E0308 the result of `p` is not what is declared"],
    ),
    (
        "pipeline p(x: f32) -> f32 { let y: i32 = x\n x }",
        "1:42",
        &["E0308 the value has another type than declared"],
    ),
    (
        "fn f(x: T, y: T) -> T { x }\npipeline p(x: f32, y: i32) -> f32 { f(x, y) }",
        "2:42",
        &["E0309 `f` needs one T, found f32 and i32"],
    ),
    (
        "fn f(x: T) -> T where T: float { x }\npipeline p(x: i32) -> i32 { f(x) }",
        "2:29",
        &["E0310 `f` needs T to be a float type, here it is i32"],
    ),
    (
        "pipeline p(x: u8[N]) -> u8 { sum i { x[i] } }",
        "1:38",
        &["E0311 `sum` of u8 would wrap at 8 bits"],
    ),
    (
        "pipeline p(x: f32) -> f32 { x + 1\n x }",
        "1:29",
        &["E0312 this value is not used"],
    ),
    (
        "test \"t\" { 1 + 1 == 2 }",
        "1:12",
        &["E0312 this value is not used"],
    ),
    (
        "fn f(x: f32) -> (a: f32, b: f32) { (x, x) }\npipeline p(x: f32) -> f32 { let (a, b, c) = f(x)\n a }",
        "2:29",
        &["E0313 3 names for 2 values"],
    ),
    (
        "fn f(x: f32) -> (a: f32, b: f32) { x }",
        "1:36",
        &["E0313 `f` declares 2 results"],
    ),
    (
        "fn f(x: f32) -> (a: f32, b: f32) { (x, x) }\npipeline p(x: f32) -> f32 { f(x) + 1 }",
        "2:29",
        &["E0313 an operand of `+` must be a tensor or scalar, this is several values"],
    ),
    (
        "pipeline p(x: f32) -> f32 { let y = x }",
        "1:39",
        &["E0314 this block has no value"],
    ),
    (
        "pipeline p(x: f32) -> f32 { if x > 0 { x } }",
        "1:29",
        &["E0314 an `if` that is a value needs an `else`"],
    ),
    (
        "pipeline p(x: f32) -> f32 { static if x > 0 { x } else { x } }",
        "1:39",
        &["E0315 this cannot be decided during compilation"],
    ),
    (
        "fn f(x: f32) -> f32 { x }\npipeline p(x: i32) -> f32 { f(x) }",
        "2:31",
        &["E0316 `x` of `f` must be f32, found i32"],
    ),
    (
        "fn f(x: f32, y: f32) -> f32 { x }\npipeline p(x: f32) -> f32 { f(x) }",
        "2:29",
        &["E0317 this call of `f` gives no `y`"],
    ),
    (
        "pipeline p(x: f32) -> f32 { max(x) + max(x, 1, 2) }",
        "1:29",
        &["E0317 `max` takes 2 arguments, 1 given", "E0317 `max` takes 2 arguments, 3 given"],
    ),
    (
        "fn f(x: f32, scale: f32) -> f32 { x }\npipeline p(x: f32) -> f32 { f(x, scael: 2) }",
        "2:34",
        &["E0318 `f` has no parameter `scael`"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32 { x(0) }",
        "1:32",
        &["E0319 `x` is a value, not a function"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32 { x.sum() }",
        "1:34",
        &["E0319 values have no functions of their own, `sum` is called as one"],
    ),
    (
        "fn f(g: fn(f32) -> f32) -> f32 { g(1) }\npipeline p(x: f32) -> f32 { f(x) }",
        "2:31",
        &["E0320 `g` must be a function"],
    ),
    (
        "fn f(g: fn(f32) -> f32) -> f32 { g(1) }\npipeline p(x: f32) -> f32 { f(|a, b| a) }",
        "2:31",
        &["E0320 `g` takes a function of 1 parameter"],
    ),
    (
        "fn f(g: fn(f32) -> f32) -> f32 { g(1) }\npipeline p(x: f32) -> f32 { f(|a| i32(a)) }",
        "2:35",
        &["E0320 this lambda gives another type than the parameter asks for"],
    ),
    (
        "pipeline p(x: i32) -> bool { bool(x) }",
        "1:30",
        &["E0321 i32 does not convert to bool"],
    ),
    (
        "state s: f32[3] = 0.0\nweights w: f32[3] from \"a\" \"b\"\npipeline p(x: f32[3]) -> f32[3] { x + w }",
        "1:7",
        &["E0902 `state` is not available yet (`s`)", "E0902 `weights` is not available yet (`w`)"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32[N] { static if known(N, 3) { x } else { x } }",
        "1:45",
        &["E0317 `known` takes one size"],
    ),
    (
        "fn f(x: f32[N]) -> f32 { var s = 0.0\n static loop i in 0..N { s += x[i] }\n s }\npipeline p(x: f32[3], y: f32[N]) -> f32 { f(x) + f(y) }",
        "2:22",
        &["E0315 `N` is not known during compilation"],
    ),
    (
        "pipeline p(x: f32[N]) -> f32 { var s = 0.0\n static loop i in [1.0, 2.0] { s += i\n break }\n static loop i in x { s += 1.0 }\n static loop i in 0..3 by 0 { s += 1.0 }\n static loop i in \"ab\" { i = 3 }\n static if N > 3 { s = 1.0 }\n static if s > 3.0 { s = 1.0 }\n s }",
        "3:2",
        &[
            "E0325 `break` stands in no loop",
            "E0315 a `static loop` runs over values known during compilation",
            "E0411 a step must be at least 1",
            "E0212 `i` cannot be assigned to",
            "E0315 this cannot be decided during compilation",
            "E0315 this cannot be decided during compilation",
        ],
    ),
    (
        "pipeline p(x: f32) -> f32 { var s = x\n static loop i in 0..200 { static loop j in 0..200 { s += x } }\n s }",
        "2:28",
        &["E0703 static loops would be written out more than 20000 times"],
    ),
    (
        "fn f(x: f32[N]) -> f32 { static if N > 1 { f(x[1..]) } else { x[0] } }\npipeline p(x: f32[4]) -> f32 { f(x) }",
        "1:44",
        &["E0209 `f` calls itself"],
    ),
];

#[test]
fn each_slip_gives_its_message_at_its_place() {
    hold(REFUSALS);
}

#[test]
fn an_error_inside_std_is_shown_at_the_users_call() {
    let std = "fn half(x: T[N]) -> T[N] { for i { x[i] / 2 } }\n";
    let text = "use std.halves\npipeline p(x: bool[N]) -> bool[N] { halves.half(x) }\n";
    assert_eq!(
        refusal(&[("main.k", text), ("std/halves.k", std)]),
        "E0301 2:37 `/` needs operands of one type, found bool and i32\n\
        \x20 main.k:2:37 `halves.half(x)` in this call of `halves.half`\n\
        \x20 std/halves.k:1:36 `x[i] / 2` \n\
        \x20 std/halves.k:1:36 `x[i]` this is bool\n\
        \x20 std/halves.k:1:43 `2` this is i32\n\
        \x20 help: convert one of them: `i32(x[i])`\n"
    );
}

#[test]
fn an_instance_that_fails_says_for_which_types() {
    let text = "fn f(x: T) -> T { x + 1 }\npipeline p(x: f32) -> f32 { f(x) }\npipeline q(x: bool) -> bool { f(x) }\n";
    let shown = refusal(&[("main.k", text)]);
    assert!(shown.contains("main.k:3:31 `f(x)` `f` is checked with T = bool for this call"), "{shown}");
}

#[test]
fn misspelt_names_get_a_suggestion() {
    let std = "fn softmax(x: f32[N]) -> f32[N] { x }\n";
    for (text, help) in [
        ("use std.nn\npipeline p(x: f32[N]) -> f32[N] { nn.sofmax(x) }", "did you mean `softmax`?"),
        ("use std.nn (sofmax)\npipeline p(x: f32[N]) -> f32[N] { sofmax(x) }", "did you mean `softmax`?"),
        ("use std.nn\npipeline p(x: f32[N]) -> f32[N] { softmax(x) }", "write `nn.softmax`"),
        ("pipeline p(image: f32[N]) -> f32[N] { imgae }", "did you mean `image`?"),
        ("pipeline p(x: f32) -> f32 { sqr(x) }", "did you mean `sqrt`?"),
        ("pipeline p(x: f32[N]) -> f32[N] { nn.softmax(x) }", "write `use std.nn` at the top of the file"),
    ] {
        let shown = refusal(&[("main.k", text), ("std/nn.k", std)]);
        assert!(shown.contains(&format!("  help: {help}\n")), "{text}\n{shown}");
    }
}

#[test]
fn files_cannot_use_each_other_in_a_circle() {
    let files =
        [("main.k", "use \"./a.k\"\n"), ("a.k", "use \"./b.k\" as other\n"), ("b.k", "use \"./a.k\" as first\n")];
    assert_eq!(
        refusal(&files),
        "E0204 1:5 files use each other in a circle\n\
        \x20 b.k:1:5 `\"./a.k\"` this leads back to a.k\n\
        \x20 a.k:1:5 `\"./b.k\"` a.k goes on here\n\
        \x20 help: move what both need into a third file\n"
    );
}

#[test]
fn embedded_files_must_be_what_is_asked_of_them() {
    let refused = |call: &str, expected: &str| {
        let text = format!("const A = {call}\npipeline p(x: f32) -> f32 {{ x }}\n");
        let shown = refusal(&[("main.k", &text), ("notes.txt", "no tensor"), ("empty.npy", "")]);
        assert!(shown.starts_with(expected), "{shown}");
        assert_eq!(shown.lines().filter(|line| line.starts_with('E')).count(), 1, "{shown}");
    };
    refused("embed_npy(\"notes.txt\")", "E0213 1:21 cannot embed \"notes.txt\": it does not begin as a .npy file does");
    refused("embed_npy(\"empty.npy\")", "E0213 1:21 cannot embed \"empty.npy\": it does not begin as a .npy file does");
    refused("embed_safetensors(\"notes.txt\", \"w\")", "E0213 1:29 cannot embed \"notes.txt\": it is cut off");
    refused("embed_npy(\"none.npy\")", "E0210 1:21 cannot embed \"none.npy\": no such file");
    refused("embed_npy(1)", "E0316 1:21 `embed_npy` takes a literal file name");
    refused("embed_safetensors(\"notes.txt\", 3)", "E0316 1:42 `embed_safetensors` takes a literal tensor name");
    refused("embed_safetensors(\"notes.txt\")", "E0317 1:11 `embed_safetensors` takes 2 arguments");
    refused("embed(\"notes.txt\", \"w\")", "E0317 1:11 `embed` takes 1 argument");
    refused("embed(path: \"notes.txt\")", "E0318 1:17 `embed` has no parameter `path`");
}

#[test]
fn what_follows_an_error_stays_silent() {
    let text = "pipeline p(x: f32[N]) -> f32[N] {\n    let a = foo(x)\n    let b = a + 1\n    let c = bar\n    \
                let d = b + c\n    x + d + baz\n}\n";
    let shown = refusal(&[("main.k", text)]);
    assert_eq!(shown.matches("E0201").count(), 3, "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with('E')).count(), 3, "{shown}");
}

#[test]
fn a_syntax_error_stands_alone() {
    let shown = refusal(&[("main.k", "pipeline p(x: f32 -> f32 { y }\n")]);
    assert!(shown.lines().filter(|line| line.starts_with('E')).all(|line| line < "E0200"), "{shown}");
}
