/**
 * The inner products of one query with many vectors: what a search is.
 *
 *   query    `columns` floats, a multiple of 16
 *   vectors  rows of `columns` numbers, one behind the other, in f32 or f16
 *   scores   a float for each row
 *
 * A module of its own, small enough to lie within the script that uses it. One row after the other, in four sums: vectors are
 * read in the order in which they lie, and all that limits it is memory. Measured in V8 on an AMD EPYC, one core, other work
 * beside it, 100,000 rows of 512, medians of 15 interleaved rounds, in ms: f32 26.0, f16 17.0; four rows at a time, each query read
 * once for them, 35.5 and 29.8, since memory then gives four streams; with relaxed SIMD 23.3 and 14.9, which is no reason for a
 * second module; plain TypeScript 110 (f32).
 */
import { sumOf } from '../vectors';

export function productsF32(query: usize, vectors: usize, rows: i32, columns: i32, scores: usize): void {
  const end = query + ((<usize>columns) << 2);
  for (let row = 0; row < rows; row++, scores += 4) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let at = query; at < end; at += 64, vectors += 64) {
      a = f32x4.add(a, f32x4.mul(v128.load(at), v128.load(vectors)));
      b = f32x4.add(b, f32x4.mul(v128.load(at, 16), v128.load(vectors, 16)));
      c = f32x4.add(c, f32x4.mul(v128.load(at, 32), v128.load(vectors, 32)));
      d = f32x4.add(d, f32x4.mul(v128.load(at, 48), v128.load(vectors, 48)));
    }
    store<f32>(scores, sumOf(f32x4.add(f32x4.add(a, b), f32x4.add(c, d))));
  }
}

/** Each number of `query` times 2¹¹², which `exponentsApart` leaves out; no vector holds infinity. */
export function productsF16(query: usize, vectors: usize, rows: i32, columns: i32, scores: usize): void {
  const end = query + ((<usize>columns) << 2);
  for (let row = 0; row < rows; row++, scores += 4) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let at = query; at < end; at += 64, vectors += 32) {
      a = f32x4.add(a, f32x4.mul(v128.load(at), exponentsApart(v128.load16x4_s(vectors))));
      b = f32x4.add(b, f32x4.mul(v128.load(at, 16), exponentsApart(v128.load16x4_s(vectors, 8))));
      c = f32x4.add(c, f32x4.mul(v128.load(at, 32), exponentsApart(v128.load16x4_s(vectors, 16))));
      d = f32x4.add(d, f32x4.mul(v128.load(at, 48), exponentsApart(v128.load16x4_s(vectors, 24))));
    }
    store<f32>(scores, sumOf(f32x4.add(f32x4.add(a, b), f32x4.add(c, d))));
  }
}

/**
 * From halves, whose sign fills the upper half of their lanes, to floats 2¹¹² times too small: sign and digits are where a float has
 * them, and the exponent counts from 127 instead of from 15.
 */
function exponentsApart(halves: v128): v128 {
  return v128.and(i32x4.shl(halves, 13), i32x4.splat(0x8fffffff));
}
