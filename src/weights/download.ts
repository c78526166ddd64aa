/**
 * Fetching a model's files. A shard is handed on only when its size and its SHA-256 are the manifest's.
 */
import { ViTError } from '../error.ts';
import type { Manifest, ShardEntry } from './manifest.ts';
import { parseManifest } from './parse-manifest.ts';

/** Requests under way at once: two keep the line busy while one shard is hashed and uploaded. */
const PARALLEL = 3;

/** @throws ViTError `network`, `bad-manifest`, `unsupported-model`, `aborted` */
export async function fetchManifest(url: string, signal: AbortSignal): Promise<Manifest> {
  const response = await request(url, 'the model', signal);
  let json: unknown;
  try {
    json = await response.json();
  } catch (cause) {
    throw new ViTError('bad-manifest', `${url} is not JSON. Is it the address of a model.json?`, { cause });
  }
  return parseManifest(json, url);
}

/**
 * The shards in order, several requests at once.
 * @param onBytes told how many bytes more have arrived
 * @throws ViTError `network`, `bad-shard`, `aborted`
 */
export async function* fetchShards(
  manifestUrl: string,
  { shards }: Manifest,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // When one shard fails, the others' requests must not go on.
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const waiting: Promise<Uint8Array<ArrayBuffer>>[] = [];
  const start = (index: number) => {
    const shard = shards[index];
    const url = new URL(shard.file, manifestUrl).href;
    const bytes = request(url, 'a part of the model', stop)
      .then((response) => readBody(response, shard, onBytes, stop))
      .then((body) => verify(body, shard));
    bytes.catch(() => {}); // Thrown where it is awaited.
    waiting.push(bytes);
  };
  try {
    for (let next = 0; next < shards.length || waiting.length > 0; ) {
      while (waiting.length < PARALLEL && next < shards.length) start(next++);
      yield await waiting.shift()!;
    }
  } finally {
    failed.abort();
  }
}

/** @throws ViTError `bad-shard` */
export async function verify(bytes: Uint8Array<ArrayBuffer>, shard: ShardEntry): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length !== shard.bytes) {
    throw new ViTError(
      'bad-shard',
      `${shard.file} has ${bytes.length} bytes instead of ${shard.bytes}. It is cut short or of another model; fetch or convert it again.`,
    );
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex !== shard.sha256) {
    throw new ViTError('bad-shard', `${shard.file} was altered: its SHA-256 is not the manifest's. Fetch it again.`);
  }
  return bytes;
}

async function request(url: string, what: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    throw networkError(`Could not fetch ${what} from ${url}. Check the connection and the address.`, signal, cause);
  }
  if (!response.ok) {
    throw new ViTError('network', `Could not fetch ${what} from ${url}: the server answered ${response.status}.`);
  }
  return response;
}

/** Reads into memory of exactly the manifest's size: `Content-Length` is of the compressed form. */
async function readBody(
  response: Response,
  shard: ShardEntry,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(shard.bytes);
  let length = 0;
  try {
    const reader = response.body!.getReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      if (length + chunk.value.length > bytes.length) {
        await reader.cancel();
        throw new ViTError('bad-shard', `${shard.file} is longer than the ${shard.bytes} bytes of the manifest.`);
      }
      bytes.set(chunk.value, length);
      length += chunk.value.length;
      onBytes(chunk.value.length);
    }
  } catch (cause) {
    if (cause instanceof ViTError) throw cause;
    throw networkError(`The connection broke while ${shard.file} was loading.`, signal, cause);
  }
  return bytes.subarray(0, length);
}

function networkError(message: string, signal: AbortSignal, cause: unknown): ViTError {
  return signal.aborted
    ? new ViTError('aborted', 'Loading was aborted.', { cause })
    : new ViTError('network', message, { cause });
}
