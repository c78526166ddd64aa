/**
 * The bytes of a picture, from a file or an address. What is wrong with the picture is distinguished from what is wrong with the
 * machine: the one is a row of the output, the other ends the work.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ViTError } from '../error.ts';
import { bucketRequest, isBucketAddress } from './bucket.ts';
import { isAddress } from './picture-list.ts';

/** Of a file's own: who asks again gets the same. */
const OF_THE_FILE: Record<string, string> = {
  ENOENT: 'There is no such file.',
  ENOTDIR: 'There is no such file.',
  EISDIR: 'It is a folder.',
  EACCES: 'It may not be read.',
  EPERM: 'It may not be read.',
  ENAMETOOLONG: 'Its name is too long.',
};

/** Milliseconds before an address is asked again. */
const PAUSES = [1000, 4000];
/** Milliseconds for an answer, to its last byte. */
const PATIENCE = 60_000;

/**
 * @param location a path, or an address; that is asked again where its server or the way to it is at fault
 * @throws ViTError `bad-image` or `network` for what is wrong with this picture; anything else for the machine
 */
export async function pictureBytes(
  location: string,
  signal?: AbortSignal,
  pauses = PAUSES,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!isAddress(location)) return fileBytes(location, signal);
  for (let times = 0; ; times++) {
    const { bytes, error, passes } = await download(location, signal);
    if (bytes) return bytes;
    if (!passes || times === pauses.length) throw error;
    await sleep(pauses[times], undefined, { signal });
  }
}

async function fileBytes(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path, { signal }));
  } catch (cause) {
    const why = OF_THE_FILE[(cause as NodeJS.ErrnoException).code ?? ''];
    throw why ? new ViTError('bad-image', why, { cause }) : cause;
  }
}

/** What came; or why it did not, and whether it may come another time. */
type Download =
  | { bytes: Uint8Array<ArrayBuffer>; error?: undefined; passes?: undefined }
  | { bytes?: undefined; error: ViTError; passes: boolean };

/** @throws the signal's reason */
async function download(address: string, signal?: AbortSignal): Promise<Download> {
  const limit = AbortSignal.timeout(PATIENCE);
  try {
    const response = await fetch(isBucketAddress(address) ? await bucketRequest(address) : address, {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const { ok, status } = response;
    if (ok) return { bytes: new Uint8Array(await response.arrayBuffer()) };
    await response.body?.cancel();
    const passes = status >= 500 || status === 429 || status === 408;
    return { error: new ViTError('network', `Its server answers HTTP ${status}.`), passes };
  } catch (error) {
    signal?.throwIfAborted();
    const { name, cause } = error as Error & { cause?: Error };
    const late = `It did not come within ${PATIENCE / 1000} s.`;
    const why = name === 'TimeoutError' ? late : `It cannot be fetched: ${cause?.message ?? error}.`;
    return { error: new ViTError('network', why, { cause: error }), passes: true };
  }
}
