/**
 * Numbers in place of weights and values when a kernel is checked: the same on every machine, addressable at any position,
 * and exact in f16, so that f16 storage adds no error of its own.
 */
import { goldenPixels } from '../../model/golden.ts';

/** A prime, so that no two rows of a tensor begin with the same numbers. */
const PERIOD = 4099;
/** Multiples of 1/64 in -1..1. */
const NUMBERS = goldenPixels(1, [PERIOD]).map((value) => Math.round(value * 64) / 64);
/** Multiples of 1/8, for weights of 4 bits. */
const COARSE_NUMBERS = NUMBERS.map((value) => Math.round(value * 7) / 8);

export class MadeUp {
  readonly #start: number;
  /** What is repeated: copied, since millions of numbers are needed before the first answer, by code that is not compiled yet. */
  readonly #period: Float32Array;
  /** All are whole numbers of it. */
  readonly unit: number;

  /** @param scale a power of two: the largest absolute value @param isCoarse whether they are to have four bits, not eight */
  constructor(seed: number, scale: number, isCoarse = false) {
    this.#period = (isCoarse ? COARSE_NUMBERS : NUMBERS).map((value) => value * scale);
    this.unit = scale / (isCoarse ? 8 : 64);
    this.#start = (seed * 997) % PERIOD;
  }

  /** A tensor whose dot products are about 1, whatever the length of its rows. */
  static tensor(seed: number, shape: readonly number[], isCoarse?: boolean): MadeUp {
    return new MadeUp(seed, 2 ** -Math.round(Math.log2(rowLength(shape)) / 2), isCoarse);
  }

  /** `count` numbers, from index `first` on. */
  piece(first: number, count: number): Float32Array<ArrayBuffer> {
    return this.fill(new Float32Array(count), first);
  }

  /** The same, into an existing array. */
  fill<T extends Float32Array | Float64Array>(numbers: T, first: number): T {
    let at = (this.#start + first) % PERIOD;
    for (let done = 0; done < numbers.length; at = 0) {
      const run = this.#period.subarray(at, at + numbers.length - done);
      numbers.set(run, done);
      done += run.length;
    }
    return numbers;
  }

  /** Chosen rows of a matrix, one after the other. */
  rows(chosen: readonly number[], length: number): Float64Array {
    const numbers = new Float64Array(chosen.length * length);
    for (const [i, row] of chosen.entries()) this.fill(numbers.subarray(i * length, (i + 1) * length), row * length);
    return numbers;
  }
}

/** Elements per row of a tensor; 1 for a vector. */
export function rowLength([, ...row]: readonly number[]): number {
  return row.reduce((a, b) => a * b, 1);
}
