/**
 * The plan: a flat list of named steps that reads top to bottom as the model. Pure data: the GPU scheduler
 * (`engine/`) and the CPU reference (`reference/`) both execute this list, so they cannot differ in what they compute.
 *
 * image -> patchify -> blocks[i] { norm1, qkv, attention, project, norm2, mlp } -> norm -> pool -> head
 *
 * This file is the image's network; `plan-text.ts` is the text's. `steps.ts` says what each step means.
 */
import {
  embeddingWidth,
  type FullArchitecture,
  patchCount,
  patchFeatures,
  patchGrid,
  positionPrefix,
  prefixCount,
  tokenCount,
} from './architecture.ts';
import { type BlockExtras, block, blockLabel, blockValues } from './blocks.ts';
import type { Extras, OutputName } from './outputs.ts';
import {
  affine,
  head,
  layerNorm,
  linear,
  mean,
  mentioned,
  normTensors,
  type RelativeBias,
  type Starts,
  type Step,
  type StepOf,
  type Value,
  type ValueName,
} from './steps.ts';

export type { Affine, LearnedQuery, Starts, Step, StepOf, Value, ValueName } from './steps.ts';

/** What a plan reads: numbers per item, an image or a text; of `starts` for all items together. */
export type InputName = 'pixels' | 'starts' | 'ids' | 'ends';

/** An output: values one after the other, per item. */
export interface PlanOutput {
  values: ValueName[];
  /** Per item. */
  shape: number[];
}

export interface Plan {
  /** Of the whole model. */
  architecture: FullArchitecture;
  inputs: Partial<Record<InputName, number>>;
  values: Record<ValueName, Value>;
  steps: Step[];
  outputs: Partial<Record<OutputName, PlanOutput>>;
}

/** @param extras outputs to compute besides embedding, logits and probabilities */
export function planViT(stored: FullArchitecture, extras: Extras = {}): Plan {
  const { imageSize = stored.imageSize } = extras;
  const network = { ...stored, imageSize };
  const { depth, channels, width, attentionScale: scale } = network;
  const steps = embed(network);
  const inputs: Plan['inputs'] = { pixels: channels * imageSize[0] * imageSize[1] };
  if (extras.imageSize) {
    steps[0] = { ...(steps[0] as StepOf<'patchify'>), starts: 'given', bias: null };
    inputs.starts = tokenCount(network) * width;
  }
  for (let i = 0; i < depth; i++) {
    const names = { tensors: `blocks.${i}`, label: blockLabel(i) };
    const separate = extras.separateAttention ? 'weights' : null;
    const keepWeights = extras.attention?.includes(i) ? attentionIn(i) : separate;
    const own = { relative: relativeBias(network, i), turning: turningOf(network, i), keepWeights };
    steps.push(...block(names, { ...network, scale, causal: false }, own));
    if (extras.hidden)
      steps.push({ op: 'copy', label: `${blockLabel(i)}/keep`, input: 'tokens', output: tokensAfter(i) });
  }
  steps.push(...pool(network, extras), ...classify(network));

  return {
    architecture: network,
    inputs,
    values: mentioned(valuesOf(network), steps),
    steps,
    outputs: outputsOf(network, extras),
  };
}

/** Pixels to `tokens`. */
function embed(network: FullArchitecture): Step[] {
  const { pixelNorm, patchNorm, normBeforeBlocks, patchBias, stem, activation } = network;
  const weights = affine('patch_embed.proj', patchBias);
  const starts = startsOf(network);
  const tokens = normBeforeBlocks ? 'unnormed' : 'tokens';
  const steps: Step[] = [];
  const asVectors = pixelNorm || stem.length > 0;
  if (asVectors) {
    let pixels = 'pixelPatches';
    steps.push({ op: 'unfold', label: 'unfold', output: pixels });
    if (pixelNorm) {
      steps.push(layerNorm('pixel-norm', pixels, 'normedPixels', 'patch_embed.pixel_norm', network));
      pixels = 'normedPixels';
    }
    for (const i of stem.keys()) {
      steps.push({ ...linear(`stem${i}`, pixels, stemValue(i), `patch_embed.stem.${i}`), activation });
      pixels = stemValue(i);
    }
    steps.push(linear('patchify', pixels, 'patches', 'patch_embed.proj', patchBias));
  } else if (patchNorm) steps.push({ op: 'patchify', label: 'patchify', output: 'patches', ...weights, starts: null });
  else steps.push({ op: 'patchify', label: 'patchify', output: tokens, ...weights, starts });
  if (patchNorm) steps.push(layerNorm('patch-norm', 'patches', 'normedPatches', 'patch_embed.norm', network));
  if (asVectors || patchNorm) {
    const input = patchNorm ? 'normedPatches' : 'patches';
    steps.push({ op: 'assemble', label: 'assemble', input, output: tokens, starts });
  }
  if (normBeforeBlocks) steps.push(layerNorm('norm-pre', 'unnormed', 'tokens', 'norm_pre', network));
  return steps;
}

/** `tokens` to `embedding`. */
function pool(network: FullArchitecture, extras: Extras): Step[] {
  const { pooling, finalNorm, norm, prefixNorm, representation, projection, projectionBias, normalizeEmbedding } =
    network;
  const prefix = prefixCount(network);
  const patches = patchCount(network);
  // Every stage writes its own value, and the last one the embedding.
  const projected = normalizeEmbedding ? 'projected' : 'embedding';
  const represented = projection > 0 ? 'represented' : projected;
  const pooled = representation > 0 ? 'pooled' : represented;

  const steps: Step[] = [];
  const ofPrefix = layerNorm('class-norm', 'tokens', pooled, prefixNorm ? 'cls_norm' : 'norm', network);
  // A class token alone is normalised alone, where that takes no other weights than all tokens do.
  const alone = pooling === 'class' && finalNorm === 'tokens' && !prefixNorm;
  if (finalNorm === 'tokens' && (!alone || extras.tokens)) {
    const others = prefixNorm ? { ...normTensors('norm', norm), first: prefix } : null;
    steps.push({ ...ofPrefix, label: 'norm', output: 'normed', others });
  }
  const tokens = finalNorm === 'tokens' ? 'normed' : 'tokens';
  const average = (first: number, count: number, largest = false): Step[] =>
    finalNorm === 'pooled'
      ? [
          { ...mean('pool', tokens, 'average', first, count), largest },
          layerNorm('fc-norm', 'average', pooled, 'fc_norm', network),
        ]
      : [{ ...mean('pool', tokens, pooled, first, count), largest }];
  switch (pooling) {
    case 'none':
      return steps;
    case 'class':
      if (alone) steps.push({ ...ofPrefix, token: 0 });
      else steps.push(...average(0, 1));
      break;
    case 'class-and-distillation':
      steps.push(...average(0, 2));
      break;
    case 'class-and-patches':
      steps.push(mean('pool/class', tokens, pooled, 0, 1));
      steps.push({ ...mean('pool/patches', tokens, pooled, prefix, patches), part: 1 });
      break;
    case 'patches':
    case 'patches-and-largest':
      steps.push(...average(prefix, patches, pooling === 'patches-and-largest'));
      break;
    case 'all':
      steps.push(...average(0, prefix + patches));
      break;
    case 'attention':
      steps.push(...attentionPool(network, tokens, pooled));
      break;
  }
  if (representation > 0) {
    steps.push({ ...linear('representation', 'pooled', represented, 'pre_logits.fc'), activation: 'tanh' });
  }
  if (projection > 0) steps.push(head('projection', represented, projected, affine('projection', projectionBias)));
  if (normalizeEmbedding) {
    steps.push({ op: 'unit-length', label: 'unit-length', input: 'projected', output: 'embedding' });
  }
  return steps;
}

/** One learned query attends to all tokens (SigLIP: then an MLP adds to the outcome). */
function attentionPool(network: FullArchitecture, tokens: ValueName, pooled: ValueName): Step[] {
  const { activation, poolingHeads: heads, poolingQuery, poolingMlpWidth, poolingPrefix, width } = network;
  const projection = poolingQuery ? affine('attn_pool.q') : null;
  const first = poolingPrefix ? 0 : prefixCount(network);
  const steps: Step[] = [
    linear('pool/kv', tokens, 'poolKeysValues', 'attn_pool.kv'),
    {
      op: 'attention',
      label: 'pool/attention',
      input: 'poolKeysValues',
      output: 'poolMixed',
      heads,
      scale: (width / heads) ** -0.5,
      causal: false,
      relative: null,
      query: { latent: 'attn_pool.latent', projection, first },
    },
    linear('pool/project', 'poolMixed', pooled, 'attn_pool.proj'),
  ];
  if (poolingMlpWidth === 0) return steps;
  return [
    ...steps,
    layerNorm('pool/norm', pooled, 'poolNormed', 'attn_pool.norm', network),
    { ...linear('pool/expand', 'poolNormed', 'poolHidden', 'attn_pool.mlp.fc1'), activation },
    { ...linear('pool/contract', 'poolHidden', pooled, 'attn_pool.mlp.fc2'), accumulate: true },
  ];
}

/** `embedding` to `logits` and `probabilities`. */
function classify({ classes, pooling, finalNorm }: FullArchitecture): Step[] {
  if (classes === 0) return [];
  const softmax: Step = { op: 'softmax', label: 'softmax', input: 'logits', output: 'probabilities' };
  if (pooling !== 'class-and-distillation') return [head('head', 'embedding', 'logits', affine('head')), softmax];
  // DeiT: each token has a head of its own, and the logits are the mean of both.
  const tokens = finalNorm === 'tokens' ? 'normed' : 'tokens';
  return [
    mean('pool/class', tokens, 'classFeatures', 0, 1),
    mean('pool/distillation', tokens, 'distillationFeatures', 1, 1),
    { ...head('head', 'classFeatures', 'logits', affine('head')), share: 0.5 },
    { ...head('head-dist', 'distillationFeatures', 'logits', affine('head_dist')), share: 0.5, accumulate: true },
    softmax,
  ];
}

function outputsOf(network: FullArchitecture, extras: Extras): Plan['outputs'] {
  const { classes, depth, finalNorm, heads, pooling, width } = network;
  const tokens = tokenCount(network);
  const outputs: Plan['outputs'] = {};
  if (classes > 0) {
    outputs.logits = { values: ['logits'], shape: [classes] };
    outputs.probabilities = { values: ['probabilities'], shape: [classes] };
  }
  if (pooling !== 'none') outputs.embedding = { values: ['embedding'], shape: [embeddingWidth(network)] };
  if (pooling === 'none' || extras.tokens) {
    outputs.tokens = { values: [finalNorm === 'tokens' ? 'normed' : 'tokens'], shape: [tokens, width] };
  }
  if (extras.hidden) {
    outputs.hidden = { values: Array.from({ length: depth }, (_, i) => tokensAfter(i)), shape: [depth, tokens, width] };
  }
  if (extras.attention) {
    const values = extras.attention.map(attentionIn);
    outputs.attention = { values, shape: [values.length, heads, tokens, tokens] };
  }
  return outputs;
}

/** Value that keeps what block `i` hands on. */
function tokensAfter(i: number): ValueName {
  return `${blockLabel(i)}/tokens`;
}

/** Value that keeps the attention weights of block `i`. */
function attentionIn(i: number): ValueName {
  return `${blockLabel(i)}/attention`;
}

function startsOf(network: FullArchitecture): Starts {
  const { classToken, distillationToken, registerTokens, positionEmbedding } = network;
  const prefix = [classToken && 'cls_token', distillationToken && 'dist_token', registerTokens > 0 && 'reg_token'];
  return {
    prefix: prefix.filter((name) => name !== false),
    position: positionEmbedding === 'none' ? null : 'pos_embed',
    positionPrefix: positionPrefix(network),
    tokens: tokenCount(network),
  };
}

function relativeBias(network: FullArchitecture, block: number): RelativeBias | null {
  const grid = patchGrid(network);
  switch (network.relativePositionBias) {
    case 'none':
      return null;
    case 'per-block':
      return { table: `blocks.${block}.attn.relative_position_bias_table`, grid };
    case 'shared':
      return { table: 'rel_pos_bias.relative_position_bias_table', grid };
  }
}

function turningOf(network: FullArchitecture, block: number): BlockExtras['turning'] {
  const { rotary, heads, headSize, registerTokens } = network;
  if (!rotary) return null;
  const registers = rotary.registers ? registerTokens : 0;
  const own = rotary.frequencies === 'per-head' ? { heads, block } : { heads: 1, block: 0 };
  const turning = { rotary, grid: patchGrid(network), registers, pairs: headSize / 2, ...own };
  return { frequencies: 'rope.freqs', turning, first: prefixCount(network) - registers };
}

/** Value behind layer `i` of the stem. */
function stemValue(i: number): ValueName {
  return `stem${i}`;
}

/** Every value that a plan may have. */
function valuesOf(network: FullArchitecture): Plan['values'] {
  const { width: D, poolingHeads: H, poolingMlpWidth: M, classes, pooling, representation, depth } = network;
  const tokens = tokenCount(network);
  const patches = patchCount(network);
  const features = pooling === 'class-and-patches' ? { columns: 2 * D, groups: 2 } : { columns: D, groups: 1 };
  const row = (columns: number): Value => ({ rows: 1, columns, groups: 1 });
  const pooled = { rows: 1, ...features };
  const represented = representation > 0 ? row(representation) : pooled;
  const projected = network.projection > 0 ? row(network.projection) : represented;
  const block = blockValues(network, tokens);
  const values: Plan['values'] = {
    pixelPatches: { rows: patches, columns: patchFeatures(network), groups: 1 },
    normedPixels: { rows: patches, columns: patchFeatures(network), groups: 1 },
    patches: { rows: patches, columns: D, groups: 1 },
    normedPatches: { rows: patches, columns: D, groups: 1 },
    unnormed: block.tokens,
    ...block,
    average: row(D),
    poolKeysValues: { rows: tokens, columns: 2 * D, groups: 2 * H },
    poolMixed: { rows: 1, columns: D, groups: H },
    poolNormed: row(D),
    poolHidden: row(M),
    pooled,
    represented,
    projected,
    embedding: projected,
    classFeatures: row(D),
    distillationFeatures: row(D),
    logits: row(classes),
    probabilities: row(classes),
  };
  for (const [i, columns] of network.stem.entries()) values[stemValue(i)] = { rows: patches, columns, groups: 1 };
  for (let i = 0; i < depth; i++) {
    values[tokensAfter(i)] = block.tokens;
    values[attentionIn(i)] = block.scores;
  }
  return values;
}
