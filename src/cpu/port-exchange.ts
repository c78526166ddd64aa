/**
 * Without shared memory: each member has a port to every other one, and sends what it wrote in a buffer that changes hands. Every member
 * does the same works in the same order, so that a message needs no name.
 */
import type { Arena } from './arena.ts';
import { type Block, partsOf, type Work } from './divisible-work.ts';
import { SpareBuffers } from './spare-buffers.ts';
import { pause } from './take-turns.ts';
import type { Kernels } from './wasm-kernels.ts';

/** By member; none to oneself. */
export type Ports = readonly (MessagePort | null)[];

/** Turns of others in which a thread waits before it sleeps, some 2 ms of a run: see part-queue.ts. */
const TURNS = 100;

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
    for (const mailbox of this.#mailboxes) if (mailbox) mailbox.turns = TURNS;
    for (const work of works) {
      const parts = partsOf(work);
      for (let part = 0; part < parts; part++) {
        work.run(part, parts, scratch);
        yield;
      }
      if (work.written && this.#mailboxes.length > 0) yield this.#trade(work.written, scratch, work.isSum);
    }
  }

  /** Nobody waits any longer, now and later. */
  fail(error: unknown): void {
    for (const mailbox of this.#mailboxes) mailbox?.fail(error);
  }

  /** Sends the others what this member wrote, and takes what they did. */
  async #trade(written: Block[][], scratch: number, isSum?: boolean): Promise<void> {
    const blocks = written[this.#member];
    const bytes = bytesOf(blocks);
    const own = this.#gather(blocks, scratch);
    scratch += bytes;
    if (bytes > 0)
      for (const mailbox of this.#mailboxes) mailbox?.send(this.#spare.filled(this.#arena.octets(own, bytes)));
    const parts: number[] = [];
    for (const [member, mailbox] of this.#mailboxes.entries()) {
      const length = bytesOf(written[member]);
      parts.push(mailbox ? scratch : own);
      if (!mailbox || !length) continue;
      const buffer = await mailbox.next();
      this.#arena.octets(scratch, length).set(new Uint8Array(buffer, 0, length));
      this.#spare.keep(buffer);
      if (isSum) scratch += length;
      else this.#scatter(written[member], scratch);
    }
    if (!isSum) return;
    const [sum, ...others] = parts;
    // What is own may be the last that is needed.
    for (const part of others) this.#kernels.addRows(sum, part, bytes / 4, part === parts.at(-1) ? own : sum);
    if (own !== blocks[0].address) this.#scatter(blocks, own);
  }

  /** Blocks, one after the other. @param to where, unless they lie so already @returns where */
  #gather(blocks: Block[], to: number): number {
    if (blocks.length === 1 && blocks[0].stride === blocks[0].bytes) return blocks[0].address;
    const from = to;
    for (const { address, stride, rows, bytes } of blocks) {
      this.#kernels.copyRows(address, stride, to, bytes, rows, bytes);
      to += rows * bytes;
    }
    return from;
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
  return Math.max(0, ...works.map(({ written }) => bytesOf(written?.flat() ?? [])));
}

function bytesOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { rows, bytes }) => sum + rows * bytes, 0);
}

/** What comes from another member, in order. */
class Mailbox {
  /** Turns of others that are left of this run. */
  turns = 0;
  readonly #port: MessagePort;
  readonly #arrived: ArrayBuffer[] = [];
  #failure: { error: unknown } | null = null;
  #wake = () => {};

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      this.#arrived.push(data);
      this.#wake();
    };
  }

  send(buffer: ArrayBuffer): void {
    this.#port.postMessage(buffer, [buffer]);
  }

  async next(): Promise<ArrayBuffer> {
    while (!this.#arrived[0]) {
      if (this.#failure) throw this.#failure.error;
      if (this.turns-- > 0) await pause();
      else
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
    }
    return this.#arrived.shift()!;
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake();
    this.#port.close();
  }
}
