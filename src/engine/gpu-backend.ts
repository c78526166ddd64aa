/**
 * The network on the GPU: the scheduler. Everything is made while loading; a run writes the pixels, records every
 * dispatch in one compute pass, submits once and reads back once, and creates nothing but its command encoder.
 */
import { ViTError } from '../error.ts';
import { Buffers } from '../gpu/buffers.ts';
import type { Gpu } from '../gpu/device.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import type { Plan } from '../model/plan.ts';
import type { Preprocess } from '../model/preprocess.ts';
import type { TensorPiece } from '../weights/tensors.ts';
import type { AdapterInfo, Memory, OutputName, Outputs } from '../worker/wire.ts';
import { Activations, maxImages } from './activations.ts';
import type { Backend, Input } from './backend.ts';
import { PreprocessGpu } from './preprocess-gpu.ts';
import { compile, type Program } from './program.ts';
import { WeightBuffers } from './weight-buffers.ts';

/** Beyond it a batch gains nothing: every kernel has enough rows to fill a large GPU. */
const MAX_BATCH = 32;

export class GpuBackend implements Backend {
  readonly name = 'webgpu';
  readonly maxBatch: number;
  readonly #gpu: Gpu;
  readonly #plan: Plan;
  readonly #program: Program;
  readonly #weightBuffers: Buffers;
  readonly #weights: WeightBuffers;
  /** Under way from the beginning: shaders compile while the weights are fetched. */
  readonly #compiling: Promise<[GPUComputePipeline[], PreprocessGpu]>;
  /** One per dispatch, in order. */
  #pipelines: GPUComputePipeline[] = [];
  #preprocess: PreprocessGpu | null = null;
  #activations: Activations | null = null;

  /** @throws ViTError `out-of-memory`; nothing stays allocated */
  static async create(gpu: Gpu, plan: Plan, spec: Preprocess): Promise<GpuBackend> {
    const buffers = new Buffers(gpu.device);
    try {
      return await gpu.checked('the weights of the model', () => new GpuBackend(gpu, plan, spec, buffers));
    } catch (error) {
      buffers.destroy();
      gpu.destroy();
      throw error;
    }
  }

  private constructor(gpu: Gpu, plan: Plan, spec: Preprocess, weightBuffers: Buffers) {
    const { device } = gpu;
    this.#gpu = gpu;
    this.#plan = plan;
    this.#program = compile(plan);
    this.#weightBuffers = weightBuffers;
    this.#weights = new WeightBuffers(device, weightBuffers, this.#program);
    const pipelines = new Pipelines(device);
    this.#compiling = Promise.all([
      Promise.all(this.#program.dispatches.map(({ kernel }) => pipelines.get(kernel))),
      PreprocessGpu.create(device, pipelines, {
        spec,
        architecture: plan.architecture,
        resizeOn: this.adapter.software ? 'cpu' : 'gpu',
      }),
    ]);
    this.#compiling.catch(() => {}); // Thrown by ready().
    const largest = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
    this.maxBatch = Math.max(1, Math.min(MAX_BATCH, maxImages(plan, this.#program, largest)));
  }

  get adapter(): AdapterInfo {
    const { vendor, architecture, description, isFallbackAdapter } = this.#gpu.info;
    const software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${description}`);
    return { vendor, architecture, description, software };
  }

  addPiece(piece: TensorPiece): void {
    this.#gpu.throwIfFailed();
    this.#weights.add(piece);
  }

  async ready(): Promise<void> {
    this.#weights.finish();
    [this.#pipelines, this.#preprocess] = await this.#compiling;
    // Once through everything: the first use of a pipeline can be slow, and the caller's first picture is not to pay.
    const onePixel = { data: new Uint8ClampedArray(4), width: 1, height: 1 } as ImageData;
    await this.run({ batch: 1, usePicture: async (_, use) => use(onePixel) }, []);
  }

  async run(input: Input, outputs: OutputName[]): Promise<Outputs> {
    this.#gpu.throwIfFailed();
    const { device } = this.#gpu;
    const { batch } = input;
    const activations = await this.#activationsFor(batch);

    let encoder = device.createCommandEncoder({ label: 'run' });
    if ('pixels' in input) device.queue.writeBuffer(activations.pixels, 0, input.pixels);
    else {
      for (let index = 0; index < batch; index++) {
        if (index > 0) {
          // The next picture takes the scratch memory of the one before.
          device.queue.submit([encoder.finish()]);
          encoder = device.createCommandEncoder({ label: 'run' });
        }
        await input.usePicture(index, (picture) => {
          this.#preprocess!.upload(picture, activations.pixels, index);
          this.#preprocess!.record(encoder);
        });
      }
    }
    const pass = encoder.beginComputePass({ label: 'network' });
    for (const [index, { kernel, rowsPerImage }] of this.#program.dispatches.entries()) {
      pass.setPipeline(this.#pipelines[index]);
      pass.setBindGroup(0, activations.bindGroups[index]);
      pass.dispatchWorkgroups(...kernel.grid(batch * rowsPerImage));
    }
    pass.end();
    for (const name of outputs) activations.recordReadback(encoder, name);
    device.queue.submit([encoder.finish()]);
    return this.#read(activations, batch, outputs);
  }

  memory(): Memory {
    return {
      gpu: this.#weightBuffers.bytes + (this.#activations?.bytes ?? 0) + (this.#preprocess?.bytes ?? 0),
      cpu: 0,
    };
  }

  destroy(): void {
    this.#activations?.destroy();
    this.#activations = null;
    this.#preprocess?.destroy();
    this.#weightBuffers.destroy();
    this.#gpu.destroy();
  }

  async #activationsFor(batch: number): Promise<Activations> {
    if (this.#activations && this.#activations.capacity >= batch) return this.#activations;
    // The old ones go first: both together may not fit.
    this.#activations?.destroy();
    this.#activations = null;
    const { device } = this.#gpu;
    const buffers = new Buffers(device);
    try {
      this.#activations = await this.#gpu.checked(`a batch of ${batch} images`, () => {
        return new Activations(device, this.#plan, this.#program, this.#weights, this.#pipelines, buffers, batch);
      });
    } catch (error) {
      buffers.destroy();
      throw error;
    }
    return this.#activations;
  }

  async #read(activations: Activations, batch: number, outputs: OutputName[]): Promise<Outputs> {
    const { readback } = activations;
    try {
      await readback.mapAsync(GPUMapMode.READ);
    } catch (cause) {
      this.#gpu.throwIfFailed();
      throw new ViTError('device-lost', 'The GPU stopped before the result was there. Load the model again.', {
        cause,
      });
    }
    try {
      this.#gpu.throwIfFailed();
      const result: Outputs = {};
      for (const name of outputs) {
        const { count, stride } = this.#program.columns[name];
        const padded = activations.readbackRange(name);
        const data = new Float32Array(batch * count);
        for (let row = 0; row < batch; row++) {
          data.set(padded.subarray(row * stride, row * stride + count), row * count);
        }
        result[name] = { data, shape: [batch, count] };
      }
      return result;
    } finally {
      readback.unmap();
    }
  }
}
