/**
 * How members of a team that share memory divide works among them. Here all are in one thread, and take turns.
 */
import { expect, test } from 'vitest';
import type { Work } from '../../src/cpu/divisible-work.ts';
import { COUNTS_BYTES, DONE, PartQueue, TAKEN } from '../../src/cpu/part-queue.ts';
import { sharedMemory } from '../../src/cpu/shared-memory.ts';

const ADDRESS = 64;

/** @param before parts that were done already */
function team(members: number, before = 0): PartQueue[] {
  const memory = sharedMemory()!;
  expect(ADDRESS + COUNTS_BYTES).toBeLessThan(memory.buffer.byteLength);
  const counts = new Int32Array(memory.buffer, ADDRESS, COUNTS_BYTES / 4);
  counts[TAKEN] = before;
  counts[DONE] = before;
  return Array.from({ length: members }, () => new PartQueue(memory, ADDRESS, members));
}

function work(most: number, run: (part: number, parts: number) => void): Work {
  return { flops: 1e6, most, scratch: 0, run };
}

test.each([
  ['', 0],
  [', where counts are at 2³¹', 2 ** 31 - 20],
  [', where counts begin again', 2 ** 32 - 20],
])('every part is done once, run after run, by whoever comes%s', (_, before) => {
  const members = team(3, before);
  const done: string[] = [];
  const works = [1, 40, 5].map((most, index) =>
    work(most, (part, parts) => done.push(`${index}: ${part} of ${parts}`)),
  );
  for (let round = 0; round < 3; round++) {
    done.length = 0;
    const runs = members.map((member) => member.run(works, 0));
    // In the second round one member does it all; the others find nothing to do.
    for (let left = runs; left.length > 0; ) left = round === 1 ? [] : left.filter((run) => !run.next().done);
    for (const run of runs) for (; !run.next().done; );
    expect([...done].sort()).toEqual(
      [1, 12, 5]
        .flatMap((parts, index) => Array.from({ length: parts }, (_, part) => `${index}: ${part} of ${parts}`))
        .sort(),
    );
  }
});

test('no work begins before the one before it is done', () => {
  const [a, b] = team(2);
  const done: string[] = [];
  // While the first member is at the last part, the second one looks for something to do.
  const first = work(2, (part) => {
    if (part === 1) for (let turn = 0; turn < 3; turn++) expect(ofB.next().done).toBe(false);
    done.push(`first ${part}`);
  });
  const second = work(1, () => done.push('second'));
  const ofA = a.run([first, second], 0);
  const ofB = b.run([first, second], 0);
  for (; !ofA.next().done; );
  for (; !ofB.next().done; );
  expect(done).toEqual(['first 0', 'first 1', 'second']);
});

test('who waits for one that is lost gets its error', () => {
  const [alone, lost] = team(2);
  const dying = lost.run([work(2, () => expect.fail('killed'))], 0);
  expect(() => dying.next()).toThrow('killed');
  const waiting = alone.run([work(2, () => {})], 0);
  for (let turn = 0; turn < 3; turn++) expect(waiting.next().done).toBe(false);
  alone.fail(new Error('lost'));
  expect(() => waiting.next()).toThrow('lost');
});
