/**
 * A small model made of random numbers, as files in memory: for tests of everything but accuracy.
 */
import { elementCount } from '../../src/convert/checkpoint.ts';
import { computeGolden } from '../../src/convert/compute-golden.ts';
import { encode } from '../../src/convert/encode-tensor.ts';
import { layOutShards } from '../../src/convert/shards.ts';
import type { ModelFiles } from '../../src/interface.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import type { TextArchitecture } from '../../src/model/text.ts';
import { type Dtype, FORMAT, type Manifest, VERSION } from '../../src/weights/manifest.ts';
import { sha256 } from '../../src/weights/verify.ts';
import { random } from './random.ts';

export const TINY: Architecture = {
  imageSize: [16, 16],
  patchSize: [8, 8],
  channels: 3,
  width: 24,
  depth: 2,
  heads: 3,
  mlpWidth: 48,
  classes: 5,
  activation: 'gelu',
  epsilon: 1e-6,
};

export const TINY_TEXT: TextArchitecture = {
  vocabulary: 30,
  tokens: 6,
  width: 18,
  depth: 2,
  heads: 2,
  mlpWidth: 20,
  activation: 'quick_gelu',
  epsilon: 1e-5,
  causal: true,
  pooling: 'end-of-text',
  endOfText: 29,
  padding: 1,
  logitScale: 2,
};

/** Two towers, as CLIP has them. */
export const TINY_CLIP: Architecture = {
  ...TINY,
  classes: 0,
  projection: 10,
  normalizeEmbedding: true,
  text: TINY_TEXT,
};

/** Shards of 4 KiB, so that tensors span them. */
export async function tinyModel(architecture: Architecture = TINY, dtype: Dtype = 'f32'): Promise<ModelFiles> {
  const layout = layOutShards(tensorShapes(withDefaults(architecture)), dtype, 4096);
  const shards = layout.shards.map((bytes) => new Uint8Array(bytes));
  const values = new Map<string, Float32Array>();
  let seed = 1;
  for (const [name, { dtype, shape, shard, offset }] of Object.entries(layout.tensors)) {
    const data = random(elementCount(shape), seed++, name.endsWith('weight') ? 2 / Math.sqrt(shape[1] ?? 1) : 0.2);
    const { bytes: raw, values: stored } = encode(name, data, dtype, shape[0]);
    values.set(name, stored);
    for (let done = 0, at = shard, from = offset; done < raw.length; at++, from = 0) {
      const piece = raw.subarray(done, done + shards[at].length - from);
      shards[at].set(piece, from);
      done += piece.length;
    }
  }
  const [height, width] = architecture.imageSize;
  const manifest: Manifest = {
    format: FORMAT,
    version: VERSION,
    name: 'tiny',
    source: {},
    architecture,
    preprocess: {
      resize: { mode: 'squash', height, width },
      filter: 'bilinear',
      crop: null,
      mean: new Array(architecture.channels).fill(0.5),
      std: new Array(architecture.channels).fill(0.5),
    },
    labels: Array.from({ length: architecture.classes }, (_, i) => `class ${i}`),
    problemType: 'single-label',
    tensors: layout.tensors,
    shards: await Promise.all(
      shards.map(async (bytes, i) => ({ file: `shard-${i}.bin`, bytes: bytes.length, sha256: await sha256(bytes) })),
    ),
    golden: await computeGolden(withDefaults(architecture), async (name) => values.get(name)!),
  };
  return { manifest, shards };
}

/** A picture of `width` x `height` in one colour. */
export function plainImage(width: number, height: number, [r, g, b]: [number, number, number]): ImageData {
  const image = new ImageData(width, height);
  for (let i = 0; i < image.data.length; i += 4) image.data.set([r, g, b, 255], i);
  return image;
}
