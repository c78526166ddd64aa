/**
 * Ridge regression in closed form, by the pictures and not by the features: of a few pictures that is the smaller system.
 * With the Gram matrix K of the samples and one-hot targets Y the weights of the samples are A = (K + lambda I)^-1 Y. What the
 * fit without sample i would give for it is Y_i - A_i / [(K + lambda I)^-1]_ii: leave-one-out costs no other fit.
 */
import { dot } from './embedding-vectors.ts';

export interface Ridge {
  /** `[samples][classes]`: what each sample adds to the weights of each class. */
  weights: Float64Array[];
  /** `[samples][classes]`: what the fit to all others gives for each. */
  leftOut: Float64Array[];
}

/** @param samples of any length; a constant feature of 1 is added to each @param classOf class of each sample */
export function fitRidge(
  samples: readonly ArrayLike<number>[],
  classOf: readonly number[],
  classes: number,
  lambda: number,
): Ridge {
  const matrix = samples.map((a) => Float64Array.from(samples, (b) => dot(a, b) + 1));
  for (const [i, row] of matrix.entries()) row[i] += lambda;
  const inverse = invert(matrix);
  const target = (sample: number, label: number) => (classOf[sample] === label ? 1 : 0);
  const weights = inverse.map((row) =>
    Float64Array.from({ length: classes }, (_, label) =>
      row.reduce((sum, value, j) => sum + value * target(j, label), 0),
    ),
  );
  const leftOut = weights.map((row, i) => row.map((weight, label) => target(i, label) - weight / inverse[i][i]));
  return { weights, leftOut };
}

/** Of a symmetric positive definite matrix, by Gauss and Jordan; it needs no pivoting. */
function invert(matrix: Float64Array[]): Float64Array[] {
  const n = matrix.length;
  const a = matrix.map((row) => row.slice());
  const inverse = a.map((_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
  for (let column = 0; column < n; column++) {
    const pivot = a[column][column];
    for (const rows of [a, inverse]) for (let j = 0; j < n; j++) rows[column][j] /= pivot;
    for (let i = 0; i < n; i++) {
      const factor = a[i][column];
      if (i === column || factor === 0) continue;
      for (const rows of [a, inverse]) {
        const [target, from] = [rows[i], rows[column]];
        for (let j = 0; j < n; j++) target[j] -= factor * from[j];
      }
    }
  }
  return inverse;
}
