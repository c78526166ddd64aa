/**
 * What only secure pages have is not there: models load all the same, and what is altered is still found.
 */
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type EngineEvent, loadViT, type ModelFiles } from '../../src/index.ts';
import { tinyModel } from '../harness/tiny-model.ts';

let files: ModelFiles;
beforeAll(async () => {
  files = await tinyModel();
});
afterEach(() => vi.unstubAllGlobals());

const picture = () => ({ data: new Float32Array(3 * 16 * 16).fill(0.5), shape: [1, 3, 16, 16] });

// Of pages on plain http:// `crypto` has no `subtle`; of old embedded browsers there is none at all.
test.each([{}, undefined])('crypto: %s', async (crypto) => {
  const secure = await loadViT(files, { backend: 'cpu', worker: false });
  const right = await secure.forward(picture());
  secure.dispose();
  vi.stubGlobal('crypto', crypto);
  const events: EngineEvent[] = [];
  const vit = await loadViT(files, { worker: false, onEvent: (event) => events.push(event) });
  expect(vit.info).toMatchObject({ backend: 'cpu', fallbackReason: expect.stringMatching(/no WebGPU/) });
  expect(await vit.forward(picture())).toEqual(right);
  expect(events).toEqual([]);
  vit.dispose();
  const shards = files.shards.map((shard, i) =>
    i === 1 ? shard.map((byte, at) => (at === 7 ? byte ^ 1 : byte)) : shard,
  );
  await expect(loadViT({ ...files, shards }, { worker: false })).rejects.toMatchObject({
    code: 'bad-shard',
    message: expect.stringContaining(files.manifest.shards[1].file),
  });
});
