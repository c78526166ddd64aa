/**
 * The steps that plans are made of: what each one reads, computes and writes. Both executors give every step the same
 * meaning, which is the one said here.
 */
import type { Activation, Norm } from './layers.ts';
import type { Turning } from './rotary.ts';

/** A matrix that steps read and write. */
export interface Value {
  /** Rows that one image (or one text) brings. */
  rows: number;
  /** Columns that mean something; an executor may pad each group. */
  columns: number;
  /** Equal slices of the columns that belong together: the heads within Q, K and V. */
  groups: number;
}

export type ValueName = string;

/** Names of a weight and a bias tensor. */
export interface Affine {
  weight: string;
  bias: string | null;
}

/** What tokens are before pixels are added: the prefix tokens, and position embeddings. */
export interface Starts {
  /** Tensors of prefix tokens, in order: each of one or more rows. */
  prefix: string[];
  position: string | null;
  /** How many prefix tokens have a row of `position`; the rows of the patches follow. */
  positionPrefix: number;
  /** Prefix tokens and patches. */
  tokens: number;
}

/** A table of biases by the difference between the patches of query and key, and three more for the class token. */
export interface RelativeBias {
  table: string;
  /** [rows, columns] of patches; they stand behind the class token. */
  grid: [number, number];
}

/** What attention pooling asks with. */
export interface LearnedQuery {
  latent: string;
  projection: { weight: string; bias: string } | null;
  first: number;
}

interface Labelled {
  /** `block03/attention`: names the step in GPU labels, profiles and failing comparisons. */
  label: string;
}

interface Flow {
  input: ValueName;
  output: ValueName;
}

/** Scores of each query against each key: (q · k) scale + relative bias. */
interface Scores {
  heads: number;
  scale: number;
  /** A token attends only to itself and those before it. */
  causal: boolean;
  relative: RelativeBias | null;
}

export type Step =
  /**
   * output = convolution of the pixels with stride = patch, added to the starts; without starts the patches alone. `given`: the
   * starts are an input, the same for all images.
   */
  | ({ op: 'patchify'; output: ValueName; starts: Starts | 'given' | null } & Affine & Labelled)
  /** output = pixels, one row per patch, each in the order channel, row, column. */
  | ({ op: 'unfold'; output: ValueName } & Labelled)
  /** output = starts, with the patches of input added. */
  | ({ op: 'assemble'; starts: Starts } & Flow & Labelled)
  /** output[i] = table[ids[i]] + position[i], for each token of a text. */
  | ({ op: 'lookup'; output: ValueName; table: string; position: string } & Labelled)
  /**
   * output = (input - mean) / sqrt(variance + epsilon) * weight + bias, per row, or what `norm` says; with `accumulate` that is
   * added to what output holds. `token`: only of this row per image. `others`: rows from `first` on of each image have these.
   */
  | ({
      op: 'layer-norm';
      norm: Norm;
      epsilon: number;
      token: number | null;
      others: (Affine & { first: number }) | null;
      accumulate: boolean;
    } & Affine &
      Flow &
      Labelled)
  /** The same of each head's Q and K by itself; input is Q, K, V, and V stays as it is. */
  | ({ op: 'head-norm'; heads: number; query: Affine; key: Affine; norm: Norm; epsilon: number } & Flow & Labelled)
  /**
   * output = Q, K, V with Q and K of each head turned by the place of their patch: see `rotary.ts`. Of each image the rows before
   * `first` stay as they are. Input and output are the same value.
   */
  | ({ op: 'rotate'; heads: number; frequencies: string; turning: Turning; first: number } & Flow & Labelled)
  /**
   * output = activation(input @ weightᵀ + bias) * gamma; with `accumulate` that is added to what output holds.
   * `swiglu`: silu(first half) * second half.
   */
  | ({
      op: 'matmul';
      gamma: string | null;
      activation: Activation | 'tanh' | 'swiglu' | null;
      accumulate: boolean;
    } & Affine &
      Flow &
      Labelled)
  /**
   * Per image and head: output = softmax(scores) v. Input is Q, K, V side by side; with `query` it is K and V, and the
   * only query is `latent`, in every image the same, with the linear layer `projection` applied to it where there is one; it
   * sees the tokens from `first` on.
   */
  | ({ op: 'attention'; query: LearnedQuery | null } & Scores & Flow & Labelled)
  /** Input is Q, K, V; output one row per head and query: the scores. */
  | ({ op: 'attention-scores' } & Scores & Flow & Labelled)
  /** output = weights v, per head; input is Q, K, V. */
  | ({ op: 'attention-values'; weights: ValueName; heads: number } & Flow & Labelled)
  /**
   * Per image: the mean of `count` rows from row `first` on, as the slice `part` of output's groups; with `largest` halfway
   * between it and the largest of these rows in each column.
   */
  | ({ op: 'mean'; first: number; count: number; part: number; largest: boolean } & Flow & Labelled)
  /** Of each text, the row that `ends` names. */
  | ({ op: 'pick' } & Flow & Labelled)
  /** output = (input @ weightᵀ + bias) share, one row per image; with `accumulate` added to what output holds. */
  | ({ op: 'head'; share: number; accumulate: boolean } & Affine & Flow & Labelled)
  /** output = input / |input|, per row. */
  | ({ op: 'unit-length' } & Flow & Labelled)
  /** Per row. */
  | ({ op: 'softmax' } & Flow & Labelled)
  | ({ op: 'copy' } & Flow & Labelled);

export type StepOf<Op extends Step['op']> = Extract<Step, { op: Op }>;

/** Of `values`, those that a step reads or writes. */
export function mentioned(values: Record<ValueName, Value>, steps: readonly Step[]): Record<ValueName, Value> {
  const names = new Set(steps.flatMap((step) => ('input' in step ? [step.input, step.output] : [step.output])));
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)));
}

/** @param bias whether there is one */
export function affine(name: string, bias?: true): { weight: string; bias: string };
export function affine(name: string, bias: boolean): Affine;
export function affine(name: string, bias = true): Affine {
  return { weight: `${name}.weight`, bias: bias ? `${name}.bias` : null };
}

export function layerNorm(
  label: string,
  input: ValueName,
  output: ValueName,
  name: string,
  { norm, epsilon }: { norm: Norm; epsilon: number },
): StepOf<'layer-norm'> {
  const step = { op: 'layer-norm' as const, label, input, output, ...normTensors(name, norm), norm, epsilon };
  return { ...step, token: null, others: null, accumulate: false };
}

/** RMSNorm has no bias. */
export function normTensors(name: string, norm: Norm): Affine {
  return affine(name, norm === 'layer');
}

export function linear(
  label: string,
  input: ValueName,
  output: ValueName,
  name: string,
  bias = true,
): StepOf<'matmul'> {
  const step = { op: 'matmul' as const, label, input, output, ...affine(name, bias) };
  return { ...step, gamma: null, activation: null, accumulate: false };
}

export function mean(label: string, input: ValueName, output: ValueName, first: number, count: number): StepOf<'mean'> {
  return { op: 'mean', label, input, output, first, count, part: 0, largest: false };
}

export function head(label: string, input: ValueName, output: ValueName, tensors: Affine): StepOf<'head'> {
  return { op: 'head', label, input, output, ...tensors, share: 1, accumulate: false };
}
