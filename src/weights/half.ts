/**
 * Between float32 and IEEE 754 binary16: 1 sign, 5 exponent and 10 mantissa bits.
 */
let table: Float32Array | undefined;

/** By a table of all 65,536 values, which is faster than shifting bits. */
export function decodeHalfs(halfs: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => decodeHalf(bits));
  const floats = new Float32Array(halfs.length);
  for (let i = 0; i < halfs.length; i++) floats[i] = table[halfs[i]];
  return floats;
}

function decodeHalf(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to the nearest, ties to even. From 65520 on values become infinite. */
export function encodeHalfs(values: Float32Array): Uint16Array<ArrayBuffer> {
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
    // of a subnormal half, so adding 0.5 makes the CPU round in the right place.
    scratch[0] = Math.abs(value) + 0.5;
    return sign | (scratchBits[0] - 0x3f000000);
  }
  // 13 mantissa bits go. A carry runs on into the exponent, which is right: up to infinity.
  const roundUp = 0x0fff + ((magnitude >>> 13) & 1);
  return sign | ((magnitude + roundUp - 0x38000000) >>> 13);
}
