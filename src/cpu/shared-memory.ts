/**
 * Memory that all threads of a team see, on pages that are isolated from other origins and in Node, and modules that take it. A module
 * that imports shared memory differs from one that imports its own in a single flag, so that there is one file for both.
 */

/** Of WebAssembly: 4 GiB. */
export const MOST_PAGES = 65536;

/** Sections of a module, kinds of imports and flags of a memory's limits, as the binary format numbers them. */
const HEADER_BYTES = 8;
const IMPORTS = 2;
const MEMORY = 2;
const HAS_MAXIMUM = 1;
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
  const flags = flagsOfMemory(bytes);
  if (bytes[flags] !== HAS_MAXIMUM) throw new Error('the kernels do not import a memory with a maximum');
  bytes[flags] |= IS_SHARED;
  return bytes;
}

/** Where they are. */
function flagsOfMemory(bytes: Uint8Array): number {
  let at = HEADER_BYTES;
  /** LEB128, without a sign. */
  const number = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      // Behind the end are zeros.
      const byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const skip = () => {
    const length = number();
    at += length;
  };
  while (at < bytes.length && bytes[at++] !== IMPORTS) skip();
  number();
  const count = number();
  skip();
  skip();
  if (count !== 1 || bytes[at++] !== MEMORY) throw new Error('the kernels import something else than a memory');
  return at;
}
