/**
 * ViT-5 (wangf3014/ViT-5, models_vit5.py and rope.py): a ViT under timm's names with RMSNorm, norms of Q and K, absolute and rotary
 * positions of patches, and registers that turn on a square grid of their own, at frequencies of their own. These stand behind the
 * patches there and before them here, which attention does not see.
 */
import { ViTError } from '../../error.ts';
import { axialFrequencies } from '../convert-rotary.ts';
import type { Family, Transform } from './family.ts';
import { timm } from './timm.ts';

const PATCHES = 'blocks.#.attn.rope.freqs';
const REGISTERS = 'blocks.#.attn.rope_reg.freqs';

const frequencies: Transform = {
  shape([[bands], [ofRegisters], [, registers]]) {
    if (bands === ofRegisters && Number.isInteger(Math.sqrt(registers))) return [2 + registers, 1, 1, 2 * bands];
    throw new ViTError(
      'bad-input',
      `${bands} frequencies of patches, ${ofRegisters} of registers, and ${registers} registers, which must be a square number.`,
    );
  },
  apply([ofPatches, ofRegisters], [[bands], , [, registers]]) {
    const side = Math.sqrt(registers);
    const pairs = 2 * bands;
    const [patches, own] = [ofPatches, ofRegisters].map((numbers) => axialFrequencies(numbers, 'row'));
    const angles = Array.from({ length: registers * pairs }, (_, i) => {
      const [register, pair] = [Math.floor(i / pairs), i % pairs];
      return (register % side) * own[pair] + Math.floor(register / side) * own[pairs + pair];
    });
    return Float32Array.of(...patches, ...angles);
  },
};

export const vit5: Family = {
  ...timm,
  layout: 'vit5',
  title: 'ViT-5',
  signature: [...timm.signature, PATCHES, REGISTERS, 'reg_token'],
  rules: [
    ...timm.rules,
    {
      to: 'rope.freqs',
      from: [PATCHES.replace('#', '0'), REGISTERS.replace('#', '0'), 'reg_token'],
      transform: frequencies,
    },
  ],
  ignored: { [PATCHES]: 'every block has the same', [REGISTERS]: 'every block has the same' },
  conventions: {
    epsilon: 1e-6,
    activation: 'gelu',
    normOrder: 'first',
    pooling: 'class',
    positionEmbedding: 'patches',
    positionResampling: 'bicubic',
    rotary: { pairs: 'neighbours', positions: 'counted', registers: true, bands: null },
  },
  withoutConfig: undefined,
  exceptions: undefined,
};
