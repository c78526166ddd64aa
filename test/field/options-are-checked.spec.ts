/**
 * What users of other engines write, and typing errors: an option that is not understood is refused by name, with what
 * there is instead. A wrong answer without a word would be worse.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadOptions, loadViT, type ModelFiles, type ViT, ViTError } from '../../src/index.ts';
import { random } from '../harness/arrays.ts';
import { tinyModel } from '../harness/tiny-model.ts';

let files: ModelFiles;
let vit: ViT;

beforeAll(async () => {
  files = await tinyModel();
  vit = await loadViT(files, { backend: 'cpu', worker: false });
});
afterAll(() => vit.dispose());

const picture = { data: new Uint8Array(4 * 4 * 4).fill(100), width: 4, height: 4 };

async function expectBadInput(call: () => Promise<unknown>, message: RegExp) {
  const error = await call().then(
    () => expect.fail('was accepted'),
    (error) => error,
  );
  expect(error).toBeInstanceOf(ViTError);
  expect({ code: error.code, message: error.message }).toEqual({
    code: 'bad-input',
    message: expect.stringMatching(message),
  });
}

describe('loadViT', () => {
  test.for<[object, RegExp]>([
    [{ backend: 'wasm' }, /backend must be one of auto, webgpu, cpu, not "wasm"/],
    [{ dtype: 'q8' }, /dtype must be one of auto, f32, f16, not "q8"/],
    [{ device: 'webgpu' }, /device must be an object, not "webgpu"/],
    [{ device: {} }, /worker: false/],
    [{ convert: { heads: 3 } }, /converted already/],
    [{ hub: { token: 'x' } }, /converted already/],
    [{ powerPreference: 'high' }, /powerPreference must be one of low-power, high-performance/],
    [{ imageSize: 224 }, /imageSize must be a list, not 224/],
    [{ threads: 0 }, /threads must be one of 1, 2, .*8, not 0/],
    [{ threads: 2.5 }, /threads must be one of 1, 2, .*8, not 2\.5/],
    [{ threads: 'all' }, /threads must be one of 1, 2, .*8, not "all"/],
    [{ cache: 'yes' }, /cache must be true or false/],
    [{ worker: true }, /worker must be false or a function that returns a Worker, not true/],
    [{ signal: new AbortController() }, /signal must be an AbortSignal, not AbortController/],
    [{ onProgress: 'bar' }, /onProgress must be a function/],
    [{ progress_callback: () => {} }, /no option "progress_callback"; there are .*onProgress/],
  ])('%j', ([options, message]) => expectBadInput(() => loadViT(files, options as LoadOptions), message));

  test.for<[unknown, RegExp]>([
    [undefined, /takes the address of a model\.json, \{ manifest, shards \}, hf:owner\/name or files; not undefined/],
    [null, /not null/],
    [42, /not 42/],
    [[], /not a list of 0/],
    [{}, /not Object/],
    ['http://', /"http:\/\/" is no address/],
    ['model.json', /give a whole one/],
  ])('of %j', ([source, message]) => expectBadInput(() => loadViT(source as string), message));

  test('of a manifest without shards', () =>
    expectBadInput(() => loadViT({ manifest: files.manifest } as ModelFiles), /\{ manifest, shards \}/));

  test('of shards whose buffers were moved elsewhere', async () => {
    const [first, ...rest] = files.shards;
    const gone = first.slice();
    structuredClone(gone, { transfer: [gone.buffer] });
    await expectBadInput(() => loadViT({ ...files, shards: [gone, ...rest] }), /shards\[0\] must be a Uint8Array/);
  });
});

describe('calls', () => {
  const pixels = { data: random(768, 1), shape: [1, 3, 16, 16] };
  test.for<[string, (options: never) => Promise<unknown>, unknown, RegExp]>([
    ['classify', (o) => vit.classify(picture, o), { activation: 'Sigmoid' }, /softmax, sigmoid, none, not "Sigmoid"/],
    ['classify', (o) => vit.classify(picture, o), { topk: 3 }, /no option "topk"; there are topK,/],
    ['classify', (o) => vit.classify(picture, o), { topK: '3' }, /topK must be a number, not "3"/],
    ['classify', (o) => vit.classify(picture, o), { allow: 'class 1' }, /allow must be a list, not "class 1"/],
    ['classify', (o) => vit.classify(picture, o), { deny: new Set([1]) }, /deny must be a list, not Set/],
    ['classify', (o) => vit.classify(picture, o), { allow: [Symbol('x')] }, /no class Symbol\(x\)/],
    ['classify', (o) => vit.classify(picture, o), { scoreThreshold: Number.NaN }, /scoreThreshold must be a number/],
    ['classify', (o) => vit.classify(picture, o), null, /options of classify\(\) must be an object, not null/],
    ['classify as a callback of map', (o) => vit.classify(picture, o), 1, /must be an object, not 1/],
    ['embed', (o) => vit.embed(picture, o), { normalise: true }, /no option "normalise"; there are normalize/],
    ['embedText', (o) => vit.embedText([1], o), { normalize: 1 }, /normalize must be true or false/],
    ['embedText', (o) => vit.embedText('a dog', o), { truncate: 'yes' }, /truncate must be true or false/],
    ['classify', (o) => vit.classify(picture, o), { candidates: 'dog' }, /candidates must be a list, not "dog"/],
    ['classify', (o) => vit.classify(picture, o), { template: 5 }, /template must be a text, not 5/],
    ['classify', (o) => vit.classify(picture, o), { head: 'mug' }, /head must be an object, not "mug"/],
    ['similarity', (o) => vit.similarity([1], [1], o), { logits: 1 }, /similarity\(\): logits must be true or false/],
    [
      'similarity',
      (o) => vit.similarity([1], [1], o),
      { cosine: true },
      /no option "cosine"; there are logits, signal/,
    ],
    ['learn', (o) => vit.learn({ a: picture, b: picture }, o), { signal: 5 }, /signal must be an AbortSignal, not 5/],
    [
      'learn',
      (o) => vit.learn({ a: picture, b: picture }, o),
      null,
      /options of learn\(\) must be an object, not null/,
    ],
    ['attend', (o) => vit.attend(picture, o), { layer: 'last' }, /layer must be a number, not "last"/],
    ['forward', (o) => vit.forward(pixels, o), { outputs: 'logits' }, /outputs must be a list/],
    [
      'preprocess',
      (o) => vit.preprocess(picture, undefined, o),
      { timeout: 1 },
      /no option "timeout"; there are signal/,
    ],
    ['profile', (o) => vit.profile(picture, o), { signal: 5 }, /signal must be an AbortSignal, not 5/],
    ['selfTest', (o) => vit.selfTest(o), { strict: true }, /selfTest\(\) has no option "strict"/],
    ['memory', (o) => vit.memory(o), 'all', /must be an object, not "all"/],
  ])('%s: %s %j', ([, call, options, message]) => expectBadInput(() => call(options as never), message));

  test.for<[unknown, RegExp]>([
    [undefined, /not undefined/],
    [{ data: pixels.data }, /takes \{ data, shape \}/],
    [{ data: new BigInt64Array(3), shape: [1, 3, 16, 16] }, /takes \{ data, shape \}/],
  ])('forward(%o)', ([input, message]) => expectBadInput(() => vit.forward(input as typeof pixels), message));

  test('forward of an array whose buffer was moved elsewhere', async () => {
    const data = random(768, 1);
    structuredClone(data, { transfer: [data.buffer] });
    await expectBadInput(() => vit.forward({ data, shape: [1, 3, 16, 16] }), /still there/);
  });

  test('an option that is undefined is not given', async () => {
    const options = { topK: undefined, allow: undefined, activation: undefined, signal: undefined };
    expect(await vit.classify(picture, options)).toEqual(await vit.classify(picture));
  });
});
