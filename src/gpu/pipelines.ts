/**
 * Kernels to pipelines: each distinct one is compiled once, all of them in parallel.
 */
import { ViTError } from '../error.ts';
import type { Binding, Kernel } from './kernel.ts';

const BUFFER_TYPE: Record<Binding, GPUBufferBindingType> = {
  read: 'read-only-storage',
  write: 'storage',
  uniform: 'uniform',
};

/** Of models that share a device: the same kernels, compiled but once, as long as the device is held. */
const compiled = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #pipelines: Map<string, Promise<GPUComputePipeline>>;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#pipelines = compiled.get(device) ?? new Map();
    compiled.set(device, this.#pipelines);
  }

  /** @throws ViTError `shader` with file, line and column of every error the compiler found */
  get(kernel: Kernel): Promise<GPUComputePipeline> {
    const key = `${kernel.entry} ${kernel.code}`;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(kernel);
      this.#pipelines.set(key, pipeline);
      // What failed for want of memory may do the next time.
      pipeline.catch(() => this.#pipelines.delete(key));
    }
    return pipeline;
  }

  async #compile({ name, code, entry = 'main', bindings }: Kernel): Promise<GPUComputePipeline> {
    const device = this.#device;
    const module = device.createShaderModule({ label: name, code });
    const bindGroupLayout = device.createBindGroupLayout({
      label: name,
      entries: bindings.map((kind, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: BUFFER_TYPE[kind] },
      })),
    });
    const layout = device.createPipelineLayout({ label: name, bindGroupLayouts: [bindGroupLayout] });
    try {
      return await device.createComputePipelineAsync({ label: name, layout, compute: { module, entryPoint: entry } });
    } catch (cause) {
      throw new ViTError('shader', await describeFailure(name, code, module, cause), { cause });
    }
  }
}

async function describeFailure(name: string, code: string, module: GPUShaderModule, cause: unknown): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter(({ type }) => type === 'error');
  if (errors.length === 0) return `${name}.wgsl could not be made into a pipeline: ${cause}`;
  const lines = code.split('\n');
  return errors
    .map(
      ({ lineNum, linePos, message }) =>
        `${name}.wgsl:${lineNum}:${linePos}: ${message}\n  ${lines[lineNum - 1] ?? ''}`,
    )
    .join('\n');
}
