/**
 * Without shared memory: each member has a port to every other one, and sends what it wrote in a buffer that changes hands.
 */
import type { Arena } from './arena.ts';
import { bytesOf, type Exchange, gatherBlocks, scatterBlocks } from './exchange.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './work.ts';

/** Sizes of buffers are multiples of it, so that one that came can go again. */
const GRAIN = 2 ** 14;

/** Buffers that are kept for what is sent next. */
const SPARE = 16;

/** By member; none to oneself. */
export type Ports = readonly (MessagePort | null)[];

export class PortExchange implements Exchange {
  readonly #member: number;
  /** By member; none to oneself. */
  readonly #mailboxes: (Mailbox | null)[];
  readonly #spare: ArrayBuffer[] = [];

  constructor(member: number, ports: Ports) {
    this.#member = member;
    this.#mailboxes = ports.map((port) => port && new Mailbox(port));
  }

  *trade(written: Block[][], arena: Arena, kernels: Kernels, scratch: number): Generator<Promise<void>> {
    yield this.#trade(written, arena, kernels, scratch);
  }

  fail(error: unknown): void {
    for (const mailbox of this.#mailboxes) mailbox?.fail(error);
  }

  async #trade(written: Block[][], arena: Arena, kernels: Kernels, scratch: number): Promise<void> {
    const own = bytesOf(written[this.#member]);
    if (own > 0) {
      gatherBlocks(written[this.#member], kernels, scratch);
      for (const mailbox of this.#mailboxes) mailbox?.send(this.#filled(arena.octets(scratch, own)));
    }
    for (const [member, mailbox] of this.#mailboxes.entries()) {
      const length = bytesOf(written[member]);
      if (mailbox === null || length === 0) continue;
      const buffer = await mailbox.next();
      arena.octets(scratch, length).set(new Uint8Array(buffer, 0, length));
      this.#keep(buffer);
      scatterBlocks(written[member], kernels, scratch);
    }
  }

  #filled(octets: Uint8Array): ArrayBuffer {
    const fitting = this.#spare.findIndex(({ byteLength }) => byteLength >= octets.length);
    const [buffer] =
      fitting < 0 ? [new ArrayBuffer(Math.ceil(octets.length / GRAIN) * GRAIN)] : this.#spare.splice(fitting, 1);
    new Uint8Array(buffer).set(octets);
    return buffer;
  }

  /** The smallest first, so that a large one is not sent for little. */
  #keep(buffer: ArrayBuffer): void {
    this.#spare.push(buffer);
    this.#spare.sort((a, b) => a.byteLength - b.byteLength);
    if (this.#spare.length > SPARE) this.#spare.shift();
  }
}

/** What comes from another member, in order. */
class Mailbox {
  readonly #port: MessagePort;
  readonly #arrived: ArrayBuffer[] = [];
  #waiting: { resolve(buffer: ArrayBuffer): void; reject(error: unknown): void } | null = null;
  #failure: { error: unknown } | null = null;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (this.#waiting) this.#waiting.resolve(data);
      else this.#arrived.push(data);
      this.#waiting = null;
    };
  }

  send(buffer: ArrayBuffer): void {
    this.#port.postMessage(buffer, [buffer]);
  }

  async next(): Promise<ArrayBuffer> {
    if (this.#failure) throw this.#failure.error;
    const arrived = this.#arrived.shift();
    if (arrived) return arrived;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#waiting?.reject(error);
    this.#waiting = null;
    this.#port.close();
  }
}
