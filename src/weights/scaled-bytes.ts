/**
 * Numbers in 8 bits: signed, and as many times the scale of their row.
 */

/**
 * @param bytes of a run of elements
 * @param scales one for each row of the tensor
 * @param first number of the run's first element among all `length`
 */
export function decodeScaled(
  bytes: Uint8Array,
  scales: Float32Array,
  first: number,
  length: number,
): Float32Array<ArrayBuffer> {
  const data = new Float32Array(bytes.length);
  const row = length / scales.length;
  for (let i = 0; i < data.length; i++) data[i] = ((bytes[i] << 24) >> 24) * scales[Math.floor((first + i) / row)];
  return data;
}
