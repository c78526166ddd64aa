/**
 * The kernels for the CPU, wasm/*.ts, compiled to `dist/wasm`: two modules of one source, since a module with one instruction
 * that a browser does not know is refused whole; and that of search, in base64, since it is so small that it lies within its script.
 * Builds, tests and `npm start` all begin with it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import asc from 'assemblyscript/asc';

const SOURCES = 'wasm';
const OUTPUT = 'dist/wasm';

/** Each with its source, and what a browser must know for it. */
const MODULES: Record<string, [source: string, ...features: string[]]> = {
  'cpu-plain.wasm': ['index.ts', 'simd'],
  'cpu-relaxed.wasm': ['index.ts', 'simd', 'relaxed-simd'],
  'search.wasm.txt': ['search/index.ts', 'simd'],
};

const OPTIONS = [
  // A tenth smaller: what is to be inlined all the same says so.
  ...['-O3', '--shrinkLevel', '1', '--converge', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  // 4 GiB are the most that 32 bits address; how much is held the engine decides.
  ...['--importMemory', '--noExportMemory', '--maximumMemory', '65536'],
  // Functions that take vectors are called from within the module only.
  ...['--disableWarning', '112'],
];

/** `@inline` of a function, which AssemblyScript alone takes for TypeScript, is a comment in the sources. */
function readFile(name: string, folder: string): string | null {
  const path = resolve(folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8').replace(/^\/\/ (?=@inline$)/gm, '') : null;
}

/** Unless they are newer than their sources and than this file. */
export async function compileWasm(): Promise<void> {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' });
  const sources = ['build/wasm.ts', ...files.map((file) => join(SOURCES, file))];
  const changed = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  mkdirSync(OUTPUT, { recursive: true });
  for (const [file, [source, ...features]] of Object.entries(MODULES)) {
    const path = join(OUTPUT, file);
    if (existsSync(path) && statSync(path).mtimeMs > changed) continue;
    const enable = features.flatMap((feature) => ['--enable', feature]);
    // Other builds may run at the same time: none of them reads half a file.
    const unfinished = `${path}.${process.pid}`;
    const options = ['--outFile', unfinished, ...OPTIONS, ...enable];
    const { error, stderr } = await asc.main([`${SOURCES}/${source}`, ...options], { readFile });
    if (error) throw new Error(`wasm/ does not compile:\n${stderr}`);
    if (file.endsWith('.txt')) writeFileSync(unfinished, readFileSync(unfinished).toString('base64'));
    renameSync(unfinished, path);
  }
}
