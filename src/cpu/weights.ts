/**
 * Weights in the kernels' memory. Programs say what they read while they are compiled, and get its address; pieces of tensors
 * are put there as they arrive.
 */

import { encodeHalfs } from '../weights/half.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { TensorBits } from '../weights/tensor-bits.ts';
import type { Arena } from './arena.ts';
import { layOut, placeCodes, placeScales } from './few-bit-panels.ts';
import { type PanelShape, packedLength, placePiece, type Range } from './panels.ts';

/** How weights are kept. */
export interface WeightFormats {
  /** Whether large ones are halves. */
  isHalf: boolean;
  /** Matrices that stay in the few bits of their files. */
  fewBits: TensorBits;
}

/** The weight of a linear layer in memory. */
export interface PackedMatrix {
  address: number;
  bits: 32 | 16 | 8 | 4;
  /** Address of the scales, and inputs that share one: of 8 and 4 bits. */
  scales: number;
  group: number;
}

/** What is made of a tensor piece by piece, so that it is never held twice. */
interface Placement {
  /** Elements of the tensor that are needed. */
  needed: Range;
  place(piece: TensorPiece): void;
}

type Place = (packed: { [index: number]: number }, piece: ArrayLike<number>, first: number) => void;

/** What is made of whole tensors, which are small and wait for each other. */
interface Small {
  address: number;
  floats: number;
  tensors: readonly string[];
  pack(data: Float32Array[]): Float32Array;
}

export class Weights {
  readonly #arena: Arena;
  readonly isHalf: boolean;
  readonly #fewBits: TensorBits;
  readonly #addresses = new Map<string, number>();
  readonly #placements = new Map<string, Placement[]>();
  readonly #small: Small[] = [];
  readonly #waiting = new Map<string, Float32Array | null>();

  constructor(arena: Arena, { isHalf, fewBits }: WeightFormats) {
    this.#arena = arena;
    this.isHalf = isHalf;
    this.#fewBits = fewBits;
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
  matrix(tensor: string, shape: PanelShape, factor = 1): PackedMatrix {
    const { inputs, rows } = shape;
    const key = JSON.stringify([tensor, shape, factor]);
    const needed = { from: inputs * rows.from, to: inputs * rows.to };
    const few = this.#fewBits[tensor] && layOut(this.#fewBits[tensor], shape);
    if (!few) {
      const place: Place = (packed, piece, first) => placePiece(packed, piece, first, shape);
      const address = this.#large(key, tensor, packedLength(shape), needed, factor, place);
      return { address, bits: this.isHalf ? 16 : 32, scales: 0, group: 1 };
    }
    const { bits, group, codeBytes, inFile } = few;
    const scales = this.#once(`scales of ${key}`, 4 * few.scales, () => {});
    const address = this.#once(key, codeBytes, (address) =>
      this.#add(tensor, needed, (piece) => {
        placeCodes(this.#arena.octets(address, codeBytes), bits, piece, shape);
        // All of them come with every piece.
        if (piece.first > needed.from || needed.from >= piece.first + piece.data.length) return;
        placeScales(this.#arena.floats(scales, few.scales), piece.scales!, inFile, shape, factor);
      }),
    );
    return { address, bits, scales, group };
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

  addPiece(piece: TensorPiece): void {
    const { name, length, first, data } = piece;
    for (const { place } of this.#placements.get(name) ?? []) place(piece);
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

  #large(key: string, tensor: string, length: number, needed: Range, factor: number, place: Place): number {
    return this.#once(key, length * (this.isHalf ? 2 : 4), (address) =>
      this.#add(tensor, needed, ({ data, first }) => {
        const scaled = factor === 1 ? data : data.map((value) => value * factor);
        if (this.isHalf) place(this.#arena.halves(address, length), encodeHalfs(scaled), first);
        else place(this.#arena.floats(address, length), scaled, first);
      }),
    );
  }

  #add(tensor: string, needed: Range, place: Placement['place']): void {
    this.#placements.set(tensor, [...(this.#placements.get(tensor) ?? []), { needed, place }]);
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
