/**
 * How many f32 operations a device does per second when nothing holds it up: what every kernel is compared with.
 */
import fmaSource from './peak-fma.wgsl?raw';

const THREADS = 2 ** 18;
/** Iterations, vectors, lanes, and two for a multiply-add. */
const FLOPS_PER_THREAD = 256 * 4 * 4 * 2;

/**
 * @param longEnough milliseconds of one measurement: a submit's own time vanishes in them
 * @returns floating-point operations per second; a multiply-add is two
 */
export async function measureFlops(device: GPUDevice, longEnough: number): Promise<number> {
  const results = device.createBuffer({ size: THREADS * 16, usage: GPUBufferUsage.STORAGE });
  try {
    return (THREADS * FLOPS_PER_THREAD) / (await fastest(device, fmaSource, [results], THREADS / 64, longEnough));
  } finally {
    results.destroy();
  }
}

const REPEATS = 5;

/** @returns seconds of the fastest dispatch: a peak, not a typical value */
export async function fastest(
  device: GPUDevice,
  code: string,
  buffers: GPUBuffer[],
  workgroups: number,
  longEnough: number,
): Promise<number> {
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
  while ((await run(dispatches)) < longEnough) dispatches *= 2;
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) times.push(await run(dispatches));
  return Math.min(...times) / dispatches / 1000;
}
