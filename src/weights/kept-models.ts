/**
 * The models that `ModelCache` keeps, for every page of this origin to list and to remove.
 */
import { forgetFindings } from './findings.ts';
import { PART } from './keep.ts';
import type { ShardEntry, Words } from './manifest.ts';
import { openStore, type Store } from './store.ts';

/** Ending of files that hold a `Kept`. */
export const MANIFEST = '.json';

/** Files are named by their SHA-256. */
const HASH = /^[0-9a-f]{64}$/;

export interface Kept {
  url: string;
  /** As it was fetched, to be parsed again. */
  manifest: { name: string; shards: ShardEntry[]; words?: Words };
}

export interface CachedModel {
  name: string;
  /** Of the `model.json` that it was loaded from; of a checkpoint `hf:owner/name@revision#…` or `file:name#…`. */
  url: string;
  /** Of its shards and its tokenizer that are kept; all of them when it loads without a network, words and all. */
  cachedBytes: number;
  bytes: number;
}

/** What `loadViT` has kept in this origin. Empty where nothing can be kept. */
export async function cachedModels(): Promise<CachedModel[]> {
  const store = await openStore();
  if (!store) return [];
  const files = await store.list();
  return (await readAllKept(store, files)).map(({ url, manifest }) => {
    const own = filesOf(manifest);
    const kept = own.filter(({ sha256, bytes }) => files.get(sha256) === bytes);
    return { name: manifest.name, url, cachedBytes: sum(kept), bytes: sum(own) };
  });
}

/** What a model consists of: a manifest that was kept may be of any form. */
function filesOf({ shards, words }: Kept['manifest']): ShardEntry[] {
  return words?.tokenizer ? [...shards, words.tokenizer] : shards;
}

/**
 * Removes what `loadViT` has kept in this origin. Loaded models are not affected.
 * @param model its `url` in `cachedModels()`: what other models need, too, stays. Default: everything, also what was found out
 *   about GPUs
 */
export async function clearCache(model?: string): Promise<void> {
  if (model === undefined) forgetFindings();
  const store = await openStore();
  if (!store) return;
  for (const name of (await store.list()).keys()) {
    const isIts = async () => name.endsWith(MANIFEST) && (await readKept(store, name))?.url === model;
    if (model === undefined || (await isIts())) await store.remove(name);
  }
  if (model !== undefined) await removeOrphans(store);
}

/** Files that no model has. */
export async function removeOrphans(store: Store): Promise<void> {
  const files = await store.list();
  const used = new Set(
    (await readAllKept(store, files)).flatMap(({ manifest }) => filesOf(manifest).map(({ sha256 }) => sha256)),
  );
  // Also those that a closed tab has left half-written.
  const isShard = (name: string) => HASH.test(name.replace(PART, ''));
  for (const name of files.keys()) if (isShard(name) && !used.has(name)) await store.remove(name);
}

export async function readAllKept(store: Store, files: Map<string, number>): Promise<Kept[]> {
  const names = [...files.keys()].filter((name) => name.endsWith(MANIFEST));
  return (await Promise.all(names.map((name) => readKept(store, name)))).filter((kept) => kept !== null);
}

/** Null where there is no such file, or it holds something else. */
export async function readKept(store: Store, name: string): Promise<Kept | null> {
  const stream = await store.read(name);
  try {
    const kept: Kept = stream && (await new Response(stream).json());
    return Array.isArray(kept?.manifest?.shards) ? kept : null;
  } catch {
    return null;
  }
}

function sum(shards: ShardEntry[]): number {
  return shards.reduce((total, { bytes }) => total + bytes, 0);
}
