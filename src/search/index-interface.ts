/**
 * What a page and the thread of its index say to each other: types, no code.
 */
import type { IndexModel, VectorDtype } from './index-manifest.ts';

/** Of a manifest. */
export interface IndexFacts {
  model: IndexModel;
  rows: number;
  dimension: number;
  dtype: VectorDtype;
}

/** How much of the vectors is here, in bytes. */
export interface LoadProgress {
  loaded: number;
  total: number;
}

export interface Match {
  id: string;
  /** The cosine of the angle to the query: 1 for the same direction. */
  score: number;
}

export interface IndexInterface {
  /** Of the code that answers. */
  release(): Promise<string>;
  open(address: string, notify: (progress: LoadProgress) => void): Promise<IndexFacts>;
  /** Fetches all vectors, unless they are here. */
  load(): Promise<void>;
  /** @param query of unit length, `[dimension]` */
  search(query: Float32Array, k: number): Promise<Match[]>;
  dispose(): Promise<void>;
}
