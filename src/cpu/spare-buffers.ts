/**
 * Buffers that go to another thread and come back: memory that is new takes longer to touch than to copy into.
 */

/** Sizes are multiples of it, so that one that came can go again. */
const GRAIN = 2 ** 14;

/** Buffers that are kept for what is sent next. */
const MOST = 16;

export class SpareBuffers {
  readonly #spare: ArrayBuffer[] = [];

  /** @returns one that begins with a copy of `data` */
  filled(data: ArrayBufferView): ArrayBuffer {
    const length = data.byteLength;
    const fitting = this.#spare.findIndex(
      (spare) => spare.byteLength >= length && spare.byteLength <= 2 * length + GRAIN,
    );
    const [found] = fitting < 0 ? [] : this.#spare.splice(fitting, 1);
    const buffer = found ?? new ArrayBuffer(Math.ceil(length / GRAIN) * GRAIN);
    new Uint8Array(buffer).set(new Uint8Array(data.buffer, data.byteOffset, length));
    return buffer;
  }

  /** The smallest first: a large one is not sent for little. */
  keep(buffer: ArrayBuffer): void {
    this.#spare.push(buffer);
    this.#spare.sort((a, b) => a.byteLength - b.byteLength);
    if (this.#spare.length > MOST) this.#spare.shift();
  }
}
