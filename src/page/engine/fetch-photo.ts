/**
 * A photo at an address, or why it cannot be had.
 */
import type { Problem } from '../state/problem.ts';

export async function fetchPhoto(url: string): Promise<Blob | Problem> {
  const { hostname, origin } = new URL(url, document.baseURI);
  try {
    const response = await fetch(url);
    return response.ok ? await response.blob() : ({ problems }) => problems.notFound(hostname, response.status);
  } catch {
    return ({ problems }) =>
      origin === location.origin ? problems.sampleUnreachable() : problems.unreachable(hostname);
  }
}
