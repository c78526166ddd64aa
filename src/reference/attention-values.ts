/**
 * The weighted sum of values in float64.
 */
export interface ValueShape {
  batch: number;
  tokens: number;
  heads: number;
  headSize: number;
}

/**
 * @param weights `[batch, heads, tokens, tokens]`
 * @param qkv `[batch * tokens, 3 * heads * headSize]`, of which the last third is read
 * @returns `[batch * tokens, heads * headSize]`
 */
export function attentionValues(weights: Float64Array, qkv: Float64Array, shape: ValueShape): Float64Array {
  const { batch, tokens, heads, headSize } = shape;
  const mixed = new Float64Array(batch * tokens * heads * headSize);
  let at = 0;
  for (let image = 0; image < batch; image++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < tokens; query++, at += tokens) {
        const to = ((image * tokens + query) * heads + head) * headSize;
        valueRow(weights.subarray(at, at + tokens), qkv, image, head, shape, mixed.subarray(to, to + headSize));
      }
    }
  }
  return mixed;
}

/** For one query, added to `mixed`. */
export function valueRow(
  weights: Float64Array,
  qkv: Float64Array,
  image: number,
  head: number,
  { tokens, heads, headSize }: ValueShape,
  mixed: Float64Array,
): void {
  for (let key = 0; key < tokens; key++) {
    const v = (((image * tokens + key) * 3 + 2) * heads + head) * headSize;
    for (let i = 0; i < headSize; i++) mixed[i] += weights[key] * qkv[v + i];
  }
}
