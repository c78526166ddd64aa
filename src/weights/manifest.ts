/**
 * `model.json`: the description of a converted model. This file holds its types; `parse-manifest.ts` checks one.
 */
import type { Architecture, FullArchitecture } from '../model/architecture.ts';
import type { Preprocess } from '../model/preprocess.ts';
import type { Cleaning } from '../model/text.ts';

export const FORMAT = 'vit-webgpu';
export const VERSION = 1;

/** Offsets of tensors within a shard, and the sizes of all shards but the last, are multiples of it. */
export const ALIGNMENT = 256;

/** Storage types of tensors on disk. Of `i8` every row has a scale, of `i4` every 32 elements: an element is as many times that. */
export const DTYPES = ['f32', 'f16', 'i8', 'i4'] as const;

export type Dtype = (typeof DTYPES)[number];

export const BYTES_PER_ELEMENT: Record<Dtype, number> = { f32: 4, f16: 2, i8: 1, i4: 0.5 };

/** Elements of a row that share a scale in `i4`: its rows are multiples of it. */
export const GROUP = 32;

/** Of the scales in front of a tensor's elements: an f32 for each row, or a half for each group. */
export function scaleBytes({ dtype, shape }: Pick<TensorEntry, 'dtype' | 'shape'>): number {
  if (dtype === 'i4') return (2 * shape.reduce((a, b) => a * b)) / GROUP;
  return dtype === 'i8' ? 4 * shape[0] : 0;
}

export const PROBLEM_TYPES = ['single-label', 'multi-label', 'regression'] as const;

export type ProblemType = (typeof PROBLEM_TYPES)[number];

export interface Manifest {
  format: typeof FORMAT;
  version: typeof VERSION;
  name: string;
  source: Source;
  architecture: Architecture;
  preprocess: Preprocess;
  /** One per class, in the order of the logits. */
  labels: string[];
  /** What turns logits into scores: the softmax, the sigmoid of each (also of a single label), or nothing. */
  problemType: ProblemType;
  /** Only of a single-label model, and only where it was measured. */
  calibration?: Calibration;
  /** Only of a model with a text tower whose tokenizer came along. */
  words?: Words;
  tensors: Record<string, TensorEntry>;
  shards: ShardEntry[];
  golden: Golden;
}

/** As it was checked: with the defaults of its architecture. */
export type ParsedManifest = Manifest & { architecture: FullArchitecture };

/** What an engine knows of a model. One that was converted where it runs has no golden: nothing else has computed it. */
export type LoadedManifest = Omit<ParsedManifest, 'golden'> & Partial<Pick<Manifest, 'golden'>>;

/** How words become the text tower's token ids. */
export interface Words {
  /** The model's own, in the form of Hugging Face's `tokenizer.json`. */
  tokenizer: ShardEntry;
  clean: Cleaning;
  /** The text that stands for a label, with `{}` in the label's place. */
  template: string;
}

/** How reliable scores are. */
export interface Calibration {
  /** What logits are divided by before the softmax: above 1 for an overconfident model. */
  temperature: number;
  /** Best score below which a picture is taken to show none of the labels. */
  threshold?: number;
  /** The same for each label, where labels differ: the best one's counts, instead of `threshold`. */
  thresholds?: number[];
}

/** Where the checkpoint came from; what is not known is left out. */
export interface Source {
  repository?: string;
  revision?: string;
  license?: string;
  /** Of the checkpoint file that was converted. */
  sha256?: string;
}

/**
 * Where a tensor's bytes lie: `bytes` from `offset` of `shard` on. A tensor that does not end within its shard goes on
 * at the first byte of the next one. Little-endian, row-major, no gaps within a tensor; `offset` is a multiple of 256.
 */
export interface TensorEntry {
  dtype: Dtype;
  shape: number[];
  shard: number;
  offset: number;
  bytes: number;
}

export interface ShardEntry {
  /** A URL relative to the manifest's, without `..`. */
  file: string;
  bytes: number;
  /** Lower-case hexadecimal. */
  sha256: string;
  /** The same of each `bytes` bytes, the last being what is left: then these are checked, as they arrive. */
  pieces?: { bytes: number; sha256: string[] };
}

/** Where each shard begins when all are laid end to end, which is how tensors span them; the last entry is the total. */
export function shardStarts(shards: ShardEntry[]): number[] {
  const starts = [0];
  for (const { bytes } of shards) starts.push(starts[starts.length - 1] + bytes);
  return starts;
}

/**
 * A deterministic input and what the converter's CPU reference (float64) made of it: `selfTest()` replays it.
 * The input is `goldenPixels(seed, [1, C, H, W])` of `model/golden.ts`.
 */
export interface Golden {
  seed: number;
  /** Empty for a model without a head. */
  logits: number[];
  /** Of a model without a head; where nothing is pooled the features of the first token. */
  embedding?: number[];
  /** Of a model with a text tower: the token ids of a text, and its embedding. */
  text?: { ids: number[]; embedding: number[] };
}

/** The first numbers of what the network is to give. */
export function goldenValues({ logits, embedding }: Golden): number[] {
  return embedding ?? logits;
}
