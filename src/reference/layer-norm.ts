/**
 * Norms of rows in float64. LayerNorm: y = (x - mean) / sqrt(variance + epsilon) * weight + bias, with the biased variance.
 * RMSNorm: y = x / sqrt(mean of x² + epsilon) * weight.
 *
 * @param x `[rows, columns]`; `rowStride` elements from one row to the next (default: dense), the first at `first`.
 * @returns `[rows, columns]`, dense.
 */
export function layerNorm(
  x: Float64Array,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  { rows, columns, epsilon, norm = 'layer', rowStride = columns, first = 0 }: LayerNormShape,
): Float64Array {
  const y = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = first + row * rowStride;
    let mean = 0;
    if (norm === 'layer') for (let i = 0; i < columns; i++) mean += x[from + i] / columns;
    let variance = 0;
    for (let i = 0; i < columns; i++) variance += (x[from + i] - mean) ** 2;
    variance /= columns;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let i = 0; i < columns; i++) {
      y[row * columns + i] = (x[from + i] - mean) * scale * weight[i] + (bias ? bias[i] : 0);
    }
  }
  return y;
}

export interface LayerNormShape {
  rows: number;
  columns: number;
  epsilon: number;
  /** Default `layer`. */
  norm?: 'layer' | 'rms';
  rowStride?: number;
  first?: number;
}
