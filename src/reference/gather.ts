/**
 * Rows picked by index, in float64: y[i] = x[indices[i]], with row i modulo their number of `added` on top.
 *
 * @param x `[any number, D]`
 * @param added `[any number, D]`; `null` for none
 * @returns `[indices, D]`
 */
export function gather(
  x: ArrayLike<number>,
  indices: ArrayLike<number>,
  added: ArrayLike<number> | null,
  width: number,
): Float64Array {
  const y = new Float64Array(indices.length * width);
  for (let row = 0; row < indices.length; row++) {
    for (let i = 0; i < width; i++) {
      const at = row * width + i;
      y[at] = x[indices[row] * width + i] + (added ? added[at % added.length] : 0);
    }
  }
  return y;
}
