// Modules and manifests that lie or are damaged give a KccError, and views never leave the memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { KccError, load } from "../dist/index.js";
import * as a from "./assemble.mjs";
import { bytes, code, manifest } from "./fixture.mjs";

/** Loads, and if that works uses everything the manifest offers; returns the errors seen. */
async function exercise(wasm) {
  const errors = [];
  const attempt = (act) => {
    try {
      act();
    } catch (error) {
      if (!(error instanceof KccError)) throw error;
      errors.push(error);
    }
  };
  let instance;
  try {
    instance = await (await load(wasm)).instantiate();
  } catch (error) {
    if (!(error instanceof KccError)) throw error;
    return [error];
  }
  for (const pipeline of instance.module.pipelines) {
    const sizes = Object.fromEntries(pipeline.plan_args.filter(({ kind }) => kind === "size").map(({ name }) => [name, 4]));
    const scalars = Object.fromEntries(pipeline.plan_args.filter(({ kind }) => kind === "scalar").map(({ name }) => [name, 1]));
    attempt(() => instance.plan(pipeline.name, sizes, scalars));
    attempt(() => instance.run(pipeline.name));
    for (const { name } of [...pipeline.params, ...pipeline.results]) {
      attempt(() => {
        const { data } = instance.view(pipeline.name, name);
        assert.ok(data.byteOffset + data.byteLength <= instance.memory.buffer.byteLength);
        data.fill(typeof data[0] === "bigint" ? 0n : 0);
      });
    }
  }
  return errors;
}

/** The manifest with one thing changed in its text. */
function lie(from, to) {
  const text = JSON.stringify(manifest());
  assert.ok(text.includes(from), from);
  return text.replace(from, to);
}

async function refuses(described, part, wasm = code()) {
  const errors = await exercise(bytes(described, wasm));
  assert.ok(errors.length > 0, `a lie must be noticed: ${part}`);
  const texts = errors.map(({ message }) => message).join("\n");
  assert.ok(texts.includes(part), `${part}: ${texts}`);
}

test("the fixture itself works", async () => {
  assert.deepEqual(await exercise(bytes()), []);
});

test("lies about addresses are noticed", async () => {
  for (const [from, to] of [
    ['"address":{"at":136}', '"address":{"fixed":4294967295}'],
    ['"address":{"at":136}', '"address":{"fixed":1114112}'],
    ['"address":{"at":136}', '"address":{"at":4294967295}'],
    ['"address":{"at":136}', '"address":{"at":1114109}'],
    ['"address":{"at":140}', '"address":{"fixed":130}'],
    ['"generation_at":144', '"generation_at":4294967295'],
    ['"value":{"at":128}', '"value":{"at":4294967294}'],
    ['"value":{"at":148}', '"value":{"at":136}'],
    ['"value":{"fixed":4}', '"value":{"fixed":4294967295}'],
    ['"value":{"fixed":4}', '"value":{"fixed":2147483647}'],
  ]) {
    await refuses(lie(from, to), "manifest");
  }
});

test("lies about names, types and arguments are noticed", async () => {
  for (const [from, to, part] of [
    ['"run":"scale.run"', '"run":"scale.walk"', "no export `scale.walk`"],
    ['"run":"scale.run"', '"run":"memory"', "not a function"],
    ['"plan":"scale.plan"', '"plan":null', "sizes but no plan"],
    ['"name":"W"', '"name":"H"', "two arguments"],
    ['"name":"gain"', '"name":"x"', "two of its tensors"],
    ['"name":"negate"', '"name":"scale"', "two pipelines"],
    ['"elem":"f32"', '"elem":"f31"', "no element type `f31`"],
    ['"elem":"f32"', '"elem":"constructor"', "no element type `constructor`"],
    ['"arg":{"arg":1,', '"arg":{"arg":9,', "argument 9"],
    ['"scale":2,', '"scale":0,', "factor 0"],
    ['"scale":2,', '"scale":9223372036854775807,', "no possible integer"],
    ['"scale":2,"offset":0', '"scale":1,"offset":-9007199254740991', "not a possible size"],
    ['"values":["i32"]', '"values":["i32","i32","i32","i32","i32","i32","i32","i32","i32"]', "9 values"],
    ['"kind":"wasm"', '"kind":"seance"', "seance"],
    ['"kind":"size"', '"kind":"colour"', "neither size nor scalar"],
    ['"requires":[]', '"requires":["simd128",7]', "7"],
    ['"requires":[]', '"requires":["telepathy"]', "telepathy"],
    ['"abi":[0,1]', '"abi":[1,0]', "ABI 1.0, this runtime has ABI 0.1"],
    ['"abi":[0,1]', '"abi":3', "pair of numbers"],
    ['"value":{"at":128}', '"value":{"at":128,"fixed":4}', "2 forms"],
    ['"value":{"at":128}', '"value":{"near":128}', "unknown form"],
    ['"line":3', '"line":-3', "no 32-bit number"],
  ]) {
    await refuses(lie(from, to), part);
  }
  const axes = Array(40).fill('{"text":"4","value":{"fixed":1}}').join();
  await refuses(lie('{"text":"4","value":{"fixed":4}}', axes), "axes");
  const huge = Array(20).fill('{"text":"b","value":{"fixed":2147483647}}').join();
  await refuses(lie('{"text":"4","value":{"fixed":4}}', huge), "does not lie aligned inside");
});

test("signatures that do not fit are noticed at the call", async () => {
  const wide = { name: "wide", params: [a.I64, a.I64], body: [a.i32(0)] };
  const silent = { name: "silent", results: [], body: [] };
  const float = { name: "float", results: [a.F32], body: [a.f32(0.5)] };
  const more = code({ more: [wide, silent, float] });
  await refuses(lie('"plan":"scale.plan"', '"plan":"wide"'), "does not fit", more);
  await refuses(lie('"run":"scale.run"', '"run":"silent"'), "returned no status", more);
  await refuses(lie('"run":"scale.run"', '"run":"float"'), "returned no status", more);
});

test("missing, double and malformed manifests are named", async () => {
  const refusesBytes = async (wasm, part) => {
    const [error] = await exercise(wasm);
    assert.ok(error?.message.includes(part), String(error));
  };
  await refusesBytes(code(), "no `kcc.manifest` section");
  await refusesBytes(a.join(bytes(), a.custom("kcc.manifest", "{}")), "two `kcc.manifest` sections");
  await refusesBytes(bytes("{"), "not JSON");
  await refusesBytes(bytes("[]"), "not an object");
  await refusesBytes(bytes("{}"), "`abi`");
  await refusesBytes(bytes('{"abi":[0,1]}'), "`requires` is missing");
  await refusesBytes(bytes(`{"abi":[0,1],"requires":[],"memory":${"[".repeat(5000)}${"]".repeat(5000)}}`), "not an object");
  await refusesBytes(new Uint8Array(), "not a module");
  await refusesBytes(new TextEncoder().encode("not wasm"), "not a module");
});

test("a newer minor version may have more fields", async () => {
  assert.deepEqual(await exercise(bytes(lie('"abi":[0,1]', '"abi":[0,99],"colour":"green"'))), []);
});

test("every truncation is an error", async () => {
  const wasm = bytes();
  for (let length = 0; length < wasm.length; length += 1) {
    assert.ok((await exercise(wasm.subarray(0, length))).length > 0, `${length} of ${wasm.length} bytes`);
  }
});

test("damaged manifests never escape as other errors", async () => {
  const wasm = bytes();
  const start = new TextDecoder("latin1").decode(wasm).indexOf("kcc.manifest");
  let state = 0x9e3779b9;
  const random = (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
  let harmless = 0;
  for (let round = 0; round < 2000; round += 1) {
    const damaged = wasm.slice();
    for (let times = 1 + random(3); times > 0; times -= 1) {
      damaged[start + random(wasm.length - start)] = random(2) ? "0123456789-".charCodeAt(random(11)) : random(256);
    }
    if ((await exercise(damaged)).length === 0) harmless += 1;
  }
  assert.ok(harmless > 0, "some damage is harmless");
});

test("damaged code never escapes as another error at load", async () => {
  const wasm = bytes();
  for (let at = 0; at < 600; at += 1) {
    for (const value of [0, 0x7f, 0xff]) {
      const damaged = wasm.slice();
      damaged[at] = value;
      // Loaded, not run: damaged code may loop for ever.
      await load(damaged).catch((error) => assert.ok(error instanceof KccError, String(error)));
    }
  }
});

test("traps, imports and odd memories are errors", async () => {
  const trap = { name: "trap", body: [[a.UNREACHABLE], a.i32(0)] };
  await refuses(lie('"run":"scale.run"', '"run":"trap"'), "trapped", code({ more: [trap] }));
  const forever = { name: "forever", body: [[0x10, 4]] };
  await refuses(lie('"run":"scale.run"', '"run":"forever"'), "trapped", code({ more: [forever] }));
  const start = { results: [], body: [[a.UNREACHABLE]] };
  await refuses(manifest(), "trapped", code({ more: [start], start: 4 }));
  await refuses(manifest(), "imports `f` from `env`", code({ imports: ["f"] }));
  await refuses(manifest(), "shared", code({ shared: true, maxPages: 20 }));
  await refuses(manifest(), "exports no `memory`", code({ hideMemory: true }));
  await refuses(manifest(), "trapped", code({ pages: 0 }));
});

test("a memory that cannot grow is a failure of the call", async () => {
  const instance = await (await load(bytes(manifest(), code({ maxPages: 17 })))).instantiate();
  assert.throws(() => instance.plan("scale", { H: 4096, W: 4096 }), (error) => {
    assert.deepEqual([error.status, error.kind], [4, "memory"]);
    return error.message.includes("the memory cannot grow to the");
  });
});

test("an unknown status is reported as such", async () => {
  const instance = await (await load(bytes(manifest(), code({ unknownStatus: 12345 })))).instantiate();
  assert.throws(() => instance.plan("scale", { H: 1, W: 0 }), /status 12345/);
});

test("every status of the ABI has a text of its own", async () => {
  for (const [status, part] of [
    [1, "before a successful plan"],
    [3, "would not fit 32 bits"],
    [5, "divides by zero"],
    [6, "the extent 0"],
  ]) {
    const instance = await (await load(bytes(manifest(), code({ unknownStatus: status })))).instantiate();
    assert.throws(() => instance.plan("scale", { H: 1, W: 0 }), (error) => {
      assert.equal(error.status, status);
      assert.ok(error.message.includes(part), error.message);
      return error.kind === "size" || error.kind === "plan";
    });
  }
});
