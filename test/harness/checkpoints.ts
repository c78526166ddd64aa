/**
 * Checkpoints made up in a test, and the tensors of what the converter wrote.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { bytesSource } from '../../src/convert/byte-source.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { type ConvertOptions, convertCheckpoint } from '../../src/convert/convert.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import type { Manifest } from '../../src/weights/manifest.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { answersOf, type Fixture as Fixture2 } from './families2.ts';
import { type Fixture, flagsOf, hasConfig } from './hints.ts';
import { withTimmAnswers } from './timm-answers.ts';

export const FAMILIES = new URL('../fixtures/families/', import.meta.url);

/** One model each: `timm-vit-resampled` is timm-vit, shown images of another size. */
export const FAMILY_NAMES = readdirSync(FAMILIES).filter((name) => name !== 'timm-vit-resampled');

/** The bytes of a safetensors file; a header of text is taken as it is. */
export function safetensorsFile(header: object | string, data: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

export function openFixture(family: string): Promise<Checkpoint> {
  const { checkpoint = 'model.safetensors' } = fixtureJson(`${family}/expected.json`) as unknown as Fixture;
  return openCheckpoint(bytesSource(readFileSync(new URL(`${family}/${checkpoint}`, FAMILIES))));
}

export function fixtureJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(path, FAMILIES), 'utf8'));
}

/** Other names for the tensors of a checkpoint; those without a name are left out. */
export function renameTensors(checkpoint: Checkpoint, rename: (name: string) => string | undefined): Checkpoint {
  const originals = new Map<string, string>();
  for (const name of checkpoint.tensors.keys()) {
    const other = rename(name);
    if (other !== undefined) originals.set(other, name);
  }
  return {
    format: checkpoint.format,
    tensors: new Map([...originals].map(([name, original]) => [name, checkpoint.tensors.get(original)!])),
    read: (name) => checkpoint.read(originals.get(name)!),
  };
}

/** A checkpoint with these tensors besides, all zero. */
export function addTensors(checkpoint: Checkpoint, shapes: Record<string, number[]>): Checkpoint {
  const length = (name: string) => shapes[name].reduce((a, b) => a * b, 1);
  const added = Object.keys(shapes).map(
    (name) => [name, { shape: shapes[name], dtype: 'f32', bytes: 4 * length(name) }] as const,
  );
  return {
    format: checkpoint.format,
    tensors: new Map([...checkpoint.tensors, ...added]),
    read: async (name) => (name in shapes ? new Float32Array(length(name)) : checkpoint.read(name)),
  };
}

/** What tells enough of the fixtures, beside their tensors. */
export const ENOUGH: ConvertOptions = {
  name: 'made-up',
  heads: 3,
  preprocess: {
    resize: { mode: 'squash', height: 32, width: 32 },
    filter: 'bilinear',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  },
};

export interface Converted {
  manifest: Manifest;
  files: Map<string, Uint8Array<ArrayBuffer>>;
  tensors: Map<string, Float32Array>;
}

/** What is told of a fixture, as a person would. */
function enough(checkpoint: Checkpoint, options: Partial<ConvertOptions>): ConvertOptions {
  return withTimmAnswers(checkpoint, { ...ENOUGH, ...options });
}

/** Converts and reads everything back; the manifest is the one in `model.json`, which passes its own checks. */
export async function convertInMemory(
  checkpoint: Checkpoint,
  options: Partial<ConvertOptions> = {},
): Promise<Converted> {
  const sink = new MemorySink();
  await convertCheckpoint(checkpoint, sink, enough(checkpoint, options));
  const text = new TextDecoder().decode(sink.files.get('model.json'));
  const manifest: Manifest = JSON.parse(text);
  parseManifest(manifest, 'model.json');
  return { manifest, files: sink.files, tensors: readTensors(manifest, sink.files) };
}

export const FAMILIES2 = new URL('../fixtures/families2/', import.meta.url);

export const FAMILY2_NAMES = readdirSync(FAMILIES2);

/** A fixture's checkpoint, and everything that is told of it. */
export interface FamilyFixture {
  file: string;
  bytes: Uint8Array<ArrayBuffer>;
  options: ConvertOptions;
}

/** @param family of `FAMILY_NAMES` or `FAMILY2_NAMES` */
export async function familyFixture(family: string): Promise<FamilyFixture> {
  const folder = new URL(`${family}/`, FAMILY2_NAMES.includes(family) ? FAMILIES2 : FAMILIES);
  const read = (file: string) => new Uint8Array(readFileSync(new URL(file, folder)));
  const json = (file: string) => JSON.parse(new TextDecoder().decode(read(file)));
  const fixture = json('expected.json');
  const file: string = fixture.checkpoint ?? 'model.safetensors';
  const told = FAMILY2_NAMES.includes(family)
    ? { heads: undefined, ...answersOf(fixture as Fixture2, configOf2(fixture, json)) }
    : { ...flagsOf(fixture as Fixture), config: hasConfig(fixture) ? json('config.json') : undefined };
  const bytes = read(file);
  return { file, bytes, options: enough(await openCheckpoint(bytesSource(bytes)), told) };
}

function configOf2({ hints }: Fixture2, json: (file: string) => unknown): unknown {
  const file = { hf: 'config.json', timm: 'config.json', open_clip: 'open_clip_config.json' }[hints.layout];
  return file && json(file);
}

/** A fixture of a family, converted with what its `expected.json` tells. */
export async function convertFamily(family: string): Promise<Converted> {
  const { bytes, options } = await familyFixture(family);
  return convertInMemory(await openCheckpoint(bytesSource(bytes)), options);
}

/** By the manifest's rule: shards laid end to end, each tensor its bytes from its place on. */
function readTensors(manifest: Manifest, files: Map<string, Uint8Array>): Map<string, Float32Array> {
  const starts: number[] = [];
  let total = 0;
  for (const { bytes } of manifest.shards) {
    starts.push(total);
    total += bytes;
  }
  const stream = new Uint8Array(total);
  for (const [i, { file }] of manifest.shards.entries()) stream.set(files.get(file)!, starts[i]);
  const tensors = new Map<string, Float32Array>();
  for (const [name, { dtype, shape, shard, offset, bytes }] of Object.entries(manifest.tensors)) {
    const view = new DataView(stream.buffer, starts[shard] + offset, bytes);
    const length = shape.reduce((a, b) => a * b, 1);
    const [rows] = shape;
    const valueAt = {
      f32: (i: number) => view.getFloat32(4 * i, true),
      f16: (i: number) => halfValue(view.getUint16(2 * i, true)),
      i8: (i: number) => view.getInt8(4 * rows + i) * view.getFloat32(4 * Math.floor((i * rows) / length), true),
      i4: (i: number) => {
        const byte = view.getUint8(length / 16 + (i >> 1));
        const code = i % 2 === 0 ? byte & 15 : byte >> 4;
        return (code < 8 ? code : code - 16) * halfValue(view.getUint16(2 * Math.floor(i / 32), true));
      },
    }[dtype];
    tensors.set(
      name,
      Float32Array.from({ length }, (_, i) => valueAt(i)),
    );
  }
  return tensors;
}

/** IEEE 754 binary16, by its definition. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? mantissa / 1024 : 1 + mantissa / 1024) * 2 ** (Math.max(exponent, 1) - 15);
}
