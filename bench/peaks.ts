/**
 * What an adapter can do at most, measured: multiply-adds per second and bytes per second. The floor that every time is
 * held against follows from these two and from counting (`src/model/cost.ts`).
 */
import type { Cost } from '../src/model/cost.ts';
import copySource from './peak-copy.wgsl?raw';
import fmaSource from './peak-fma.wgsl?raw';

export interface Peaks {
  /** f32 floating-point operations per second; a multiply-add is two. */
  flops: number;
  /** Bytes read and written per second. */
  bandwidth: number;
}

/** A measurement takes at least so long, so that a submit's own time vanishes. Milliseconds. */
const LONG_ENOUGH = 100;
const REPEATS = 5;

const FMA_THREADS = 2 ** 18;
const FLOPS_PER_THREAD = 256 * 4 * 4 * 2;
/** WebGPU's default limit of a binding: beyond the caches of most devices. */
const COPY_BYTES = 128 * 2 ** 20;

export async function measurePeaks(device: GPUDevice): Promise<Peaks> {
  const { STORAGE } = GPUBufferUsage;
  const results = device.createBuffer({ size: FMA_THREADS * 16, usage: STORAGE });
  const source = device.createBuffer({ size: COPY_BYTES, usage: STORAGE });
  const copy = device.createBuffer({ size: COPY_BYTES, usage: STORAGE });
  const fmaSeconds = await fastest(device, fmaSource, [results], FMA_THREADS / 64);
  const copySeconds = await fastest(device, copySource, [source, copy], COPY_BYTES / 16 / 256);
  for (const buffer of [results, source, copy]) buffer.destroy();
  return { flops: (FMA_THREADS * FLOPS_PER_THREAD) / fmaSeconds, bandwidth: (2 * COPY_BYTES) / copySeconds };
}

/** @returns seconds of the fastest dispatch: a peak, not a typical value */
async function fastest(device: GPUDevice, code: string, buffers: GPUBuffer[], workgroups: number): Promise<number> {
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const run = async (dispatches: number) => {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(workgroups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };
  await run(1);
  let dispatches = 1;
  while ((await run(dispatches)) < LONG_ENOUGH) dispatches *= 2;
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) times.push(await run(dispatches));
  return Math.min(...times) / dispatches / 1000;
}

/** @returns milliseconds below which this work cannot be done with f32 on this adapter */
export function floorOf({ macs, weights, values }: Cost, { flops, bandwidth }: Peaks): number {
  return 1000 * Math.max((2 * macs) / flops, (4 * (weights + values)) / bandwidth);
}
