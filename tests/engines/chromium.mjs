// Runs a folder of prepared cases in headless Chromium, in a page and in a worker, under a strict content security policy:
// `node chromium.mjs FOLDER`. Closes with `N passed, N failed`, a case counting once for the page and once for the worker.

import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { withPage } from "./browser.mjs";
import { serve } from "./serve.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const server = await serve(
  {
    "/cases/": resolve(process.argv[2] ?? "."),
    "/kcc-runtime/": join(here, "../../runtime/web/dist"),
    "/": here,
  },
  { "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" },
);
// A browser each: the memories that a hundred instances reserve exhaust the addresses of one process.
const result = {};
for (const place of ["page", "worker"]) {
  result[place] = await withPage(`${server.base}/page/index.html?${place}`, async (page, version) => {
    await page.waitForFunction(() => window.results !== undefined, null, { timeout: 600_000 });
    result.version = version;
    return page.evaluate(() => window.results);
  });
}
server.close();
let [passed, failed] = [0, 0];
for (const place of ["page", "worker"]) {
  for (const line of result[place].lines) console.log(`${place}: ${line}`);
  passed += result[place].passed;
  failed += result[place].failed;
}
console.log(`chromium ${result.version}, page and worker: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
