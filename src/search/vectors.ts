/**
 * Vectors in memory, and their inner products with a query. WebAssembly where it may run; elsewhere (some Content Security Policies
 * refuse it) the same in TypeScript, which takes some five times as long.
 */
import kernel from '../../dist/wasm/search.wasm.txt?raw';
import { ViTError } from '../error.ts';
import { decodeHalfs } from '../weights/half.ts';
import { columnsOf, HALF_SCALE, type IndexManifest, rowBytes } from './index-manifest.ts';

type Layout = Pick<IndexManifest, 'dimension' | 'dtype' | 'rows'>;

/** Rows whose scores are computed at once. */
export const BLOCK = 4096;

export interface Vectors {
  /** Where products are computed. */
  readonly by: 'WebAssembly' | 'TypeScript';
  /** Bytes that are held. */
  readonly bytes: number;
  /** @param bytes of whole rows, as they are stored @param row the first of them */
  put(bytes: Uint8Array, row: number): void;
  /**
   * @param query of unit length, `[dimension]`
   * @param count rows from `row` on, at most `BLOCK`
   * @returns the cosines; valid until the next call
   */
  products(query: Float32Array, row: number, count: number): Float32Array;
}

/** @throws ViTError `out-of-memory` */
export async function reserveVectors(layout: Layout): Promise<Vectors> {
  const module = await compileKernel();
  try {
    return module ? await WasmVectors.create(layout, module) : new PlainVectors(layout);
  } catch (cause) {
    const megabytes = Math.ceil((layout.rows * rowBytes(layout)) / 2 ** 20);
    const way = 'Split the index into several, and take the best of their answers.';
    throw new ViTError('out-of-memory', `There are no ${megabytes} MiB for the vectors of this index. ${way}`, {
      cause,
    });
  }
}

/** Null where no WebAssembly may run. */
async function compileKernel(): Promise<WebAssembly.Module | null> {
  try {
    return await WebAssembly.compile(Uint8Array.from(atob(kernel), (letter) => letter.charCodeAt(0)));
  } catch {
    return null;
  }
}

/** The exports of wasm/search. Addresses are bytes. */
interface Kernel {
  productsF16: Products;
  productsF32: Products;
}
type Products = (query: number, vectors: number, rows: number, columns: number, scores: number) => void;

const PAGE = 65_536;
/** A line of the cache. */
const ALIGNMENT = 64;

class WasmVectors implements Vectors {
  readonly by = 'WebAssembly';
  readonly #memory: WebAssembly.Memory;
  readonly #products: Products;
  readonly #layout: Layout;
  /** What a query is multiplied with, so that the kernel needs not widen vectors of f16 wholly. */
  readonly #factor: number;
  readonly #scores: number;
  readonly #vectors: number;

  static async create(layout: Layout, module: WebAssembly.Module): Promise<WasmVectors> {
    const bytes = placeOfVectors(layout) + layout.rows * rowBytes(layout);
    const pages = Math.ceil(bytes / PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    return new WasmVectors(layout, memory, exports as unknown as Kernel);
  }

  private constructor(layout: Layout, memory: WebAssembly.Memory, kernel: Kernel) {
    this.#layout = layout;
    this.#memory = memory;
    const isHalf = layout.dtype === 'f16';
    this.#products = isHalf ? kernel.productsF16 : kernel.productsF32;
    this.#factor = isHalf ? 2 ** 112 / HALF_SCALE : 1;
    this.#vectors = placeOfVectors(layout);
    this.#scores = this.#vectors - 4 * BLOCK;
  }

  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  put(bytes: Uint8Array, row: number): void {
    new Uint8Array(this.#memory.buffer, this.#addressOf(row), bytes.length).set(bytes);
  }

  products(query: Float32Array, row: number, count: number): Float32Array {
    const { buffer } = this.#memory;
    const columns = columnsOf(this.#layout);
    const padded = new Float32Array(buffer, ALIGNMENT, columns).fill(0);
    for (let i = 0; i < query.length; i++) padded[i] = query[i] * this.#factor;
    this.#products(ALIGNMENT, this.#addressOf(row), count, columns, this.#scores);
    return new Float32Array(buffer, this.#scores, count);
  }

  #addressOf(row: number): number {
    return this.#vectors + row * rowBytes(this.#layout);
  }
}

/** Behind the query and the scores of a block. */
function placeOfVectors(layout: Layout): number {
  return Math.ceil((ALIGNMENT + 4 * columnsOf(layout) + 4 * BLOCK) / ALIGNMENT) * ALIGNMENT;
}

class PlainVectors implements Vectors {
  readonly by = 'TypeScript';
  readonly #layout: Layout;
  readonly #numbers: Float32Array<ArrayBuffer>;
  readonly #scores = new Float32Array(BLOCK);

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#numbers = new Float32Array(layout.rows * columnsOf(layout));
  }

  get bytes(): number {
    return this.#numbers.byteLength;
  }

  put(bytes: Uint8Array, row: number): void {
    const { buffer } = bytes.slice();
    const isHalf = this.#layout.dtype === 'f16';
    const numbers = isHalf ? decodeHalfs(new Uint16Array(buffer)) : new Float32Array(buffer);
    if (isHalf) for (let i = 0; i < numbers.length; i++) numbers[i] /= HALF_SCALE;
    this.#numbers.set(numbers, row * columnsOf(this.#layout));
  }

  products(query: Float32Array, row: number, count: number): Float32Array {
    const columns = columnsOf(this.#layout);
    for (let i = 0, at = row * columns; i < count; i++, at += columns) {
      let [a, b] = [0, 0];
      for (let j = 0; j < columns; j += 2) {
        a += (query[j] ?? 0) * this.#numbers[at + j];
        b += (query[j + 1] ?? 0) * this.#numbers[at + j + 1];
      }
      this.#scores[i] = a + b;
    }
    return this.#scores.subarray(0, count);
  }
}
