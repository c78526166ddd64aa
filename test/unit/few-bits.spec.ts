/**
 * Weights of 8 and 4 bits in the memory of the CPU's kernels: that they take no more than their bits, and are what they were, in whatever
 * pieces they come. What kernels make of them is `test/kernels/matmul.spec.ts`.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMatrixOfBlock } from '../../src/convert/shards.ts';
import { Arena } from '../../src/cpu/arena.ts';
import { compile } from '../../src/cpu/program.ts';
import { Weights } from '../../src/cpu/weights.ts';
import { fewBits as fewBitsOnGpu } from '../../src/engine/run/few-bit-weights.ts';
import { Columns } from '../../src/gpu/columns.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import { TINY } from '../harness/tiny-model.ts';

const LARGER = { ...TINY, width: 96, mlpWidth: 384 };

test.each([8, 4] as const)('in %i bits they take that and their scales', (bits) => {
  const shapes = tensorShapes(withDefaults(LARGER));
  const matrices = [...shapes].filter(([name]) => isMatrixOfBlock(name));
  const bytesWith = (fewBits: Record<string, 8 | 4>) => {
    const arena = new Arena();
    const weights = new Weights(arena, { isHalf: true, fewBits });
    compile(planViT(withDefaults(LARGER)), 1, { kernels: {} as never, weights }, () => 0);
    return arena.top;
  };
  const saved = matrices.reduce((sum, [, [outputs, inputs]]) => {
    const scales = bits === 8 ? outputs : (outputs * inputs) / 32;
    return sum + 2 * outputs * inputs - (outputs * inputs * bits) / 8 - 4 * scales;
  }, 0);
  expect(bytesWith({}) - bytesWith(Object.fromEntries(matrices.map(([name]) => [name, bits])))).toBe(saved);
});

test('whatever the pieces and the part of the weight: each is where a panel has it', () => {
  const cases = fc.record({
    bits: fc.constantFrom<8 | 4>(8, 4),
    groups: fc.integer({ min: 1, max: 3 }),
    outputs: fc.integer({ min: 1, max: 21 }),
    from: fc.integer({ min: 0, max: 20 }),
    skipped: fc.integer({ min: 0, max: 3 }),
    piece: fc.integer({ min: 1, max: 300 }),
  });
  fc.assert(
    fc.property(cases, ({ bits, groups, outputs, from, skipped, piece }) => {
      const inputs = 32 * groups;
      const first = Math.min(from, outputs - 1);
      const columns = { from: 32 * Math.min(skipped, groups - 1), to: inputs };
      const own = columns.to - columns.from;
      const most = bits === 8 ? 127 : 7;
      const codes = Array.from({ length: outputs * inputs }, (_, i) => ((i * 37) % (2 * most + 1)) - most);
      const scales = Float32Array.from({ length: bits === 8 ? outputs : outputs * groups }, (_, i) => 0.1 + i / 7);
      const share = codes.length / scales.length;
      const data = Float32Array.from(codes, (code, i) => code * scales[Math.floor(i / share)]);
      const arena = new Arena();
      const weights = new Weights(arena, { isHalf: true, fewBits: { w: bits } });
      const packed = weights.matrix('w', { inputs, rows: { from: first, to: outputs }, columns }, 2);
      for (let at = 0; at < data.length; at += piece) {
        weights.addPiece({ name: 'w', length: data.length, first: at, scales, data: data.slice(at, at + piece) });
      }
      expect(packed.bits).toBe(bits);
      const octets = arena.octets(packed.address, arena.top - packed.address);
      for (let output = first; output < outputs; output++) {
        const [panel, lane] = [Math.floor((output - first) / 8), (output - first) % 8];
        for (let input = 0; input < own; input++) {
          const at = (panel * own + input) * 8 + lane;
          const byte = bits === 8 ? octets[at] : octets[(at >> 4) * 8 + lane];
          const code = bits === 8 ? (byte << 24) >> 24 : input % 2 ? (byte << 24) >> 28 : (byte << 28) >> 28;
          expect(code).toBe(codes[output * inputs + columns.from + input]);
        }
        const perPanel = own / packed.group;
        const perRow = bits === 8 ? 1 : groups;
        const held = arena.floats(packed.scales + 4 * 8 * panel * perPanel, 8 * perPanel);
        for (let group = 0; group < perPanel; group++) {
          const scale = scales[(output + 1) * perRow - perPanel + group];
          expect(held[8 * group + lane]).toBe(Math.fround(scale * 2));
        }
      }
    }),
  );
});

test('codes are whole numbers however their products were rounded, on the GPU, too', () => {
  const codes = Array.from({ length: 127 }, (_, i) => i + 1);
  for (const scale of [0.1, 1 / 3, 0.0123]) {
    const scales = Float32Array.of(scale);
    const data = Float32Array.from(codes, (code) => code * scales[0]);
    const few = fewBitsOnGpu(8, new Columns(127), new Columns(1))!;
    expect([...few.stored(few.codesOf({ data, first: 0, length: 127, scales }))]).toEqual(codes);
  }
});
