/**
 * The mean of some rows of each image, in float64.
 *
 * @param x `[batch * N, D]`
 * @returns `[batch, D]`: of rows `first` to `first + count - 1` of each image
 */
export function mean(
  x: Float64Array,
  { batch, width: D, first, count }: { batch: number; width: number; first: number; count: number },
): Float64Array {
  const y = new Float64Array(batch * D);
  const perImage = x.length / batch;
  for (let image = 0; image < batch; image++) {
    for (let row = first; row < first + count; row++) {
      for (let i = 0; i < D; i++) y[image * D + i] += x[image * perImage + row * D + i];
    }
    for (let i = 0; i < D; i++) y[image * D + i] /= count;
  }
  return y;
}
