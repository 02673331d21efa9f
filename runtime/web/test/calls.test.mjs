// Planning, views, running, failures, chaining: the runtime's verbs on a hand-written module.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError, KccError } from "../dist/index.js";
import { instance } from "./fixture.mjs";

const refuses = (act, part, code) =>
  assert.throws(act, (error) => {
    assert.ok(error instanceof KccError, String(error));
    assert.ok(error.message.includes(part), error.message);
    if (code !== undefined) assert.equal(error.code, code);
    return true;
  });

test("plan, write, run, read", async () => {
  const scale = await instance();
  scale.plan("scale", { W: 1, H: 3 });
  scale.view("scale", "x", "f32").set([1, 2, 3, 4, 5, 6]);
  scale.set("scale", "gain", 0.5);
  scale.run("scale");
  const result = scale.view("scale", "result", "f32");
  assert.deepEqual(result.shape, [3, 2]);
  assert.deepEqual([...result.data], [0.5, 1, 1.5, 2, 2.5, 3]);
  assert.equal(result.at(2, 1), 3);
  assert.equal(result.at(2, 2), undefined);
  assert.equal(result.at(2), undefined);
  assert.equal(scale.get("scale", "gain"), 0.5);
});

test("views lie in linear memory and follow its growth", async () => {
  const scale = await instance();
  scale.plan("scale", { H: 1000, W: 1000 });
  assert.ok(scale.memory.buffer.byteLength >= 1000 * 2000 * 8);
  const x = scale.view("scale", "x");
  const y = scale.view("scale", "result");
  assert.equal(x.data.buffer, scale.memory.buffer);
  assert.equal(y.data.byteOffset - x.data.byteOffset, (1000 * 2000 * 4 + 31) & ~15);
  const before = x.data;
  x.data[5] = 7;
  scale.memory.grow(1);
  assert.equal(before.length, 0, "a raw array is detached by growth");
  assert.equal(x.data[5], 7, "a view is not");
  assert.equal(x.data.buffer, scale.memory.buffer);
});

test("a view from before another plan is refused", async () => {
  const scale = await instance();
  scale.plan("scale", { H: 2, W: 3 });
  const x = scale.view("scale", "x");
  scale.plan("scale", { H: 2, W: 3 });
  assert.equal(x.data.length, 12, "the same sizes move nothing");
  scale.plan("negate", { N: 3 });
  assert.equal(x.data.length, 12, "another pipeline moved nothing");
  scale.plan("scale", { H: 3, W: 3 });
  refuses(() => x.data, "from before another plan", "stale");
  refuses(() => x.set([]), "from before another plan", "stale");
  assert.equal(scale.view("scale", "x").data.length, 18);
  const y = scale.view("negate", "y");
  scale.plan("negate", { N: 4 });
  refuses(() => y.data, "from before another plan", "stale");
});

test("memory does not grow over ten thousand calls", async () => {
  const scale = await instance();
  scale.plan("scale", { H: 4, W: 4 });
  const before = scale.memory.buffer.byteLength;
  for (let round = 0; round < 10_000; round += 1) {
    scale.plan("scale", { H: 4, W: 4 });
    scale.run("scale");
  }
  assert.equal(scale.memory.buffer.byteLength, before);
});

test("sizes follow from shapes", async () => {
  const scale = await instance();
  scale.planShapes("scale", { x: [5, 6], gain: [] });
  assert.deepEqual(scale.view("scale", "result").shape, [5, 6]);
  const refusesShapes = (shapes, part) => refuses(() => scale.planShapes("scale", shapes), part);
  refusesShapes({ x: [5, 7] }, "axis 1 of `x` is 7, which `2*W` cannot be");
  refusesShapes({ x: [5] }, "size `W` of `scale` does not follow");
  refusesShapes({ x: [5, 6, 1] }, "`x` has shape [5, 6, 1], expected f32[H, 2*W]");
  refusesShapes({ x: [5, 6], gain: [1] }, "`gain` has shape [1], expected f32");
  refusesShapes({ x: [5, 6], bias: [1] }, "has no `bias`, it has `x`, `gain`");
  refusesShapes({}, "does not follow");
  refusesShapes({ x: [5000, 6] }, "size H = 5000 is greater than its declared bound 4096");
  refusesShapes({ x: [2 ** 32 - 1, 6] }, "cannot be 4294967295");
  refusesShapes({ x: [1.5, 6] }, "cannot be");
  refusesShapes({ x: [-1, 6] }, "cannot be");
});

test("wrong sizes and scalars are named", async () => {
  const scale = await instance();
  refuses(() => scale.plan("scale", { H: 1 }), "size `W` of pipeline `scale` is missing, it has H, W", "shape");
  refuses(() => scale.plan("scale", { H: 1, W: 1, D: 1 }), "has no size `D`, it has H, W", "shape");
  refuses(() => scale.plan("scale", { H: 1, W: 5000 }), "would not fit 32 bits", "call");
  refuses(() => scale.plan("scale", { H: -1, W: 1 }), "size H = -1 is negative", "call");
  refuses(() => scale.plan("scale", { H: NaN, W: 1 }), "cannot be NaN", "shape");
  refuses(() => scale.plan("scale", { H: 1, W: 1 }, { gain: 1 }), "`gain` is no scalar that the plan", "argument");
});

test("failures are structured and leave the instance usable", async () => {
  const scale = await instance();
  const failure = (act) => {
    try {
      act();
    } catch (error) {
      assert.ok(error instanceof CallError, String(error));
      return error;
    }
    return assert.fail("it must fail");
  };
  const fact = failure(() => scale.plan("scale", { H: 1, W: 0 }));
  assert.equal(fact.message, "scale: W >= 1 does not hold, W is 0 (scale.k:3:9)");
  assert.deepEqual([fact.status, fact.kind, fact.code], [100, "fact", "call"]);
  scale.plan("scale", { H: 1, W: 1 });
  scale.set("scale", "gain", 1500);
  const raised = failure(() => scale.run("scale"));
  assert.equal(raised.text, "gain 1500.0 is too much (-7)");
  assert.deepEqual(raised.values, [1500, -7n]);
  assert.deepEqual(raised.place, { file: "scale.k", line: 4, column: 5 });
  scale.set("scale", "gain", 2);
  scale.view("scale", "x", "f32").set([1, 2]);
  scale.run("scale");
  assert.deepEqual([...scale.view("scale", "result").data], [2, 4]);
});

test("names, types and the order of calls are checked", async () => {
  const scale = await instance();
  refuses(() => scale.run("scale"), "has no valid plan", "not-planned");
  refuses(() => scale.view("scale", "x"), "has no valid plan", "not-planned");
  scale.plan("scale", { H: 1, W: 1 });
  refuses(() => scale.run("scales"), "there is no pipeline `scales`, the module has `scale`, `negate`", "no-pipeline");
  refuses(() => scale.view("scale", "y"), "pipeline `scale` has no `y`, it has `x`, `gain`, `result`", "no-tensor");
  refuses(() => scale.view("scale", "x", "u8"), "`x` has elements of type f32, not u8", "element-type");
  refuses(() => scale.set("scale", "x", 1), "is no scalar, its shape is [1, 2]", "shape");
  refuses(() => scale.set("scale", "gain", true), "`gain` cannot be true, its type is f32", "argument");
  refuses(() => scale.view("scale", "x").set([1]), "1 elements given for 2", "shape");
  assert.throws(() => scale.plan("scale", { H: 1, W: 0 }));
  refuses(() => scale.run("scale"), "has no valid plan", "not-planned");
});

test("empty tensors have empty views", async () => {
  const scale = await instance();
  scale.plan("scale", { H: 0, W: 3 });
  scale.run("scale");
  const view = scale.view("scale", "result");
  assert.deepEqual([view.shape, view.data.length], [[0, 6], 0]);
});

test("a copy does not change with the next call", async () => {
  const scale = await instance();
  scale.plan("negate", { N: 1 });
  scale.view("negate", "x", "f32").set([1, 2, 3, 4]);
  scale.run("negate");
  const copy = scale.view("negate", "y", "f32").copy();
  scale.view("negate", "x").data.fill(9);
  scale.run("negate");
  assert.deepEqual([...copy], [-1, -2, -3, -4]);
});

test("pipelines are chained over one memory", async () => {
  const both = await instance();
  both.plan("scale", { H: 3, W: 2 });
  both.plan("negate", { N: 3 });
  both.connect(["scale", "result"], ["negate", "x"]);
  both.view("scale", "x").data.fill(4);
  both.set("scale", "gain", 0.25);
  both.run("scale");
  const shared = both.view("negate", "x").data.byteOffset;
  assert.equal(shared, both.view("scale", "result").data.byteOffset);
  both.run("negate");
  assert.deepEqual([...both.view("negate", "y").data], Array(12).fill(-1));
  assert.equal(both.get("negate", "n"), 3);

  // Another size of the source must not be read with the old shape.
  both.plan("scale", { H: 5, W: 2 });
  refuses(() => both.run("negate"), "shares a tensor that got another shape", "bind");
  // A new plan of the reader gives it memory of its own again.
  both.plan("negate", { N: 3 });
  assert.notEqual(shared, both.view("negate", "x").data.byteOffset);

  const refusesBind = (from, to, part) => refuses(() => both.connect(from, to), part, "bind");
  refusesBind(["scale", "result"], ["negate", "x"], "shape [5, 4] is not [3, 4]");
  refusesBind(["scale", "result"], ["negate", "y"], "`y` is a result");
  refusesBind(["negate", "n"], ["negate", "x"], "its elements are i32, not f32");
  refusesBind(["negate", "x"], ["scale", "gain"], "fixed");
  refusesBind(["negate", "x"], ["negate", "x"], "same tensor");
});

test("a plan with the same sizes ends a connection, too", async () => {
  const both = await instance();
  both.plan("scale", { H: 2, W: 2 });
  both.plan("negate", { N: 2 });
  const own = both.view("scale", "x").data.byteOffset;
  both.connect(["negate", "x"], ["scale", "x"]);
  both.connect(["negate", "y"], ["scale", "x"]);
  assert.equal(both.view("scale", "x").data.byteOffset, both.view("negate", "y").data.byteOffset);
  both.plan("scale", { H: 2, W: 2 });
  assert.equal(both.view("scale", "x").data.byteOffset, own);
  // What the module reads is what the view shows.
  both.view("negate", "y").data.fill(9);
  both.view("scale", "x").data.fill(3);
  both.set("scale", "gain", 1);
  both.run("scale");
  assert.deepEqual([...both.view("scale", "result").data], Array(8).fill(3));
});

test("connections cannot form a circle", async () => {
  const both = await instance();
  both.plan("scale", { H: 3, W: 2 });
  both.plan("negate", { N: 3 });
  both.connect(["scale", "x"], ["negate", "x"]);
  refuses(() => both.connect(["negate", "x"], ["scale", "x"]), "same tensor", "bind");
  assert.equal(both.view("negate", "x").data.length, 12);
});
