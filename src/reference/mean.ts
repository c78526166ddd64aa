/**
 * The mean of some rows of each image, in float64.
 *
 * @param x `[batch * N, D]`
 * @param shape.largest halfway between the mean and the largest element of each column
 * @returns `[batch, D]`: of rows `first` to `first + count - 1` of each image
 */
export function mean(x: Float64Array, { batch, width: D, first, count, largest = false }: MeanShape): Float64Array {
  const y = new Float64Array(batch * D);
  const perImage = x.length / batch;
  for (let image = 0; image < batch; image++) {
    for (let row = first; row < first + count; row++) {
      for (let i = 0; i < D; i++) y[image * D + i] += x[image * perImage + row * D + i];
    }
    for (let i = 0; i < D; i++) y[image * D + i] /= count;
    if (!largest) continue;
    for (let i = 0; i < D; i++) {
      let most = -Infinity;
      for (let row = first; row < first + count; row++) most = Math.max(most, x[image * perImage + row * D + i]);
      y[image * D + i] = (y[image * D + i] + most) / 2;
    }
  }
  return y;
}

export interface MeanShape {
  batch: number;
  /** D */
  width: number;
  first: number;
  count: number;
  /** Default false. */
  largest?: boolean;
}
