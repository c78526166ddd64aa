/**
 * How the index's own script is had in a thread that is not its worker's: whoever wants it there says so and imports it, and it
 * leaves what it has. Bundlers may drop exports; a global symbol stays.
 */
import { VERSION } from '../version.ts';
import type { IndexInterface } from './index-interface.ts';

type Host = new () => IndexInterface;

const KEY = Symbol.for(`vit-webgpu/search/${VERSION}`);
const global = globalThis as { [KEY]?: Host | 'wanted' };

/** Runs the script at `address`, unless it is here already. */
export async function importHost(address: string): Promise<Host> {
  if (typeof global[KEY] !== 'function') {
    global[KEY] = 'wanted';
    // The page's bundler knows the file by its address; it is not to look for it here.
    await import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ address);
  }
  const host = global[KEY] as Host | 'wanted';
  if (host === 'wanted') throw new Error('of another release');
  return host;
}

/** For the script. @returns false where nobody wants it, since it runs in a worker of its own */
export function leaveHost(host: Host): boolean {
  if (global[KEY] === undefined) return false;
  global[KEY] = host;
  return true;
}
