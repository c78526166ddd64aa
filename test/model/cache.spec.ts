/**
 * What stays from one load to the next, and what becomes of a load when nothing can.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { cdp } from 'vitest/browser';
import {
  cachedModels,
  clearCache,
  type EngineEvent,
  type LoadOptions,
  loadViT,
  type ModelFiles,
} from '../../src/index.ts';
import { Findings } from '../../src/weights/findings.ts';
import { keep } from '../../src/weights/keep.ts';
import { openStore } from '../../src/weights/store.ts';
import { sha256 } from '../../src/weights/verify.ts';
import { TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, withWords } from '../harness/words.ts';

const URL_OF_MODEL = 'https://models.test/tiny/model.json';

let files: ModelFiles;
let requests: string[];
/** Of the requests for shards: how browsers' own cache is to take part. */
let modes: Set<RequestCache | undefined>;
/** Changes what the server sends; null: it cannot be reached. */
let answer: ((file: string, bytes: Uint8Array<ArrayBuffer>) => BodyInit) | null;

beforeAll(async () => {
  files = await tinyModel();
  // Its kernels are here before the server stands still.
  (await loadViT(files, { worker: false, backend: 'cpu' })).dispose();
});

beforeEach(async () => {
  await clearCache();
  requests = [];
  modes = new Set();
  answer = (_, bytes) => bytes;
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const file = String(input).split('/').at(-1)!;
    requests.push(file);
    if (file !== 'model.json') modes.add(init?.cache);
    if (!answer) throw new TypeError('Failed to fetch');
    if (file === 'model.json')
      return new Response(answer(file, new TextEncoder().encode(JSON.stringify(files.manifest))));
    const index = files.manifest.shards.findIndex((shard) => shard.file === file);
    const { tokenizer } = files;
    return new Response(answer(file, file === 'tokenizer.json' && tokenizer ? tokenizer : files.shards[index]));
  });
});

afterEach(() => vi.restoreAllMocks());

/** Loads, checks the golden, and forgets. */
async function load(options: LoadOptions = {}, url = URL_OF_MODEL): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  let loaded = 0;
  const onProgress = (progress: { loaded: number }) => {
    expect(progress.loaded).toBeGreaterThanOrEqual(loaded);
    loaded = progress.loaded;
  };
  const onEvent = (event: EngineEvent) => events.push(event);
  const vit = await loadViT(url, { worker: false, backend: 'cpu', onProgress, onEvent, ...options });
  expect(await vit.selfTest()).toMatchObject({ passed: true });
  expect(loaded).toBe(vit.info.bytes);
  vit.dispose();
  return events;
}

/** Bytes that this origin may keep, beyond what it has; default as many as there are. */
async function limitRoom(bytes?: number): Promise<void> {
  const { usage } = await navigator.storage.estimate();
  const { origin } = location;
  await cdp().send(
    'Storage.overrideQuotaForOrigin',
    bytes === undefined ? { origin } : { origin, quotaSize: usage! + bytes },
  );
}

const bytesOfShards = () => files.manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
const allShards = () => files.manifest.shards.map(({ file }) => file);

describe('what is kept', () => {
  test('what the library keeps the browser does not keep once more', async () => {
    await load();
    expect([...modes]).toEqual(['no-store']);
    modes.clear();
    await load({ cache: false });
    expect([...modes]).toEqual(['default']);
  });

  test('a second load asks for the manifest only, and works without a network', async () => {
    expect(await load()).toEqual([]);
    expect(requests.sort()).toEqual(['model.json', ...allShards()].sort());
    requests = [];
    expect(await load()).toEqual([]);
    expect(requests).toEqual(['model.json']);
    answer = null;
    expect(await load()).toEqual([]);
  });

  test('cachedModels() lists what is there, clearCache() removes it', async () => {
    expect(await cachedModels()).toEqual([]);
    await load();
    const bytes = bytesOfShards();
    expect(await cachedModels()).toEqual([{ name: 'tiny', url: URL_OF_MODEL, cachedBytes: bytes, bytes }]);
    await clearCache();
    expect(await cachedModels()).toEqual([]);
    answer = null;
    await expect(load()).rejects.toMatchObject({ code: 'network' });
  });

  test('the tokenizer of a model counts, and comes with the first word', async () => {
    files = await withWords(await tinyModel(TINY_CLIP), lettersTokenizer());
    const vit = await loadViT(URL_OF_MODEL, { worker: false, backend: 'cpu' });
    const { shards, words } = files.manifest;
    const bytes = [...shards, words!.tokenizer].reduce((sum, file) => sum + file.bytes, 0);
    const [before] = await cachedModels();
    await vit.embedText('a dog');
    vit.dispose();
    expect(before.cachedBytes).toBeLessThan(bytes - words!.tokenizer.bytes);
    expect(await cachedModels()).toMatchObject([{ cachedBytes: bytes, bytes }]);
    files = await tinyModel();
  });

  test('clearCache(model) removes that one, and leaves what another needs', async () => {
    await load();
    const bytes = bytesOfShards();
    const kept = { name: 'tiny', url: URL_OF_MODEL, cachedBytes: bytes, bytes };
    const other = new URL('other/model.json', URL_OF_MODEL).href;
    await clearCache(other);
    expect(await cachedModels()).toEqual([kept]);
    await load({}, other);
    expect((await cachedModels()).map(({ url }) => url).sort()).toEqual([URL_OF_MODEL, other].sort());
    await clearCache(other);
    expect(await cachedModels()).toEqual([kept]);
    await clearCache(URL_OF_MODEL);
    expect(await cachedModels()).toEqual([]);
  });

  test('cache: false neither reads nor writes', async () => {
    await load({ cache: false });
    expect(await cachedModels()).toEqual([]);
    await load();
    requests = [];
    await load({ cache: false });
    expect(requests).toHaveLength(1 + allShards().length);
  });

  test('a file that was altered, and one that was cut short, are fetched again', async () => {
    await load();
    const store = (await openStore())!;
    const [first, second] = files.manifest.shards;
    await keep(store, first.sha256, new Uint8Array(first.bytes));
    await keep(store, second.sha256, files.shards[1].slice(0, 100));
    requests = [];
    await load();
    expect(requests.sort()).toEqual(['model.json', first.file, second.file]);
    requests = [];
    await load();
    expect(requests).toEqual(['model.json']);
  });

  test('of what was altered on its way nothing is kept', async () => {
    const { file, sha256 } = files.manifest.shards.at(-1)!;
    answer = (name, bytes) => (name === file ? bytes.map((byte) => byte ^ 1) : bytes);
    await expect(load()).rejects.toMatchObject({
      code: 'bad-shard',
      message: expect.stringContaining(file),
    });
    const names = [...(await (await openStore())!.list()).keys()];
    expect(names.filter((name) => name.includes(sha256))).toEqual([]);
    answer = (_, bytes) => bytes;
    await load();
  });

  test('what a closed tab left half-written is written over', async () => {
    const { folder } = (await openStore())!;
    for (const { sha256, bytes } of files.manifest.shards.slice(0, 2)) {
      const handle = await folder.getFileHandle(`${sha256}.part`, { create: true });
      const writable = await handle.createWritable();
      await writable.write(new Uint8Array(bytes + 5));
      await writable.close();
    }
    await load();
    answer = null;
    await load();
  });

  test('two loads at once do not corrupt each other', async () => {
    await Promise.all([load(), load(), load()]);
    answer = null;
    await load();
  });

  test('what a third load has just begun does not take the place of what is whole', async () => {
    const store = (await openStore())!;
    const file = FileSystemFileHandle.prototype as unknown as { move(name: string): Promise<void> };
    const { move } = file;
    let moved = Promise.resolve();
    let ended = () => {};
    const oneHasEnded = new Promise<void>((resolve) => (ended = resolve));
    let written = 0;
    // Two that write at once have both written when the first one's file is moved; then the third makes its own, still empty.
    vi.spyOn(file, 'move').mockImplementation(function (this: FileSystemFileHandle, name) {
      if (++written === 2) ended();
      moved = Promise.all([moved, oneHasEnded]).then(async () => {
        await move.call(this, name);
        await store.folder.getFileHandle('file.part', { create: true });
      });
      return moved;
    });
    const write = () => keep(store, 'file', Uint8Array.of(1, 2, 3)).then(ended);
    await Promise.all([write(), write()]);
    expect((await store.list()).get('file')).toBe(3);
  });

  test('a new version of a model: only what changed is fetched, and the old shards go', async () => {
    await load();
    const { manifest, shards } = files;
    // Some bytes after the last tensor.
    const last = new Uint8Array([...shards.at(-1)!, 1, 2, 3, 4]);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', last));
    const entry = {
      file: 'new.bin',
      bytes: last.length,
      sha256: Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join(''),
    };
    const old = files;
    files = {
      manifest: { ...manifest, shards: [...manifest.shards.slice(0, -1), entry] },
      shards: [...shards.slice(0, -1), last],
    };
    requests = [];
    try {
      await load();
    } finally {
      files = old;
    }
    expect(requests).toEqual(['model.json', 'new.bin']);
    const kept = await (await openStore())!.list();
    expect(kept.has(entry.sha256)).toBe(true);
    expect(kept.has(manifest.shards.at(-1)!.sha256)).toBe(false);
  });
});

describe('when nothing can be kept', () => {
  afterEach(() => limitRoom());

  test('no room: one warning, and the load goes on', async () => {
    // They would find some.
    vi.spyOn(Findings.prototype, 'write').mockResolvedValue();
    // Enough for a file's name, and less than the manifest takes.
    await limitRoom(1000);
    const events = await load();
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(/no room left.*QuotaExceededError/) }]);
    // Nor is anything left half-written.
    expect([...(await (await openStore())!.list()).keys()]).toEqual([]);
  });

  test('no room for some shards: those that found some are used', async () => {
    // They would take room, too.
    vi.spyOn(Findings.prototype, 'write').mockResolvedValue();
    await limitRoom(bytesOfShards() / 2);
    expect(await load()).toHaveLength(1);
    const names = [...(await (await openStore())!.list()).keys()];
    const kept = files.manifest.shards.filter(({ sha256 }) => names.includes(sha256));
    expect(kept.length).toBeGreaterThan(0);
    expect(names).toHaveLength(1 + kept.length);
    await limitRoom();
    requests = [];
    expect(await load()).toEqual([]);
    expect(requests).toHaveLength(1 + allShards().length - kept.length);
  });

  test('a cache that cannot be read: one warning', async () => {
    await load();
    vi.spyOn(FileSystemFileHandle.prototype, 'getFile').mockRejectedValue(new DOMException('disk', 'NotReadableError'));
    expect(await load()).toEqual([{ type: 'warning', message: expect.stringMatching(/disk/) }]);
  });

  test('no private file system: nothing is kept, nothing is said', async () => {
    vi.spyOn(navigator.storage, 'getDirectory').mockRejectedValue(new DOMException('', 'SecurityError'));
    expect(await load()).toEqual([]);
    expect(await cachedModels()).toEqual([]);
    await clearCache();
  });
});

test('from a worker, too', async () => {
  vi.restoreAllMocks();
  // The worker's requests are real ones: this project's own model, from the tests' server.
  const model = new URL('/weights/vit-cifar10/model.json', location.href);
  const first = await loadViT(model, { backend: 'cpu' });
  first.dispose();
  const [kept] = await cachedModels();
  expect(kept).toMatchObject({ url: model.href, cachedBytes: first.info.bytes, bytes: first.info.bytes });
  const store = (await openStore())!;
  const names = [...(await store.list()).keys()];
  expect(names.filter((name) => name.endsWith('.part'))).toEqual([]);
  for (const name of names.filter((name) => /^[0-9a-f]{64}$/.test(name))) {
    const bytes = new Uint8Array(await new Response(await store.read(name)).arrayBuffer());
    // More than is written at a time.
    expect(bytes.length).toBeGreaterThan(2 ** 19);
    expect(await sha256(bytes)).toBe(name);
  }
});

test('a server that says there is no such model is believed', async () => {
  await load();
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('', { status: 404 }));
  await expect(load()).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(/404/) });
});
