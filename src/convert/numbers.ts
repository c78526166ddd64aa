/**
 * Between float32 and the 16-bit number formats. From IEEE halves to float32 is `weights/half.ts`, which every page needs.
 */

/** The upper half of a float32. */
export function decodeBf16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return values;
}

/**
 * To IEEE halves: 1 sign, 5 exponent and 10 mantissa bits. Rounds to the nearest, ties to the even one. What is too large (65520 and more)
 * becomes infinite.
 */
export function encodeF16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = halfBits(values[i]);
  return halves;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

function halfBits(value: number): number {
  scratch[0] = value;
  const sign = (scratchBits[0] >>> 16) & 0x8000;
  const magnitude = scratchBits[0] & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and more: infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14, the smallest normal half. The last bit of floats in 0.5..1 is worth 2^-24, as much as the last bit
    // of a subnormal half, so adding 0.5 makes the processor round in the right place.
    scratch[0] = Math.abs(value) + 0.5;
    return sign | (scratchBits[0] - 0x3f000000);
  }
  // 13 mantissa bits go. A carry runs on into the exponent, which is right: up to infinity.
  const roundUp = 0x0fff + ((magnitude >>> 13) & 1);
  return sign | ((magnitude + roundUp - 0x38000000) >>> 13);
}
