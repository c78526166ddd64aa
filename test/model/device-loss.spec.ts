/**
 * The GPU goes away: before, while and after something is computed. No answer is lost, and none is wrong.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type Classification,
  clearCache,
  type EngineEvent,
  type ImageInput,
  type LoadOptions,
  loadViT,
  type ModelFiles,
  type ViT,
} from '../../src/index.ts';
import { takeSoftware } from '../harness/hardware.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

let files: ModelFiles;
/** What a GPU and the CPU say, to compare with: computed once. */
let expected: { webgpu: Classification[][]; cpu: Classification[][] };
const open: ViT[] = [];
/** Every device that was made in this test. */
let devices: GPUDevice[];
let events: EngineEvent[];

const pictures = () =>
  Array.from({ length: 12 }, (_, i) => plainImage(9 + i, 7, [i * 20, 250 - i * 20, (i * 77) % 256]));

beforeAll(async () => {
  // Two of its layers are of one size, and so of one kernel: every device compiles anew.
  files = await tinyModel({ ...TINY, mlpWidth: TINY.width });
  expected = { webgpu: [], cpu: [] };
  for (const backend of ['webgpu', 'cpu'] as const) {
    const vit = await loadViT(files, { worker: false, backend });
    expected[backend] = await vit.classify(pictures());
    vit.dispose();
  }
});

beforeEach(() => {
  devices = [];
  events = [];
  const request = GPUAdapter.prototype.requestDevice;
  vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockImplementation(async function (this: GPUAdapter, ...args) {
    const device = await request.apply(this, args);
    devices.push(device);
    return device;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(options: LoadOptions = {}, source: ModelFiles | string = files): Promise<ViT> {
  const onEvent = (event: EngineEvent) => events.push(event);
  const vit = await loadViT(source, { worker: false, backend: 'webgpu', onEvent, ...options });
  open.push(vit);
  return vit;
}

const eventTypes = () => events.map(({ type }) => type);

/** Loses the newest device as soon as something is submitted to it: `times` times. */
function loseAtSubmit(times: number): void {
  const submit = GPUQueue.prototype.submit;
  let left = times;
  vi.spyOn(GPUQueue.prototype, 'submit').mockImplementation(function (this: GPUQueue, buffers) {
    submit.call(this, buffers);
    if (left-- > 0) devices.at(-1)!.destroy();
  });
}

function noMoreAdapters(): void {
  vi.spyOn(GPU.prototype, 'requestAdapter').mockResolvedValue(null);
}

describe('another GPU is there', () => {
  test('lost while idle: the next call is answered', async () => {
    const vit = await load();
    devices[0].destroy();
    await devices[0].lost;
    expect(await vit.classify(pictures())).toEqual(expected.webgpu);
    expect(eventTypes()).toEqual(['device-lost', 'recovered']);
    expect(events[1].info).toEqual(vit.info);
    expect(devices).toHaveLength(2);
  });

  test('lost with twelve calls waiting and running: each gets its own answer', async () => {
    const vit = await load();
    loseAtSubmit(1);
    expect(await Promise.all(pictures().map((picture) => vit.classify(picture)))).toEqual(expected.webgpu);
    expect(eventTypes()).toEqual(['device-lost', 'recovered']);
  });

  test('lost again and again, between the calls', async () => {
    const vit = await load();
    for (let i = 0; i < 3; i++) {
      devices.at(-1)!.destroy();
      expect(await vit.classify(pictures()[i])).toEqual(expected.webgpu[i]);
    }
    expect(eventTypes()).toEqual(['device-lost', 'recovered', 'device-lost', 'recovered', 'device-lost', 'recovered']);
  });

  test('every kind of picture is still there for the second time', async () => {
    const vit = await load();
    const image = pictures()[3];
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext('2d')!.putImageData(image, 0, 0);
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    const kinds: ImageInput[] = [image, canvas, await canvas.convertToBlob(), await createImageBitmap(image), frame];
    loseAtSubmit(1);
    for (const [best] of await vit.classify(kinds)) expect(best).toEqual(expected.webgpu[3][0]);
    frame.close();
    expect(eventTypes()).toEqual(['device-lost', 'recovered']);
  });

  test('lost while the model loads', async () => {
    for (const stage of ['weights', 'compile'] as const) {
      devices = [];
      events = [];
      let isFirst = true;
      const vit = await load({
        onProgress(progress) {
          // Weights may be on their way before there is a device.
          if (progress.stage !== stage || !isFirst || devices.length === 0) return;
          isFirst = false;
          devices[0].destroy();
        },
      });
      expect(await vit.classify(pictures())).toEqual(expected.webgpu);
      expect(eventTypes()).toEqual(['device-lost', 'recovered']);
    }
  });

  test('the old buffers are gone, and memory() is what it was', async () => {
    const vit = await load();
    await vit.classify(pictures()[0]);
    const before = await vit.memory();
    devices[0].destroy();
    await vit.classify(pictures()[0]);
    expect(await vit.memory()).toEqual(before);
  });

  test('dispose() while it is being replaced', async () => {
    const vit = await load({ onEvent: ({ type }) => type === 'device-lost' && vit.dispose() });
    devices[0].destroy();
    await expect(vit.classify(pictures())).rejects.toMatchObject({ code: 'disposed' });
    await Promise.all(devices.map(({ lost }) => lost));
  });
});

describe('the weights come', () => {
  const URL_OF_MODEL = 'https://models.test/lost/model.json';
  let requests: string[];
  let isOnline: boolean;

  beforeEach(async () => {
    await clearCache();
    requests = [];
    isOnline = true;
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
      const file = String(input).split('/').at(-1)!;
      requests.push(file);
      if (!isOnline) throw new TypeError('Failed to fetch');
      if (file === 'model.json') return new Response(JSON.stringify(files.manifest));
      return new Response(files.shards[files.manifest.shards.findIndex((shard) => shard.file === file)]);
    });
  });

  test('from the cache, without a request', async () => {
    const vit = await load({}, URL_OF_MODEL);
    requests = [];
    devices[0].destroy();
    expect(await vit.classify(pictures())).toEqual(expected.webgpu);
    expect(requests).toEqual([]);
  });

  test('from where they came first', async () => {
    const vit = await load({ cache: false }, URL_OF_MODEL);
    requests = [];
    devices[0].destroy();
    expect(await vit.classify(pictures())).toEqual(expected.webgpu);
    expect(requests).toHaveLength(files.shards.length);
  });

  test('from nowhere: device-lost, and a later call tries again', async () => {
    takeSoftware();
    const vit = await load({ cache: false, backend: 'auto' }, URL_OF_MODEL);
    isOnline = false;
    devices[0].destroy();
    await expect(vit.classify(pictures())).rejects.toMatchObject({ code: 'device-lost' });
    expect(await vit.memory()).toEqual({ gpu: 0, cpu: 0 });
    isOnline = true;
    expect(await vit.classify(pictures())).toEqual(expected.webgpu);
  });
});

describe('no other GPU', () => {
  test('the CPU takes over where it may, and says so', async () => {
    takeSoftware();
    const vit = await load({ backend: 'auto' });
    loseAtSubmit(1);
    noMoreAdapters();
    expect(await Promise.all(pictures().map((picture) => vit.classify(picture)))).toEqual(expected.cpu);
    expect(eventTypes()).toEqual(['device-lost', 'fallback']);
    expect(vit.info).toMatchObject({ backend: 'cpu', adapter: null, fallbackReason: expect.stringMatching(/lost/) });
    expect((await vit.memory()).gpu).toBe(0);
  });

  test('where it may not: device-lost, and a later call tries again', async () => {
    const vit = await load();
    const request = vi.spyOn(GPU.prototype, 'requestAdapter').mockResolvedValue(null);
    devices[0].destroy();
    for (let i = 0; i < 2; i++) await expect(vit.classify(pictures())).rejects.toMatchObject({ code: 'device-lost' });
    request.mockRestore();
    expect(await vit.classify(pictures())).toEqual(expected.webgpu);
    expect(eventTypes()).toEqual(['device-lost', 'recovered']);
  });

  test('lost once more while the job is done again', async () => {
    takeSoftware();
    for (const backend of ['auto', 'webgpu'] as const) {
      events = [];
      const vit = await load({ backend });
      // At the job, at the warm-up of the next device, and at whatever may follow.
      loseAtSubmit(100);
      const answer = vit.classify(pictures());
      if (backend === 'auto') {
        expect(await answer).toEqual(expected.cpu);
        expect(eventTypes().at(-1)).toBe('fallback');
      } else await expect(answer).rejects.toMatchObject({ code: 'device-lost' });
      vi.mocked(GPUQueue.prototype.submit).mockRestore();
    }
  });
});
