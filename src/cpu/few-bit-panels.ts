/**
 * The weight of a linear layer in the 8 or 4 bits of its file: codes in panels, and the scales that inputs of an output share.
 * wasm/few-bits.ts widens a panel whenever it is used.
 */
import { GROUP } from '../weights/manifest.ts';
import { codesOf } from '../weights/scaled-bytes.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { Bits } from '../weights/tensor-bits.ts';
import { lengthOf, PANEL, type PanelShape, packedLength, runsOf } from './panels.ts';

/** How the weight lies in memory; null where its groups would not lie side by side. */
export function layOut(bits: Bits, shape: PanelShape) {
  const { inputs, columns } = shape;
  const width = lengthOf(columns);
  const group = bits === 4 ? GROUP : width;
  if (bits === 4 && (columns.from % GROUP || width % GROUP || inputs % GROUP)) return null;
  const count = packedLength(shape);
  return { bits, group, codeBytes: (count * bits) / 8, scales: count / group };
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

/** @param packed `[panels][inputs / group][8]` @param scales of the whole tensor */
export function placeScales(
  packed: Float32Array,
  scales: Float32Array,
  bits: Bits,
  { inputs, rows, columns }: PanelShape,
  factor: number,
): void {
  const groupsOf = (count: number) => (bits === 4 ? count / GROUP : 1);
  const perRow = groupsOf(inputs);
  const groups = groupsOf(lengthOf(columns));
  const skipped = bits === 4 ? columns.from / GROUP : 0;
  let output = 0;
  for (const { from, to } of rows) {
    for (let row = from; row < to; row++, output++) {
      const panel = Math.floor(output / PANEL) * groups * PANEL + (output % PANEL);
      for (let group = 0; group < groups; group++) {
        packed[panel + group * PANEL] = scales[row * perRow + skipped + group] * factor;
      }
    }
  }
}
