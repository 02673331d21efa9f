// The Node side of the benchmarks: kcc's modules and the JavaScript peers. Answers one JSON request a line, as
// `kcc-bench serve` does: `node node.mjs JOBS.json FOLDER`.
//
// A peer is a function of the job's inputs that gives a function without arguments, which does the work once and gives
// the result as a typed array.

import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { load } from "kcc-runtime";

const [jobsFile, folder] = process.argv.slice(2);
const jobs = new Map(JSON.parse(await readFile(jobsFile, "utf8")).map((job) => [job.name, job]));
const versions = { Node: process.versions.node };
const missing = {};

const input = async (job, name) => {
  const bytes = await readFile(join(folder, `${job.name}.${name}.bin`));
  const { kind } = job.inputs[name];
  return kind === "photo" ? new Uint8Array(bytes) : new Float32Array(new Uint8Array(bytes).buffer);
};
const moduleFile = (source) => join(folder, source.replace(/\.\w+$/, ".wasm"));

// ---- kcc

async function kcc(job) {
  if (job.wat !== undefined) {
    const { instance } = await WebAssembly.instantiate(await readFile(moduleFile(job.wat)));
    return () => instance.exports.run();
  }
  const module = await load(pathToFileURL(moduleFile(job.source)));
  const instance = await module.instantiate();
  instance.plan(job.pipeline, job.sizes);
  const copied = [];
  for (const name of Object.keys(job.inputs)) {
    const data = await input(job, name);
    const view = instance.view(job.pipeline, name);
    view.set(data);
    if (job.copies_inputs) copied.push({ view, data });
  }
  const result = instance.view(job.pipeline, "result");
  return () => {
    for (const { view, data } of copied) view.set(data);
    instance.run(job.pipeline);
    return result.data;
  };
}

// ---- opencv-js

let cv;
try {
  cv = await createRequire(import.meta.url)("@techstark/opencv-js");
  if (cv.Mat === undefined) await new Promise((ready) => (cv.onRuntimeInitialized = ready));
  versions["opencv-js"] = /\d+\.\d+\.\d+\S*/.exec(cv.getBuildInformation())?.[0] ?? "?";
} catch (error) {
  cv = undefined;
  missing["opencv-js"] = error.message.split("\n")[0];
}

// Everything that can be made once is made once; what is timed allocates only what OpenCV allocates by itself.
function opencv_preprocess(job, { photo }) {
  const [height, width] = job.inputs.photo.shape;
  const side = (long, short) => Math.trunc((256 * long) / short);
  const size = width <= height ? new cv.Size(256, side(height, width)) : new cv.Size(side(width, height), 256);
  const middle = new cv.Rect(Math.round((size.width - 224) / 2), Math.round((size.height - 224) / 2), 224, 224);
  const mean = [0.485, 0.456, 0.406];
  const deviation = [0.229, 0.224, 0.225];
  const pixels = new cv.Mat(height, width, cv.CV_8UC4);
  const small = new cv.Mat(size.height, size.width, cv.CV_8UC4);
  const crop = small.roi(middle);
  const channels = new cv.MatVector();
  const planes = new cv.Mat(3 * 224, 224, cv.CV_32F);
  const parts = [0, 1, 2].map((channel) => planes.rowRange(224 * channel, 224 * (channel + 1)));
  return () => {
    pixels.data.set(photo);
    cv.resize(pixels, small, size, 0, 0, cv.INTER_AREA);
    cv.split(crop, channels);
    for (let channel = 0; channel < 3; channel += 1) {
      const plane = channels.get(channel);
      const scale = 1 / (255 * deviation[channel]);
      plane.convertTo(parts[channel], cv.CV_32F, scale, -mean[channel] / deviation[channel]);
      plane.delete();
    }
    return planes.data32F;
  };
}

// ---- Requests

const peers = { opencv_preprocess };
const opened = new Map();

async function open(job, call) {
  if (call === "kcc") return kcc(job);
  const inputs = {};
  for (const name of Object.keys(job.inputs)) inputs[name] = await input(job, name);
  return peers[call](job, inputs);
}

async function answer(request) {
  const key = `${request.job} ${request.call}`;
  if (!opened.has(key)) opened.set(key, await open(jobs.get(request.job), request.call));
  const call = opened.get(key);
  if (request.op === "time") {
    const before = process.cpuUsage();
    for (let n = 0; n < request.repeat; n += 1) call();
    const { user, system } = process.cpuUsage(before);
    return { ms: (user + system) / 1e3 / request.repeat };
  }
  const result = call();
  await writeFile(request.file, new Uint8Array(result.buffer, result.byteOffset, result.byteLength));
  return {};
}

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
say({ versions, missing });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(await answer(JSON.parse(line)));
  } catch (error) {
    say({ error: String(error.message ?? error) });
  }
}
process.exit(0);
