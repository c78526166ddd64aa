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

/** Of a tensor `[outputs, inputs]`: some of its rows, and of these some columns. */
export interface PanelShape {
  inputs: number;
  rows: Range;
  columns: Range;
}

export function lengthOf({ from, to }: Range): number {
  return to - from;
}

export function panelsOf(outputs: number): number {
  return Math.ceil(outputs / PANEL);
}

export function packedLength({ rows, columns }: PanelShape): number {
  return panelsOf(lengthOf(rows)) * PANEL * lengthOf(columns);
}

/** Neighbours in a row of the tensor: in panels they are PANEL apart. */
export interface Run {
  /** Index of the first in its piece, and in the panels. */
  from: number;
  to: number;
  /** None where it is not above 0. */
  count: number;
}

/** Where `count` elements of the tensor from `first` on belong; those that are not of the shape are left out. */
export function* runsOf(first: number, count: number, { inputs, rows, columns }: PanelShape): Generator<Run> {
  const end = first + count;
  const endRow = Math.min(rows.to, Math.ceil(end / inputs));
  for (let row = Math.max(rows.from, Math.floor(first / inputs)); row < endRow; row++) {
    const start = row * inputs + columns.from;
    const begin = Math.max(first, start);
    const stop = Math.min(end, row * inputs + columns.to);
    const at = row - rows.from;
    const panel = Math.floor(at / PANEL) * PANEL * lengthOf(columns) + (at % PANEL);
    yield { from: begin - first, to: panel + (begin - start) * PANEL, count: stop - begin };
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
