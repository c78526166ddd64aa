/**
 * A block of a transformer as steps: attention and an MLP, each adding to the tokens. The same for images and texts.
 */
import type { Activation, Mlp, Norm, NormOrder } from './layers.ts';
import {
  type Affine,
  layerNorm,
  linear,
  normTensors,
  type RelativeBias,
  type Step,
  type StepOf,
  type Value,
  type ValueName,
} from './steps.ts';

export interface BlockShape {
  width: number;
  heads: number;
  mlpWidth: number;
  activation: Activation;
  norm: Norm;
  epsilon: number;
  /** Of the scores. */
  scale: number;
  causal: boolean;
  normOrder: NormOrder;
  qkvBias: boolean;
  qkNorm: boolean;
  attentionNorm: boolean;
  layerScale: boolean;
  mlp: Mlp;
  mlpNorm: boolean;
}

export interface BlockNames {
  /** Prefix of the tensors' names: `blocks.3`. */
  tensors: string;
  /** Of the steps: `block03`. */
  label: string;
}

export function blockLabel(index: number): string {
  return `block${String(index).padStart(2, '0')}`;
}

/** What not every block of a shape has. */
export interface BlockExtras {
  relative?: RelativeBias | null;
  turning?: Pick<StepOf<'rotate'>, 'frequencies' | 'turning' | 'first'> | null;
  /** Where the attention weights are to be kept; `null` computes them without ever storing them. */
  keepWeights?: ValueName | null;
}

/** Steps from `tokens` to `tokens`. */
export function block(
  { tensors, label }: BlockNames,
  shape: BlockShape,
  { relative = null, turning = null, keepWeights: weights = null }: BlockExtras,
): Step[] {
  const { heads, scale, causal, normOrder, qkvBias, qkNorm, attentionNorm, layerScale, mlp, mlpNorm, activation } =
    shape;
  const scores = { heads, scale, causal, relative };
  const attend: Step[] =
    weights === null
      ? [{ op: 'attention', label: `${label}/attention`, input: 'qkv', output: 'mixed', ...scores, query: null }]
      : [
          { op: 'attention-scores', label: `${label}/attention-scores`, input: 'qkv', output: 'scores', ...scores },
          { op: 'softmax', label: `${label}/attention-softmax`, input: 'scores', output: weights },
          { op: 'attention-values', label: `${label}/attention-values`, input: 'qkv', output: 'mixed', weights, heads },
        ];
  const norm = (name: string, input: ValueName, output: ValueName) =>
    layerNorm(`${label}/${name}`, input, output, `${tensors}.${name}`, shape);
  const scaled = (gamma: string) => (layerScale ? `${tensors}.${gamma}.gamma` : null);
  const accumulate = normOrder !== 'branch';

  const attention = (input: ValueName, sum: ValueName): Step[] => [
    linear(`${label}/qkv`, input, qkNorm ? 'rawQkv' : 'qkv', `${tensors}.attn.qkv`, qkvBias),
    ...(qkNorm ? [headNorm(label, tensors, shape)] : []),
    ...(turning
      ? [{ op: 'rotate' as const, label: `${label}/rotate`, input: 'qkv', output: 'qkv', heads, ...turning }]
      : []),
    ...attend,
    ...(attentionNorm ? [norm('attn.norm', 'mixed', 'normedMixed')] : []),
    {
      ...linear(`${label}/project`, attentionNorm ? 'normedMixed' : 'mixed', sum, `${tensors}.attn.proj`),
      gamma: scaled('ls1'),
      accumulate,
    },
  ];
  const feedForward = (input: ValueName, sum: ValueName): Step[] => [
    {
      ...linear(`${label}/expand`, input, 'hidden', `${tensors}.mlp.fc1`),
      activation: mlp === 'swiglu' ? 'swiglu' : activation,
    },
    ...(mlpNorm ? [norm('mlp.norm', 'hidden', 'normedHidden')] : []),
    {
      ...linear(`${label}/contract`, mlpNorm ? 'normedHidden' : 'hidden', sum, `${tensors}.mlp.fc2`),
      gamma: scaled('ls2'),
      accumulate,
    },
  ];

  switch (normOrder) {
    case 'first':
      return [
        norm('norm1', 'tokens', 'normed'),
        ...attention('normed', 'tokens'),
        norm('norm2', 'tokens', 'normed'),
        ...feedForward('normed', 'tokens'),
      ];
    case 'last':
      return [
        ...attention('tokens', 'tokens'),
        norm('norm1', 'tokens', 'normed'),
        ...feedForward('normed', 'normed'),
        norm('norm2', 'normed', 'tokens'),
      ];
    case 'branch':
      return [
        ...attention('tokens', 'branch'),
        { ...norm('norm1', 'branch', 'tokens'), accumulate: true },
        ...feedForward('tokens', 'branch'),
        { ...norm('norm2', 'branch', 'tokens'), accumulate: true },
      ];
  }
}

function headNorm(label: string, tensors: string, { heads, norm, epsilon }: BlockShape): StepOf<'head-norm'> {
  const tensorsOf = (name: string): Affine => normTensors(`${tensors}.attn.${name}`, norm);
  return {
    op: 'head-norm',
    label: `${label}/attn.qk-norm`,
    input: 'rawQkv',
    output: 'qkv',
    heads,
    query: tensorsOf('q_norm'),
    key: tensorsOf('k_norm'),
    norm,
    epsilon,
  };
}

/** The values of blocks, for `tokens` tokens. */
export function blockValues(
  {
    width: D,
    heads: H,
    mlpWidth: M,
    headSize: K = D / H,
  }: Pick<BlockShape, 'width' | 'heads' | 'mlpWidth'> & { headSize?: number },
  tokens: number,
): Record<ValueName, Value> {
  return {
    tokens: { rows: tokens, columns: D, groups: 1 },
    normed: { rows: tokens, columns: D, groups: 1 },
    branch: { rows: tokens, columns: D, groups: 1 },
    rawQkv: { rows: tokens, columns: 3 * H * K, groups: 3 * H },
    qkv: { rows: tokens, columns: 3 * H * K, groups: 3 * H },
    scores: { rows: H * tokens, columns: tokens, groups: 1 },
    weights: { rows: H * tokens, columns: tokens, groups: 1 },
    mixed: { rows: tokens, columns: H * K, groups: H },
    normedMixed: { rows: tokens, columns: H * K, groups: H },
    hidden: { rows: tokens, columns: M, groups: 1 },
    normedHidden: { rows: tokens, columns: M, groups: 1 },
  };
}
