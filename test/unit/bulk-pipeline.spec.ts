/**
 * Many pictures through models: order, bounds, what is wrong with a picture and what is wrong with the machine.
 */
import { describe, expect, test } from 'vitest';
import { runPipeline } from '../../src/bulk/pipeline.ts';
import { duration, Progress } from '../../src/bulk/progress.ts';
import { ViTError } from '../../src/error.ts';

const ids = Array.from({ length: 103 }, (_, i) => String(i));
const turn = (turns: number) =>
  new Promise<void>((resolve) => (turns > 0 ? setImmediate(() => turn(turns - 1).then(resolve)) : resolve()));

describe('the pipeline', () => {
  test('keeps the order, whatever order things end in, and holds no more than what it is about', async () => {
    let held = 0;
    let most = 0;
    const given: number[] = [];
    const model = (id: number) => async (pictures: number[]) => {
      given.push(pictures.length);
      await turn(id === 0 ? 1 : 7);
      held -= pictures.length;
      return pictures.map((picture) => picture * 2);
    };
    const read = async (id: string) => {
      most = Math.max(most, ++held);
      await turn(Number(id) % 5);
      return Number(id);
    };
    let done = 0;
    const outcomes = await runPipeline(
      ids,
      { read, models: [model(0), model(1)], batch: 4 },
      { onDone: (outcomes) => (done += outcomes.length) },
    );
    expect(outcomes).toEqual(ids.map((id) => ({ answer: Number(id) * 2 })));
    expect([done, held, Math.max(...given)]).toEqual([103, 0, 4]);
    // Two models, two lanes each, four pictures in each lane.
    expect(most).toBeLessThanOrEqual(16);
    expect(most).toBeGreaterThan(8);
  });

  test('a bad picture is an outcome of its own, found while reading or by the model', async () => {
    const read = async (id: string) => {
      if (Number(id) % 10 === 3) throw new ViTError(id === '3' ? 'network' : 'bad-image', `${id} is broken`);
      return Number(id);
    };
    const models = [
      async (pictures: number[]) => {
        const bad = pictures.find((picture) => picture % 10 === 7);
        if (bad !== undefined) throw new ViTError('bad-image', `${bad} is odd`);
        return pictures;
      },
    ];
    const outcomes = await runPipeline(ids, { read, models, batch: 4 });
    const expected = ids.map((id) => {
      if (id.endsWith('3')) return { error: `${id} is broken` };
      return id.endsWith('7') ? { error: `${id} is odd` } : { answer: Number(id) };
    });
    expect(outcomes).toEqual(expected);
    expect(await runPipeline([], { read, models, batch: 4 })).toEqual([]);
    const allBad = await runPipeline(['3', '13'], {
      read,
      models: [() => Promise.reject(new Error('asked'))],
      batch: 2,
    });
    expect(allBad).toEqual([{ error: '3 is broken' }, { error: '13 is broken' }]);
  });

  test('what is wrong with the machine ends it, and nothing goes on after that', async () => {
    for (const failure of [
      new ViTError('device-lost', 'gone'),
      new ViTError('bad-input', 'no sharp'),
      new Error('EIO'),
    ]) {
      let reads = 0;
      let running = 0;
      const read = async (id: string) => {
        reads++;
        if (id === '20') throw failure;
        return id;
      };
      const model = async (pictures: string[]) => {
        running++;
        await turn(3);
        running--;
        return pictures;
      };
      await expect(runPipeline(ids, { read, models: [model], batch: 4 })).rejects.toBe(failure);
      expect([running, reads < 40]).toEqual([0, true]);
    }
  });

  test('an abort ends it between lists of pictures', async () => {
    const abort = new AbortController();
    let answered = 0;
    const model = async (pictures: string[]) => {
      if (++answered === 5) abort.abort(new ViTError('aborted', 'enough'));
      return pictures;
    };
    const work = runPipeline(ids, { read: async (id) => id, models: [model], batch: 4 }, { signal: abort.signal });
    await expect(work).rejects.toMatchObject({ code: 'aborted' });
    expect(answered).toBeLessThan(8);
  });
});

describe('progress', () => {
  test('reports counts, recent rate and time left', () => {
    const progress = new Progress(10_000, 1000, 0);
    expect(progress.text(0)).toBe('1,000 of 10,000 pictures');
    progress.add(50, 2, 1000);
    expect(progress.text(1000)).toBe('1,050 of 10,000 pictures, 50.0/s, 2 min 59 s left');
    expect(progress.bad).toBe(2);
    // Faster since: what was long ago does not count.
    for (let second = 2; second <= 40; second++) progress.add(100, 0, second * 1000);
    expect(progress.text(40_000)).toBe('4,950 of 10,000 pictures, 100.0/s, 51 s left');
  });

  test.each([
    [0, '0 s'],
    [0.2, '1 s'],
    [59.5, '1 min'],
    [125, '2 min 5 s'],
    [7620, '2 h 7 min'],
    [90_000 + 86_400, '2 d 1 h'],
  ])('%s seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});
