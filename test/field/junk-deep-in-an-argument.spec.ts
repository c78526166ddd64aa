/**
 * Anything at all at one place within an argument that is right otherwise: an answer, or a `ViTError` that names the place.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadViT, type ModelFiles, type ViT, ViTError } from '../../src/index.ts';
import { fuzzRuns, SEED } from '../harness/fuzz.ts';
import { TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';

const RUNS = fuzzRuns(60);
let files: ModelFiles;
let vit: ViT;
let clip: ViT;
beforeAll(async () => {
  files = await tinyModel();
  vit = await loadViT(files, { backend: 'cpu', worker: false });
  clip = await loadViT(await tinyModel(TINY_CLIP), { backend: 'cpu', worker: false });
});
afterAll(() => {
  vit.dispose();
  clip.dispose();
});

/** None of it is right anywhere below, but by chance. */
const junk = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
  fc.constantFrom<unknown>(
    null,
    Number.NaN,
    -1,
    1.5,
    1n,
    Symbol('junk'),
    () => {},
    'junk',
    [],
    {},
    new Date(Number.NaN),
  ),
);

const picture = () => ({ data: new Uint8Array(4 * 4 * 3), width: 4, height: 4 });
const pixels = () => new Float32Array(3 * 16 * 16);

/** A copy of the manifest with something else at a place. */
function manifestWith(path: (string | number)[], value: unknown): ModelFiles {
  const manifest = structuredClone(files.manifest);
  let at = manifest as unknown as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as typeof at;
  at[path.at(-1)!] = value;
  return { ...files, manifest };
}
const load = async (source: unknown, options: object = {}) =>
  (await loadViT(source as ModelFiles, { backend: 'cpu', worker: false, ...options })).dispose();
const firstTensor = () => Object.keys(files.manifest.tensors)[0];

/** What the message must name, and the call with junk in that place. */
const PLACES: [name: string, says: RegExp, call: (value: unknown) => Promise<unknown>][] = [
  ['classify: a picture of a list', /image|picture/i, (x) => vit.classify([picture(), x as never])],
  ['classify: data of a picture', /data|image|pixel/i, (x) => vit.classify({ ...picture(), data: x } as never)],
  ['classify: width of a picture', /width|image|pixel|×/i, (x) => vit.classify({ ...picture(), width: x } as never)],
  ['classify: topK', /topK/, (x) => vit.classify(picture(), { topK: x as number })],
  ['classify: a name in allow', /allow/, (x) => vit.classify(picture(), { allow: ['class 1', x as string] })],
  ['classify: a name in deny', /deny/, (x) => vit.classify(picture(), { deny: [x as string] })],
  ['classify: scoreThreshold', /scoreThreshold/, (x) => vit.classify(picture(), { scoreThreshold: x as number })],
  ['embed: normalize', /normalize/, (x) => vit.embed(picture(), { normalize: x as boolean })],
  ['embedText: a token id', /token/i, (x) => clip.embedText([[1, x as number]])],
  ['embedText: a text of a list', /token|text/i, (x) => clip.embedText([[1, 2], x as never])],
  ['attend: layer', /layer/, (x) => vit.attend(picture(), { layer: x as number })],
  ['attend: head', /head/, (x) => vit.attend(picture(), { head: x as number })],
  ['forward: data', /data|pixels/, (x) => vit.forward({ data: x as never, shape: [1, 3, 16, 16] })],
  ['forward: a side of the shape', /shape/, (x) => vit.forward({ data: pixels(), shape: [1, 3, x as number, 16] })],
  ['forward: the batch', /shape/, (x) => vit.forward({ data: pixels(), shape: [x as number, 3, 16, 16] })],
  [
    'forward: an output',
    /output/,
    (x) => vit.forward({ data: pixels(), shape: [1, 3, 16, 16] }, { outputs: [x as never] }),
  ],
  [
    'preprocess: a side',
    /resize|height/,
    (x) => vit.preprocess(picture(), specWith('resize', { mode: 'squash', height: x, width: 16 })),
  ],
  [
    'preprocess: a mode',
    /resize|mode/,
    (x) => vit.preprocess(picture(), specWith('resize', { mode: x, height: 16, width: 16 })),
  ],
  ['preprocess: filter', /filter/, (x) => vit.preprocess(picture(), specWith('filter', x))],
  ['preprocess: one of mean', /mean/, (x) => vit.preprocess(picture(), specWith('mean', [0.5, x, 0.5]))],
  ['geometry: width', /width|size/, async (x) => vit.geometry({ width: x as number, height: 4 })],
  ['loadViT: a side of imageSize', /image ?size/i, (x) => load(files, { imageSize: [x, 16] })],
  ['loadViT: a shard', /shard/, (x) => load({ ...files, shards: [x] })],
  ['loadViT: heads', /heads/, (x) => load(manifestWith(['architecture', 'heads'], x))],
  [
    'loadViT: a side of the patch',
    /patch|pos_embed|imageSize/,
    (x) => load(manifestWith(['architecture', 'patchSize', 1], x)),
  ],
  ['loadViT: a label', /label/, (x) => load(manifestWith(['labels', 1], x))],
  ['loadViT: one of std', /std/, (x) => load(manifestWith(['preprocess', 'std', 2], x))],
  ['loadViT: offset of a tensor', /offset|tensors/, (x) => load(manifestWith(['tensors', firstTensor(), 'offset'], x))],
  [
    'loadViT: a side of a tensor',
    /shape|tensors/,
    (x) => load(manifestWith(['tensors', firstTensor(), 'shape', 0], x)),
  ],
  ['loadViT: bytes of a shard', /shards?|bytes/, (x) => load(manifestWith(['shards', 0, 'bytes'], x))],
];

function specWith(key: string, value: unknown): never {
  return { ...files.manifest.preprocess, [key]: value } as never;
}

test.for(PLACES)('%s', { timeout: 60_000 }, async ([, says, call]) => {
  let refused = 0;
  const property = fc.asyncProperty(junk, async (value) => {
    const error = await call(value).then(
      () => null,
      (error) => error,
    );
    if (error === null) return;
    refused++;
    expect(error).toBeInstanceOf(ViTError);
    // A text may be an address.
    expect(error.code).toMatch(typeof value === 'string' ? /^bad-|^network$/ : /^bad-/);
    expect(error.message).toMatch(says);
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
  expect(refused).toBeGreaterThan(RUNS / 2);
});

test('a spec that gives more pixels than there is memory for is refused, and nothing is made', async () => {
  const side = 2 ** 31 - 1;
  const spec = specWith('resize', { mode: 'squash', height: side, width: side });
  const error = await vit.preprocess(picture(), spec).catch((error) => error);
  expect(error).toMatchObject({
    code: 'bad-input',
    message: expect.stringContaining(`resize and crop give ${side} x`),
  });
});
