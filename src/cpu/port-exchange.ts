/**
 * Without shared memory: each member has a port to every other one, and sends what it wrote in a buffer that changes hands. Every member
 * does the same works in the same order, so that a message needs no name.
 */
import type { Arena } from './arena.ts';
import { type Block, partsOf, type Work } from './divisible-work.ts';
import { SpareBuffers } from './spare-buffers.ts';
import type { Kernels } from './wasm-kernels.ts';

/** By member; none to oneself. */
export type Ports = readonly (MessagePort | null)[];

export class PortExchange {
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #member: number;
  /** By member; none to oneself. */
  readonly #mailboxes: (Mailbox | null)[];
  readonly #spare = new SpareBuffers();

  /** @param ports none for a member that is alone */
  constructor(arena: Arena, kernels: Kernels, member: number, ports: Ports) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.#member = member;
    this.#mailboxes = ports.map((port) => port && new Mailbox(port));
  }

  /** A run, for `takeTurns`. @param scratch address of what works need, and of room for the largest share */
  *run(works: readonly Work[], scratch: number): Generator<Promise<void> | undefined> {
    for (const work of works) {
      const parts = partsOf(work);
      for (let part = 0; part < parts; part++) {
        work.run(part, parts, scratch);
        yield;
      }
      if (work.written && this.#mailboxes.length > 0) yield this.#trade(work.written, scratch);
    }
  }

  /** Nobody waits any longer, now and later. */
  fail(error: unknown): void {
    for (const mailbox of this.#mailboxes) mailbox?.fail(error);
  }

  /** Sends the others what this member wrote, and takes what they did. */
  async #trade(written: Block[][], scratch: number): Promise<void> {
    const own = bytesOf(written[this.#member]);
    if (own > 0) {
      this.#gather(written[this.#member], scratch);
      for (const mailbox of this.#mailboxes) mailbox?.send(this.#spare.filled(this.#arena.octets(scratch, own)));
    }
    for (const [member, mailbox] of this.#mailboxes.entries()) {
      const length = bytesOf(written[member]);
      if (mailbox === null || length === 0) continue;
      const buffer = await mailbox.next();
      this.#arena.octets(scratch, length).set(new Uint8Array(buffer, 0, length));
      this.#spare.keep(buffer);
      this.#scatter(written[member], scratch);
    }
  }

  /** Blocks, one after the other at `to`. */
  #gather(blocks: Block[], to: number): void {
    for (const { address, stride, rows, bytes } of blocks) {
      this.#kernels.copyRows(address, stride, to, bytes, rows, bytes);
      to += rows * bytes;
    }
  }

  /** The same back. */
  #scatter(blocks: Block[], from: number): void {
    for (const { address, stride, rows, bytes } of blocks) {
      this.#kernels.copyRows(from, bytes, address, stride, rows, bytes);
      from += rows * bytes;
    }
  }
}

/** Bytes that sharing needs for itself. */
export function scratchFor(works: readonly Work[]): number {
  return Math.max(0, ...works.flatMap(({ written }) => written?.map(bytesOf) ?? []));
}

function bytesOf(blocks: Block[]): number {
  return blocks.reduce((sum, { rows, bytes }) => sum + rows * bytes, 0);
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
