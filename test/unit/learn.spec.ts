/**
 * Classes of one's own from a few pictures each: the closed forms against the fits that they stand for, and what is kept and
 * refused.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { unitLength } from '../../src/client/words/embedding-vectors.ts';
import { learnHead } from '../../src/client/words/learn.ts';
import { headScores } from '../../src/client/words/learned-head.ts';
import { fitRidge } from '../../src/client/words/ridge.ts';
import { loadViT, type ViT } from '../../src/index.ts';
import { random } from '../harness/arrays.ts';
import { TINY, TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';

const MODEL = { name: 'tiny' };

/** `count` directions around one that is the class's own. */
function cluster(label: string, count: number, seed: number, spread: number) {
  const centre = random(8, seed, 1);
  const embeddings = Array.from({ length: count }, (_, i) =>
    unitLength(random(8, seed * 100 + i, spread).map((noise, j) => centre[j] + noise)),
  );
  return { label, embeddings };
}

describe('ridge regression', () => {
  const groups = [cluster('a', 4, 1, 0.5), cluster('b', 3, 2, 0.5), cluster('c', 5, 3, 0.5)];
  const samples = groups.flatMap(({ embeddings }) => embeddings);
  const classOf = groups.flatMap(({ embeddings }, label) => embeddings.map(() => label));
  const predict = (of: Float32Array[], weights: Float64Array[], sample: Float32Array, label: number) =>
    of.reduce(
      (sum, other, i) => sum + weights[i][label] * (other.reduce((dot, x, j) => dot + x * sample[j], 0) + 1),
      0,
    );

  test('solves its normal equations', () => {
    const lambda = 0.3;
    const { weights } = fitRidge(samples, classOf, 3, lambda);
    for (const [i, sample] of samples.entries()) {
      for (let label = 0; label < 3; label++) {
        const target = classOf[i] === label ? 1 : 0;
        expect(predict(samples, weights, sample, label) + lambda * weights[i][label]).toBeCloseTo(target, 9);
      }
    }
  });

  test('says without another fit what the fit to all others gives for the one left out', () => {
    const { leftOut } = fitRidge(samples, classOf, 3, 0.1);
    for (const i of samples.keys()) {
      const others = samples.filter((_, j) => j !== i);
      const fit = fitRidge(
        others,
        classOf.filter((_, j) => j !== i),
        3,
        0.1,
      );
      for (let label = 0; label < 3; label++) {
        expect(leftOut[i][label]).toBeCloseTo(predict(others, fit.weights, samples[i], label), 9);
      }
    }
  });
});

describe.each(['means', 'ridge', 'auto'] as const)('a head by %s', (method) => {
  const apart = [cluster('mug', 4, 1, 0.2), cluster('key', 3, 2, 0.2)];

  test('names what it was shown, and what is like it', () => {
    const head = learnHead(apart, method, MODEL);
    expect(head.accuracy).toBe(1);
    for (const [label, seed] of [
      ['mug', 1],
      ['key', 2],
    ] as const) {
      const [other] = cluster(label, 1, seed, 0.1).embeddings;
      const scores = headScores(head.toJSON(), other);
      expect(head.labels[scores.indexOf(Math.max(...scores))]).toBe(label);
      expect(scores.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    }
  });

  test('of a few pictures is not entirely sure, however well they are distinguished', () => {
    const head = learnHead(apart, method, MODEL).toJSON();
    const best = apart.flatMap(({ embeddings }) => embeddings.map((sample) => Math.max(...headScores(head, sample))));
    // Seven of seven were right: eight of nine is what may be expected of the next.
    expect(best.reduce((a, b) => a + b) / best.length).toBeLessThan(0.96);
    expect(Math.min(...best)).toBeGreaterThan(0.75);
  });

  test('is no better than chance about classes that are one', () => {
    const same = cluster('a', 40, 7, 1);
    const groups = [
      { label: 'a', embeddings: same.embeddings.slice(0, 20) },
      { label: 'b', embeddings: same.embeddings.slice(20) },
    ];
    const head = learnHead(groups, method, MODEL);
    expect(head.accuracy).toBeLessThan(0.75);
    // It does not sound sure of it either.
    expect(Math.max(...headScores(head.toJSON(), same.embeddings[0]))).toBeLessThan(0.95);
  });

  test('counts a picture that was left out as it is named without it', () => {
    // One of the keys is a mug.
    const wrong = [apart[0], { label: 'key', embeddings: [...apart[1].embeddings, apart[0].embeddings[0]] }];
    expect(learnHead(wrong, method, MODEL).accuracy).toBeLessThan(1);
  });

  test('knows no accuracy of single pictures', () => {
    const head = learnHead([cluster('mug', 1, 1, 0.2), cluster('key', 1, 2, 0.2)], method, MODEL);
    expect(head.accuracy).toBeNull();
    expect(headScores(head.toJSON(), cluster('mug', 1, 1, 0.2).embeddings[0])[0]).toBeGreaterThan(0.5);
  });
});

test('means are judged without the picture that is left out', () => {
  const [x, y] = [Float32Array.of(1, 0, 0), Float32Array.of(0, 1, 0)];
  const between = unitLength([0.6, 0.6, 0.53]);
  // Each of the first two is nearer to the others than to its only fellow; the mean of both would be nearest.
  const groups = [
    { label: 'a', embeddings: [x, y] },
    { label: 'b', embeddings: [between, between] },
  ];
  expect(learnHead(groups, 'means', MODEL).accuracy).toBe(0.5);
});

describe('learn()', async () => {
  const open: ViT[] = [];
  afterAll(() => {
    for (const vit of open) vit.dispose();
  });
  const load = async (architecture = TINY, name = 'tiny') => {
    const files = await tinyModel(architecture);
    const vit = await loadViT({ ...files, manifest: { ...files.manifest, name } }, { backend: 'cpu', worker: false });
    open.push(vit);
    return vit;
  };
  /** Stripes of `step` pixels, with noise. */
  const picture = (step: number, seed: number) => {
    const noise = random(16 * 16 * 4, seed, 20);
    const data = Uint8ClampedArray.from(noise, (value, i) =>
      i % 4 === 3 ? 255 : (((i / 4) % 16) / step) & 1 ? 220 + value : 30 + value,
    );
    return { data, width: 16, height: 16 };
  };
  const shown = (step: number, seeds: number[]) => seeds.map((seed) => picture(step, seed));
  const groups = { wide: shown(8, [1, 2, 3]), narrow: shown(2, [4, 5, 6]), single: picture(1, 7) };
  const vit = await load();

  test.each(['means', 'ridge', undefined] as const)(
    'distinguishes pictures that it was not shown, by %s',
    async (method) => {
      const head = await vit.learn(groups, { method });
      expect(head.labels).toEqual(['wide', 'narrow', 'single']);
      if (method) expect(head.method).toBe(method);
      const answers = await vit.classify([picture(8, 20), picture(2, 21), picture(1, 22)], { head, topK: 1 });
      expect(answers.map(([{ label }]) => label)).toEqual(['wide', 'narrow', 'single']);
      expect(answers.timing.run).toBeGreaterThan(0);
    },
  );

  test('gives a head that JSON keeps', async () => {
    const head = await vit.learn(groups);
    const kept = JSON.parse(JSON.stringify(head));
    expect(kept).toMatchObject({ format: 'vit-webgpu head', version: 1, model: MODEL, pictures: [3, 3, 1] });
    expect(await vit.classify(picture(8, 9), { head: kept })).toEqual(await vit.classify(picture(8, 9), { head }));
  });

  test('works with every model that has an embedding', async () => {
    const clip = await load(TINY_CLIP);
    const head = await clip.learn(groups);
    expect((await clip.classify(picture(2, 30), { head }))[0].label).toBe('narrow');
    const none = await load({ ...TINY, pooling: 'none', classes: 0 });
    await expect(none.learn(groups)).rejects.toThrow('does not pool its tokens');
  });

  test('takes embeddings for pictures: the same head, the same answers, and not a picture computed', async () => {
    const embedded = Object.fromEntries(
      await Promise.all(
        Object.entries(groups).map(async ([label, images]) => [label, await vit.embed([images].flat())]),
      ),
    );
    const head = await vit.learn(groups);
    expect((await vit.learn(embedded)).toJSON()).toEqual(head.toJSON());
    expect((await vit.learn({ ...embedded, single: picture(1, 7) })).toJSON()).toEqual(head.toJSON());
    const embedding = await vit.embed(picture(8, 20));
    const answer = await vit.classify(embedding, { head });
    expect(answer).toEqual(await vit.classify(picture(8, 20), { head }));
    expect(answer.timing, 'nothing was run').toEqual({ decode: 0, preprocess: 0, run: 0 });
  });

  test('embeddings of another width, broken ones, and those that nothing is compared with are refused', async () => {
    const head = await vit.learn(groups);
    const [short, broken] = [Float32Array.of(1), (await vit.embed(picture(1, 1))).fill(Number.NaN)];
    for (const [call, code, message] of [
      [vit.learn({ a: short, b: [picture(1, 1)] }), 'bad-input', 'has 1 features; this model'],
      [vit.learn({ a: broken, b: [picture(1, 1)] }), 'bad-input', 'holds NaN or infinity'],
      [vit.classify(short, { head }), 'bad-input', 'has 1 features; this model'],
      [vit.classify(broken, { head }), 'bad-input', 'holds NaN or infinity'],
      [vit.classify(broken), 'bad-input', 'Not an image: Float32Array'],
    ] as const) {
      await expect(call).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    }
  });

  test.each([
    ['nothing', null, 'takes { label: pictures }, not null'],
    ['a list', [picture(1, 1)], 'takes { label: pictures }, not a list of 1'],
    ['one label', { wide: [picture(1, 1)] }, 'two labels or more, not 1'],
    ['a label without pictures', { wide: [picture(1, 1)], narrow: [] }, 'no picture of "narrow"'],
  ])('refuses %s', async (_, groups, message) => {
    await expect(vit.learn(groups as never)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(message),
    });
  });

  test('refuses a method that is none', async () => {
    await expect(vit.learn(groups, { method: 'svm' as never })).rejects.toThrow(
      'method must be one of auto, means, ridge',
    );
  });

  test('a head is refused that is none, is of another model, or was damaged', async () => {
    const head = JSON.parse(JSON.stringify(await vit.learn(groups)));
    const refuse = (change: object, message: string) =>
      expect(vit.classify(picture(1, 1), { head: { ...head, ...change } })).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining(message),
      });
    await refuse({ format: 'x' }, 'is none that vit.learn() gave');
    await refuse({ version: 2 }, 'of another version');
    await refuse({ model: { name: 'other' } }, 'is of the model other, and this is tiny');
    await refuse({ weights: [[1]] }, 'must have two labels or more, with weights and a bias each');
    await refuse({ weights: [[1], [2], [3]] }, 'with 1 features');
    await refuse({ bias: ['a', 0, 0] }, 'bias[0] must be a number');
    await refuse({ temperature: 0 }, 'temperature must be above 0');
    await expect(vit.classify(picture(1, 1), { head, activation: 'none' })).rejects.toThrow('leave out the activation');
  });
});
