/**
 * `npm run bench`: the systems that run in a page, each in a headless Chrome of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { type Browser, chromium, type Page } from 'playwright';
import { chromeArguments, findChrome } from '../src/cli/chrome.ts';
import { type Comparison, compare } from './compare.ts';
import type { Contender, FirstResult } from './contender.ts';
import { describeMachine, type Machine, peakMemory } from './machine.ts';
import type { MatmulRow, Shape } from './matmul-page.ts';
import { type PreparedModel, prepareModel } from './models.ts';
import { type Options, parseOptions } from './options.ts';
import type { First, PageBench, Said } from './page.ts';
import { report } from './report.ts';
import { measureScaling, scalingTable } from './scaling.ts';
import { holdInMemory, type StaticServer, serveFolders } from './static-server.ts';

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
  process.once('SIGTERM', () => process.exit(143));
  process.once('exit', () => {
    for (const chrome of running) chrome.kill();
  });
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

/** Without an adapter. What is compared with the peak of one core is what runs on one. */
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
      comparisons.push(await compare(model, contenders, options.batch, options, peaks, console.log, fetchAlone));
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

type Load = (shape: number[]) => First;

const openOurs =
  (options: object): Load =>
  (shape) => ({ call: 'openLibrary', args: ['/lib/index.js', shape, options] });

const openOrt =
  (provider: 'webgpu' | 'wasm', threads: number | null): Load =>
  (shape) => ({ call: 'openOnnx', args: [`/ort/ort.${provider}.bundle.min.mjs`, shape, provider, threads] });

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

/** Linux's files in memory. */
const MEMORY = '/dev/shm';
/** Bytes that profiles may take: a container often has less than one model takes. */
const ROOM = 4 * 2 ** 30;

/** Where profiles are: in memory, if there is room. On a disk a load waits for what those before it kept there. */
const PROFILES = roomIn(MEMORY) >= ROOM ? MEMORY : tmpdir();

function roomIn(folder: string): number {
  if (!existsSync(folder)) return 0;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** What must not outlive this process. */
const running = new Set<ChildProcess>();

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
  load: Load,
): Contender {
  return {
    name,
    onAdapter,
    async open(model) {
      const { channels, imageSize } = model.architecture;
      const empty = await emptyMemory(setting);
      const chrome = await Chrome.start(setting, { '/model': model.folder }, load([channels, ...imageSize]));
      try {
        const loaded = chrome.loaded!;
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

/** Bytes of a Chrome in which nothing was loaded; null where that cannot be told. */
async function emptyMemory(setting: Setting): Promise<number | null> {
  const chrome = await Chrome.start(setting);
  const bytes = peakMemory(chrome.pid);
  await chrome.close();
  return bytes;
}

/** Milliseconds in which a page fetches the weights of this library and drops them. */
async function fetchAlone({ folder }: PreparedModel): Promise<number> {
  const chrome = await Chrome.start({}, { '/model': folder }, { call: 'fetchAlone', args: [] });
  await chrome.close();
  return chrome.loaded!.stages.weights;
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

/**
 * A headless Chrome with a fresh profile, its page, and the server that the page is from. Nobody debugs it before it has loaded what it is
 * to load: Chrome copies whatever comes from the network for whoever might want to look at it, which takes as long as to fetch it.
 */
class Chrome {
  readonly page: Page;
  readonly server: StaticServer;
  /** Of its first process, whose children are all others. */
  readonly pid: number;
  readonly loaded: Omit<FirstResult, 'scriptBytes' | 'weightBytes'> | null;
  readonly #browser: Browser;
  readonly #process: ChildProcess;
  readonly #profile: string;

  private constructor(
    browser: Browser,
    process: ChildProcess,
    server: StaticServer,
    profile: string,
    loaded: Chrome['loaded'],
  ) {
    this.page = browser.contexts()[0].pages()[0];
    // A first run may take minutes.
    this.page.setDefaultTimeout(0);
    this.server = server;
    this.pid = process.pid!;
    this.loaded = loaded;
    this.#browser = browser;
    this.#process = process;
    this.#profile = profile;
  }

  /** @param first what is loaded before the page is looked at @throws Error where it cannot be */
  static async start(
    { software = false, isolated = true }: Setting,
    folders: Record<string, string> = {},
    first?: First,
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
    for (const folder of Object.values(folders)) await holdInMemory(folder);
    const server = await serveFolders({ ...common, ...folders }, isolated);
    // As a visitor has it: in a private window, what is kept is kept in memory.
    const profile = mkdtempSync(join(PROFILES, 'vit-webgpu-bench-'));
    const hash = first ? `#${encodeURIComponent(JSON.stringify(first))}` : '';
    const own = [
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      '--no-default-browser-check',
    ];
    const child = spawn(executablePath, [...own, ...chromeArguments({ software }), `${server.origin}/${hash}`], {
      stdio: 'ignore',
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const said: Said | null = JSON.parse(await server.said);
    // Chrome's own file: where it listens.
    const [port] = (await readFile(join(profile, 'DevToolsActivePort'), 'utf8')).split('\n');
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    const chrome = new Chrome(browser, child, server, profile, said && 'loaded' in said ? said.loaded : null);
    if (said && 'error' in said) {
      await chrome.close();
      throw new Error(said.error);
    }
    return chrome;
  }

  get version(): string {
    return this.#browser.version();
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    // By itself, so that its other processes have written what they keep; whoever connected can only leave.
    const session = await this.#browser.newBrowserCDPSession();
    await session.send('Browser.close').catch(() => this.#process.kill());
    await ended;
    await this.server.close();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 }).catch(() => {});
  }
}

function gigabytes(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`;
}

declare global {
  /** In the page. */
  var bench: PageBench;
}
