/**
 * With shared memory, on pages that are isolated from other origins and in Node: a share is copied into memory that two members see,
 * and who waits for it sleeps until it is there. That takes a fifth of what a message takes.
 */
import type { Arena } from './arena.ts';
import { bytesOf, type Exchange, gatherBlocks, scatterBlocks } from './exchange.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './work.ts';

/** Memory for what one member tells another: it grows with the largest share. */
export interface GrowableBuffer extends SharedArrayBuffer {
  grow(bytes: number): void;
}

/** By member; none to oneself. */
export interface SharedMemory {
  to: (GrowableBuffer | null)[];
  from: (GrowableBuffer | null)[];
}

/** More than any share has. */
const MOST = 2 ** 30;
/** In front of a share: how many were written, and how many were read. */
const HEADER = 64;
const WRITTEN = 0;
const READ = 1;

/** Milliseconds without a look at what else there is to do: whether the others still live, above all. */
const LONGEST = 5;

/** @returns null where threads share none, or may not sleep */
export function sharedMemoryFor(members: number): SharedMemory[] | null {
  const Growable = globalThis.SharedArrayBuffer as unknown as new (bytes: number, options: object) => GrowableBuffer;
  const make = () => new Growable(HEADER, { maxByteLength: MOST });
  try {
    const trial = make();
    trial.grow(HEADER);
    // Throws in a page's own thread.
    Atomics.wait(new Int32Array(trial), WRITTEN, 1, 0);
  } catch {
    return null;
  }
  const all = Array.from({ length: members }, (_, a) =>
    Array.from({ length: members }, (_, b) => (a === b ? null : make())),
  );
  return all.map((to, member) => ({ to, from: all.map((row) => row[member]) }));
}

export class SharedExchange implements Exchange {
  readonly #member: number;
  readonly #to: (Channel | null)[];
  readonly #from: (Channel | null)[];
  #failure: { error: unknown } | null = null;

  constructor(member: number, { to, from }: SharedMemory) {
    this.#member = member;
    this.#to = to.map((buffer) => buffer && new Channel(buffer));
    this.#from = from.map((buffer) => buffer && new Channel(buffer));
  }

  *trade(written: Block[][], arena: Arena, kernels: Kernels, scratch: number): Generator<undefined> {
    const own = bytesOf(written[this.#member]);
    if (own > 0) {
      gatherBlocks(written[this.#member], kernels, scratch);
      for (const channel of this.#to) {
        if (!channel) continue;
        while (!channel.isRead()) yield* this.#turn();
        channel.write(arena.octets(scratch, own));
      }
    }
    for (const [member, channel] of this.#from.entries()) {
      const length = bytesOf(written[member]);
      if (!channel || length === 0) continue;
      while (!channel.isWritten()) yield* this.#turn();
      channel.read(arena.octets(scratch, length));
      scatterBlocks(written[member], kernels, scratch);
    }
  }

  fail(error: unknown): void {
    this.#failure = { error };
  }

  *#turn(): Generator<undefined> {
    yield;
    if (this.#failure) throw this.#failure.error;
  }
}

/** One direction between two members: a share is written when the one before it was read. */
class Channel {
  readonly #buffer: GrowableBuffer;
  readonly #counts: Int32Array<SharedArrayBuffer>;

  constructor(buffer: GrowableBuffer) {
    this.#buffer = buffer;
    this.#counts = new Int32Array(buffer, 0, 2);
  }

  /** Sleeps for a while if it is not. */
  isRead(): boolean {
    const read = Atomics.load(this.#counts, READ);
    if (read === this.#counts[WRITTEN]) return true;
    Atomics.wait(this.#counts, READ, read, LONGEST);
    return false;
  }

  write(share: Uint8Array): void {
    const bytes = HEADER + share.length;
    if (this.#buffer.byteLength < bytes) this.#buffer.grow(bytes);
    new Uint8Array(this.#buffer, HEADER, share.length).set(share);
    this.#add(WRITTEN);
  }

  /** Sleeps for a while if it is not. */
  isWritten(): boolean {
    const written = Atomics.load(this.#counts, WRITTEN);
    if (written !== this.#counts[READ]) return true;
    Atomics.wait(this.#counts, WRITTEN, written, LONGEST);
    return false;
  }

  read(share: Uint8Array): void {
    share.set(new Uint8Array(this.#buffer, HEADER, share.length));
    this.#add(READ);
  }

  #add(count: number): void {
    Atomics.add(this.#counts, count, 1);
    Atomics.notify(this.#counts, count);
  }
}
