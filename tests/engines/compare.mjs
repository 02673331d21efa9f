// One prepared case: load, plan, write inputs, run, compare every result to the bit. Runs in Node, pages and workers.
//
// A case is an entry of `cases.json`, which the Rust program `engine_cases` writes:
// { name, wasm, pipeline, shapes: { param: [..] }, scalars: { param: number }, inputs: { param: file },
//   results: { result: { elem, shape, file } } } or, instead of results, failure: { status, message }.
// The runtime is handed in, since pages and workers under a strict policy have no import map.
// Equal means equal bits, or NaN in both: an operation may yield any NaN.

/**
 * Runs a case. `runtime` is the module kcc-runtime, `open(file)` gives what its `load` takes, `read(file)` the bytes of a file.
 * Returns what is wrong with it, or undefined.
 */
export async function complaint(runtime, entry, open, read) {
  const instance = await (await runtime.load(open(entry.wasm))).instantiate();
  try {
    instance.planShapes(entry.pipeline, entry.shapes, entry.scalars);
    for (const [name, file] of Object.entries(entry.inputs)) {
      bytesOf(instance.view(entry.pipeline, name).data).set(await read(file));
    }
    instance.run(entry.pipeline);
  } catch (error) {
    if (!(error instanceof runtime.KccError)) throw error;
    if (entry.failure === undefined) return `it failed: ${error.message}`;
    const { status, message } = entry.failure;
    const same = error.status === status && error.message === message;
    return same ? undefined : `it failed with ${error.status}, "${error.message}" instead of ${status}, "${message}"`;
  }
  if (entry.failure !== undefined) return `it succeeded instead of failing with "${entry.failure.message}"`;
  for (const [name, { elem, shape, file }] of Object.entries(entry.results)) {
    const view = instance.view(entry.pipeline, name, elem);
    if (String(view.shape) !== String(shape)) return `\`${name}\` has shape [${view.shape}] instead of [${shape}]`;
    const found = bytesOf(view.data);
    const wanted = await read(file);
    if (found.length !== wanted.length) return `\`${name}\` has ${found.length} bytes instead of ${wanted.length}`;
    const at = difference(elem, found, wanted);
    if (at !== undefined) return `\`${name}\` differs first in element ${at}: ${text(elem, found, at)} instead of ${text(elem, wanted, at)}`;
  }
  return undefined;
}

/** Runs all cases; returns `{ passed, failed, lines }`. */
export async function runAll(runtime, entries, open, read) {
  const lines = [];
  let passed = 0;
  for (const entry of entries) {
    let wrong;
    try {
      wrong = await complaint(runtime, entry, open, read);
    } catch (error) {
      wrong = `unexpected: ${error?.stack ?? error}`;
    }
    if (wrong === undefined) passed += 1;
    else lines.push(`${entry.name}: ${wrong}`);
  }
  return { passed, failed: entries.length - passed, lines };
}

const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

/** Bits of exponent and fraction of the float types. */
const FLOATS = { f16: [2, 0x7c00n], f32: [4, 0x7f800000n], f64: [8, 0x7ff0000000000000n] };
const SIZES = { bool: 1, i8: 1, u8: 1, i16: 2, u16: 2, i32: 4, u32: 4, i64: 8, u64: 8, f16: 2, f32: 4, f64: 8 };

/** Position of the first element that differs. */
function difference(elem, found, wanted) {
  for (let byte = 0; byte < found.length; byte += 1) {
    if (found[byte] === wanted[byte]) continue;
    const at = Math.floor(byte / SIZES[elem]);
    if (!(isNan(elem, found, at) && isNan(elem, wanted, at))) return at;
    byte = (at + 1) * SIZES[elem] - 1;
  }
  return undefined;
}

function isNan(elem, bytes, at) {
  const [size, infinity] = FLOATS[elem] ?? [0, 0n];
  return size > 0 && (bits(bytes, at, size) & (2n ** BigInt(8 * size - 1) - 1n)) > infinity;
}

/** The bits of an element as a number. */
function bits(bytes, at, size) {
  return bytes.subarray(at * size, (at + 1) * size).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function text(elem, bytes, at) {
  return `0x${bits(bytes, at, SIZES[elem]).toString(16)}`;
}
