/**
 * From attention weights to what a person can look at: how much the class token attends to each patch.
 */
import { ViTError } from '../error.ts';
import { type Architecture, patchGrid, prefixCount, withDefaults } from '../model/architecture.ts';
import type { AttendOptions, Tensor } from '../worker/wire.ts';

/** Blocks whose attention is needed, the last one last. */
export function blocksFor({ layer = -1, rollout = false, head }: AttendOptions, architecture: Architecture): number[] {
  const { depth, heads, classToken } = withDefaults(architecture);
  if (!classToken) throw new ViTError('bad-input', 'This model has no class token whose attention could be shown.');
  const block = layer < 0 ? depth + layer : layer;
  if (!Number.isInteger(layer) || block < 0 || block >= depth) {
    throw new ViTError('bad-input', `There is no layer ${layer}; there are 0 to ${depth - 1}, and -1 is the last.`);
  }
  if (head !== undefined && (!Number.isInteger(head) || head < 0 || head >= heads)) {
    throw new ViTError('bad-input', `There is no head ${head}; there are 0 to ${heads - 1}.`);
  }
  return rollout ? Array.from({ length: block + 1 }, (_, i) => i) : [block];
}

/**
 * @param attention `[1, blocks, H, N, N]`
 * @returns `[rows, columns]` of patches: the class token's row. It sums to less than 1: what is missing is the attention
 *   to itself and to the other tokens in front of the patches.
 */
export function classAttention(
  attention: Tensor,
  { head, rollout }: AttendOptions,
  architecture: Architecture,
): Tensor {
  const [, blocks, heads, N] = attention.shape;
  const chosen = head === undefined ? Array.from({ length: heads }, (_, i) => i) : [head];
  // A row vector times the matrix of each block, from the last to the first: what the class token is made of.
  let share = new Float64Array(N);
  share[0] = 1;
  for (let block = blocks - 1; block >= 0; block--) {
    const next = new Float64Array(N);
    for (const h of chosen) {
      for (let query = 0; query < N; query++) {
        if (share[query] === 0) continue;
        const row = ((block * heads + h) * N + query) * N;
        const factor = share[query] / chosen.length;
        for (let key = 0; key < N; key++) next[key] += factor * attention.data[row + key];
      }
    }
    // Half of a token goes past the block unchanged (Abnar and Zuidema 2020, "attention rollout").
    share = rollout ? next.map((value, i) => (value + share[i]) / 2) : next;
  }
  const grid = patchGrid(architecture);
  return { data: Float32Array.from(share.subarray(prefixCount(architecture))), shape: [...grid] };
}
