/**
 * Number formats that checkpoints have and shards have not.
 */

/** The upper half of a float32. */
export function decodeBf16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return values;
}
