/**
 * `npm run bench`: the systems that run in a page, each in a headless Chrome of its own.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { chromeArguments, findChrome } from '../src/cli/chrome.ts';
import { type Comparison, compare } from './compare.ts';
import type { Contender, FirstResult } from './contender.ts';
import { describeMachine, type Machine, peakMemory } from './machine.ts';
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

/** The same with `--cpu`: pairs, ours and the peer's. */
const CPU_SYSTEMS = [
  ...['ours-1-thread', 'ort-1-thread', 'ours-2-threads', 'ort-2-threads'],
  ...['ours-plain-page', 'ort-plain-page'],
];

/** @param loadBefore the load average before anything was built */
export async function run(args: string[], loadBefore: number): Promise<number> {
  // Playwright closes its browsers then, but leaves ending to us.
  process.once('SIGTERM', () => process.exit(143));
  const adapterOption = new Option('--adapter <which>', 'the GPU, or a software adapter')
    .choices(['auto', 'gpu', 'swiftshader'])
    .default('auto');
  const cpuOption = new Option(
    '--cpu',
    'the CPU instead of a GPU, with one thread each, two each, and as a page gets it',
  );
  const options = parseOptions('bench', args, {
    systems: [...SYSTEMS, ...CPU_SYSTEMS],
    own: [adapterOption, cpuOption],
  });
  const machine = { ...describeMachine(), loadAverage: Math.round(loadBefore * 100) / 100, busy: loadBefore > 1 };
  if (machine.busy) {
    console.warn(`The machine is busy (load average ${machine.loadAverage}): these figures will say little.`);
    if (options.requireIdle) return 1;
  }
  if (options.cpu) return runOnCpu(options, machine);
  const software = options.adapter === 'swiftshader' || (options.adapter === 'auto' && !(await hasGpu()));
  const probe = await Chrome.start({ software });
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

/** Without an adapter. What is held against the peak of one core is what runs on one. */
async function runOnCpu(options: Options, machine: Machine): Promise<number> {
  const probe = await Chrome.start({});
  const peaks = await probe.page.evaluate(() => bench.corePeaks('/lib/'));
  await probe.close();
  const contenders = cpuContendersOf(options);
  const browser = `Chrome ${probe.version}`;
  const comparisons: Comparison[] = [];
  for (const imageSize of options.imageSizes) {
    for (const size of options.models) {
      const model = await prepareModel(size, imageSize, options.cache, options.dtype);
      comparisons.push(await compare(model, contenders, options.batch, options, peaks, console.log));
    }
  }
  const outcome = { runtime: browser, adapter: 'one core', software: false, machine, peaks, comparisons, matmuls: [] };
  await report({ ...outcome, pairs: PAIRS }, options);
  return 0;
}

/** How each system of `--cpu` is called. */
const CPU_NAMES: Record<string, string> = {
  'ours-1-thread': 'vit-webgpu, 1 thread',
  'ort-1-thread': 'onnxruntime-web WASM, 1 thread',
  'ours-2-threads': 'vit-webgpu, 2 threads',
  'ort-2-threads': 'onnxruntime-web WASM, 2 threads',
  'ours-plain-page': 'vit-webgpu, plain page',
  'ort-plain-page': 'onnxruntime-web WASM, plain page',
};

const PAIRS = ['1-thread', '2-threads', 'plain-page'].map(
  (how) => [CPU_NAMES[`ours-${how}`], CPU_NAMES[`ort-${how}`]] as const,
);

function cpuContendersOf({ systems = CPU_SYSTEMS, dtype }: Options): Contender[] {
  return systems.map((system) => {
    const [who, count] = system.split('-');
    // A page that is not isolated from other origins, and no word about threads, is what there is by default.
    const isPlain = count === 'plain';
    const threads = isPlain ? null : Number(count);
    const load =
      who === 'ours' ? openOurs({ dtype, backend: 'cpu', threads: threads ?? undefined }) : openOrt('wasm', threads);
    return inChrome(
      CPU_NAMES[system],
      { isolated: !isPlain },
      threads === 1,
      who === 'ours' ? 'shardBytes' : 'onnxBytes',
      load,
    );
  });
}

const openOurs = (options: object) => (page: Page, shape: number[]) =>
  page.evaluate(([shape, options]) => bench.openLibrary('/lib/index.js', shape, options), [shape, options] as const);

const openOrt = (provider: 'webgpu' | 'wasm', threads: number | null) => (page: Page, shape: number[]) =>
  page.evaluate(([url, shape, provider, threads]) => bench.openOnnx(url, shape, provider, threads), [
    new URL(`/ort/ort.${provider}.bundle.min.mjs`, page.url()).href,
    shape,
    provider,
    threads,
  ] as const);

function contendersOf({ systems = SYSTEMS, dtype }: Options, software: boolean): Contender[] {
  const setting = { software, isolated: true };
  // The default of WASM is half of the cores; all of them is the most it can do.
  const wasm = openOrt('wasm', availableParallelism());
  const all: Record<string, () => Contender> = {
    ours: () => inChrome('vit-webgpu', setting, true, 'shardBytes', openOurs({ dtype })),
    'ort-webgpu': () => inChrome('onnxruntime-web WebGPU', setting, true, 'onnxBytes', openOrt('webgpu', null)),
    'ort-wasm': () => inChrome('onnxruntime-web WASM', setting, false, 'onnxBytes', wasm),
  };
  return systems.map((name) => all[name]());
}

type Loaded = Omit<FirstResult, 'scriptBytes' | 'weightBytes'>;

/** What Chrome and its page are. */
interface Setting {
  /** WebGPU by SwiftShader. */
  software?: boolean;
  /** See `serveFolders`. */
  isolated?: boolean;
}

/** A system in a Chrome that nothing else runs in. */
function inChrome(
  name: string,
  setting: Setting,
  onAdapter: boolean,
  weights: 'shardBytes' | 'onnxBytes',
  load: (page: Page, imageShape: number[]) => Promise<Loaded>,
): Contender {
  return {
    name,
    onAdapter,
    async open(model) {
      const { channels, imageSize } = model.architecture;
      const chrome = await Chrome.start(setting, { '/model': model.folder });
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
  const chrome = await Chrome.start({});
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
  readonly pid: number;
  readonly #context: BrowserContext;
  readonly #profile: string;

  private constructor(context: BrowserContext, profile: string, pid: number, page: Page, server: StaticServer) {
    this.#context = context;
    this.#profile = profile;
    this.pid = pid;
    this.page = page;
    this.server = server;
  }

  static async start(
    { software = false, isolated = true }: Setting,
    folders: Record<string, string> = {},
  ): Promise<Chrome> {
    const executablePath = findChrome(chromium.executablePath());
    if (!executablePath)
      throw new Error('There is no Chrome. Set CHROME_PATH, or run: npx playwright install chromium');
    const common = {
      '/bench': resolve(BUILD, 'page'),
      '/lib': resolve(BUILD, 'lib'),
      '/ort': resolve(ROOT, 'node_modules/onnxruntime-web/dist'),
      '/jax': JAX,
    };
    const server = await serveFolders({ ...common, ...folders }, isolated);
    // As a visitor has it: in a private window, what is kept is kept in memory.
    const profile = mkdtempSync(join(tmpdir(), 'vit-webgpu-bench-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      args: chromeArguments({ software }),
    });
    const [page] = context.pages();
    // A first run may take minutes.
    page.setDefaultTimeout(0);
    await page.goto(server.origin);
    await page.addScriptTag({ url: '/bench/page.js', type: 'module' });
    await page.waitForFunction(() => 'bench' in globalThis);
    return new Chrome(context, profile, await pidOf(context), page, server);
  }

  get version(): string {
    return this.#context.browser()!.version();
  }

  async close(): Promise<void> {
    await this.#context.close();
    await this.server.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** Of the browser's own process, whose children are all others. */
async function pidOf(context: BrowserContext): Promise<number> {
  const session = await context.browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.find(({ type }) => type === 'browser')!.id;
}

function gigabytes(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`;
}

declare global {
  /** In the page. */
  var bench: PageBench;
}
