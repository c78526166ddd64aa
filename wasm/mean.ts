/**
 * The mean of `count` rows.
 *
 *   x  rows of `columns` floats, `stride` bytes apart
 *   y  [columns]
 */
import { addRows } from './assemble';
import { wholeVectors } from './vectors';

export function mean(x: usize, stride: usize, count: i32, columns: i32, y: usize): void {
  memory.copy(y, x, (<usize>columns) << 2);
  for (let row = 1; row < count; row++) addRows(y, x + <usize>row * stride, columns, y);
  const share: f32 = 1 / <f32>count;
  scale(y, columns, share);
}

/** y = (y + the largest of `count` rows) / 2, column by column. */
export function halfwayToLargest(x: usize, stride: usize, count: i32, columns: i32, y: usize): void {
  for (let i: usize = 0; i < (<usize>columns) << 2; i += 4) {
    let most = load<f32>(x + i);
    for (let row = 1; row < count; row++) most = max<f32>(most, load<f32>(x + <usize>row * stride + i));
    store<f32>(y + i, 0.5 * (load<f32>(y + i) + most));
  }
}

/** x *= factor */
export function scale(x: usize, floats: i32, factor: f32): void {
  const whole = (<usize>wholeVectors(floats)) << 2;
  const end = (<usize>floats) << 2;
  const factors = f32x4.splat(factor);
  let at: usize = 0;
  for (; at < whole; at += 16) v128.store(x + at, f32x4.mul(v128.load(x + at), factors));
  for (; at < end; at += 4) store<f32>(x + at, load<f32>(x + at) * factor);
}
