/**
 * Builds what a benchmark runs: the library as it is published, and the benchmark's own TypeScript, into a folder of its
 * own, so that a benchmark never runs on an old build.
 */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const BUILD = resolve(ROOT, '.cache/bench-build');

/** @param entry `browser` or `node`: the module of this folder that Node runs */
export async function buildBenchmark(entry) {
  process.chdir(ROOT);
  rmSync(BUILD, { recursive: true, force: true });
  const common = { root: ROOT, configFile: false, publicDir: false, logLevel: 'warn' };
  await build({
    ...common,
    // Whatever runs it needs nothing but Node, and what `peers.ts` loads.
    ssr: { noExternal: true, external: ['playwright'] },
    build: {
      outDir: `${BUILD}/${entry}`,
      target: 'node20',
      ssr: true,
      rolldownOptions: { input: { [entry]: `bench/${entry}.ts` } },
    },
  });
  if (entry === 'browser') {
    await build({ root: ROOT, mode: 'lib', logLevel: 'warn', build: { outDir: `${BUILD}/lib` } });
    await build({
      ...common,
      build: {
        outDir: `${BUILD}/page`,
        target: 'es2022',
        minify: false,
        lib: { entry: 'bench/page.ts', formats: ['es'], fileName: 'page' },
      },
    });
  }
  return `${BUILD}/${entry}/${entry}.js`;
}
