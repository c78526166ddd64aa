/**
 * Labels with the embeddings of their texts, computed once: pictures are then told apart by words without a text tower, and
 * without a tokenizer.
 */
import { ViTError } from '../error.ts';
import { Field } from '../weights/field.ts';
import { decodeHalfs, encodeHalfs } from '../weights/half.ts';

export const LABEL_FORMAT = 'vit-webgpu labels';

export interface LabelFile {
  format: typeof LABEL_FORMAT;
  version: 1;
  /** `sha256` of the checkpoint, where it is known. */
  model: { name: string; sha256?: string };
  /** Features of an embedding. */
  width: number;
  /** The score of a picture is the softmax of exp(logitScale) * cosine, or the sigmoid of that + logitBias. */
  logitScale: number;
  logitBias?: number;
  labels: string[];
  /** SHA-256 of the prompts as JSON: a list of texts for each label. */
  prompts: string;
  /** Of unit length, one after the other: f16, little-endian, in base64. */
  embeddings: string;
}

/** A label file that may be trusted. */
export interface Labels extends Omit<LabelFile, 'embeddings' | 'format' | 'version'> {
  embeddings: Float32Array[];
}

/** @param rows of any length but zero */
export function encodeEmbeddings(rows: readonly Float32Array<ArrayBuffer>[]): string {
  const halfs = rows.map((row) => {
    const length = Math.hypot(...row);
    return new Uint8Array(encodeHalfs(row.map((value) => value / length)).buffer);
  });
  return btoa(halfs.map((bytes) => String.fromCharCode(...bytes)).join(''));
}

/** @throws ViTError `bad-manifest` naming the field that is wrong */
export function parseLabelFile(json: unknown, where: string): Labels {
  const field = new Field(json, where, '');
  if (field.get('format').value !== LABEL_FORMAT) field.fail(`is no label file: its "format" is not "${LABEL_FORMAT}"`);
  if (field.get('version').value !== 1) field.fail('is of another version of label files; make it again');
  const model = field.get('model');
  const labels = field.get('labels').list((label) => label.string());
  const width = field.get('width').integer(1, 2 ** 16);
  if (labels.length === 0) field.get('labels').fail('is empty');
  if (new Set(labels).size < labels.length) field.get('labels').fail('has a label twice');
  return {
    model: { name: model.get('name').string(), ...(model.has('sha256') && { sha256: model.get('sha256').string() }) },
    width,
    logitScale: field.get('logitScale').number(),
    ...(field.has('logitBias') && { logitBias: field.get('logitBias').number() }),
    labels,
    prompts: field.get('prompts').string(),
    embeddings: decode(field.get('embeddings'), labels.length, width),
  };
}

function decode(field: Field, count: number, width: number): Float32Array[] {
  const text = field.string();
  // Four characters for three bytes.
  if (text.length !== Math.ceil((count * width * 2) / 3) * 4) field.fail(`is not of ${count} x ${width} numbers`);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new ViTError('bad-manifest', `${field.path('')}is no base64.`, { cause });
  }
  const values = decodeHalfs(new Uint16Array(bytes.buffer, 0, count * width));
  if (!values.every(Number.isFinite)) field.fail('holds NaN or infinity');
  return Array.from({ length: count }, (_, i) => values.subarray(i * width, (i + 1) * width));
}
