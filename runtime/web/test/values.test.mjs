// Scalars: ranges, f16, and the text of floats.

import assert from "node:assert/strict";
import { test } from "node:test";
import { f16ToNumber, numberToF16 } from "../dist/index.js";
import { fromBits, toArgument, toElement, valueText } from "../dist/value.js";

test("integers must be in range and floats exact", () => {
  const refused = (value, elem) => assert.throws(() => toElement(value, elem, "v"), /`v` cannot be .*, its type is/);
  assert.equal(toElement(255, "u8", "v"), 255);
  refused(256, "u8");
  refused(-1, "u8");
  refused(1.5, "i32");
  refused(-1n, "u64");
  assert.equal(toElement(2n ** 64n - 1n, "u64", "v"), 2n ** 64n - 1n);
  refused(2n ** 64n - 1n, "i64");
  refused(2 ** 53, "i64");
  assert.equal(toElement(-3, "i64", "v"), -3n);
  refused((1n << 53n) + 1n, "f64");
  assert.equal(toElement(3n, "f32", "v"), 3);
  refused(1, "bool");
  assert.equal(toElement(true, "bool", "v"), 1);
  refused(true, "i32");
  assert.equal(toElement(1.0, "f16", "v"), 0x3c00);
  assert.equal(toArgument(0.1, "f16", "v"), f16ToNumber(numberToF16(0.1)));
});

test("bits are read by type", () => {
  assert.equal(fromBits("i32", BigInt.asUintN(64, -3n)), -3);
  assert.equal(fromBits("i64", BigInt.asUintN(64, -3n)), -3n);
  assert.equal(fromBits("bool", 1n), true);
  assert.equal(fromBits("f32", 0x3dcccccdn), Math.fround(0.1));
  assert.equal(fromBits("f64", 0x3fb999999999999an), 0.1);
  assert.equal(fromBits("f16", 0x3c00n), 1);
  assert.equal(fromBits("what", 7n), 7n);
});

test("floats have the text that Rust gives them", () => {
  const cases = [
    [0, "0.0"], [-0, "-0.0"], [1500, "1500.0"], [0.1, "0.1"], [-2.5, "-2.5"], [100, "100.0"], [1e-4, "0.0001"],
    [9e-5, "9e-5"], [1.5e-7, "1.5e-7"], [1e15, "1000000000000000.0"], [1e16, "1e16"], [1.25e20, "1.25e20"],
    [Infinity, "inf"], [-Infinity, "-inf"], [NaN, "NaN"], [123.456, "123.456"], [16777216, "16777216.0"],
  ];
  for (const [value, text] of cases) {
    assert.equal(valueText(value, "f64"), text);
    assert.equal(valueText(Math.fround(value), "f32"), text);
  }
  assert.equal(valueText(Math.fround(1 / 3), "f32"), "0.33333334");
  assert.equal(valueText(1 / 3, "f64"), "0.3333333333333333");
  assert.equal(valueText(7, "i32"), "7");
  assert.equal(valueText(true, "bool"), "true");
});

test("every f16 survives the round trip", () => {
  for (let bits = 0; bits < 0x10000; bits += 1) {
    const value = f16ToNumber(bits);
    assert.equal(numberToF16(value), Number.isNaN(value) ? 0x7e00 : bits, `${bits.toString(16)} is ${value}`);
  }
});

test("rounding to f16 is to nearest even", () => {
  const least = 2 ** -24;
  const cases = [
    [2049, 0x6800], [2051, 0x6802], [65519, 0x7bff], [65520, 0x7c00], [least, 1], [least / 2, 0],
    [least * 0.75, 1], [least * 1.5, 2], [-0, 0x8000], [1e300, 0x7c00], [-1e300, 0xfc00],
  ];
  for (const [value, bits] of cases) assert.equal(numberToF16(value), bits, String(value));
});
