/**
 * The library in apps: the hooks of React, in its StrictMode, and the custom element.
 */
import { createElement, StrictMode } from 'react';
import { flushSync } from 'react-dom';
import { createRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ViTClassifier } from '../../src/apps/element.ts';
import { type ClassifyState, type ModelState, type Source, useClassify, useViT } from '../../src/apps/react.ts';
import type { ImageInput } from '../../src/index.ts';
import '../../src/apps/element.ts';
import { plainImage, tinyModel } from '../harness/tiny-model.ts';

const ON_CPU = { backend: 'cpu' } as const;
const MODEL = '/weights/vit-cifar10/model.json';
const DOG = '/public/samples/dog.jpg';
/** A load on a busy machine. */
const SOON = { timeout: 30_000 };

/** Workers of the library that were started and not ended. */
const alive = new Set<Worker>();

beforeEach(() => {
  class Counted extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      alive.add(this);
    }

    override terminate(): void {
      alive.delete(this);
      super.terminate();
    }
  }
  vi.stubGlobal('Worker', Counted);
});

afterEach(async () => {
  await vi.waitFor(() => expect(alive.size).toBe(0), SOON);
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('React', () => {
  let root: Root;
  let seen: { model: ModelState; answer: ClassifyState }[];

  interface Props {
    source: Source | null;
    image?: ImageInput | null;
    topK?: number;
    at?: number;
  }

  function Probe({ source, image = null, topK = 2, at = 0 }: Props) {
    // Objects of their own at every render, as people write them.
    const model = useViT(source, { ...ON_CPU });
    const answer = useClassify(model.vit, image, { topK });
    seen[at] = { model, answer };
    return createElement('p', null, model.status);
  }

  const render = (...all: Props[]) =>
    flushSync(() =>
      root.render(
        createElement(StrictMode, null, ...all.map((props, at) => createElement(Probe, { ...props, at, key: at }))),
      ),
    );

  beforeEach(() => {
    seen = [];
    root = createRoot(document.createElement('div'));
  });

  afterEach(() => flushSync(() => root.unmount()));

  test('components share a model, which is loaded once and gone after the last of them', async () => {
    const source = await tinyModel();
    render({ source }, { source });
    expect(seen[0].model).toMatchObject({ status: 'loading', vit: null });
    await vi.waitFor(() => expect(seen[0].model.status).toBe('ready'), SOON);
    expect(alive.size).toBe(1);
    const { vit } = seen[0].model;
    expect(vit).not.toBeNull();
    expect(seen[1].model).toBe(seen[0].model);
    expect(seen[0].model.progress).toMatchObject({ loaded: expect.any(Number) });
    render({ source });
    expect(seen[0].model.vit).toBe(vit);
    root.unmount();
    await vi.waitFor(() => expect(alive.size).toBe(0));
    await expect(vit!.classify(plainImage(9, 9, [1, 2, 3]))).rejects.toMatchObject({ code: 'disposed' });
  });

  test('answers to a picture, and to the next one', async () => {
    const source = await tinyModel();
    const [red, blue] = [plainImage(20, 20, [250, 0, 0]), plainImage(20, 20, [0, 0, 250])];
    render({ source, image: red });
    await vi.waitFor(() => expect(seen[0].answer.status).toBe('done'), SOON);
    const first = seen[0].answer.labels!;
    expect(first).toHaveLength(2);
    expect(first.timing.run).toBeGreaterThan(0);
    render({ source, image: blue, topK: 1 });
    // What was right a moment ago stays until there is something better.
    if (seen[0].answer.status === 'running') expect(seen[0].answer.labels).toBe(first);
    await vi.waitFor(() => expect(seen[0].answer).toMatchObject({ status: 'done', labels: { length: 1 } }), SOON);
    expect(seen[0].answer.labels).toEqual(await seen[0].model.vit!.classify(blue, { topK: 1 }));
    render({ source, image: new Blob(['no picture']) });
    await vi.waitFor(() => expect(seen[0].answer.status).toBe('failed'), SOON);
    expect(seen[0].answer).toMatchObject({ labels: null, error: { code: 'bad-image' } });
    render({ source });
    expect(seen[0].answer).toEqual({ status: 'idle', labels: null, error: null });
  });

  test('another picture aborts the call before, and so does an unmount', async () => {
    const source = await tinyModel();
    render({ source });
    await vi.waitFor(() => expect(seen[0].model.status).toBe('ready'), SOON);
    const classify = vi.spyOn(seen[0].model.vit!, 'classify').mockImplementation(() => new Promise(() => {}));
    render({ source, image: plainImage(9, 9, [1, 2, 3]) });
    render({ source, image: plainImage(9, 9, [3, 2, 1]) });
    const signals = () => classify.mock.calls.map(([, options]) => (options as { signal: AbortSignal }).signal.aborted);
    expect(signals().at(-1)).toBe(false);
    expect(signals().slice(0, -1)).not.toContain(false);
    root.unmount();
    expect(signals()).not.toContain(false);
  });

  test('gives up a load that nobody waits for any more, says why one failed, and loads another model', async () => {
    render({ source: '/nowhere/model.json' });
    await vi.waitFor(() => expect(seen[0].model.status).toBe('failed'), SOON);
    expect(seen[0].model).toMatchObject({ vit: null, error: { code: expect.stringMatching(/network|bad-manifest/) } });
    render({ source: MODEL });
    expect(seen[0].model.status).toBe('loading');
    render({ source: null });
    expect(seen[0].model.status).toBe('loading');
    await vi.waitFor(() => expect(alive.size).toBe(0), SOON);
    render({ source: await tinyModel() });
    await vi.waitFor(() => expect(seen[0].model.status).toBe('ready'), SOON);
  });

  test('on a server it is loading, and nothing is started', () => {
    seen = [];
    expect(renderToString(createElement(Probe, { source: MODEL }))).toBe('<p>loading</p>');
    expect(alive.size).toBe(0);
  });
});

describe('<vit-classifier>', () => {
  let element: ViTClassifier;
  const next = (type: string) =>
    new Promise<CustomEvent>((resolve) =>
      element.addEventListener(type, (event) => resolve(event as CustomEvent), { once: true }),
    );
  const texts = (part: string) =>
    [...element.shadowRoot!.querySelectorAll(`[part=${part}]`)].map(({ textContent }) => textContent);

  function add(html: string): ViTClassifier {
    document.body.innerHTML = html;
    element = document.querySelector('vit-classifier')!;
    return element;
  }

  afterEach(() => {
    document.body.innerHTML = '';
  });

  test('shows what is in its picture', async () => {
    add(`<vit-classifier model="${MODEL}" src="${DOG}" top-k="2" backend="cpu" lang="en"></vit-classifier>`);
    const { detail } = await next('answer');
    expect(detail).toHaveLength(2);
    expect(detail[0].label).toBe('dog');
    expect(element.labels).toBe(detail);
    expect(texts('label')).toEqual(detail.map(({ label }: { label: string }) => label));
    expect(texts('score')[0]).toMatch(/^\d\d(\.\d)?%$/);
    expect(element.shadowRoot!.querySelector('img')!.src).toContain(DOG);
    element.setAttribute('top-k', '1');
    expect((await next('answer')).detail).toHaveLength(1);
    element.image = plainImage(20, 20, [0, 200, 0]);
    expect((await next('answer')).detail[0]).not.toEqual(detail[0]);
  });

  test('says what is wrong with a picture or a model, and goes on', async () => {
    add(`<vit-classifier model="${MODEL}" backend="cpu"></vit-classifier>`);
    element.image = new Blob(['no picture']);
    expect((await next('failure')).detail.code).toBe('bad-image');
    expect(texts('status')[0]).toContain('image');
    element.image = plainImage(20, 20, [0, 200, 0]);
    expect((await next('answer')).detail).toHaveLength(5);
    expect(texts('status')).toEqual(['']);
    element.setAttribute('model', '/nowhere/model.json');
    expect((await next('failure')).detail.code).toMatch(/network|bad-manifest/);
    expect(texts('label')).toEqual([]);
  });

  test('two of them share a model; moved within the page it is kept, removed it is gone', async () => {
    add(
      `<vit-classifier model="${MODEL}" src="${DOG}" backend="cpu"></vit-classifier><div><vit-classifier model="${MODEL}" src="${DOG}" backend="cpu"></vit-classifier></div>`,
    );
    const [one, two] = document.querySelectorAll<ViTClassifier>('vit-classifier');
    await vi.waitFor(() => expect([one.labels?.length, two.labels?.length]).toEqual([5, 5]), SOON);
    expect(alive.size).toBe(1);
    const worker = [...alive][0];
    document.querySelector('div')!.append(one);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([...alive]).toEqual([worker]);
    document.body.innerHTML = '';
    await vi.waitFor(() => expect(alive.size).toBe(0));
  });
});
