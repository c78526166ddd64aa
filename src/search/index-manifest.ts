/**
 * `index.json`: the description of an index, which is embeddings laid out for search. This file holds its types; `parse-index-manifest.ts`
 * checks one.
 */
import type { ShardEntry } from '../weights/manifest.ts';

export const FORMAT = 'vit-webgpu index';
export const VERSION = 1;
/** Of the manifest, in an index's folder. */
export const MANIFEST = 'index.json';

/** How vectors are stored. */
export type VectorDtype = 'f16' | 'f32';
export const DTYPES: readonly VectorDtype[] = ['f16', 'f32'];

export const BYTES_PER_NUMBER: Record<VectorDtype, number> = { f16: 2, f32: 4 };

/** Rows end in zeros up to a multiple of so many numbers: the kernel knows no others. */
const COLUMNS = 16;

/**
 * What numbers of f16 are multiplied with when they are stored. Those of a vector of unit length are at most 1 and mostly far below;
 * without it some would be subnormal, which costs digits and, on some CPUs, a hundred times the time. A power of two, so
 * nothing else is rounded; 2¹⁵ is below the largest half.
 */
export const HALF_SCALE = 2 ** 15;

export interface IndexManifest {
  format: typeof FORMAT;
  version: typeof VERSION;
  model: IndexModel;
  /** Numbers of a vector. */
  dimension: number;
  dtype: VectorDtype;
  /** Vectors in all. */
  rows: number;
  shards: IndexShard[];
}

/** Whose embeddings they are. Hashes are SHA-256 in lower-case hexadecimal; null where one is not known. */
export interface IndexModel {
  name: string;
  /** Of the checkpoint that was converted: `info.source.sha256` of a loaded model. */
  sha256: string | null;
  /** Of its `model.json`, which holds those of all its files. */
  manifest: string | null;
}

/** Some of the rows: those of an index are its shards' in turn. */
export interface IndexShard {
  rows: number;
  /** Rows of unit length, each `rowBytes` long, little-endian. */
  vectors: ShardEntry;
  /** A JSON list of strings. */
  ids: ShardEntry;
}

/** Of a shard: what is fetched and checked at once. */
export const MAX_SHARD_BYTES = 2 ** 26;

/** Numbers from one row to the next. */
export function columnsOf({ dimension }: Pick<IndexManifest, 'dimension'>): number {
  return Math.ceil(dimension / COLUMNS) * COLUMNS;
}

export function rowBytes(index: Pick<IndexManifest, 'dimension' | 'dtype'>): number {
  return columnsOf(index) * BYTES_PER_NUMBER[index.dtype];
}
