// Opens an example's page in headless Chromium and prints what it shows: `node example_page.mjs FOLDER pipeline.wasm`.

import { dirname, resolve } from "node:path";
import { withPage } from "./browser.mjs";
import { serve } from "./serve.mjs";

const [folder, wasm] = process.argv.slice(2).map((path) => resolve(path));
const server = await serve({ "/built/": dirname(wasm), "/": folder });
const shown = await withPage("about:blank", async (page) => {
  // The page asks for `pipeline.wasm` beside it; the test keeps built files out of the source folder.
  await page.route("**/pipeline.wasm", (route) => route.continue({ url: `${server.base}/built/pipeline.wasm` }));
  await page.goto(`${server.base}/index.html`);
  const out = page.locator("#out");
  await out.filter({ hasNotText: "…" }).waitFor({ timeout: 60_000 });
  return out.textContent();
});
server.close();
console.log(shown);
