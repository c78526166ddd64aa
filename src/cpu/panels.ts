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

/** Puts the elements of the tensor from `first` on where they belong; those that are not of the shape are left out. */
export function placePiece(
  packed: { [index: number]: number },
  piece: ArrayLike<number>,
  first: number,
  { inputs, rows, columns }: PanelShape,
): void {
  const width = lengthOf(columns);
  const end = first + piece.length;
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
      let to = panel + (begin - start - columns.from) * PANEL;
      for (let i = begin - first; i < stop - first; i++, to += PANEL) packed[to] = piece[i];
    }
    output += to - from;
  }
}
