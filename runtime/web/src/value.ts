// Scalars that cross the interface by value: scalar arguments of `plan`, scalar tensors, the values of a failure.

import { type Elem, f16ToNumber, numberToF16 } from "./element.js";
import { KccError, type Value } from "./errors.js";

/** Inclusive ranges of the integer types that are numbers in JavaScript. */
const RANGES: { readonly [elem: string]: readonly [number, number] } = {
  i8: [-0x80, 0x7f],
  u8: [0, 0xff],
  i16: [-0x8000, 0x7fff],
  u16: [0, 0xffff],
  i32: [-0x80000000, 0x7fffffff],
  u32: [0, 0xffffffff],
};

/**
 * The element that stands for a value in a tensor of type `elem`: integers must be in range, an integer is accepted for
 * a float if it is exact, floats round to the type.
 */
export function toElement(value: Value, elem: Elem, name: string): number | bigint {
  const element = convert(value, elem);
  if (element !== undefined) return element;
  throw new KccError("argument", `\`${name}\` cannot be ${valueText(value, "f64")}, its type is ${elem}`);
}

function convert(value: Value, elem: Elem): number | bigint | undefined {
  switch (elem) {
    case "bool":
      return typeof value === "boolean" ? Number(value) : undefined;
    case "i64":
    case "u64": {
      if (typeof value === "boolean") return undefined;
      if (typeof value === "number" && !Number.isSafeInteger(value)) return undefined;
      const wide = BigInt(value);
      const wrapped = elem === "i64" ? BigInt.asIntN(64, wide) : BigInt.asUintN(64, wide);
      return wrapped === wide ? wide : undefined;
    }
    case "f16":
    case "f32":
    case "f64": {
      if (typeof value === "boolean") return undefined;
      const float = Number(value);
      if (typeof value === "bigint" && BigInt(float) !== value) return undefined;
      return elem === "f16" ? numberToF16(float) : float;
    }
    default: {
      if (typeof value === "boolean") return undefined;
      const [low, high] = RANGES[elem] ?? [0, -1];
      const number = Number(value);
      return Number.isInteger(number) && number >= low && number <= high ? number : undefined;
    }
  }
}

/** The value of an element of a tensor of type `elem`. */
export function fromElement(element: number | bigint, elem: Elem): Value {
  if (elem === "bool") return element !== 0;
  return elem === "f16" ? f16ToNumber(Number(element)) : element;
}

/** How a scalar of type `elem` is passed to `plan`. (Floats are passed as their values, not as bits.) */
export function toArgument(value: Value, elem: Elem, name: string): number | bigint {
  const element = toElement(value, elem, name);
  return elem === "f16" ? f16ToNumber(Number(element)) : element;
}

/** The scalar of type `elem` whose canonical bits these are; an unknown type is shown as an unsigned integer. */
export function fromBits(elem: string, bits: bigint): Value {
  const scratch = new DataView(new ArrayBuffer(8));
  scratch.setBigUint64(0, bits, true);
  switch (elem) {
    case "bool":
      return bits !== 0n;
    case "i8":
    case "i16":
    case "i32":
      return Number(BigInt.asIntN(64, bits));
    case "u8":
    case "u16":
    case "u32":
      return Number(bits);
    case "i64":
      return BigInt.asIntN(64, bits);
    case "f16":
      return f16ToNumber(scratch.getUint16(0, true));
    case "f32":
      return scratch.getFloat32(0, true);
    case "f64":
      return scratch.getFloat64(0, true);
    default:
      return bits;
  }
}

/** A value in a message, as the Rust runtime shows it: the shortest digits that give the float back. */
export function valueText(value: Value, elem: string): string {
  if (typeof value !== "number" || !elem.startsWith("f")) return String(value);
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (!Number.isFinite(value)) return `${sign}inf`;
  const size = Math.abs(value);
  const round = elem === "f64" ? Number : Math.fround;
  const [digits, exponent] = shortest(size, round);
  if (size !== 0 && (size < round(1e-4) || size >= round(1e16))) {
    const point = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    return `${sign}${point}e${exponent}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const padded = digits.padEnd(exponent + 1, "0");
  return `${sign}${padded.slice(0, exponent + 1)}.${padded.slice(exponent + 1) || "0"}`;
}

/** Digits without trailing zeros and the decimal exponent of the first. */
function shortest(size: number, round: (value: number) => number): [string, number] {
  let text = size.toExponential();
  for (let digits = 0; digits < 17; digits += 1) {
    const candidate = size.toExponential(digits);
    if (round(Number(candidate)) === size) {
      text = candidate;
      break;
    }
  }
  const [mantissa = "0", exponent = "0"] = text.split("e");
  return [mantissa.replace(".", ""), Number(exponent)];
}
