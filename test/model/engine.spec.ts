/**
 * The scheduler: what it allocates, in which order it works, and what becomes of errors.
 */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { specialise } from '../../src/gpu/specialise.ts';
import { loadViT, type ModelFiles, type Progress, type ViT } from '../../src/index.ts';
import { expectClose, random } from '../harness/arrays.ts';
import { testGpu } from '../harness/gpu.ts';
import { takeSoftware } from '../harness/hardware.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

let files: ModelFiles;
const open: ViT[] = [];

beforeAll(async () => {
  files = await tinyModel();
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(options: Parameters<typeof loadViT>[1] = {}) {
  const vit = await loadViT(files, { worker: false, backend: 'webgpu', ...options });
  open.push(vit);
  return vit;
}

function pixels(batch: number, seed = 1) {
  return { data: random(batch * 3 * 16 * 16, seed), shape: [batch, 3, 16, 16] };
}

/** Counts calls of every method of GPUDevice that makes an object. */
function countCreations() {
  const counts: Record<string, number> = {};
  const prototype = GPUDevice.prototype as unknown as Record<string, () => unknown>;
  for (const name of Object.getOwnPropertyNames(prototype).filter((name) => name.startsWith('create'))) {
    const original = prototype[name];
    vi.spyOn(prototype, name).mockImplementation(function (this: unknown, ...args: []) {
      counts[name] = (counts[name] ?? 0) + 1;
      return original.apply(this, args);
    });
  }
  return counts;
}

describe('a run', () => {
  shareDevice();

  test('creates no GPU object but its command encoder, and submits once', async () => {
    const vit = await load({ backend: 'webgpu' });
    await vit.forward(pixels(2));
    const counts = countCreations();
    const submit = vi.spyOn(GPUQueue.prototype, 'submit');
    for (let i = 0; i < 3; i++) await vit.forward(pixels(2, i), { outputs: ['logits', 'embedding', 'probabilities'] });
    expect(counts).toEqual({ createCommandEncoder: 3 });
    expect(submit).toHaveBeenCalledTimes(3);
  });

  test('the counter does count', async () => {
    const counts = countCreations();
    // Of sizes that no other model here has: kernels of its own.
    files = await tinyModel({ ...TINY, width: 36, mlpWidth: 40 });
    await load({ backend: 'webgpu' });
    files = await tinyModel();
    expect(counts.createBuffer).toBeGreaterThan(10);
    expect(counts.createComputePipelineAsync).toBeGreaterThan(5);
  });

  test('a batch gives what its images give alone, also beyond the largest batch of the GPU', async () => {
    const vit = await load({ backend: 'webgpu' });
    const batch = pixels(35);
    const together = (await vit.forward(batch)).logits!;
    expect(together.shape).toEqual([35, 5]);
    for (const i of [0, 17, 31, 32, 34]) {
      const alone = await vit.forward({ data: batch.data.slice(i * 768, (i + 1) * 768), shape: [1, 3, 16, 16] });
      expectClose(alone.logits!.data, together.data.slice(i * 5, (i + 1) * 5), 0);
    }
  });

  test('a large batch and then a small one', async () => {
    const vit = await load({ backend: 'webgpu' });
    const alone = (await vit.forward(pixels(1))).logits!.data;
    await vit.forward(pixels(9, 2));
    expectClose((await vit.forward(pixels(1))).logits!.data, alone, 0);
  });

  test('the CPU gives the same outputs', async () => {
    const outputs = ['logits', 'embedding', 'probabilities'] as const;
    const gpu = await (await load({ backend: 'webgpu' })).forward(pixels(3), { outputs: [...outputs] });
    const cpu = await (await load({ backend: 'cpu' })).forward(pixels(3), { outputs: [...outputs] });
    for (const name of outputs) {
      expect(gpu[name]!.shape).toEqual(cpu[name]!.shape);
      // Two blocks in f32 against float64: measured 2e-6.
      expectClose(gpu[name]!.data, cpu[name]!.data, 1e-5);
    }
  });

  test('probabilities sum to 1, and classify ranks them', async () => {
    const vit = await load();
    const ranked = await vit.classify(plainImage(40, 30, [200, 40, 90]), { topK: 5 });
    expect(ranked.map(({ score }) => score).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(ranked.map(({ score }) => score)).toEqual(ranked.map(({ score }) => score).sort((a, b) => b - a));
  });

  test('an embedding scaled to length 1', async () => {
    const vit = await load();
    const embedding = await vit.embed(plainImage(16, 16, [1, 2, 3]), { normalize: true });
    expect(embedding).toHaveLength(24);
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 6);
  });
});

describe('loading', () => {
  shareDevice();

  test('reports stages in order, and bytes up to exactly those of the manifest', async () => {
    const reports: Progress[] = [];
    await load({ onProgress: (progress) => reports.push(progress) });
    const total = files.manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0);
    expect([...new Set(reports.map(({ stage }) => stage))]).toEqual(['manifest', 'weights', 'compile', 'ready']);
    expect(reports.every((report, i) => i === 0 || report.loaded >= reports[i - 1].loaded)).toBe(true);
    expect(reports.at(-1)).toEqual({ stage: 'ready', loaded: total, total });
  });

  test('memory() is what was allocated: 4 bytes per parameter, padding and activations', async () => {
    const vit = await load({ backend: 'webgpu' });
    const { gpu } = await vit.memory();
    expect(gpu).toBeGreaterThan(vit.info.parameters * 4);
    expect(gpu).toBeLessThan(vit.info.parameters * 4 * 1.3);
  });

  test('the golden holds on this GPU, and fails for a GPU that gives wrong results', async () => {
    expect(await (await load({ backend: 'webgpu' })).selfTest()).toMatchObject({ passed: true });
    const golden = { ...files.manifest.golden, logits: files.manifest.golden.logits.map((logit) => logit + 0.01) };
    const wrong = { ...files, manifest: { ...files.manifest, golden } };
    takeSoftware();
    for (const backend of ['auto', 'webgpu'] as const) {
      await expect(loadViT(wrong, { worker: false, backend })).rejects.toMatchObject({ code: 'numeric' });
    }
  });
});

describe('errors', () => {
  shareDevice();

  test('the next call reports a lost device, and so does every later one', async () => {
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    const vit = await load({ device });
    await vit.forward(pixels(1));
    device.destroy();
    await device.lost;
    await expect(vit.forward(pixels(1))).rejects.toMatchObject({ code: 'device-lost' });
    await expect(vit.forward(pixels(1))).rejects.toMatchObject({ code: 'device-lost' });
  });

  test('the next call reports an error that no call was waiting for', async () => {
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    const vit = await load({ device });
    device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE }); // not allowed together
    await device.queue.onSubmittedWorkDone();
    await expect(vit.forward(pixels(1))).rejects.toMatchObject({ code: 'shader' });
  });

  test('a shader that does not compile names file, line and column', async () => {
    // Of which no other test hears.
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    const code = 'fn helper() {}\n\n  const x = nonsense;\n';
    const kernel = { name: 'broken', code, bindings: [], grid: () => [1, 1, 1] as const };
    await expect(new Pipelines(device).get(kernel)).rejects.toMatchObject({
      code: 'shader',
      message: expect.stringMatching(/^broken\.wgsl:3:13: .*nonsense.*\n {4}const x = nonsense;/s),
    });
  });

  test('a model too large for the GPU is out-of-memory, and leaves nothing allocated', async () => {
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    const destroy = vi.spyOn(GPUBuffer.prototype, 'destroy');
    const create = vi.spyOn(GPUDevice.prototype, 'createBuffer');
    Object.defineProperty(device, 'limits', {
      value: { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 100_000 },
    });
    const large = await tinyModel({ ...TINY, mlpWidth: 2000 });
    await expect(loadViT(large, { worker: false, device, backend: 'webgpu' })).rejects.toMatchObject({
      code: 'out-of-memory',
    });
    expect(create.mock.calls.length).toBeGreaterThan(0);
    expect(destroy).toHaveBeenCalledTimes(create.mock.calls.length);
  });

  test('disposed at any point of a run, it leaves no error on the device of a caller', async () => {
    const { device } = await testGpu();
    const errors: string[] = [];
    const onError = ({ error }: GPUUncapturedErrorEvent) => errors.push(error.message);
    device.addEventListener('uncapturederror', onError);
    for (let turns = 0; turns < 20; turns++) {
      const vit = await load({ device });
      const image = plainImage(9, 9, [1, 2, 3]);
      await vit.forward(pixels(1));
      const call = turns % 2 ? vit.forward(pixels(1)) : vit.classify([image, image]);
      const running = expect(call).rejects.toMatchObject({ code: 'disposed' });
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      vit.dispose();
      await running;
    }
    await device.queue.onSubmittedWorkDone();
    device.removeEventListener('uncapturederror', onError);
    expect(errors).toEqual([]);
  });

  test('NaN in the pixels is bad-input', async () => {
    const vit = await load();
    const input = pixels(1);
    input.data[5] = Number.NaN;
    await expect(vit.forward(input)).rejects.toMatchObject({ code: 'bad-input' });
    expect((await vit.forward(pixels(1))).logits!.data).toHaveLength(5);
  });

  test('a constant that a shader does not declare exactly once', () => {
    expect(() => specialise('x.wgsl', 'const A = 1u;', { B: 2 })).toThrow(/x\.wgsl declares the constant B 0 times/);
    expect(() => specialise('x.wgsl', 'const A = 1u;\nconst A = 2u;', { A: 2 })).toThrow(/A 2 times/);
    expect(() => specialise('x.wgsl', 'const A = 1u;', { A: 1.5 })).toThrow(/A cannot be 1.5/);
    expect(specialise('x.wgsl', 'const A = 1u;\nconst E = 1e-6f;', { A: 7, E: 1e-12 })).toBe(
      'const A = 7u;\nconst E = 1e-12f;',
    );
  });
});
