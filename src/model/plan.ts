/**
 * The plan: a flat list of named steps that reads top to bottom as the model. Pure data: the GPU scheduler
 * (`engine/`) and the CPU reference (`reference/`) both execute this list, so they cannot differ in what they compute.
 *
 * image -> patchify -> blocks[i] { norm1, qkv, attention, project, norm2, mlp } -> norm of the class token -> head
 */
import { type Activation, type Architecture, tokenCount } from './architecture.ts';

/** A matrix that steps read and write. */
export interface Value {
  /** One row per token of each image, or one row per image. */
  rows: 'token' | 'image';
  /** Columns that mean something; an executor may pad each group. */
  columns: number;
  /** Equal slices of the columns that belong together: the heads within Q, K and V. */
  groups: number;
}

export type ValueName = 'tokens' | 'normed' | 'qkv' | 'mixed' | 'hidden' | 'embedding' | 'logits' | 'probabilities';

/** Names of a weight and a bias tensor. */
export interface Affine {
  weight: string;
  bias: string;
}

export type Step =
  /** tokens = convolution of the pixels with stride = patch, plus position embedding; the class token in front. */
  | ({ op: 'patchify'; output: ValueName; classToken: string; position: string } & Affine & Labelled)
  /** output = (input - mean) / sqrt(variance + epsilon) * weight + bias, per row. `classTokenOnly`: of each image's first row. */
  | ({ op: 'layer-norm'; input: ValueName; output: ValueName; classTokenOnly: boolean } & Affine & Labelled)
  /** output = activation(input @ weightᵀ + bias); with `accumulate` that is added to what output holds. */
  | ({
      op: 'matmul';
      input: ValueName;
      output: ValueName;
      activation: Activation | null;
      accumulate: boolean;
    } & Affine &
      Labelled)
  /** Per image and head: output = softmax(q kᵀ scale) v. */
  | ({ op: 'attention'; input: ValueName; output: ValueName; scale: number } & Labelled)
  /** output = input @ weightᵀ + bias, one row per image. */
  | ({ op: 'head'; input: ValueName; output: ValueName } & Affine & Labelled)
  | ({ op: 'softmax'; input: ValueName; output: ValueName } & Labelled);

interface Labelled {
  /** `block03/attention`: names the step in GPU labels, profiles and failing comparisons. */
  label: string;
}

export type StepOf<Op extends Step['op']> = Extract<Step, { op: Op }>;

export interface Plan {
  architecture: Architecture;
  /** N */
  tokens: number;
  values: Record<ValueName, Value>;
  steps: Step[];
}

export function planViT(architecture: Architecture): Plan {
  const { width: D, heads: H, mlpWidth: M, classes: C, depth, activation } = architecture;
  const values: Plan['values'] = {
    tokens: { rows: 'token', columns: D, groups: 1 },
    normed: { rows: 'token', columns: D, groups: 1 },
    qkv: { rows: 'token', columns: 3 * D, groups: 3 * H },
    mixed: { rows: 'token', columns: D, groups: H },
    hidden: { rows: 'token', columns: M, groups: 1 },
    embedding: { rows: 'image', columns: D, groups: 1 },
    logits: { rows: 'image', columns: C, groups: 1 },
    probabilities: { rows: 'image', columns: C, groups: 1 },
  };

  const steps: Step[] = [
    {
      op: 'patchify',
      label: 'patchify',
      output: 'tokens',
      ...affine('patch_embed.proj'),
      classToken: 'cls_token',
      position: 'pos_embed',
    },
  ];
  for (let block = 0; block < depth; block++) {
    const label = `block${String(block).padStart(2, '0')}`;
    const tensors = `blocks.${block}`;
    steps.push(
      layerNorm(`${label}/norm1`, 'tokens', 'normed', `${tensors}.norm1`),
      linear(`${label}/qkv`, 'normed', 'qkv', `${tensors}.attn.qkv`),
      { op: 'attention', label: `${label}/attention`, input: 'qkv', output: 'mixed', scale: (D / H) ** -0.5 },
      addLinear(`${label}/project`, 'mixed', 'tokens', `${tensors}.attn.proj`),
      layerNorm(`${label}/norm2`, 'tokens', 'normed', `${tensors}.norm2`),
      linear(`${label}/expand`, 'normed', 'hidden', `${tensors}.mlp.fc1`, activation),
      addLinear(`${label}/contract`, 'hidden', 'tokens', `${tensors}.mlp.fc2`),
    );
  }
  steps.push(
    // Only the class token goes on to the head, so only its rows are normalised.
    { ...layerNorm('norm', 'tokens', 'embedding', 'norm'), classTokenOnly: true },
    { op: 'head', label: 'head', input: 'embedding', output: 'logits', ...affine('head') },
    { op: 'softmax', label: 'softmax', input: 'logits', output: 'probabilities' },
  );
  return { architecture, tokens: tokenCount(architecture), values, steps };
}

function affine(name: string): Affine {
  return { weight: `${name}.weight`, bias: `${name}.bias` };
}

function layerNorm(label: string, input: ValueName, output: ValueName, name: string): StepOf<'layer-norm'> {
  return { op: 'layer-norm', label, input, output, ...affine(name), classTokenOnly: false };
}

function linear(
  label: string,
  input: ValueName,
  output: ValueName,
  name: string,
  activation: Activation | null = null,
): StepOf<'matmul'> {
  return { op: 'matmul', label, input, output, ...affine(name), activation, accumulate: false };
}

function addLinear(label: string, input: ValueName, output: ValueName, name: string): StepOf<'matmul'> {
  return { ...linear(label, input, output, name), accumulate: true };
}
