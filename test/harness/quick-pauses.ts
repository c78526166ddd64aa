/**
 * Pauses before something is tried again, in a tenth of their time: how long they are in proportion is what counts.
 */
import { afterEach, beforeEach, vi } from 'vitest';

export const QUICKER = 10;

/** For the tests of a file, or of a suite. Servers in this process take their timers from node:timers. */
export function quickPauses(): void {
  beforeEach(() => {
    const { setTimeout } = globalThis;
    const quick = (act: (...given: unknown[]) => void, milliseconds = 0, ...given: unknown[]) =>
      setTimeout(act, milliseconds / QUICKER, ...given);
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(quick as typeof setTimeout);
  });
  afterEach(() => {
    vi.mocked(globalThis.setTimeout).mockRestore();
  });
}
