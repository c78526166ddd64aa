/**
 * A manifest's `architecture`: every field known and of its type, and a network that makes sense.
 */
import { ViTError } from '../error.ts';
import {
  type Architecture,
  embeddingWidth,
  FINAL_NORMS,
  type FullArchitecture,
  POOLINGS,
  POSITION_EMBEDDINGS,
  POSITION_RESAMPLINGS,
  positionPrefix,
  prefixCount,
  RELATIVE_POSITION_BIASES,
  RELATIVE_RESAMPLINGS,
  withDefaults,
} from '../model/architecture.ts';
import { ACTIVATIONS, MLPS, NORM_ORDERS, NORMS } from '../model/layers.ts';
import { ROTARY_FREQUENCIES, ROTARY_POSITIONS, type Rotary } from '../model/rotary.ts';
import { isComputed } from '../model/sincos.ts';
import { TEXT_POOLINGS, type TextArchitecture } from '../model/text.ts';
import type { Field } from './field.ts';

/**
 * @returns with the defaults of what is left out
 * @throws ViTError `bad-manifest` naming the field and what is wrong; `unsupported-model` for a field that is not known
 */
export function parseArchitecture(field: Field): FullArchitecture {
  const given: Architecture = {
    ...required(field, {
      imageSize: pair,
      patchSize: pair,
      channels: integer(1),
      width: integer(1),
      depth: integer(1),
      heads: integer(1),
      mlpWidth: integer(1),
      classes: integer(0),
      activation: oneOf(ACTIVATIONS),
      epsilon: number,
    }),
    ...optional(field, {
      norm: oneOf(NORMS),
      classToken: boolean,
      distillationToken: boolean,
      registerTokens: integer(0),
      positionEmbedding: oneOf(POSITION_EMBEDDINGS),
      positionResampling: oneOf(POSITION_RESAMPLINGS),
      pixelNorm: boolean,
      stem: (value) => value.list((item) => item.integer(1)),
      patchBias: boolean,
      patchNorm: boolean,
      normBeforeBlocks: boolean,
      normOrder: oneOf(NORM_ORDERS),
      qkvBias: boolean,
      qkNorm: boolean,
      rotary: (value) => value.nullable(parseRotary),
      attentionNorm: boolean,
      headSize: integer(1),
      attentionScale: number,
      relativePositionBias: oneOf(RELATIVE_POSITION_BIASES),
      relativeResampling: oneOf(RELATIVE_RESAMPLINGS),
      layerScale: boolean,
      mlp: oneOf(MLPS),
      mlpNorm: boolean,
      finalNorm: oneOf(FINAL_NORMS),
      prefixNorm: boolean,
      pooling: oneOf(POOLINGS),
      poolingHeads: integer(1),
      poolingQuery: boolean,
      poolingMlpWidth: integer(0),
      poolingPrefix: boolean,
      representation: integer(0),
      projection: integer(0),
      projectionBias: boolean,
      normalizeEmbedding: boolean,
      text: (value) => value.nullable(parseText),
    }),
  };
  refuseUnknown(field, given);
  const network = withDefaults(given);
  checkNumbers(field, network);
  checkCombinations(field, network);
  return network;
}

function parseRotary(field: Field): Rotary {
  const rotary: Rotary = {
    frequencies: field.get('frequencies').oneOf(ROTARY_FREQUENCIES),
    positions: field.get('positions').oneOf(ROTARY_POSITIONS),
    ...optional(field, {
      offset: integer(0),
      grid: (value) => value.nullable((grid) => grid.pair()),
      registers: boolean,
    }),
  };
  refuseUnknown(field, rotary);
  for (const name of ['offset', 'grid'] as const) {
    if (rotary.positions === 'centred' && rotary[name]) field.get(name).fail('belongs to positions that are counted');
  }
  return rotary;
}

function parseText(field: Field): TextArchitecture {
  const text: TextArchitecture = {
    ...required(field, {
      vocabulary: integer(1),
      tokens: integer(1),
      width: integer(1),
      depth: integer(1),
      heads: integer(1),
      mlpWidth: integer(1),
      activation: oneOf(ACTIVATIONS),
      epsilon: number,
      causal: boolean,
      pooling: oneOf(TEXT_POOLINGS),
      padding: integer(0),
      logitScale: number,
    }),
    ...optional(field, {
      norm: oneOf(NORMS),
      mlp: oneOf(MLPS),
      endOfText: integer(0),
      projectionBias: boolean,
      logitBias: number,
    }),
  };
  refuseUnknown(field, text);
  const { width, heads, epsilon, vocabulary, padding, endOfText } = text;
  if (width % heads !== 0) field.get('heads').fail(`is ${heads}, which does not divide the width ${width}`);
  if (epsilon <= 0) field.get('epsilon').fail(`is ${epsilon}; it must be positive`);
  if (padding >= vocabulary) field.get('padding').fail(`is ${padding}; token ids are below ${vocabulary}`);
  if ((text.pooling === 'end-of-text') !== (endOfText !== undefined)) {
    field.get('endOfText').fail('belongs to the pooling "end-of-text", and to no other');
  }
  if (endOfText !== undefined && endOfText >= vocabulary) {
    field.get('endOfText').fail(`is ${endOfText}; token ids are below ${vocabulary}`);
  }
  return text;
}

const pair = (field: Field) => field.pair();
const boolean = (field: Field) => field.boolean();
const number = (field: Field) => field.number();
const integer = (least: number) => (field: Field) => field.integer(least);
const oneOf =
  <T extends string>(names: readonly T[]) =>
  (field: Field) =>
    field.oneOf(names);

type Parsers = Record<string, (value: Field) => unknown>;

function required<P extends Parsers>(field: Field, parsers: P): { [Name in keyof P]: ReturnType<P[Name]> } {
  const entries = Object.entries(parsers).map(([name, parse]) => [name, parse(field.get(name))]);
  return Object.fromEntries(entries) as { [Name in keyof P]: ReturnType<P[Name]> };
}

/** The fields that are there, parsed. */
function optional<P extends Parsers>(field: Field, parsers: P): { [Name in keyof P]?: ReturnType<P[Name]> } {
  const present = Object.entries(parsers).filter(([name]) => field.has(name));
  return required(field, Object.fromEntries(present) as P);
}

/** A field that is not known here changes the network in a way that is not known either. */
function refuseUnknown(field: Field, known: object): void {
  const unknown = Object.keys(field.record()).find((name) => !(name in known));
  if (unknown) {
    throw new ViTError('unsupported-model', `${field.path(unknown)} is not known to this version of vit-webgpu.`);
  }
}

function checkNumbers(field: Field, network: FullArchitecture): void {
  const { imageSize, patchSize, width, heads, headSize, epsilon, attentionScale, pooling, poolingHeads } = network;
  if (!Number.isInteger(headSize)) field.get('heads').fail(`is ${heads}, which does not divide the width ${width}`);
  if (pooling === 'attention' && width % poolingHeads !== 0) {
    field
      .get('poolingHeads')
      .fail(`is ${poolingHeads}, which does not divide the width ${width} of the pooling's query`);
  }
  if (network.rotary && headSize % 2 !== 0) {
    field.get('rotary').fail(`turns pairs of features, but a head has ${headSize}`);
  }
  if (epsilon <= 0) field.get('epsilon').fail(`is ${epsilon}; it must be positive`);
  if (attentionScale <= 0) field.get('attentionScale').fail(`is ${attentionScale}; it must be positive`);
  for (const side of [0, 1]) {
    if (imageSize[side] % patchSize[side] !== 0) {
      field.get('imageSize').fail(`[${imageSize}] is not a multiple of the patch size [${patchSize}]`);
    }
  }
}

function checkCombinations(field: Field, network: FullArchitecture): void {
  const { classToken, distillationToken, registerTokens, pooling, finalNorm, classes, text, width } = network;
  const relative = network.relativePositionBias !== 'none';
  const refuse = (name: keyof Architecture, when: boolean, problem: string) => {
    if (when) field.get(name).fail(`is ${JSON.stringify(network[name])}, but ${problem}`);
  };
  refuse(
    'positionEmbedding',
    network.positionEmbedding === 'all-but-registers' && registerTokens === 0,
    'there are no register tokens; say "all"',
  );
  refuse('pooling', pooling.startsWith('class') && !classToken, 'there is no class token');
  refuse('pooling', pooling === 'class-and-distillation' && !distillationToken, 'there is no distillation token');
  refuse(
    'finalNorm',
    finalNorm === 'pooled' && !['class', 'patches', 'patches-and-largest', 'all'].includes(pooling),
    `the pooling is "${pooling}", which no norm follows`,
  );
  refuse(
    'relativePositionBias',
    relative && (!classToken || distillationToken || registerTokens > 0),
    'its table is for a class token and patches, and nothing else',
  );
  refuse('projectionBias', network.projectionBias && network.projection === 0, 'there is no projection');
  refuse('prefixNorm', network.prefixNorm && finalNorm !== 'tokens', 'the final norm is not of tokens');
  refuse('prefixNorm', network.prefixNorm && prefixCount(network) === 0, 'no token stands in front of the patches');
  refuse(
    'positionResampling',
    isComputed(network.positionResampling) && (width % 4 !== 0 || positionPrefix(network) > 0),
    'it is of patches alone, and of a width that is a multiple of 4',
  );
  for (const name of ['poolingHeads', 'poolingQuery', 'poolingMlpWidth', 'poolingPrefix'] as const) {
    refuse(name, field.has(name) && pooling !== 'attention', `the pooling is "${pooling}"`);
  }
  refuse('relativeResampling', field.has('relativeResampling') && !relative, 'there is no table to resample');
  for (const name of ['classes', 'representation', 'projection'] as const) {
    refuse(
      name,
      pooling === 'none' && network[name] > 0,
      'the pooling is "none", so there are no features to start from',
    );
  }
  refuse('normalizeEmbedding', network.normalizeEmbedding && pooling === 'none', 'the pooling is "none"');
  refuse('classes', classes > 0 && network.projection > 0, 'a projection takes the place of a head');
  refuse('classes', classes > 0 && network.normalizeEmbedding, 'no head reads a normalised embedding');
  refuse(
    'representation',
    network.representation > 0 && pooling === 'class-and-distillation' && classes > 0,
    'the two heads read the tokens themselves',
  );
  refuse('text', text !== null && embeddingWidth(network) === 0, 'there is no image embedding to share a space with');
}
