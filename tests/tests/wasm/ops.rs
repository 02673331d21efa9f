//! Every operation and cast, for every type and number of lanes, against `ops::eval` on edges and random values.

use crate::harness::*;
use kcc_compiler::loops::{BufferId, Expr, Stmt};
use kcc_compiler::ops::eval::{apply, cast};
use kcc_compiler::ops::{Op, eval};
use kcc_compiler::size::Size;
use kcc_compiler::target::Profile;
use kcc_compiler::tensor::Binding;
use kcc_compiler::types::{Const, Scalar};

const COUNT: usize = 1024;

fn computed() -> impl Iterator<Item = Scalar> {
    Scalar::ALL.into_iter().filter(|ty| *ty != Scalar::F16)
}

/// `for i in 0..COUNT by lanes { out[i] = value(i) }`, with byte offsets for each element size.
fn map(build: &mut Build, name: &str, lanes: u8, out: BufferId, elem: Scalar, value: Expr) {
    let body = store(out, mul(var(0), int(i64::from(elem.bytes()))), value);
    let body = vec![for_loop(0, int(0), int(COUNT as i64), i64::from(lanes), vec![body])];
    build.kernel(name, Binding::Call, vec![one(Scalar::I32)], body);
}

fn at(buffer: BufferId, lanes: u8, elem: Scalar) -> Expr {
    load(buffer, lanes, mul(var(0), int(i64::from(elem.bytes()))))
}

fn profile(lanes: u8) -> Profile {
    if lanes == 1 { Profile::Scalar } else { Profile::Simd128 }
}

fn compare(what: &str, inputs: &[&[Const]], found: &[Const], expected: impl Fn(&[Const]) -> Option<Const>) {
    for (position, found) in found.iter().enumerate() {
        let args: Vec<Const> = inputs.iter().map(|values| values[position]).collect();
        if let Some(expected) = expected(&args) {
            assert!(same(*found, expected), "{what} of {args:?}: found {found:?}, expected {expected:?}");
        }
    }
}

fn values(random: &mut Random, ty: Scalar) -> Vec<Const> {
    (0..COUNT).map(|_| random.value(ty)).collect()
}

fn expect(op: Op, args: &[Const]) -> Option<Const> {
    // A division by zero gives anything, but it does not trap.
    (!(op.divides(args[0].ty) && args[1].bits == 0)).then(|| apply(op, args))
}

fn operations(lanes: u8) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 + u64::from(lanes));
    for ty in computed().filter(|ty| lane_counts(ty.bytes()).contains(&lanes)) {
        let ops: Vec<(Op, Scalar)> =
            Op::ALL.iter().filter_map(|op| op.result(ty).map(|result| (*op, result))).collect();
        let mut build = Build::new();
        build.pipeline("p");
        let dims = [Size::constant(COUNT as i64)];
        let inputs = [build.input("a", ty, &dims), build.input("b", ty, &dims)];
        for (op, result) in &ops {
            let out = build.output(op.name(), *result, &dims);
            let args = inputs[..op.arity()].iter().map(|input| at(*input, lanes, ty)).collect();
            map(&mut build, op.name(), lanes, out, *result, Expr::Op(*op, args));
        }
        let mut running = build.run(profile(lanes));
        let (a, b) = (values(&mut random, ty), values(&mut random, ty));
        running.write("p", "a", &a);
        running.write("p", "b", &b);
        assert_eq!(running.go("p"), 0);
        for (op, result) in &ops {
            let found = running.read("p", op.name(), *result, COUNT);
            compare(&format!("{op:?} {ty} x{lanes}"), &[&a, &b], &found, |args| expect(*op, &args[..op.arity()]));
        }
    }
}

#[test]
fn every_operation_on_scalars() {
    operations(1);
}

#[test]
fn every_operation_in_lanes() {
    for lanes in [2, 4, 8, 16] {
        operations(lanes);
    }
}

/// Division, shifts, min and max have sequences of their own for a constant second operand.
#[test]
fn operations_with_a_constant() {
    let mut random = Random(77);
    let ops = [Op::Div, Op::Rem, Op::TruncDiv, Op::TruncRem, Op::Shl, Op::Shr, Op::Min, Op::Max, Op::Add, Op::Lt];
    for ty in computed().filter(|ty| *ty != Scalar::Bool) {
        for lanes in lane_counts(ty.bytes()) {
            let mut constants: Vec<Const> = (0..5).map(|_| random.value(ty)).collect();
            match ty {
                Scalar::F32 => constants.extend([Const::f32(f32::NAN), Const::f32(-0.0), Const::f32(6.0)]),
                Scalar::F64 => constants.extend([Const::f64(f64::NAN), Const::f64(-0.0), Const::f64(6.0)]),
                _ => constants.extend([-1, 0, 1, 3, 8, 100].map(|value| Const::int(ty, value))),
            }
            let mut build = Build::new();
            build.pipeline("p");
            let dims = [Size::constant(COUNT as i64)];
            let a = build.input("a", ty, &dims);
            let mut cases = Vec::new();
            for (number, constant) in constants.iter().enumerate() {
                for op in ops {
                    let Some(result) = op.result(ty) else { continue };
                    let name = format!("{}{number}", op.name());
                    let out = build.output(&name, result, &dims);
                    let splat = match lanes {
                        1 => Expr::Const(*constant),
                        _ => Expr::Splat(Box::new(Expr::Const(*constant)), lanes),
                    };
                    map(&mut build, &name, lanes, out, result, Expr::Op(op, vec![at(a, lanes, ty), splat]));
                    cases.push((op, *constant, name, result));
                }
            }
            let mut running = build.run(profile(lanes));
            let a = values(&mut random, ty);
            running.write("p", "a", &a);
            assert_eq!(running.go("p"), 0);
            for (op, constant, name, result) in cases {
                let found = running.read("p", &name, result, COUNT);
                let what = format!("{op:?} {ty} x{lanes} with {constant:?}");
                compare(&what, &[&a], &found, |args| expect(op, &[args[0], constant]));
            }
        }
    }
}

/// A shift whose count is the same in all lanes but not constant.
#[test]
fn shifts_by_a_variable_count() {
    let mut random = Random(99);
    for ty in computed().filter(|ty| ty.is_int()) {
        for lanes in lane_counts(ty.bytes()) {
            let mut build = Build::new();
            build.pipeline("p");
            let dims = [Size::constant(COUNT as i64)];
            let a = build.input("a", ty, &dims);
            let count = build.input("count", ty, &[]);
            for op in [Op::Shl, Op::Shr] {
                let out = build.output(op.name(), ty, &dims);
                let count = match lanes {
                    1 => load(count, 1, int(0)),
                    _ => Expr::Splat(Box::new(load(count, 1, int(0))), lanes),
                };
                map(&mut build, op.name(), lanes, out, ty, Expr::Op(op, vec![at(a, lanes, ty), count]));
            }
            let mut running = build.run(profile(lanes));
            let a = values(&mut random, ty);
            running.write("p", "a", &a);
            for _ in 0..20 {
                let count = random.value(ty);
                running.write("p", "count", &[count]);
                assert_eq!(running.go("p"), 0);
                for op in [Op::Shl, Op::Shr] {
                    let found = running.read("p", op.name(), ty, COUNT);
                    compare(&format!("{op:?} {ty} x{lanes}"), &[&a], &found, |args| expect(op, &[args[0], count]));
                }
            }
        }
    }
}

#[test]
fn every_cast() {
    let mut random = Random(5);
    for from in computed() {
        for lanes in lane_counts(from.bytes()) {
            let targets: Vec<Scalar> = computed().filter(|to| lane_counts(to.bytes()).contains(&lanes)).collect();
            let mut build = Build::new();
            build.pipeline("p");
            let dims = [Size::constant(COUNT as i64)];
            let a = build.input("a", from, &dims);
            for to in &targets {
                let out = build.output(to.name(), *to, &dims);
                let value = Expr::Cast(*to, Box::new(at(a, lanes, from)));
                map(&mut build, to.name(), lanes, out, *to, value);
            }
            let mut running = build.run(profile(lanes));
            let a = values(&mut random, from);
            running.write("p", "a", &a);
            assert_eq!(running.go("p"), 0);
            for to in targets {
                let found = running.read("p", to.name(), to, COUNT);
                let what = format!("cast {from} to {to} x{lanes}");
                compare(&what, &[&a], &found, |args| Some(cast(to, args[0])));
            }
        }
    }
}

/// All 65,536 values of `f16`, and roundings to it.
#[test]
fn half_precision_in_memory() {
    let mut random = Random(16);
    let mut floats: Vec<Const> = (0..65536u32)
        .flat_map(|bits| {
            let exact = eval::f16_to_f32(bits as u16).to_bits();
            [
                exact,
                exact.wrapping_add(1),
                exact.wrapping_add(0x1000),
                exact.wrapping_sub(1),
                exact.wrapping_sub(0x1000),
            ]
        })
        .map(|bits| Const::f32(f32::from_bits(bits)))
        .collect();
    floats.extend((0..4096).map(|_| random.value(Scalar::F32)));
    let count = floats.len().next_multiple_of(4);
    floats.resize(count, Const::f32(1.0));
    let halves: Vec<Const> = (0..65536).map(|bits| Const { ty: Scalar::F16, bits }).collect();
    for lanes in [1, 2, 4] {
        let mut build = Build::new();
        build.pipeline("p");
        let dims = |n: usize| [Size::constant(n as i64)];
        let (h, f) = (build.input("h", Scalar::F16, &dims(65536)), build.input("f", Scalar::F32, &dims(count)));
        let wide = build.output("wide", Scalar::F32, &dims(65536));
        let narrow = build.output("narrow", Scalar::F16, &dims(count));
        for (name, n, from, step, to, to_step) in [("widen", 65536, h, 2, wide, 4), ("narrow", count, f, 4, narrow, 2)]
        {
            let body = store(to, mul(var(0), int(to_step)), load(from, lanes, mul(var(0), int(step))));
            let body = vec![for_loop(0, int(0), int(n as i64), i64::from(lanes), vec![body])];
            build.kernel(name, Binding::Call, vec![one(Scalar::I32)], body);
        }
        let mut running = build.run(profile(lanes));
        running.write("p", "h", &halves);
        running.write("p", "f", &floats);
        assert_eq!(running.go("p"), 0);
        let found = running.read("p", "wide", Scalar::F32, 65536);
        let widen = |args: &[Const]| Some(Const::f32(eval::f16_to_f32(args[0].bits as u16)));
        compare(&format!("widen x{lanes}"), &[&halves], &found, widen);
        let found = running.read("p", "narrow", Scalar::F16, count);
        compare(&format!("narrow x{lanes}"), &[&floats], &found, |args| {
            Some(Const { ty: Scalar::F16, bits: u64::from(eval::f16_from_f32(args[0].as_f32())) })
        });
    }
}

#[test]
fn select_splat_ramp_lane_and_accumulate() {
    let mut random = Random(3);
    for ty in computed() {
        for lanes in lane_counts(ty.bytes()) {
            let mut build = Build::new();
            build.pipeline("p");
            let dims = [Size::constant(COUNT as i64)];
            let [a, b] = ["a", "b"].map(|name| build.input(name, ty, &dims));
            let c = build.input("c", Scalar::Bool, &dims);
            let s = build.input("s", ty, &[]);
            let chosen = build.output("chosen", ty, &dims);
            let parts = [at(c, lanes, Scalar::Bool), at(a, lanes, ty), at(b, lanes, ty)];
            map(&mut build, "select", lanes, chosen, ty, Expr::Select(Box::new(parts)));
            let splat = build.output("splat", ty, &dims);
            let value = load(s, 1, int(0));
            // A sum that is no load by itself, so that both ways to splat are taken.
            let sum = Expr::Op(if ty == Scalar::Bool { Op::Or } else { Op::Max }, vec![value.clone(), value.clone()]);
            let splat_of = |e: Expr| if lanes == 1 { e } else { Expr::Splat(Box::new(e), lanes) };
            map(&mut build, "splat", lanes, splat, ty, splat_of(value));
            let splat_sum = build.output("splat_sum", ty, &dims);
            map(&mut build, "splat_sum", lanes, splat_sum, ty, splat_of(sum));
            // The last lane of each vector, written by a scalar store to the vector's first element.
            let last = build.output("last", ty, &dims);
            if lanes > 1 {
                let lane = Expr::Lane(Box::new(at(a, lanes, ty)), lanes - 1);
                map(&mut build, "last", lanes, last, ty, lane);
            }
            let ramp = build.output("ramp", Scalar::I32, &dims);
            let ramps = lanes == 2 || lanes == 4;
            if ramps {
                let base = Expr::Op(Op::Sub, vec![var(0), int(500)]);
                map(&mut build, "ramp", lanes, ramp, Scalar::I32, Expr::Ramp(Box::new(base), lanes));
            }
            let mut running = build.run(profile(lanes));
            let (x, y) = (values(&mut random, ty), values(&mut random, ty));
            let choose: Vec<Const> = (0..COUNT).map(|_| Const::bool(random.next() & 1 == 1)).collect();
            let one_value = random.value(ty);
            running.write("p", "a", &x);
            running.write("p", "b", &y);
            running.write("p", "c", &choose);
            running.write("p", "s", &[one_value]);
            assert_eq!(running.go("p"), 0);
            let found = running.read("p", "chosen", ty, COUNT);
            compare(&format!("select {ty} x{lanes}"), &[&choose, &x, &y], &found, |args| {
                Some(if args[0].bits == 1 { args[1] } else { args[2] })
            });
            for name in ["splat", "splat_sum"] {
                let found = running.read("p", name, ty, COUNT);
                compare(&format!("{name} {ty} x{lanes}"), &[&x], &found, |_| Some(one_value));
            }
            if lanes > 1 {
                let found = running.read("p", "last", ty, COUNT);
                for first in (0..COUNT).step_by(usize::from(lanes)) {
                    assert!(same(found[first], x[first + usize::from(lanes) - 1]), "lane {ty} x{lanes}");
                }
            }
            if ramps {
                let found = running.read("p", "ramp", Scalar::I32, COUNT);
                for (position, value) in found.iter().enumerate() {
                    assert_eq!(value.as_int(), position as i128 - 500, "ramp x{lanes}");
                }
            }
        }
    }
}

/// `total = fold(op, a)` in a variable that lives over the loop.
#[test]
fn accumulators_live_over_loops() {
    let mut random = Random(8);
    for (ty, operation) in [
        (Scalar::F32, Op::Add),
        (Scalar::F32, Op::Max),
        (Scalar::F64, Op::Mul),
        (Scalar::I64, Op::Add),
        (Scalar::U8, Op::Min),
        (Scalar::I16, Op::Mul),
    ] {
        let mut build = Build::new();
        build.pipeline("p");
        let dims = [Size::constant(COUNT as i64)];
        let a = build.input("a", ty, &dims);
        let total = build.output("total", ty, &[]);
        let body = vec![
            Stmt::Let(kcc_compiler::loops::VarId(1), load(a, 1, int(0))),
            for_loop(
                0,
                int(1),
                int(COUNT as i64),
                1,
                vec![Stmt::Accumulate(kcc_compiler::loops::VarId(1), operation, at(a, 1, ty))],
            ),
            store(total, int(0), var(1)),
        ];
        build.kernel("fold", Binding::Call, vec![one(Scalar::I32), one(ty)], body);
        let mut running = build.run(Profile::Scalar);
        let a = values(&mut random, ty);
        running.write("p", "a", &a);
        assert_eq!(running.go("p"), 0);
        let expected = a[1..].iter().fold(a[0], |sum, value| apply(operation, &[sum, *value]));
        assert!(same(running.read("p", "total", ty, 1)[0], expected), "{operation:?} {ty}");
    }
}
