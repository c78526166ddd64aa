/**
 * Softmax of rows: y = exp(x - max) / Σ exp(x - max).
 *
 *   x, y  rows of `columns` floats, `stride` bytes apart; they may be the same
 */
import { scale } from './mean';
import { exp, largestOf, sumOf, wholeVectors } from './vectors';

export function softmax(x: usize, y: usize, stride: usize, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    scale(y, columns, 1 / exponentials(x, y, columns));
    x += stride;
    y += stride;
  }
}

/** Of one row: y = exp(x - max). @returns their sum */
export function exponentials(x: usize, y: usize, columns: i32): f32 {
  const whole = (<usize>wholeVectors(columns)) << 2;
  const end = (<usize>columns) << 2;
  let at: usize = 0;
  let larger = f32x4.splat(-f32.MAX_VALUE);
  for (; at < whole; at += 16) larger = f32x4.pmax(larger, v128.load(x + at));
  let largest = largestOf(larger);
  for (; at < end; at += 4) largest = max(largest, load<f32>(x + at));

  const largests = f32x4.splat(largest);
  let sums = f32x4.splat(0);
  for (at = 0; at < whole; at += 16) {
    const value = exp(f32x4.sub(v128.load(x + at), largests));
    v128.store(y + at, value);
    sums = f32x4.add(sums, value);
  }
  let sum = sumOf(sums);
  for (; at < end; at += 4) {
    const value = f32x4.extract_lane(exp(f32x4.splat(load<f32>(x + at) - largest)), 0);
    store<f32>(y + at, value);
    sum += value;
  }
  return sum;
}
