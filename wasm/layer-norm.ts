/**
 * Norms of rows. LayerNorm: y = (x - mean) / sqrt(variance + epsilon) weight + bias, with the biased variance. With `rms` the mean is
 * taken for 0: RMSNorm. With `accumulate` y += that.
 *
 *   x, y          rows of `columns` floats, `xStride` and `yStride` bytes apart
 *   weight, bias  [columns]
 *
 * Twice over a row before it is written: deviations from the mean lose no digits where the mean is large.
 */
import { madd, sumOf, wholeVectors } from './vectors';

export function layerNorm(
  x: usize,
  xStride: usize,
  rows: i32,
  columns: i32,
  weight: usize,
  bias: usize,
  epsilon: f32,
  rms: bool,
  accumulate: bool,
  y: usize,
  yStride: usize,
): void {
  const whole = (<usize>wholeVectors(columns)) << 2;
  const end = (<usize>columns) << 2;
  const count = <f32>columns;
  for (let row = 0; row < rows; row++) {
    let sums = f32x4.splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) sums = f32x4.add(sums, v128.load(x + at));
    let sum = sumOf(sums);
    for (; at < end; at += 4) sum += load<f32>(x + at);
    const mean: f32 = rms ? 0 : sum / count;

    const means = f32x4.splat(mean);
    sums = f32x4.splat(0);
    for (at = 0; at < whole; at += 16) {
      const deviation = f32x4.sub(v128.load(x + at), means);
      sums = madd(deviation, deviation, sums);
    }
    let squares = sumOf(sums);
    for (; at < end; at += 4) {
      const deviation = load<f32>(x + at) - mean;
      squares += deviation * deviation;
    }
    const scale: f32 = 1 / sqrt<f32>(squares / count + epsilon);

    const scales = f32x4.splat(scale);
    for (at = 0; at < whole; at += 16) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), means), scales);
      let value = madd(normal, v128.load(weight + at), v128.load(bias + at));
      if (accumulate) value = f32x4.add(value, v128.load(y + at));
      v128.store(y + at, value);
    }
    for (; at < end; at += 4) {
      let value = (load<f32>(x + at) - mean) * scale * load<f32>(weight + at) + load<f32>(bias + at);
      if (accumulate) value += load<f32>(y + at);
      store<f32>(y + at, value);
    }
    x += xStride;
    y += yStride;
  }
}
