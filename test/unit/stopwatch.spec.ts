/**
 * Milliseconds of one dispatch, on a GPU and a clock made for it: right, whatever submits take besides.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { Stopwatch } from '../../src/engine/tune/stopwatch.ts';

afterEach(() => vi.restoreAllMocks());

/**
 * @param besides milliseconds that the n-th submit takes whatever is in it
 * @returns milliseconds measured for one dispatch, and the dispatches of each submit
 */
async function measure(dispatch: number, besides: (submit: number) => number, limit = 1e6) {
  let clock = 0;
  let dispatches = 0;
  const submits: number[] = [];
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  const pass = { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups: () => dispatches++, end() {} };
  const queue = {
    submit() {},
    async onSubmittedWorkDone() {
      clock += besides(submits.length) + dispatches * dispatch;
      submits.push(dispatches);
      dispatches = 0;
    },
  };
  const device = { queue, createCommandEncoder: () => ({ beginComputePass: () => pass, finish() {} }) };
  const gpu = { device, throwIfFailed() {} };
  const network = { activations: { capacity: 1, bindGroupsFor: () => [] } };
  const kernel = { name: 'kernel', grid: () => [1, 1, 1] };
  const schedule = { program: { actions: [{ kernel, rowsPerItem: 1 }] }, pipelines: [] };
  const stopwatch = new Stopwatch(gpu as never, network as never, 1);
  const milliseconds = await stopwatch.measure(schedule as never, 0, limit);
  expect(stopwatch.spent).toBe(clock);
  return { milliseconds, submits };
}

test.each([0.002, 0.3, 70])('a dispatch of %f ms, in submits that take 5 ms besides', async (dispatch) => {
  const { milliseconds } = await measure(dispatch, () => 5);
  expect(milliseconds).toBeCloseTo(dispatch, 10);
});

test('a busy moment while nothing was measured makes no dispatch take nothing', async () => {
  const { milliseconds } = await measure(0.01, (submit) => (submit < 2 ? 40 : 0.5));
  expect(milliseconds).toBeGreaterThan(0.005);
  expect(milliseconds).toBeLessThanOrEqual(0.01);
});

test('a busy moment while a dispatch was measured is not its time', async () => {
  const { milliseconds } = await measure(3, (submit) => (submit === 2 || submit === 4 ? 90 : 0.5));
  expect(milliseconds).toBeCloseTo(3, 10);
});

test('what takes longer than the limit is measured once', async () => {
  expect((await measure(70, () => 5, 50)).submits).toEqual([0, 0, 1]);
});
