/**
 * Collects what models left behind. A memory of WebAssembly takes 8 GB of addresses until then, and all threads of a page together have
 * room for 125; one that finds no room collects its own garbage, and none of the others'.
 */

/** Where the tests' Chrome is: it is started so that there is a `gc` (chrome-args.ts). */
export function collectGarbage(): void {
  (globalThis as { gc?(): void }).gc?.();
}

/** A collection takes 0.1 s, and a family at most six memories. */
const FAMILIES_AT_ONCE = 8;
let families = 0;

/** The same, where the CPU has computed one family after the other. */
export function collectGarbageOfFamilies(): void {
  if (++families % FAMILIES_AT_ONCE === 0) collectGarbage();
}
