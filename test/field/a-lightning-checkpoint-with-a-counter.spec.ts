/**
 * What trainers save beside the tensors: counters, paths, numbers of NumPy, a criterion. None of it is needed, and none of it
 * is run. Where Python code makes a tensor, or holds all there are, it is named.
 */
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/convert/byte-source.ts';
import type { Finding } from '../../src/convert/decisions.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { expectWithin } from '../harness/arrays.ts';
import { convertInMemory } from '../harness/checkpoints.ts';
import { fieldJson, openField, outputOf, preprocessFor } from '../harness/field.ts';
import { pickleOf, torchFile } from '../harness/formats.ts';

describe('is converted', () => {
  test.each([
    ['ckpt-lightning.ckpt', 'state_dict.model.'],
    ['ckpt-lightning-criterion.ckpt', 'state_dict.model.'],
    ['npscalar.pth', 'model.'],
    ['dp-optim.tar', 'state_dict.module.'],
  ])('%s', async (file, prefix) => {
    const found: Finding[] = [];
    const converted = await convertInMemory(await openField(`torch/${file}`), {
      preprocess: preprocessFor(32, 32),
      onFindings: (findings) => found.push(...findings),
    });
    const logits = outputOf(converted, 'logits', goldenPixels(1, [1, 3, 32, 32]), 1);
    expectWithin(logits, fieldJson('torch/expected.json').y as number[], 1e-4);
    expect(found.find(({ what }) => what === 'prefix')?.value).toBe(prefix);
  });
});

describe('is refused by name', () => {
  test('where Python code makes a tensor', async () => {
    const text = (value: string) => ['X', value.length, 0, 0, 0, value];
    const storage = ['(', ...text('storage'), 'ctorch\nFloatStorage\n', ...text('0'), ...text('cpu'), 'K', 1, 't', 'Q'];
    const pickle = pickleOf(0x80, 2, 'cmy.quantized\nTensor\n', '(', ...storage, 't', 'R', '.');
    await expect(openCheckpoint(bytesSource(await torchFile(pickle)))).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining('my.quantized.Tensor'),
    });
  });
});
