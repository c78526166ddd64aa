/**
 * `npm run bench`: the systems that run in a page, each in a headless Chrome of its own.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { type Browser, type BrowserServer, chromium, type Page } from 'playwright';
import { chromeArguments, findChrome } from '../src/cli/chrome.ts';
import { type Comparison, compare } from './compare.ts';
import type { Contender, FirstResult } from './contender.ts';
import { describeMachine, peakMemory } from './machine.ts';
import type { MatmulRow, Shape } from './matmul-page.ts';
import { type PreparedModel, prepareModel } from './models.ts';
import { type Options, parseOptions } from './options.ts';
import type { PageBench } from './page.ts';
import { report } from './report.ts';
import { measureScaling, scalingTable } from './scaling.ts';
import { type StaticServer, serveFolders } from './static-server.ts';

/** The names of `--systems`. */
const SYSTEMS = ['ours', 'ort-webgpu', 'ort-wasm'];

/** qkv, expand and contract of ViT-Ti and ViT-B, one image. */
const MATMULS: Shape[] = [
  [197, 192, 576],
  [197, 192, 768],
  [197, 768, 192],
  [197, 768, 2304],
  [197, 768, 3072],
];

const BUILD = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const ROOT = resolve(BUILD, '../..');
const JAX = resolve(ROOT, 'bench/node_modules/@jax-js/jax/dist');

/** @param loadBefore the load average before anything was built */
export async function run(args: string[], loadBefore: number): Promise<number> {
  // Playwright closes its browsers then, but leaves ending to us.
  process.once('SIGTERM', () => process.exit(143));
  const adapterOption = new Option('--adapter <which>', 'the GPU, or the processor in its place')
    .choices(['auto', 'gpu', 'swiftshader'])
    .default('auto');
  const options = parseOptions('bench', args, { systems: SYSTEMS, own: [adapterOption] });
  const machine = { ...describeMachine(), loadAverage: Math.round(loadBefore * 100) / 100, busy: loadBefore > 1 };
  if (machine.busy) {
    console.warn(`The machine is busy (load average ${machine.loadAverage}): these figures will say little.`);
    if (options.requireIdle) return 1;
  }
  const software = options.adapter === 'swiftshader' || (options.adapter === 'auto' && !(await hasGpu()));
  const probe = await Chrome.start(software, {});
  const { adapter, peaks } = await probe.page.evaluate(() => bench.adapterPeaks());
  const browser = `Chrome ${probe.version}`;
  console.log(`${browser} on ${adapter}: ${(peaks.flops / 1e9).toFixed(1)} GFLOP/s, ${gigabytes(peaks.bandwidth)}`);
  const matmuls = options.matmul && !options.scaling ? await measureMatmuls(probe) : [];
  await probe.close();
  options.settle ??= software ? 0 : 5;

  const contenders = contendersOf(options, software);
  if (options.scaling) {
    const models: PreparedModel[] = [];
    for (const imageSize of options.imageSizes) {
      models.push(await prepareModel(options.models[0], imageSize, options.cache, options.dtype));
    }
    console.log(`\n${scalingTable(await measureScaling(models, contenders[0]))}`);
    return 0;
  }
  const comparisons: Comparison[] = [];
  for (const imageSize of options.imageSizes) {
    for (const size of options.models) {
      const model = await prepareModel(size, imageSize, options.cache, options.dtype);
      comparisons.push(await compare(model, contenders, options.batch, options, peaks, console.log));
    }
  }
  await report({ runtime: browser, adapter, software, machine, peaks, comparisons, matmuls }, options);
  return 0;
}

function contendersOf({ systems = SYSTEMS, dtype }: Options, software: boolean): Contender[] {
  const ours = (page: Page, shape: number[]) =>
    page.evaluate(([shape, dtype]) => bench.openLibrary('/lib/index.js', shape, { dtype }), [shape, dtype] as const);
  const ort = (bundle: string, provider: 'webgpu' | 'wasm') => (page: Page, shape: number[]) =>
    page.evaluate(([url, shape, provider]) => bench.openOnnx(url, shape, provider), [
      new URL(`/ort/${bundle}`, page.url()).href,
      shape,
      provider,
    ] as const);
  const all: Record<string, () => Contender> = {
    ours: () => inChrome('vit-webgpu', software, true, 'shardBytes', ours),
    'ort-webgpu': () =>
      inChrome('onnxruntime-web WebGPU', software, true, 'onnxBytes', ort('ort.webgpu.bundle.min.mjs', 'webgpu')),
    'ort-wasm': () =>
      inChrome('onnxruntime-web WASM', software, false, 'onnxBytes', ort('ort.wasm.bundle.min.mjs', 'wasm')),
  };
  return systems.map((name) => all[name]());
}

type Loaded = Omit<FirstResult, 'scriptBytes' | 'weightBytes'>;

/** A system in a Chrome that nothing else runs in. */
function inChrome(
  name: string,
  software: boolean,
  onAdapter: boolean,
  weights: 'shardBytes' | 'onnxBytes',
  load: (page: Page, imageShape: number[]) => Promise<Loaded>,
): Contender {
  return {
    name,
    onAdapter,
    async open(model) {
      const { channels, imageSize } = model.architecture;
      const chrome = await Chrome.start(software, { '/model': model.folder });
      try {
        const empty = peakMemory(chrome.pid);
        const loaded = await load(chrome.page, [channels, ...imageSize]);
        const scriptBytes = await chrome.server.gzipBytes(['/lib', '/ort']);
        return {
          first: { ...loaded, scriptBytes, weightBytes: model[weights] },
          run: (images) => chrome.page.evaluate((images) => bench.run(images), images),
          kernels: () => chrome.page.evaluate(() => bench.kernels()),
          async peakMemory() {
            const peak = peakMemory(chrome.pid);
            return peak === null || empty === null ? null : peak - empty;
          },
          close: () => chrome.close(),
        };
      } catch (error) {
        await chrome.close();
        throw error;
      }
    },
  };
}

async function measureMatmuls({ page }: Chrome): Promise<MatmulRow[]> {
  const jax = existsSync(JAX);
  if (!jax) console.warn('jax-js is left out: npm ci --prefix bench installs it.');
  try {
    return await page.evaluate(([shapes, url]) => bench.measureMatmuls(shapes, url), [
      MATMULS,
      jax ? new URL('/jax/index.js', page.url()).href : null,
    ] as const);
  } catch (error) {
    console.warn(`Matrix products alone could not be compared: ${(error as Error).message.split('\n')[0]}`);
    return [];
  }
}

async function hasGpu(): Promise<boolean> {
  const chrome = await Chrome.start(false, {});
  try {
    return await chrome.page.evaluate(async () => {
      const adapter = await navigator.gpu?.requestAdapter();
      return Boolean(adapter && !adapter.info.isFallbackAdapter && !/swiftshader/i.test(adapter.info.architecture));
    });
  } finally {
    await chrome.close();
  }
}

/** A headless Chrome with a fresh profile, its page, and the server that the page is from. */
class Chrome {
  readonly page: Page;
  readonly server: StaticServer;
  readonly #process: BrowserServer;
  readonly #browser: Browser;

  private constructor(process: BrowserServer, browser: Browser, page: Page, server: StaticServer) {
    this.#process = process;
    this.#browser = browser;
    this.page = page;
    this.server = server;
  }

  static async start(software: boolean, folders: Record<string, string>): Promise<Chrome> {
    const executablePath = findChrome(chromium.executablePath());
    if (!executablePath)
      throw new Error('There is no Chrome. Set CHROME_PATH, or run: npx playwright install chromium');
    const server = await serveFolders({
      '/bench': resolve(BUILD, 'page'),
      '/lib': resolve(BUILD, 'lib'),
      '/ort': resolve(ROOT, 'node_modules/onnxruntime-web/dist'),
      '/jax': JAX,
      ...folders,
    });
    const process = await chromium.launchServer({ executablePath, args: chromeArguments({ software }) });
    const browser = await chromium.connect(process.wsEndpoint());
    const page = await browser.newPage();
    // A first run may take minutes.
    page.setDefaultTimeout(0);
    await page.goto(server.origin);
    await page.addScriptTag({ url: '/bench/page.js', type: 'module' });
    await page.waitForFunction(() => 'bench' in globalThis);
    return new Chrome(process, browser, page, server);
  }

  get pid(): number {
    return this.#process.process().pid!;
  }

  get version(): string {
    return this.#browser.version();
  }

  async close(): Promise<void> {
    await this.#process.close();
    await this.server.close();
  }
}

function gigabytes(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`;
}

declare global {
  /** In the page. */
  var bench: PageBench;
}
