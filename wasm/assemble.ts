/**
 * Patches to tokens: y = a + b, any number of floats. Rows that lie alike are added at once.
 */
import { wholeVectors } from './vectors';

export function addRows(a: usize, b: usize, floats: i32, y: usize): void {
  const whole = (<usize>wholeVectors(floats)) << 2;
  const end = (<usize>floats) << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) v128.store(y + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
  for (; at < end; at += 4) store<f32>(y + at, load<f32>(a + at) + load<f32>(b + at));
}
