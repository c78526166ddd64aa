/**
 * What can be asked of a model besides its labels.
 */
export const OUTPUT_NAMES = ['logits', 'probabilities', 'embedding', 'tokens', 'hidden', 'attention'] as const;

/**
 * Shapes, of B images: `logits` and `probabilities` `[B, C]`; `embedding` `[B, features]`; `tokens` `[B, N, D]`, after the
 * final norm; `hidden` `[B, L, N, D]`, what each block hands on; `attention` `[B, L, H, N, N]`, the weights with which
 * each token (row) attends to each (column).
 */
export type OutputName = (typeof OUTPUT_NAMES)[number];

/** What an ordinary run does not compute, or otherwise: asking for it takes another plan. */
export interface Extras {
  tokens?: boolean;
  hidden?: boolean;
  /** Blocks whose attention is wanted. */
  attention?: readonly number[];
  /** Attention in three steps, with its weights stored, where one step that keeps them to itself cannot be had. */
  separateAttention?: boolean;
  /** Images of this size: [height, width]. What their tokens start from is given with them. */
  imageSize?: [number, number];
}

/** What is wanted of the network; the more, the longer it takes. */
export interface Wanted {
  outputs: readonly OutputName[];
  /** The blocks of which `attention` is; default all. */
  blocks?: readonly number[];
  /** [height, width] of images that come with their starts. Default: the model's, whose tensors hold the starts. */
  imageSize?: [number, number];
}

/** What a plan has to compute in addition. @param depth blocks of the model */
export function extrasFor({ outputs, blocks, imageSize }: Wanted, depth: number): Extras {
  const extras: Extras = imageSize ? { imageSize } : {};
  if (outputs.includes('tokens')) extras.tokens = true;
  if (outputs.includes('hidden')) extras.hidden = true;
  if (outputs.includes('attention')) extras.attention = blocks ?? Array.from({ length: depth }, (_, i) => i);
  return extras;
}
