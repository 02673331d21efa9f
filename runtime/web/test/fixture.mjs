// A hand-written module with two pipelines, the same as in the tests of the Rust runtime:
// `scale(x: f32[H, 2*W], gain: f32) -> f32[H, 2*W]` with a plan that grows the memory, and
// `negate(x: f32[N, 4]) -> (y: f32[N, 4], n: i32)`.

import * as a from "./assemble.mjs";
import { load } from "../dist/index.js";

const { op, get, set, i32, i64, when } = a;
const fail = (status, ...values) => [
  ...values.flatMap((value, position) => op(a.STORE64, i32(16 + 8 * position), value)),
  ...i32(status),
  a.RETURN,
];
const load32 = (at) => op(a.LOAD, i32(at));
const store = (at, value) => op(a.STORE, i32(at), value);

// Slots of scale: 128 H, 132 W, 136 x, 140 result, 144 generation, 148 2*W; gain at 160.
const scalePlan = (unknownStatus) => ({
  name: "scale.plan",
  params: [a.I32, a.I32],
  locals: 3, // 2: bytes, 3: end, 4: pages
  body: [
    when(
      op(a.OR, op(a.LT_S, get(0), i32(0)), op(a.GT_S, get(0), i32(4096))),
      fail(2, i64(0), op(a.EXTEND_S, get(0)), i64(4096)),
    ),
    when(op(a.GT_S, get(1), i32(4096)), fail(3)),
    when(op(a.LT_S, get(1), i32(1)), fail(unknownStatus ?? 100, op(a.EXTEND_S, get(1)))),
    when(op(a.AND, op(a.EQ, get(0), load32(128)), op(a.EQ, get(1), load32(132))), i32(0), [a.RETURN]),
    op(a.AND, op(a.ADD, op(a.MUL, op(a.MUL, get(0), get(1)), i32(8)), i32(31)), i32(-16)), set(2),
    op(a.ADD, i32(1048576), op(a.MUL, get(2), i32(2))), set(3),
    op(a.SHR_U, op(a.ADD, get(3), i32(65535)), i32(16)), set(4),
    when(
      op(a.GT_U, get(4), [...a.MEMORY_SIZE]),
      when(
        op(a.EQ, op(a.MEMORY_GROW, op(a.SUB, get(4), [...a.MEMORY_SIZE])), i32(-1)),
        fail(4, op(a.EXTEND_U, get(4))),
      ),
    ),
    store(128, get(0)),
    store(132, get(1)),
    store(148, op(a.MUL, get(1), i32(2))),
    store(136, i32(1048576)),
    store(140, op(a.ADD, i32(1048576), get(2))),
    store(144, op(a.ADD, load32(144), i32(1))),
    i32(0),
  ],
});

const scaleRun = {
  name: "scale.run",
  locals: 2, // 0: bytes, 1: offset
  body: [
    when(
      op(a.F32_GE, op(a.F32_LOAD, i32(160)), a.f32(1000)),
      fail(101, op(a.EXTEND_U, op(a.F32_BITS, op(a.F32_LOAD, i32(160)))), i64(-7)),
    ),
    op(a.MUL, op(a.MUL, load32(128), load32(132)), i32(8)), set(0),
    a.loop(
      1, 0, 4,
      op(
        a.F32_STORE,
        op(a.ADD, load32(140), get(1)),
        op(a.F32_MUL, op(a.F32_LOAD, i32(160)), op(a.F32_LOAD, op(a.ADD, load32(136), get(1)))),
      ),
    ),
    i32(0),
  ],
};

// Slots of negate: 192 N, 196 x, 200 y; n at 208.
const negatePlan = {
  name: "negate.plan",
  params: [a.I32],
  body: [
    when(op(a.GT_U, get(0), i32(8192)), fail(2, i64(0), op(a.EXTEND_S, get(0)), i64(8192))),
    store(192, get(0)),
    store(196, i32(1024)),
    store(200, i32(262144)),
    i32(0),
  ],
};

const negateRun = {
  name: "negate.run",
  locals: 2,
  body: [
    op(a.MUL, load32(192), i32(16)), set(0),
    store(208, load32(192)),
    a.loop(
      1, 0, 4,
      op(
        a.F32_STORE,
        op(a.ADD, load32(200), get(1)),
        op(a.F32_NEG, op(a.F32_LOAD, op(a.ADD, load32(196), get(1)))),
      ),
    ),
    i32(0),
  ],
};

const size = (name, max) => ({ kind: "size", name, max });
const arg = (text, position, scale = 1, offset = 0) => ({ text, value: { arg: { arg: position, scale, offset } } });
const at = (text, address) => ({ text, value: { at: address } });
const fixed = (value) => ({ text: String(value), value: { fixed: value } });

/** A fresh copy of the fixture's manifest, to be bent by tests. */
export const manifest = () => ({
  abi: [0, 1],
  language: "0.1",
  compiler: "0.1.0",
  profile: "scalar",
  requires: [],
  source_hash: "",
  memory: { initial_pages: 17, max_pages: null },
  pipelines: [
    {
      name: "scale",
      doc: "Scales.",
      plan: "scale.plan",
      run: "scale.run",
      generation_at: 144,
      plan_args: [size("H", 4096), size("W", null)],
      params: [
        { name: "x", elem: "f32", address: { at: 136 }, dims: [arg("H", 0), arg("2*W", 1, 2)] },
        { name: "gain", elem: "f32", address: { fixed: 160 }, dims: [] },
      ],
      results: [{ name: "result", elem: "f32", address: { at: 140 }, dims: [at("H", 128), at("2*W", 148)] }],
      steps: [{ name: "scale", binding: "call", kind: "wasm" }],
    },
    {
      name: "negate",
      plan: "negate.plan",
      run: "negate.run",
      generation_at: null,
      plan_args: [size("N", 8192)],
      params: [{ name: "x", elem: "f32", address: { at: 196 }, dims: [arg("N", 0), fixed(4)] }],
      results: [
        { name: "y", elem: "f32", address: { at: 200 }, dims: [at("N", 192), fixed(4)] },
        { name: "n", elem: "i32", address: { fixed: 208 }, dims: [] },
      ],
      steps: [],
    },
  ],
  failures: [
    {
      status: 100, kind: "fact", message: "W >= 1 does not hold, W is {0}", values: ["i32"],
      pipeline: "scale", file: "scale.k", line: 3, column: 9,
    },
    {
      status: 101, kind: "assert", message: "gain {0} is too much ({1})", values: ["f32", "i64"],
      pipeline: "scale", file: "scale.k", line: 4, column: 5,
    },
  ],
});

/** The fixture's code without a manifest; `options` as for `assemble`, and `unknownStatus` for the failed fact. */
export const code = (options = {}) =>
  a.assemble([scalePlan(options.unknownStatus), scaleRun, negatePlan, negateRun, ...(options.more ?? [])], { pages: 17, ...options });

/** The fixture's bytes, with another manifest (an object or text) or other code. */
export const bytes = (described = manifest(), wasm = code()) =>
  a.join(wasm, a.custom("kcc.manifest", typeof described === "string" ? described : JSON.stringify(described)));

/** A new instance of the fixture. */
export const instance = async () => (await load(bytes())).instantiate();
