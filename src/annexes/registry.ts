/**
 * Where an annex leaves what it has, for the core to find. Both bring a copy of this file: a bundler may move an annex and
 * drop its exports, but what a global symbol names is one object in the whole thread. Each release has a symbol of its own.
 */
import { VERSION } from '../version.ts';
import type { AnnexName, AnnexTable } from './table.ts';

const KEY = Symbol.for(`vit-webgpu/annexes/${VERSION}`);

/** Where the library's files do not lie where they are looked for. */
export const ADVICE =
  'Serve all of vit-webgpu/dist/lib beside your script, or in the folder that the option "assets" names; ' +
  "in Vite's configuration set optimizeDeps: { exclude: ['vit-webgpu'] }.";

/** What there is in this thread. */
export function registered(): Partial<AnnexTable> {
  const global = globalThis as { [KEY]?: Partial<AnnexTable> };
  global[KEY] ??= {};
  return global[KEY];
}

/** For the entry of an annex. */
export function register<N extends AnnexName>(name: N, annex: AnnexTable[N]): void {
  registered()[name] = annex;
}

/** Runs the script at `address`, unless it is here already: another engine may have needed it, or the page imported it. */
export async function loadAnnex<N extends AnnexName>(name: N, address: string): Promise<AnnexTable[N]> {
  // The page's bundler knows the file by its address; it is not to look for it here.
  if (!registered()[name])
    await import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ address);
  const annex = registered()[name];
  if (!annex) throw new Error('of another release');
  return annex;
}
