/**
 * Mutated image files through the browser's decoders and everything behind them: each ends in pixels or in `bad-image`,
 * none hangs, and the engine answers the next picture.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Classification, loadViT, type ViT, ViTError } from '../../src/index.ts';
import { edits, fuzzRuns, mutate, SEED } from '../harness/fuzz.ts';
import { decodeCases, decodeFile } from '../harness/preprocess-cases.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

const RUNS = fuzzRuns(1000);
/** Most take a few milliseconds; the largest picture that is let in takes seconds. */
const SLOW_MS = 20_000;

let vit: ViT;
let right: Classification[];
let files: Uint8Array<ArrayBuffer>[];

beforeAll(async () => {
  const names = [...new Set((await decodeCases()).map(({ image }) => image))];
  files = await Promise.all(names.map(async (name) => new Uint8Array(await (await decodeFile(name)).arrayBuffer())));
  vit = await loadViT(await tinyModel(), { worker: false, backend: 'webgpu' });
  right = await vit.classify(plainImage(20, 10, [10, 200, 90]));
});

afterAll(() => vit.dispose());

test('mutated image files', { timeout: 60_000 + RUNS * 200 }, async () => {
  let answered = 0;
  let refused = 0;
  const images = fc.tuple(fc.nat(), edits, fc.constantFrom(64, 400, Infinity));
  const check = async ([index, changes, within]: [number, Parameters<typeof mutate>[1], number]) => {
    const file = new File([mutate(files[index % files.length], changes, within)], 'mutated');
    const start = performance.now();
    try {
      expect(await vit.classify(file)).toHaveLength(5);
      answered++;
    } catch (error) {
      refused++;
      if (!(error instanceof ViTError) || error.code !== 'bad-image') throw error;
    }
    const took = performance.now() - start;
    if (took > SLOW_MS) throw new Error(`took ${took} ms`);
  };
  await fc.assert(fc.asyncProperty(images, check), { numRuns: RUNS, seed: SEED, endOnFailure: true });
  console.log(`${answered} answered, ${refused} refused`);
  // The changes reach the decoders, and not all of them are noticed there.
  expect(answered).toBeGreaterThan(RUNS / 20);
  expect(refused).toBeGreaterThan(RUNS / 20);
  expect(await vit.classify(plainImage(20, 10, [10, 200, 90]))).toEqual(right);
});
