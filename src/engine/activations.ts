/**
 * Everything on the GPU whose size depends on the batch: the buffers of the plan's values, the bind groups of the
 * dispatches, and the buffer results are read from. Made for a number of images, and used for any number up to it.
 */
import type { Buffers } from '../gpu/buffers.ts';
import { roundUp } from '../gpu/kernel.ts';
import { ROW_TILE } from '../kernels/matmul.ts';
import type { Plan, ValueName } from '../model/plan.ts';
import { OUTPUT_NAMES, type OutputName } from '../worker/wire.ts';
import type { Program } from './program.ts';
import type { WeightBuffers } from './weight-buffers.ts';

export class Activations {
  /** Images. */
  readonly capacity: number;
  readonly pixels: GPUBuffer;
  /** One per dispatch, in order. */
  readonly bindGroups: GPUBindGroup[];
  readonly readback: GPUBuffer;
  readonly #buffers: Buffers;
  readonly #values = {} as Record<ValueName, GPUBuffer>;
  readonly #readbackOffsets = {} as Record<OutputName, number>;

  constructor(
    device: GPUDevice,
    plan: Plan,
    program: Program,
    weights: WeightBuffers,
    pipelines: GPUComputePipeline[],
    buffers: Buffers,
    capacity: number,
  ) {
    this.capacity = capacity;
    this.#buffers = buffers;
    const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;

    const pixelBytes = capacity * pixelsPerImage(plan) * 4;
    this.pixels = this.#buffers.create('pixels', pixelBytes, STORAGE | COPY_DST);
    for (const name of Object.keys(plan.values) as ValueName[]) {
      const size = valueBytes(plan, program, name, capacity);
      this.#values[name] = this.#buffers.create(name, size, STORAGE | COPY_SRC);
    }

    let readbackBytes = 0;
    for (const name of OUTPUT_NAMES) {
      this.#readbackOffsets[name] = readbackBytes;
      readbackBytes += this.#values[name].size;
    }
    this.readback = this.#buffers.create('readback', readbackBytes, MAP_READ | COPY_DST);

    this.bindGroups = program.dispatches.map(({ label, operands }, index) =>
      device.createBindGroup({
        label,
        layout: pipelines[index].getBindGroupLayout(0),
        entries: operands.map((operand, binding) => {
          const buffer =
            operand === 'pixels'
              ? this.pixels
              : typeof operand === 'string'
                ? this.#values[operand]
                : weights.get(operand);
          return { binding, resource: { buffer } };
        }),
      }),
    );
  }

  get bytes(): number {
    return this.#buffers.bytes;
  }

  /** Records the copy of an output to where it can be read. */
  recordReadback(encoder: GPUCommandEncoder, name: OutputName): void {
    const value = this.#values[name];
    encoder.copyBufferToBuffer(value, 0, this.readback, this.#readbackOffsets[name], value.size);
  }

  /** Of the mapped `readback`: the floats of an output. */
  readbackRange(name: OutputName): Float32Array {
    const { size } = this.#values[name];
    return new Float32Array(this.readback.getMappedRange(this.#readbackOffsets[name], size));
  }

  destroy(): void {
    this.#buffers.destroy();
  }
}

/** Images at once for which no buffer is larger than `maxBytes`. */
export function maxImages(plan: Plan, program: Program, maxBytes: number): number {
  const names = Object.keys(plan.values) as ValueName[];
  const perImage = Math.max(...names.map((name) => valueBytes(plan, program, name, 1)), pixelsPerImage(plan) * 4);
  return Math.floor(maxBytes / perImage);
}

function pixelsPerImage({ architecture: { channels, imageSize } }: Plan): number {
  return channels * imageSize[0] * imageSize[1];
}

/** Rows are padded to whole tiles of the matmul, so that no kernel has to guard its loads. */
function valueBytes({ values, tokens }: Plan, { columns }: Program, name: ValueName, images: number): number {
  const rows = roundUp(images * (values[name].rows === 'token' ? tokens : 1), ROW_TILE);
  return rows * columns[name].stride * 4;
}
