//! Neither `run` nor a repeated `plan` nor a view allocates: a counting allocator sees every allocation of the thread.

mod common;
mod counting;

use counting::allocations;

#[test]
fn calls_do_not_allocate() {
    let mut instance = common::module().instantiate().expect("instantiates");
    let shape: (&str, &[u32]) = ("x", &[16, 16]);
    // The first calls may fill caches of the engine.
    instance.plan_shapes("scale", &[shape], &[]).expect("plan");
    instance.plan("scale", &[("H", 16), ("W", 8)]).expect("plan");
    instance.run("scale").expect("run");
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0u8; 100]))), 1, "the counter counts");
    let repeated = allocations(|| {
        for _ in 0..100 {
            instance.plan("scale", &[("H", 16), ("W", 8)]).expect("plan");
            instance.plan_shapes("scale", &[shape], &[]).expect("plan");
            instance.view_mut::<f32>("scale", "x").expect("x").fill(1.0);
            instance.set("scale", "gain", 2.0f32).expect("gain");
            instance.run("scale").expect("run");
            assert_eq!(instance.view::<f32>("scale", "result").expect("result")[3], 2.0);
        }
    });
    assert_eq!(repeated, 0);
    instance.plan("negate", &[("N", 8)]).expect("plan");
    instance.plan("scale", &[("H", 8), ("W", 2)]).expect("plan");
    instance.connect(("scale", "result"), ("negate", "x")).expect("connect");
    assert_eq!(
        allocations(|| {
            for _ in 0..100 {
                instance.run("scale").expect("run");
                instance.run("negate").expect("run");
            }
        }),
        0
    );
}
