/**
 * `npm run bench:node`: the systems that run in Node, each in a process of its own. This module is both sides: with the
 * name of a system as its first argument it is that system's process (`node-system.ts`).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { type Comparison, compare } from './compare.ts';
import type { Contender, FirstResult } from './contender.ts';
import { describeMachine, peakMemory } from './machine.ts';
import { prepareModel } from './models.ts';
import { answer, type Call, type Reply, type SystemName } from './node-system.ts';
import { type Options, parseOptions } from './options.ts';
import type { Peaks } from './peaks.ts';
import { report } from './report.ts';

const OURS = { onAdapter: true, weights: 'shardBytes' } as const;

const SYSTEMS: Record<SystemName, { name: string; onAdapter: boolean; weights: 'shardBytes' | 'onnxBytes' }> = {
  ours: { name: 'vit-webgpu', ...OURS },
  'ours-f32': { name: 'vit-webgpu, f32 alone', ...OURS },
  'ours-f16': { name: 'vit-webgpu, f16', ...OURS },
  'ours-subgroups': { name: 'vit-webgpu, subgroups', ...OURS },
  'ours-matrix': { name: 'vit-webgpu, subgroup matrices', ...OURS },
  'ort-webgpu': { name: 'onnxruntime-node WebGPU', onAdapter: true, weights: 'onnxBytes' },
  'ort-cpu': { name: 'onnxruntime-node CPU', onAdapter: false, weights: 'onnxBytes' },
};
const NAMES = Object.keys(SYSTEMS) as SystemName[];
const DEFAULT_NAMES: SystemName[] = ['ours', 'ort-webgpu', 'ort-cpu'];

/** A Node on Mesa's software driver, which has f16, subgroups and subgroup matrices. */
const NODE_ON_LAVAPIPE = 'test/harness/lavapipe.sh';

/** @param loadBefore the load average before anything was built */
export async function run(args: string[], loadBefore: number): Promise<number> {
  const adapterOption = new Option('--adapter <name>', "of Dawn's adapters (a wrong name lists them)").default('');
  const lavapipeOption = new Option('--lavapipe', 'on the CPU, by a software driver that has what every tier needs');
  const options = parseOptions('bench:node', args, { systems: NAMES, own: [adapterOption, lavapipeOption] });
  const machine = { ...describeMachine(), loadAverage: Math.round(loadBefore * 100) / 100, busy: loadBefore > 1 };
  if (machine.busy) {
    console.warn(`The machine is busy (load average ${machine.loadAverage}): these figures will say little.`);
    if (options.requireIdle) return 1;
  }
  const probe = new SystemProcess('ours', options);
  const { adapter, software, peaks } = await probe.call<{ adapter: string; software: boolean; peaks: Peaks }>({
    ask: 'peaks',
  });
  await probe.end();
  options.settle ??= software ? 0 : 5;
  const gigaflops = (peaks.flops / 1e9).toFixed(1);
  console.log(`Dawn on ${adapter}: ${gigaflops} GFLOP/s, ${(peaks.bandwidth / 1e9).toFixed(1)} GB/s`);

  const contenders = ((options.systems as SystemName[]) ?? DEFAULT_NAMES).map((name) => inProcess(name, options));
  const comparisons: Comparison[] = [];
  for (const imageSize of options.imageSizes) {
    for (const size of options.models) {
      const model = await prepareModel(size, imageSize, options.cache, options.dtype);
      comparisons.push(await compare(model, contenders, options.batch, options, peaks, console.log));
    }
  }
  await report(
    { runtime: `Node ${process.version} with Dawn`, adapter, software, machine, peaks, comparisons, matmuls: [] },
    options,
  );
  return 0;
}

function inProcess(system: SystemName, options: Options): Contender {
  const { weights, ...described } = SYSTEMS[system];
  return {
    ...described,
    async open(model) {
      const child = new SystemProcess(system, options);
      try {
        await child.call({ ask: 'start' });
        const empty = peakMemory(child.pid);
        const { architecture, folder } = model;
        const shape = [architecture.channels, ...architecture.imageSize];
        const first = await child.call<Omit<FirstResult, 'scriptBytes' | 'weightBytes'>>({
          ask: 'open',
          folder,
          shape,
        });
        return {
          first: { ...first, scriptBytes: null, weightBytes: model[weights] },
          run: (images) => child.call<number>({ ask: 'run', images }),
          kernels: () => child.call<string | undefined>({ ask: 'kernels' }),
          async peakMemory() {
            const peak = peakMemory(child.pid);
            return peak === null || empty === null ? null : peak - empty;
          },
          close: () => child.end(),
        };
      } catch (error) {
        await child.end();
        throw error;
      }
    },
  };
}

/** A Node with one system in it. One question at a time. */
class SystemProcess {
  readonly #child;

  constructor(system: SystemName, { adapter, dtype, lavapipe }: Options) {
    this.#child = fork(fileURLToPath(import.meta.url), [system, adapter, dtype], {
      execPath: lavapipe ? NODE_ON_LAVAPIPE : process.execPath,
      // Mesa keeps compiled shaders on disk: whoever came second would find them there.
      env: { ...process.env, MESA_SHADER_CACHE_DISABLE: 'true' },
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @throws what the system threw, or that it died */
  async call<T>(message: Call): Promise<T> {
    const died = new AbortController();
    try {
      this.#child.send(message);
      const reply = await Promise.race([
        once(this.#child, 'message', { signal: died.signal }) as Promise<[Reply]>,
        once(this.#child, 'exit', { signal: died.signal }).then(([code, signal]) => {
          throw new Error(`the process ended (${signal ?? code})`);
        }),
      ]);
      const [{ error, result }] = reply as [Reply];
      if (error !== undefined) throw new Error(error);
      return result as T;
    } finally {
      died.abort();
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}

if (process.send && NAMES.includes(process.argv[2] as SystemName)) {
  const [system, adapter, dtype] = process.argv.slice(2);
  answer(system as SystemName, adapter, dtype as Options['dtype']);
}
