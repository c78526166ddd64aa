/**
 * Rows scaled to length 1; one of zeros stays what it is.
 *
 *   x, y  rows of `columns` floats, `stride` bytes apart
 */
import { scale } from './mean';
import { madd, sumOf, wholeVectors } from './vectors';

export function unitLength(x: usize, y: usize, stride: usize, rows: i32, columns: i32): void {
  const whole = (<usize>wholeVectors(columns)) << 2;
  const end = (<usize>columns) << 2;
  for (let row = 0; row < rows; row++) {
    let sums = f32x4.splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const value = v128.load(x + at);
      sums = madd(value, value, sums);
    }
    let squares = sumOf(sums);
    for (; at < end; at += 4) squares += load<f32>(x + at) * load<f32>(x + at);
    memory.copy(y, x, end);
    if (squares > 0) scale(y, columns, 1 / sqrt<f32>(squares));
    x += stride;
    y += stride;
  }
}
