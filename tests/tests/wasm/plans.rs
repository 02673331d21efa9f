//! `plan`: sizes, facts, layout, growth, reuse, refusals.

use crate::harness::*;
use kcc_abi::status;
use kcc_compiler::loops::{BufferId, Expr};
use kcc_compiler::ops::Op;
use kcc_compiler::plan;
use kcc_compiler::size::{DimExpr, Size};
use kcc_compiler::target::Profile;
use kcc_compiler::tensor::{Binding, Failure};
use kcc_compiler::types::{Const, Scalar};
use wasmtime::Val;

const PAGE: u64 = 65536;

/// `to[i] = from[i] + constant` for `i` in `0..n`, elements `i32`.
fn shifted(build: &mut Build, name: &str, from: BufferId, to: BufferId, n: &Size, constant: i64, binding: Binding) {
    let at = || mul(var(0), int(4));
    let body = vec![store(to, at(), add(load(from, 1, at()), int(constant)))];
    build.kernel(name, binding, vec![one(Scalar::I32)], vec![for_loop(0, int(0), Expr::Size(n.clone()), 1, body)]);
}

/// A pipeline `name` over `N` elements in three steps: `y = ((x + 1) + 10) + 100`, with intermediates in scratch.
fn chain(build: &mut Build, name: &str, limit: Option<i64>) {
    build.pipeline(name);
    let n = build.size("N");
    if let Some(limit) = limit {
        build.fact(&format!("N <= {limit}"), Size::constant(limit).minus(&n));
    }
    let x = build.input("x", Scalar::I32, std::slice::from_ref(&n));
    let y = build.output("y", Scalar::I32, std::slice::from_ref(&n));
    let [s, t] = ["s", "t"].map(|name| build.local(name, Scalar::I32, std::slice::from_ref(&n), Binding::Call));
    shifted(build, "one", x, s, &n, 1, Binding::Call);
    shifted(build, "ten", s, t, &n, 10, Binding::Call);
    shifted(build, "hundred", t, y, &n, 100, Binding::Call);
}

fn run_chain(running: &mut Running, name: &str, n: usize, start: i32) {
    let data: Vec<Const> = (0..n as i32).map(|i| Const::i32(start + i)).collect();
    running.write(name, "x", &data);
    assert_eq!(running.go(name), status::OK);
    let found = running.read(name, "y", Scalar::I32, n);
    for (i, value) in found.iter().enumerate() {
        assert_eq!(value.as_int(), i128::from(start) + i as i128 + 111, "{name} at {i}");
    }
}

fn pages(running: &Running) -> u64 {
    running.memory.size(&running.store)
}

fn generation(running: &Running, pipeline: usize) -> i32 {
    running.i32_at(running.manifest.pipelines[pipeline].generation_at.expect("it has a plan"))
}

#[test]
fn one_module_serves_every_size() {
    let mut build = Build::new();
    chain(&mut build, "p", None);
    let mut running = build.run(Profile::Scalar);
    assert_eq!(running.go("p"), status::NOT_PLANNED);
    for n in [5, 1, 0, 1000, 70_000, 3, 200_000] {
        assert_eq!(running.plan("p", &[n]), status::OK);
        run_chain(&mut running, "p", n as usize, 42);
    }
    // Two intermediates of the chain are never larger than what the largest size needs.
    assert_eq!(pages(&running), (build.plan().arena + 4 * (200_000u64 * 4 + 32)).div_ceil(PAGE));
}

#[test]
fn the_same_sizes_again_change_nothing() {
    let mut build = Build::new();
    chain(&mut build, "p", None);
    let mut running = build.run(Profile::Scalar);
    assert_eq!(running.plan("p", &[100]), status::OK);
    let (first, size) = (generation(&running, 0), pages(&running));
    for start in 0..1000 {
        assert_eq!(running.plan("p", &[100]), status::OK);
        run_chain(&mut running, "p", 100, start);
    }
    assert_eq!((generation(&running, 0), pages(&running)), (first, size));
    assert_eq!(running.plan("p", &[99]), status::OK);
    assert_ne!(generation(&running, 0), first);
}

#[test]
fn the_peak_is_the_certificate() {
    let mut build = Build::new();
    chain(&mut build, "p", Some(50_000));
    chain(&mut build, "q", Some(90_000));
    let ceiling = build.plan().ceiling.expect("all sizes are bounded");
    let mut running = build.run(Profile::Scalar);
    assert_eq!(running.manifest.memory.max_pages, Some(ceiling.div_ceil(PAGE) as u32));
    assert_eq!(running.plan("p", &[50_000]), status::OK);
    assert_eq!(running.plan("q", &[90_000]), status::OK);
    run_chain(&mut running, "p", 50_000, 1);
    run_chain(&mut running, "q", 90_000, 2);
    assert_eq!(pages(&running), ceiling.div_ceil(PAGE));
    // In any order and with any sizes on the way.
    let mut running = build.run(Profile::Scalar);
    let mut random = Random(4);
    for _ in 0..200 {
        let (name, limit) = if random.next() & 1 == 0 { ("p", 50_000) } else { ("q", 90_000) };
        let n = (random.next() % (limit + 1)) as i32;
        assert_eq!(running.plan(name, &[n]), status::OK);
        run_chain(&mut running, name, n.min(50) as usize, n);
        assert!(pages(&running) <= ceiling.div_ceil(PAGE));
    }
    assert_eq!(running.plan("q", &[90_000]), status::OK);
    assert_eq!(running.plan("p", &[50_000]), status::OK);
    assert!(pages(&running) <= ceiling.div_ceil(PAGE));
}

#[test]
fn pipelines_share_scratch_and_keep_their_tensors() {
    let mut build = Build::new();
    for name in ["p", "q", "r"] {
        chain(&mut build, name, None);
    }
    let mut running = build.run(Profile::Scalar);
    assert_eq!(running.plan("p", &[100]), status::OK);
    run_chain(&mut running, "p", 100, 5);
    // Planning another pipeline moves scratch, and nothing else.
    let first = generation(&running, 0);
    let before = running.read("p", "y", Scalar::I32, 100);
    assert_eq!(running.plan("q", &[500]), status::OK);
    assert_eq!(running.plan("r", &[10]), status::OK);
    assert_eq!(generation(&running, 0), first);
    assert_eq!(running.read("p", "y", Scalar::I32, 100), before);
    run_chain(&mut running, "q", 500, 6);
    run_chain(&mut running, "r", 10, 7);
    assert_eq!(running.read("p", "y", Scalar::I32, 100), before);
    let other = running.read("q", "x", Scalar::I32, 500);
    run_chain(&mut running, "p", 100, 8);
    assert_eq!(running.read("q", "x", Scalar::I32, 500), other, "scratch of one is no tensor of another");
    // A smaller plan stays in its place.
    assert_eq!(running.plan("p", &[60]), status::OK);
    assert_eq!(running.go("q"), status::OK);
    run_chain(&mut running, "p", 60, 9);
    // The last region can grow without moving others.
    assert_eq!(running.plan("r", &[5000]), status::OK);
    run_chain(&mut running, "q", 500, 10);
    run_chain(&mut running, "r", 5000, 11);
    // One in the middle cannot: all are unplanned, and their views stale.
    let others = (generation(&running, 0), generation(&running, 2));
    assert_eq!(running.plan("q", &[800]), status::OK);
    assert_eq!(running.go("p"), status::NOT_PLANNED);
    assert_eq!(running.go("r"), status::NOT_PLANNED);
    assert_ne!(generation(&running, 0), others.0);
    assert_ne!(generation(&running, 2), others.1);
    run_chain(&mut running, "q", 800, 12);
    assert_eq!(running.plan("p", &[60]), status::OK);
    assert_eq!(running.plan("r", &[61]), status::OK);
    run_chain(&mut running, "p", 60, 13);
    run_chain(&mut running, "q", 800, 14);
    run_chain(&mut running, "r", 61, 15);
}

#[test]
fn refused_sizes_leave_the_instance_usable() {
    let mut build = Build::new();
    build.pipeline("p");
    let (h, w) = (build.size("H"), build.size("W"));
    build.fact("H <= 4000", Size::constant(4000).minus(&h));
    build.fact("2 * H <= W", w.minus(&h.times_const(2)));
    let x = build.input("x", Scalar::I32, &[h.clone(), w.clone()]);
    let crop = build.output("crop", Scalar::I32, &[h.minus(&10.into())]);
    shifted(&mut build, "k", x, crop, &h.minus(&10.into()), 1, Binding::Call);
    let mut running = build.run(Profile::Scalar);
    assert_eq!(running.plan_args(0), ["H", "W"]);
    assert_eq!(running.plan("p", &[20, 50]), status::OK);
    for _ in 0..2 {
        assert_eq!(running.plan("p", &[4001, 9000]), status::SIZE_OUT_OF_BOUNDS);
        assert_eq!([running.error(0), running.error(1), running.error(2)], [0, 4001, 4000]);
        assert_eq!(running.go("p"), status::NOT_PLANNED);
        assert_eq!(running.plan("p", &[20, -1]), status::SIZE_OUT_OF_BOUNDS);
        assert_eq!([running.error(0), running.error(1) as i64 as u64], [1, -1i64 as u64]);
        assert_eq!(running.plan("p", &[4000, i32::MAX]), status::TOO_LARGE);
        let failed = running.plan("p", &[20, 39]);
        let failure = &running.manifest.failures[(failed - status::FIRST_FAILURE) as usize];
        assert_eq!((failure.kind.as_str(), failure.message.as_str()), ("fact", "2 * H <= W does not hold"));
        assert_eq!(running.plan("p", &[9, 20]), status::NEGATIVE_EXTENT);
        assert_eq!(running.error(0) as i64, -1);
        assert_eq!(running.go("p"), status::NOT_PLANNED);
        assert_eq!(running.plan("p", &[20, 50]), status::OK);
        running.write("p", "x", &[Const::i32(6); 10]);
        assert_eq!(running.go("p"), status::OK);
        assert_eq!(running.read("p", "crop", Scalar::I32, 10), [Const::i32(7); 10]);
    }
}

#[test]
fn too_much_memory_is_a_status() {
    let mut build = Build::new();
    chain(&mut build, "p", None);
    let mut running = build.run(Profile::Scalar);
    assert_eq!(running.plan("p", &[300_000_000]), status::OUT_OF_MEMORY);
    let needed = (build.plan().arena + 4 * (1_200_000_000 + 16)).div_ceil(PAGE);
    assert_eq!(running.error(0), needed);
    assert_eq!(running.plan("p", &[600_000_000]), status::TOO_LARGE);
    assert_eq!(running.plan("p", &[300]), status::OK);
    run_chain(&mut running, "p", 300, 3);
}

#[test]
fn products_that_overflow_every_integer_are_refused() {
    let mut build = Build::new();
    build.pipeline("p");
    let dims: Vec<Size> = ["A", "B", "C", "D", "E"].iter().map(|name| build.size(name)).collect();
    let x = build.input("x", Scalar::I32, &dims);
    let y = build.output("y", Scalar::I32, &[dims[0].clone()]);
    shifted(&mut build, "k", x, y, &dims[0], 0, Binding::Call);
    let mut running = build.run(Profile::Scalar);
    let big = i32::MAX;
    assert_eq!(running.plan("p", &[2, big, big, big, big]), status::TOO_LARGE);
    assert_eq!(running.plan("p", &[2, 65536, 65536, 65536, 65536]), status::TOO_LARGE);
    // A tensor without elements has no size, however large its other extents are.
    assert_eq!(running.plan("p", &[2, big, big, big, 0]), status::OK);
    assert_eq!(running.plan("p", &[2, 3, 4, 5, 6]), status::OK);
}

#[test]
fn extents_are_computed_from_sizes_and_scalars() {
    let mut build = Build::new();
    build.pipeline("p");
    let n = build.size("N");
    let scale = build.program.names.new_scalar("scale");
    let x = build.input("x", Scalar::I32, std::slice::from_ref(&n));
    build.input("scale", Scalar::F32, &[]);
    let param = build.p().params[1];
    build.p().plan_scalars.push((scale, param));
    // M = i32(f32(N) * scale), K = N / M, and an extent that is a polynomial of both.
    let product = DimExpr::Op(
        Op::Mul,
        vec![DimExpr::Cast(Scalar::F32, Box::new(DimExpr::Size(n.clone()))), DimExpr::Scalar(scale, Scalar::F32)],
    );
    let m = Size::dim(DimExpr::Cast(Scalar::I32, Box::new(product)));
    let k = n.div(&m);
    let long = build.output("long", Scalar::I32, std::slice::from_ref(&m));
    build.output("ratio", Scalar::U8, &[k.clone(), m.smaller(&n).plus(&1.into())]);
    let last = Expr::Op(Op::Sub, vec![Expr::Size(n.clone()), int(1)]);
    let at = || mul(var(0), int(4));
    let index = Expr::Op(Op::Min, vec![var(0), last]);
    let body = vec![store(long, at(), load(x, 1, mul(index, int(4))))];
    build.kernel("k", Binding::Call, vec![one(Scalar::I32)], vec![for_loop(0, int(0), Expr::Size(m), 1, body)]);
    let mut running = build.run(Profile::Scalar);
    assert_eq!(running.plan_args(0), ["N", "scale"]);
    let dims = |running: &Running| -> Vec<i32> {
        let results = running.manifest.pipelines[0].results.iter();
        results
            .flat_map(|result| &result.dims)
            .map(|dim| match dim.value {
                kcc_abi::DimValue::At(address) => running.i32_at(address),
                _ => panic!("{} is known by no argument", dim.text),
            })
            .collect()
    };
    let plan =
        |running: &mut Running, n: i32, scale: f32| running.call("p.plan", &[Val::I32(n), Val::F32(scale.to_bits())]);
    assert_eq!(plan(&mut running, 10, 2.55), status::OK);
    assert_eq!(dims(&running), [25, 0, 11]);
    assert_eq!(running.read("p", "scale", Scalar::F32, 1), [Const::f32(2.55)]);
    let data: Vec<Const> = (0..10).map(|i| Const::i32(i * i)).collect();
    running.write("p", "x", &data);
    assert_eq!(running.go("p"), status::OK);
    let long = running.read("p", "long", Scalar::I32, 25);
    assert_eq!((long[4], long[24]), (Const::i32(16), Const::i32(81)));
    assert_eq!(plan(&mut running, 10, 0.3), status::OK);
    assert_eq!(dims(&running), [3, 3, 4]);
    assert_eq!(plan(&mut running, 10, 0.0), status::SIZE_DIVIDES_BY_ZERO);
    assert_eq!(plan(&mut running, 10, -1.0), status::NEGATIVE_EXTENT);
    assert_eq!(plan(&mut running, 10, f32::INFINITY), status::TOO_LARGE);
    // NaN is an argument as any other: the second plan with it is refused alike.
    assert_eq!(plan(&mut running, 10, f32::NAN), status::SIZE_DIVIDES_BY_ZERO);
    assert_eq!(plan(&mut running, 10, f32::NAN), status::SIZE_DIVIDES_BY_ZERO);
    assert_eq!(plan(&mut running, 7, 1.0), status::OK);
    assert_eq!(dims(&running), [7, 1, 8]);
}

/// A table that depends on a size is made by `plan` and kept from call to call; a failure there fails `plan`.
#[test]
fn plan_steps_run_once_for_each_plan() {
    let mut build = Build::new();
    build.pipeline("p");
    let n = build.size("N");
    let x = build.input("x", Scalar::I32, std::slice::from_ref(&n));
    let y = build.output("y", Scalar::I32, std::slice::from_ref(&n));
    let start = build.constant("start", &[1000, 2000, 3000, 4000].map(Const::i32));
    let raw = build.local("raw", Scalar::I32, std::slice::from_ref(&n), Binding::Plan);
    let table = build.local("table", Scalar::I32, std::slice::from_ref(&n), Binding::Plan);
    let odd = build.failure(Failure::Fact("N is even".to_string()));
    let at = || mul(var(0), int(4));
    let each = |body| vec![for_loop(0, int(0), Expr::Size(n.clone()), 1, vec![body])];
    let index = Expr::Op(Op::And, vec![var(0), int(3)]);
    let i32s = || vec![one(Scalar::I32)];
    // The order of kernels of one binding time counts, not the order of binding times.
    let sum = add(load(x, 1, at()), load(table, 1, at()));
    build.kernel("use", Binding::Call, i32s(), each(store(y, at(), sum)));
    build.kernel("raw", Binding::Plan, i32s(), each(store(raw, at(), load(start, 1, mul(index, int(4))))));
    shifted(&mut build, "table", raw, table, &n, 1, Binding::Plan);
    let remainder = Expr::Op(Op::Rem, vec![Expr::Size(n.clone()), int(2)]);
    let is_odd = Expr::Op(Op::Eq, vec![remainder, int(1)]);
    let fail = kcc_compiler::loops::Stmt::Fail(odd, vec![Expr::Size(n.clone())]);
    build.kernel("check", Binding::Plan, vec![], vec![kcc_compiler::loops::Stmt::If(is_odd, vec![fail], vec![])]);
    let mut running = build.run(Profile::Scalar);
    let steps: Vec<(&str, &str)> =
        running.manifest.pipelines[0].steps.iter().map(|s| (s.name.as_str(), s.binding.as_str())).collect();
    assert_eq!(steps, [("raw", "plan"), ("table", "plan"), ("check", "plan"), ("use", "call")]);
    assert_eq!(running.plan("p", &[6]), status::OK);
    let data: Vec<Const> = (0..6).map(Const::i32).collect();
    for _ in 0..3 {
        running.write("p", "x", &data);
        assert_eq!(running.go("p"), status::OK);
        let found: Vec<i128> = running.read("p", "y", Scalar::I32, 6).iter().map(|v| v.as_int()).collect();
        assert_eq!(found, [1001, 2002, 3003, 4004, 1005, 2006]);
    }
    let failed = running.plan("p", &[7]);
    assert_eq!(running.manifest.failures[(failed - status::FIRST_FAILURE) as usize].message, "N is even does not hold");
    assert_eq!(running.error(0), 7);
    assert_eq!(running.go("p"), status::NOT_PLANNED);
    assert_eq!(running.plan("p", &[4]), status::OK);
    assert_eq!(running.go("p"), status::OK);
}

/// With fixed sizes there is nothing to plan, unless something is bound to it.
#[test]
fn fixed_pipelines() {
    let mut build = Build::new();
    build.pipeline("plain");
    let four = Size::constant(4);
    let x = build.input("x", Scalar::I32, std::slice::from_ref(&four));
    let y = build.output("y", Scalar::I32, std::slice::from_ref(&four));
    shifted(&mut build, "k", x, y, &four, 1, Binding::Call);
    build.pipeline("table");
    let x = build.input("x", Scalar::I32, std::slice::from_ref(&four));
    let y = build.output("y", Scalar::I32, std::slice::from_ref(&four));
    let t = build.local("t", Scalar::I32, std::slice::from_ref(&four), Binding::Plan);
    let c = build.constant("c", &[5, 6, 7, 8].map(Const::i32));
    shifted(&mut build, "t", c, t, &four, 1, Binding::Plan);
    let at = || mul(var(0), int(4));
    let body = vec![store(y, at(), add(load(x, 1, at()), load(t, 1, at())))];
    build.kernel("k", Binding::Call, vec![one(Scalar::I32)], vec![for_loop(0, int(0), int(4), 1, body)]);
    let mut running = build.run(Profile::Scalar);
    assert_eq!(running.manifest.pipelines[0].plan, None);
    assert_eq!(running.manifest.memory.max_pages, Some(1));
    running.write("plain", "x", &[1, 2, 3, 4].map(Const::i32));
    assert_eq!(running.go("plain"), status::OK);
    assert_eq!(running.read("plain", "y", Scalar::I32, 4), [2, 3, 4, 5].map(Const::i32));
    assert_eq!(running.go("table"), status::NOT_PLANNED);
    assert_eq!(running.plan("table", &[]), status::OK);
    running.write("table", "x", &[10, 20, 30, 40].map(Const::i32));
    assert_eq!(running.go("table"), status::OK);
    assert_eq!(running.read("table", "y", Scalar::I32, 4), [16, 27, 38, 49].map(Const::i32));
}

/// The verifier sees what it is there for.
#[test]
fn broken_plans_are_noticed() {
    let mut build = Build::new();
    chain(&mut build, "p", Some(100));
    build.pipeline("q");
    let four = Size::constant(4);
    let x = build.input("x", Scalar::I32, std::slice::from_ref(&four));
    let y = build.output("y", Scalar::I32, std::slice::from_ref(&four));
    shifted(&mut build, "k", x, y, &four, 1, Binding::Call);
    let good = build.plan();
    let complaint = |change: &dyn Fn(&mut plan::Plan)| {
        let mut broken = good.clone();
        change(&mut broken);
        plan::verify::verify(&build.program, &build.loops, &broken).expect_err("a broken plan")
    };
    let has = |found: String, words: &str| assert!(found.contains(words), "{found:?} does not say {words:?}");
    // Buffers of `p`: x, y, s, t.
    has(
        complaint(&|plan| plan.pipelines[0].buffers[3].offset = plan.pipelines[0].buffers[2].offset.clone()),
        "overlap",
    );
    has(complaint(&|plan| plan.pipelines[0].buffers[1].offset = Size::constant(16)), "overlap");
    has(complaint(&|plan| plan.pipelines[0].buffers[0].offset = Size::constant(8)), "aligned");
    has(complaint(&|plan| plan.pipelines[0].scratch = Size::constant(100)), "beyond its region");
    has(complaint(&|plan| plan.pipelines[0].buffers[2].alive = (1, 1)), "not alive");
    has(complaint(&|plan| plan.pipelines[0].buffers[2].place = plan::Place::Nowhere), "no address");
    has(complaint(&|plan| plan.pipelines[0].steps.swap(0, 1)), "nobody has written");
    has(complaint(&|plan| plan.pipelines[0].steps.truncate(2)), "no step");
    has(complaint(&|plan| plan.pipelines[0].slots.retain(|slot| !matches!(slot, plan::Slot::Atom(_)))), "address");
    has(complaint(&|plan| plan.pipelines[1].buffers[1].place = plan.pipelines[1].buffers[0].place.clone()), "overlap");
    has(complaint(&|plan| plan.arena = 16), "arena");
}
