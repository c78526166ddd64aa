/**
 * Weights in the kernels' memory. Programs say what they read while they are compiled, and get its address; pieces of tensors
 * are put there as they arrive.
 */
import { encodeHalfs } from '../weights/half.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { Arena } from './arena.ts';
import { type PanelShape, packedLength, placePiece, type Range } from './panels.ts';

/** What is made of a tensor piece by piece, so that it is never held twice. */
interface Placement {
  address: number;
  /** Numbers there. */
  length: number;
  factor: number;
  /** Elements of the tensor that are needed. */
  needed: Range;
  place(packed: { [index: number]: number }, piece: ArrayLike<number>, first: number): void;
}

/** What is made of whole tensors, which are small and wait for each other. */
interface Small {
  address: number;
  floats: number;
  tensors: readonly string[];
  pack(data: Float32Array[]): Float32Array;
}

export class Weights {
  readonly #arena: Arena;
  /** Whether large ones are kept in f16. */
  readonly isHalf: boolean;
  readonly #addresses = new Map<string, number>();
  readonly #placements = new Map<string, Placement[]>();
  readonly #small: Small[] = [];
  readonly #waiting = new Map<string, Float32Array | null>();

  constructor(arena: Arena, isHalf: boolean) {
    this.#arena = arena;
    this.isHalf = isHalf;
  }

  /** Of which tensors which elements are waited for: pieces of others need not be added. */
  get needed(): [tensor: string, elements: Range][] {
    const large = [...this.#placements].flatMap(([tensor, placements]) =>
      placements.map(({ needed }): [string, Range] => [tensor, needed]),
    );
    const whole = { from: 0, to: Number.POSITIVE_INFINITY };
    return [...large, ...[...this.#waiting.keys()].map((tensor): [string, Range] => [tensor, whole])];
  }

  /** The weight of a linear layer, or a part of it, in panels. @param factor a power of two costs no digits */
  matrix(tensor: string, shape: PanelShape, factor = 1): number {
    const { inputs, rows, columns } = shape;
    const key = `matrix ${tensor} ${JSON.stringify([rows, columns, factor])}`;
    const needed = { from: inputs * rows[0].from, to: inputs * rows[rows.length - 1].to };
    return this.#large(key, tensor, packedLength(shape), needed, factor, (packed, piece, first) =>
      placePiece(packed, piece, first, shape),
    );
  }

  /** A table whose rows are picked: each with room for whole vectors. */
  table(tensor: string, rows: number, columns: number, stride: number): number {
    const needed = { from: 0, to: rows * columns };
    return this.#large(`table ${tensor}`, tensor, rows * stride, needed, 1, (packed, piece, first) => {
      for (let i = 0; i < piece.length; i++) {
        const row = Math.floor((first + i) / columns);
        packed[row * stride + (first + i - row * columns)] = piece[i];
      }
    });
  }

  /** Whatever is made of small tensors at once, such as a bias. */
  small(key: string, tensors: readonly string[], floats: number, pack: Small['pack']): number {
    return this.#once(key, floats * 4, (address) => {
      this.#small.push({ address, floats, tensors, pack });
      for (const tensor of tensors) this.#waiting.set(tensor, null);
    });
  }

  addPiece({ name, length, first, data }: TensorPiece): void {
    const placements = this.#placements.get(name);
    for (const { address, length, factor, place } of placements ?? []) {
      const scaled = factor === 1 ? data : data.map((value) => value * factor);
      if (this.isHalf) place(this.#arena.halves(address, length), encodeHalfs(scaled), first);
      else place(this.#arena.floats(address, length), scaled, first);
    }
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) return;
    const whole = waiting ?? new Float32Array(length);
    this.#waiting.set(name, whole);
    whole.set(data, first);
  }

  /** Packs what waited. */
  finish(): void {
    for (const { address, floats, tensors, pack } of this.#small) {
      const data = tensors.map((name) => this.#waiting.get(name)!);
      this.#arena.floats(address, floats).set(pack(data));
    }
    this.leave();
  }

  /** Nothing is waited for any longer: whoever shares this memory puts it there. */
  leave(): void {
    this.#small.length = 0;
    this.#waiting.clear();
    this.#placements.clear();
  }

  #large(
    key: string,
    tensor: string,
    length: number,
    needed: Range,
    factor: number,
    place: Placement['place'],
  ): number {
    return this.#once(key, length * (this.isHalf ? 2 : 4), (address) => {
      const placements = this.#placements.get(tensor) ?? [];
      this.#placements.set(tensor, [...placements, { address, length, needed, factor, place }]);
    });
  }

  #once(key: string, bytes: number, register: (address: number) => void): number {
    const known = this.#addresses.get(key);
    if (known !== undefined) return known;
    const address = this.#arena.reserve(bytes);
    this.#addresses.set(key, address);
    register(address);
    return address;
  }
}
