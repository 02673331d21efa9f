//! Loops with odd bounds, conditions, failures.

use crate::harness::*;
use kcc_compiler::loops::{Expr, Loop, LoopKind, Stmt, VarId};
use kcc_compiler::ops::Op;
use kcc_compiler::size::Size;
use kcc_compiler::target::Profile;
use kcc_compiler::tensor::{Binding, Failure};
use kcc_compiler::types::{Const, Scalar};

/// Counts the passes of `lo..hi by step` and keeps the last index.
fn count_passes(lo: Expr, hi: Expr, step: Expr, bounds: Option<[i32; 3]>) -> (i128, i128) {
    let mut build = Build::new();
    build.pipeline("p");
    let given = build.input("given", Scalar::I32, &[Size::constant(3)]);
    let out = build.output("out", Scalar::I32, &[Size::constant(2)]);
    let pick = |e: Expr, position: i64| if bounds.is_some() { load(given, 1, int(4 * position)) } else { e };
    let (lo, hi, step) = (pick(lo, 0), pick(hi, 1), pick(step, 2));
    let body = vec![Stmt::Accumulate(VarId(1), Op::Add, int(1)), Stmt::Set(VarId(2), var(0))];
    let body = vec![
        Stmt::Let(VarId(1), int(0)),
        Stmt::Let(VarId(2), int(-1)),
        Stmt::For(Loop { var: VarId(0), lo, hi, step, kind: LoopKind::Serial, body }),
        store(out, int(0), var(1)),
        store(out, int(4), var(2)),
    ];
    build.kernel("count", Binding::Call, vec![one(Scalar::I32); 3], body);
    let mut running = build.run(Profile::Scalar);
    if let Some(bounds) = bounds {
        running.write("p", "given", &bounds.map(Const::i32));
    }
    assert_eq!(running.go("p"), 0);
    let found = running.read("p", "out", Scalar::I32, 2);
    (found[0].as_int(), found[1].as_int())
}

#[test]
fn loops_run_as_often_as_they_should() {
    let (least, greatest) = (i32::MIN, i32::MAX);
    for (lo, hi, step) in [
        (0, 10, 1),
        (0, 10, 3),
        (0, 9, 3),
        (5, 5, 1),
        (7, 5, 2),
        (-5, 5, 4),
        (greatest - 10, greatest, 4),
        (greatest - 10, greatest, 5),
        (greatest - 1, greatest, 1),
        (greatest, least, 1),
        (least, least + 5, 2),
        (least, greatest, 1 << 30),
        (-10, greatest, greatest),
    ] {
        let (mut count, mut last, mut index) = (0, -1, i128::from(lo));
        while index < i128::from(hi) {
            (count, last, index) = (count + 1, index, index + i128::from(step));
        }
        let constants = [lo, hi, step].map(|value| int(i64::from(value)));
        let [a, b, c] = constants;
        assert_eq!(count_passes(a.clone(), b.clone(), c.clone(), None), (count, last), "{lo}..{hi} by {step}");
        assert_eq!(count_passes(a, b, c, Some([lo, hi, step])), (count, last), "{lo}..{hi} by {step}, given");
    }
}

#[test]
fn a_failure_ends_the_call_with_its_values() {
    let mut build = Build::new();
    build.pipeline("first");
    let x = build.input("x", Scalar::F32, &[]);
    let out = build.output("out", Scalar::F32, &[]);
    let never = build.failure(Failure::EmptyArg);
    build.kernel(
        "check",
        Binding::Call,
        vec![],
        vec![
            Stmt::If(
                Expr::Op(Op::Gt, vec![load(x, 1, int(0)), Expr::Const(Const::f32(9.0))]),
                vec![Stmt::Fail(never, vec![])],
                vec![],
            ),
            store(out, int(0), load(x, 1, int(0))),
        ],
    );
    build.pipeline("second");
    let y = build.input("y", Scalar::I16, &[Size::constant(20)]);
    let z = build.input("z", Scalar::F64, &[]);
    let done = build.output("done", Scalar::I32, &[]);
    let pieces = ["at ", ": ", " of ", ""].map(String::from).to_vec();
    let negative = build.failure(Failure::Assert(pieces));
    let value = || load(y, 1, mul(var(0), int(2)));
    let found = Expr::Op(Op::Lt, vec![value(), Expr::Const(Const::int(Scalar::I16, 0))]);
    let fail = Stmt::Fail(negative, vec![var(0), value(), load(z, 1, int(0))]);
    build.kernel(
        "check",
        Binding::Call,
        vec![one(Scalar::I32)],
        vec![for_loop(0, int(0), int(20), 1, vec![Stmt::If(found, vec![fail], vec![])])],
    );
    build.kernel("after", Binding::Call, vec![], vec![store(done, int(0), int(1))]);
    let mut running = build.run(Profile::Scalar);

    running.write("first", "x", &[Const::f32(9.5)]);
    let status = running.go("first");
    assert_eq!(running.manifest.failures[(status - kcc_abi::status::FIRST_FAILURE) as usize].kind, "empty");
    running.write("first", "x", &[Const::f32(8.5)]);
    assert_eq!(running.go("first"), 0);
    assert_eq!(running.read("first", "out", Scalar::F32, 1), [Const::f32(8.5)]);

    assert_eq!(running.go("second"), 0);
    assert_eq!(running.read("second", "done", Scalar::I32, 1), [Const::i32(1)]);
    let mut values = vec![Const::int(Scalar::I16, 3); 20];
    values[7] = Const::int(Scalar::I16, -300);
    values[9] = Const::int(Scalar::I16, -5);
    running.write("second", "y", &values);
    running.write("second", "z", &[Const::f64(-0.5)]);
    running.write("second", "done", &[Const::i32(0)]);
    let status = running.go("second");
    assert_eq!(running.read("second", "done", Scalar::I32, 1), [Const::i32(0)], "nothing runs after a failure");
    let failure = &running.manifest.failures[(status - kcc_abi::status::FIRST_FAILURE) as usize];
    assert_eq!(failure.status, status);
    assert_eq!(failure.message, "at {0}: {1} of {2}");
    assert_eq!(failure.values, ["i32", "i16", "f64"]);
    assert_eq!((failure.file.as_str(), failure.line, failure.column), ("test.k", 2, 1));
    assert_eq!(failure.pipeline, "second");
    assert_eq!(running.error(0) as i64, 7);
    assert_eq!(running.error(1) as i64, -300);
    assert_eq!(f64::from_bits(running.error(2)), -0.5);
    // The instance stays usable.
    running.write("second", "y", &vec![Const::int(Scalar::I16, 1); 20]);
    assert_eq!(running.go("second"), 0);
}

#[test]
fn conditions_choose_blocks() {
    let mut build = Build::new();
    build.pipeline("p");
    let x = build.input("x", Scalar::U8, &[Size::constant(9)]);
    let y = build.output("y", Scalar::U8, &[Size::constant(9)]);
    let byte = |value: i128| Expr::Const(Const::int(Scalar::U8, value));
    let small = Expr::Op(Op::Lt, vec![load(x, 1, var(0)), byte(100)]);
    let large = Expr::Op(Op::Gt, vec![load(x, 1, var(0)), byte(200)]);
    let set = |value: i128| vec![store(y, var(0), byte(value))];
    let body = vec![Stmt::If(small, set(1), vec![Stmt::If(large, set(3), set(2))])];
    build.kernel("k", Binding::Call, vec![one(Scalar::I32)], vec![for_loop(0, int(0), int(9), 1, body)]);
    let mut running = build.run(Profile::Scalar);
    let data = [0, 99, 100, 101, 200, 201, 255, 50, 150].map(|value| Const::int(Scalar::U8, value));
    running.write("p", "x", &data);
    assert_eq!(running.go("p"), 0);
    let found: Vec<i128> = running.read("p", "y", Scalar::U8, 9).iter().map(|value| value.as_int()).collect();
    assert_eq!(found, [1, 1, 2, 2, 2, 3, 3, 1, 2]);
}
