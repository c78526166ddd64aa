/**
 * The models that are measured, as files on disk: model.json with shards for this library, model.onnx for the others,
 * made from the same numbers. Weights come from a seed, since speed does not depend on their values; ViT-Tiny at 224 is
 * the real one where the folder named by VIT_MODELS holds it.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesSource } from '../src/convert/byte-source.ts';
import { convertCheckpoint } from '../src/convert/convert.ts';
import { encode } from '../src/convert/encode-tensor.ts';
import { exportOnnx, readTensors } from '../src/convert/export-onnx.ts';
import { manifestText } from '../src/convert/manifest-text.ts';
import { openSafetensors } from '../src/convert/safetensors.ts';
import { DEFAULT_SHARD_BYTES, layOutShards, ShardWriter } from '../src/convert/shards.ts';
import type { Sink } from '../src/convert/sink.ts';
import { type Architecture, withDefaults } from '../src/model/architecture.ts';
import { goldenPixels } from '../src/model/golden.ts';
import type { Preprocess } from '../src/model/preprocess.ts';
import { tensorShapes } from '../src/model/tensors.ts';
import { type Dtype, FORMAT, type Manifest, VERSION } from '../src/weights/manifest.ts';
import { requireFirst } from './peers.ts';

const SIZES = {
  Ti: { title: 'ViT-Ti', width: 192, depth: 12, heads: 3 },
  S: { title: 'ViT-S', width: 384, depth: 12, heads: 6 },
  B: { title: 'ViT-B', width: 768, depth: 12, heads: 12 },
  L: { title: 'ViT-L', width: 1024, depth: 24, heads: 16 },
};

export type Size = keyof typeof SIZES;
export const SIZE_NAMES = Object.keys(SIZES) as Size[];

export interface PreparedModel {
  /** `ViT-Ti/16 at 224` */
  title: string;
  architecture: Architecture;
  /** Holds model.json, its shards and model.onnx. */
  folder: string;
  weights: 'real' | 'seed 1';
  /** Bytes that each kind of system downloads. */
  shardBytes: number;
  onnxBytes: number;
}

/** 16 x 16 patches where they divide the image, else DINOv2's 14 x 14. */
export function architectureOf(size: Size, imageSize: number): Architecture {
  const { width, depth, heads } = SIZES[size];
  const patch = imageSize % 16 === 0 ? 16 : 14;
  return {
    imageSize: [imageSize, imageSize],
    patchSize: [patch, patch],
    channels: 3,
    width,
    depth,
    heads,
    mlpWidth: 4 * width,
    classes: 1000,
    activation: 'gelu',
    epsilon: 1e-6,
  };
}

/** Makes what is not there yet. @param cache folder that keeps models from run to run */
export async function prepareModel(size: Size, imageSize: number, cache: string, dtype: Dtype): Promise<PreparedModel> {
  const architecture = architectureOf(size, imageSize);
  const checkpoint = realCheckpoint(size, imageSize);
  const real = checkpoint !== null;
  const folder = join(cache, `vit-${size.toLowerCase()}-${imageSize}-${real ? 'real' : 'seed1'}-${dtype}`);
  if (!existsSync(folder)) {
    // Under another name until it is complete.
    const partial = `${folder}.partial-${process.pid}`;
    await mkdir(partial, { recursive: true });
    try {
      const sink: Sink = { write: (file, bytes) => writeFile(join(partial, file), bytes) };
      if (real) {
        await writeOnnx(await convertReal(checkpoint, sink, imageSize, dtype), partial);
      } else {
        const manifest = await writeSeeded(architecture, sink, dtype);
        await writeOnnx(manifest, partial);
        // Loading replays it. The reference would take minutes to compute it for the larger models.
        manifest.golden.logits = await logitsOf(join(partial, 'model.onnx'), architecture);
        await sink.write('model.json', new TextEncoder().encode(manifestText(manifest)));
      }
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
  }
  const { shards }: Manifest = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'));
  return {
    title: `${SIZES[size].title}/${architecture.patchSize[0]} at ${imageSize}`,
    architecture,
    folder,
    weights: real ? 'real' : 'seed 1',
    shardBytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    onnxBytes: (await stat(join(folder, 'model.onnx'))).size,
  };
}

/** The file; null where there is none of that size. */
export function realCheckpoint(size: Size, imageSize: number): string | null {
  const file = join(process.env.VIT_MODELS ?? '', 'vit-tiny-patch16-224', 'model.safetensors');
  return process.env.VIT_MODELS && size === 'Ti' && imageSize === 224 && existsSync(file) ? file : null;
}

/** @param file of `realCheckpoint` */
export async function convertReal(file: string, sink: Sink, imageSize: number, dtype: Dtype): Promise<Manifest> {
  const checkpoint = await openSafetensors(bytesSource(await readFile(file)));
  const labels = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
  const options = { name: 'vit-tiny', architecture: 'vit_tiny_patch16_224', labels, dtype } as const;
  return convertCheckpoint(checkpoint, sink, { ...options, labels: [...labels], preprocess: squash(imageSize) });
}

/** Weights of a seed, such that activations are like a real model's. */
export function* seededTensors(
  architecture: Architecture,
): Generator<{ name: string; shape: readonly number[]; values: Float32Array<ArrayBuffer> }> {
  const next = generator(1);
  for (const [name, shape] of tensorShapes(withDefaults(architecture))) {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    // Matrices keep the size of what they multiply, norms scale by about 1.
    const scale = shape.length > 1 ? Math.sqrt((3 * shape[0]) / values.length) : 0.2;
    const centre = shape.length === 1 && name.endsWith('weight') ? 1 : 0;
    for (let i = 0; i < values.length; i++) values[i] = centre + next() * scale;
    yield { name, shape, values };
  }
}

/** Writes the shards. @returns the manifest, whose golden has no logits yet */
export async function writeSeeded(architecture: Architecture, sink: Sink, dtype: Dtype): Promise<Manifest> {
  const layout = layOutShards(tensorShapes(withDefaults(architecture)), dtype, DEFAULT_SHARD_BYTES);
  const writer = new ShardWriter(layout, sink);
  for (const { name, shape, values } of seededTensors(architecture)) {
    await writer.add(name, encode(name, values, layout.tensors[name].dtype, shape[0]).bytes);
  }
  return {
    format: FORMAT,
    version: VERSION,
    name: 'seeded',
    source: {},
    architecture,
    preprocess: squash(architecture.imageSize[0]),
    labels: Array.from({ length: architecture.classes }, (_, i) => `class ${i}`),
    problemType: 'single-label',
    tensors: layout.tensors,
    shards: await writer.finish(),
    golden: { seed: 1, logits: [] },
  };
}

async function writeOnnx(manifest: Manifest, folder: string): Promise<void> {
  async function* shards() {
    for (const { file } of manifest.shards) yield new Uint8Array(await readFile(join(folder, file)));
  }
  const tensors = await readTensors(manifest, shards());
  const { name } = manifest;
  const architecture = withDefaults(manifest.architecture);
  const file = await open(join(folder, 'model.onnx'), 'w');
  for (const piece of exportOnnx({ name, architecture }, (name) => tensors.get(name)!)) await file.writeFile(piece);
  await file.close();
}

/** What onnxruntime computes from the golden's pixels: in Node where its addon is installed, else in WebAssembly. */
async function logitsOf(onnx: string, { channels, imageSize }: Architecture): Promise<number[]> {
  const ort = requireFirst('onnxruntime-node', 'onnxruntime-web');
  const session = await ort.InferenceSession.create(await readFile(onnx));
  const shape = [1, channels, ...imageSize];
  const { logits } = await session.run({ pixel_values: new ort.Tensor('float32', goldenPixels(1, shape), shape) });
  await session.release();
  return [...logits.data];
}

function squash(side: number): Preprocess {
  return {
    resize: { mode: 'squash', height: side, width: side },
    filter: 'bilinear',
    crop: null,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  };
}

/** Numbers in -1..1: a linear congruential generator (Numerical Recipes). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  };
}
