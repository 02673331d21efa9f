// Where modules come from: bytes, responses, addresses, code that was compiled before.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { load } from "../dist/index.js";
import { bytes } from "./fixture.mjs";

const works = async (source) => {
  const module = await load(source);
  assert.deepEqual(module.pipelines.map(({ name }) => name), ["scale", "negate"]);
  assert.equal(module.pipeline("scale").doc, "Scales.");
  const instance = await module.instantiate();
  instance.plan("negate", { N: 1 });
  instance.view("negate", "x").data.fill(2);
  instance.run("negate");
  assert.deepEqual([...instance.view("negate", "y").data], [-2, -2, -2, -2]);
};
const refuses = (source, code, part) =>
  assert.rejects(load(source), (error) => {
    assert.equal(error.code, code, String(error));
    assert.ok(error.message.includes(part), error.message);
    return true;
  });

test("from bytes, views of bytes and promises", async () => {
  const wasm = bytes();
  await works(wasm);
  await works(wasm.buffer);
  await works(new DataView(wasm.buffer));
  const inside = new Uint8Array(wasm.length + 7);
  inside.set(wasm, 3);
  await works(inside.subarray(3, 3 + wasm.length));
  await works(Promise.resolve(wasm));
});

test("from compiled code, instances are independent", async () => {
  const module = await load(bytes());
  await works(module.compiled);
  const [one, two] = [await module.instantiate(), await module.instantiate()];
  one.plan("negate", { N: 1 });
  two.plan("negate", { N: 1 });
  one.view("negate", "x").data.fill(1);
  two.view("negate", "x").data.fill(2);
  one.run("negate");
  two.run("negate");
  assert.equal(one.view("negate", "y").at(0, 0), -1);
  assert.equal(two.view("negate", "y").at(0, 0), -2);
});

test("from responses, streamed or not", async () => {
  await works(new Response(bytes(), { headers: { "content-type": "application/wasm" } }));
  await works(new Response(bytes(), { headers: { "content-type": "Application/Wasm; x=1" } }));
  await works(new Response(bytes(), { headers: { "content-type": "application/octet-stream" } }));
  await works(new Response(bytes()));
  await refuses(new Response("gone", { status: 404, statusText: "Not Found" }), "io", "404 Not Found");
  await refuses(new Response("no module", { headers: { "content-type": "application/wasm" } }), "module", "not a module");
  await refuses(new Response("no module"), "module", "not a module");
});

test("from a server", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/cut") {
      response.writeHead(200, { "content-type": "application/wasm", "content-length": bytes().length });
      response.write(bytes().slice(0, 50));
      setTimeout(() => response.destroy(), 20);
      return;
    }
    response.writeHead(request.url === "/m.wasm" ? 200 : 404, { "content-type": "application/wasm" });
    response.end(bytes());
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const base = `http://127.0.0.1:${server.address().port}`;
  await works(new URL(`${base}/m.wasm`));
  await works(`${base}/m.wasm`);
  await works(fetch(`${base}/m.wasm`));
  await refuses(`${base}/other.wasm`, "io", "404");
  await assert.rejects(load(`${base}/cut`), (error) => error.code === "io" || error.code === "module");
  await new Promise((done) => server.close(done));
  await refuses(`${base}/m.wasm`, "io", base);
});

test("from a file in Node", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kcc-runtime-"));
  try {
    const url = pathToFileURL(join(folder, "m.wasm"));
    await refuses(url, "io", "m.wasm");
    await writeFile(url, bytes());
    await works(url);
    await works(url.href);
  } finally {
    await rm(folder, { recursive: true });
  }
  await refuses("m.wasm", "io", "m.wasm: Invalid URL");
});
