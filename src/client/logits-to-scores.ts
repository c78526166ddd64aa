/**
 * From logits to scores, in place.
 */

/** Each by itself: of a model whose labels do not exclude one another. */
export function applySigmoid(row: Float32Array): void {
  row.set(row.map((logit) => 1 / (1 + Math.exp(-logit))));
}

/** softmax(row / temperature), in double precision. The order of the labels is that of the logits. */
export function applySoftmax(row: Float32Array, temperature: number): void {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Array.from(row, (logit) => Math.exp((logit - largest) / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  row.set(powers.map((power) => power / sum));
}
