/**
 * A converter written from docs/manifest.md alone: it shares no line with the one of this package, and what it writes is a
 * model.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadViT, type Manifest } from '../../src/index.ts';
import { runCommand } from '../harness/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [D, M, C] = [12, 20, 3];

/** "Tensors", in its order, of one block on 2 x 3 patches of 4 x 4. */
const SHAPES: [name: string, shape: number[]][] = [
  ['cls_token', [1, 1, D]],
  ['pos_embed', [1, 1 + 2 * 3, D]],
  ['patch_embed.proj.weight', [D, 3, 4, 4]],
  ['patch_embed.proj.bias', [D]],
  ['blocks.0.norm1.weight', [D]],
  ['blocks.0.norm1.bias', [D]],
  ['blocks.0.attn.qkv.weight', [3 * D, D]],
  ['blocks.0.attn.qkv.bias', [3 * D]],
  ['blocks.0.attn.proj.weight', [D, D]],
  ['blocks.0.attn.proj.bias', [D]],
  ['blocks.0.norm2.weight', [D]],
  ['blocks.0.norm2.bias', [D]],
  ['blocks.0.mlp.fc1.weight', [M, D]],
  ['blocks.0.mlp.fc1.bias', [M]],
  ['blocks.0.mlp.fc2.weight', [D, M]],
  ['blocks.0.mlp.fc2.bias', [D]],
  ['norm.weight', [D]],
  ['norm.bias', [D]],
  ['head.weight', [C, D]],
  ['head.bias', [C]],
];

/** Whatever comes before it, a head whose weights are zero gives its biases. */
const LOGITS = [0.5, -1.25, 2];

function valuesOf(name: string, count: number): number[] {
  if (name === 'head.weight') return new Array(count).fill(0);
  return name === 'head.bias' ? LOGITS : Array.from({ length: count }, (_, i) => Math.sin(i + name.length));
}

/** "Writing one", steps 2 and 3. */
function write(shardBytes: number): { manifest: object; shards: Uint8Array<ArrayBuffer>[] } {
  const tensors: Record<string, object> = {};
  const pieces: { begin: number; bytes: Uint8Array }[] = [];
  let end = 0;
  for (const [name, shape] of SHAPES) {
    const begin = Math.ceil(end / 256) * 256;
    const count = shape.reduce((a, b) => a * b);
    const bytes = new Uint8Array(Float32Array.from(valuesOf(name, count)).buffer);
    const shard = Math.floor(begin / shardBytes);
    tensors[name] = { dtype: 'f32', shape, shard, offset: begin - shard * shardBytes, bytes: bytes.length };
    pieces.push({ begin, bytes });
    end = begin + bytes.length;
  }
  const stream = new Uint8Array(end);
  for (const { begin, bytes } of pieces) stream.set(bytes, begin);
  const shards = Array.from({ length: Math.ceil(end / shardBytes) }, (_, i) =>
    stream.slice(i * shardBytes, (i + 1) * shardBytes),
  );
  const manifest = {
    format: 'vit-webgpu',
    version: 1,
    name: 'by hand',
    source: {},
    architecture: {
      imageSize: [8, 12],
      patchSize: [4, 4],
      channels: 3,
      ...{ width: D, depth: 1, heads: 2, mlpWidth: M, classes: C, activation: 'relu', epsilon: 1e-6 },
    },
    preprocess: {
      resize: { mode: 'shortest-edge', size: 9, rounding: 'trunc' },
      filter: 'bicubic',
      crop: { height: 8, width: 12, rounding: 'floor' },
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
    labels: ['a', 'b', 'c'],
    problemType: 'single-label',
    golden: { seed: 7, logits: LOGITS },
    tensors,
    shards: shards.map((bytes, i) => ({
      file: `${i}.bin`,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })),
  };
  return { manifest, shards };
}

test('what is written by the page on the format is a model', async () => {
  const { manifest, shards } = write(1024);
  expect(shards.length).toBeGreaterThan(10);
  const vit = await loadViT({ manifest: manifest as Manifest, shards }, { backend: 'cpu', worker: false });
  expect(await vit.selfTest()).toMatchObject({ passed: true, maxError: 0 });
  const { logits } = await vit.forward({ data: new Float32Array(3 * 8 * 12), shape: [1, 3, 8, 12] });
  expect([...logits!.data]).toEqual(LOGITS);
  vit.dispose();
});

test('and inspect finds nothing wrong with it', async () => {
  const { manifest, shards } = write(2048);
  writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest));
  for (const [i, bytes] of shards.entries()) writeFileSync(join(folder, `${i}.bin`), bytes);
  const { exitCode, printed } = await runCommand('inspect', folder);
  expect(exitCode).toBe(0);
  expect(printed.match(/hash verified/g)).toHaveLength(shards.length);
});
