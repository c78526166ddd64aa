/**
 * Numbers in 8 or 4 bits: signed, and as many times the scale that some of them in a row share.
 */

/**
 * @param bytes of a run of elements; of two in a byte the first has the lower bits
 * @param scales of the whole tensor, each of as many elements
 * @param first number of the run's first element among all `length`
 */
export function decodeScaled(
  bytes: Uint8Array,
  scales: Float32Array,
  first: number,
  length: number,
  bits: number,
): Float32Array<ArrayBuffer> {
  const data = new Float32Array((bytes.length * 8) / bits);
  const group = length / scales.length;
  for (let i = 0; i < data.length; i++) {
    const at = i * bits;
    const code = (bytes[at >> 3] << (32 - bits - (at & 7))) >> (32 - bits);
    data[i] = code * scales[Math.floor((first + i) / group)];
  }
  return data;
}

/** The other way, for whoever keeps them in so few bits. @param data what `decodeScaled` gave, or that rounded to f16 */
export function codesOf(
  data: Float32Array,
  scales: Float32Array,
  first: number,
  length: number,
): Float32Array<ArrayBuffer> {
  const group = length / scales.length;
  const codes = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const scale = scales[Math.floor((first + i) / group)];
    codes[i] = scale === 0 ? 0 : Math.round(data[i] / scale);
  }
  return codes;
}
