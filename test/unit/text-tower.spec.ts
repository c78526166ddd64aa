/**
 * The text tower comes with the first text: its shards are its own and last in the stream, and until then none is fetched.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { layOutShards } from '../../src/convert/shards.ts';
import { EngineHost } from '../../src/engine/host.ts';
import { type EngineEvent, loadViT, type ModelFiles, type Progress, type ViT } from '../../src/index.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import { partOf } from '../../src/weights/part-of.ts';
import { TensorAssembler } from '../../src/weights/tensor-assembler.ts';
import { TINY, TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, withWords } from '../harness/words.ts';

const URL_OF_MODEL = 'https://models.example/clip/model.json';
const isOfTexts = (name: string) => name.startsWith('text.');

describe('shards', () => {
  test.each([256, 4096, 2 ** 20])('of %i bytes hold images or texts, texts last', (shardBytes) => {
    const { tensors, shards } = layOutShards(tensorShapes(withDefaults(TINY_CLIP)), 'f32', shardBytes);
    const first = Math.min(...Object.entries(tensors).map(([name, { shard }]) => (isOfTexts(name) ? shard : Infinity)));
    expect(tensors['text.token_embed.weight']).toMatchObject({ shard: first, offset: 0 });
    for (const [name, { shard, offset, bytes }] of Object.entries(tensors)) {
      const last = shard + Math.floor((offset + bytes - 1) / shardBytes);
      if (isOfTexts(name)) expect(shard).toBeGreaterThanOrEqual(first);
      else expect(last).toBeLessThan(first);
    }
    for (const bytes of shards.slice(0, -1)) expect(bytes % 256).toBe(0);
  });

  test('of a part are those that its tensors lie in, whatever the whole shares', async () => {
    const { manifest, shards } = await tinyModel(TINY_CLIP);
    const read = (part: Pick<typeof manifest, 'tensors' | 'shards'>) => {
      const values = new Map<string, number[]>();
      const assembler = new TensorAssembler(part, ({ name, data }) => {
        values.set(name, [...(values.get(name) ?? []), ...data]);
      });
      for (const entry of part.shards) assembler.addShard(shards[manifest.shards.indexOf(entry)]);
      return values;
    };
    const whole = read(manifest);
    // Some that lie in the middle, and share shards with others.
    for (const has of [
      isOfTexts,
      (name: string) => name.startsWith('blocks.1'),
      (name: string) => name === 'norm.bias',
    ]) {
      expect(read(partOf(manifest, has))).toEqual(new Map([...whole].filter(([name]) => has(name))));
    }
    expect(partOf(manifest, () => true)).toMatchObject({ shards: manifest.shards });
  });
});

describe('a model of two towers', () => {
  const open: ViT[] = [];
  afterEach(() => {
    vi.unstubAllGlobals();
    for (const vit of open.splice(0)) vit.dispose();
  });

  /** Serves the files, and lists which were fetched. */
  function serve({ manifest, shards, tokenizer }: ModelFiles): string[] {
    const fetched: string[] = [];
    vi.stubGlobal('fetch', async (url: string) => {
      const file = new URL(url).pathname.split('/').at(-1)!;
      if (file !== 'model.json') fetched.push(file);
      const index = manifest.shards.findIndex((shard) => shard.file === file);
      const body =
        file === 'model.json' ? JSON.stringify(manifest) : file === 'tokenizer.json' ? tokenizer : shards[index];
      return body ? new Response(body as BodyInit) : new Response(null, { status: 404 });
    });
    return fetched;
  }

  async function load(onProgress?: (progress: Progress) => void, onEvent?: (event: EngineEvent) => void) {
    const vit = await loadViT(URL_OF_MODEL, { backend: 'cpu', worker: false, cache: false, onProgress, onEvent });
    open.push(vit);
    return vit;
  }

  const pixels = { data: new Float32Array(3 * 16 * 16).fill(0.3), shape: [1, 3, 16, 16] };

  test('fetches the shards of texts, and the tokenizer, with the first text and not again', async () => {
    const files = await withWords(await tinyModel(TINY_CLIP), lettersTokenizer());
    const fetched = serve(files);
    const seen: Progress[] = [];
    const vit = await load((progress) => seen.push(progress));
    const part = (has: (name: string) => boolean) => partOf(files.manifest, has).shards;
    const [images, texts] = [part((name) => !isOfTexts(name)), part(isOfTexts)];
    const bytes = (shards: typeof images) => shards.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(fetched.sort()).toEqual(images.map(({ file }) => file).sort());
    expect(seen.at(-1)).toEqual({ stage: 'ready', loaded: bytes(images), total: bytes(images) });
    await vit.forward(pixels, { outputs: ['embedding'] });
    const before = (await vit.memory()).cpu;

    fetched.length = seen.length = 0;
    const embedding = await vit.embedText('a dog');
    expect(fetched.sort()).toEqual([...texts.map(({ file }) => file), 'tokenizer.json'].sort());
    expect(seen.at(-1)).toEqual({ stage: 'ready', loaded: bytes(texts), total: bytes(texts), of: 'texts' });
    expect(seen.every(({ of }) => of === 'texts')).toBe(true);
    expect((await vit.memory()).cpu).toBeGreaterThan(before);

    fetched.length = 0;
    expect(await vit.embedText('a dog')).toEqual(embedding);
    expect(fetched).toEqual([]);
    expect(vit.info.bytes).toBe(bytes(files.manifest.shards));
  });

  test('two first texts at once fetch each file once', async () => {
    const files = await withWords(await tinyModel(TINY_CLIP), lettersTokenizer());
    const fetched = serve(files);
    const engine = new EngineHost();
    await engine.load(URL_OF_MODEL, { backend: 'cpu', cache: false }, () => {});
    fetched.length = 0;
    const [first, second] = await Promise.all([engine.runTexts(['a dog']), engine.runTexts(['a dog'])]);
    expect(fetched).toHaveLength(new Set(fetched).size);
    expect(first.outputs).toEqual(second.outputs);
    await engine.dispose();
  });

  test('goes on with pictures where the shards of texts cannot be had, and tries again', async () => {
    const files = await tinyModel(TINY_CLIP);
    const last = files.shards.pop()!;
    serve(files);
    const vit = await load();
    await expect(vit.embedText([28, 29])).rejects.toMatchObject({ code: 'network' });
    expect((await vit.forward(pixels, { outputs: ['embedding'] })).embedding!.shape).toEqual([1, 10]);
    files.shards.push(last);
    expect(await vit.embedText([28, 29])).toHaveLength(10);
  });

  test('ends with the model while the shards of texts arrive', async () => {
    serve(await tinyModel(TINY_CLIP));
    const vit = await load();
    const text = vit.embedText([28, 29]);
    vit.dispose();
    await expect(text).rejects.toMatchObject({ code: 'disposed' });
  });

  test.each([
    ['does not end', [1, 2]],
    ['is too long', new Array(7).fill(29)],
    ['is empty', []],
  ])('says of a golden whose text %s that the manifest is at fault', async (_, ids) => {
    const files = await tinyModel(TINY_CLIP);
    files.manifest.golden.text!.ids = ids;
    serve(files);
    const vit = await load();
    await vit.embedText([28, 29]);
    await expect(vit.selfTest()).rejects.toMatchObject({
      code: 'bad-manifest',
      message: /golden\.text\.ids are no text/,
    });
  });

  test('a model of one tower fetches all of its shards', async () => {
    const files = await tinyModel(TINY);
    const fetched = serve(files);
    await load();
    expect(fetched.sort()).toEqual(files.manifest.shards.map(({ file }) => file).sort());
  });
});
