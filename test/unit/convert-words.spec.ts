/**
 * A tokenizer beside a checkpoint: it comes along with its hash, in the form of its family, and is refused where it means harm.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { convertInMemory, ENOUGH, FAMILIES, fixtureJson, openFixture } from '../harness/checkpoints.ts';
import { runCommand } from '../harness/terminal.ts';
import { TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, numbersTokenizer, withWords } from '../harness/words.ts';

const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const clip = await openFixture('hf-clip');
const config = fixtureJson('hf-clip/config.json');
const tokenizer = encode(numbersTokenizer(64));

describe('a tokenizer', () => {
  test("comes along with bytes and hash, in CLIP's form", async () => {
    const { manifest, files } = await convertInMemory(clip, { config, tokenizer });
    const sha256 = createHash('sha256').update(tokenizer).digest('hex');
    expect(manifest.words).toEqual({
      tokenizer: { file: 'tokenizer.json', bytes: tokenizer.length, sha256 },
      clean: 'html',
      template: 'a photo of {}',
    });
    expect(files.get('tokenizer.json')).toEqual(tokenizer);
    expect([...files.keys()].at(-1)).toBe('model.json');
  });

  test("is in SigLIP's form where the logits have a bias, with the template that is given", async () => {
    const preprocess = { ...ENOUGH.preprocess, resize: { mode: 'squash', height: 16, width: 16 } } as const;
    const options = {
      config: fixtureJson('hf-siglip/config.json'),
      preprocess,
      tokenizer: encode(numbersTokenizer(20)),
      template: 'ein Foto: {}',
    };
    const { manifest } = await convertInMemory(await openFixture('hf-siglip'), options);
    expect(manifest.words).toMatchObject({ clean: 'canonical', template: 'ein Foto: {}' });
  });

  test('that is missing is noted, and one beside a model without a text tower is left out', async () => {
    const found: string[] = [];
    const onFindings = (findings: { what: string; value: string; why: string }[]) =>
      found.push(...findings.map(({ what, value, why }) => `${what}: ${value} (${why})`));
    const { manifest } = await convertInMemory(clip, { config, onFindings });
    expect(manifest.words).toBeUndefined();
    const alone = await convertInMemory(clip, { config, text: false, tokenizer, onFindings });
    expect(alone.manifest.words).toBeUndefined();
    expect(alone.files.has('tokenizer.json')).toBe(false);
    expect(found).toContain('words: none (no tokenizer.json: texts are taken as token ids alone)');
    expect(found).toContain('left out: tokenizer.json (there is no text tower)');
  });

  test.each([
    ['no JSON', new TextEncoder().encode('{'), 'is not JSON'],
    ['another model', encode(numbersTokenizer(65)), 'the token id 64, and the text tower has 0 to 63'],
    ['larger than any', new Uint8Array(2 ** 26 + 1), 'are taken at most'],
    [
      'harm',
      encode({ ...numbersTokenizer(64), normalizer: { type: 'Replace', pattern: { Regex: '(x*)*y' }, content: '' } }),
      'repeats a group',
    ],
  ])('that is %s is refused', async (_, bytes, message) => {
    await expect(convertInMemory(clip, { config, tokenizer: bytes })).rejects.toThrow(message);
  });

  test('a template without {} is refused', async () => {
    await expect(convertInMemory(clip, { config, tokenizer, template: 'a photo' })).rejects.toThrow('has no {}');
    await expect(convertInMemory(clip, { config, text: false, template: '{}' })).rejects.toThrow('this one has none');
  });
});

describe('the words of a manifest are refused', async () => {
  const { manifest } = await withWords(await tinyModel(TINY_CLIP), lettersTokenizer());
  const words = manifest.words!;
  test.each([
    ['without a template', { words: { ...words, template: undefined } }, 'words.template is missing'],
    ['in an unknown form', { words: { ...words, clean: 'upper' } }, 'words.clean must be one of html, canonical'],
    [
      'outside of the folder',
      { words: { ...words, tokenizer: { ...words.tokenizer, file: '../t' } } },
      'words.tokenizer.file is "../t"',
    ],
  ])('%s', (_, change, message) => {
    expect(() => parseManifest({ ...manifest, ...change }, 'model.json')).toThrow(message);
  });
});

describe('vit-webgpu convert', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vit-words-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('takes the tokenizer.json beside the checkpoint, or the one that is named', async () => {
    for (const name of ['model.safetensors', 'config.json']) {
      writeFileSync(join(folder, name), readFileSync(new URL(`hf-clip/${name}`, FAMILIES)));
    }
    writeFileSync(join(folder, 'tokenizer.json'), tokenizer);
    const flags = [
      '--resize',
      'squash:32x32',
      '--filter',
      'bicubic',
      '--crop',
      'none',
      '--mean',
      '0,0,0',
      '--std',
      '1,1,1',
    ];
    const convert = (out: string, ...more: string[]) =>
      runCommand('convert', folder, '--out', join(folder, out), ...flags, ...more);
    const { exitCode, printed, warned } = await convert('beside');
    expect([exitCode, warned]).toEqual([0, '']);
    expect(printed).toMatch(/template +a photo of \{\} +the convention of a CLIP/);
    expect(readFileSync(join(folder, 'beside', 'tokenizer.json'))).toEqual(Buffer.from(tokenizer));
    const other = join(folder, 'other.json');
    writeFileSync(other, encode(numbersTokenizer(60)));
    expect(await convert('named', '--tokenizer', other, '--template', '{}!')).toMatchObject({ exitCode: 0 });
    const { words } = JSON.parse(readFileSync(join(folder, 'named', 'model.json'), 'utf8'));
    expect(words).toMatchObject({ template: '{}!', tokenizer: { bytes: encode(numbersTokenizer(60)).length } });
    expect(await convert('none', '--tokenizer', join(folder, 'nothing.json'))).toMatchObject({
      exitCode: 1,
      warned: /There is no file/,
    });
  });
});
