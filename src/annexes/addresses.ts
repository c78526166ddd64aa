/**
 * Where the annexes are. The page has to say it: every bundler finds `new URL('./file', import.meta.url)` in the page's own
 * code and emits that file, but not all do in a worker.
 */
import { inFolder } from './in-folder.ts';
import type { AnnexAddresses, AnnexFile } from './table.ts';

/** Each is written out in full, since that is what bundlers look for. The build makes `./attend.js` of it. */
const BESIDE: Record<AnnexFile, () => URL> = {
  'attend.js': () => new URL('./entries/attend.ts', import.meta.url),
  'image-size.js': () => new URL('./entries/image-size.ts', import.meta.url),
  'texts.js': () => new URL('./entries/texts.ts', import.meta.url),
  'tokenizer.js': () => new URL('./entries/tokenizer.ts', import.meta.url),
  'sha256.js': () => new URL('./entries/sha256.ts', import.meta.url),
  'cpu.js': () => new URL('./entries/cpu.ts', import.meta.url),
  'cpu-plain.wasm': () => new URL('../../dist/wasm/cpu-plain.wasm', import.meta.url),
  'cpu-relaxed.wasm': () => new URL('../../dist/wasm/cpu-relaxed.wasm', import.meta.url),
  'reference.js': () => new URL('./entries/reference.ts', import.meta.url),
  'kernels.js': () => new URL('./entries/kernels.ts', import.meta.url),
  'tune.js': () => new URL('./entries/tune.ts', import.meta.url),
  'few-bits.js': () => new URL('./entries/few-bits.ts', import.meta.url),
  'family-kernels.js': () => new URL('./entries/family-kernels.ts', import.meta.url),
  'words.js': () => new URL('./entries/words.ts', import.meta.url),
  'convert.js': () => new URL('./entries/convert.ts', import.meta.url),
  'host.js': () => new URL('./entries/host.ts', import.meta.url),
};

/** @param assets the folder of all files of the library, where a bundler does not emit them */
export function annexAddresses(assets?: string | URL): AnnexAddresses {
  const addressOf = (file: AnnexFile) => {
    try {
      return (assets === undefined ? BESIDE[file]() : inFolder(assets, file)).href;
    } catch {
      // A classic script has no address of its own: then this one finds nothing.
      return file;
    }
  };
  const files = Object.keys(BESIDE) as AnnexFile[];
  return Object.fromEntries(files.map((file) => [file, addressOf(file)])) as AnnexAddresses;
}
