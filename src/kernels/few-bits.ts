/**
 * Weights that stay in the 8 or 4 bits of their files: how they lie in a buffer, which is that of `packWeight` with a code in place
 * of each number, and their scales behind it. Their shaders widen them as they are loaded.
 */
import i4 from '../../shaders/matmul.i4.wgsl?raw';
import i8 from '../../shaders/matmul.i8.wgsl?raw';
import type { ColumnLayout } from '../gpu/columns.ts';
import { ceilDiv } from '../gpu/kernel.ts';
import { type FewBits, PANEL, packedLength } from './matmul.ts';

export const FEW_BIT_SHADERS = { 'matmul.i4.wgsl': i4, 'matmul.i8.wgsl': i8 } as const;

/** What the shader divides codes by. */
const DIVISOR = { 8: 127, 4: 255 } as const;

/** Inputs that share a scale in 4 bits. */
const GROUP = 32;

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
    codesOf({ data, first, length, ...piece }) {
      scales = piece.scales!;
      const run = length / scales.length;
      return data.map((value, i) => {
        const scale = scales[Math.floor((first + i) / run)];
        // The product that it was made from may be rounded.
        return scale === 0 ? 0 : Math.round(value / scale);
      });
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
