/**
 * Search against an oracle in float64; indexes from nobody knows where; files that are not what the manifest says.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ViTError } from '../../src/error.ts';
import { buildIndex } from '../../src/search/build.ts';
import { type OpenIndexOptions, openIndex, type SearchIndex } from '../../src/search/index.ts';
import { DTYPES, type IndexManifest } from '../../src/search/index-manifest.ts';
import { parseIndexManifest } from '../../src/search/parse-index-manifest.ts';
import { TopK } from '../../src/search/top-k.ts';
import { reserveVectors } from '../../src/search/vectors.ts';
import { fuzzRuns, SEED } from '../harness/fuzz.ts';
import { random } from '../harness/random.ts';
import { cosines, type Files, IndexServer, indexFiles, MODEL, randomEmbeddings } from '../harness/search-index.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

async function serve(files: Files): Promise<IndexServer> {
  const server = await IndexServer.start(files);
  ends.push(() => server.stop());
  return server;
}

async function open(address: string | URL, options?: OpenIndexOptions): Promise<SearchIndex> {
  const index = await openIndex(address, options);
  ends.push(() => index.dispose());
  return index;
}

function folderOf(files: Files): URL {
  const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  return pathToFileURL(`${folder}/`);
}

const codeOf = (error: ViTError) => ({ code: error.code, message: error.message });
const refused = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });

/** Ids, best first; of equal scores the first rows. */
function ranked(scores: number[], k: number): number[] {
  return [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, k);
}

describe.each(['WebAssembly', 'TypeScript'])('by %s', (by) => {
  afterEach(() => vi.restoreAllMocks());
  const prepare = () => {
    if (by === 'TypeScript') vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new Error('unsafe-eval'));
  };

  test('it is', async () => {
    prepare();
    expect((await reserveVectors({ dimension: 1, dtype: 'f16', rows: 1 })).by).toBe(by);
  });

  test.each(DTYPES)('every score of %s is that of the oracle, whatever the dimension', async (dtype) => {
    prepare();
    for (const [rows, dimension] of [
      [1, 1],
      [37, 3],
      [301, 48],
      [128, 197],
      [4099, 16],
      [97, 512],
    ]) {
      const embeddings = randomEmbeddings(rows, dimension);
      const { files } = await indexFiles(embeddings, { dtype, shardBytes: 20_000 });
      const index = await open(folderOf(files));
      const query = random(dimension, 99);
      const found = await index.search(query, { k: rows });
      const scores = cosines(embeddings, query);
      expect(found).toHaveLength(rows);
      // Numbers of unit length in f16 are off by 2⁻¹¹ of themselves at most, and so is their product with one of unit length;
      // in f32 what is left is the sums' own rounding.
      const tolerance = dtype === 'f16' ? 2 ** -11 : 1e-6;
      for (const { id, score } of found) {
        expect(Math.abs(score - scores[Number(id.slice(5))]), `${id} of ${rows} x ${dimension}`).toBeLessThan(
          tolerance,
        );
      }
      const sorted = found.map(({ score }) => score);
      expect(sorted).toEqual([...sorted].sort((a, b) => b - a));
      expect(new Set(found.map(({ id }) => id)).size).toBe(rows);
    }
  });

  test('in f32 the order is that of the oracle', async () => {
    prepare();
    const embeddings = randomEmbeddings(5000, 32);
    const { files } = await indexFiles(embeddings, { dtype: 'f32', shardBytes: 50_000 });
    const index = await open(folderOf(files));
    for (let seed = 1; seed <= 5; seed++) {
      const query = random(32, seed * 1000);
      const ids = (await index.search(query, { k: 20 })).map(({ id }) => id);
      expect(ids).toEqual(ranked(cosines(embeddings, query), 20).map((row) => `item ${row}`));
    }
  });

  test('numbers that f16 has only as subnormal ones keep their digits', async () => {
    prepare();
    const small = Float32Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 3.3e-6 * (1 + (i % 5))));
    const { files } = await indexFiles([{ id: 'a', vector: small }]);
    const index = await open(folderOf(files));
    const query = small.map((value, i) => (i === 0 ? 0 : value));
    const [{ score }] = await index.search(query);
    const [expected] = cosines([{ id: 'a', vector: small }], query);
    expect(Math.abs(score / expected - 1)).toBeLessThan(2 ** -11);
  });

  test('equal scores come in the order of the index, over shards and blocks', async () => {
    prepare();
    const vector = random(16, 5);
    const other = random(16, 6);
    const embeddings = Array.from({ length: 9000 }, (_, i) => ({
      id: `item ${i}`,
      vector: i % 3 === 1 ? vector : other,
    }));
    const { files, manifest } = await indexFiles(embeddings, { shardBytes: 32 * 1000 });
    expect(manifest.shards).toHaveLength(9);
    const index = await open(folderOf(files));
    const found = await index.search(vector, { k: 3500 });
    const twins = Array.from({ length: 3000 }, (_, i) => `item ${3 * i + 1}`);
    const rest = Array.from({ length: 500 }, (_, i) => `item ${Math.floor(i / 2) * 3 + (i % 2) * 2}`);
    expect(found.map(({ id }) => id)).toEqual([...twins, ...rest]);
  });
});

describe('the best', () => {
  test('of any scores, for any k', () => {
    const scores = fc.array(fc.constantFrom(-1, 0, 0.5, 0.25, 1, Number.NaN), { maxLength: 2000 });
    const property = fc.property(
      scores,
      fc.integer({ min: 1, max: 2100 }),
      fc.integer({ min: 1, max: 700 }),
      (all, k, block) => {
        const best = new TopK(k);
        for (let row = 0; row < all.length; row += block) best.add(Float32Array.from(all.slice(row, row + block)), row);
        const numbers = [...all.keys()].filter((row) => !Number.isNaN(all[row]));
        const expected = numbers.sort((a, b) => all[b] - all[a] || a - b).slice(0, k);
        expect(best.best().map(({ row }) => row)).toEqual(expected);
      },
    );
    fc.assert(property, { numRuns: 300, seed: SEED });
  });
});

describe('an index', () => {
  test('fetches nothing but its manifest until it is asked, then each file once', async () => {
    const { files, manifest } = await indexFiles(randomEmbeddings(100, 16), { shardBytes: 32 * 30 });
    const server = await serve(files);
    const progress: number[] = [];
    const total = 100 * 32;
    const onProgress = (event: object) => {
      expect(event).toMatchObject({ total });
      progress.push((event as { loaded: number }).loaded);
    };
    const index = await open(server.url, { onProgress, model: { name: 'renamed', source: { sha256: MODEL.sha256 } } });
    expect(index).toMatchObject({ rows: 100, dimension: 16, dtype: 'f16', model: MODEL });
    expect(server.log).toEqual(['index.json']);
    const [found, again] = await Promise.all([index.search(random(16, 3)), index.search(random(16, 3))]);
    expect(found).toHaveLength(10);
    expect(again).toEqual(found);
    await index.search(random(16, 4), { k: 100 });
    await index.load();
    const named = manifest.shards.flatMap(({ vectors, ids }) => [vectors.file, ids.file]);
    expect([...server.log].sort()).toEqual(['index.json', ...named].sort());
    expect(progress.at(-1)).toBe(total);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  test('of no rows answers with none, and gives all it has where more are asked for', async () => {
    const { files } = await indexFiles([], { dimension: 4 });
    const empty = await open(folderOf(files));
    expect(empty.rows).toBe(0);
    expect(await empty.search([1, 0, 0, 0])).toEqual([]);
    const three = await open(folderOf((await indexFiles(randomEmbeddings(3, 4))).files));
    expect(await three.search([1, 0, 0, 0], { k: 1_000_000 })).toHaveLength(3);
  });

  test('ids are whatever texts they were', async () => {
    const ids = ['a b.jpg', 'ünï/コ\n"', '', '__proto__', 'a b.jpg'];
    const embeddings = ids.map((id, i) => ({ id, vector: Float32Array.of(1, i) }));
    const index = await open(folderOf((await indexFiles(embeddings)).files));
    expect((await index.search([1, 0])).map(({ id }) => id)).toEqual(ids);
  });

  test('a vector of zeros is as far from everything', async () => {
    const embeddings = [
      { id: 'zero', vector: new Float32Array(2) },
      { id: 'against', vector: Float32Array.of(-1, 0) },
    ];
    const index = await open(folderOf((await indexFiles(embeddings)).files));
    expect(await index.search([2, 0])).toEqual([
      { id: 'zero', score: 0 },
      { id: 'against', score: -1 },
    ]);
  });

  test('what broke off goes on by a range request where it ended', async () => {
    const { files } = await indexFiles(randomEmbeddings(4000, 64));
    const server = await serve(files);
    let cut = false;
    server.misbehave = ({ url }, response, bytes) => {
      if (cut || url !== '/vectors-00001.bin') return false;
      cut = true;
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 200_000), () => response.destroy());
      return true;
    };
    const index = await open(server.url);
    expect(await index.search(random(64, 8), { k: 3 })).toHaveLength(3);
    const asked = server.log.filter((entry) => entry.startsWith('vectors'));
    expect(asked).toEqual(['vectors-00001.bin', expect.stringMatching(/ bytes=[1-9]\d*-$/)]);
  });

  test('after a failure the next search fetches what is missing, and no more', async () => {
    const { files } = await indexFiles(randomEmbeddings(90, 16), { shardBytes: 32 * 30 });
    const server = await serve(files);
    let fails = true;
    server.misbehave = ({ url }, response) => {
      if (!fails || url !== '/vectors-00003.bin') return false;
      response.writeHead(404).end();
      return true;
    };
    const index = await open(server.url);
    expect(await index.search(random(16, 1)).catch(codeOf)).toEqual(refused('network', /vectors-00003\.bin.*404/));
    fails = false;
    expect(await index.search(random(16, 1), { k: 90 })).toHaveLength(90);
    expect(server.log.filter((entry) => entry === 'vectors-00001.bin')).toHaveLength(1);
  });

  test('a call is aborted alone; others go on', async () => {
    const server = await serve((await indexFiles(randomEmbeddings(10, 4))).files);
    const aborted = new AbortController();
    aborted.abort();
    expect(await openIndex(server.url, { signal: aborted.signal }).catch(codeOf)).toMatchObject({ code: 'aborted' });
    const index = await open(server.url);
    const call = new AbortController();
    const first = index.search([1, 2, 3, 4], { signal: call.signal }).catch(codeOf);
    const second = index.search([1, 2, 3, 4]);
    call.abort();
    expect(await first).toMatchObject({ code: 'aborted' });
    expect(await second).toHaveLength(10);
  });

  test('disposed of, it answers no more, and nobody waits for ever', async () => {
    const server = await serve((await indexFiles(randomEmbeddings(10, 4))).files);
    const index = await open(server.url);
    server.misbehave = () => true;
    const waiting = index.search([1, 2, 3, 4]).catch(codeOf);
    index.dispose();
    expect(await waiting).toMatchObject({ code: 'disposed' });
    expect(await index.search([1, 2, 3, 4]).catch(codeOf)).toMatchObject({ code: 'disposed' });
  });
});

describe('refused is', () => {
  test('the index of another model', async () => {
    const folder = folderOf((await indexFiles(randomEmbeddings(2, 4))).files);
    const other = { name: 'tiny', source: { sha256: 'c'.repeat(64) } };
    expect(await openIndex(folder, { model: other }).catch(codeOf)).toEqual(
      refused('bad-input', /of the model tiny of the hash aaa.*this one's is ccc/),
    );
    // What is not known is compared by the name.
    expect(await openIndex(folder, { model: { name: 'clip', source: {} } }).catch(codeOf)).toEqual(
      refused('bad-input', /of the model tiny, and this is clip/),
    );
    const converted = { name: 'tiny', source: {}, manifest: 'd'.repeat(64) };
    expect(await openIndex(folder, { model: converted }).catch(codeOf)).toEqual(
      refused('bad-input', /hash bbb.*is ddd/),
    );
    await open(folder, { model: { name: 'tiny', source: {} } });
    await open(folder, { model: { name: 'renamed', source: {}, manifest: MODEL.manifest } });
  });

  test('what is no query', async () => {
    const index = await open(folderOf((await indexFiles(randomEmbeddings(2, 4))).files));
    const cases: [unknown, object | undefined, RegExp][] = [
      [[1, 2, 3], undefined, /has 3 numbers; the index's have 4, of the model tiny/],
      [[1, 2, 3, Number.NaN], undefined, /NaN/],
      [[0, 0, 0, 0], undefined, /zero/],
      ['four', undefined, /embedding/],
      [null, undefined, /embedding/],
      [[1, 2, 3, 4], { k: 0 }, /k must be/],
      [[1, 2, 3, 4], { k: 1.5 }, /k must be/],
      [[1, 2, 3, 4], { topK: 5 }, /no option "topK"; there are k, signal/],
    ];
    for (const [vector, options, message] of cases) {
      expect(await index.search(vector as number[], options).catch(codeOf)).toEqual(refused('bad-input', message));
    }
  });

  test('what is no address, and what is not there', async () => {
    for (const address of [5, null, 'index/']) {
      expect(await openIndex(address as string).catch(codeOf)).toMatchObject({ code: 'bad-input' });
    }
    const server = await serve(new Map());
    expect(await openIndex(server.url).catch(codeOf)).toEqual(refused('network', /index\.json.*404/));
    const nowhere = pathToFileURL(join(tmpdir(), 'vit-webgpu-nowhere/'));
    expect(await openIndex(nowhere).catch(codeOf)).toEqual(refused('network', /index\.json/));
  });

  const damages: [string, (files: Files) => void, string, RegExp][] = [
    [
      'a truncated shard',
      (files) => cut(files, 'vectors-00001.bin'),
      'bad-shard',
      /vectors-00001\.bin has \d+ bytes instead/,
    ],
    ['an altered shard', (files) => flip(files, 'vectors-00001.bin'), 'bad-shard', /vectors-00001\.bin was altered/],
    ['altered ids', (files) => flip(files, 'ids-00001.json'), 'bad-shard', /ids-00001\.json was altered/],
    ['a shard that is not there', (files) => files.delete('vectors-00001.bin'), 'network', /vectors-00001\.bin/],
  ];
  test.each(damages)('%s, in a folder and from a server', async (_, damage, code, message) => {
    const { files } = await indexFiles(randomEmbeddings(8, 4));
    damage(files);
    for (const address of [folderOf(files), (await serve(files)).url]) {
      const index = await open(address);
      expect(await index.search([1, 2, 3, 4]).catch(codeOf)).toEqual(refused(code, message));
    }
  });

  test('an altered shard on a page that is not secure, which has no hash of the browser', async () => {
    const { files } = await indexFiles(randomEmbeddings(8, 4));
    vi.stubGlobal('crypto', {});
    ends.push(() => vi.unstubAllGlobals());
    const index = await open(folderOf(files));
    expect(await index.search([1, 2, 3, 4])).toHaveLength(8);
    flip(files, 'vectors-00001.bin');
    const altered = await open(folderOf(files));
    expect(await altered.search([1, 2, 3, 4]).catch(codeOf)).toEqual(refused('bad-shard', /was altered/));
  });

  test('ids that are no list of texts, though their hash is right', async () => {
    const { files, manifest } = await indexFiles(randomEmbeddings(2, 4));
    for (const ids of ['["a"]', '["a", 1]', '{}', '["a", "b"']) {
      const bytes = new TextEncoder().encode(ids);
      const sha256 = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');
      const shards = [{ ...manifest.shards[0], ids: { file: 'ids.json', bytes: bytes.length, sha256 } }];
      const altered = new TextEncoder().encode(JSON.stringify({ ...manifest, shards }));
      const index = await open(folderOf(new Map([...files, ['ids.json', bytes], ['index.json', altered]])));
      const { code } = (await index.search([1, 2, 3, 4]).catch(codeOf)) as { code: string };
      expect(['bad-shard', 'bad-manifest']).toContain(code);
    }
  });

  test('more vectors than there is memory, before any is fetched', async () => {
    const { files, manifest } = await indexFiles(randomEmbeddings(1, 1));
    const shard = { ...manifest.shards[0], rows: 2 ** 21, vectors: { ...manifest.shards[0].vectors, bytes: 2 ** 26 } };
    const huge = { ...manifest, rows: 2 ** 27, shards: new Array(64).fill(shard) };
    const server = await serve(new Map([...files, ['index.json', new TextEncoder().encode(JSON.stringify(huge))]]));
    const index = await open(server.url);
    expect(await index.search([1]).catch(codeOf)).toEqual(refused('out-of-memory', /4096 MiB/));
    expect(server.log).toEqual(['index.json']);
  });

  test('vectors that no index can be made of', async () => {
    const options = { model: MODEL, dimension: 2, dtype: 'f16' } as const;
    const build = (...values: number[]) =>
      buildIndex([{ id: 'x.jpg', vector: Float32Array.from(values) }], options, async () => {}).catch(codeOf);
    expect(await build(1, 2, 3)).toEqual(refused('bad-input', /x\.jpg has 3 numbers instead of 2/));
    expect(await build(1, Number.NaN)).toEqual(refused('bad-input', /x\.jpg holds NaN/));
    expect(await build(1, Number.POSITIVE_INFINITY)).toEqual(refused('bad-input', /x\.jpg holds NaN/));
  });
});

describe('a manifest', async () => {
  const { manifest } = await indexFiles(randomEmbeddings(10, 4), { shardBytes: 32 * 5 });
  const parse = (change: (manifest: IndexManifest) => unknown) => {
    const copy = structuredClone(manifest);
    const json = change(copy) ?? copy;
    try {
      return parseIndexManifest(json, 'index.json');
    } catch (error) {
      return codeOf(error as ViTError);
    }
  };

  test('is read as it was written', () => expect(parse(() => undefined)).toEqual(manifest));

  test.each<[string, (manifest: IndexManifest) => unknown, RegExp]>([
    ['null', () => [], /index\.json must be an object|index\.json:/],
    ['another format', (index) => ({ ...index, format: 'vit-webgpu' }), /is no index/],
    ['a later version', (index) => ({ ...index, version: 2 }), /format version 2.*Make the index again/],
    ['no dimension', (index) => ({ ...index, dimension: 0 }), /dimension must be/],
    ['an unknown dtype', (index) => ({ ...index, dtype: 'i8' }), /dtype must be one of f16, f32/],
    ['a wrong number of rows', (index) => ({ ...index, rows: 11 }), /rows is 11; the shards hold 10/],
    [
      'a shard without rows',
      (index) => {
        index.shards[0].rows = 0;
      },
      /shards\[0\]\.rows must be/,
    ],
    [
      'sizes that contradict',
      (index) => {
        index.shards[0].vectors.bytes++;
      },
      /vectors\.bytes is 161; 5 rows of 32 bytes/,
    ],
    [
      'a shard too large',
      (index) => {
        index.shards[1].ids.bytes = 2 ** 27;
      },
      /shards\[1\]\.ids\.bytes is above/,
    ],
    [
      'a path out of the folder',
      (index) => {
        index.shards[0].ids.file = '../ids.json';
      },
      /relative path/,
    ],
    [
      'a whole address',
      (index) => {
        index.shards[0].vectors.file = 'https://elsewhere.test/x';
      },
      /relative path/,
    ],
    [
      'a path from the root',
      (index) => {
        index.shards[0].vectors.file = '/etc/passwd';
      },
      /relative path/,
    ],
    [
      'an encoded way out',
      (index) => {
        index.shards[0].vectors.file = '%2e%2e/x';
      },
      /relative path/,
    ],
    [
      'no hash',
      (index) => {
        index.shards[0].vectors.sha256 = 'x';
      },
      /SHA-256/,
    ],
    [
      'a model without a hash of its own',
      (index) => {
        index.model.sha256 = 'x';
      },
      /model\.sha256 is not a SHA-256/,
    ],
  ])('with %s is refused by name', (_, change, message) => {
    expect(parse(change)).toEqual(refused('bad-manifest', message));
  });

  test('of any kind is read or refused', () => {
    const anything = fc.oneof(fc.jsonValue(), fc.integer(), fc.constant(undefined));
    const paths = [
      ['rows'],
      ['dimension'],
      ['model'],
      ['shards'],
      ['shards', 0],
      ['shards', 1, 'vectors'],
      ['shards', 0, 'rows'],
    ];
    const property = fc.property(fc.constantFrom(...paths), anything, (path, value) => {
      const copy = structuredClone(manifest) as unknown as Record<string | number, unknown>;
      const last = path.slice(0, -1).reduce((at, key) => at[key] as typeof copy, copy);
      last[path[path.length - 1]] = value;
      try {
        parseIndexManifest(copy, 'index.json');
      } catch (error) {
        expect(error).toBeInstanceOf(ViTError);
      }
    });
    fc.assert(property, { numRuns: fuzzRuns(1000), seed: SEED });
  });
});

function cut(files: Files, name: string): void {
  files.set(name, files.get(name)!.slice(0, -1));
}

function flip(files: Files, name: string): void {
  files.get(name)![3] ^= 1;
}
