/**
 * Attention of one head: y = softmax((q kᵀ) scale + relative bias) v, a few queries at a time, whose scores stay in the cache.
 *
 *   q        queries of `headSize` floats, `qStride` bytes apart; the first of them is number `firstQuery`
 *   k, v     tokens of `headSize` floats, `stride` bytes apart
 *   y        queries of `headSize` floats, `yStride` bytes apart
 *   scratch  keys and values packed, the scores of `QUERIES` queries, and a column of theirs
 */
import { attentionScores, packKeys, roundUp8 } from './attention-scores';
import { attentionValues, packValues } from './attention-values';
import { softmax } from './softmax';

/** At a time: whole tiles of 4 and of 6 rows. */
const QUERIES = 24;

export function attention(
  q: usize,
  qStride: usize,
  firstQuery: i32,
  queries: i32,
  k: usize,
  v: usize,
  stride: usize,
  keys: i32,
  headSize: i32,
  scale: f32,
  causal: bool,
  bias: usize,
  gridRows: i32,
  gridColumns: i32,
  y: usize,
  yStride: usize,
  scratch: usize,
): void {
  const columns = roundUp8(keys);
  const packedValues = scratch + <usize>columns * ((<usize>headSize) << 2);
  const scores = packedValues + <usize>keys * ((<usize>roundUp8(headSize)) << 2);
  const column = scores + <usize>QUERIES * ((<usize>columns) << 2);
  packKeys(k, stride, keys, headSize, scratch);
  packValues(v, stride, keys, headSize, packedValues);
  for (let first = 0; first < queries; first += QUERIES) {
    const count = min(QUERIES, queries - first);
    attentionScores(
      q,
      qStride,
      firstQuery + first,
      count,
      scratch,
      keys,
      headSize,
      scale,
      causal,
      bias,
      gridRows,
      gridColumns,
      scores,
    );
    softmax(scores, scores, (<usize>columns) << 2, count, keys);
    attentionValues(scores, count, packedValues, keys, headSize, y, yStride, column);
    q += <usize>QUERIES * qStride;
    y += <usize>QUERIES * yStride;
  }
}
