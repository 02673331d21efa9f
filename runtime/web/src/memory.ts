// Reading linear memory without trusting anyone: every address and length is compared with the memory's size.

import { elementBytes } from "./element.js";
import { badManifest, shapeText } from "./errors.js";
import type { Address, Tensor } from "./manifest.js";

/** Greatest extent. */
const MAX_EXTENT = 0x7fffffff;

/** Where a tensor lies: the address of its first byte and its number of elements. */
export interface Range {
  readonly start: number;
  readonly length: number;
}

/** The i32 at an address. */
export function readI32(buffer: ArrayBuffer, at: number): number {
  if (at + 4 > buffer.byteLength) throw badManifest(`address ${at} lies outside the memory`);
  return new DataView(buffer).getInt32(at, true);
}

/** Writes an i32 at an address. */
export function writeI32(buffer: ArrayBuffer, at: number, value: number): void {
  if (at + 4 > buffer.byteLength) throw badManifest(`address ${at} lies outside the memory`);
  new DataView(buffer).setInt32(at, value, true);
}

/** Whether the data decides an extent of a tensor. */
export function isDecided(tensor: Tensor): boolean {
  return tensor.dims.some(({ value }) => "decided" in value);
}

/** Every extent of a tensor. `args` are the plan's arguments. What the data decides is 0 until a run `decided` it. */
export function readShape(
  buffer: ArrayBuffer,
  tensor: Tensor,
  args: readonly (number | bigint)[],
  decided: boolean,
): number[] {
  return tensor.dims.map(({ text, value }) => {
    const extent =
      "fixed" in value
        ? value.fixed
        : "at" in value
          ? readI32(buffer, value.at)
          : "decided" in value
            ? decided
              ? readI32(buffer, startOf(buffer, value.decided))
              : 0
            : Number(args[value.arg.arg]) * value.arg.scale + value.arg.offset;
    if (Number.isSafeInteger(extent) && extent >= 0 && extent <= MAX_EXTENT) return extent;
    throw badManifest(`extent \`${text}\` of \`${tensor.name}\` is not a possible size`);
  });
}

/** The address of the first byte. */
function startOf(buffer: ArrayBuffer, address: Address): number {
  return "fixed" in address ? address.fixed : readI32(buffer, address.at) >>> 0;
}

/** Where the elements of a tensor of this shape lie now. */
export function range(buffer: ArrayBuffer, tensor: Tensor, shape: readonly number[]): Range {
  // An empty axis makes the tensor empty, whatever the product of the others. (A product beyond 2^53 is inexact, but
  // it is far beyond any memory all the same.)
  if (shape.includes(0)) return { start: 0, length: 0 };
  const size = elementBytes(tensor.elem);
  const length = shape.reduce((product, extent) => product * extent, 1);
  const { address } = tensor;
  const start = startOf(buffer, address);
  if (start % size === 0 && start + length * size <= buffer.byteLength) return { start, length };
  const what = `\`${tensor.name}\` with shape ${shapeText(shape)} at address ${start}`;
  throw badManifest(`${what} does not lie aligned inside the memory of ${buffer.byteLength} bytes`);
}
