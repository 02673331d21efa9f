//! Neither `run` nor a repeated `plan` nor a view allocates: a counting allocator sees every allocation of the thread.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

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
