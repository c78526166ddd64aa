/**
 * The plan of the text tower: token ids to an embedding in the space of the images'. Made of the same steps.
 *
 * ids -> lookup -> blocks[i] -> token that ends the text -> norm -> projection
 */
import { embeddingWidth, type FullArchitecture } from './architecture.ts';
import { type BlockShape, block, blockLabel, blockValues } from './blocks.ts';
import type { Extras } from './outputs.ts';
import type { Plan } from './plan.ts';
import { affine, head, layerNorm, mentioned, type Step, type Value } from './steps.ts';
import type { TextArchitecture } from './text.ts';

/** Its inputs are `ids`, T per text, and `ends`: which of these T tokens gives the text its features. */
export function planText(architecture: FullArchitecture, text: TextArchitecture, extras: Extras = {}): Plan {
  const { normalizeEmbedding } = architecture;
  const { tokens: T, width, heads, epsilon, norm = 'layer' } = text;
  const shape: BlockShape = {
    mlp: 'plain',
    ...text,
    norm,
    scale: (width / heads) ** -0.5,
    normOrder: 'first',
    qkvBias: true,
    qkNorm: false,
    attentionNorm: false,
    mlpNorm: false,
    layerScale: false,
  };
  const weights = extras.separateAttention ? 'weights' : null;
  const projected = normalizeEmbedding ? 'projected' : 'embedding';
  const steps: Step[] = [
    { op: 'lookup', label: 'lookup', output: 'tokens', table: 'text.token_embed.weight', position: 'text.pos_embed' },
  ];
  for (let i = 0; i < text.depth; i++) {
    steps.push(
      ...block({ tensors: `text.blocks.${i}`, label: `text/${blockLabel(i)}` }, shape, { keepWeights: weights }),
    );
  }
  steps.push(
    // Only one token of each text goes on, so only its row is normalised.
    { op: 'pick', label: 'text/pick', input: 'tokens', output: 'last' },
    layerNorm('text/norm', 'last', 'lastNormed', 'text.norm', { norm, epsilon }),
    head('text/projection', 'lastNormed', projected, affine('text.projection', text.projectionBias ?? false)),
  );
  if (normalizeEmbedding) {
    steps.push({ op: 'unit-length', label: 'text/unit-length', input: 'projected', output: 'embedding' });
  }
  const features = embeddingWidth(architecture);
  const row = (columns: number): Value => ({ rows: 1, columns, groups: 1 });
  const values = {
    ...blockValues(text, T),
    last: row(width),
    lastNormed: row(width),
    projected: row(features),
    embedding: row(features),
  };
  return {
    architecture,
    inputs: { ids: T, ends: 1 },
    values: mentioned(values, steps),
    steps,
    outputs: { embedding: { values: ['embedding'], shape: [features] } },
  };
}
