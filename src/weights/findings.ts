/**
 * What was found out about this GPU and browser, kept from one load to the next: for as long as this thread lives and, in
 * the origin's store, beyond that. It only saves time, so nothing is said when it cannot be kept.
 */
import { keep } from './keep.ts';
import { openStore, type Store } from './store.ts';
import { sha256 } from './verify.ts';

const ENDING = '.finding';
const memory = new Map<string, string>();

export class Findings {
  readonly #store: Store | null;

  /** @param persist whether to keep them beyond this thread */
  static async open(persist: boolean): Promise<Findings> {
    return new Findings(persist ? await openStore() : null);
  }

  constructor(store: Store | null) {
    this.#store = store;
  }

  /**
   * @param about everything that the finding depends on, as JSON
   * @returns what `write` was given; undefined where there is nothing, or something damaged
   */
  async read(about: unknown): Promise<unknown> {
    try {
      const name = await fileName(about);
      let text = memory.get(name);
      if (text === undefined) {
        const stream = await this.#store?.read(name);
        if (!stream) return undefined;
        text = await new Response(stream).text();
        memory.set(name, text);
      }
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  async write(about: unknown, found: unknown): Promise<void> {
    try {
      const name = await fileName(about);
      const text = JSON.stringify(found);
      memory.set(name, text);
      if (this.#store) await keep(this.#store, name, new TextEncoder().encode(text));
    } catch {
      // It will be found out again.
    }
  }
}

/** Of this thread. */
export function forgetFindings(): void {
  memory.clear();
}

async function fileName(about: unknown): Promise<string> {
  return (await sha256(new TextEncoder().encode(JSON.stringify(about)))) + ENDING;
}
