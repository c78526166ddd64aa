/**
 * The tensors that a model of an architecture is made of: canonical name -> shape. The names are timm's; where timm has
 * none they are
 *
 *   patch_embed.pixel_norm.…        norm of a patch's pixels, [C h w] in the order channel, row, column
 *   projection.weight               CLIP's projection of image features, [P, D]
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
  type Architecture,
  embeddingWidth,
  type FullArchitecture,
  patchCount,
  patchFeatures,
  patchGrid,
  positionPrefix,
  withDefaults,
} from './architecture.ts';
import type { TextArchitecture } from './text.ts';

type Shapes = Map<string, number[]>;

/** In the order in which they are stored: a tensor that others are packed together with comes before them. */
export function tensorShapes(architecture: Architecture): Shapes {
  const network = withDefaults(architecture);
  const shapes: Shapes = new Map();
  addEmbedding(shapes, network);
  if (network.relativePositionBias === 'shared') {
    shapes.set('rel_pos_bias.relative_position_bias_table', relativeTableShape(network));
  }
  const blockTable = network.relativePositionBias === 'per-block' ? relativeTableShape(network) : undefined;
  for (let block = 0; block < network.depth; block++) addBlock(shapes, `blocks.${block}`, network, blockTable);
  if (network.finalNorm === 'tokens') addNorm(shapes, 'norm', network.width);
  addPooling(shapes, network);
  addHeads(shapes, network);
  if (network.text) addText(shapes, network, network.text);
  return shapes;
}

/** Parameters of the model: the sum of its tensors' sizes. */
export function parameterCount(architecture: Architecture): number {
  let count = 0;
  for (const shape of tensorShapes(architecture).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/** BEiT's: every difference of rows and columns, then class to patch, patch to class, class to class. */
export function relativeTableShape(architecture: Architecture): [number, number] {
  const [rows, columns] = patchGrid(architecture);
  return [(2 * rows - 1) * (2 * columns - 1) + 3, architecture.heads];
}

function addEmbedding(shapes: Shapes, network: FullArchitecture): void {
  const { channels, patchSize, width: D } = network;
  if (network.classToken) shapes.set('cls_token', [1, 1, D]);
  if (network.distillationToken) shapes.set('dist_token', [1, 1, D]);
  if (network.registerTokens > 0) shapes.set('reg_token', [1, network.registerTokens, D]);
  if (network.positionEmbedding !== 'none') {
    shapes.set('pos_embed', [1, positionPrefix(network) + patchCount(network), D]);
  }
  if (network.pixelNorm) addNorm(shapes, 'patch_embed.pixel_norm', patchFeatures(network));
  shapes.set('patch_embed.proj.weight', [D, channels, ...patchSize]);
  if (network.patchBias) shapes.set('patch_embed.proj.bias', [D]);
  if (network.patchNorm) addNorm(shapes, 'patch_embed.norm', D);
  if (network.normBeforeBlocks) addNorm(shapes, 'norm_pre', D);
}

type BlockShape = Pick<
  FullArchitecture,
  'width' | 'heads' | 'headSize' | 'mlpWidth' | 'mlp' | 'layerScale' | 'qkvBias'
>;

/** @param relativeTable its shape, where the block has one */
function addBlock(shapes: Shapes, name: string, block: BlockShape, relativeTable?: [number, number]): void {
  const { width: D, mlpWidth: M } = block;
  const HK = block.heads * block.headSize;
  addNorm(shapes, `${name}.norm1`, D);
  addLinear(shapes, `${name}.attn.qkv`, 3 * HK, D, block.qkvBias);
  if (relativeTable) shapes.set(`${name}.attn.relative_position_bias_table`, relativeTable);
  if (block.layerScale) shapes.set(`${name}.ls1.gamma`, [D]);
  addLinear(shapes, `${name}.attn.proj`, D, HK);
  addNorm(shapes, `${name}.norm2`, D);
  addLinear(shapes, `${name}.mlp.fc1`, block.mlp === 'swiglu' ? 2 * M : M, D);
  if (block.layerScale) shapes.set(`${name}.ls2.gamma`, [D]);
  addLinear(shapes, `${name}.mlp.fc2`, D, M);
}

function addPooling(shapes: Shapes, { pooling, width: D, mlpWidth: M, finalNorm }: FullArchitecture): void {
  if (pooling === 'attention') {
    shapes.set('attn_pool.latent', [1, 1, D]);
    addLinear(shapes, 'attn_pool.q', D, D);
    addLinear(shapes, 'attn_pool.kv', 2 * D, D);
    addLinear(shapes, 'attn_pool.proj', D, D);
    addNorm(shapes, 'attn_pool.norm', D);
    addLinear(shapes, 'attn_pool.mlp.fc1', M, D);
    addLinear(shapes, 'attn_pool.mlp.fc2', D, M);
  }
  if (finalNorm === 'pooled') addNorm(shapes, 'fc_norm', D);
}

function addHeads(shapes: Shapes, network: FullArchitecture): void {
  const { width: D, classes: C, representation, projection, pooling } = network;
  let features = pooling === 'class-and-patches' ? 2 * D : D;
  if (representation > 0) {
    addLinear(shapes, 'pre_logits.fc', representation, features);
    features = representation;
  }
  if (projection > 0) addLinear(shapes, 'projection', projection, features, false);
  if (C > 0) addLinear(shapes, 'head', C, features);
  if (C > 0 && pooling === 'class-and-distillation') addLinear(shapes, 'head_dist', C, features);
}

function addText(shapes: Shapes, network: FullArchitecture, text: TextArchitecture): void {
  shapes.set('text.token_embed.weight', [text.vocabulary, text.width]);
  shapes.set('text.pos_embed', [text.tokens, text.width]);
  const headSize = text.width / text.heads;
  for (let block = 0; block < text.depth; block++) {
    addBlock(shapes, `text.blocks.${block}`, { ...text, headSize, mlp: 'plain', layerScale: false, qkvBias: true });
  }
  addNorm(shapes, 'text.norm', text.width);
  addLinear(shapes, 'text.projection', embeddingWidth(network), text.width, text.projectionBias ?? false);
}

function addLinear(shapes: Shapes, name: string, outputs: number, inputs: number, bias = true): void {
  shapes.set(`${name}.weight`, [outputs, inputs]);
  if (bias) shapes.set(`${name}.bias`, [outputs]);
}

function addNorm(shapes: Shapes, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]);
  shapes.set(`${name}.bias`, [width]);
}
