/**
 * Position embeddings that are computed: sines and cosines of column and row at wave lengths from 2π to 2π 10000.
 */

import type { PositionResampling } from './architecture.ts';

/** Whether the longest wave is 2π 10000 or stays one step below it. */
const SINCOS = { sincos: false, 'sincos-inclusive': true } as const;

export function isComputed(rule: PositionResampling): rule is keyof typeof SINCOS {
  return rule in SINCOS;
}

/**
 * @param width a multiple of 4
 * @returns `[rows * columns, width]`: sin and cos of the column, sin and cos of the row, a quarter of the width each
 */
export function sincosPositions(
  rule: keyof typeof SINCOS,
  [rows, columns]: readonly [number, number],
  width: number,
): Float32Array<ArrayBuffer> {
  const waves = width / 4;
  const last = SINCOS[rule] ? waves - 1 : waves;
  const positions = new Float32Array(rows * columns * width);
  for (let i = 0; i < waves; i++) {
    const frequency = 10000 ** (-i / last);
    for (let patch = 0; patch < rows * columns; patch++) {
      for (const [axis, place] of [patch % columns, Math.floor(patch / columns)].entries()) {
        const at = patch * width + 2 * axis * waves + i;
        positions[at] = Math.sin(place * frequency);
        positions[at + waves] = Math.cos(place * frequency);
      }
    }
  }
  return positions;
}
