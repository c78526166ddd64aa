/**
 * From logits to scores, in place.
 */

/** Each by itself: of a model whose labels do not exclude one another. */
export function applySigmoid(row: Float32Array): void {
  for (let i = 0; i < row.length; i++) row[i] = 1 / (1 + Math.exp(-row[i]));
}

/** softmax(row / temperature), in double precision. The order of the labels is that of the logits. */
export function applySoftmax(row: Float32Array, temperature: number): void {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Array.from(row, (logit) => Math.exp((logit - largest) / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  for (let i = 0; i < row.length; i++) row[i] = powers[i] / sum;
}
