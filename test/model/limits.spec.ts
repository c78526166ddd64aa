/**
 * A GPU that offers the least it may, and one that has no memory left.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { GpuBackend } from '../../src/engine/gpu-backend.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { loadViT } from '../../src/index.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { random } from '../harness/arrays.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

/** Of the WebGPU specification: what every implementation grants, for everything that compute work can meet. */
const DEFAULT_LIMITS: Record<string, number> = {
  maxBufferSize: 268435456,
  maxStorageBufferBindingSize: 134217728,
  maxStorageBuffersPerShaderStage: 8,
  maxBindGroups: 4,
  maxBindingsPerBindGroup: 1000,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
  maxTextureDimension2D: 8192,
  minStorageBufferOffsetAlignment: 256,
};

afterEach(() => vi.restoreAllMocks());

test('a GPU with the default limits and no optional feature, timestamps among them', async () => {
  const { features: all } = (await navigator.gpu.requestAdapter())!;
  // The adapter reports none, so the engine requests none.
  vi.spyOn(GPUAdapter.prototype, 'features', 'get').mockReturnValue(new Set() as unknown as GPUSupportedFeatures);
  const devices: GPUDevice[] = [];
  const request = GPUAdapter.prototype.requestDevice;
  vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockImplementation(async function (this: GPUAdapter, ...args) {
    devices.push(await request.apply(this, args));
    return devices.at(-1)!;
  });
  const uncaptured = vi.fn();
  // This adapter could give more.
  expect(all.has('timestamp-query')).toBe(true);
  const vit = await loadViT(await tinyModel(), { worker: false, backend: 'webgpu' });
  devices[0].addEventListener('uncapturederror', uncaptured);
  const { limits, features } = devices[0];
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    expect([name, limits[name as keyof GPUSupportedLimits]]).toEqual([name, value]);
  }
  expect([...features].filter((feature) => feature !== ('core-features-and-limits' as GPUFeatureName))).toEqual([]);
  await vit.classify([plainImage(4000, 3, [1, 2, 3]), plainImage(3, 4000, [3, 2, 1])]);
  await vit.forward(
    { data: random(40 * 768, 1), shape: [40, 3, 16, 16] },
    { outputs: ['logits', 'tokens', 'hidden', 'attention'] },
  );
  expect(await vit.selfTest()).toMatchObject({ passed: true });
  await devices[0].queue.onSubmittedWorkDone();
  expect(uncaptured).not.toHaveBeenCalled();
  vit.dispose();
});

test('a model that is too large says how much it needs', async () => {
  const create = GPUDevice.prototype.createBuffer;
  const made: GPUBuffer[] = [];
  vi.spyOn(GPUDevice.prototype, 'createBuffer').mockImplementation(function (this: GPUDevice, descriptor) {
    made.push(create.call(this, descriptor));
    return made.at(-1)!;
  });
  // What a GPU that is full answers.
  vi.spyOn(GPUDevice.prototype, 'popErrorScope').mockImplementation(async () => new GPUOutOfMemoryError('full'));
  const destroy = vi.spyOn(GPUBuffer.prototype, 'destroy');
  const large = await tinyModel({ ...TINY, mlpWidth: 20_000, classes: 7 });
  await expect(loadViT(large, { worker: false, backend: 'webgpu' })).rejects.toMatchObject({
    code: 'out-of-memory',
    message: expect.stringMatching(/\(8 MB\)/),
  });
  expect(made.length).toBeGreaterThan(0);
  await vi.waitFor(() => expect(new Set(destroy.mock.contexts)).toEqual(new Set(made)));
});

test('how many images fit into one run is found without making anything', async () => {
  const { preprocess, architecture } = (await tinyModel()).manifest;
  const plan = planViT(withDefaults({ ...architecture, imageSize: [256, 256] }));
  const spec = { ...preprocess, resize: { mode: 'squash', height: 256, width: 256 } as const };
  const gpu = await Gpu.request();
  const backend = await GpuBackend.create(gpu, plan, spec);
  const made = [
    vi.spyOn(GPUDevice.prototype, 'createBuffer'),
    vi.spyOn(GPUDevice.prototype, 'createShaderModule'),
    vi.spyOn(GPUDevice.prototype, 'createComputePipelineAsync'),
  ];
  const ordinary = backend.maxBatch({ outputs: ['logits'] });
  const attention = backend.maxBatch({ outputs: ['attention'] });
  for (const spy of made) expect(spy).not.toHaveBeenCalled();
  // Those of both blocks are read back from one buffer: 2 * 3 * 1025 * 1028 numbers per image.
  expect(attention).toBe(Math.floor(gpu.device.limits.maxStorageBufferBindingSize / (2 * 3 * 1025 * 1028 * 4)));
  expect(attention).toBeLessThan(ordinary);
  backend.destroy();
});
