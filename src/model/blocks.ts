/**
 * A block of a transformer as steps: attention and an MLP, each adding to the tokens. The same for images and texts.
 */
import type { Activation, Mlp, NormOrder } from './architecture.ts';
import { layerNorm, linear, type RelativeBias, type Step, type Value, type ValueName } from './steps.ts';

export interface BlockShape {
  width: number;
  heads: number;
  mlpWidth: number;
  activation: Activation;
  epsilon: number;
  /** Of the scores. */
  scale: number;
  causal: boolean;
  normOrder: NormOrder;
  qkvBias: boolean;
  layerScale: boolean;
  mlp: Mlp;
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

/**
 * Steps from `tokens` to `tokens`.
 * @param keepWeights where the attention weights are to be kept; `null` computes them without ever storing them
 */
export function block(
  { tensors, label }: BlockNames,
  shape: BlockShape,
  relative: RelativeBias | null,
  keepWeights: ValueName | null = null,
): Step[] {
  const { heads, scale, causal, epsilon, normOrder, qkvBias, layerScale, mlp, activation } = shape;
  const scores = { heads, scale, causal, relative };
  const weights = keepWeights;
  const attend: Step[] =
    weights === null
      ? [{ op: 'attention', label: `${label}/attention`, input: 'qkv', output: 'mixed', ...scores, query: null }]
      : [
          { op: 'attention-scores', label: `${label}/attention-scores`, input: 'qkv', output: 'scores', ...scores },
          { op: 'softmax', label: `${label}/attention-softmax`, input: 'scores', output: weights },
          { op: 'attention-values', label: `${label}/attention-values`, input: 'qkv', output: 'mixed', weights, heads },
        ];
  const attention = (input: ValueName, sum: ValueName): Step[] => [
    linear(`${label}/qkv`, input, 'qkv', `${tensors}.attn.qkv`, qkvBias),
    ...attend,
    {
      ...linear(`${label}/project`, 'mixed', sum, `${tensors}.attn.proj`),
      gamma: layerScale ? `${tensors}.ls1.gamma` : null,
      accumulate: true,
    },
  ];
  const feedForward = (input: ValueName, sum: ValueName): Step[] => [
    {
      ...linear(`${label}/expand`, input, 'hidden', `${tensors}.mlp.fc1`),
      activation: mlp === 'swiglu' ? 'swiglu' : activation,
    },
    {
      ...linear(`${label}/contract`, 'hidden', sum, `${tensors}.mlp.fc2`),
      gamma: layerScale ? `${tensors}.ls2.gamma` : null,
      accumulate: true,
    },
  ];
  const norm = (number: 1 | 2, input: ValueName, output: ValueName) =>
    layerNorm(`${label}/norm${number}`, input, output, `${tensors}.norm${number}`, epsilon);

  return normOrder === 'first'
    ? [
        norm(1, 'tokens', 'normed'),
        ...attention('normed', 'tokens'),
        norm(2, 'tokens', 'normed'),
        ...feedForward('normed', 'tokens'),
      ]
    : [
        ...attention('tokens', 'tokens'),
        norm(1, 'tokens', 'normed'),
        ...feedForward('normed', 'normed'),
        norm(2, 'normed', 'tokens'),
      ];
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
    qkv: { rows: tokens, columns: 3 * H * K, groups: 3 * H },
    scores: { rows: H * tokens, columns: tokens, groups: 1 },
    weights: { rows: H * tokens, columns: tokens, groups: 1 },
    mixed: { rows: tokens, columns: H * K, groups: H },
    hidden: { rows: tokens, columns: M, groups: 1 },
  };
}
