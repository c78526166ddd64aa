/** Rows of `width` scaled to length 1, in float64. A row of zeros stays what it is. */
export function unitLength(x: Float64Array, width: number): Float64Array {
  const y = x.slice();
  for (let row = 0; row < x.length; row += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += x[row + i] ** 2;
    if (squares > 0) for (let i = 0; i < width; i++) y[row + i] /= Math.sqrt(squares);
  }
  return y;
}
