/**
 * How the weight of a linear layer lies in memory: panels of 8 outputs, `[panels][inputs][8]`, so that a kernel reads it in
 * order. What the last panel lacks is zero. Pure data.
 */

/** Outputs of a panel: two vectors. */
export const PANEL = 8;

export interface Range {
  from: number;
  to: number;
}

/** Of a tensor `[outputs, inputs]`: some of its rows, one range after the other, and some of its columns. */
export interface PanelShape {
  /** Columns of the whole tensor. */
  inputs: number;
  rows: readonly Range[];
  columns: Range;
}

export function lengthOf({ from, to }: Range): number {
  return to - from;
}

export function panelsOf(outputs: number): number {
  return Math.ceil(outputs / PANEL);
}

export function packedLength({ rows, columns }: PanelShape): number {
  const outputs = rows.reduce((sum, range) => sum + lengthOf(range), 0);
  return panelsOf(outputs) * PANEL * lengthOf(columns);
}

/** Neighbours in a row of the tensor: in panels they are PANEL apart. */
export interface Run {
  /** Index of the first in its piece, and in the panels. */
  from: number;
  to: number;
  count: number;
}

/** Where `count` elements of the tensor from `first` on belong; those that are not of the shape are left out. */
export function* runsOf(first: number, count: number, { inputs, rows, columns }: PanelShape): Generator<Run> {
  const width = lengthOf(columns);
  const end = first + count;
  let output = 0;
  for (const { from, to } of rows) {
    const firstRow = Math.max(from, Math.floor(first / inputs));
    const endRow = Math.min(to, Math.ceil(end / inputs));
    for (let row = firstRow; row < endRow; row++) {
      const start = row * inputs;
      const begin = Math.max(first, start + columns.from);
      const stop = Math.min(end, start + columns.to);
      const at = output + row - from;
      const panel = Math.floor(at / PANEL) * PANEL * width + (at % PANEL);
      yield { from: begin - first, to: panel + (begin - start - columns.from) * PANEL, count: stop - begin };
    }
    output += to - from;
  }
}

/** Puts elements of the tensor from `first` on where they belong. */
export function placePiece(
  packed: { [index: number]: number },
  piece: ArrayLike<number>,
  first: number,
  shape: PanelShape,
): void {
  for (const { from, to, count } of runsOf(first, piece.length, shape)) {
    for (let i = 0; i < count; i++) packed[to + i * PANEL] = piece[from + i];
  }
}
