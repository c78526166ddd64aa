/**
 * `vit-webgpu/search`: an index of embeddings, searched in a page or in Node.
 */
export type { LoadProgress, Match } from './interface.ts';
export type { IndexModel, VectorDtype } from './manifest.ts';
export { type OpenIndexOptions, openIndex, type QueryModel, type SearchIndex, type SearchOptions } from './open.ts';
