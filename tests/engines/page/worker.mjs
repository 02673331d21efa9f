// Runs the cases in a worker.

import { runCases } from "./cases.mjs";

postMessage(await runCases());
