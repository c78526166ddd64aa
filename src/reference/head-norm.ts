/**
 * Norm of each head's Q and K in float64; V stays as it is.
 */
import { layerNorm } from './layer-norm.ts';

/**
 * @param qkv `[rows, 3 * heads * headSize]`: queries of every head, keys of every head, values of every head
 * @param norms of queries and of keys, `[headSize]` each; without bias for RMSNorm
 */
export function headNorm(
  qkv: Float64Array,
  norms: { weight: ArrayLike<number>; bias: ArrayLike<number> | null }[],
  { heads, headSize, norm, epsilon }: { heads: number; headSize: number; norm: 'layer' | 'rms'; epsilon: number },
): Float64Array {
  const y = qkv.slice();
  const width = heads * headSize;
  for (let row = 0; row < qkv.length; row += 3 * width) {
    for (const [part, { weight, bias }] of norms.entries()) {
      const shape = { rows: heads, columns: headSize, norm, epsilon, first: row + part * width };
      y.set(layerNorm(qkv, weight, bias, shape), row + part * width);
    }
  }
  return y;
}
