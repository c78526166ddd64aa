/**
 * Rotary position embedding: Q and K of a patch are turned by angles that its place gives, so that their product depends on the
 * distance between patches. Tokens in front of the patches stay as they are.
 *
 * Of a head's K features, i and i + K/2 are a pair; the converter brings other ways to pair them to this one. The angle of pair i
 * is column * frequencies[0, …, i] + row * frequencies[1, …, i].
 */

/** [rows, columns] */
type Grid = readonly [number, number];

export const ROTARY_FREQUENCIES = ['shared', 'per-head'] as const;
export const ROTARY_POSITIONS = ['centred', 'counted'] as const;

export interface Rotary {
  /** `shared`: the same for every head of every block; `per-head`: each has learned its own (RoPE-ViT's mixed). */
  frequencies: (typeof ROTARY_FREQUENCIES)[number];
  /**
   * Where row r of H rows is, and likewise a column. `centred`: at 2 (r + ½) / H - 1, from -1 to 1 (DINOv3). `counted`: at
   * r + offset.
   */
  positions: (typeof ROTARY_POSITIONS)[number];
  /** Added to what is counted. Default 0. */
  offset?: number;
  /** The grid that counted positions are scaled to: (r + offset) / H * rows. Default null: they are not scaled. */
  grid?: [rows: number, columns: number] | null;
}

/** Of `rope.freqs`. */
export function frequenciesShape(
  { frequencies }: Rotary,
  { depth, heads, headSize }: { depth: number; heads: number; headSize: number },
): [number, number, number, number] {
  return frequencies === 'shared' ? [2, 1, 1, headSize / 2] : [2, depth, heads, headSize / 2];
}

/** Which part of `rope.freqs` a block turns by. */
export interface Turning {
  rotary: Rotary;
  /** Of patches. */
  grid: Grid;
  /** How many pairs there are in a head. */
  pairs: number;
  /** Heads that have frequencies of their own: 1 where they are shared. */
  heads: number;
  /** Counted among those that have frequencies of their own. */
  block: number;
}

/**
 * @param frequencies all of `rope.freqs`
 * @returns `[heads, patches, pairs, 2]`: cosine and sine of each angle
 */
export function rotationTable(
  frequencies: ArrayLike<number>,
  { rotary, grid: [rows, columns], pairs, heads, block }: Turning,
): Float64Array {
  const ofRows = positionsAlong(rows, rotary, 0);
  const ofColumns = positionsAlong(columns, rotary, 1);
  const half = frequencies.length / 2;
  const table = new Float64Array(heads * rows * columns * pairs * 2);
  let at = 0;
  for (let head = 0; head < heads; head++) {
    const first = (block * heads + head) * pairs;
    for (const row of ofRows) {
      for (const column of ofColumns) {
        for (let pair = 0; pair < pairs; pair++) {
          const angle = column * frequencies[first + pair] + row * frequencies[half + first + pair];
          table[at++] = Math.cos(angle);
          table[at++] = Math.sin(angle);
        }
      }
    }
  }
  return table;
}

function positionsAlong(count: number, { positions, offset = 0, grid = null }: Rotary, axis: 0 | 1): number[] {
  const scale = grid ? grid[axis] / count : 1;
  return Array.from({ length: count }, (_, i) =>
    positions === 'centred' ? (2 * (i + 0.5)) / count - 1 : (i + offset) * scale,
  );
}
