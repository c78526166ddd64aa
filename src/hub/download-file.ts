/**
 * A whole file, in order, taken up where it broke off. Its hash is for whoever keeps the bytes to check.
 */
import { ViTError } from '../error.ts';
import { chunksOf } from '../weights/memory.ts';
import { explain } from './hub-request.ts';
import { persist } from './persist.ts';
import { readFile } from './read-file.ts';
import type { HubFile, HubRepository } from './repository.ts';

/**
 * @param begin bytes that are there already
 * @param take gets every piece, until it is done with it, and its place in the file: in order, but from 0 again when the server does not send parts
 * @throws ViTError `network` when the file cannot be had as a whole; what `take` throws
 */
export async function downloadFile(
  repository: HubRepository,
  file: HubFile,
  begin: number,
  take: (bytes: Uint8Array<ArrayBuffer>, offset: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const { path, size } = file;
  let there = begin;
  const attempt = async () => {
    const part = await readFile(repository, file, there, size, signal);
    there = part.begin;
    const chunks = chunksOf(part.bytes);
    try {
      for (let chunk = await next(chunks, repository); chunk; chunk = await next(chunks, repository)) {
        if (there + chunk.length > size) {
          throw new ViTError('network', `${path} has more than the ${size} bytes that the repository lists.`);
        }
        await take(chunk, there);
        there += chunk.length;
      }
    } finally {
      chunks.return(undefined);
    }
    if (there < size) throw explain(new Error('the connection ended early'), repository.options);
  };
  if (there < size) await persist(attempt, signal, () => there);
}

/** Null at the end. */
async function next(
  chunks: AsyncGenerator<Uint8Array<ArrayBuffer>>,
  { options }: HubRepository,
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return (await chunks.next()).value ?? null;
  } catch (cause) {
    throw explain(cause, options);
  }
}
