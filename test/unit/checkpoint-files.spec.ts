/**
 * Files that were dropped as a model: of every family what `convert` makes of it, to the bit. `File` is the browser's own class,
 * which Node has, too; a real page is in `test/reliability/checkpoint.spec.ts`.
 */
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/checkpoint/open-checkpoint-source.ts';
import type { Conversion } from '../../src/convert/answers.ts';
import { prepareModel } from '../../src/convert/prepare-model.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import { type LoadOptions, loadViT } from '../../src/index.ts';
import type { Dtype } from '../../src/weights/manifest.ts';
import { ModelCache } from '../../src/weights/model-cache.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { sha256 } from '../../src/weights/verify.ts';
import { FAMILY_NAMES, FAMILY2_NAMES, type FamilyFixture, familyFixture } from '../harness/checkpoints.ts';
import { checkpointBytes, openBytes } from '../harness/formats.ts';
import { TIMM_CONFIG } from '../harness/hub-server.ts';
import { numbersTokenizer } from '../harness/words.ts';

const { signal } = new AbortController();

async function load(files: Blob[], convert: Conversion = {}) {
  const source = await openCheckpoint(files, { convert, hash: sha256, warn: expect.fail, ModelCache, parseManifest });
  const manifest = await source.readManifest(signal);
  let arrived = 0;
  const shards: Uint8Array[] = [];
  for await (const shard of source.readShards(manifest, (bytes) => (arrived += bytes), signal)) {
    shards.push(shard.slice());
  }
  return { source, manifest, shards, arrived };
}

/** All that the manifest of `convert` has but the golden, and every byte of its shards. */
async function expectSame({ file, bytes, options }: FamilyFixture, dtype: Dtype = 'f32') {
  const sink = new MemorySink();
  const { manifest, network, write } = await prepareModel(await openBytes(bytes), { ...options, dtype });
  await write(sink);
  const loaded = await load([new File([bytes], file)], { ...options, dtype });
  const source = { sha256: await sha256(bytes) };
  expect(loaded.manifest).toEqual({ ...manifest, architecture: network, source, golden: undefined });
  // Number by number takes minutes.
  expect(loaded.shards).toHaveLength(manifest.shards.length);
  for (const [i, { file }] of manifest.shards.entries()) {
    expect(Buffer.compare(loaded.shards[i], sink.files.get(file)!), file).toBe(0);
  }
  expect(loaded.arrived).toBe(manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0));
}

/** All of a conversion but its golden, which takes longest. */
describe('a dropped checkpoint gives what convert gives', () => {
  for (const family of [...FAMILY_NAMES, ...FAMILY2_NAMES]) {
    test(family, async () => expectSame(await familyFixture(family)));
  }

  test('in f16', async () => expectSame(await familyFixture('timm-vit'), 'f16'));
});

const json = (value: unknown, name: string) => new File([JSON.stringify(value)], name);
const model = (name = 'vit.safetensors') => new File([checkpointBytes('vit.safetensors')], name);
const LOAD: LoadOptions = { worker: false, backend: 'cpu' };

describe('files beside the checkpoint', () => {
  test('say what its tensors do not, in any order', async () => {
    const vit = await loadViT([json(TIMM_CONFIG, 'config.json'), new File(['words'], 'notes.txt'), model()], LOAD);
    expect(vit.info).toMatchObject({ name: 'vit', labels: ['cat', 'dog', 'bird'] });
    vit.dispose();
  });

  test('a lone file needs no name that anyone knows', async () => {
    const { manifest } = await load([model('checkpoint_final.ckpt')], { config: TIMM_CONFIG });
    expect(manifest.name).toBe('checkpoint_final');
    const blob = new Blob([checkpointBytes('vit.safetensors')]);
    const vit = await loadViT(blob, { ...LOAD, convert: { config: TIMM_CONFIG, name: 'mine' } });
    expect(vit.info.name).toBe('mine');
    vit.dispose();
  });

  test('a text tower has its words with its tokenizer', async () => {
    const { bytes, options } = await familyFixture('hf-clip');
    const files = [new File([bytes], 'model.safetensors'), json(numbersTokenizer(64), 'tokenizer.json')];
    const vit = await loadViT(files, { ...LOAD, convert: options as Conversion });
    expect(vit.info.words).toMatchObject({ template: 'a photo of {}' });
    // 63 ends a text.
    const words = await vit.embedText('w5 w63');
    expect(words).toEqual(await vit.embedText([5, 63]));
    vit.dispose();
  });

  test.for<[string, Blob[], Conversion, RegExp]>([
    ['two checkpoints', [model('a.pt'), model('b.pt')], {}, /Give convert\.file a\.pt or convert\.file b\.pt/],
    ['one that is not there', [model('a.pt')], { file: 'c.pt' }, /convert\.file c\.pt: the list of files has no such/],
    ['no checkpoint', [json({}, 'a.json'), json({}, 'b.json')], {}, /The list of files has no checkpoint/],
    ['two of one name', [model(), model()], {}, /Two of the files have the same name/],
    ['a config that is none', [model(), new File(['{'], 'config.json')], {}, /config\.json is not JSON/],
    ['an empty file', [new File([], 'empty.pt')], {}, /This file is empty/],
  ])('%s', async ([, files, convert, message]) => {
    await expect(load(files, convert)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(message),
    });
  });

  test('a picture', async () => {
    await expect(load([new File(['GIF89a..........'], 'cat.gif')], {})).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringMatching(/This is a picture.*Give the file with the weights/),
    });
  });

  test('a file that is gone by then', async () => {
    const gone = model();
    gone.slice = () => new Proxy(new Blob(), { get: () => () => Promise.reject(new Error('not found')) }) as Blob;
    await expect(load([gone], { config: TIMM_CONFIG })).rejects.toMatchObject({
      code: 'bad-input',
      message: 'vit.safetensors cannot be read any more (not found). Give it again.',
    });
  });
});
