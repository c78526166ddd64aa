/**
 * Embeddings of photos, each computed once: whatever is asked next, a photo is looked at no second time.
 */
import type { Embedding, Timed, ViT } from '../../index.ts';

const kept = new WeakMap<ViT, WeakMap<Blob, Promise<Timed<Embedding>>>>();

/** Calls that wait are computed as one batch by the library. */
export function embeddingOf(vit: ViT, file: Blob): Promise<Timed<Embedding>> {
  const ofModel = kept.get(vit) ?? new WeakMap<Blob, Promise<Timed<Embedding>>>();
  kept.set(vit, ofModel);
  let embedding = ofModel.get(file);
  if (!embedding) {
    embedding = vit.embed(file);
    ofModel.set(file, embedding);
    embedding.catch(() => ofModel.delete(file));
  }
  return embedding;
}
