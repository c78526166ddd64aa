/**
 * The weights of programs on the GPU: a buffer for each, filled as the tensors arrive, in any order. Programs share those
 * with the same key. Large ones, which are nearly all of a model, are packed piece by piece, and go to the GPU stretch by
 * stretch where their layout allows it: then no more than a stretch is held besides the pieces.
 */
import type { Buffers } from '../../gpu/buffers.ts';
import { encodeHalfs } from '../../weights/half.ts';
import type { TensorPiece } from '../../weights/tensor-assembler.ts';
import type { LargeWeight, SmallWeight, Stretch, Weight } from './packed-weights.ts';
import type { Program } from './program.ts';

/** A tensor that is needed whole. */
interface Whole {
  data: Float32Array<ArrayBuffer>;
  /** Elements that have not come yet. */
  missing: number;
}

/** A large weight in the making: whole, or the stretch of it that is being filled. */
interface Packing {
  packed: Float32Array<ArrayBuffer>;
  stretch: Stretch;
  /** Of the stretch among those of the weight. */
  index: number;
  /** The last element of the tensor has come. */
  complete: boolean;
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
  /** Large weights of which something is packed that is not on the GPU. */
  readonly #open = new Map<LargeWeight, Packing>();
  /** Memory for the next one: garbage would pile up faster than it is collected. */
  #spare = new ArrayBuffer(0);
  /** Bytes of the largest packing. */
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

  /** @param label of the buffer */
  #createOne(label: string, weight: Weight): void {
    if (this.#byKey.has(weight.key)) return;
    const needed = neededBy(weight);
    const names = 'place' in weight ? [weight.tensor, ...needed] : needed;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#byKey.set(weight.key, this.#buffers.create(`${label}: ${names.join(', ')}`, bytesOf(weight), usage));
    for (const name of needed) this.#needing.set(name, (this.#needing.get(name) ?? new Set()).add(weight));
    if ('place' in weight) {
      this.#large.set(weight.tensor, [...(this.#large.get(weight.tensor) ?? []), weight]);
      this.#largest = Math.max(this.#largest, (weight.stretch ?? weight).floats * 4);
    }
  }

  #place(weight: LargeWeight, piece: TensorPiece): void {
    const { length, first } = piece;
    const data = weight.few?.codesOf(piece) ?? piece.data;
    for (let done = 0; done < data.length; ) {
      const packing = this.#opened(weight, length, first + done);
      const { elements } = packing.stretch;
      const within = (first + done) % elements;
      const part = data.subarray(done, done + Math.min(elements - within, data.length - done));
      weight.place(packing.packed, part, within);
      done += part.length;
      packing.complete = first + done === length;
      if (packing.complete || within + part.length === elements) this.#flush(weight, packing);
    }
  }

  /** What element `at` of `weight` goes into, the next one. @param length of its tensor */
  #opened(weight: LargeWeight, length: number, at: number): Packing {
    const open = this.#open.get(weight);
    if (open) return open;
    // Without its factors no part of it is finished.
    const canFlush = weight.stretch && neededBy(weight).every((name) => this.#wholeData(name));
    const stretch = canFlush ? weight.stretch! : { rows: length, elements: length, floats: weight.floats };
    // For the largest one, so that it need not grow.
    if (this.#spare.byteLength < stretch.floats * 4)
      this.#spare = new ArrayBuffer(Math.max(this.#largest, stretch.floats * 4));
    const packed = new Float32Array(this.#spare, 0, stretch.floats).fill(0);
    const packing = { packed, stretch, index: Math.floor(at / stretch.elements), complete: false };
    this.#spare = new ArrayBuffer(0);
    this.#open.set(weight, packing);
    return packing;
  }

  /** Hands on what is packed, unless its factors are missing. */
  #flush(weight: LargeWeight, { packed, stretch, index, complete }: Packing): void {
    const { scale, few } = weight;
    const factors = scale && this.#wholeData(scale.tensor);
    if (scale) {
      if (!factors) return;
      if (!few) scale.apply(packed, factors.subarray(index * stretch.rows, (index + 1) * stretch.rows));
    }
    this.#open.delete(weight);
    const from = index * stretch.floats;
    const part = packed.subarray(0, Math.min(packed.length, weight.floats - from));
    const stored = few ? few.stored(part) : isHalf(weight) ? encodeHalfs(part) : part;
    const buffer = this.get(weight);
    this.#queue.writeBuffer(buffer, (from * stored.byteLength) / part.length, stored);
    if (few && complete) this.#queue.writeBuffer(buffer, few.codeBytes, few.placedScales(factors));
    if (complete) this.#letGo(weight);
    if (packed.buffer.byteLength > this.#spare.byteLength) this.#spare = packed.buffer;
  }

  #gather({ name, length, first, data }: TensorPiece): void {
    const tensor = this.#whole.get(name) ?? { data: new Float32Array(length), missing: length };
    this.#whole.set(name, tensor);
    tensor.data.set(data, first);
    tensor.missing -= data.length;
    if (tensor.missing > 0) return;
    for (const weight of [...this.#needing.get(name)!]) {
      if (!('place' in weight)) this.#fillSmall(weight);
      else if (this.#open.get(weight)?.complete) this.#flush(weight, this.#open.get(weight)!);
    }
  }

  #fillSmall(weight: SmallWeight): void {
    const data = weight.tensors.map((name) => this.#wholeData(name));
    if (!data.every((tensor) => tensor !== undefined)) return;
    this.#queue.writeBuffer(this.get(weight), 0, weight.pack(data));
    this.#letGo(weight);
  }

  #wholeData(name: string): Float32Array<ArrayBuffer> | undefined {
    const tensor = this.#whole.get(name);
    return tensor?.missing === 0 ? tensor.data : undefined;
  }

  /** Of whole tensors, those that no other weight needs. */
  #letGo(weight: Weight): void {
    for (const name of neededBy(weight)) {
      const others = this.#needing.get(name)!;
      others.delete(weight);
      if (others.size === 0) this.#whole.delete(name);
    }
  }
}

function isHalf(weight: Weight): boolean {
  return 'place' in weight && weight.storage === 'f16';
}

function bytesOf(weight: Weight): number {
  if ('place' in weight && weight.few) return weight.few.bytes;
  return weight.floats * (isHalf(weight) ? 2 : 4);
}

/** The tensors that a weight needs whole. */
function neededBy(weight: Weight): string[] {
  if ('place' in weight) return weight.scale ? [weight.scale.tensor] : [];
  return weight.tensors;
}
