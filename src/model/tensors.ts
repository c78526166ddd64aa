/**
 * The tensors that a model of an architecture is made of: canonical name -> shape. The names are timm's; where timm has
 * none they are
 *
 *   patch_embed.pixel_norm.…        norm of a patch's pixels, [C h w] in the order channel, row, column
 *   patch_embed.stem.0.…            linear layers between these and the projection
 *   rope.freqs                      frequencies by column and by row, angles of registers: see `rotary.ts`
 *   cls_norm.…                      `norm` of the tokens in front of the patches
 *   projection.{weight,bias}        CLIP's projection of image features, [P, D]
 *   text.token_embed.weight         [vocabulary, W]
 *   text.pos_embed                  [T, W]
 *   text.blocks.0.…                 as `blocks.0.…`
 *   text.norm.{weight,bias}
 *   text.projection.{weight,bias}   [P, W]
 *
 * Linear weights are `[out, in]`, row-major. The rows of `qkv` are Q of every head, K of every head, V of every head;
 * those of a SwiGLU's `fc1` the gate, then what it gates; those of `attn_pool.kv` K, then V.
 * `N` tokens, `D` width, `H` heads of `K` features, `M` MLP width, `C` classes.
 */
import {
  embeddingWidth,
  type FullArchitecture,
  patchCount,
  patchFeatures,
  patchGrid,
  positionPrefix,
} from './architecture.ts';
import type { Norm } from './layers.ts';
import { frequenciesShape } from './rotary.ts';
import type { TextArchitecture } from './text.ts';

type Shapes = Map<string, number[]>;

/** In the order in which they are stored: a tensor that others are packed together with comes before them. */
export function tensorShapes(network: FullArchitecture): Shapes {
  const shapes: Shapes = new Map();
  addEmbedding(shapes, network);
  if (network.relativePositionBias === 'shared') {
    shapes.set('rel_pos_bias.relative_position_bias_table', relativeTableShape(network));
  }
  const blockTable = network.relativePositionBias === 'per-block' ? relativeTableShape(network) : undefined;
  for (let block = 0; block < network.depth; block++) addBlock(shapes, `blocks.${block}`, network, blockTable);
  if (network.finalNorm === 'tokens') addNorm(shapes, 'norm', network.width, network.norm);
  if (network.prefixNorm) addNorm(shapes, 'cls_norm', network.width, network.norm);
  addPooling(shapes, network);
  addHeads(shapes, network);
  if (network.text) addText(shapes, network, network.text);
  return shapes;
}

/** Parameters of the model: the sum of its tensors' sizes. */
export function parameterCount(architecture: FullArchitecture): number {
  let count = 0;
  for (const shape of tensorShapes(architecture).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/** BEiT's: every difference of rows and columns, then class to patch, patch to class, class to class. */
export function relativeTableShape(architecture: FullArchitecture): [number, number] {
  const [rows, columns] = patchGrid(architecture);
  return [(2 * rows - 1) * (2 * columns - 1) + 3, architecture.heads];
}

function addEmbedding(shapes: Shapes, network: FullArchitecture): void {
  const { channels, patchSize, width: D, norm, stem } = network;
  if (network.classToken) shapes.set('cls_token', [1, 1, D]);
  if (network.distillationToken) shapes.set('dist_token', [1, 1, D]);
  if (network.registerTokens > 0) shapes.set('reg_token', [1, network.registerTokens, D]);
  if (network.positionEmbedding !== 'none') {
    shapes.set('pos_embed', [1, positionPrefix(network) + patchCount(network), D]);
  }
  if (network.pixelNorm) addNorm(shapes, 'patch_embed.pixel_norm', patchFeatures(network), norm);
  let pixels = patchFeatures(network);
  for (const [i, features] of stem.entries()) {
    addLinear(shapes, `patch_embed.stem.${i}`, features, pixels);
    pixels = features;
  }
  shapes.set('patch_embed.proj.weight', stem.length > 0 ? [D, pixels] : [D, channels, ...patchSize]);
  if (network.patchBias) shapes.set('patch_embed.proj.bias', [D]);
  if (network.patchNorm) addNorm(shapes, 'patch_embed.norm', D, norm);
  if (network.normBeforeBlocks) addNorm(shapes, 'norm_pre', D, norm);
  if (network.rotary) shapes.set('rope.freqs', frequenciesShape(network.rotary, network));
}

type BlockShape = Pick<
  FullArchitecture,
  | 'width'
  | 'heads'
  | 'headSize'
  | 'mlpWidth'
  | 'mlp'
  | 'layerScale'
  | 'qkvBias'
  | 'norm'
  | 'qkNorm'
  | 'attentionNorm'
  | 'mlpNorm'
>;

/** @param relativeTable its shape, where the block has one */
function addBlock(shapes: Shapes, name: string, block: BlockShape, relativeTable?: [number, number]): void {
  const { width: D, mlpWidth: M, norm, headSize: K } = block;
  const HK = block.heads * K;
  addNorm(shapes, `${name}.norm1`, D, norm);
  addLinear(shapes, `${name}.attn.qkv`, 3 * HK, D, block.qkvBias);
  if (block.qkNorm) {
    addNorm(shapes, `${name}.attn.q_norm`, K, norm);
    addNorm(shapes, `${name}.attn.k_norm`, K, norm);
  }
  if (relativeTable) shapes.set(`${name}.attn.relative_position_bias_table`, relativeTable);
  if (block.attentionNorm) addNorm(shapes, `${name}.attn.norm`, HK, norm);
  if (block.layerScale) shapes.set(`${name}.ls1.gamma`, [D]);
  addLinear(shapes, `${name}.attn.proj`, D, HK);
  addNorm(shapes, `${name}.norm2`, D, norm);
  addLinear(shapes, `${name}.mlp.fc1`, block.mlp === 'swiglu' ? 2 * M : M, D);
  if (block.mlpNorm) addNorm(shapes, `${name}.mlp.norm`, M, norm);
  if (block.layerScale) shapes.set(`${name}.ls2.gamma`, [D]);
  addLinear(shapes, `${name}.mlp.fc2`, D, M);
}

function addPooling(shapes: Shapes, network: FullArchitecture): void {
  const { pooling, width: D, poolingMlpWidth: M, finalNorm, norm } = network;
  if (pooling === 'attention') {
    shapes.set('attn_pool.latent', [1, 1, D]);
    if (network.poolingQuery) addLinear(shapes, 'attn_pool.q', D, D);
    addLinear(shapes, 'attn_pool.kv', 2 * D, D);
    addLinear(shapes, 'attn_pool.proj', D, D);
    if (M > 0) {
      addNorm(shapes, 'attn_pool.norm', D, norm);
      addLinear(shapes, 'attn_pool.mlp.fc1', M, D);
      addLinear(shapes, 'attn_pool.mlp.fc2', D, M);
    }
  }
  if (finalNorm === 'pooled') addNorm(shapes, 'fc_norm', D, norm);
}

function addHeads(shapes: Shapes, network: FullArchitecture): void {
  const { width: D, classes: C, representation, projection, pooling } = network;
  let features = pooling === 'class-and-patches' ? 2 * D : D;
  if (representation > 0) {
    addLinear(shapes, 'pre_logits.fc', representation, features);
    features = representation;
  }
  if (projection > 0) addLinear(shapes, 'projection', projection, features, network.projectionBias);
  if (C > 0) addLinear(shapes, 'head', C, features);
  if (C > 0 && pooling === 'class-and-distillation') addLinear(shapes, 'head_dist', C, features);
}

const NOT_IN_TEXTS = { layerScale: false, qkvBias: true, qkNorm: false, attentionNorm: false, mlpNorm: false };

function addText(shapes: Shapes, network: FullArchitecture, text: TextArchitecture): void {
  const { norm = 'layer' } = text;
  shapes.set('text.token_embed.weight', [text.vocabulary, text.width]);
  shapes.set('text.pos_embed', [text.tokens, text.width]);
  const headSize = text.width / text.heads;
  for (let block = 0; block < text.depth; block++) {
    addBlock(shapes, `text.blocks.${block}`, { mlp: 'plain', ...text, ...NOT_IN_TEXTS, norm, headSize });
  }
  addNorm(shapes, 'text.norm', text.width, norm);
  addLinear(shapes, 'text.projection', embeddingWidth(network), text.width, text.projectionBias ?? false);
}

function addLinear(shapes: Shapes, name: string, outputs: number, inputs: number, bias = true): void {
  shapes.set(`${name}.weight`, [outputs, inputs]);
  if (bias) shapes.set(`${name}.bias`, [outputs]);
}

function addNorm(shapes: Shapes, name: string, width: number, norm: Norm): void {
  shapes.set(`${name}.weight`, [width]);
  if (norm === 'layer') shapes.set(`${name}.bias`, [width]);
}
