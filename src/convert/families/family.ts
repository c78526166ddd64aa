/**
 * What a family of checkpoints is: a table from its tensor names to the canonical ones, and what its library takes for
 * granted. Pure data; `map-tensors.ts` carries it out. Adding a family is one file like `timm.ts` and its line in
 * `index.ts`.
 *
 * In a name pattern `#` stands for the number of a block, `%` for a number that does not matter, and a closing `*` for the
 * rest of the name. A name's block and rest are put in the place of the canonical pattern's `#` and `*`.
 */
import type { Architecture } from '../../model/architecture.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { TextFacts } from '../configs/config-facts.ts';
import type { Ask } from '../decisions.ts';
import type { PreprocessFacts } from '../preprocess/preprocess-facts.ts';
import type { RotaryFacts } from '../rotary-facts.ts';
import type { Dimensions } from '../tensor-dimensions.ts';

export interface Family {
  /** The layout that it is of. Several families may have one layout: their signatures distinguish them. */
  layout: string;
  /** For people. */
  title: string;
  /** Prefixes of a whole model, which are left out of all patterns below. `''` is for bare names. */
  prefixes: string[];
  /** A checkpoint is of this family when each of these patterns fits one of its names; `|` parts alternatives. */
  signature: string[];
  /** And when none of these does. */
  lacks?: string[];
  /**
   * The classes of transformers that have these tensors, and what each has beside the blocks. Where a config names one, it
   * decides which family it is, whatever else lies in the file.
   */
  models?: Record<string, readonly Part[]>;
  /**
   * Where its names are another family's, too: what stands before them decides, or the layout that is given. A pattern of the whole
   * prefix.
   */
  within?: RegExp;
  /** The family that it is where names are the same and shapes decide. */
  byShape?(tensors: Checkpoint['tensors']): Family | undefined;
  rules: Rule[];
  /** Of tensors that a model may lack, those of a group all together, and what they then are made of. */
  implied?: Rule[][];
  /** Of tensors that hold the patches as vectors, where no tensor shows how these are arranged: the size of a patch is given. */
  patchRules?(patchSize: [height: number, width: number]): Rule[];
  /** Where one tensor holds what other files have in one per block: its pattern, and theirs. */
  scanned?: { from: string; to: string };
  /** Tensors that only models have which this version cannot run: pattern -> what they are. */
  unsupported: Record<string, string>;
  /** Tensors that inference has no use for: pattern -> why, and beside which other tensor this holds (default any). */
  ignored: Record<string, string | { why: string; beside: string }>;
  /** Where no config says it. Left out where models with the same tensor names differ. */
  conventions: Conventions;
  /** Conventions that a model of one's own may not follow: asked where there is no config. */
  withoutConfig?(dimensions: Dimensions): Questions;
  /** False where the library has no rule for position embeddings at other image sizes: the one here is PyTorch's. */
  resamples?: false;
  /** Conventions that models of some dimensions do not follow, and what is asked then. */
  exceptions?(dimensions: Dimensions): Questions;
  /** What only a config says of these models, which have no tensor for it; asked where there is none. */
  needsConfig?: Ask;
  /** Where the library has one preprocessing for all of the family's models. */
  preprocess?(imageSize: readonly [height: number, width: number]): PreprocessFacts;
  /** What the text tower takes for granted; what it leaves out is asked for. */
  text?: Omit<TextFacts, 'heads' | 'activation'>;
}

/** What a model has beside its blocks. */
export type Part = 'head' | 'teacher' | 'projection' | 'text';

export type Questions = Partial<Record<keyof Conventions, Ask>>;

export type Conventions = Partial<
  Pick<
    Architecture,
    | 'epsilon'
    | 'activation'
    // Of each tower; the number of heads follows from it.
    | 'headSize'
    | 'normOrder'
    | 'pooling'
    | 'positionEmbedding'
    | 'positionResampling'
    | 'relativeResampling'
    // Only `none`, of families that may lack a final norm.
    | 'finalNorm'
    | 'poolingHeads'
    | 'poolingPrefix'
  >
> & {
  rotary?: RotaryFacts;
};

/** One canonical tensor, and the tensors of the checkpoint that it is made of. */
export interface Rule {
  to: string;
  from: string[];
  transform: Transform;
}

export interface Transform {
  /** @throws ViTError `bad-input` when these shapes do not go together. */
  shape(inputs: readonly (readonly number[])[]): number[];
  /** @returns memory that is the caller's: of its own, or that of an input */
  apply(inputs: Float32Array<ArrayBuffer>[], shapes: readonly (readonly number[])[]): Float32Array<ArrayBuffer>;
  /** Where the shapes show how many heads there are. */
  heads?(inputs: readonly (readonly number[])[]): number;
  /** [channels, height, width] of a patch, where they show that. */
  patch?(inputs: readonly (readonly number[])[]): [number, number, number];
}
