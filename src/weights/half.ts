/**
 * IEEE 754 binary16 to numbers. Every one of the 65,536 values is looked up: faster than shifting bits for each.
 */
let table: Float32Array | undefined;

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
