import { matmul } from './matmul.ts';

/** The classification head in float64: `[images, D]` to `[images, classes]`. The same product as any linear layer. */
export function head(
  x: Float64Array,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  { images, width, classes }: { images: number; width: number; classes: number },
): Float64Array {
  return matmul(x, weight, bias, { rows: images, inputs: width, outputs: classes });
}
