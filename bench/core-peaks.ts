/**
 * What one core can do at most in this browser, measured: the tile of the library's own matmul on operands that stay in the first
 * caches, and a copy of what is in none.
 */

import { supportedSimd } from '../src/cpu/simd.ts';
import type { Kernels } from '../src/cpu/wasm-kernels.ts';
import type { Peaks } from './peaks.ts';

/** Rows of ViT's 197 tokens in whole tiles, and inputs of ViT-Ti. */
const [ROWS, INPUTS] = [198, 192];
const PAGE = 65_536;
const COPY_FLOATS = 2 ** 25;
/** A measurement takes at least so long. Milliseconds. */
const LONG_ENOUGH = 200;

/** @param folder of the library's files, with a slash at its end */
export async function corePeaks(folder: string): Promise<Peaks> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: PAGE });
  const bytes = await (await fetch(`${folder}cpu-${supportedSimd()}.wasm`)).arrayBuffer();
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const { matmul } = instance.exports as unknown as Kernels;
  new Float32Array(memory.buffer).fill(0.5);
  const [x, weight, y, scratch] = [PAGE, 5 * PAGE, 6 * PAGE, 8 * PAGE];
  const panel = () => matmul(x, 4 * INPUTS, ROWS, INPUTS, weight, 32, 0, 1, 1, 0, 0, 0, 0, y, 32, scratch);
  const [from, to] = [new Float32Array(COPY_FLOATS).fill(1), new Float32Array(COPY_FLOATS)];
  return {
    flops: (2 * ROWS * INPUTS * 8) / secondsOf(panel),
    bandwidth: (8 * COPY_FLOATS) / secondsOf(() => to.set(from)),
  };
}

/** The least that one of some measurements took. */
function secondsOf(work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let times = 1, measured = 0; measured < 5; ) {
    const start = performance.now();
    for (let i = 0; i < times; i++) work();
    const taken = performance.now() - start;
    if (taken < LONG_ENOUGH) {
      times *= 2;
      continue;
    }
    least = Math.min(least, taken / times / 1000);
    measured++;
  }
  return least;
}
