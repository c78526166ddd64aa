/**
 * Rotary position embedding: Q and K of a patch are turned by angles that its place gives, so that their product depends on the
 * distance between patches. Tokens in front of the patches stay as they are, but for registers that have angles of their own.
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
  /** Whether register tokens turn, too, each by angles of its own (ViT-5). Default false. */
  registers?: boolean;
}

/** Of `rope.freqs`: frequencies by column and by row, then the angles of each register that turns. */
export function frequenciesShape(
  { frequencies, registers }: Rotary,
  { depth, heads, headSize, registerTokens }: Record<'depth' | 'heads' | 'headSize' | 'registerTokens', number>,
): number[] {
  const ofBlocks = frequencies === 'shared' ? [1, 1] : [depth, heads];
  return [2 + (registers ? registerTokens : 0), ...ofBlocks, headSize / 2];
}

/** Which part of `rope.freqs` a block turns by. */
export interface Turning {
  rotary: Rotary;
  /** Of patches. */
  grid: Grid;
  /** How many register tokens turn. */
  registers: number;
  /** How many pairs there are in a head. */
  pairs: number;
  /** Heads that have frequencies of their own: 1 where they are shared. */
  heads: number;
  /** Counted among those that have frequencies of their own. */
  block: number;
}

/**
 * @param frequencies all of `rope.freqs`
 * @returns `[heads, registers + patches, pairs, 2]`: cosine and sine of each angle
 */
export function rotationTable(
  frequencies: ArrayLike<number>,
  { rotary, grid: [rows, columns], registers, pairs, heads, block }: Turning,
): number[] {
  const ofRows = positionsAlong(rows, rotary, 0);
  const ofColumns = positionsAlong(columns, rotary, 1);
  const part = frequencies.length / (2 + registers);
  const table: number[] = [];
  for (let head = 0; head < heads; head++) {
    const first = (block * heads + head) * pairs;
    const turn = (column: number, row: number, from = first) => {
      for (let pair = 0; pair < pairs; pair++) {
        const angle = column * frequencies[from + pair] + row * frequencies[part + first + pair];
        table.push(Math.cos(angle), Math.sin(angle));
      }
    };
    for (let i = 0; i < registers; i++) turn(1, 0, (2 + i) * part + first);
    for (const row of ofRows) for (const column of ofColumns) turn(column, row);
  }
  return table;
}

function positionsAlong(count: number, { positions, offset = 0, grid = null }: Rotary, axis: 0 | 1): number[] {
  const scale = grid ? grid[axis] / count : 1;
  return Array.from({ length: count }, (_, i) =>
    positions === 'centred' ? (2 * (i + 0.5)) / count - 1 : (i + offset) * scale,
  );
}
