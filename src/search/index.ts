/**
 * `vit-webgpu/search`: an index of embeddings, searched in a page or in Node.
 */
export type { LoadProgress, Match } from './index-interface.ts';
export type { IndexModel, VectorDtype } from './index-manifest.ts';
export {
  type OpenIndexOptions,
  openIndex,
  type QueryModel,
  type SearchIndex,
  type SearchOptions,
} from './open-index.ts';
