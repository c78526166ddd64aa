/**
 * Multi-head attention in float64, the textbook way: all scores of a query, then softmax, then the weighted sum of values.
 */
import { type ScoreShape, scoreRow } from './attention-scores.ts';
import { valueRow } from './attention-values.ts';
import { softmax } from './softmax.ts';

/**
 * @param qkv `[batch * tokens, 3 * heads * headSize]`: queries of every head, keys of every head, values of every head
 * @param queries tokens of each image that ask; default all
 * @returns `[batch * queries, heads * headSize]`
 */
export function attention(
  qkv: Float64Array,
  shape: ScoreShape,
  queries: readonly number[] = Array.from({ length: shape.tokens }, (_, i) => i),
): Float64Array {
  const { batch, tokens, heads, headSize } = shape;
  const width = heads * headSize;
  const mixed = new Float64Array(batch * queries.length * width);
  const weights = new Float64Array(tokens);
  for (let image = 0; image < batch; image++) {
    for (let head = 0; head < heads; head++) {
      for (const [row, query] of queries.entries()) {
        scoreRow(qkv, image, head, query, shape, weights);
        softmax(weights);
        const to = (image * queries.length + row) * width + head * headSize;
        valueRow(weights, qkv, image, head, shape, mixed.subarray(to, to + headSize));
      }
    }
  }
  return mixed;
}

/**
 * Attention of one query, the same for every image.
 *
 * @param query `[heads * headSize]`
 * @param keysValues `[batch * tokens, 2 * heads * headSize]`
 * @returns `[batch, heads * headSize]`
 */
export function attentionOfQuery(query: Float64Array, keysValues: Float64Array, shape: ScoreShape): Float64Array {
  const width = query.length;
  const rows = shape.batch * shape.tokens;
  // As if it were the query of every token; only the first one asks.
  const qkv = new Float64Array(rows * 3 * width);
  for (let row = 0; row < rows; row++) {
    qkv.set(query, row * 3 * width);
    qkv.set(keysValues.subarray(row * 2 * width, (row + 1) * 2 * width), row * 3 * width + width);
  }
  return attention(qkv, shape, [0]);
}
