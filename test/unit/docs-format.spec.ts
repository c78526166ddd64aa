/**
 * The pages on the format and on converting name everything that there is; the page on reliability every spec of the field,
 * and none that is not there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { convertCommand } from '../../src/cli/convert.ts';
import { addConvertFlags } from '../../src/cli/convert-flags.ts';
import { fetchCommand } from '../../src/cli/fetch.ts';
import { LAYOUTS } from '../../src/convert/families/index.ts';
import {
  FINAL_NORMS,
  POOLINGS,
  POSITION_EMBEDDINGS,
  POSITION_RESAMPLINGS,
  RELATIVE_POSITION_BIASES,
  RELATIVE_RESAMPLINGS,
  withDefaults,
} from '../../src/model/architecture.ts';
import { ACTIVATIONS, MLPS, NORM_ORDERS, NORMS } from '../../src/model/layers.ts';
import { FILTERS } from '../../src/model/preprocess.ts';
import { ROTARY_FREQUENCIES, ROTARY_POSITIONS, type Rotary } from '../../src/model/rotary.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import { TEXT_POOLINGS, type TextArchitecture } from '../../src/model/text.ts';
import { TINY, TINY_TEXT } from '../harness/tiny-model.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

const TEXT: Required<TextArchitecture> = {
  ...TINY_TEXT,
  norm: 'rms',
  mlp: 'swiglu',
  endOfText: 29,
  projectionBias: true,
  logitBias: 0,
};

const ROTARY: Required<Rotary> = {
  ...{ frequencies: 'shared', positions: 'counted' },
  ...{ offset: 1, grid: [4, 4], registers: true },
};

/** With as many departures as one model can have. */
const ARCHITECTURE = withDefaults({
  ...TINY,
  depth: 1,
  distillationToken: true,
  registerTokens: 2,
  pixelNorm: true,
  stem: [8],
  patchNorm: true,
  normBeforeBlocks: true,
  qkNorm: true,
  rotary: ROTARY,
  attentionNorm: true,
  mlpNorm: true,
  prefixNorm: true,
  relativePositionBias: 'per-block',
  layerScale: true,
  pooling: 'attention',
  finalNorm: 'pooled',
  representation: 4,
  projection: 4,
  text: TEXT,
});

describe('docs/manifest.md names', () => {
  const text = page('manifest.md');
  const has = (name: string) => expect(text, name).toMatch(new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\``));

  test('every field', () => {
    for (const name of [...Object.keys(ARCHITECTURE), ...Object.keys(TEXT), ...Object.keys(ROTARY)]) has(name);
  });

  test('every choice', () => {
    const lists = [
      ACTIVATIONS,
      FINAL_NORMS,
      MLPS,
      NORMS,
      NORM_ORDERS,
      ROTARY_FREQUENCIES,
      ROTARY_POSITIONS,
      POOLINGS,
      POSITION_EMBEDDINGS,
      POSITION_RESAMPLINGS,
    ];
    for (const name of [...lists, RELATIVE_POSITION_BIASES, RELATIVE_RESAMPLINGS, TEXT_POOLINGS, FILTERS].flat()) {
      // `bilinear-corners` and the like stand under their ending, too.
      has(name);
    }
  });

  test('every tensor', () => {
    const names = [
      ...tensorShapes(ARCHITECTURE).keys(),
      ...tensorShapes({ ...ARCHITECTURE, finalNorm: 'tokens', pooling: 'class-and-distillation' }).keys(),
      ...tensorShapes({ ...ARCHITECTURE, relativePositionBias: 'shared' }).keys(),
    ];
    for (const name of names) {
      if (name.startsWith('text.blocks')) continue;
      // The table gives weight and bias of one layer in one line, and the tensors of a block without it.
      const stem = name.replace(/\.(weight|bias)$/, '').replace(/^blocks\.0\./, '');
      const last = stem.startsWith('attn_pool.') ? stem.slice('attn_pool'.length) : stem;
      expect(text, name).toContain(last);
    }
  });
});

describe('docs/converting.md names', () => {
  const text = page('converting.md');

  test('every layout', () => {
    for (const layout of LAYOUTS) expect(text).toContain(`\`${layout}\``);
  });

  test('every flag', () => {
    const terminal = { print() {}, warn() {}, progress() {} };
    const commands = [addConvertFlags(new Command()), convertCommand(terminal), fetchCommand(terminal)];
    for (const { long } of commands.flatMap((command) => command.options)) expect(text).toContain(`\`${long}`);
  });
});

describe('docs/reliability.md', () => {
  const text = page('reliability.md');
  const exists = (path: string) => existsSync(new URL(`../../${path}`, import.meta.url));
  const field = readdirSync(new URL('../field', import.meta.url));

  test('names specs that there are', () => {
    const named = [...text.matchAll(/`((?:test\/)?[\w./-]*\.spec\.ts)`/g)].map(([, path]) => path);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((path) => !exists(path) && !exists(`test/field/${path}`))).toEqual([]);
  });

  test('names every spec of the field', () => {
    const missing = field.filter((file) => !new RegExp(`[\`/]${file.replace(/\.spec\.ts$/, '')}`).test(text));
    expect(missing).toEqual([]);
  });
});
