// The element types of tensors and the typed arrays through which they are seen.
//
// A bool tensor is seen as bytes (0 or 1), an f16 tensor as its bits in a Uint16Array.

/** The array that shows a tensor of each element type. */
export interface ArrayOf {
  bool: Uint8Array<ArrayBuffer>;
  i8: Int8Array<ArrayBuffer>;
  u8: Uint8Array<ArrayBuffer>;
  i16: Int16Array<ArrayBuffer>;
  u16: Uint16Array<ArrayBuffer>;
  i32: Int32Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  i64: BigInt64Array<ArrayBuffer>;
  u64: BigUint64Array<ArrayBuffer>;
  f16: Uint16Array<ArrayBuffer>;
  f32: Float32Array<ArrayBuffer>;
  f64: Float64Array<ArrayBuffer>;
}

/** An element type of the language. */
export type Elem = keyof ArrayOf;

/** Any array that shows a tensor. */
export type TypedArray = ArrayOf[Elem];

interface Constructor<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, length: number): A;
}

const ARRAYS: { readonly [E in Elem]: Constructor<ArrayOf[E]> } = {
  bool: Uint8Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f16: Uint16Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** Whether there is an element type of this name. */
export function isElem(name: string): name is Elem {
  return Object.hasOwn(ARRAYS, name);
}

/** Bytes of an element. */
export function elementBytes(elem: Elem): number {
  return ARRAYS[elem].BYTES_PER_ELEMENT;
}

/** `length` elements of memory at a byte offset, which must be aligned. */
export function arrayAt(elem: Elem, buffer: ArrayBuffer, offset: number, length: number): TypedArray {
  return new ARRAYS[elem](buffer, offset, length);
}

const scratch = new DataView(new ArrayBuffer(8));

/** The value of an f16 given by its bits; exact. */
export function f16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/**
 * The bits of the f16 nearest to a value that is first rounded to f32, ties to even; values beyond the range become
 * infinite, every NaN becomes the canonical one.
 */
export function numberToF16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  scratch.setFloat32(0, value);
  const word = scratch.getUint32(0);
  const sign = (word >>> 16) & 0x8000;
  const bits = word & 0x7fffffff;
  if (bits >= 0x47800000) return sign | 0x7c00;
  let kept: number, rest: number, half: number;
  if (bits >= 0x38800000) {
    // Normal in f16: drop 13 bits of the fraction.
    [kept, rest, half] = [(bits - 0x38000000) >>> 13, bits & 0x1fff, 0x1000];
  } else {
    // Subnormal: the full significand in units of 2^-24.
    const shift = 126 - (bits >>> 23);
    if (shift > 24) return sign;
    const significand = (bits & 0x7fffff) | 0x800000;
    [kept, rest, half] = [significand >>> shift, significand & ((1 << shift) - 1), 1 << (shift - 1)];
  }
  // A carry out of the fraction correctly raises the exponent, up to infinity.
  const up = rest > half || (rest === half && (kept & 1) === 1);
  return sign | (kept + (up ? 1 : 0));
}
