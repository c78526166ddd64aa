/**
 * Scores of attention of one head: (q · k) factor + relative bias; -∞ where a token may not look.
 *
 *   q       queries of `headSize` floats, `stride` bytes apart
 *   keys    as `packKeys` lays them: panels of 8 keys, [panels][headSize][8]
 *   scores  [queries][columns], with columns = keys rounded up to 8, of which `keys` mean something
 *   bias    BEiT's: of this head, as `finishScores` says; 0 for none
 */
import { addRows } from './assemble';
import { scale } from './mean';
import { products } from './products';

export function roundUp8(count: i32): i32 {
  return (count + 7) & ~7;
}

/** `k`: keys of `headSize` floats, `stride` bytes apart. What the last panel lacks is zero. */
export function packKeys(k: usize, stride: usize, keys: i32, headSize: i32, packed: usize): void {
  const whole = headSize & 3 ? 0 : keys & ~7;
  for (let key = 0; key < whole; key += 4) {
    const to = packed + <usize>(key >> 3) * ((<usize>headSize) << 5) + ((<usize>(key & 4)) << 2);
    packFour(k + <usize>key * stride, stride, headSize, to);
  }
  for (let key = whole; key < roundUp8(keys); key++) {
    const from = k + <usize>key * stride;
    let to = packed + <usize>(key >> 3) * ((<usize>headSize) << 5) + ((<usize>(key & 7)) << 2);
    for (let i = 0; i < headSize; i++, to += 32) {
      store<f32>(to, key < keys ? load<f32>(from + ((<usize>i) << 2)) : 0);
    }
  }
}

/** Four keys beside each other: squares of 4 x 4 floats are turned. */
function packFour(k: usize, stride: usize, headSize: i32, to: usize): void {
  for (const end = k + ((<usize>headSize) << 2); k < end; k += 16, to += 128) {
    const a = v128.load(k);
    const b = v128.load(k + stride);
    const c = v128.load(k + 2 * stride);
    const d = v128.load(k + 3 * stride);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    v128.store(to, v128.shuffle<f64>(ab, cd, 0, 2));
    v128.store(to, v128.shuffle<f64>(ab, cd, 1, 3), 32);
    const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f64>(ab2, cd2, 0, 2), 64);
    v128.store(to, v128.shuffle<f64>(ab2, cd2, 1, 3), 96);
  }
}

/** @param first number of the first of `queries` */
export function attentionScores(
  q: usize,
  stride: usize,
  first: i32,
  queries: i32,
  packedKeys: usize,
  keys: i32,
  headSize: i32,
  factor: f32,
  causal: bool,
  bias: usize,
  gridRows: i32,
  gridColumns: i32,
  scores: usize,
): void {
  const columns = roundUp8(keys);
  const rowBytes = (<usize>columns) << 2;
  for (let panel = 0; panel < columns; panel += 8) {
    const w = packedKeys + <usize>panel * ((<usize>headSize) << 2);
    products(q, stride, queries, headSize, w, 0, scores + ((<usize>panel) << 2), rowBytes);
  }
  for (let query = 0; query < queries; query++) {
    scale(scores, columns, factor);
    if (bias) addRelative(scores, first + query, bias, gridRows, gridColumns);
    if (causal) {
      for (let key = first + query + 1; key < keys; key++) store<f32>(scores + ((<usize>key) << 2), -Infinity);
    }
    scores += rowBytes;
  }
}

/**
 * The table of one head is laid out backwards, so that it is read in the order of the keys: [differences of rows][differences
 * of columns], and behind it the biases of class token to patches, patches to class token, and class token to itself.
 */
function addRelative(scores: usize, query: i32, table: usize, rows: i32, columns: i32): void {
  const width = 2 * columns - 1;
  const extra = table + ((<usize>((2 * rows - 1) * width)) << 2);
  if (query === 0) {
    addTo(scores, load<f32>(extra, 8));
    const toPatches = load<f32>(extra);
    for (let key = 1; key <= rows * columns; key++) addTo(scores + ((<usize>key) << 2), toPatches);
    return;
  }
  addTo(scores, load<f32>(extra, 4));
  const queryRow = (query - 1) / columns;
  const queryColumn = (query - 1) % columns;
  let to = scores + 4;
  for (let row = 0; row < rows; row++) {
    // Backwards: a key one row further on is one row further on in the table.
    const from = table + ((<usize>((rows - 1 - queryRow + row) * width + (columns - 1 - queryColumn))) << 2);
    addRows(to, from, columns, to);
    to += (<usize>columns) << 2;
  }
}

function addTo(at: usize, value: f32): void {
  store<f32>(at, load<f32>(at) + value);
}
