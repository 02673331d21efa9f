//! Planning, views, running, failures, chaining: the runtime's verbs on a hand-written module.

mod common;

use common::{ASSERT, FACT, module};
use kcc_runtime::{Error, Instance, Value};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn instance() -> Instance {
    module().instantiate().expect("instantiates")
}

fn scaled(instance: &mut Instance) -> Vec<f32> {
    instance.run("scale").expect("runs");
    instance.view::<f32>("scale", "result").expect("view").to_vec()
}

#[test]
fn plan_write_run_read() {
    let mut instance = instance();
    instance.plan("scale", &[("W", 1), ("H", 3)]).expect("plan");
    instance.view_mut::<f32>("scale", "x").expect("x").copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    instance.set("scale", "gain", 0.5f32).expect("gain");
    assert_eq!(scaled(&mut instance), [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
    let view = instance.view::<f32>("scale", "result").expect("view");
    assert_eq!(view.shape(), [3, 2]);
    assert_eq!(view.get_at(&[2, 1]), Some(&3.0));
    assert_eq!(instance.get::<f32>("scale", "gain").expect("gain"), 0.5);
    assert_eq!(instance.bytes("scale", "x").expect("bytes")[..4], 1.0f32.to_le_bytes());
}

#[test]
fn views_lie_in_linear_memory_and_follow_the_plan() {
    let mut instance = instance();
    instance.plan("scale", &[("H", 1000), ("W", 1000)]).expect("plan");
    let before = instance.memory_size();
    assert!(before >= 1000 * 2000 * 8);
    let view = instance.view_mut::<f32>("scale", "x").expect("x");
    let x = view.as_ptr() as usize;
    let y = instance.view::<f32>("scale", "result").expect("y").as_ptr() as usize;
    assert_eq!(y - x, (1000 * 2000 * 4 + 31) & !15, "both lie in one memory");
    instance.plan("scale", &[("H", 2), ("W", 3)]).expect("plan");
    assert_eq!(instance.view::<f32>("scale", "result").expect("y").shape(), [2, 6]);
    assert_eq!(instance.memory_size(), before);
}

#[test]
fn memory_does_not_grow_over_ten_thousand_calls() {
    let mut instance = instance();
    instance.plan("scale", &[("H", 4), ("W", 4)]).expect("plan");
    let before = instance.memory_size();
    for _ in 0..10_000 {
        instance.plan("scale", &[("H", 4), ("W", 4)]).expect("plan");
        instance.run("scale").expect("run");
    }
    assert_eq!(instance.memory_size(), before);
}

#[test]
fn sizes_follow_from_shapes() {
    let mut instance = instance();
    instance.plan_shapes("scale", &[("x", &[5, 6]), ("gain", &[])], &[]).expect("plan");
    assert_eq!(instance.view::<f32>("scale", "result").expect("view").shape(), [5, 6]);
    let refuse = |instance: &mut Instance, shapes: &[(&str, &[u32])], part: &str| {
        let text = instance.plan_shapes("scale", shapes, &[]).expect_err("must be refused").to_string();
        assert!(text.contains(part), "{text}");
    };
    refuse(&mut instance, &[("x", &[5, 7])], "axis 1 of `x` is 7, which `2*W` cannot be");
    refuse(&mut instance, &[("x", &[5])], "size `W` of `scale` does not follow");
    refuse(&mut instance, &[("x", &[5, 6, 1])], "`x` has shape [5, 6, 1], expected f32[H, 2*W]");
    refuse(&mut instance, &[("x", &[5, 6]), ("gain", &[1])], "`gain` has shape [1], expected f32");
    refuse(&mut instance, &[("x", &[5, 6]), ("bias", &[1])], "has no `bias`");
    refuse(&mut instance, &[], "does not follow");
    refuse(&mut instance, &[("x", &[5000, 6])], "size H = 5000 is greater than its declared bound 4096");
    refuse(&mut instance, &[("x", &[u32::MAX, 6])], "cannot be 4294967295");
}

#[test]
fn wrong_sizes_are_named() {
    let mut instance = instance();
    let refuse = |instance: &mut Instance, sizes: &[(&str, u32)], part: &str| {
        let text = instance.plan("scale", sizes).expect_err("must be refused").to_string();
        assert!(text.contains(part), "{text}");
    };
    refuse(&mut instance, &[("H", 1)], "size `W` of pipeline `scale` is missing");
    refuse(&mut instance, &[("H", 1), ("W", 1), ("D", 1)], "has no size `D`, it has H, W");
    refuse(&mut instance, &[("H", 1), ("H", 1), ("W", 1)], "given twice");
    refuse(&mut instance, &[("H", 1), ("W", 5000)], "would not fit 32 bits");
    let scalars = [("gain", Value::F32(1.0))];
    let error = instance.plan_with("scale", &[("H", 1), ("W", 1)], &scalars).expect_err("no plan scalar");
    assert!(matches!(error, Error::Argument(_)));
}

#[test]
fn failures_are_structured_and_leave_the_instance_usable() {
    let mut instance = instance();
    let Err(Error::Call(error)) = instance.plan("scale", &[("H", 1), ("W", 0)]) else { panic!("W = 0 is refused") };
    assert_eq!((error.status, error.kind.as_str()), (FACT, "fact"));
    assert_eq!(error.to_string(), "scale: W >= 1 does not hold, W is 0 (scale.k:3:9)");
    instance.plan("scale", &[("H", 1), ("W", 1)]).expect("plan");
    instance.set("scale", "gain", 1500.0f32).expect("gain");
    let Err(Error::Call(error)) = instance.run("scale") else { panic!("gain is refused") };
    assert_eq!(error.status, ASSERT);
    assert_eq!(error.message, "gain 1500.0 is too much (-7)");
    assert_eq!(error.values, [Value::F32(1500.0), Value::Int(-7)]);
    assert_eq!(error.place.expect("place").line, 4);
    instance.set("scale", "gain", 2.0f32).expect("gain");
    instance.view_mut::<f32>("scale", "x").expect("x").copy_from_slice(&[1.0, 2.0]);
    assert_eq!(scaled(&mut instance), [2.0, 4.0]);
}

#[test]
fn names_types_and_order_of_calls_are_checked() {
    let mut instance = instance();
    assert!(matches!(instance.run("scale"), Err(Error::NotPlanned { .. })));
    assert!(matches!(instance.view::<f32>("scale", "x"), Err(Error::NotPlanned { .. })));
    instance.plan("scale", &[("H", 1), ("W", 1)]).expect("plan");
    let text = instance.run("scales").expect_err("unknown").to_string();
    assert_eq!(text, "there is no pipeline `scales`, the module has `scale`, `negate`");
    let text = instance.view::<f32>("scale", "y").expect_err("unknown").to_string();
    assert_eq!(text, "pipeline `scale` has no `y`, it has `x`, `gain`, `result`");
    let text = instance.view::<u8>("scale", "x").expect_err("type").to_string();
    assert_eq!(text, "`x` has elements of type f32, not u8");
    assert!(matches!(instance.set("scale", "x", 1.0f32), Err(Error::Shape(_))));
    assert!(instance.plan("scale", &[("H", 1), ("W", 0)]).is_err());
    assert!(matches!(instance.run("scale"), Err(Error::NotPlanned { .. })), "a failed plan leaves none");
}

#[test]
fn empty_tensors_have_empty_views() {
    let mut instance = instance();
    instance.plan("scale", &[("H", 0), ("W", 3)]).expect("plan");
    instance.run("scale").expect("run");
    let view = instance.view::<f32>("scale", "result").expect("view");
    assert_eq!((view.shape(), view.len()), (&[0, 6][..], 0));
}

#[test]
fn pipelines_are_chained_over_one_memory() {
    let mut instance = instance();
    instance.plan("scale", &[("H", 3), ("W", 2)]).expect("plan");
    instance.plan("negate", &[("N", 3)]).expect("plan");
    instance.connect(("scale", "result"), ("negate", "x")).expect("connect");
    instance.view_mut::<f32>("scale", "x").expect("x").fill(4.0);
    instance.set("scale", "gain", 0.25f32).expect("gain");
    instance.run("scale").expect("run");
    let shared = instance.view::<f32>("negate", "x").expect("x").as_ptr();
    assert_eq!(shared, instance.view::<f32>("scale", "result").expect("result").as_ptr());
    instance.run("negate").expect("run");
    assert_eq!(instance.view::<f32>("negate", "y").expect("y").elements(), [-1.0; 12]);
    assert_eq!(instance.get::<i32>("negate", "n").expect("n"), 3);

    // Another size of the source must not be read with the old shape.
    instance.plan("scale", &[("H", 5), ("W", 2)]).expect("plan");
    assert!(matches!(instance.run("negate"), Err(Error::Bind(_))));
    // A new plan of the reader gives it memory of its own again.
    instance.plan("negate", &[("N", 3)]).expect("plan");
    assert_ne!(shared, instance.view::<f32>("negate", "x").expect("x").as_ptr());

    let refuse = |instance: &mut Instance, from, to, part: &str| {
        let text = instance.connect(from, to).expect_err("must be refused").to_string();
        assert!(text.contains(part), "{text}");
    };
    refuse(&mut instance, ("scale", "result"), ("negate", "x"), "shape [5, 4] is not [3, 4]");
    refuse(&mut instance, ("scale", "result"), ("negate", "y"), "`y` is a result");
    refuse(&mut instance, ("negate", "n"), ("negate", "x"), "its elements are i32, not f32");
    refuse(&mut instance, ("negate", "x"), ("scale", "gain"), "fixed");
    refuse(&mut instance, ("negate", "x"), ("negate", "x"), "same tensor");
}

#[test]
fn a_plan_with_the_same_sizes_ends_a_connection_too() {
    let mut instance = instance();
    instance.plan("scale", &[("H", 2), ("W", 2)]).expect("plan");
    instance.plan("negate", &[("N", 2)]).expect("plan");
    let own = instance.view::<f32>("scale", "x").expect("x").as_ptr();
    instance.connect(("negate", "x"), ("scale", "x")).expect("connect");
    instance.connect(("negate", "y"), ("scale", "x")).expect("connect");
    let shared = instance.view::<f32>("scale", "x").expect("x").as_ptr();
    assert_eq!(shared, instance.view::<f32>("negate", "y").expect("y").as_ptr());
    instance.plan("scale", &[("H", 2), ("W", 2)]).expect("plan");
    assert_eq!(instance.view::<f32>("scale", "x").expect("x").as_ptr(), own);
    // What the module reads is what the view shows.
    instance.view_mut::<f32>("negate", "y").expect("y").fill(9.0);
    instance.view_mut::<f32>("scale", "x").expect("x").fill(3.0);
    instance.set("scale", "gain", 1.0f32).expect("gain");
    assert_eq!(scaled(&mut instance), [3.0; 8]);
}

#[test]
fn connections_cannot_form_a_circle() {
    let mut instance = instance();
    instance.plan("scale", &[("H", 3), ("W", 2)]).expect("plan");
    instance.plan("negate", &[("N", 3)]).expect("plan");
    instance.connect(("scale", "x"), ("negate", "x")).expect("connect");
    assert!(matches!(instance.connect(("negate", "x"), ("scale", "x")), Err(Error::Bind(_))));
    assert!(instance.view::<f32>("negate", "x").is_ok());
}

#[test]
fn run_async_is_ready_at_once_and_can_move_between_threads() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let mut instance = instance();
    instance.plan("negate", &[("N", 1)]).expect("plan");
    let future = sendable(instance.run_async("negate"));
    let mut future = pin!(future);
    let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("nothing to wait for")
    };
    result.expect("runs");
}

#[test]
fn threads_with_instances_of_one_module_do_not_disturb_each_other() {
    let module = module();
    let handles: Vec<_> = (0..8u32)
        .map(|seed| {
            let module = module.clone();
            std::thread::spawn(move || {
                let mut instance = module.instantiate().expect("instantiates");
                for round in 0..50 {
                    let (h, w) = (1 + (seed + round) % 7, 1 + seed);
                    instance.plan("scale", &[("H", h), ("W", w)]).expect("plan");
                    instance.view_mut::<f32>("scale", "x").expect("x").fill(seed as f32);
                    instance.set("scale", "gain", round as f32).expect("gain");
                    let result = scaled(&mut instance);
                    assert_eq!(result, vec![seed as f32 * round as f32; (h * 2 * w) as usize]);
                }
                instance
            })
        })
        .collect();
    for handle in handles {
        let instance = handle.join().expect("no panic");
        assert!(instance.view::<f32>("scale", "result").is_ok(), "an instance can come back to another thread");
    }
}
