/**
 * Scores of attention in float64: (q · k) scale, plus the relative position bias; -Infinity where a token may not look.
 */
export interface ScoreShape {
  batch: number;
  tokens: number;
  heads: number;
  headSize: number;
  scale: number;
  /** A token attends only to itself and those before it. Default false. */
  causal?: boolean;
  /** Tokens before it are not seen. Default 0. */
  first?: number;
  /** BEiT's biases: `table` is `[(2 rows - 1) (2 columns - 1) + 3, heads]`, `grid` [rows, columns] of patches. */
  relative?: { table: ArrayLike<number>; grid: readonly [number, number] } | null;
}

/**
 * @param qkv `[batch * tokens, 3 * heads * headSize]`
 * @returns `[batch, heads, tokens, tokens]`
 */
export function attentionScores(qkv: Float64Array, shape: ScoreShape): Float64Array {
  const { batch, tokens, heads } = shape;
  const scores = new Float64Array(batch * heads * tokens * tokens);
  let at = 0;
  for (let image = 0; image < batch; image++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < tokens; query++, at += tokens) {
        scoreRow(qkv, image, head, query, shape, scores.subarray(at, at + tokens));
      }
    }
  }
  return scores;
}

/** Of one query against every key, into `scores`. */
export function scoreRow(
  qkv: Float64Array,
  image: number,
  head: number,
  query: number,
  { tokens, heads, headSize, scale, causal = false, first = 0, relative = null }: ScoreShape,
  scores: Float64Array,
): void {
  const width = heads * headSize;
  const q = (image * tokens + query) * 3 * width + head * headSize;
  for (let key = 0; key < tokens; key++) {
    const k = ((image * tokens + key) * 3 + 1) * width + head * headSize;
    let dot = 0;
    for (let i = 0; i < headSize; i++) dot += qkv[q + i] * qkv[k + i];
    const bias = relative ? relative.table[relativeIndex(query, key, relative.grid) * heads + head] : 0;
    scores[key] = key < first || (causal && key > query) ? -Infinity : dot * scale + bias;
  }
}

/**
 * Row of the table for a query and a key: token 0 is the class token, the others are patches in rows.
 * Source: transformers, modeling_beit.py, and timm, gen_relative_position_index, which agree.
 */
export function relativeIndex(query: number, key: number, [rows, columns]: readonly [number, number]): number {
  const differences = (2 * rows - 1) * (2 * columns - 1);
  if (query === 0) return key === 0 ? differences + 2 : differences;
  if (key === 0) return differences + 1;
  const [queryRow, queryColumn] = [Math.floor((query - 1) / columns), (query - 1) % columns];
  const [keyRow, keyColumn] = [Math.floor((key - 1) / columns), (key - 1) % columns];
  return (queryRow - keyRow + rows - 1) * (2 * columns - 1) + (queryColumn - keyColumn + columns - 1);
}
