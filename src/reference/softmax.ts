/** exp(x - max) / Σ exp(x - max), in place over `length` elements from `from` on, in float64. */
export function softmax(x: Float64Array, from = 0, length = x.length): void {
  let max = -Infinity;
  for (let i = from; i < from + length; i++) max = Math.max(max, x[i]);
  let sum = 0;
  for (let i = from; i < from + length; i++) {
    x[i] = Math.exp(x[i] - max);
    sum += x[i];
  }
  for (let i = from; i < from + length; i++) x[i] /= sum;
}
