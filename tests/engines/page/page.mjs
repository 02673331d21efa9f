// Runs the cases here, or with `?worker` in a worker; leaves the outcome where the test program finds it.

import { runCases } from "./cases.mjs";

const inWorker = () =>
  new Promise((done) => {
    const worker = new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = ({ message }) => done({ passed: 0, failed: 1, lines: [`the worker: ${message}`] });
  });

window.results = location.search === "?worker" ? await inWorker() : await runCases();
