/**
 * What a Vision Transformer is, as numbers: a manifest's `architecture`. Pure data; it knows no GPU and no file.
 */
export const ACTIVATIONS = ['gelu', 'gelu_tanh', 'quick_gelu', 'relu'] as const;

/** `gelu` is the exact one (erf); `quick_gelu` is OpenAI's `x * sigmoid(1.702 x)`. */
export type Activation = (typeof ACTIVATIONS)[number];

/** A pre-norm ViT with a class token: timm's `VisionTransformer`, Hugging Face's `ViTForImageClassification`. */
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
  /** H: divides the width. */
  heads: number;
  /** M: features of the hidden layer of an MLP. */
  mlpWidth: number;
  /** Outputs of the classification head. */
  classes: number;
  activation: Activation;
  /** Of every LayerNorm. */
  epsilon: number;
}

/** [rows, columns] of patches. */
export function patchGrid({ imageSize, patchSize }: Architecture): [number, number] {
  return [imageSize[0] / patchSize[0], imageSize[1] / patchSize[1]];
}

/** N: the class token and every patch. */
export function tokenCount(architecture: Architecture): number {
  const [rows, columns] = patchGrid(architecture);
  return 1 + rows * columns;
}

/** Features of one patch, in the order of the convolution's weight: channel, row, column. */
export function patchFeatures({ channels, patchSize }: Architecture): number {
  return channels * patchSize[0] * patchSize[1];
}
