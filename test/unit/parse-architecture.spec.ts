/**
 * A manifest's architecture: what it may leave out, what is refused, and why.
 */
import { describe, expect, test } from 'vitest';
import { type Architecture, withDefaults, withoutDefaults } from '../../src/model/architecture.ts';
import { Field } from '../../src/weights/field.ts';
import { parseArchitecture } from '../../src/weights/parse-architecture.ts';
import { TINY, TINY_TEXT } from '../harness/tiny-model.ts';

const { endOfText: _, ...WITHOUT_END } = TINY_TEXT;

const parse = (fields: object) => parseArchitecture(new Field({ ...TINY, ...fields }, 'model.json', 'architecture'));

describe('what is left out', () => {
  test('is that of a plain ViT', () => {
    expect(parse({})).toMatchObject({
      ...TINY,
      classToken: true,
      registerTokens: 0,
      positionEmbedding: 'all',
      positionResampling: 'bicubic-antialias',
      attentionScale: 1 / Math.sqrt(8),
      normOrder: 'first',
      finalNorm: 'tokens',
      pooling: 'class',
      projection: 0,
      text: null,
    });
  });

  test('and said all the same is left out again, and nothing else is', () => {
    const departures = { qkvBias: false, pooling: 'patches', registerTokens: 2, text: TINY_TEXT } as const;
    expect(withoutDefaults(withDefaults({ ...TINY, ...departures }))).toEqual({ ...TINY, ...departures });
  });
});

describe('every field', () => {
  const all: Architecture = {
    ...TINY,
    classes: 0,
    norm: 'rms',
    classToken: true,
    distillationToken: false,
    registerTokens: 2,
    positionEmbedding: 'all-but-registers',
    positionResampling: 'bicubic-offset',
    pixelNorm: true,
    stem: [30, 20],
    patchBias: false,
    patchNorm: true,
    normBeforeBlocks: true,
    normOrder: 'last',
    qkvBias: false,
    qkNorm: true,
    rotary: { frequencies: 'shared', positions: 'counted', offset: 1, grid: [16, 16], registers: true },
    attentionNorm: true,
    headSize: 10,
    attentionScale: 0.3,
    relativePositionBias: 'none',
    layerScale: true,
    mlp: 'swiglu',
    mlpNorm: true,
    finalNorm: 'tokens',
    prefixNorm: true,
    pooling: 'attention',
    poolingHeads: 4,
    poolingQuery: false,
    poolingMlpWidth: 0,
    poolingPrefix: false,
    representation: 9,
    projection: 5,
    projectionBias: true,
    normalizeEmbedding: true,
    text: { ...TINY_TEXT, norm: 'rms', mlp: 'swiglu', projectionBias: true, logitBias: -10 },
  };

  test('is read', () => expect(parse(all)).toEqual(withDefaults(all)));

  for (const name of Object.keys(all).filter((name) => !(name in TINY))) {
    test(`${name} of a wrong type is refused by its name`, () => {
      expect(() => parse({ [name]: name === 'stem' ? 3 : [1, 2, 3] })).toThrow(
        new RegExp(`^model\\.json: architecture\\.${name} must be`),
      );
    });
  }

  test('that is not known is of a newer version', () => {
    const refusal = { code: 'unsupported-model', message: expect.stringContaining('architecture.experts') };
    expect(() => parse({ experts: 8 })).toThrow(expect.objectContaining(refusal));
    expect(() => parse({ projection: 5, classes: 0, text: { ...TINY_TEXT, experts: 2 } })).toThrow(
      'architecture.text.experts',
    );
  });
});

const ROTARY = { frequencies: 'shared', positions: 'counted' };

describe('what makes no sense together', () => {
  for (const [fields, problem] of [
    [{ heads: 5 }, 'heads is 5, which does not divide the width 24'],
    [{ pooling: 'attention', poolingHeads: 5 }, 'poolingHeads is 5, which does not divide the width 24'],
    [{ poolingMlpWidth: 0 }, 'poolingMlpWidth is 0, but the pooling is "class"'],
    [{ rotary: ROTARY, headSize: 5 }, 'rotary turns pairs of features, but a head has 5'],
    [{ rotary: { ...ROTARY, positions: 'centred', offset: 1 } }, 'rotary.offset belongs to positions that are counted'],
    [{ rotary: { ...ROTARY, base: 100 } }, 'rotary.base is not known'],
    [{ prefixNorm: true, finalNorm: 'none' }, 'prefixNorm is true, but the final norm is not of tokens'],
    [{ prefixNorm: true, classToken: false, pooling: 'all' }, 'no token stands in front of the patches'],
    [{ positionResampling: 'sincos' }, 'it is of patches alone'],
    [{ epsilon: 0 }, 'epsilon is 0; it must be positive'],
    [{ attentionScale: -1 }, 'attentionScale is -1; it must be positive'],
    [{ imageSize: [16, 20] }, 'imageSize [16,20] is not a multiple of the patch size'],
    [{ classToken: false }, 'pooling is "class", but there is no class token'],
    [{ classToken: false, pooling: 'class-and-patches' }, 'there is no class token'],
    [{ pooling: 'class-and-distillation' }, 'there is no distillation token'],
    [{ positionEmbedding: 'all-but-registers' }, 'there are no register tokens'],
    [{ relativePositionBias: 'shared', registerTokens: 1 }, 'its table is for a class token and patches'],
    [{ relativeResampling: 'bilinear' }, 'there is no table to resample'],
    [{ finalNorm: 'pooled', pooling: 'attention' }, 'the pooling is "attention", which no norm follows'],
    [{ pooling: 'none' }, 'classes is 5, but the pooling is "none"'],
    [
      { pooling: 'none', classes: 0, normalizeEmbedding: true },
      'normalizeEmbedding is true, but the pooling is "none"',
    ],
    [{ projection: 7 }, 'a projection takes the place of a head'],
    [{ normalizeEmbedding: true }, 'no head reads a normalised embedding'],
    [
      { distillationToken: true, pooling: 'class-and-distillation', representation: 7 },
      'the two heads read the tokens themselves',
    ],
    [{ pooling: 'none', classes: 0, text: TINY_TEXT }, 'there is no image embedding to share a space with'],
    [{ text: { ...TINY_TEXT, heads: 4 } }, 'text.heads is 4, which does not divide the width 18'],
    [{ text: { ...TINY_TEXT, padding: 30 } }, 'text.padding is 30; token ids are below 30'],
    [{ text: { ...TINY_TEXT, endOfText: 30 } }, 'text.endOfText is 30; token ids are below 30'],
    [{ text: { ...TINY_TEXT, pooling: 'last' } }, 'text.endOfText belongs to the pooling "end-of-text"'],
    [{ text: WITHOUT_END }, 'text.endOfText belongs to the pooling "end-of-text"'],
  ] as [object, string][]) {
    test(`${problem}: ${JSON.stringify(fields).slice(0, 40)}`, () => {
      expect(() => parse(fields)).toThrow(
        expect.objectContaining({
          code: problem.endsWith('not known') ? 'unsupported-model' : 'bad-manifest',
          message: expect.stringContaining(problem),
        }),
      );
    });
  }
});
