// All cases that the server has, for a page or a worker.

import * as runtime from "/kcc-runtime/index.js";
import { runAll } from "../compare.mjs";

/** Runs them; modules are compiled while they arrive. */
export async function runCases() {
  const at = (file) => new URL(`/cases/${file}`, location.href);
  const read = async (file) => new Uint8Array(await (await fetch(at(file))).arrayBuffer());
  const entries = await (await fetch(at("cases.json"))).json();
  return runAll(runtime, entries, at, read);
}
