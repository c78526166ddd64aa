/**
 * The weighted sum of values in float64, per image and head.
 *
 * @param weights `[batch, heads, tokens, tokens]`
 * @param qkv `[batch * tokens, 3 * heads * headSize]`, of which the last third is read
 * @returns `[batch * tokens, heads * headSize]`
 */
export function attentionValues(
  weights: Float64Array,
  qkv: Float64Array,
  { batch, tokens, heads, headSize }: { batch: number; tokens: number; heads: number; headSize: number },
): Float64Array {
  const width = heads * headSize;
  const mixed = new Float64Array(batch * tokens * width);
  let at = 0;
  for (let image = 0; image < batch; image++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < tokens; query++) {
        const to = (image * tokens + query) * width + head * headSize;
        for (let key = 0; key < tokens; key++) {
          const weight = weights[at++];
          const v = ((image * tokens + key) * 3 + 2) * width + head * headSize;
          for (let i = 0; i < headSize; i++) mixed[to + i] += weight * qkv[v + i];
        }
      }
    }
  }
  return mixed;
}
