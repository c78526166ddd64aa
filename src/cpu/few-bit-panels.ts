/**
 * The weight of a linear layer in the 8 or 4 bits of its file: codes in panels, and the scales that inputs of an output share.
 * wasm/few-bits.ts widens a panel whenever it is used.
 */
import { GROUP } from '../weights/manifest.ts';
import { codesOf } from '../weights/scaled-bytes.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { Bits } from '../weights/tensor-bits.ts';
import { lengthOf, PANEL, type PanelShape, packedLength, runsOf } from './panels.ts';

/** How the weight lies in memory; null where groups would not end with their rows. `inFile`: inputs that share a scale there. */
export function layOut(bits: Bits, shape: PanelShape) {
  const { inputs, columns } = shape;
  const count = packedLength(shape);
  if (!count || (bits === 4 && [inputs, columns.from, columns.to].some((end) => end % GROUP))) return null;
  const [group, inFile] = bits === 4 ? [GROUP, GROUP] : [lengthOf(columns), inputs];
  return { bits, group, inFile, codeBytes: (count * bits) / 8, scales: count / group };
}

/** @param packed of 8 bits `[panels][inputs][8]` bytes; of 4 `[panels][inputs / 2][8]`, each of two inputs */
export function placeCodes(packed: Uint8Array, bits: Bits, piece: TensorPiece, shape: PanelShape): void {
  const { data, first } = piece;
  const codes = codesOf(data, piece.scales!, first, piece.length);
  for (const { from, to, count } of runsOf(first, data.length, shape)) {
    for (let i = 0; i < count; i++) {
      const code = codes[from + i];
      const at = to + i * PANEL;
      if (bits === 8) packed[at] = code;
      else {
        const byte = Math.floor(at / (2 * PANEL)) * PANEL + (at % PANEL);
        const isOdd = at % (2 * PANEL) >= PANEL;
        packed[byte] = isOdd ? (packed[byte] & 15) | (code << 4) : (packed[byte] & 240) | (code & 15);
      }
    }
  }
}

/** @param packed `[panels][groups][8]` @param scales of the whole tensor, each of `inFile` inputs of a row */
export function placeScales(
  packed: Float32Array,
  scales: Float32Array,
  inFile: number,
  { inputs, rows, columns }: PanelShape,
  factor: number,
): void {
  const first = Math.floor(columns.from / inFile);
  const groups = Math.ceil(columns.to / inFile) - first;
  for (let row = rows.from; row < rows.to; row++) {
    const output = row - rows.from;
    const panel = Math.floor(output / PANEL) * groups * PANEL + (output % PANEL);
    for (let group = 0; group < groups; group++) {
      packed[panel + group * PANEL] = scales[(row * inputs) / inFile + first + group] * factor;
    }
  }
}
