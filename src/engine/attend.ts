/**
 * From attention weights to what a person can look at: how much the class token attends to each patch.
 */
import { ViTError } from '../error.ts';
import type { AttendOptions, ImageResults, Tensor, Timing } from '../interface.ts';
import { type FullArchitecture, patchGrid, prefixCount, tokenCount } from '../model/architecture.ts';

/** @param run computes the attention of some blocks */
export async function attend(
  options: AttendOptions,
  architecture: FullArchitecture,
  run: (blocks: number[]) => Promise<ImageResults>,
): Promise<{ map: Tensor; timing: Timing }> {
  const attention = new ClassAttention(options, architecture);
  const sum = { decode: 0, preprocess: 0, run: 0 };
  for (const part of attention.partsOf(blocksFor(options, architecture))) {
    const { outputs, timing } = await run(part);
    attention.add(outputs.attention!);
    for (const stage of ['decode', 'preprocess', 'run'] as const) sum[stage] += timing[stage];
  }
  return { map: attention.map, timing: sum };
}

/** Blocks whose attention is needed, the last one last. */
function blocksFor(
  { layer = -1, rollout = false, head }: AttendOptions,
  { depth, heads, classToken }: FullArchitecture,
): number[] {
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

/** Bytes of attention weights that are read back at once. */
const MAX_BYTES = 2 ** 27;

/**
 * What the class token is made of, found from the last block to the first: a row vector that is multiplied by the matrix
 * of each block in turn.
 */
export class ClassAttention {
  readonly #options: AttendOptions;
  readonly #architecture: FullArchitecture;
  #share: Float64Array;

  constructor(options: AttendOptions, architecture: FullArchitecture) {
    this.#options = options;
    this.#architecture = architecture;
    this.#share = new Float64Array(tokenCount(architecture));
    this.#share[0] = 1;
  }

  /** Blocks in lists that are read back one after the other, in this order. */
  partsOf(blocks: number[]): number[][] {
    const perBlock = this.#architecture.heads * tokenCount(this.#architecture) ** 2 * 4;
    const size = Math.max(1, Math.floor(MAX_BYTES / perBlock));
    const parts: number[][] = [];
    for (let end = blocks.length; end > 0; end -= size) parts.push(blocks.slice(Math.max(0, end - size), end));
    return parts;
  }

  /** @param attention `[1, blocks, H, N, N]` of a part, in the order of `partsOf` */
  add({ data, shape: [, blocks, heads, N] }: Tensor): void {
    const { head, rollout } = this.#options;
    const chosen = head === undefined ? Array.from({ length: heads }, (_, i) => i) : [head];
    for (let block = blocks - 1; block >= 0; block--) {
      const next = new Float64Array(N);
      for (const h of chosen) {
        for (let query = 0; query < N; query++) {
          if (this.#share[query] === 0) continue;
          const row = ((block * heads + h) * N + query) * N;
          const factor = this.#share[query] / chosen.length;
          for (let key = 0; key < N; key++) next[key] += factor * data[row + key];
        }
      }
      // Half of a token goes past the block unchanged (Abnar and Zuidema 2020, "attention rollout").
      this.#share = rollout ? next.map((value, i) => (value + this.#share[i]) / 2) : next;
    }
  }

  /**
   * @returns `[rows, columns]` of patches. It sums to less than 1: what is missing is the attention to the class token
   *   itself and to the other tokens in front of the patches.
   */
  get map(): Tensor {
    const data = Float32Array.from(this.#share.subarray(prefixCount(this.#architecture)));
    return { data, shape: [...patchGrid(this.#architecture)] };
  }
}
