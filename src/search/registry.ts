/**
 * What the index's own script leaves for a caller that imports it: bundlers may drop exports, a global symbol stays.
 */
import { VERSION } from '../version.ts';
import type { IndexInterface } from './interface.ts';

/** By which the script knows that it runs in a worker of ours. */
export const WORKER_NAME = 'vit-webgpu search';

const KEY = Symbol.for(`vit-webgpu/search/${VERSION}`);

type Host = new () => IndexInterface;

export function registerHost(host: Host): void {
  (globalThis as { [KEY]?: Host })[KEY] = host;
}

export function registeredHost(): Host | undefined {
  return (globalThis as { [KEY]?: Host })[KEY];
}
