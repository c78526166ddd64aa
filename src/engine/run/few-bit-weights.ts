/**
 * Weights that stay in the 8 or 4 bits of their files: how they lie in a buffer, which is that of `packWeight` with a code in place
 * of each number, and their scales behind it.
 */
import type { ColumnLayout } from '../../gpu/columns.ts';
import { ceilDiv } from '../../gpu/kernel.ts';
import { DIVISOR } from '../../kernels/few-bits.ts';
import { type FewBits, PANEL, packedLength } from '../../kernels/matmul.ts';
import { GROUP } from '../../weights/manifest.ts';
import { codesOf } from '../../weights/scaled-bytes.ts';

/** A weight `[outputs, inputs]`; null where its groups would not lie side by side. */
export function fewBits(bits: 8 | 4, inputs: ColumnLayout, outputs: ColumnLayout): FewBits | null {
  if (bits === 4 && inputs.stride !== inputs.count) return null;
  const groups = bits === 4 ? inputs.count / GROUP : 1;
  const codeBytes = (packedLength(inputs, outputs) * bits) / 8;
  const scaleCount = ceilDiv(outputs.stride, PANEL) * PANEL * groups;
  let scales = new Float32Array();
  return {
    codeBytes,
    bytes: codeBytes + 4 * scaleCount,
    codesOf(piece) {
      scales = piece.scales!;
      return codesOf(piece.data, scales, piece.first, piece.length);
    },
    stored(codes) {
      if (bits === 8) return Int8Array.from(codes);
      return Uint8Array.from({ length: codes.length / 2 }, (_, i) => (codes[2 * i] & 15) | (codes[2 * i + 1] << 4));
    },
    placedScales(factors) {
      const placed = new Float32Array(scaleCount);
      for (const [i, scale] of scales.entries()) {
        const output = Math.floor(i / groups);
        const at = outputs.at(output);
        const panel = Math.floor(at / PANEL);
        placed[(panel * groups + (i % groups)) * PANEL + (at % PANEL)] =
          scale * DIVISOR[bits] * (factors?.[output] ?? 1);
      }
      return placed;
    },
  };
}
