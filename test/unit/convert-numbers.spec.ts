import { expect, test } from 'vitest';
import { encode } from '../../src/convert/encode-tensor.ts';
import { decodeBf16 } from '../../src/convert/numbers.ts';
import { encodeHalfs } from '../../src/weights/half.ts';
import { halfValue } from '../harness/checkpoints.ts';

const half = (value: number) => encodeHalfs(Float32Array.of(value))[0];

test('float32 to half: bit patterns', () => {
  const patterns: [number, number][] = [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [1 / 3, 0x3555],
    [65504, 0x7bff], // the largest half
    [65519.996, 0x7bff],
    [65520, 0x7c00], // halfway to 65536, which would be the next one
    [-65520, 0xfc00],
    [1e10, 0x7c00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [2 ** -14, 0x0400], // the smallest normal half
    [2 ** -14 - 2 ** -24, 0x03ff], // the largest subnormal one
    [2 ** -14 - 2 ** -25, 0x0400], // halfway between the two: to the even one
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], // halfway to zero: to the even one
    [2 ** -25 + 2 ** -48, 0x0001],
    [3 * 2 ** -25, 0x0002],
    [-(2 ** -24), 0x8001],
    [1e-30, 0x0000],
    [1 + 2 ** -11, 0x3c00], // ties go to the even one, down …
    [1 + 3 * 2 ** -11, 0x3c02], // … and up
    [1 + 2 ** -11 + 2 ** -23, 0x3c01],
    [2 - 2 ** -11, 0x4000], // the carry reaches the exponent
  ];
  for (const [value, bits] of patterns) expect([value, half(value)]).toEqual([value, bits]);
  expect(half(Number.NaN) & 0x7fff).toBeGreaterThan(0x7c00);
});

test('every half is its own rounding', () => {
  const bits = Array.from({ length: 0x10000 }, (_, i) => i).filter((i) => !Number.isNaN(halfValue(i)));
  expect([...encodeHalfs(Float32Array.from(bits, halfValue))]).toEqual(bits);
});

test('the middle of two neighbouring halves goes to the even one, and either side of it to the nearer', () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const middle = (halfValue(bits) + halfValue(bits + 1)) / 2;
    // A float32 has 13 bits more, so the middle and its neighbours are float32 too.
    const [below, above] = [middle * (1 - 2 ** -23), middle * (1 + 2 ** -22)];
    expect([half(below), half(middle), half(above)]).toEqual([bits, bits + (bits & 1), bits + 1]);
  }
});

test('bfloat16 is the upper half of float32', () => {
  const values = decodeBf16(Uint16Array.of(0x3f80, 0xc2f7, 0x0001, 0x7f80));
  expect([...values]).toEqual([1, -123.5, 2 ** -133, Number.POSITIVE_INFINITY]);
});

test('encoding names the tensor and the element that it cannot hold', () => {
  const values = Float32Array.of(1, 70000, 2);
  expect(() => encode('head.weight', values, 'f16')).toThrow(/head\.weight has 70000 as its element 1.*f32 can/);
  expect([...encode('head.weight', values, 'f32').values]).toEqual([1, 70000, 2]);
  expect(() => encode('norm.bias', Float32Array.of(0, Number.NaN), 'f32')).toThrow(
    'norm.bias has NaN as its element 1',
  );
  expect(() => encode('norm.bias', Float32Array.of(Number.NEGATIVE_INFINITY), 'f16')).toThrow('-Infinity');
});

test('what was encoded comes with what will be read', () => {
  const { bytes, values } = encode('x', Float32Array.of(1 / 3, -1), 'f16');
  expect([...bytes]).toEqual([0x55, 0x35, 0x00, 0xbc]);
  expect([...values]).toEqual([0.333251953125, -1]);
});
