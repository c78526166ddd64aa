/**
 * The weights of a program on the GPU: a buffer for each, filled as the tensors arrive, in any order.
 */
import type { Buffers } from '../gpu/buffers.ts';
import type { Program, Weight } from './program.ts';

export class WeightBuffers {
  readonly #queue: GPUQueue;
  readonly #buffers = new Map<Weight, GPUBuffer>();
  /** By tensor: the weights that it is part of. */
  readonly #users = new Map<string, Weight[]>();
  /** Tensors that wait for others of the same weight. Only small ones do. */
  readonly #waiting = new Map<string, Float32Array<ArrayBuffer>>();

  constructor(device: GPUDevice, buffers: Buffers, { dispatches }: Program) {
    this.#queue = device.queue;
    for (const { label, operands } of dispatches) {
      for (const weight of operands) {
        if (typeof weight === 'string') continue;
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
        this.#buffers.set(weight, buffers.create(`${label}: ${weight.tensors.join(', ')}`, weight.floats * 4, usage));
        for (const tensor of weight.tensors) {
          this.#users.set(tensor, [...(this.#users.get(tensor) ?? []), weight]);
        }
      }
    }
  }

  get(weight: Weight): GPUBuffer {
    return this.#buffers.get(weight)!;
  }

  /** @param data only valid during the call */
  set(tensor: string, data: Float32Array<ArrayBuffer>): void {
    for (const weight of this.#users.get(tensor) ?? []) {
      if (weight.tensors.length === 1) this.#upload(weight, [data]);
      else {
        if (!this.#waiting.has(tensor)) this.#waiting.set(tensor, data.slice());
        if (weight.tensors.every((name) => this.#waiting.has(name))) {
          this.#upload(
            weight,
            weight.tensors.map((name) => this.#waiting.get(name)!),
          );
          for (const name of weight.tensors) this.#waiting.delete(name);
        }
      }
    }
  }

  #upload(weight: Weight, data: Float32Array<ArrayBuffer>[]): void {
    this.#queue.writeBuffer(this.get(weight), 0, weight.pack(data));
  }
}
