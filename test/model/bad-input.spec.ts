/**
 * What is wrong with an input is said in one sentence with one code, and the engine goes on working.
 */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type ErrorCode,
  type LoadOptions,
  loadViT,
  type Manifest,
  type ModelFiles,
  type Preprocess,
  ViTError,
} from '../../src/index.ts';
import { random } from '../harness/arrays.ts';
import { plainImage, tinyModel } from '../harness/tiny-model.ts';

const HERE: LoadOptions = { worker: false, backend: 'cpu', cache: false };
const URL_OF_MODEL = 'https://models.test/tiny/model.json';

let files: ModelFiles;

beforeAll(async () => {
  files = await tinyModel();
});

afterEach(() => vi.restoreAllMocks());

/** Answers requests as a server of the tiny model would; `change` alters a file or, with null, removes it. */
function serve(change: (file: string, bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | null = (_, b) => b) {
  const served = new Map<string, Uint8Array<ArrayBuffer>>(
    files.manifest.shards.map(({ file }, i) => [file, files.shards[i]] as const),
  );
  served.set('model.json', new TextEncoder().encode(JSON.stringify(files.manifest)));
  return vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const file = String(input).split('/').at(-1)!;
    const bytes = served.has(file) ? change(file, served.get(file)!.slice()) : null;
    return bytes ? new Response(bytes) : new Response('not here', { status: 404 });
  });
}

async function expectError(promise: Promise<unknown>, code: ErrorCode, message: RegExp) {
  const error = await promise.then(
    () => expect.fail(`expected ${code}`),
    (error) => error,
  );
  expect(error).toBeInstanceOf(ViTError);
  expect({ code: error.code, message: error.message }).toEqual({ code, message: expect.stringMatching(message) });
}

/** The manifest with one field, named by its path, changed. */
function withField(path: string, value: unknown): Manifest {
  const manifest = structuredClone(files.manifest) as unknown as Record<string, unknown>;
  const names = path.split('/');
  const last = names.pop()!;
  const parent = names.reduce((at, name) => at[name] as Record<string, unknown>, manifest);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return manifest as unknown as Manifest;
}

describe('files of a model', () => {
  test('as they should be', async () => {
    serve();
    const vit = await loadViT(URL_OF_MODEL, HERE);
    expect(await vit.selfTest()).toMatchObject({ passed: true });
    vit.dispose();
  });

  test('no server', async () => {
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('Failed to fetch'));
    await expectError(loadViT(URL_OF_MODEL, HERE), 'network', /models\.test.*Check the connection/);
  });

  test('a missing manifest', async () => {
    serve((file, bytes) => (file === 'model.json' ? null : bytes));
    await expectError(loadViT(URL_OF_MODEL, HERE), 'network', /model\.json: the server answered 404/);
  });

  test('a manifest that is a web page', async () => {
    serve((file, bytes) => (file === 'model.json' ? new TextEncoder().encode('<!doctype html>') : bytes));
    await expectError(loadViT(URL_OF_MODEL, HERE), 'bad-manifest', /model\.json is not JSON/);
  });

  test('a missing shard', async () => {
    serve((file, bytes) => (file === 'shard-3.bin' ? null : bytes));
    await expectError(loadViT(URL_OF_MODEL, HERE), 'network', /shard-3\.bin: the server answered 404/);
  });

  test('a truncated shard', async () => {
    serve((file, bytes) => (file === 'shard-2.bin' ? bytes.slice(0, 1000) : bytes));
    await expectError(loadViT(URL_OF_MODEL, HERE), 'bad-shard', /shard-2\.bin has 1000 bytes instead of 4096/);
  });

  test('a shard that is too long', async () => {
    serve((file, bytes) => (file === 'shard-0.bin' ? new Uint8Array(5000) : bytes));
    await expectError(loadViT(URL_OF_MODEL, HERE), 'bad-shard', /shard-0\.bin has \d+ bytes instead of 4096/);
  });

  test('a shard with one bit changed', async () => {
    serve((file, bytes) => {
      if (file === 'shard-1.bin') bytes[77] ^= 4;
      return bytes;
    });
    await expectError(loadViT(URL_OF_MODEL, HERE), 'bad-shard', /shard-1\.bin was altered/);
  });

  test('too few shards in memory', async () => {
    const shards = files.shards.slice(1);
    await expectError(loadViT({ ...files, shards }, HERE), 'bad-shard', /There are \d+ shards; the manifest has \d+/);
  });

  test('other requests stop when one fails', async () => {
    const signals: AbortSignal[] = [];
    const fetch = serve((file, bytes) => (file === 'shard-0.bin' ? null : bytes));
    const answer = fetch.getMockImplementation()!;
    fetch.mockImplementation((input, init) => {
      if (init?.signal) signals.push(init.signal);
      return answer(input, init);
    });
    await expectError(loadViT(URL_OF_MODEL, HERE), 'network', /shard-0/);
    expect(signals.length).toBeGreaterThan(2);
    expect(signals.slice(1).every((signal) => signal.aborted)).toBe(true);
  });
});

describe('manifests', () => {
  const weight = 'tensors/blocks.1.attn.qkv.weight';
  const cases: [string, unknown, ErrorCode, RegExp][] = [
    ['format', 'onnx', 'bad-manifest', /no vit-webgpu manifest/],
    ['version', 2, 'bad-manifest', /version 2; this library reads version 1/],
    ['name', undefined, 'bad-manifest', /name is missing/],
    ['architecture/heads', 5, 'bad-manifest', /architecture\.heads is 5, which does not divide the width 24/],
    ['architecture/width', -4, 'bad-manifest', /architecture\.width must be a whole number from 1 on/],
    ['architecture/depth', 1e99, 'bad-manifest', /architecture\.depth must be/],
    ['architecture/patchSize', [7, 8], 'bad-manifest', /not a multiple of the patch size \[7,8\]/],
    ['architecture/epsilon', 0, 'bad-manifest', /epsilon/],
    ['architecture/convolutions', true, 'unsupported-model', /architecture\.convolutions is not known/],
    ['architecture/activation', 'swish', 'bad-manifest', /must be one of gelu/],
    [weight, undefined, 'bad-manifest', /lacks the tensor blocks\.1\.attn\.qkv\.weight \[72, 24\]/],
    [`${weight}/shape`, [24, 72], 'bad-manifest', /has the shape \[24, 72\]; this architecture needs \[72, 24\]/],
    [`${weight}/dtype`, 'q4', 'bad-manifest', /dtype must be one of f32, f16/],
    [`${weight}/dtype`, 'f16', 'bad-manifest', /bytes is 6912; \[72, 24\] in f16 takes another number/],
    [`${weight}/offset`, 3, 'bad-manifest', /no multiple of 256/],
    [`${weight}/offset`, 1e15 * 256, 'bad-manifest', /offset|past the end/],
    [`${weight}/shard`, 999, 'bad-manifest', /shard must be a whole number in/],
    ['shards/0/file', '../secret.bin', 'bad-manifest', /relative path below/],
    ['shards/0/file', 'https://elsewhere.test/x.bin', 'bad-manifest', /relative path below/],
    ['shards/0/file', '//elsewhere.test/x.bin', 'bad-manifest', /relative path below/],
    ['shards/0/file', '/root.bin', 'bad-manifest', /relative path below/],
    ['shards/0/file', 'a/%2e%2e/%2e%2e/x.bin', 'bad-manifest', /relative path below/],
    ['shards/0/sha256', 'abc', 'bad-manifest', /not a SHA-256/],
    ['labels', ['one', 'two'], 'bad-manifest', /labels has 2 entries instead of 5/],
    ['preprocess/std', [0.5, 0, 0.5], 'bad-manifest', /std holds a zero/],
    ['preprocess/mean', [0.5], 'bad-manifest', /mean has 1 entries instead of 3/],
    ['preprocess/filter', 'magic', 'bad-manifest', /filter must be one of/],
    ['preprocess/resize', null, 'bad-manifest', /does not end in a crop or squash/],
    ['golden', undefined, 'bad-manifest', /golden must be|golden is missing/],
  ];
  for (const [path, value, code, message] of cases) {
    test(`${path} = ${JSON.stringify(value)}`, () =>
      expectError(loadViT({ ...files, manifest: withField(path, value) }, HERE), code, message));
  }

  for (const value of [null, 7, [], 'text']) {
    test(`the whole of it is ${JSON.stringify(value)}`, () =>
      expectError(loadViT({ ...files, manifest: value as unknown as Manifest }, HERE), 'bad-manifest', /manifest/));
  }

  test('a key named __proto__ is a name like any other', async () => {
    const text = JSON.stringify(files.manifest).replace('"tensors":{', '"tensors":{"__proto__":{"dtype":"f32"},');
    const vit = await loadViT({ ...files, manifest: JSON.parse(text) }, HERE);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
    vit.dispose();
  });
});

/** What is wrong with a caller's own preprocessing is what would be wrong with a manifest's. */
const SPECS: [change: object, message: RegExp][] = [
  [{ filter: 'magic' }, /spec of preprocess\(\): filter must be one of nearest/],
  [{ resize: { mode: 'squash', height: 3.5, width: 4 } }, /resize\.height must be a whole number from 1 on, not 3\.5/],
  [{ resize: { mode: 'shortest-edge', size: 8, rounding: 'up' } }, /resize\.rounding must be one of trunc, round/],
  [{ resize: undefined }, /resize is missing/],
  [{ crop: { height: 4, width: 4 } }, /crop\.rounding is missing/],
  [{ crop: { height: 4, width: 0, rounding: 'floor' } }, /crop\.width must be a whole number/],
  [{ orientation: 'upright' }, /orientation must be one of exif, stored/],
  [{ background: [0, 0, 256] }, /background\[2\] must be a whole number in 0\.\.255/],
  [{ std: [1, 0, 1] }, /std holds a zero/],
  [{ mean: ['a'] }, /mean\[0\] must be a number/],
];

describe('calls, in a worker and in this thread', () => {
  for (const worker of [undefined, false] as const) {
    const where = worker === false ? 'this thread' : 'worker';
    const text = new File(['not a picture'], 'notes.txt', { type: 'text/plain' });

    test(`${where}: each is refused with its code, and the next call works`, async () => {
      const vit = await loadViT(files, { backend: 'cpu', worker });
      const image = plainImage(9, 5, [10, 20, 30]);
      const before = await vit.classify(image);
      const forward = (data: ArrayLike<number>, shape: number[]) => vit.forward({ data, shape });
      const bad: [() => Promise<unknown>, ErrorCode, RegExp][] = [
        [() => vit.classify(text), 'bad-image', /notes\.txt is not an image/],
        [() => vit.classify(new File([], 'empty.png')), 'bad-image', /empty\.png is empty/],
        [() => vit.classify([image, text]), 'bad-image', /notes\.txt/],
        [() => vit.classify(42 as unknown as Blob), 'bad-input', /Not an image: 42/],
        [() => vit.classify(null as unknown as Blob), 'bad-input', /Not an image: null/],
        [() => vit.classify(image, { topK: 0 }), 'bad-input', /topK must be a whole number/],
        [() => vit.classify(image, { allow: ['unicorn'] }), 'bad-input', /allow: the model has no class "unicorn"/],
        [() => vit.classify('http://localhost:1/none.png'), 'network', /Could not fetch the image/],
        [() => forward(random(768, 1), [1, 3, 16, 17]), 'bad-input', /takes \[batch, 3, 16, 16\]/],
        [() => forward(random(768, 1), [3, 16, 16]), 'bad-input', /the shape \[3,16,16\]/],
        [() => forward(random(767, 1), [1, 3, 16, 16]), 'bad-input', /767 pixels for the shape/],
        [() => forward([], [0, 3, 16, 16]), 'bad-input', /shape/],
        ...SPECS.map(([change, message]): [() => Promise<unknown>, ErrorCode, RegExp] => [
          () => vit.preprocess(image, { ...files.manifest.preprocess, ...change } as Preprocess),
          'bad-input',
          message,
        ]),
        [() => vit.preprocess(image, 'squash' as never), 'bad-input', /spec of preprocess\(\): must be an object/],
        [
          () => vit.forward({ data: random(768, 1), shape: [1, 3, 16, 16] }, { outputs: ['everything' as 'logits'] }),
          'bad-input',
          /no output "everything"/,
        ],
      ];
      for (const [call, code, message] of bad) await expectError(call(), code, message);
      expect(await vit.classify(image)).toEqual(before);
      vit.dispose();
      await expectError(vit.classify(image), 'disposed', /tiny was disposed/);
    });
  }

  test('the cause of an error crosses from the worker', async () => {
    const vit = await loadViT(files, { backend: 'cpu' });
    const error = await vit.classify(new File(['text'], 'notes.txt')).catch((error) => error);
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.cause.name).toBe('InvalidStateError');
    vit.dispose();
  });

  test('pixels that were given stay the caller’s', async () => {
    const vit = await loadViT(files, { backend: 'cpu' });
    const data = random(768, 1);
    await vit.forward({ data, shape: [1, 3, 16, 16] });
    expect(data).toHaveLength(768);
    const image = plainImage(4, 4, [1, 2, 3]);
    await vit.classify(image);
    expect(image.data).toHaveLength(64);
    expect(files.shards[0]).toHaveLength(4096);
    vit.dispose();
  });
});

describe('signals and dispose', () => {
  test('a signal that is aborted already: nothing is loaded', async () => {
    const fetch = serve();
    await expectError(loadViT(URL_OF_MODEL, { ...HERE, signal: AbortSignal.abort() }), 'aborted', /aborted/);
    expect(fetch).not.toHaveBeenCalled();
  });

  test('abort while loading', async () => {
    vi.spyOn(globalThis, 'fetch').mockImplementation(() => new Promise(() => {}));
    const controller = new AbortController();
    const loading = loadViT(URL_OF_MODEL, { ...HERE, signal: controller.signal });
    controller.abort();
    await expectError(loading, 'aborted', /aborted/);
  });

  test('abort of a waiting call; the calls around it are answered', async () => {
    const vit = await loadViT(files, { backend: 'cpu' });
    const image = plainImage(8, 8, [9, 9, 9]);
    const controller = new AbortController();
    const calls = [vit.classify(image), vit.classify(image, { signal: controller.signal }), vit.classify(image)];
    controller.abort();
    await expectError(calls[1], 'aborted', /aborted/);
    expect(await calls[0]).toEqual(await calls[2]);
    vit.dispose();
  });

  test('dispose settles every pending call', async () => {
    const vit = await loadViT(files, { backend: 'cpu' });
    const calls = [1, 2, 3].map(() => vit.classify(plainImage(8, 8, [9, 9, 9])));
    vit.dispose();
    for (const call of calls) await expectError(call, 'disposed', /disposed/);
  });

  test('a worker that cannot be started', async () => {
    const worker = () => new Worker(new URL('/no-such-worker.js', location.href), { type: 'module' });
    await expectError(
      loadViT(files, { worker }),
      'network',
      /could not be loaded.*vit-webgpu\/dist\/lib.*optimizeDeps/s,
    );
    const elsewhere = { assets: 'http://localhost:1/' };
    await expectError(
      loadViT(files, elsewhere),
      'network',
      /localhost:1\/worker\.js\) could not be loaded.*worker: false/s,
    );
  });

  test('a worker that is another one', async () => {
    const scripts = {
      'does not answer': '',
      'is not of release': 'onmessage = ({ data }) => postMessage({ id: data.id, type: "RAW", value: "0.0.1" })',
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      for (const [why, code] of Object.entries(scripts)) {
        const loading = loadViT(files, { worker: () => new Worker(`data:text/javascript,${code}`) });
        const refused = expectError(loading, 'bad-input', new RegExp(why));
        vi.advanceTimersByTime(60_000 * Number(code === ''));
        await refused;
      }
    } finally {
      vi.useRealTimers();
    }
  });

  test('a function that returns something else', async () => {
    const worker = (async () => new Worker('data:text/javascript,')) as unknown as () => Worker;
    await expectError(loadViT(files, { worker }), 'bad-input', /something else than a Worker/);
  });
});
