/**
 * What stands in for a golden, beside calls: it waits for all of them, and what was found before is not asked again. On real hardware
 * it is `test/model/second-opinion.spec.ts`.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Backend } from '../../src/backend.ts';
import { SecondOpinion } from '../../src/engine/check/second-opinion.ts';
import type { EngineEvent } from '../../src/index.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { Findings } from '../../src/weights/findings.ts';
import { TINY } from '../harness/tiny-model.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const answering = (name: 'webgpu' | 'cpu', logit: number) => {
  const logits = { data: Float32Array.of(1, logit), shape: [1, 2] };
  return { name, adapter: null, storage: 'f32', run: vi.fn(async () => ({ logits })) } as unknown as Backend;
};

/** A model of its own for each test: findings are of the thread. */
let models = 0;

function start(gpuLogit: number, onBegin = () => {}) {
  const events: EngineEvent[] = [];
  const log: string[] = [];
  const cpu = answering('cpu', 2);
  let rest: () => Promise<void> | undefined;
  const manifest = { shards: [{ file: '', bytes: 1, sha256: `${models++}` }], architecture: TINY };
  const beside = {
    ...{ manifest, plan: planViT(withDefaults(TINY)) },
    async run<T>(job: (backend: Backend) => Promise<T>) {
      log.push('begins');
      onBegin();
      await rest();
      log.push('computes');
      return job(cpu);
    },
    destroy: () => log.push('ends'),
  };
  const session = {
    ...{ manifest, plan: planViT(withDefaults(TINY)), destroy: () => log.push('the GPU is given up') },
    async beside(changes: (opening: never) => object) {
      ({ rest } = changes({ options: {}, source: {} } as never) as { rest: typeof rest });
      return beside;
    },
  };
  const opinion = new SecondOpinion({
    findings: new Findings(null),
    options: {},
    notify: (event) => events.push(event),
    signal: new AbortController().signal,
  });
  const gpu = answering('webgpu', gpuLogit);
  return { opinion, gpu, log, events, ask: () => opinion.before(session as never, gpu) };
}

const call = (milliseconds: number) => () => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

test('begins after the first call, when there was none for half a second, and waits for one that comes between', async () => {
  const { opinion, log, events, ask } = start(2);
  await (await ask())!();
  await vi.advanceTimersByTimeAsync(5000);
  expect(log).toEqual([]);
  const first = opinion.during(call(10));
  await vi.advanceTimersByTimeAsync(400);
  opinion.during(call(10));
  await vi.advanceTimersByTimeAsync(500);
  expect(log).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(log).toEqual(['begins', 'computes', 'ends']);
  await first;
  await vi.advanceTimersByTimeAsync(1000);
  expect(events).toEqual([]);
  // Right: of the next backend nothing is asked.
  vi.useRealTimers();
  await vi.waitFor(async () => expect(await ask()).toBeUndefined());
});

test('rests while a call is under way', async () => {
  const { opinion, log, ask } = start(2, () => opinion.during(call(2000)));
  await (await ask())!();
  await opinion.during(async () => {});
  await vi.advanceTimersByTimeAsync(2400);
  expect(log).toEqual(['begins']);
  await vi.advanceTimersByTimeAsync(1000);
  expect(log).toEqual(['begins', 'computes', 'ends']);
});

test('refuses a GPU that was found wrong, and asks nothing of a CPU', async () => {
  const { opinion, gpu, log, events, ask } = start(2.01);
  await (await ask())!();
  await opinion.during(async () => {});
  await vi.advanceTimersByTimeAsync(2000);
  const message = expect.stringMatching(/^The network gives wrong results on this GPU: off by 0\.0(1|09)/);
  // What is found is kept under a hash, which takes no fake time.
  vi.useRealTimers();
  await vi.waitFor(() => expect(events).toEqual([{ type: 'warning', message }]));
  expect(log.at(-1)).toBe('the GPU is given up');
  await expect(ask()).rejects.toMatchObject({ code: 'numeric', message });
  expect(await opinion.before({} as never, answering('cpu', 0))).toBeUndefined();
  expect(gpu.run).toHaveBeenCalledTimes(1);
});
