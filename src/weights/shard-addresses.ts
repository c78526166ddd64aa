/**
 * Addresses of a model's shards. They lie beside its `model.json`: where a redirect led or, if they are not there, at the
 * address that was asked for. A query (`?token=…`) goes with them, but never to another origin.
 */
import type { ViTError } from '../error.ts';

export class ShardAddresses {
  /** Of a `model.json`, best first. */
  #bases: URL[];

  /** @param asked the address of the `model.json` @param answered where redirects led from there */
  constructor(asked: string, answered = asked) {
    const [from, to] = [new URL(asked), new URL(answered)];
    if (to.search === '' && to.origin === from.origin) to.search = from.search;
    this.#bases = to.href === from.href ? [from] : [to, from];
  }

  /** What `get` returns for the first address that has the file. @throws ViTError that of the last address */
  async first<T>(file: string, get: (url: string) => Promise<T>): Promise<T> {
    const bases = this.#bases;
    for (const [i, base] of bases.entries()) {
      try {
        const got = await get(besides(base, file));
        this.#bases = [base];
        return got;
      } catch (error) {
        if ((error as ViTError).code !== 'network' || i === bases.length - 1) throw error;
      }
    }
    throw new RangeError('There is at least one address.');
  }
}

function besides(base: URL, file: string): string {
  const url = new URL(file, base);
  if (url.search === '') url.search = base.search;
  return url.href;
}
