// From a status and the error block to a CallError with message, source line and values.

import { CallError, type Value } from "./errors.js";
import { ERROR_BLOCK, type Manifest, type Pipeline } from "./manifest.js";
import { fromBits, valueText } from "./value.js";

/** Status codes; never reused, the same as in the crate kcc-abi. */
export const STATUS = {
  /** The call succeeded. */
  OK: 0,
  /** `run` before a successful `plan`. */
  NOT_PLANNED: 1,
  /** A size is negative or beyond its declared bound; values: argument number, size, bound. */
  SIZE_OUT_OF_BOUNDS: 2,
  /** Some size or flat index would leave 32 bits. */
  TOO_LARGE: 3,
  /** The memory could not be grown; values: pages needed. */
  OUT_OF_MEMORY: 4,
  /** A size expression divides by zero. */
  SIZE_DIVIDES_BY_ZERO: 5,
  /** An extent would be negative; values: the extent. */
  NEGATIVE_EXTENT: 6,
  /** Codes from here on are listed in the manifest's `failures`. */
  FIRST_FAILURE: 100,
} as const;

/** What the status of a call of `pipeline` means; `buffer` is the memory right after the call. */
export function describe(manifest: Manifest, pipeline: Pipeline, status: number, buffer: ArrayBuffer): CallError {
  const matching = manifest.failures.filter((failure) => failure.status === status);
  const failure = matching.find((candidate) => candidate.pipeline === pipeline.name) ?? matching[0];
  if (status < STATUS.FIRST_FAILURE || failure === undefined) return ofAbi(pipeline, status, buffer);
  const values = failure.values.map((elem, position) => fromBits(elem, slot(buffer, position)));
  const texts = values.map((value, position) => valueText(value, failure.values[position] ?? ""));
  return new CallError({
    pipeline: pipeline.name,
    status,
    kind: failure.kind,
    text: fill(failure.message, texts),
    values,
    place: failure.line === 0 ? null : { file: failure.file, line: failure.line, column: failure.column },
  });
}

/** A status that the ABI itself defines, or an unknown one. */
function ofAbi(pipeline: Pipeline, status: number, buffer: ArrayBuffer): CallError {
  const numbers = (count: number): Value[] =>
    Array.from({ length: count }, (_, position) => Number(BigInt.asIntN(64, slot(buffer, position))));
  const error = (kind: string, text: string, values: Value[]) =>
    new CallError({ pipeline: pipeline.name, status, kind, text, values, place: null });
  switch (status) {
    case STATUS.NOT_PLANNED:
      return error("plan", "it was run before a successful plan", []);
    case STATUS.SIZE_OUT_OF_BOUNDS: {
      const values = numbers(3);
      const [position, size, bound] = values as [number, number, number];
      const arg = pipeline.plan_args[position];
      const is = `size ${arg?.name ?? "?"} = ${size} is`;
      if (size < 0) return error("size", `${is} negative`, values);
      const declared = arg?.kind === "size" && arg.max !== null;
      const than = declared ? `its declared bound ${bound}` : `${bound}, the greatest possible`;
      return error("size", `${is} greater than ${than}`, values);
    }
    case STATUS.TOO_LARGE:
      return error("size", "at these sizes a size or the bytes of a tensor would not fit 32 bits", []);
    case STATUS.OUT_OF_MEMORY: {
      const values = numbers(1);
      const text = `the memory cannot grow to the ${values[0]} pages of 64 KiB that these sizes need`;
      return error("memory", text, values);
    }
    case STATUS.SIZE_DIVIDES_BY_ZERO:
      return error("size", "at these sizes a size divides by zero", []);
    case STATUS.NEGATIVE_EXTENT: {
      const values = numbers(1);
      return error("size", `at these sizes a tensor would have the extent ${values[0]}`, values);
    }
    default:
      return error("unknown", `it returned status ${status}, which its manifest does not explain`, []);
  }
}

/** The 64 bits in a slot of the error block; 0 if the memory is too small to have one. */
function slot(buffer: ArrayBuffer, position: number): bigint {
  const at = ERROR_BLOCK + 8 * position;
  return at + 8 <= buffer.byteLength ? new DataView(buffer).getBigUint64(at, true) : 0n;
}

/** Puts values in the places `{0}`, `{1}` … of a message; other braces stay as they are. */
function fill(message: string, values: readonly string[]): string {
  return message.replace(/\{(\d+)\}/g, (whole, index: string) => values[Number(index)] ?? whole);
}
