/**
 * Fetches a model's files, from the cache or the network. A shard is handed on only if its size and SHA-256 are those of
 * the manifest; two are held at a time, whatever the size of the model.
 */
import { ViTError } from '../error.ts';
import { Arrival } from './arrival.ts';
import type { Manifest, ParsedManifest, ShardEntry } from './manifest.ts';
import { release } from './memory.ts';
import type { ModelCache } from './model-cache.ts';
import { parseManifest } from './parse-manifest.ts';
import { abortError, request } from './request.ts';
import { ShardAddresses } from './shard-addresses.ts';
import type { Sha256 } from './verify.ts';

/** Shards held at once: one is unpacked while the next one arrives. Between the two, both arrive. */
const HELD = 2;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The network's manifest, asked for before the cache is open, or, when it cannot be reached, the one kept from the last time.
 * @throws ViTError `network`, `bad-manifest`, `unsupported-model`, `aborted`
 */
export async function fetchManifest(
  url: string,
  cache: Promise<ModelCache> | null,
  signal: AbortSignal,
): Promise<{ manifest: ParsedManifest; addresses: ShardAddresses }> {
  const otherwise = async () => {
    const json = await (await cache)?.manifest(url);
    return json === undefined ? undefined : { json, answered: url };
  };
  // An outdated manifest from an HTTP cache would not match the shards.
  const options = { what: 'the model', signal, cache: 'no-cache', otherwise } as const;
  const { json, answered } = await request(url, options, async (response) => ({
    json: parseJson(await response.text(), url),
    answered: response.url || url,
  }));
  const manifest = parseManifest(json, url);
  await (await cache)?.keepManifest(url, json);
  return { manifest, addresses: new ShardAddresses(url, answered) };
}

/** How shards are fetched. */
export interface ShardFetching {
  addresses: ShardAddresses;
  cache: ModelCache | null;
  hash?: Sha256 | null;
  /** Called with the number of bytes that have arrived since the last call: in all, those of the manifest. */
  onBytes(count: number): void;
  signal: AbortSignal;
}

/**
 * The shards in order; each is valid until the next one is asked for.
 * @throws ViTError `network`, `bad-shard`, `aborted`
 */
export async function* fetchShards(
  { shards }: Pick<Manifest, 'shards'>,
  fetching: ShardFetching,
): AsyncGenerator<Bytes> {
  const { signal } = fetching;
  // When one shard fails, the others' requests must not go on.
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const largest = Math.max(...shards.map(({ bytes }) => bytes));
  // Reused: garbage would pile up faster than it is collected.
  const free = Array.from({ length: Math.min(HELD, shards.length) }, () => new Uint8Array(largest));
  const arriving: Promise<Arrived>[] = [];
  let next = 0;
  try {
    while (next < shards.length || arriving.length > 0) {
      while (free.length > 0 && next < shards.length) {
        const shard = shards[next++];
        const arrival = fetchShard(shard, free.pop()!, { ...fetching, signal: stop });
        arrival.catch(() => {}); // Thrown where it is awaited.
        arriving.push(arrival);
      }
      const { buffer, bytes, kept } = await arriving.shift()!;
      if (signal.aborted) throw abortError(signal.reason);
      yield bytes;
      await kept;
      free.push(buffer);
    }
    for (const { buffer } of free) release(buffer);
  } finally {
    failed.abort();
  }
}

/** What has come into a buffer. */
interface Arrived {
  buffer: Bytes;
  bytes: Bytes;
  /** When it is written to the cache, if it is. */
  kept?: Promise<void>;
}

async function fetchShard(shard: ShardEntry, buffer: Bytes, fetching: ShardFetching): Promise<Arrived> {
  const { addresses, cache, hash, onBytes, signal } = fetching;
  // Bytes that arrive again after a failure are no progress.
  let reported = 0;
  const onPosition = (bytes: number) => {
    if (bytes > reported) onBytes(bytes - reported);
    reported = Math.max(reported, bytes);
  };
  const before = await cache?.shard(shard, buffer, hash);
  if (before) {
    onBytes(before.length);
    return { buffer, bytes: before };
  }

  const attempt = async (url: string, mode: RequestCache) => {
    const arrival = new Arrival(shard, buffer, hash);
    const options = { what: 'a part of the model', signal, cache: mode };
    const consume = (response: Response) => arrival.read(response.body!, onPosition);
    await request(url, options, consume, arrival.position);
    return arrival.whole();
  };
  const bytes = await addresses.first(shard.file, (url) =>
    attempt(url, cache?.keeps ? 'no-store' : 'default').catch((error) => {
      // An HTTP cache may hold another version of the file.
      if (error.code === 'bad-shard') return attempt(url, 'reload');
      throw error;
    }),
  );
  return { buffer, bytes, kept: cache?.keepShard(shard, bytes) };
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ViTError('bad-manifest', `${url} is not JSON. Is it the address of a model.json?`, { cause });
  }
}
