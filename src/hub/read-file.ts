/**
 * The bytes of a file as they arrive. A plain request by range resumes at any byte, and is all that a mirror needs to serve.
 */

import { request } from './hub-request.ts';
import type { HubFile, HubRepository } from './repository.ts';

/**
 * @param begin the first byte that is wanted @param end the one behind the last
 * @returns where the bytes begin: 0, and then they are the whole file, when the server does not send parts
 * @throws ViTError `network`
 */
export async function readFile(
  { options, commit }: HubRepository,
  { path }: HubFile,
  begin: number,
  end: number,
  signal?: AbortSignal,
): Promise<{ begin: number; bytes: ReadableStream<Uint8Array<ArrayBuffer>> }> {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const range = `bytes=${begin}-${end - 1}`;
  const response = await request(options, `/${options.repo}/resolve/${commit}/${encoded}`, { range }, signal);
  return { begin: response.status === 206 ? begin : 0, bytes: response.body! };
}
