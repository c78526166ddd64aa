/**
 * Memory that all threads of a team see, on pages that are isolated from other origins and in Node, and modules that take it. A module
 * that imports shared memory differs from one that imports its own in a single flag, so that there is one file for both.
 */

/** Of WebAssembly: 4 GiB. */
export const MOST_PAGES = 65536;

/** How modules import their memory, in the binary format: its name, its kind and the flags of its limits. */
const MEMORY_WITH_MAXIMUM = 'memory\x02\x01';
const IS_SHARED = 2;

/** @returns null where threads share none, or may not sleep */
export function sharedMemory(): WebAssembly.Memory | null {
  try {
    // Throws where pages have no such memory, and in a page's own thread.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  } catch {
    return null;
  }
}

/**
 * @param module imports one memory, and nothing else
 * @returns the same for memory that is shared
 */
export function forSharedMemory(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(module);
  const at = String.fromCharCode(...bytes).indexOf(MEMORY_WITH_MAXIMUM);
  if (at < 0) throw new Error('the kernels need a memory with a maximum');
  bytes[at + MEMORY_WITH_MAXIMUM.length - 1] |= IS_SHARED;
  return bytes;
}
