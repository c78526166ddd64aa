/**
 * From words to token ids: open_clip's for CLIP, canonical texts for SigLIP, and tokenizers that mean harm.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Cleaning } from '../../src/model/text.ts';
import { cleanText } from '../../src/text/clean.ts';
import { openTokenizer } from '../../src/text/tokenizer.ts';
import { whyNotRegex } from '../../src/text/tokenizer-limits.ts';
import { TINY_TEXT } from '../harness/tiny-model.ts';
import { lettersTokenizer } from '../harness/words.ts';

const WORDS = { tokenizer: { file: 'tokenizer.json', bytes: 1, sha256: '' }, clean: 'html', template: '{}' } as const;

function open(json: unknown, { clean = 'html' as Cleaning, text = TINY_TEXT } = {}) {
  const bytes = new TextEncoder().encode(typeof json === 'string' ? json : JSON.stringify(json));
  return openTokenizer(bytes, { ...WORDS, clean }, text);
}

describe('a text', () => {
  const tokenizer = open(lettersTokenizer());

  test('has the ids of its letters between those that begin and end every text', () => {
    expect(tokenizer.encode('Dog')).toEqual([28, 3, 14, 6, 29]);
    expect(tokenizer.encode('')).toEqual([28, 29]);
    expect(tokenizer.encode('d1')).toEqual([28, 3, 27, 29]);
  });

  test('that is too long is refused by name, or cut where that is asked for, and ends as every text', () => {
    expect(() => tokenizer.encode('giraffe')).toThrow('The text "giraffe" has 9 tokens; the model takes 6');
    expect(tokenizer.encode('giraffe', true)).toEqual([28, 6, 8, 17, 0, 29]);
    expect(() => tokenizer.encode('a '.repeat(1500))).toThrow('2999 characters');
    expect(tokenizer.encode('a '.repeat(1500), true)).toEqual([28, 0, 0, 0, 0, 29]);
  });

  test.each([
    ['caf&eacute; &amp; bar', 'café & bar', 'café bar'],
    ['caf&amp;eacute;', 'café', 'café'],
    ['&#233; &#xE9; &OElig; &thetasym;', 'é é Œ ϑ', 'é é œ ϑ'],
    [
      '&nothing; &#0; &#xD800; &#99999999; AT&T',
      '&nothing; &#0; &#xD800; &#99999999; AT&T',
      'nothing 0 xd800 99999999 att',
    ],
    ['  This is a Photo of a Dog.  ', 'This is a Photo of a Dog.', 'this is a photo of a dog'],
    ['fire_engine,\n red', 'fire_engine,\n red', 'fire engine red'],
  ])('%j is cleaned', (text, html, canonical) => {
    expect(cleanText(text, 'html')).toBe(html);
    expect(cleanText(text, 'canonical')).toBe(canonical);
  });

  test('is canonical before it is cut into tokens, where the model wants that', () => {
    expect(open(lettersTokenizer(), { clean: 'canonical' }).encode('d.O_g!')).toEqual([28, 3, 14, 6, 29]);
  });
});

describe('a tokenizer is refused', () => {
  const changed = (change: Record<string, unknown>) => ({ ...lettersTokenizer(), ...change });
  const { model } = lettersTokenizer();
  const replace = (content: string) => ({ type: 'Replace', pattern: { String: 'a' }, content });

  test.each([
    ['that is no JSON', 'tokenizer', 'cannot be used'],
    ['that is a list', [], 'no "model"'],
    ['of an unknown type', changed({ model: { ...model, type: 'Sort' } }), 'is of the type "Sort"'],
    ['without a vocabulary', changed({ model: { ...model, vocab: 3 } }), 'no vocabulary'],
    [
      'with ids that the tower has not',
      changed({ model: { ...model, vocab: { a: 30 } } }),
      'the token id 30, and the text tower has 0 to 29',
    ],
    ['with added ids that it has not', changed({ added_tokens: [{ id: -1, content: 'x' }] }), 'the token id -1'],
    ['with a normalizer nobody knows', changed({ normalizer: { type: 'Rot13' } }), 'Unknown Normalizer type: Rot13'],
    ['without merges', changed({ model: { ...model, merges: undefined } }), 'cannot be used'],
    [
      'whose texts explode',
      changed({ normalizer: { type: 'Sequence', normalizers: Array.from({ length: 13 }, () => replace('aa')) } }),
      'too many replacements',
    ],
    [
      'with a pipeline without end',
      changed({ normalizer: { type: 'Sequence', normalizers: Array.from({ length: 99 }, () => ({ type: 'NFC' })) } }),
      'too many parts',
    ],
    [
      'whose expressions blow up',
      changed({ normalizer: { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' } }),
      'the regular expression "(a+)+$", which repeats a group',
    ],
  ])('%s', (_, json, message) => {
    expect(() => open(json)).toThrowError(
      expect.objectContaining({ code: 'bad-manifest', message: expect.stringContaining(message) }),
    );
  });

  test.each([
    ['(a+)+', 'repeats a group'],
    ['(a|aa)*b', 'repeats a group'],
    ['(?:a?){25}', 'repeats a group'],
    ['(a+)?+', 'repeats a group'],
    ['a*a*a*b', 'repeats too much in a row'],
    ['a?a?a?a?a?a?a?a?a?b', 'repeats too much in a row'],
    ['[ab]{1,500}[a]{1,500}a+b', 'repeats too much in a row'],
    ['(a|b)(a|b)(a|b)(a|b)(a|b)', 'too many groups'],
    ['(.*)\\1', 'refers back'],
    ['a'.repeat(501), 'more than 500 characters'],
  ])('for %s', (regex, why) => expect(whyNotRegex(regex)).toContain(why));

  test.each([
    ['CLIP', "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"],
    ['GPT-2', "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
    [
      'GPT-4',
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    ['SigLIP', '[!"#$%&\'()*+,-./:;<=>?@\\[\\\\\\]^_`{|}~]'],
  ])("but not for %s's", (_, regex) => expect(whyNotRegex(regex)).toBeNull());
});

const folder = process.env.VIT_MODELS && join(process.env.VIT_MODELS, 'clip-tokenizer');

test.runIf(folder && existsSync(folder))("CLIP's own tokenizer gives open_clip's ids for every text", () => {
  const { cases, contextLength } = JSON.parse(readFileSync(join(folder!, 'expected.json'), 'utf8'));
  const text = { ...TINY_TEXT, vocabulary: 49408, tokens: contextLength };
  const tokenizer = open(readFileSync(join(folder!, 'tokenizer.json'), 'utf8'), { text });
  expect(cases).toHaveLength(31);
  for (const { text, ids } of cases) expect(tokenizer.encode(text, true), text).toEqual(ids);
});
