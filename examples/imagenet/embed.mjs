// Runs pipeline.wasm on an image in Node: `node embed.mjs pipeline.wasm photo.png`.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { load } from "kcc-runtime";
import { PNG } from "pngjs";

const [wasm, photo] = process.argv.slice(2);
const pixels = PNG.sync.read(await readFile(photo));

const module = await load(pathToFileURL(wasm));
const instance = await module.instantiate();
instance.plan("preprocess", { H: pixels.height, W: pixels.width });
instance.view("preprocess", "photo", "u8").set(pixels.data);
instance.run("preprocess");
const { shape, data } = instance.view("preprocess", "result", "f32");

const sum = data.reduce((total, value) => total + value, 0);
console.log(`[${shape.join(", ")}] first ${data[0].toFixed(6)} sum ${sum.toFixed(6)}`);
