import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import type { Plugin } from 'vite';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { besideIndex, besideLibrary, NOTICES } from './build/beside.ts';
import { shrinkShader } from './build/shaders.ts';
import { compileWasm } from './build/wasm.ts';
import { SHARED_CACHE } from './src/page/intake/shared-cache.ts';
import { bundledWorkers } from './test/harness/bundled-workers.ts';
import { CHROME_ARGS } from './test/harness/chrome-args.ts';
import { firefox } from './test/harness/firefox-provider.ts';
import { lavapipePool } from './test/harness/lavapipe-pool.ts';

/**
 * Builds of one source, and the tests. `vite` alone serves the page while developing.
 *   --mode lib   dist/lib   index.js and worker.js: plain ES modules that run from static files
 *   --mode apps  dist/apps  hooks for React, and a custom element, on dist/lib
 *   --mode search  dist/search  an index of embeddings, with a worker of its own
 *   --mode node  dist/node  the entry for Node, on the files of dist/lib
 *   --mode page  dist/page  the classification page with its model, on the library in dist/lib
 *   --mode cli   dist/cli   the command line, for Node
 */
/** Half of a shader is comment and space. What a compiler says of it comes with the line it means, as it was shipped. */
const smallShaders: Plugin = {
  name: 'small-shaders',
  apply: 'build',
  enforce: 'pre',
  load(id) {
    const file = /^(.*\.wgsl)\?raw$/.exec(id)?.[1];
    if (!file) return null;
    return `export default ${JSON.stringify(shrinkShader(readFileSync(file, 'utf8')))}`;
  },
};

/** What every file of `dist/lib` is built with. */
const script: ViteUserConfig = {
  publicDir: false,
  logLevel: 'warn',
  plugins: [smallShaders],
  build: { target: 'es2022', rolldownOptions: { output: { minify: true } } },
};

const library: ViteUserConfig = {
  ...script,
  plugins: [smallShaders, besideIndex(script)],
  build: {
    ...script.build,
    outDir: 'dist/lib',
    license: NOTICES,
    lib: { entry: { index: 'src/index.ts' }, formats: ['es'] },
  },
};

const LIBRARY_INDEX = resolve('dist/lib/index.js');

/** The library apart from the page that uses it: each has its own bound in the size test. */
const LIBRARY = { name: 'library', test: /[\\/]dist[\\/]lib[\\/]/ };

/** What the first view and every part that comes later have in common: the bundler would name it after one of its modules. */
const BASE = {
  name: 'base',
  test: /[\\/](node_modules[\\/](lit-html|@preact)|src[\\/]page[\\/](intake[\\/]model-files|text[\\/](?!zh)|state[\\/](?!things|conversion)))/,
};

const SERVICE_WORKER = 'service-worker';

/**
 * The library names its worker twice: in the form by which bundlers find workers, and as an address. Vite would emit it for each; where
 * it sees an address alone it copies the file once, as it is.
 */
const oneWorker: Plugin = {
  name: 'one-worker',
  apply: 'build',
  enforce: 'pre',
  transform(code, id) {
    if (id !== LIBRARY_INDEX) return null;
    const form = /new Worker\((?=new URL\("\.\/worker\.js",import\.meta\.url\))/;
    if (!form.test(code)) this.error('The library makes no worker in the form that bundlers know.');
    return code.replace(form, 'new Worker(""+');
  },
};

const page: ViteUserConfig = {
  base: './',
  // Marks for bundlers, which have seen it already.
  worker: { rolldownOptions: { output: { comments: { annotation: false } } } },
  // The page uses the library as it is shipped; while developing, its source.
  resolve: { alias: [{ find: /^\.\.\/\.\.\/index\.ts$/, replacement: LIBRARY_INDEX }] },
  build: {
    outDir: 'dist/page',
    target: 'es2022',
    license: NOTICES,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: 'index.html', [SERVICE_WORKER]: 'src/page/service-worker.ts' },
      output: {
        codeSplitting: { groups: [LIBRARY, BASE] },
        // Browsers know a service worker by its address.
        entryFileNames: ({ name }) => (name === SERVICE_WORKER ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  plugins: [
    oneWorker,
    {
      name: 'embed-model',
      apply: 'build',
      closeBundle() {
        cpSync('weights/vit-cifar10', 'dist/page/weights/vit-cifar10', { recursive: true });
        appendFileSync(join('dist/page', NOTICES.fileName), readFileSync(join('dist/lib', NOTICES.fileName)));
      },
    },
    {
      name: 'list-shell',
      apply: 'build',
      closeBundle: () => listShell('dist/page'),
    },
  ],
};

/** Writes into the service worker which files a visit without a network needs, and what it must know of the page: a script of its own cannot import. */
function listShell(folder: string): void {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) =>
      statSync(join(folder, path)).isFile() &&
      /^(assets|samples)[\\/]|^(icon|manifest)/.test(path) &&
      !/(host|convert)-/.test(path),
  );
  const hash = createHash('sha256');
  for (const path of ['index.html', ...paths.sort()]) hash.update(path).update(readFileSync(join(folder, path)));
  const files = ['./', ...paths.map((path) => path.replaceAll('\\', '/'))];
  const worker = join(folder, `${SERVICE_WORKER}.js`);
  const shell = JSON.stringify({ version: hash.digest('hex').slice(0, 12), files, sharedCache: SHARED_CACHE });
  writeFileSync(worker, `const SHELL=${shell};\n${readFileSync(worker, 'utf8')}`);
}

/** Beside the library, which it imports: a page has that once. */
const apps: ViteUserConfig = {
  publicDir: false,
  logLevel: 'warn',
  plugins: [
    {
      name: 'library',
      enforce: 'pre',
      resolveId: (id) => (id === '../index.ts' ? { id: '../lib/index.js', external: true } : null),
    },
  ],
  build: {
    outDir: 'dist/apps',
    target: 'es2022',
    lib: { entry: { react: 'src/apps/react.ts', element: 'src/apps/element.ts' }, formats: ['es'] },
    rolldownOptions: { external: ['react'], output: { minify: true, chunkFileNames: '[name].js' } },
  },
};

/** Apart from the library: who searches need not have a model. */
const search: ViteUserConfig = {
  ...script,
  plugins: [besideIndex(script)],
  build: {
    ...script.build,
    outDir: 'dist/search',
    license: NOTICES,
    lib: { entry: { search: 'src/search/index.ts' }, formats: ['es'] },
  },
};

const node: ViteUserConfig = {
  publicDir: false,
  plugins: [besideLibrary('../lib')],
  ssr: { noExternal: true, external: ['sharp'] },
  build: {
    outDir: 'dist/node',
    target: 'node20',
    ssr: true,
    license: NOTICES,
    rolldownOptions: {
      input: { index: 'src/node/index.ts', worker: 'src/node/worker.ts', 'team-member': 'src/node/team-member.ts' },
    },
  },
};

const cli: ViteUserConfig = {
  publicDir: false,
  // All built in, so that who installs the library for a page gets none of it. The others are the user's own.
  ssr: { noExternal: true, external: ['playwright', 'sharp', 'webgpu', 'bullmq', 'ioredis'] },
  build: {
    outDir: 'dist/cli',
    target: 'node20',
    ssr: true,
    license: NOTICES,
    // The tests need Chrome, too, before anything else of theirs can run.
    rolldownOptions: { input: { 'vit-webgpu': 'src/cli/vit-webgpu.ts', chrome: 'src/cli/chrome.ts' } },
  },
};

/** Real checkpoints, for those tests that need one. */
const MODELS = process.env.VIT_MODELS ? resolve(process.env.VIT_MODELS) : '';

/** Beside a browser that computes on the CPU; what hangs is found all the same. */
const UNIT_TIMEOUT = 30_000;

/**
 * Units that need a process each: one drops the annexes that others have registered, one counts the memory of its process,
 * one has an onnxruntime that makes Node's `Worker` a global.
 */
const ALONE = ['annexes', 'convert-large', 'export-onnx'].map((name) => `test/unit/${name}.spec.ts`);

/** Compiling is nearly all that tests on lavapipe do: unoptimised code takes two thirds of the time, and vectors of 128 bits half. */
const UNOPTIMISED = { GALLIVM_PERF: 'nopt' };
const SHORT_VECTORS = { ...UNOPTIMISED, LP_NATIVE_VECTOR_WIDTH: '128' };

/** Specs that run in Node, on Dawn and lavapipe, or on the machine's own GPU. @param env how lavapipe compiles */
function onLavapipe(name: string, include: string[], env: Record<string, string>) {
  return {
    define: { 'import.meta.env.VIT_MODELS': JSON.stringify(MODELS) },
    test: {
      name,
      include,
      env,
      setupFiles: 'test/tiers/setup.ts',
      // Its compiler takes half a minute for a large kernel where two cores have other work, too.
      testTimeout: 180_000,
      fileParallelism: false,
      pool: process.env.VIT_ADAPTER === 'gpu' ? 'forks' : lavapipePool,
    },
  };
}

const tests: ViteUserConfig = {
  publicDir: false,
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // Files share a process and its modules: a process for each took a quarter of the time.
          isolate: false,
          testTimeout: UNIT_TIMEOUT,
          include: ['test/unit/**/*.spec.ts', 'test/field/*.spec.ts'],
          exclude: [...ALONE, 'test/field/*.{browser,page}.spec.ts'],
        },
      },
      { test: { name: 'unit-alone', testTimeout: UNIT_TIMEOUT, include: ALONE } },
      // What needs more than SwiftShader has. Matrices are of vectors of 256 bits.
      onLavapipe('tiers', ['test/tiers/**/*.spec.ts'], UNOPTIMISED),
      // Every kernel and family on a second driver (test/matrix.js).
      onLavapipe('lavapipe', ['test/kernels/**/*.spec.ts', 'test/model/{families,families2}.spec.ts'], SHORT_VECTORS),
      {
        publicDir: false,
        plugins: [bundledWorkers],
        // Found while tests run, it would reload them.
        optimizeDeps: {
          include: [
            ...['react', 'react-dom/client', 'react-dom/server'],
            ...['@huggingface/tokenizers', 'onnxruntime-web/wasm', '@preact/signals-core', 'lit-html'],
            ...['guard', 'keyed', 'live', 'repeat'].map((directive) => `lit-html/directives/${directive}.js`),
          ],
        },
        define: {
          'import.meta.env.VIT_MODELS': JSON.stringify(MODELS),
          'import.meta.env.VIT_FUZZ_RUNS': JSON.stringify(process.env.VIT_FUZZ_RUNS ?? ''),
          'import.meta.env.VIT_FUZZ_SEED': JSON.stringify(process.env.VIT_FUZZ_SEED ?? ''),
        },
        server: {
          fs: { allow: MODELS ? ['.', MODELS] : ['.'] },
          // Nothing changes during a run.
          headers: { 'Cache-Control': 'max-age=3600' },
        },
        test: {
          name: 'gpu',
          include: ['test/kernels/**/*.spec.ts', 'test/model/**/*.spec.ts', 'test/field/*.browser.spec.ts'],
          setupFiles: 'test/harness/after-each-file.ts',
          testTimeout: 120_000,
          // One GPU, two cores: files one after another. One page for all: modules load once, and one device has compiled for all
          // what several compute with (test/harness/shared-device.ts).
          fileParallelism: false,
          isolate: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: process.env.CHROME_PATH, args: CHROME_ARGS } }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        publicDir: false,
        define: {
          'import.meta.env.VIT_MODELS': JSON.stringify(MODELS),
          'import.meta.env.VIT_ONE_OF_EACH': 'true',
        },
        server: { fs: { allow: MODELS ? ['.', MODELS] : ['.'] } },
        test: {
          // What a second WebGPU computes (test/matrix.js): the embedded model, and one of each family.
          name: 'firefox',
          include: ['test/model/vit-cifar10.spec.ts', 'test/model/{families,families2}.spec.ts'],
          testTimeout: 180_000,
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: firefox,
            instances: [{ browser: 'firefox' }],
          },
        },
      },
    ],
  },
};

export default defineConfig(async ({ mode }) => {
  if (mode !== 'cli') await compileWasm();
  return { lib: library, apps, search, node, page, cli, test: tests }[mode] ?? {};
});
