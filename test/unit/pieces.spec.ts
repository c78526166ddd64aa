import { expect, test } from 'vitest';
import { drawn } from '../../src/convert/pieces.ts';

test('what is drawn is made one by one, as it is asked for', async () => {
  const events: string[] = [];
  const numbers = drawn<number>(async (give) => {
    for (let i = 0; i < 3; i++) {
      events.push(`made ${i}`);
      await give(i);
    }
    events.push('end');
  });
  for await (const number of numbers) {
    // Whoever makes the next one would have had the time.
    await new Promise((resolve) => setTimeout(resolve, 5));
    events.push(`used ${number}`);
  }
  expect(events).toEqual(['made 0', 'used 0', 'made 1', 'used 1', 'made 2', 'used 2', 'end']);
});

test('what goes wrong while it is made is thrown where it is asked for', async () => {
  const seen: number[] = [];
  const numbers = drawn<number>(async (give) => {
    await give(1);
    throw new Error('no more');
  });
  const draw = async () => {
    for await (const number of numbers) seen.push(number);
  };
  await expect(draw()).rejects.toThrow('no more');
  expect(seen).toEqual([1]);
  await expect(drawn(() => Promise.reject(new Error('none'))).next()).rejects.toThrow('none');
  expect(await drawn(async () => {}).next()).toEqual({ done: true, value: undefined });
});
