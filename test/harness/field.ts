/**
 * Inputs of `test/field`, and what becomes of them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { bytesSource } from '../../src/convert/byte-source.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { type ConvertOptions, convertCheckpoint } from '../../src/convert/convert.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import { ViTError } from '../../src/error.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import type { OutputName } from '../../src/model/outputs.ts';
import { planViT } from '../../src/model/plan.ts';
import { runReference } from '../../src/reference/run.ts';
import type { Converted } from './checkpoints.ts';

export const FIELD = new URL('../fixtures/field/', import.meta.url);

export type Json = Record<string, unknown>;

export function fieldBytes(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(path, FIELD)));
}

export function fieldJson(path: string): Json {
  return JSON.parse(new TextDecoder().decode(fieldBytes(path)));
}

export function fieldFloats(path: string): Float32Array {
  return new Float32Array(fieldBytes(path).buffer);
}

/** Where a model lies with its outputs: here, or among the goldens of whole models. */
export function modelFolder(name: string): string | undefined {
  return [`models/${name}`, `../families2/${name}`].find((folder) =>
    existsSync(new URL(`${folder}/expected.json`, FIELD)),
  );
}

export const openField = (path: string) => openCheckpoint(bytesSource(fieldBytes(path)));

/** Names and shapes alone, zeros throughout: enough for everything that is decided before a tensor is read. */
export function checkpointOfShapes(shapes: Record<string, number[]>): Checkpoint {
  const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1);
  return {
    format: 'made up',
    tensors: new Map(
      Object.entries(shapes).map(([name, shape]) => [name, { shape, dtype: 'f32', bytes: 4 * size(shape) }]),
    ),
    read: async (name) => new Float32Array(size(shapes[name])),
  };
}

/** Of a model that takes such pixels. */
export function preprocessFor(height: number, width: number, channels = 3): ConvertOptions['preprocess'] {
  const halves = new Array(channels).fill(0.5);
  return { resize: { mode: 'squash', height, width }, crop: null, filter: 'bilinear', mean: halves, std: halves };
}

/** The architecture that a conversion decides on, or its refusal. */
export async function decisionOf(
  checkpoint: Checkpoint,
  options: Partial<ConvertOptions>,
): Promise<Architecture | ViTError> {
  try {
    const manifest = await convertCheckpoint(checkpoint, new MemorySink(), { name: 'field', ...options });
    return manifest.architecture;
  } catch (error) {
    if (error instanceof ViTError) return error;
    throw error;
  }
}

/** By the float64 reference. @param pixels `[batch, C, H, W]` */
export function outputOf(
  { manifest, tensors }: Converted,
  name: OutputName,
  pixels: ArrayLike<number>,
  batch: number,
): Float64Array {
  const plan = planViT(withDefaults(manifest.architecture), { tokens: true });
  const values = runReference(plan, (tensor) => tensors.get(tensor)!, { pixels }, batch);
  return values[plan.outputs[name]!.values[0]];
}
