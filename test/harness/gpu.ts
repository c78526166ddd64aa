/**
 * Runs one kernel on the GPU, inside error scopes, and reads back what it wrote. No adapter is a failure.
 */
import { FEATURES } from '../../src/gpu/capabilities.ts';
import { Gpu } from '../../src/gpu/device.ts';
import type { Kernel } from '../../src/gpu/kernel.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';

/** What a device of the library asks for. */
export const OPTIONAL_FEATURES = Object.values(FEATURES) as GPUFeatureName[];

let shared: Promise<Gpu> | undefined;

/** A device with every optional feature that the adapter has: one for all specs of a page, until an error is left on it. */
export async function testGpu(): Promise<Gpu> {
  shared ??= requestGpu();
  const gpu = await shared;
  try {
    gpu.throwIfFailed();
  } catch {
    shared = requestGpu();
  }
  return shared;
}

async function requestGpu(): Promise<Gpu> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('WebGPU has no adapter here.');
  const requiredFeatures = OPTIONAL_FEATURES.filter((feature) => adapter.features.has(feature));
  return new Gpu(await adapter.requestDevice({ requiredFeatures }), true, adapter.info);
}

/**
 * @param operands one per binding: an array is uploaded; the last one is what the kernel writes, and says what is there
 *   before
 * @returns the last operand's buffer after the run, as floats
 */
export async function runKernel(
  kernel: Kernel,
  operands: (Float32Array | Uint32Array | Uint16Array)[],
  rows: number,
): Promise<Float32Array> {
  const gpu = await testGpu();
  const { device } = gpu;
  return gpu.checked(`a test of ${kernel.name}`, async () => {
    const pipeline = await new Pipelines(device).get(kernel);
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const buffers = operands.map((data) => {
      const buffer = device.createBuffer({ size: data.byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
      device.queue.writeBuffer(buffer, 0, data as typeof data & ArrayBufferView<ArrayBuffer>);
      return buffer;
    });
    const output = buffers[buffers.length - 1];
    const readback = device.createBuffer({ size: output.size, usage: MAP_READ | COPY_DST });
    const bindGroup = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...kernel.grid(rows));
    pass.end();
    encoder.copyBufferToBuffer(output, 0, readback, 0, output.size);
    device.queue.submit([encoder.finish()]);
    await readback.mapAsync(GPUMapMode.READ);
    const result = new Float32Array(readback.getMappedRange()).slice();
    for (const buffer of [...buffers, readback]) buffer.destroy();
    return result;
  });
}
