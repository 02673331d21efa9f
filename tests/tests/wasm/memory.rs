//! Every way to load and store, for every element type and number of lanes, up to the last byte of memory.

use crate::harness::*;
use kcc_compiler::loops::{Access, BufferId, Expr, Load, Stmt};
use kcc_compiler::ops::{Op, eval};
use kcc_compiler::size::Size;
use kcc_compiler::target::Profile;
use kcc_compiler::tensor::Binding;
use kcc_compiler::types::{Const, Scalar};

const PAGE: u64 = 65536;

/// The number of lanes' numbers that hold an element; an `f16` is an `f32` in lanes.
fn lanes_of(elem: Scalar) -> Vec<u8> {
    lane_counts(if elem == Scalar::F16 { 4 } else { elem.bytes() })
}

fn loaded(elem: Scalar) -> Scalar {
    if elem == Scalar::F16 { Scalar::F32 } else { elem }
}

fn as_loaded(value: Const) -> Const {
    if value.ty == Scalar::F16 { Const::f32(eval::f16_to_f32(value.bits as u16)) } else { value }
}

/// An access pattern: element positions of the lanes relative to the index, which runs from `first` on.
struct Pattern {
    name: String,
    access: Access,
    positions: Vec<i64>,
}

fn patterns(lanes: u8) -> Vec<Pattern> {
    let mut found = vec![Pattern {
        name: "contiguous".to_string(),
        access: Access::Contiguous(lanes),
        positions: (0..i64::from(lanes)).collect(),
    }];
    for stride in [-7, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 8, 16, 31] {
        found.push(Pattern {
            name: format!("stride {stride}"),
            access: Access::Strided { lanes, stride },
            positions: (0..i64::from(lanes)).map(|lane| lane * i64::from(stride)).collect(),
        });
    }
    let scattered: Vec<i64> = (0..i64::from(lanes)).map(|lane| (lane * 37 + 11) % 53 - 20).collect();
    found.push(Pattern {
        name: "gather of scalars".to_string(),
        access: Access::Gather { lanes, offsets: scattered.iter().map(|offset| int(*offset)).collect() },
        positions: scattered,
    });
    if lanes <= 4 {
        // 5 + 3*lane, as a vector of offsets.
        let ramp = Expr::Ramp(Box::new(int(0)), lanes);
        let splat = |value: i64| Expr::Splat(Box::new(int(value)), lanes);
        let offsets = vec![add(mul(ramp, splat(3)), splat(5))];
        found.push(Pattern {
            name: "gather of a vector".to_string(),
            access: Access::Gather { lanes, offsets },
            positions: (0..i64::from(lanes)).map(|lane| 5 + 3 * lane).collect(),
        });
    }
    found
}

/// Loads every pattern at every place of a buffer where all lanes are inside it. The buffer is the last one in
/// memory, so that a read of more than the 16 bytes behind it would trap.
#[test]
fn loads_of_every_pattern() {
    const LENGTH: i64 = 600;
    let mut random = Random(21);
    for elem in Scalar::ALL {
        for lanes in lanes_of(elem).into_iter().filter(|lanes| *lanes > 1) {
            let patterns = patterns(lanes);
            let size = i64::from(elem.bytes());
            let make = |filler: i64| {
                let mut build = Build::new();
                build.pipeline("p");
                let input = build.input("x", elem, &[LENGTH.into()]);
                let counts: Vec<(i64, i64)> = patterns.iter().map(|pattern| places(pattern, LENGTH)).collect();
                let outs: Vec<BufferId> = patterns
                    .iter()
                    .zip(&counts)
                    .map(|(pattern, (_, count))| {
                        let total = (count * i64::from(lanes)).max(16 * LENGTH / size);
                        build.output(&pattern.name, loaded(elem), &[Size::constant(total)])
                    })
                    .collect();
                build.output("filler", Scalar::U8, &[Size::constant(100 * LENGTH + filler)]);
                for ((pattern, (first, count)), out) in patterns.iter().zip(&counts).zip(outs) {
                    let index = mul(add(var(0), int(*first)), int(size));
                    let value = Expr::Load(Load { buffer: input, index: vec![index], access: pattern.access.clone() });
                    let to = mul(var(0), int(i64::from(lanes) * i64::from(loaded(elem).bytes())));
                    let body = vec![for_loop(0, int(0), int(*count), 1, vec![store(out, to, value)])];
                    build.kernel(&pattern.name, Binding::Call, vec![one(Scalar::I32)], body);
                }
                build
            };
            let missing = PAGE - make(0).plan().arena % PAGE;
            let build = make(missing as i64);
            assert_eq!(build.plan().arena % PAGE, 0, "memory ends with the padding of the last buffer");
            let mut running = build.run(Profile::Simd128);
            let data: Vec<Const> = (0..LENGTH).map(|_| random.value(elem)).collect();
            running.write("p", "x", &data);
            assert_eq!(running.go("p"), 0);
            for pattern in &patterns {
                let (first, count) = places(pattern, LENGTH);
                let found = running.read("p", &pattern.name, loaded(elem), (count * i64::from(lanes)) as usize);
                for (number, found) in found.iter().enumerate() {
                    let (place, lane) = (number as i64 / i64::from(lanes), number % usize::from(lanes));
                    let expected = as_loaded(data[(first + place + pattern.positions[lane]) as usize]);
                    assert!(
                        same(*found, expected),
                        "{elem} x{lanes} {} at {place} lane {lane}: {found:?}, expected {expected:?}",
                        pattern.name
                    );
                }
            }
        }
    }
}

/// The first index of a pattern, and how many there are.
fn places(pattern: &Pattern, length: i64) -> (i64, i64) {
    let (least, greatest) = (pattern.positions.iter().min().unwrap(), pattern.positions.iter().max().unwrap());
    let first = -*least.min(&0);
    (first, length - first - (*greatest).max(0))
}

/// Stores of every width write exactly their bytes.
#[test]
fn stores_write_no_more_than_their_elements() {
    let mut random = Random(22);
    for elem in Scalar::ALL {
        for lanes in lanes_of(elem) {
            let mut build = Build::new();
            build.pipeline("p");
            let count = i64::from(lanes);
            let input = build.input("x", loaded(elem), &[count.into()]);
            let out = build.output("y", elem, &[Size::constant(3 * count)]);
            let at = count * i64::from(elem.bytes());
            build.kernel("k", Binding::Call, vec![], vec![store(out, int(at), load(input, lanes, int(0)))]);
            let mut running = build.run(if lanes == 1 { Profile::Scalar } else { Profile::Simd128 });
            let data: Vec<Const> = (0..count).map(|_| random.value(loaded(elem))).collect();
            running.write("p", "x", &data);
            let before: Vec<Const> = (0..3 * count).map(|_| random.value(elem)).collect();
            running.write("p", "y", &before);
            assert_eq!(running.go("p"), 0);
            let after = running.read("p", "y", elem, 3 * lanes as usize);
            for (position, found) in after.iter().enumerate() {
                let inside = (count..2 * count).contains(&(position as i64));
                let expected = match inside {
                    false => before[position],
                    true if elem == Scalar::F16 => {
                        let value = data[position - lanes as usize].as_f32();
                        Const { ty: elem, bits: u64::from(eval::f16_from_f32(value)) }
                    }
                    true => data[position - lanes as usize],
                };
                assert!(same(*found, expected), "{elem} x{lanes} at {position}: {found:?}, expected {expected:?}");
            }
        }
    }
}

/// Index sums with constants of either sign, and parts that are negative although the whole is not.
#[test]
fn addresses_whose_parts_are_negative() {
    let sub = |a: Expr, b: Expr| Expr::Op(Op::Sub, vec![a, b]);
    for open in [false, true] {
        let mut build = Build::new();
        build.pipeline("p");
        let n = if open { build.size("N") } else { Size::constant(2000) };
        let x = build.input("x", Scalar::I32, std::slice::from_ref(&n));
        // Each index is `i` plus a constant, for i in 0..10.
        let cases: Vec<(&str, Expr, i64)> = vec![
            ("behind", add(mul(var(0), int(4)), int(40)), 10),
            ("before", sub(mul(add(var(0), int(3)), int(4)), int(12)), 0),
            ("negative part", add(mul(sub(var(0), int(3)), int(4)), int(20)), 2),
            ("far", add(mul(var(0), int(4)), int(4 * 1500)), 1500),
            ("far with a negative part", add(mul(sub(var(0), int(9)), int(4)), int(4 * 1500)), 1491),
            ("subtracted", sub(int(4 * 100), sub(int(4 * 50), mul(var(0), int(4)))), 50),
            ("nothing but negative", sub(int(80), mul(sub(int(9), var(0)), int(4))), 11),
        ];
        for (name, offset, _) in &cases {
            let out = build.output(name, Scalar::I32, &[Size::constant(10)]);
            let body = vec![store(out, mul(var(0), int(4)), load(x, 1, offset.clone()))];
            build.kernel(name, Binding::Call, vec![one(Scalar::I32)], vec![for_loop(0, int(0), int(10), 1, body)]);
        }
        let mut running = build.run(Profile::Scalar);
        if open {
            assert_eq!(running.plan("p", &[2000]), 0);
        }
        let data: Vec<Const> = (0..2000).map(|value| Const::i32(value * 7)).collect();
        running.write("p", "x", &data);
        assert_eq!(running.go("p"), 0);
        for (name, _, shift) in &cases {
            let found = running.read("p", name, Scalar::I32, 10);
            for (i, value) in found.iter().enumerate() {
                assert_eq!(value.as_int(), (i as i128 + i128::from(*shift)) * 7, "{name}");
            }
        }
    }
}

/// A value that is stored where another one is loaded in the same iteration.
#[test]
fn aliases_are_the_same_bytes() {
    let mut build = Build::new();
    build.pipeline("p");
    let x = build.input("x", Scalar::I32, &[Size::constant(6)]);
    let flat = build.local("flat", Scalar::I32, &[Size::constant(6)], Binding::Call);
    let shaped = build.alias("shaped", flat, &[Size::constant(2), Size::constant(3)]);
    let y = build.output("y", Scalar::I32, &[Size::constant(6)]);
    let at = || mul(var(0), int(4));
    let each = |body: Vec<Stmt>| vec![for_loop(0, int(0), int(6), 1, body)];
    build.kernel("a", Binding::Call, vec![one(Scalar::I32)], each(vec![store(flat, at(), load(x, 1, at()))]));
    build.kernel("b", Binding::Call, vec![one(Scalar::I32)], each(vec![store(y, at(), load(shaped, 1, at()))]));
    let mut running = build.run(Profile::Scalar);
    let data: Vec<Const> = (0..6).map(Const::i32).collect();
    running.write("p", "x", &data);
    assert_eq!(running.go("p"), 0);
    assert_eq!(running.read("p", "y", Scalar::I32, 6), data);
}
