/**
 * The weights of programs on the GPU: a buffer for each, filled as the tensors arrive, in any order. Programs share those
 * with the same key. Large ones, which are nearly all of a model, are packed piece by piece: besides the pieces only the
 * packed form of one is held.
 */
import type { Buffers } from '../gpu/buffers.ts';
import type { TensorPiece } from '../weights/tensors.ts';
import type { Program } from './program.ts';
import type { LargeWeight, SmallWeight, Weight } from './weights.ts';

/** A tensor that is needed whole. */
interface Whole {
  data: Float32Array<ArrayBuffer>;
  /** Elements that have not come yet. */
  missing: number;
}

export class WeightBuffers {
  readonly #queue: GPUQueue;
  readonly #buffers: Buffers;
  readonly #byKey = new Map<string, GPUBuffer>();
  /** By tensor: the large weights that are made from it. */
  readonly #large = new Map<string, LargeWeight[]>();
  /** By tensor: the weights that need it whole and are not filled yet. */
  readonly #needing = new Map<string, Set<Weight>>();
  readonly #whole = new Map<string, Whole>();
  /** Large weights that are packed, or of which some pieces are. */
  readonly #open = new Map<LargeWeight, { packed: Float32Array<ArrayBuffer>; complete: boolean }>();
  /** Memory for the next one: garbage would pile up faster than it is collected. */
  #spare = new ArrayBuffer(0);
  /** Bytes of the largest weight that is packed in pieces. */
  #largest = 0;

  constructor(device: GPUDevice, buffers: Buffers) {
    this.#queue = device.queue;
    this.#buffers = buffers;
  }

  /** Makes the buffers of a program's weights, as far as there are none yet. All programs come before the first piece. */
  create({ actions }: Program): void {
    for (const action of actions) {
      if (!('kernel' in action)) continue;
      for (const operand of action.operands) if ('key' in operand) this.#createOne(action.label, operand);
    }
  }

  get({ key }: Weight): GPUBuffer {
    return this.#byKey.get(key)!;
  }

  add(piece: TensorPiece): void {
    for (const weight of this.#large.get(piece.name) ?? []) this.#place(weight, piece);
    if (this.#needing.has(piece.name)) this.#gather(piece);
  }

  /** The last tensor has come. */
  finish(): void {
    this.#spare = new ArrayBuffer(0);
  }

  #createOne(label: string, weight: Weight): void {
    if (this.#byKey.has(weight.key)) return;
    const needed = 'place' in weight ? (weight.finish ? [weight.finish.tensor] : []) : weight.tensors;
    const names = 'place' in weight ? [weight.tensor, ...needed] : needed;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#byKey.set(weight.key, this.#buffers.create(`${label}: ${names.join(', ')}`, weight.floats * 4, usage));
    for (const name of needed) this.#needing.set(name, (this.#needing.get(name) ?? new Set()).add(weight));
    if ('place' in weight) {
      this.#large.set(weight.tensor, [...(this.#large.get(weight.tensor) ?? []), weight]);
      this.#largest = Math.max(this.#largest, weight.floats * 4);
    }
  }

  #place(weight: LargeWeight, { length, first, data }: TensorPiece): void {
    const { packed } = this.#opened(weight);
    weight.place(packed, data, first);
    if (first + data.length < length) return;
    this.#open.set(weight, { packed, complete: true });
    this.#fillLarge(weight);
  }

  #opened(weight: LargeWeight) {
    const open = this.#open.get(weight);
    if (open) return open;
    // For the largest one, so that it need not grow.
    if (this.#spare.byteLength < weight.floats * 4) this.#spare = new ArrayBuffer(this.#largest);
    const opened = { packed: new Float32Array(this.#spare, 0, weight.floats).fill(0), complete: false };
    this.#spare = new ArrayBuffer(0);
    this.#open.set(weight, opened);
    return opened;
  }

  #gather({ name, length, first, data }: TensorPiece): void {
    const tensor = this.#whole.get(name) ?? { data: new Float32Array(length), missing: length };
    this.#whole.set(name, tensor);
    tensor.data.set(data, first);
    tensor.missing -= data.length;
    if (tensor.missing > 0) return;
    for (const weight of [...this.#needing.get(name)!]) {
      if ('place' in weight) this.#fillLarge(weight);
      else this.#fillSmall(weight);
    }
  }

  #fillSmall(weight: SmallWeight): void {
    const data = weight.tensors.map((name) => this.#wholeData(name));
    if (data.every((tensor) => tensor !== undefined)) this.#upload(weight, weight.pack(data), weight.tensors);
  }

  #fillLarge(weight: LargeWeight): void {
    const open = this.#open.get(weight);
    if (!open?.complete) return;
    const { packed } = open;
    if (weight.finish) {
      const data = this.#wholeData(weight.finish.tensor);
      if (!data) return;
      weight.finish.apply(packed, data);
    }
    this.#open.delete(weight);
    this.#upload(weight, packed, weight.finish ? [weight.finish.tensor] : []);
    if (packed.buffer.byteLength > this.#spare.byteLength) this.#spare = packed.buffer;
  }

  #wholeData(name: string): Float32Array<ArrayBuffer> | undefined {
    const tensor = this.#whole.get(name);
    return tensor?.missing === 0 ? tensor.data : undefined;
  }

  /** @param needed whole tensors, which are let go of when no other weight needs them */
  #upload(weight: Weight, packed: Float32Array<ArrayBuffer>, needed: string[]): void {
    this.#queue.writeBuffer(this.get(weight), 0, packed);
    for (const name of needed) {
      const others = this.#needing.get(name)!;
      others.delete(weight);
      if (others.size === 0) this.#whole.delete(name);
    }
  }
}
