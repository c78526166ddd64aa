/**
 * Whatever is given to whatever is public: a right answer or a `ViTError` with a code and a message, never another error,
 * and never no answer at all.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  cachedModels,
  checkSupport,
  clearCache,
  loadViT,
  type ModelFiles,
  type ViT,
  ViTError,
} from '../../src/index.ts';
import { checkpointBytes } from '../harness/formats.ts';
import { fuzzRuns, SEED } from '../harness/fuzz.ts';
import { tinyModel } from '../harness/tiny-model.ts';

const RUNS = fuzzRuns(300);
let files: ModelFiles;
let vit: ViT;
beforeAll(async () => {
  files = await tinyModel();
  vit = await loadViT(files, { backend: 'cpu', worker: false });
});
afterAll(() => vit.dispose());

class Strange {
  data = new Uint8Array(3);
}

function moved(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

/** What is no argument of anything, beside what nearly is. */
const junk = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: true,
    withSparseArray: true,
  }),
  fc.constantFrom<unknown>(
    undefined,
    null,
    Number.NaN,
    -0,
    1n,
    Symbol('junk'),
    () => {},
    class {},
    new Strange(),
    moved(),
    Object.create(null),
    new Proxy({}, {}),
    new Date(Number.NaN),
    Promise.resolve(1),
    new Blob([]),
    new Blob(['text']),
    new ArrayBuffer(4),
    new SharedArrayBuffer(4),
    { [Symbol.iterator]: 1 },
    { length: 3 },
    { toString: 1 },
  ),
);

const shape = fc.oneof(junk, fc.constant([1, 3, 16, 16]), fc.array(junk, { maxLength: 5 }));
const picture = fc.oneof(
  junk,
  fc.record(
    { data: fc.oneof(junk, fc.uint8Array({ maxLength: 64 })), width: fc.oneof(junk, fc.nat(4)), height: junk },
    { requiredKeys: [] },
  ),
  fc.constant({ data: new Uint8Array(4 * 4 * 4), width: 4, height: 4 }),
);
const pictures = fc.oneof(picture, fc.array(picture, { maxLength: 3 }));

/** Options that there are, with values that there are not. */
function options(...names: string[]) {
  const values = fc.oneof(junk, fc.constantFrom<unknown>(1, 5, true, ['logits'], ['class 1'], 'softmax', -1));
  return fc.oneof(junk, fc.record(Object.fromEntries(names.map((name) => [name, values])), { requiredKeys: [] }));
}

const CALL = ['signal'];
const spec = fc.oneof(
  junk,
  fc.record({ resize: junk, filter: junk, crop: junk, mean: junk, std: junk, background: junk }, { requiredKeys: [] }),
);

const PUBLIC: Record<string, [fc.Arbitrary<unknown>[], (...args: never[]) => unknown]> = {
  classify: [
    [
      pictures,
      options('topK', 'scoreThreshold', 'allow', 'deny', 'activation', 'candidates', 'template', 'head', ...CALL),
    ],
    (...args) => vit.classify(...(args as [never])),
  ],
  embed: [[pictures, options('normalize', ...CALL)], (...args) => vit.embed(...(args as [never]))],
  embedText: [
    [fc.oneof(junk, fc.array(junk)), options('normalize', 'truncate', ...CALL)],
    (...args) => vit.embedText(...(args as [never])),
  ],
  similarity: [
    [fc.oneof(junk, fc.array(junk)), fc.oneof(junk, fc.array(junk)), options('logits', ...CALL)],
    (...args) => vit.similarity(...(args as unknown as [never, never])),
  ],
  learn: [
    [fc.oneof(junk, fc.dictionary(fc.string(), pictures)), options('method', ...CALL)],
    (...args) => vit.learn(...(args as unknown as [never])),
  ],
  attend: [[picture, options('layer', 'head', 'rollout', ...CALL)], (...args) => vit.attend(...(args as [never]))],
  forward: [
    [
      fc.oneof(junk, fc.record({ data: fc.oneof(junk, fc.constant(new Float32Array(768))), shape })),
      options('outputs', ...CALL),
    ],
    (...args) => vit.forward(...(args as unknown as [never])),
  ],
  preprocess: [[picture, spec, options(...CALL)], (...args) => vit.preprocess(...(args as unknown as [never]))],
  geometry: [
    [fc.oneof(junk, fc.record({ width: junk, height: junk }))],
    async (...args) => vit.geometry(...(args as unknown as [never])),
  ],
  profile: [[picture, options(...CALL)], (...args) => vit.profile(...(args as unknown as [never]))],
  selfTest: [[options(...CALL)], (...args) => vit.selfTest(...args)],
  memory: [[options(...CALL)], (...args) => vit.memory(...args)],
  loadViT: [
    [
      fc.oneof(
        junk.filter((source) => typeof source !== 'string'),
        fc.record({ manifest: junk, shards: junk }),
        fc.record({ manifest: fc.constant(0).map(() => files.manifest), shards: fc.array(junk) }),
      ),
      options(
        'backend',
        'dtype',
        'powerPreference',
        'imageSize',
        'cache',
        'device',
        'assets',
        'worker',
        'convert',
        'hub',
        'onProgress',
        'onEvent',
        ...CALL,
      ),
    ],
    async (...args) => (await loadViT(...(args as unknown as [never]))).dispose(),
  ],
  'loadViT of a checkpoint': [
    [
      options(
        'heads',
        'labels',
        'dtype',
        'config',
        'layout',
        'imageSize',
        'preprocess',
        'calibration',
        'ignore',
        'text',
      ),
      options('token', 'fetch'),
      fc.constantFrom<unknown>([new Blob([checkpointBytes('vit.safetensors')])], 'hf:owner/name', 'hf:'),
    ],
    // Nobody is asked but this machine, where nobody answers.
    async (convert, given, source) => {
      const hub = { ...Object(given), endpoint: 'http://127.0.0.1:1' };
      const signal = AbortSignal.timeout(100);
      (await loadViT(source, { convert, hub, worker: false, backend: 'cpu', signal })).dispose();
    },
  ],
};

test.for(Object.entries(PUBLIC))('%s', { timeout: 60_000 }, async ([, [args, call]]) => {
  const property = fc.asyncProperty(fc.tuple(...args), async (values) => {
    const late = new Promise((resolve) => setTimeout(resolve, 10_000, 'no answer'));
    try {
      expect(await Promise.race([call(...(values as never[])), late])).not.toBe('no answer');
    } catch (error) {
      if (!(error instanceof ViTError)) throw error;
      expect(error.code).toMatch(/^[a-z-]+$/);
      expect(error.message).toMatch(/\w/);
    }
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
});

test('the engine is as it was', async () => {
  expect(await vit.selfTest()).toMatchObject({ passed: true });
  expect(await checkSupport()).toMatchObject({ webgpu: false });
  expect(await cachedModels()).toEqual([]);
  await clearCache();
});
