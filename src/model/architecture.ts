/**
 * What a Vision Transformer is, as numbers and choices: a manifest's `architecture`. Pure data; it knows no GPU and no
 * file.
 *
 * The required fields describe a plain pre-norm ViT with a class token: timm's `VisionTransformer`, Hugging Face's
 * `ViTForImageClassification`. Every other field is a departure from it, and is left out where there is none.
 */
import type { Activation, Mlp, Norm, NormOrder } from './layers.ts';
import type { Rotary } from './rotary.ts';
import type { TextArchitecture } from './text.ts';

export const POSITION_EMBEDDINGS = ['all', 'all-but-registers', 'patches', 'none'] as const;

/** Which tokens have a row of `pos_embed`, in the order of the tokens. */
export type PositionEmbedding = (typeof POSITION_EMBEDDINGS)[number];

export const POSITION_RESAMPLINGS = [
  'bicubic',
  'bicubic-antialias',
  'bicubic-offset',
  'bicubic-corners',
  'bilinear',
  'bilinear-antialias',
  'bilinear-corners',
  'sincos',
  'sincos-inclusive',
] as const;

/**
 * How a position embedding is brought to another grid of patches. `bicubic` is PyTorch's (a = -0.75, Hugging Face),
 * `bicubic-antialias` the one with antialias (a = -0.5, timm), `bicubic-offset` DINO's, whose scale is (n + 0.1) / old,
 * `bilinear` PyTorch's, `bilinear-antialias` that with antialias (SigLIP 2). With `-corners` the corners stay in place: `bicubic`
 * so in torchvision, `bilinear` in SciPy's zoom of order 1 (Google's JAX models).
 *
 * `sincos` positions are computed anew for every grid: sines and cosines of wave lengths from 2π to 2π 10000, which the longest
 * one does not reach (AIMv2) or, `sincos-inclusive`, does (SimpleViT, big_vision).
 */
export type PositionResampling = (typeof POSITION_RESAMPLINGS)[number];

export const RELATIVE_POSITION_BIASES = ['none', 'per-block', 'shared'] as const;

/** BEiT's table of biases that are added to the attention scores: one in each block, or one for all. */
export type RelativePositionBias = (typeof RELATIVE_POSITION_BIASES)[number];

export const RELATIVE_RESAMPLINGS = ['bilinear', 'geometric'] as const;

/** How that table is brought to another grid: PyTorch's bilinear (Hugging Face), or on a geometric scale (timm, BEiT). */
export type RelativeResampling = (typeof RELATIVE_RESAMPLINGS)[number];

export const FINAL_NORMS = ['tokens', 'pooled', 'none'] as const;

/** What the last norm is of: every token (`norm`), the pooled features (`fc_norm`), or there is none. */
export type FinalNorm = (typeof FINAL_NORMS)[number];

export const POOLINGS = [
  'class',
  'class-and-distillation',
  'class-and-patches',
  'patches',
  'patches-and-largest',
  'all',
  'attention',
  'none',
] as const;

/**
 * How tokens become the features of an image: the class token; the mean of class and distillation token (with classes:
 * a head for each, whose logits are averaged: DeiT); the class token followed by the mean of the patches (DINOv2); the
 * mean of the patches, that halfway to the largest of each feature (timm's avgmax), or the mean of all tokens; attention of a
 * learned query (SigLIP). With `none` the tokens are the result.
 */
export type Pooling = (typeof POOLINGS)[number];

export interface Architecture {
  /** [height, width] in pixels. */
  imageSize: [number, number];
  /** [height, width] in pixels; divides the image size. */
  patchSize: [number, number];
  channels: number;
  /** D: features per token. */
  width: number;
  /** L: blocks. */
  depth: number;
  /** H: divides the width, unless `headSize` is given. */
  heads: number;
  /** M: features of the hidden layer of an MLP; with SwiGLU those after the product of gate and up. */
  mlpWidth: number;
  /** Outputs of the classification head; 0 for a model without one. */
  classes: number;
  /** Of the MLPs. SwiGLU has SiLU instead. */
  activation: Activation;
  /** Of every norm. */
  epsilon: number;

  /** What every norm is. Default `layer`. */
  norm?: Norm;
  /** Whether a class token stands in front of the patches. Default true. */
  classToken?: boolean;
  /** Whether DeiT's distillation token stands behind the class token. Default false. */
  distillationToken?: boolean;
  /** How many register tokens (DINOv2) stand before the patches. Default 0. */
  registerTokens?: number;
  /** Default `all`. */
  positionEmbedding?: PositionEmbedding;
  /** Default `bicubic-antialias`. */
  positionResampling?: PositionResampling;
  /** Whether the pixels of each patch are normalised before they are projected (lucidrains' vit-pytorch). Default false. */
  pixelNorm?: boolean;
  /**
   * Widths of linear layers, each with the activation behind it, that the pixels of a patch go through before they are projected
   * (MobileCLIP's convolutions). Default none.
   */
  stem?: number[];
  /** Whether the projection of patches has a bias. Default true. */
  patchBias?: boolean;
  /** Whether each projected patch is normalised before anything is added. Default false. */
  patchNorm?: boolean;
  /** Whether all tokens are normalised before the first block (CLIP). Default false. */
  normBeforeBlocks?: boolean;
  /** Default `first`. */
  normOrder?: NormOrder;
  /** Whether Q, K and V have a bias. Default true. */
  qkvBias?: boolean;
  /** Whether Q and K of each head are normalised. Default false. */
  qkNorm?: boolean;
  /** How Q and K are turned by the place of their patch. Default null: not at all. */
  rotary?: Rotary | null;
  /** Whether the heads, side by side, are normalised before they are projected. Default false. */
  attentionNorm?: boolean;
  /** K: features of a head, of which all together need not be as wide as the tokens. Default width / heads. */
  headSize?: number;
  /** What Q Kᵀ is multiplied with. Default 1/√(head size). */
  attentionScale?: number;
  /** Default `none`. */
  relativePositionBias?: RelativePositionBias;
  /** Default `bilinear`. */
  relativeResampling?: RelativeResampling;
  /** Whether what attention and MLP add is multiplied by learned factors, one per feature. Default false. */
  layerScale?: boolean;
  /** Default `plain`. */
  mlp?: Mlp;
  /** Whether the hidden layer of an MLP is normalised, behind its activation. Default false. */
  mlpNorm?: boolean;
  /** Default `tokens`. */
  finalNorm?: FinalNorm;
  /** Whether tokens in front of the patches have a final norm of their own (DINOv3). Default false. */
  prefixNorm?: boolean;
  /** Default `class`. */
  pooling?: Pooling;
  /** Of the pooling by attention; divides the width. Default as many as in a block. */
  poolingHeads?: number;
  /** Whether its query is a linear layer of what was learned, or that itself (AIMv2). Default true. */
  poolingQuery?: boolean;
  /** Hidden features of its MLP; 0 for none. Default those of a block. */
  poolingMlpWidth?: number;
  /** Whether it sees the tokens in front of the patches. Default true. */
  poolingPrefix?: boolean;
  /** Features of a layer with tanh behind the pooling (Hugging Face's pooler); 0 for none. Default 0. */
  representation?: number;
  /** Features of a linear projection behind the pooling (CLIP); 0 for none. Default 0. */
  projection?: number;
  /** Whether it has a bias. Default false. */
  projectionBias?: boolean;
  /** Whether the embedding is scaled to length 1 (CLIP). Default false. */
  normalizeEmbedding?: boolean;
  /** The text tower (CLIP), whose embeddings share the space of the images'. Default null: there is none. */
  text?: TextArchitecture | null;
}

/** An architecture in which nothing is left out: what every network is made from. */
export type FullArchitecture = Required<Architecture>;

/** Fills in the defaults: once, where an architecture is read or decided. */
export function withDefaults(architecture: Architecture): FullArchitecture {
  const headSize = architecture.headSize ?? architecture.width / architecture.heads;
  return {
    norm: 'layer',
    classToken: true,
    distillationToken: false,
    registerTokens: 0,
    positionEmbedding: 'all',
    positionResampling: 'bicubic-antialias',
    pixelNorm: false,
    stem: [],
    patchBias: true,
    patchNorm: false,
    normBeforeBlocks: false,
    normOrder: 'first',
    qkvBias: true,
    qkNorm: false,
    rotary: null,
    attentionNorm: false,
    headSize,
    attentionScale: headSize ** -0.5,
    relativePositionBias: 'none',
    relativeResampling: 'bilinear',
    layerScale: false,
    mlp: 'plain',
    mlpNorm: false,
    finalNorm: 'tokens',
    prefixNorm: false,
    pooling: 'class',
    poolingHeads: architecture.heads,
    poolingQuery: true,
    poolingMlpWidth: architecture.mlpWidth,
    poolingPrefix: true,
    representation: 0,
    projection: 0,
    projectionBias: false,
    normalizeEmbedding: false,
    text: null,
    ...architecture,
  };
}

/** Leaves out every field that says what its default says: the shortest form, which a manifest has. */
export function withoutDefaults(architecture: Architecture): Architecture {
  const { imageSize, patchSize, channels, width, depth, mlpWidth, classes, heads, activation, epsilon } = architecture;
  const required = { imageSize, patchSize, channels, width, depth, mlpWidth, classes, heads, activation, epsilon };
  const defaults: Record<string, unknown> = withDefaults(required);
  const departures = Object.entries(architecture).filter(
    ([name, value]) => !(name in required) && value !== undefined && String(value) !== String(defaults[name]),
  );
  return { ...required, ...Object.fromEntries(departures) };
}

/** [rows, columns] of patches. */
export function patchGrid({ imageSize, patchSize }: Pick<Architecture, 'imageSize' | 'patchSize'>): [number, number] {
  return [imageSize[0] / patchSize[0], imageSize[1] / patchSize[1]];
}

export function patchCount(architecture: Pick<Architecture, 'imageSize' | 'patchSize'>): number {
  const [rows, columns] = patchGrid(architecture);
  return rows * columns;
}

/** Tokens in front of the patches: class, distillation, registers, in this order. */
export function prefixCount({ classToken, distillationToken, registerTokens }: FullArchitecture): number {
  return Number(classToken) + Number(distillationToken) + registerTokens;
}

/** N: the prefix and every patch. */
export function tokenCount(architecture: FullArchitecture): number {
  return prefixCount(architecture) + patchCount(architecture);
}

/** Rows of `pos_embed` that belong to prefix tokens; those of the patches follow. */
export function positionPrefix(architecture: FullArchitecture): number {
  const { positionEmbedding, registerTokens } = architecture;
  if (positionEmbedding === 'all') return prefixCount(architecture);
  if (positionEmbedding === 'all-but-registers') return prefixCount(architecture) - registerTokens;
  return 0;
}

/** Features of one patch, in the order of the convolution's weight: channel, row, column. */
export function patchFeatures({ channels, patchSize }: Architecture): number {
  return channels * patchSize[0] * patchSize[1];
}

/** Features of the embedding; 0 where tokens are not pooled. */
export function embeddingWidth({ pooling, projection, representation, width }: FullArchitecture): number {
  if (pooling === 'none') return 0;
  return projection || representation || (pooling === 'class-and-patches' ? 2 * width : width);
}
