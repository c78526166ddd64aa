/**
 * What two members of a team tell each other through shared memory. Here both are in one thread, and take turns.
 */
import { expect, test, vi } from 'vitest';
import { Arena } from '../../src/cpu/arena.ts';
import type { Kernels } from '../../src/cpu/kernels.ts';
import { SharedExchange, type SharedMemory, sharedMemoryFor } from '../../src/cpu/shared-exchange.ts';

/** Of a matrix of which each member writes one half of the columns: bytes from one row to the next. */
const STRIDE = 64;
const ROWS = 3;

function member(number: number, shared: SharedMemory) {
  const arena = new Arena();
  const matrix = arena.reserve(ROWS * STRIDE);
  const scratch = arena.reserve(ROWS * STRIDE);
  const kernels = {
    copyRows(from, fromStride, to, toStride, rows, bytes) {
      const all = new Uint8Array(arena.memory.buffer);
      for (let row = 0; row < rows; row++) {
        all.copyWithin(to + row * toStride, from + row * fromStride, from + row * fromStride + bytes);
      }
    },
  } as Pick<Kernels, 'copyRows'> as Kernels;
  const block = (half: number, bytes = STRIDE / 2) => [
    { address: matrix + (half * STRIDE) / 2, stride: STRIDE, rows: ROWS, bytes },
  ];
  return { arena, matrix, scratch, kernels, block, exchange: new SharedExchange(number, shared) };
}

const two = () => sharedMemoryFor(2)!.map((shared, number) => member(number, shared));

function trade(
  { exchange, arena, kernels, scratch }: ReturnType<typeof member>,
  written: ReturnType<ReturnType<typeof member>['block']>[],
) {
  return exchange.trade(written, arena, kernels, scratch);
}

test('each gets what the other wrote, again and again, larger and smaller', () => {
  const members = two();
  for (const bytes of [16, 32, 8]) {
    for (const [half, { arena, matrix }] of members.entries()) {
      arena.octets(matrix, ROWS * STRIDE).fill(0);
      for (let row = 0; row < ROWS; row++) {
        arena.octets(matrix + row * STRIDE + (half * STRIDE) / 2, bytes).fill(bytes + 2 * row + half);
      }
    }
    const trades = members.map((each) => trade(each, [each.block(0, bytes), each.block(1, bytes)]));
    // The first one waits until the second has written.
    expect(trades[0].next().done).toBe(false);
    expect(trades[1].next().done).toBe(true);
    expect(trades[0].next().done).toBe(true);
    const [a, b] = members.map(({ arena, matrix }) => [...arena.octets(matrix, ROWS * STRIDE)]);
    expect(a).toEqual(b);
    expect(a[STRIDE]).toBe(bytes + 2);
    expect(a[STRIDE + STRIDE / 2]).toBe(bytes + 3);
  }
});

test('a share is not written over before it was read', () => {
  const [fast, slow] = two();
  const only = (each: typeof fast) => [each.block(0), []];
  fast.arena.octets(fast.matrix, STRIDE).fill(1);
  expect(trade(fast, only(fast)).next().done).toBe(true);
  fast.arena.octets(fast.matrix, STRIDE).fill(2);
  const second = trade(fast, only(fast));
  expect(second.next().done).toBe(false);
  expect(trade(slow, only(slow)).next().done).toBe(true);
  expect(slow.arena.octets(slow.matrix, 1)[0]).toBe(1);
  expect(second.next().done).toBe(true);
  expect(trade(slow, only(slow)).next().done).toBe(true);
  expect(slow.arena.octets(slow.matrix, 1)[0]).toBe(2);
});

test('who waits for one that is lost gets its error', () => {
  const [alone] = two();
  const waiting = trade(alone, [alone.block(0), alone.block(1)]);
  expect(waiting.next().done).toBe(false);
  alone.exchange.fail(new Error('lost'));
  expect(() => waiting.next()).toThrow('lost');
});

test('without shared memory, and where a thread may not sleep, there is none', () => {
  expect(sharedMemoryFor(2)).not.toBeNull();
  vi.stubGlobal('SharedArrayBuffer', undefined);
  expect(sharedMemoryFor(2)).toBeNull();
  vi.unstubAllGlobals();
  vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('Atomics.wait cannot be called in this context');
  });
  expect(sharedMemoryFor(2)).toBeNull();
  vi.restoreAllMocks();
});
