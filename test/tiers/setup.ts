/**
 * Gives a test in Node what a page has: `navigator.gpu`, and the files of this project by `fetch`.
 */
import { readFile } from 'node:fs/promises';
import { startDawn } from '../../bench/dawn.ts';

// While anything is awaited, Dawn asks for it in every turn of this thread, which takes the core that the driver compiles on.
globalThis.setImmediate = ((callback: () => void) => setTimeout(callback, 1)) as unknown as typeof setImmediate;

Object.defineProperty(globalThis, 'navigator', { value: { gpu: startDawn() }, configurable: true });

const fetchFromNetwork = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  if (typeof input !== 'string' || !input.startsWith('/')) return fetchFromNetwork(input, init);
  return new Response(await readFile(input.replace(/^(\/@fs)?\//, (_, outside) => (outside ? '/' : ''))));
};
