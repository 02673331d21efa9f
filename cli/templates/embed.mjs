// Runs pipeline.wasm in Node: `npm install`, then `node embed.mjs`.

import { load } from "kcc-runtime";

const samples = [1.0, -4.0, 2.0];
const module = await load(new URL("pipeline.wasm", import.meta.url));
const instance = await module.instantiate();
instance.plan("normalise", { N: samples.length });
instance.view("normalise", "x", "f32").set(samples);
instance.set("normalise", "level", 0.5);
instance.run("normalise");
const { shape, data } = instance.view("normalise", "result", "f32");
console.log(shape, data);
