/**
 * The weights of a program on the GPU: a buffer for each, filled as the tensors arrive, in any order. Matrices, which are
 * nearly all of a model, are packed piece by piece: besides the pieces only the packed form of one is held.
 */
import type { Buffers } from '../gpu/buffers.ts';
import type { TensorPiece } from '../weights/tensors.ts';
import type { Program, Weight } from './program.ts';

export class WeightBuffers {
  readonly #queue: GPUQueue;
  readonly #buffers = new Map<Weight, GPUBuffer>();
  /** By tensor: the weights that it is part of. */
  readonly #users = new Map<string, Weight[]>();
  /** Weights of which some pieces are there, packed. */
  readonly #open = new Map<Weight, Float32Array<ArrayBuffer>>();
  /** Memory for the next one: garbage would pile up faster than it is collected. */
  #spare = new ArrayBuffer(0);
  /** Bytes of the largest weight that is packed in pieces. */
  readonly #largest: number;
  /** Tensors that are packed whole, or together with others of the same weight. Only small ones are. */
  readonly #waiting = new Map<string, { data: Float32Array<ArrayBuffer>; missing: number }>();

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
    const sizes = [...this.#buffers.keys()].map(({ place, floats }) => (place ? floats * 4 : 0));
    this.#largest = Math.max(0, ...sizes);
  }

  get(weight: Weight): GPUBuffer {
    return this.#buffers.get(weight)!;
  }

  add(piece: TensorPiece): void {
    const users = this.#users.get(piece.name) ?? [];
    for (const weight of users) if (weight.place) this.#place(weight, piece);
    if (users.some(({ place }) => !place)) this.#gather(piece, users);
  }

  /** The last tensor has come. */
  finish(): void {
    this.#spare = new ArrayBuffer(0);
  }

  #place(weight: Weight, { length, first, data }: TensorPiece): void {
    let packed = this.#open.get(weight);
    if (!packed) {
      // For the largest one, so that it need not grow.
      if (this.#spare.byteLength < weight.floats * 4) this.#spare = new ArrayBuffer(this.#largest);
      packed = new Float32Array(this.#spare, 0, weight.floats).fill(0);
      this.#spare = new ArrayBuffer(0);
      this.#open.set(weight, packed);
    }
    weight.place!(packed, data, first);
    if (first + data.length < length) return;
    this.#upload(weight, packed);
    this.#open.delete(weight);
    if (packed.buffer.byteLength > this.#spare.byteLength) this.#spare = packed.buffer;
  }

  #gather({ name, length, first, data }: TensorPiece, users: Weight[]): void {
    const tensor = this.#waiting.get(name) ?? { data: new Float32Array(length), missing: length };
    this.#waiting.set(name, tensor);
    tensor.data.set(data, first);
    tensor.missing -= data.length;
    for (const weight of users) {
      const tensors = weight.tensors.map((name) => this.#waiting.get(name));
      if (!tensors.every((tensor) => tensor?.missing === 0)) continue;
      this.#upload(weight, weight.pack(tensors.map((tensor) => tensor!.data)));
      for (const name of weight.tensors) this.#waiting.delete(name);
    }
  }

  #upload(weight: Weight, packed: Float32Array<ArrayBuffer>): void {
    this.#queue.writeBuffer(this.get(weight), 0, packed);
  }
}
