/**
 * Rotary position embedding in float64: of each head's Q and K, features i and i + K/2 are turned by an angle.
 */
export interface RotateShape {
  /** Of each image. */
  tokens: number;
  heads: number;
  /** K/2 */
  pairs: number;
  /** Tokens of each image that stay as they are. */
  first: number;
}

/**
 * @param qkv `[batch * tokens, 3 * heads * K]`
 * @param table `[heads or 1, patches, pairs, 2]`: cosine and sine for each of the tokens from `first` on
 */
export function rotate(
  qkv: Float64Array,
  table: ArrayLike<number>,
  { tokens, heads, pairs, first }: RotateShape,
): Float64Array {
  const y = qkv.slice();
  const patches = tokens - first;
  const perHead = table.length / patches / pairs / 2 > 1 ? patches : 0;
  const stride = 3 * heads * 2 * pairs;
  for (let row = 0; row < qkv.length / stride; row++) {
    const patch = (row % tokens) - first;
    if (patch < 0) continue;
    // Queries of every head, then keys of every head.
    for (let head = 0; head < 2 * heads; head++) {
      for (let i = 0; i < pairs; i++) {
        const at = row * stride + head * 2 * pairs + i;
        const angle = ((head % heads) * perHead + patch) * pairs + i;
        const [cosine, sine] = [table[2 * angle], table[2 * angle + 1]];
        y[at] = qkv[at] * cosine - qkv[at + pairs] * sine;
        y[at + pairs] = qkv[at + pairs] * cosine + qkv[at] * sine;
      }
    }
  }
  return y;
}
