/**
 * What a part of the output holds: a row per picture, in the order of the list, and beside them what they are of. Types and
 * names alone; `docs/bulk.md` says the same to who reads the files with other tools.
 */
import type { SchemaElement } from 'hyparquet';

export type Task = 'embed' | 'classify';

/** A picture and its embedding, `[dimension]`; or why it has none. */
export interface EmbedRow {
  id: string;
  vector: Float32Array | null;
  error: string | null;
}

/** A picture and its best labels with their scores, best first; or why it has none. */
export interface ClassifyRow {
  id: string;
  labels: string[] | null;
  scores: Float32Array | null;
  /** Whether the best is to be believed; null where that was not measured. */
  sure: boolean | null;
  error: string | null;
}

/** What all rows of a file are of: its key-value metadata. */
export interface PartInfo {
  /** SHA-256 of the model's `model.json`, which holds those of its shards; hexadecimal. */
  model: string;
  /** SHA-256 of the checkpoint that was converted, where that is known: the same however it was converted. */
  checkpoint?: string;
  /** The model's name. */
  name: string;
  /** Numbers of a vector; null for labels. */
  dimension: number | null;
  /** SHA-256 of the list of pictures, hexadecimal. */
  list: string;
  /** From 0. */
  part: number;
  /** How many there are. */
  parts: number;
}

export type Part = { info: PartInfo } & (
  | { task: 'embed'; rows: EmbedRow[] }
  | { task: 'classify'; rows: ClassifyRow[] }
);

/** Keys of the metadata. */
export const KEYS = {
  task: 'vit-webgpu.task',
  model: 'vit-webgpu.model',
  checkpoint: 'vit-webgpu.checkpoint',
  name: 'vit-webgpu.name',
  dimension: 'vit-webgpu.dimension',
  list: 'vit-webgpu.list',
  part: 'vit-webgpu.part',
  parts: 'vit-webgpu.parts',
} as const;

const STRING = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;

/** Null, or a list without nulls, in the three levels that Parquet's specification wants. */
const listOf = (name: string, element: Pick<SchemaElement, 'type' | 'converted_type' | 'logical_type'>) =>
  [
    { name, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' }, repetition_type: 'OPTIONAL' },
    { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
    { name: 'element', ...element, repetition_type: 'REQUIRED' },
  ] satisfies SchemaElement[];

const ID: SchemaElement = { name: 'id', ...STRING, repetition_type: 'REQUIRED' };
const SURE: SchemaElement = { name: 'sure', type: 'BOOLEAN', repetition_type: 'OPTIONAL' };
const ERROR: SchemaElement = { name: 'error', ...STRING, repetition_type: 'OPTIONAL' };

/** Parquet's own, root first. */
export const SCHEMAS: Record<Task, SchemaElement[]> = {
  embed: [{ name: 'root', num_children: 3 }, ID, ...listOf('vector', { type: 'FLOAT' }), ERROR],
  classify: [
    { name: 'root', num_children: 5 },
    ...[ID, ...listOf('labels', STRING), ...listOf('scores', { type: 'FLOAT' }), SURE, ERROR],
  ],
};
