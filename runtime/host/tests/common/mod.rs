//! A hand-written module with two pipelines, so that the runtime is tested without the compiler:
//! `scale(x: f32[H, 2*W], gain: f32) -> f32[H, 2*W]` with a plan that grows the memory, and
//! `negate(x: f32[N, 4]) -> (y: f32[N, 4], n: i32)`.
#![allow(dead_code)]

use kcc_runtime::{Engine, Module, abi};

/// Status of the fact `W >= 1`.
pub const FACT: i32 = 100;
/// Status of `assert gain < 1000.0`.
pub const ASSERT: i32 = 101;

pub const WAT: &str = r#"(module
  (memory (export "memory") 17)
  ;; Slots of scale: 128 H, 132 W, 136 x, 140 result, 144 generation, 148 2*W; gain at 160.
  (func (export "scale.plan") (param $h i32) (param $w i32) (result i32)
    (local $bytes i32) (local $end i32) (local $pages i32)
    (if (i32.or (i32.lt_s (local.get $h) (i32.const 0)) (i32.gt_s (local.get $h) (i32.const 4096)))
      (then
        (i64.store (i32.const 16) (i64.const 0))
        (i64.store (i32.const 24) (i64.extend_i32_s (local.get $h)))
        (i64.store (i32.const 32) (i64.const 4096))
        (return (i32.const 2))))
    (if (i32.gt_s (local.get $w) (i32.const 4096)) (then (return (i32.const 3))))
    (if (i32.lt_s (local.get $w) (i32.const 1))
      (then (i64.store (i32.const 16) (i64.extend_i32_s (local.get $w))) (return (i32.const 100))))
    (if (i32.and (i32.eq (local.get $h) (i32.load (i32.const 128))) (i32.eq (local.get $w) (i32.load (i32.const 132))))
      (then (return (i32.const 0))))
    (local.set $bytes (i32.mul (i32.mul (local.get $h) (local.get $w)) (i32.const 8)))
    (local.set $bytes (i32.and (i32.add (local.get $bytes) (i32.const 31)) (i32.const -16)))
    (local.set $end (i32.add (i32.const 1048576) (i32.mul (local.get $bytes) (i32.const 2))))
    (local.set $pages (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
        (then (i64.store (i32.const 16) (i64.extend_i32_u (local.get $pages))) (return (i32.const 4))))))
    (i32.store (i32.const 128) (local.get $h))
    (i32.store (i32.const 132) (local.get $w))
    (i32.store (i32.const 148) (i32.mul (local.get $w) (i32.const 2)))
    (i32.store (i32.const 136) (i32.const 1048576))
    (i32.store (i32.const 140) (i32.add (i32.const 1048576) (local.get $bytes)))
    (i32.store (i32.const 144) (i32.add (i32.load (i32.const 144)) (i32.const 1)))
    (i32.const 0))
  (func (export "scale.run") (result i32)
    (local $n i32) (local $i i32)
    (if (f32.ge (f32.load (i32.const 160)) (f32.const 1000))
      (then
        (i64.store (i32.const 16) (i64.extend_i32_u (i32.reinterpret_f32 (f32.load (i32.const 160)))))
        (i64.store (i32.const 24) (i64.const -7))
        (return (i32.const 101))))
    (local.set $n (i32.mul (i32.mul (i32.load (i32.const 128)) (i32.load (i32.const 132))) (i32.const 8)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
      (f32.store (i32.add (i32.load (i32.const 140)) (local.get $i))
        (f32.mul (f32.load (i32.const 160)) (f32.load (i32.add (i32.load (i32.const 136)) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br $next)))
    (i32.const 0))
  ;; Slots of negate: 192 N, 196 x, 200 y; n at 208.
  (func (export "negate.plan") (param $n i32) (result i32)
    (if (i32.gt_u (local.get $n) (i32.const 8192))
      (then
        (i64.store (i32.const 16) (i64.const 0))
        (i64.store (i32.const 24) (i64.extend_i32_s (local.get $n)))
        (i64.store (i32.const 32) (i64.const 8192))
        (return (i32.const 2))))
    (i32.store (i32.const 192) (local.get $n))
    (i32.store (i32.const 196) (i32.const 1024))
    (i32.store (i32.const 200) (i32.const 262144))
    (i32.const 0))
  (func (export "negate.run") (result i32)
    (local $n i32) (local $i i32)
    (local.set $n (i32.mul (i32.load (i32.const 192)) (i32.const 16)))
    (i32.store (i32.const 208) (i32.load (i32.const 192)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
      (f32.store (i32.add (i32.load (i32.const 200)) (local.get $i))
        (f32.neg (f32.load (i32.add (i32.load (i32.const 196)) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br $next)))
    (i32.const 0))
)"#;

pub const MANIFEST: &str = r#"{
  "abi": [0, 1], "language": "0.1", "compiler": "0.1.0", "profile": "scalar", "requires": [],
  "source_hash": "", "memory": { "initial_pages": 17, "max_pages": null },
  "pipelines": [
    { "name": "scale", "doc": "Scales.", "plan": "scale.plan", "run": "scale.run", "generation_at": 144,
      "plan_args": [{ "kind": "size", "name": "H", "max": 4096 }, { "kind": "size", "name": "W", "max": null }],
      "params": [
        { "name": "x", "elem": "f32", "address": { "at": 136 }, "dims": [
          { "text": "H", "value": { "arg": { "arg": 0, "scale": 1, "offset": 0 } } },
          { "text": "2*W", "value": { "arg": { "arg": 1, "scale": 2, "offset": 0 } } }] },
        { "name": "gain", "elem": "f32", "address": { "fixed": 160 }, "dims": [] }],
      "results": [
        { "name": "result", "elem": "f32", "address": { "at": 140 }, "dims": [
          { "text": "H", "value": { "at": 128 } }, { "text": "2*W", "value": { "at": 148 } }] }],
      "steps": [{ "name": "scale", "binding": "call", "kind": "wasm" }] },
    { "name": "negate", "plan": "negate.plan", "run": "negate.run", "generation_at": null,
      "plan_args": [{ "kind": "size", "name": "N", "max": 8192 }],
      "params": [
        { "name": "x", "elem": "f32", "address": { "at": 196 }, "dims": [
          { "text": "N", "value": { "arg": { "arg": 0, "scale": 1, "offset": 0 } } },
          { "text": "4", "value": { "fixed": 4 } }] }],
      "results": [
        { "name": "y", "elem": "f32", "address": { "at": 200 }, "dims": [
          { "text": "N", "value": { "at": 192 } }, { "text": "4", "value": { "fixed": 4 } }] },
        { "name": "n", "elem": "i32", "address": { "fixed": 208 }, "dims": [] }],
      "steps": [] }],
  "failures": [
    { "status": 100, "kind": "fact", "message": "W >= 1 does not hold, W is {0}", "values": ["i32"],
      "pipeline": "scale", "file": "scale.k", "line": 3, "column": 9 },
    { "status": 101, "kind": "assert", "message": "gain {0} is too much ({1})", "values": ["f32", "i64"],
      "pipeline": "scale", "file": "scale.k", "line": 4, "column": 5 }]
}"#;

/// A module with a manifest section.
pub fn with_manifest(wat: &str, manifest: &str) -> Vec<u8> {
    let mut wasm = wat::parse_str(wat).expect("valid text");
    let mut body = Vec::new();
    leb(&mut body, abi::SECTION.len());
    body.extend(abi::SECTION.as_bytes());
    body.extend(manifest.as_bytes());
    wasm.push(0);
    leb(&mut wasm, body.len());
    wasm.extend(body);
    wasm
}

fn leb(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The fixture's bytes.
pub fn fixture() -> Vec<u8> {
    with_manifest(WAT, MANIFEST)
}

/// The fixture, loaded.
pub fn module() -> Module {
    Module::from_bytes(&Engine::new().expect("engine"), &fixture()).expect("fixture loads")
}
