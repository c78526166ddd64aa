/**
 * The start of the worker, without a browser: what `worker` returns is looked at, what it says too, and what is of another
 * origin is started by a script that imports it.
 */
import { expose } from 'comlink';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { EngineHost } from '../../src/engine/host.ts';
import { loadViT, type ModelFiles } from '../../src/index.ts';
import { tinyModel } from '../harness/tiny-model.ts';

let files: ModelFiles;
beforeAll(async () => {
  files = await tinyModel();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A worker within this thread. */
function channel(serve: (port: MessagePort) => void): Worker {
  const { port1, port2 } = new MessageChannel();
  serve(port2);
  return Object.assign(port1, { terminate: () => port1.close() }) as unknown as Worker;
}

test('a worker of one’s own is used', async () => {
  const worker = () => channel((port) => expose(new EngineHost(), port as never));
  const vit = await loadViT(files, { backend: 'cpu', worker });
  expect(await vit.selfTest()).toMatchObject({ passed: true });
  vit.dispose();
});

test('one that says nothing ends the load', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const refused = expect(loadViT(files, { worker: () => channel(() => {}) })).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(/that was given\) does not answer.*worker: false/s),
  });
  await vi.advanceTimersByTimeAsync(15_000);
  await refused;
});

test('one of another release ends the load', async () => {
  class Older extends EngineHost {
    override release(): Promise<string> {
      return Promise.resolve('0.0.1');
    }
  }
  const worker = () => channel((port) => expose(new Older(), port as never));
  await expect(loadViT(files, { backend: 'cpu', worker })).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(/is not of release \d/),
  });
});

describe('no worker', () => {
  test.for<[string, () => unknown, RegExp]>([
    ['nothing', () => undefined, /something else than a Worker: undefined/],
    ['a promise', async () => channel(() => {}), /something else than a Worker: Promise/],
    [
      'an exception',
      () => {
        throw new Error('not here');
      },
      /"worker" failed: not here/,
    ],
  ])('%s', async ([, worker, message]) => {
    await expect(loadViT(files, { worker: worker as () => Worker })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(message),
    });
  });
});

test('a worker file of another origin is imported by a script of this one', async () => {
  const started: string[] = [];
  class OfThisOriginAlone {
    constructor(address: string | URL) {
      started.push(`${address}`);
      if (!/^blob:/.test(`${address}`)) throw new Error('of another origin');
      // biome-ignore lint/correctness/noConstructorReturn: in the place of a worker
      return channel((port) => expose(new EngineHost(), port as never));
    }
  }
  vi.stubGlobal('Worker', OfThisOriginAlone);
  const vit = await loadViT(files, { backend: 'cpu', assets: 'https://cdn.invalid/lib' });
  expect(await vit.selfTest()).toMatchObject({ passed: true });
  vit.dispose();
  expect(started).toEqual(['https://cdn.invalid/lib/worker.js', expect.stringMatching(/^blob:/)]);
});
