/**
 * Whole models against the libraries that made them: checkpoints and outputs of timm and transformers.
 */
import { describe, test } from 'vitest';
import { loadViT } from '../../src/index.ts';
import { expectClose } from '../harness/arrays.ts';
import { convert, fixture, readFloats, readJson } from '../harness/files.ts';

interface Expected {
  input: { shape: number[] };
  hints: { num_heads?: number };
  outputs: Record<string, { file: string; shape: number[] }>;
}

/** The libraries compute in f32 too, in another order: their logits, of size 1, agree to 1e-6; 1e-4 is the contract. */
const BOUND = 1e-4;

for (const name of ['timm-vit', 'hf-vit']) {
  describe(name, async () => {
    const folder = fixture(`families/${name}`);
    const { input, hints, outputs } = await readJson<Expected>(`${folder}/expected.json`);
    const files = await convert(`${folder}/model.safetensors`, {
      name,
      heads: hints.num_heads,
      config: hints.num_heads ? undefined : await readJson(`${folder}/config.json`),
      preprocess: {
        resize: { mode: 'squash', height: 32, width: 32 },
        filter: 'bilinear',
        crop: null,
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
      shardBytes: 8192,
    });
    const pixels = { data: await readFloats(`${folder}/input.f32`), shape: input.shape };
    const logits = await readFloats(`${folder}/${outputs.logits.file}`);

    for (const backend of ['webgpu', 'cpu'] as const) {
      test(`logits on ${backend}`, async () => {
        const vit = await loadViT(files, { backend, worker: false });
        const computed = (await vit.forward(pixels)).logits!;
        expectClose(computed.shape, outputs.logits.shape, 0);
        expectClose(computed.data, logits, BOUND);
        vit.dispose();
      });
    }
  });
}
