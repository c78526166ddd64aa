/**
 * Rotary positions as libraries have them, brought to the form of `model/rotary.ts`: frequencies in a tensor, and pairs of
 * features half a head apart.
 */
import { ViTError } from '../error.ts';
import type { Architecture } from '../model/architecture.ts';
import type { Recipe } from './families/map-tensors.ts';
import type { RotaryFacts } from './rotary-facts.ts';

/** `[2, 1, 1, K/2]`: by column, then by row. @param bands frequencies of the K/4 bands */
export function axialFrequencies(bands: ArrayLike<number>, first: 'row' | 'column'): Float32Array<ArrayBuffer> {
  const n = bands.length;
  const frequencies = new Float32Array(4 * n);
  for (let m = 0; m < n; m++) {
    frequencies[(first === 'column' ? 0 : n) + m] = bands[m];
    frequencies[2 * n + (first === 'row' ? 0 : n) + m] = bands[m];
  }
  return frequencies;
}

/**
 * @param recipes gets one for the frequencies, where the checkpoint does not hold them, and others for what is in the order of
 *   pairs
 * @throws ViTError `bad-input` when heads have no whole pairs
 */
export function addRotary(
  recipes: Map<string, Recipe>,
  { pairs, bands }: RotaryFacts,
  architecture: Architecture,
): void {
  const { heads, width } = architecture;
  const headSize = architecture.headSize ?? width / heads;
  if (headSize % (bands ? 4 : 2) !== 0) {
    throw new ViTError(
      'bad-input',
      `Rotary positions turn pairs of features along two axes, but a head has ${headSize}.`,
    );
  }
  if (bands) {
    const { base, turns, first } = bands;
    const n = headSize / 4;
    const numbers = Float64Array.from({ length: n }, (_, m) => turns / base ** (m / n));
    const frequencies = axialFrequencies(numbers, first);
    recipes.set('rope.freqs', {
      from: [],
      shape: [2, 1, 1, headSize / 2],
      transform: { shape: () => [2, 1, 1, headSize / 2], apply: () => frequencies.slice() },
    });
  }
  if (pairs === 'halves') return;
  for (const [name, recipe] of recipes) {
    const parts = /^blocks\.\d+\.attn\.(qkv|[qk]_norm)\.(weight|bias)$/.exec(name)?.[1];
    if (!parts) continue;
    const turned = parts === 'qkv' ? 2 * heads : 1;
    const { transform } = recipe;
    recipes.set(name, {
      ...recipe,
      transform: {
        ...transform,
        apply: (inputs, shapes) => apart(transform.apply(inputs, shapes), recipe.shape[0], turned, headSize),
      },
    });
  }
}

/** Of the first `heads` heads of rows, row 2 i to i and row 2 i + 1 to i + K/2. */
function apart(
  values: Float32Array<ArrayBuffer>,
  rows: number,
  heads: number,
  headSize: number,
): Float32Array<ArrayBuffer> {
  const length = values.length / rows;
  const result = values.slice();
  for (let row = 0; row < heads * headSize; row++) {
    const feature = row % headSize;
    const to = row - feature + Math.floor(feature / 2) + (feature % 2) * (headSize / 2);
    result.set(values.subarray(row * length, (row + 1) * length), to * length);
  }
  return result;
}
