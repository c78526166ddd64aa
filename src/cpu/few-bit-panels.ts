/**
 * The weight of a linear layer in the 8 or 4 bits of its file: codes in panels, and the scales that inputs of an output share.
 * wasm/few-bits.ts widens a panel whenever it is used.
 */
import { GROUP } from '../weights/manifest.ts';
import { codesOf } from '../weights/scaled-bytes.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { Bits } from '../weights/tensor-bits.ts';
import { PANEL, type PanelShape, packedLength, type Range, runsOf } from './panels.ts';

/** How the weight lies in memory; null where groups would not end with their rows. */
export function layOut(bits: Bits, shape: PanelShape) {
  const group = bits === 4 ? GROUP : shape.inputs;
  if (shape.inputs % group) return null;
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

/** @param packed `[panels][groups][8]` @param scales of the whole tensor, `groups` for each row of which a range of rows is needed */
export function placeScales(
  packed: Float32Array,
  scales: Float32Array,
  groups: number,
  { from, to }: Range,
  factor: number,
): void {
  for (let row = from; row < to; row++) {
    const output = row - from;
    const panel = Math.floor(output / PANEL) * groups * PANEL + (output % PANEL);
    for (let group = 0; group < groups; group++) {
      packed[panel + group * PANEL] = scales[row * groups + group] * factor;
    }
  }
}
