/**
 * The weighted sum of values, of one head: y = weights v.
 *
 *   weights  [queries][columns], columns = keys rounded up to 8, of which `keys` mean something
 *   values   as `packValues` lays them: panels of 8 features, [panels][keys][8]
 *   y        queries of `headSize` floats, `yStride` bytes apart
 *   column   scratch: queries x 8 floats
 */
import { roundUp8 } from './attention-scores';
import { products } from './products';

/** `v`: values of `headSize` floats, `stride` bytes apart. What the last panel lacks is zero. */
export function packValues(v: usize, stride: usize, keys: i32, headSize: i32, packed: usize): void {
  for (let feature = 0; feature < headSize; feature += 8) {
    const count = min(8, headSize - feature);
    let from = v + ((<usize>feature) << 2);
    for (let key = 0; key < keys; key++) {
      if (count === 8) {
        v128.store(packed, v128.load(from));
        v128.store(packed, v128.load(from, 16), 16);
      } else {
        for (let i = 0; i < 8; i++) {
          store<f32>(packed + ((<usize>i) << 2), i < count ? load<f32>(from + ((<usize>i) << 2)) : 0);
        }
      }
      from += stride;
      packed += 32;
    }
  }
}

export function attentionValues(
  weights: usize,
  queries: i32,
  packedValues: usize,
  keys: i32,
  headSize: i32,
  y: usize,
  yStride: usize,
  column: usize,
): void {
  const rowBytes = (<usize>roundUp8(keys)) << 2;
  for (let feature = 0; feature < headSize; feature += 8) {
    const w = packedValues + <usize>feature * ((<usize>keys) << 2);
    const count = min(8, headSize - feature);
    const to = y + ((<usize>feature) << 2);
    if (count === 8) {
      products(weights, rowBytes, queries, keys, w, 0, to, yStride);
      continue;
    }
    // Whole panels would be written over the next head.
    products(weights, rowBytes, queries, keys, w, 0, column, 32);
    for (let query = 0; query < queries; query++) {
      memory.copy(to + <usize>query * yStride, column + ((<usize>query) << 5), (<usize>count) << 2);
    }
  }
}
