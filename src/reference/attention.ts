/**
 * Multi-head self-attention in float64, the textbook way: all scores, then softmax, then the weighted sum of values.
 */
import { softmax } from './softmax.ts';

/**
 * @param qkv `[batch * tokens, 3 * heads * headSize]`: queries of every head, keys of every head, values of every head
 * @returns `[batch * tokens, heads * headSize]`
 */
export function attention(qkv: Float64Array, { batch, tokens, heads, headSize, scale }: AttentionShape): Float64Array {
  const width = heads * headSize;
  const mixed = new Float64Array(batch * tokens * width);
  const scores = new Float64Array(tokens);
  for (let image = 0; image < batch; image++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < tokens; query++) {
        const at = (token: number, part: number) => ((image * tokens + token) * 3 + part) * width + head * headSize;
        const q = at(query, 0);
        for (let key = 0; key < tokens; key++) {
          const k = at(key, 1);
          let dot = 0;
          for (let i = 0; i < headSize; i++) dot += qkv[q + i] * qkv[k + i];
          scores[key] = dot * scale;
        }
        softmax(scores);
        const out = (image * tokens + query) * width + head * headSize;
        for (let key = 0; key < tokens; key++) {
          const v = at(key, 2);
          for (let i = 0; i < headSize; i++) mixed[out + i] += scores[key] * qkv[v + i];
        }
      }
    }
  }
  return mixed;
}

export interface AttentionShape {
  batch: number;
  tokens: number;
  heads: number;
  headSize: number;
  scale: number;
}
