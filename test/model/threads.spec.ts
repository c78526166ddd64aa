/**
 * The model on several threads of the CPU, without shared memory: the same numbers as on one, but for the order of sums, and always the
 * same bits, whatever becomes of the workers. All families are run so in their own specs.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type Architecture,
  type EngineEvent,
  type LoadOptions,
  loadViT,
  type ModelFiles,
  type ViT,
} from '../../src/index.ts';
import { expectClose, expectCloseOutputs, F32_BOUND, random } from '../harness/arrays.ts';
import { TINY, TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';

const open: ViT[] = [];
let events: EngineEvent[] = [];
let workers: Worker[] = [];
afterEach(() => {
  vi.unstubAllGlobals();
  events = [];
  workers = [];
  for (const vit of open.splice(0)) vit.dispose();
});

const files = new Map<Architecture, Promise<ModelFiles>>();
const filesOf = (architecture: Architecture) => {
  if (!files.has(architecture)) files.set(architecture, tinyModel(architecture));
  return files.get(architecture)!;
};

async function load(options: LoadOptions = {}, architecture: Architecture = TINY): Promise<ViT> {
  const onEvent = (event: EngineEvent) => events.push(event);
  const common = { worker: false, cache: false, backend: 'cpu', onEvent } as const;
  const vit = await loadViT(await filesOf(architecture), { ...common, ...options });
  open.push(vit);
  return vit;
}

/** Keeps the workers that this thread starts. @param script another one in the place of ours */
function watchWorkers(script?: string): void {
  const Original = Worker;
  vi.stubGlobal(
    'Worker',
    class extends Original {
      constructor(url: string, options: WorkerOptions) {
        super(script ?? url, options);
        workers.push(this);
      }
    },
  );
}

/** Threads of teams that are alive, wherever in this browser they are: each holds a lock. */
async function livingHelpers(): Promise<number> {
  const { held = [] } = await navigator.locks.query();
  return held.filter(({ name }) => name?.startsWith('vit-webgpu cpu')).length;
}

const pixels = { data: random(3 * 3 * 16 * 16, 1), shape: [3, 3, 16, 16] };
/** A run of it takes long enough to be in the middle of. */
const DEEP = { ...TINY, depth: 60 };

describe('the same numbers on any number of threads', () => {
  test.each(['f32', 'f16'] as const)('of every output, in %s', async (dtype) => {
    const outputs = ['logits', 'probabilities', 'embedding', 'tokens', 'hidden', 'attention'] as const;
    const alone = await (await load({ threads: 1, dtype })).forward(pixels, { outputs: [...outputs] });
    // Eight have more members than the head has panels, and than there are heads.
    for (const threads of [2, 3, 8]) {
      const vit = await load({ threads, dtype });
      expect(vit.info.cpu).toMatchObject({ threads });
      const computed = await vit.forward(pixels, { outputs: [...outputs] });
      expectCloseOutputs(computed, alone);
      expect(await vit.forward(pixels, { outputs: [...outputs] })).toEqual(computed);
    }
    expect(events).toEqual([]);
  });

  test('of texts', async () => {
    const embed = async (threads: number) =>
      (await load({ threads }, TINY_CLIP)).embedText([
        [3, 4, 29],
        [5, 29],
      ]);
    const [alone, together] = [await embed(1), await embed(2)];
    for (const [text, embedding] of together.entries()) expectClose(embedding, alone[text], F32_BOUND);
  });

  test('with the engine in its worker, which starts its own', async () => {
    const alone = await (await load({ threads: 1 })).forward(pixels);
    const vit = await load({ threads: 2, worker: undefined });
    expect(vit.info.cpu).toMatchObject({ threads: 2 });
    expectCloseOutputs(await vit.forward(pixels), alone);
    expect(events).toEqual([]);
  });
});

test('each thread holds a part of the weights', async () => {
  const wide = { ...TINY, width: 384, mlpWidth: 1536 };
  const held = async (threads: number) => (await (await load({ threads }, wide)).memory()).cpu;
  // A member more is a page or two of room for values more.
  expect((await held(3)) / (await held(1))).toBeLessThan(1.1);
});

test('nothing grows from run to run', async () => {
  const vit = await load({ threads: 2 });
  await vit.forward(pixels);
  const { cpu } = await vit.memory();
  for (let run = 0; run < 100; run++) await vit.forward(pixels);
  expect((await vit.memory()).cpu).toBe(cpu);
});

describe('a worker that dies is replaced, and the job done again', () => {
  const expected = async (threads: number) => (await load({ threads }, DEEP)).forward(pixels);
  const lostAndFound = [
    { type: 'device-lost', message: expect.stringMatching(/worker of the CPU is lost: it was ended/) },
    { type: 'recovered', message: expect.any(String), info: expect.objectContaining({ backend: 'cpu' }) },
  ];

  test('while idle', async () => {
    const before = await expected(3);
    watchWorkers();
    const vit = await load({ threads: 3 }, DEEP);
    workers[1].terminate();
    expect(await vit.forward(pixels)).toEqual(before);
    expect(workers).toHaveLength(4);
    expect(events).toEqual(lostAndFound);
    expect(await vit.forward(pixels)).toEqual(before);
  });

  test('in the middle of a run', async () => {
    const before = await expected(2);
    watchWorkers();
    const vit = await load({ threads: 2 }, DEEP);
    const running = vit.forward(pixels);
    await new Promise((resolve) => setTimeout(resolve));
    workers[0].terminate();
    expect(await running).toEqual(before);
    expect(events).toEqual(lostAndFound);
  });

  test('not for ever: at the second loss the call ends in an error, and a later one is answered', async () => {
    const before = await expected(2);
    watchWorkers();
    const vit = await load({ threads: 2 }, DEEP);
    const onEvent = vi.spyOn(events, 'push').mockImplementation((event) => {
      if (event.type === 'recovered') setTimeout(() => workers.at(-1)!.terminate());
      return 0;
    });
    workers[0].terminate();
    await expect(vit.forward(pixels)).rejects.toMatchObject({ code: 'device-lost' });
    onEvent.mockRestore();
    expect(await vit.forward(pixels)).toEqual(before);
  });
});

describe('dispose() ends all workers', () => {
  // Those of the tests before.
  beforeEach(() => expect.poll(livingHelpers).toBe(0));

  test.each([
    ['of this thread', false],
    ['of the engine in its worker', undefined],
  ] as const)('%s', async (_, worker) => {
    for (let i = 0; i < 5; i++) {
      const vit = await load({ threads: 3, worker });
      await vit.forward(pixels);
      expect(await livingHelpers()).toBe(2);
      vit.dispose();
      await expect.poll(livingHelpers).toBe(0);
    }
  });

  test('in the middle of a run', async () => {
    const vit = await load({ threads: 2 }, DEEP);
    const running = vit.forward(pixels);
    await new Promise((resolve) => setTimeout(resolve));
    vit.dispose();
    await expect(running).rejects.toMatchObject({ code: 'disposed' });
    await expect.poll(livingHelpers).toBe(0);
  });

  test('a load that is given up, too', async () => {
    const controller = new AbortController();
    const loading = load({ threads: 2, signal: controller.signal, onProgress: () => controller.abort() }, DEEP);
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(livingHelpers).toBe(0);
  });
});

test('a call is given up within 50 ms', async () => {
  const vit = await load({ threads: 2 }, DEEP);
  await vit.forward(pixels);
  const controller = new AbortController();
  const running = vit.forward(pixels, { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve));
  const start = performance.now();
  controller.abort();
  await expect(running).rejects.toMatchObject({ code: 'aborted' });
  expect(performance.now() - start).toBeLessThan(50);
});

describe('one thread and one warning where there can be no other', () => {
  async function expectOneThread(message: RegExp) {
    const vit = await load({ threads: 2 });
    expect(vit.info.cpu).toMatchObject({ threads: 1 });
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(message) }]);
    vi.unstubAllGlobals();
    expect(await vit.forward(pixels)).toEqual(await (await load({ threads: 1 })).forward(pixels));
  }

  test('because a worker may not be started', async () => {
    vi.stubGlobal(
      'Worker',
      class {
        constructor() {
          throw new DOMException('refused', 'SecurityError');
        }
      },
    );
    await expectOneThread(/runs on one thread: .*refused/);
  });

  test('because its script is not there', async () => {
    watchWorkers('/nowhere.js');
    await expectOneThread(/runs on one thread: .*cannot be loaded/);
  });
});
