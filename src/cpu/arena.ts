/**
 * The memory of the kernels, as one heap that is filled from the bottom: weights first, and above them what a run needs, which
 * is laid out anew for each plan and batch. Nothing is freed by itself; memory that was ever needed is kept.
 */
import { ViTError } from '../error.ts';
import { MOST_PAGES } from './shared-memory.ts';

const PAGE = 65536;
/** Address 0 means that there is nothing, and whoever reads there reads zeros. */
const BOTTOM = 64;
/** A line of the cache. */
const ALIGNMENT = 64;
/** Behind what is reserved: a kernel may read a vector where a row ends. */
const SLACK = 64;

export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly #isOwn: boolean;
  #top = BOTTOM;

  /** @param isOwn else it is another thread's, which reserves the same in it before anything is put there */
  constructor(memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES }), isOwn = true) {
    this.memory = memory;
    this.#isOwn = isOwn;
  }

  /** Bytes that this thread holds. */
  get bytes(): number {
    return this.#isOwn ? this.memory.buffer.byteLength : 0;
  }

  get top(): number {
    return this.#top;
  }

  /** Forgets what was reserved since `top` was this. */
  resetTo(top: number): void {
    this.#top = top;
  }

  /**
   * @returns an address, the same for the same calls in the same order
   * @throws ViTError `out-of-memory`
   */
  reserve(bytes: number): number {
    const address = this.#top;
    const top = address + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const missing = Math.ceil((top + SLACK - this.bytes) / PAGE);
    if (this.#isOwn && missing > 0) {
      try {
        this.memory.grow(missing);
      } catch (cause) {
        const megabytes = Math.ceil(top / 2 ** 20);
        throw new ViTError('out-of-memory', `There are no ${megabytes} MiB for this model on the CPU.`, { cause });
      }
    }
    this.#top = top;
    return address;
  }

  octets(address: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  /** Valid until the next `reserve`, as all of these. */
  floats(address: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  halves(address: number, length: number): Uint16Array<ArrayBuffer> {
    return new Uint16Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  integers(address: number, length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.memory.buffer as ArrayBuffer, address, length);
  }
}
