/**
 * A golden for models that were converted where they run: nobody has computed them before. What a GPU answers to a known input is kept
 * when it is loaded, and compared with the CPU's answer, which is computed after the first call, and only while nothing is asked: whoever
 * calls is served first. A GPU that was found wrong is refused like one that fails a golden, then and on the next visit.
 */
import type { Backend, Input } from '../../backend.ts';
import { ViTError } from '../../error.ts';
import type { EngineEvent, EngineOptions } from '../../interface.ts';
import { goldenIds, goldenOutput, goldenPixels } from '../../model/golden.ts';
import type { OutputName } from '../../model/outputs.ts';
import type { Plan } from '../../model/plan.ts';
import { VERSION } from '../../version.ts';
import type { Findings } from '../../weights/findings.ts';
import type { LoadedManifest } from '../../weights/manifest.ts';
import type { ModelSource } from '../../weights/source.ts';
import { boundFor, compare } from './self-test.ts';

/** Milliseconds without a call before the CPU begins. */
const QUIET = 500;
const SEED = 1;

/** What a session and its relatives share of it. */
export interface OpinionOptions {
  findings: Findings;
  options: EngineOptions;
  notify(event: EngineEvent): void;
  signal: AbortSignal;
}

/** What it needs of a session: see there. */
interface Asked {
  readonly manifest: LoadedManifest;
  readonly plan: Plan;
  run<T>(job: (backend: Backend) => Promise<T>): Promise<T>;
  beside(changes: (opening: { options: EngineOptions; source: ModelSource }) => object): Promise<Asked>;
  destroy(): void;
}

export class SecondOpinion {
  readonly #shared: OpinionOptions;
  /** Calls that are under way, and how many there were ever. */
  #running = 0;
  #calls = 0;
  #answer = () => {};
  /** The first of them has ended. */
  readonly #answered = new Promise<void>((resolve) => {
    this.#answer = resolve;
  });

  constructor(shared: OpinionOptions) {
    this.#shared = shared;
  }

  /** Nothing else is done before `call` has ended. */
  async during<T>(call: () => Promise<T>): Promise<T> {
    this.#running++;
    this.#calls++;
    try {
      return await call();
    } finally {
      this.#running--;
      this.#answer();
    }
  }

  /**
   * Of a backend that is about to be filled.
   * @returns what is to be done when it can run; undefined where nothing is in doubt
   * @throws ViTError `numeric` for one that was found wrong before
   */
  async before(session: Asked, backend: Backend): Promise<(() => Promise<void>) | undefined> {
    if (backend.name !== 'webgpu') return undefined;
    const found = await this.#shared.findings.read(this.#about(session, backend));
    if (typeof found === 'string') throw new ViTError('numeric', found);
    if (found) return undefined;
    return async () => {
      const [input, output] = sampleOf(session.plan);
      const answer = (await backend.run(input, { outputs: [output] }))[output]!.data;
      // Nobody waits for it, and what keeps it from ending is met by whoever calls: a loss, or disposal.
      this.#compare(session, backend, answer).catch(() => {});
    };
  }

  async #compare(session: Asked, backend: Backend, answer: ArrayLike<number>): Promise<void> {
    const { findings, notify, options } = this.#shared;
    await this.#answered;
    await this.#idle();
    const expected = await this.#answerOfCpu(session);
    await this.#idle();
    const { passed, maxError, tolerance } = compare(answer, expected, boundFor(options.dtype, backend.storage));
    const about = this.#about(session, backend);
    if (passed) return findings.write(about, true);
    const size = `off by ${maxError} from what the CPU computes, allowed ${tolerance}`;
    const message = `The network gives wrong results on this GPU: ${size}.`;
    await findings.write(about, message);
    // What takes its place is loaded for the next call.
    session.destroy();
    notify({ type: 'warning', message: `${message} So were the answers until now.` });
  }

  /** On one thread: the others are the page's. */
  async #answerOfCpu(session: Asked): Promise<ArrayLike<number>> {
    const rest = () => (this.#running > 0 ? this.#idle() : undefined);
    const cpu = await session.beside(({ options, source }) => ({
      ...{ options: { ...options, backend: 'cpu', threads: 1 }, source: resting(source, rest) },
      ...{ rest, opinion: null, notify() {} },
    }));
    try {
      const [input, output] = sampleOf(cpu.plan);
      return await cpu.run(async (backend) => (await backend.run(input, { outputs: [output] }))[output]!.data);
    } finally {
      cpu.destroy();
    }
  }

  async #idle(): Promise<void> {
    for (let before = 0; this.#running > 0 || before < this.#calls; ) {
      before = this.#calls;
      await new Promise((resolve) => setTimeout(resolve, QUIET));
      this.#shared.signal.throwIfAborted();
    }
  }

  /** Everything that the answer depends on. */
  #about({ manifest, plan }: Asked, { adapter, storage }: Backend): unknown {
    const { shards, architecture } = manifest;
    const { dtype } = this.#shared.options;
    const where = [globalThis.navigator?.userAgent, adapter, VERSION, storage];
    return ['second opinion', ...where, shards, architecture, plan.inputs, dtype];
  }
}

/** An input of one image or text, and an output of it. */
function sampleOf({ architecture, inputs }: Plan): [Input, OutputName] {
  const { channels, imageSize, text } = architecture;
  if (inputs.ids) {
    const ids = Uint32Array.from(goldenIds(SEED, text!));
    return [{ batch: 1, ids, ends: Uint32Array.of(ids.length - 1) }, 'embedding'];
  }
  return [{ batch: 1, pixels: goldenPixels(SEED, [1, channels, ...imageSize]) }, goldenOutput(architecture)];
}

/** The same, with a pause before each shard, of a manifest that is read. */
function resting(
  source: ModelSource,
  rest: () => Promise<void> | undefined,
): Pick<ModelSource, 'heldBytes' | 'readShards'> {
  return {
    heldBytes: 0,
    async *readShards(files, onBytes, signal) {
      for await (const shard of source.readShards(files, onBytes, signal)) {
        await rest();
        yield shard;
      }
    },
  };
}
