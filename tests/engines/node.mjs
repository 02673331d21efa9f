// Runs a folder of prepared cases in Node: `node node.mjs FOLDER`. Closes with `N passed, N failed`.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as runtime from "kcc-runtime";
import { runAll } from "./compare.mjs";

const folder = resolve(process.argv[2] ?? ".");
const entries = JSON.parse(await readFile(join(folder, "cases.json"), "utf8"));
const open = (file) => pathToFileURL(join(folder, file));
const { passed, failed, lines } = await runAll(runtime, entries, open, (file) => readFile(join(folder, file)));
for (const line of lines) console.log(line);
console.log(`node ${process.version}: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
