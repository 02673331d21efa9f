// A static server for the browser tests, on a free port of this machine only.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".wasm": "application/wasm",
};

/**
 * Serves folders: `mounts` maps prefixes to folders (the first that fits counts), `headers` go with every answer.
 * Returns `{ base, close }`.
 */
export async function serve(mounts, headers = {}) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    if (path === "/favicon.ico") return response.writeHead(204).end();
    const mount = Object.keys(mounts).find((prefix) => path.startsWith(prefix));
    try {
      const body = await readFile(join(mounts[mount], path.slice(mount.length)));
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      return response.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers }).end(body);
    } catch {
      return response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { base: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
