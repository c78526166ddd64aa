/**
 * Manifests from nobody knows where: each is read or refused with a `ViTError`, quickly, and what is read can be planned.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ViTError } from '../../src/error.ts';
import type { Architecture } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { type Manifest, type ParsedManifest, shardStarts } from '../../src/weights/manifest.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { TensorAssembler } from '../../src/weights/tensor-assembler.ts';
import { fuzzRuns, SEED } from '../harness/fuzz.ts';
import { TINY, tinyModel } from '../harness/tiny-model.ts';

const RUNS = fuzzRuns(5000);

let manifest: Manifest;
let paths: (string | number)[][];

beforeAll(async () => {
  // With fields of every kind, and tensors of 4, 8 and 16 bits.
  const architecture: Architecture = {
    ...TINY,
    mlpWidth: 64,
    norm: 'layer',
    registerTokens: 2,
    stem: [20],
    qkNorm: true,
    rotary: { frequencies: 'shared', positions: 'counted', offset: 1, grid: [2, 2], registers: true },
    attentionNorm: true,
    mlpNorm: true,
    prefixNorm: true,
    pooling: 'attention',
    poolingHeads: 4,
    poolingQuery: false,
    poolingMlpWidth: 0,
    poolingPrefix: false,
  };
  ({ manifest } = await tinyModel(architecture, 'i4'));
  manifest.calibration = { temperature: 1, threshold: 0.5, thresholds: manifest.labels.map(() => 0.5) };
  expect(new Set(Object.values(manifest.tensors).map(({ dtype }) => dtype))).toEqual(
    new Set(['f16', 'f32', 'i8', 'i4']),
  );
  manifest.preprocess.resize = { mode: 'patches', size: TINY.patchSize[0], most: 16 };
  manifest.preprocess.crop = null;
  paths = pathsOf(manifest, []);
});

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Every place in a JSON value, the whole included. */
function pathsOf(value: unknown, path: (string | number)[]): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const names = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [path, ...[...names].flatMap((name) => pathsOf((value as Record<string, unknown>)[name], [...path, name]))];
}

/** What a field becomes. */
const hostile = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<Json>(
      0,
      -1,
      0.5,
      1,
      2,
      3,
      256,
      1e9,
      2 ** 31,
      2 ** 53,
      1e300,
      -0,
      null,
      true,
      '',
      [],
      {},
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Json>(
      '..',
      '../x',
      '/x',
      '//x/y',
      'https://x.test/y',
      'a/%2e%2e/b',
      'data:,x',
      '\\\\x',
      'x\0',
      '<img src=x onerror=alert(1)>',
      '__proto__',
      'i4',
      'i8',
      'constructor',
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue() as fc.Arbitrary<Json> },
);

interface Change {
  at: number;
  how: 'set' | 'delete' | 'copy' | 'name';
  value: Json;
  from: number;
}

const change = fc.record<Change>({
  at: fc.nat(),
  how: fc.constantFrom('set', 'set', 'delete', 'copy', 'name'),
  value: hostile,
  from: fc.nat(),
});

function mutate(changes: Change[]): unknown {
  let root = structuredClone(manifest) as unknown as Json;
  for (const { at, how, value, from } of changes) {
    const path = paths[at % paths.length];
    if (path.length === 0) {
      if (how === 'set' && at % 7 === 0) root = value;
      continue;
    }
    const parent = get(root, path.slice(0, -1)) as Record<string | number, Json>;
    if (typeof parent !== 'object' || parent === null) continue;
    const name = path[path.length - 1];
    if (how === 'set') parent[name] = value;
    else if (how === 'delete') delete parent[name];
    // A part of the manifest where another belongs: fields of the right type, but of something else.
    else if (how === 'copy')
      parent[name] = structuredClone((get(manifest, paths[from % paths.length]) ?? null) as Json);
    else Object.defineProperty(parent, '__proto__', { value, enumerable: true, configurable: true, writable: true });
  }
  return root;
}

function get(value: unknown, path: (string | number)[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<string | number, unknown> | null | undefined)?.[name], value);
}

let accepted = 0;
let refused = 0;

/** The one property: success or a `ViTError` of the two codes, in a time that a page does not notice. */
function check(json: unknown): void {
  const start = performance.now();
  try {
    const parsed = parseManifest(json, 'model.json');
    accepted++;
    expectSound(parsed);
  } catch (error) {
    refused++;
    if (!(error instanceof ViTError) || !/^(bad-manifest|unsupported-model)$/.test(error.code)) throw error;
  }
  const milliseconds = performance.now() - start;
  if (milliseconds > 1000) throw new Error(`took ${milliseconds} ms`);
}

/** What was accepted does not ask for more than its files hold, and leaves its folder in no way. */
function expectSound(parsed: ParsedManifest): void {
  expect(planViT(parsed.architecture).steps.length).toBeGreaterThan(0);
  const starts = shardStarts(parsed.shards);
  const bytes = Object.values(parsed.tensors).reduce((sum, tensor) => sum + tensor.bytes, 0);
  expect(bytes).toBeLessThanOrEqual(starts[parsed.shards.length]);
  expect(Object.getPrototypeOf(parsed.tensors)).toBeNull();
  for (const { file } of parsed.shards) {
    expect(new URL(file, 'https://a.test/b/model.json').href).toMatch(/^https:\/\/a\.test\/b\//);
  }
  if (starts[parsed.shards.length] < 1e6) {
    let elements = 0;
    const assembler = new TensorAssembler(parsed, ({ data }) => {
      elements += data.length;
    });
    for (const shard of parsed.shards) assembler.addShard(new Uint8Array(shard.bytes));
    const wanted = Object.values(parsed.tensors).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(elements).toBe(wanted);
  }
}

describe('manifests', () => {
  test('with some fields changed', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => check(mutate(changes))),
      { seed: SEED, numRuns: RUNS },
    );
    // Neither all accepted nor all refused: the changes do reach what is checked late.
    expect(accepted).toBeGreaterThan(RUNS / 100);
    expect(refused).toBeGreaterThan(RUNS / 10);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  }, 120_000);

  test('with some bytes changed', () => {
    const bytes = new TextEncoder().encode(JSON.stringify(manifest));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (edits) => {
          const copy = bytes.slice();
          for (const [at, byte] of edits) copy[at] = byte;
          let json: unknown;
          try {
            json = JSON.parse(new TextDecoder().decode(copy));
          } catch {
            return; // Refused before it comes here.
          }
          check(json);
        },
      ),
      { seed: SEED, numRuns: RUNS },
    );
  }, 120_000);

  test('that are anything', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => check(json)),
      { seed: SEED, numRuns: RUNS },
    );
  }, 120_000);
});

describe('what a manifest could do', () => {
  const withPieces =
    (pieces: unknown) =>
    ({ shards }: Manifest) =>
      Object.assign(shards[0], { pieces });
  const refusals: [string, (manifest: Manifest) => void, RegExp][] = [
    [
      'a depth beyond its tensors',
      ({ architecture }) => Object.assign(architecture, { depth: 1e9 }),
      /too few for the depth/,
    ],
    [
      'tensors in one place',
      ({ tensors }) => Object.assign(tensors['norm.bias'], tensors['norm.weight']),
      /norm\.(bias|weight) and norm\.(bias|weight) in one place/,
    ],
    ['a shard of a terabyte', ({ shards }) => Object.assign(shards[0], { bytes: 2 ** 40 }), /bytes must be/],
    ['pieces of nothing', withPieces({ bytes: 0, sha256: [] }), /shards\[0\]\.pieces\.bytes must be/],
    ['pieces without hashes', withPieces({ bytes: 1000 }), /shards\[0\]\.pieces\.sha256 is missing/],
    [
      'too few pieces',
      withPieces({ bytes: 1000, sha256: ['0'.repeat(64)] }),
      /pieces\.sha256 has 1 entries instead of \d/,
    ],
    ['pieces with no hash', withPieces({ bytes: 2 ** 30, sha256: ['A'.repeat(64)] }), /sha256\[0\] is not a SHA-256/],
    ['pieces that are null', withPieces(null), /shards\[0\]\.pieces must be an object/],
    ['a shard of odd size', ({ shards }) => Object.assign(shards[0], { bytes: 4097 }), /no multiple of 256/],
  ];
  for (const [name, change, message] of refusals) {
    test(name, () => {
      const changed = structuredClone(manifest);
      change(changed);
      expect(() => parseManifest(changed, 'model.json')).toThrow(message);
    });
  }
});
