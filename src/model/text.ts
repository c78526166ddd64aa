/**
 * What a text tower is: the other half of a CLIP or SigLIP, from token ids to an embedding in the space of the images'.
 * Pure data. Words become ids in `text/`.
 */
import type { Activation, Mlp, Norm } from './layers.ts';

export const TEXT_POOLINGS = ['end-of-text', 'highest-id', 'last'] as const;

/**
 * Which token's features are the text's: the first that is `endOfText`, the one with the highest id (OpenAI's CLIP, whose
 * end-of-text token is the last of the vocabulary), or the last one (SigLIP, whose texts are padded to full length).
 */
export type TextPooling = (typeof TEXT_POOLINGS)[number];

export const CLEANINGS = ['html', 'canonical'] as const;

/**
 * What becomes of a text before its tokens: `html` resolves character references, twice, and drops space around the text
 * (CLIP); `canonical` also drops punctuation, makes it lower case with single spaces, and a space of an underscore (SigLIP).
 */
export type Cleaning = (typeof CLEANINGS)[number];

export interface TextArchitecture {
  /** Token ids are below it. */
  vocabulary: number;
  /** T: tokens of every text, padding included. */
  tokens: number;
  width: number;
  depth: number;
  /** Divides the width. */
  heads: number;
  mlpWidth: number;
  activation: Activation;
  /** Of every norm. */
  epsilon: number;
  /** What every norm is. Default `layer`. */
  norm?: Norm;
  /** Default `plain`. */
  mlp?: Mlp;
  /** Whether a token attends only to itself and those before it. */
  causal: boolean;
  pooling: TextPooling;
  /** The token id that ends a text, for the pooling of that name. */
  endOfText?: number;
  /** Fills a text up to its full length. */
  padding: number;
  /** Whether the projection to the embedding has a bias. Default false. */
  projectionBias?: boolean;
  /** Similarity of an image and a text is exp(logitScale) * cosine + logitBias. */
  logitScale: number;
  /** Default 0. */
  logitBias?: number;
}
