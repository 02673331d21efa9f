// A few lines of WebAssembly assembler, so that the runtime is tested without the compiler.

const leb = (value) => {
  const out = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    const byte = Number(rest & 0x7fn);
    if ((rest >> 6n) === 0n || (rest >> 6n) === -1n) return [...out, byte];
    out.push(byte | 0x80);
  }
};
const uleb = (value) => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uleb(value >>> 7)]);
const utf8 = (text) => [...new TextEncoder().encode(text)];
const name = (text) => [...uleb(utf8(text).length), ...utf8(text)];
const vector = (items) => [...uleb(items.length), ...items.flat()];
const section = (id, body) => [id, ...uleb(body.length), ...body];

/** Value types. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;

/** Constants and locals. */
export const i32 = (value) => [0x41, ...leb(value)];
export const i64 = (value) => [0x42, ...leb(value)];
export const f32 = (value) => [0x43, ...new Uint8Array(new Float32Array([value]).buffer)];
export const get = (local) => [0x20, ...uleb(local)];
export const set = (local) => [0x21, ...uleb(local)];

/** An operation after its operands: `op(ADD, a, b)`. */
export const op = (code, ...operands) => [...operands.flat(), ...[code].flat()];
export const UNREACHABLE = 0x00;
export const RETURN = 0x0f;
export const LT_S = 0x48;
export const EQ = 0x46;
export const GT_S = 0x4a;
export const GT_U = 0x4b;
export const GE_U = 0x4f;
export const F32_GE = 0x60;
export const ADD = 0x6a;
export const SUB = 0x6b;
export const MUL = 0x6c;
export const AND = 0x71;
export const OR = 0x72;
export const SHR_U = 0x76;
export const F32_NEG = 0x8c;
export const F32_MUL = 0x94;
export const EXTEND_S = 0xac;
export const EXTEND_U = 0xad;
export const F32_BITS = 0xbc;
export const LOAD = [0x28, 2, 0];
export const F32_LOAD = [0x2a, 2, 0];
export const STORE = [0x36, 2, 0];
export const STORE64 = [0x37, 3, 0];
export const F32_STORE = [0x38, 2, 0];
export const MEMORY_SIZE = [0x3f, 0];
export const MEMORY_GROW = [0x40, 0];

/** Runs `body` if `condition` holds. */
export const when = (condition, ...body) => [...condition, 0x04, 0x40, ...body.flat(), 0x0b];
/** Runs `body` with local `index` = 0, `by`, 2 * `by` … while less than local `end`. */
export const loop = (index, end, by, ...body) => [
  ...i32(0), ...set(index),
  0x02, 0x40, 0x03, 0x40,
  ...op(GE_U, get(index), get(end)), 0x0d, 1,
  ...body.flat(),
  ...op(ADD, get(index), i32(by)), ...set(index),
  0x0c, 0, 0x0b, 0x0b,
];

/** A custom section. */
export const custom = (title, text) => section(0, [...name(title), ...utf8(text)]);

/**
 * A module with one memory.
 *
 * @param functions `{name, params, results, locals, body}`; locals are i32.
 * @param options `pages`, `maxPages`, `shared`, `hideMemory`, `imports` (names of functions), `start` (position).
 */
export function assemble(functions, options = {}) {
  const { pages = 1, maxPages, shared = false, hideMemory = false, imports = [], start } = options;
  const types = functions.map(({ params = [], results = [I32] }) => [0x60, ...vector(params.map((t) => [t])), ...vector(results.map((t) => [t]))]);
  const limits = maxPages === undefined ? [0, ...uleb(pages)] : [shared ? 3 : 1, ...uleb(pages), ...uleb(maxPages)];
  const exports = functions.flatMap((f, index) => (f.name ? [[...name(f.name), 0, ...uleb(index + imports.length)]] : []));
  if (!hideMemory) exports.push([...name("memory"), 2, 0]);
  const bodies = functions.map(({ locals = 0, body }) => {
    const code = [...(locals ? [1, ...uleb(locals), I32] : [0]), ...body.flat(), 0x0b];
    return [...uleb(code.length), ...code];
  });
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, vector([...types, [0x60, 0, 0]])),
    ...(imports.length ? section(2, vector(imports.map((title) => [...name("env"), ...name(title), 0, ...uleb(types.length)]))) : []),
    ...section(3, vector(functions.map((_, index) => uleb(index)))),
    ...section(5, [1, ...limits]),
    ...section(7, vector(exports)),
    ...(start === undefined ? [] : section(8, uleb(start + imports.length))),
    ...section(10, vector(bodies)),
  ]);
}

/** Bytes one after another. */
export const join = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]));
