/**
 * What `learn` gives: a linear classifier on a model's embeddings, which can be kept as JSON.
 */
import { Field } from '../../weights/field.ts';
import { badInput } from '../check-options.ts';
import { applySoftmax } from '../logits-to-scores.ts';
import { dot, unitLength } from './embedding-vectors.ts';

export const HEAD_FORMAT = 'vit-webgpu head';

/** Nearest class means, or ridge regression. */
export type HeadMethod = 'means' | 'ridge';

/** As `JSON.stringify(head)` writes it. */
export interface HeadData {
  format: typeof HEAD_FORMAT;
  version: 1;
  /** Whose embeddings it is of; `sha256` of its checkpoint, where that is known. */
  model: { name: string; sha256?: string };
  method: HeadMethod;
  labels: string[];
  /** How many there were of each label. */
  pictures: number[];
  /**
   * Leave-one-out: the share of pictures that are named rightly by a head made of all others. Pictures of labels that have but
   * one do not count; null where all have.
   */
  accuracy: number | null;
  /** Scores are the softmax of (weights · embedding + bias) / temperature, of embeddings of unit length. */
  temperature: number;
  weights: number[][];
  bias: number[];
}

export class Head {
  readonly labels: string[];
  readonly method: HeadMethod;
  readonly accuracy: number | null;
  readonly #data: HeadData;

  /** Use `vit.learn`. */
  constructor(data: HeadData) {
    this.#data = data;
    this.labels = data.labels;
    this.method = data.method;
    this.accuracy = data.accuracy;
  }

  /** To keep it; `classify(photo, { head })` takes what is read back, too. */
  toJSON(): HeadData {
    return this.#data;
  }
}

/**
 * @param head of `learn`, or what its JSON was parsed to
 * @throws ViTError `bad-input` for what is none, or is another model's
 */
export function readHead(head: unknown, model: HeadData['model'], width: number): HeadData {
  // Of any realm, and of the thread where it was learned.
  const json = typeof (head as Head | null)?.toJSON === 'function' ? (head as Head).toJSON() : head;
  const field = new Field(json, 'The head', '', 'bad-input');
  if (field.get('format').value !== HEAD_FORMAT) field.fail('is none that vit.learn() gave');
  if (field.get('version').value !== 1) field.fail('is of another version; learn it again');
  const of = field.get('model').record() as HeadData['model'];
  if (!isSame(of, model)) field.fail(`is of the model ${of.name}, and this is ${model.name}; learn it again`);
  const labels = field.get('labels').list((label) => label.string());
  const data = {
    ...(json as HeadData),
    labels,
    temperature: field.get('temperature').number(),
    weights: field.get('weights').list((row) => row.list((value) => value.number())),
    bias: field.get('bias').list((value) => value.number()),
  };
  if (data.temperature <= 0) field.get('temperature').fail('must be above 0');
  if (labels.length < 2 || data.weights.length !== labels.length || data.bias.length !== labels.length) {
    field.fail('must have two labels or more, with weights and a bias each');
  }
  const other = data.weights.find((row) => row.length !== width);
  if (other) throw badInput(`The head is of embeddings with ${other.length} features; this model's have ${width}.`);
  return data;
}

/** By the checkpoint, where both know it: a folder may have another name. */
export function isSame(a: HeadData['model'], b: HeadData['model']): boolean {
  return a.sha256 && b.sha256 ? a.sha256 === b.sha256 : a.name === b.name;
}

export function headScores({ weights, bias, temperature }: HeadData, embedding: ArrayLike<number>): Float32Array {
  const unit = unitLength(embedding);
  const row = Float32Array.from(weights, (weight, label) => dot(weight, unit) + bias[label]);
  applySoftmax(row, temperature);
  return row;
}
