/**
 * The kernels for the CPU, wasm/*.ts, compiled to `dist/wasm`: two modules of one source, since a module with one instruction
 * that a browser does not know is refused whole. Builds, tests and `npm start` all begin with it.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const SOURCES = 'wasm';
const OUTPUT = 'dist/wasm';

const MODULES = {
  'cpu-plain.wasm': ['simd'],
  'cpu-relaxed.wasm': ['simd', 'relaxed-simd'],
};

const OPTIONS = [
  ...['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  // 4 GiB are the most that 32 bits address; how much is held the engine decides.
  ...['--importMemory', '--noExportMemory', '--maximumMemory', '65536'],
  // Functions that take vectors are called from within the module only.
  ...['--disableWarning', '112'],
];

/** Unless they are newer than their sources and than this file. */
export async function compileWasm(): Promise<void> {
  const sources = ['build/wasm.ts', ...readdirSync(SOURCES).map((file) => join(SOURCES, file))];
  const changed = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  mkdirSync(OUTPUT, { recursive: true });
  for (const [file, features] of Object.entries(MODULES)) {
    const path = join(OUTPUT, file);
    if (existsSync(path) && statSync(path).mtimeMs > changed) continue;
    const enable = features.flatMap((feature) => ['--enable', feature]);
    const { error, stderr } = await asc.main([`${SOURCES}/index.ts`, '--outFile', path, ...OPTIONS, ...enable]);
    if (error) throw new Error(`wasm/ does not compile:\n${stderr}`);
  }
}
