/**
 * From the shapes of a checkpoint's tensors to what they show of the architecture, and whether they are a model that
 * can be run: every tensor must be understood, and none may be missing.
 */
import { ViTError } from '../error.ts';
import { type FullArchitecture, type Pooling, withDefaults } from '../model/architecture.ts';
import { tensorShapes } from '../model/tensors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { question } from './decisions.ts';
import type { Family } from './families/family.ts';
import { type Mapping, mapTensors, namesFor, type Recipe } from './families/map-tensors.ts';
import type { Dimensions, TextDimensions } from './tensor-dimensions.ts';

export interface ModelTensors {
  recipes: Map<string, Recipe>;
  dimensions: Dimensions;
  /** Tensors of the checkpoint that are left out, and why. */
  ignored: Mapping['ignored'];
}

/**
 * @param options.ignore names of tensors to leave out although their meaning is not known
 * @param options.lacksNorm whether the config says that there is no final norm
 * @throws ViTError `unsupported-model` naming the tensors that this version cannot run, does not know or misses;
 *   `bad-input` for shapes that contradict each other.
 */
export function modelTensors(
  checkpoint: Checkpoint,
  family: Family,
  { ignore = [], lacksNorm = false }: { ignore?: readonly string[]; lacksNorm?: boolean } = {},
): ModelTensors {
  const mapping = mapTensors(family, leaveOut(checkpoint, ignore));
  refuseUnsupported(mapping);
  const dimensions = readDimensions(mapping, family);
  checkComplete(mapping, dimensions, family, lacksNorm);
  const dropped = ignore.map((name) => ({ name, why: 'given' }));
  return { recipes: mapping.recipes, dimensions, ignored: [...mapping.ignored, ...dropped] };
}

function leaveOut({ tensors }: Checkpoint, ignore: readonly string[]): Checkpoint['tensors'] {
  const unknown = ignore.filter((name) => !tensors.has(name));
  if (unknown.length > 0) {
    throw new ViTError('bad-input', `To be ignored, but not in the checkpoint: ${unknown.join(', ')}.`);
  }
  return new Map([...tensors].filter(([name]) => !ignore.includes(name)));
}

function refuseUnsupported({ unsupported }: Mapping): void {
  if (unsupported.length === 0) return;
  const features = [...new Set(unsupported.map(({ feature }) => feature))];
  const lines = features.map((feature) => {
    const names = unsupported.filter((tensor) => tensor.feature === feature).map(({ name }) => name);
    return `\n  ${feature}: ${shorten(names)}`;
  });
  throw new ViTError('unsupported-model', `This version cannot run a model that has${lines.join('')}`);
}

function readDimensions(mapping: Mapping, family: Family): Dimensions {
  const shapes = new ShapeReader(mapping, family);
  const stem = stemOf(shapes);
  const [width] = shapes.of('patch_embed.proj.weight', stem.length > 0 ? 2 : 4);
  const [channels, patchHeight, patchWidth] = patchOf(mapping, shapes);
  const [hidden] = shapes.of('blocks.0.mlp.fc1.weight', 2);
  const [, mlpWidth] = shapes.of('blocks.0.mlp.fc2.weight', 2);
  const [classes, features] = shapes.ifThere('head.weight', 2) ?? [0, 0];
  const [representation, pooled] = shapes.ifThere('pre_logits.fc.weight', 2) ?? [0, features];
  const relativeTable =
    shapes.ifThere('blocks.0.attn.relative_position_bias_table', 2) ??
    shapes.ifThere('rel_pos_bias.relative_position_bias_table', 2);
  const [, attentionWidth] = shapes.of('blocks.0.attn.proj.weight', 2);
  const frequencies = shapes.ifThere('rope.freqs', 4);
  return {
    norm: shapes.has('blocks.#.norm1.bias') ? 'layer' : 'rms',
    patchSize: [patchHeight, patchWidth],
    channels,
    width,
    depth: shapes.countBlocks('blocks'),
    mlpWidth,
    classes,
    classToken: shapes.has('cls_token'),
    distillationToken: shapes.has('dist_token'),
    registerTokens: shapes.ifThere('reg_token', 3)?.[1] ?? 0,
    pixelNorm: shapes.has('patch_embed.pixel_norm.*'),
    stem,
    patchBias: shapes.has('patch_embed.proj.bias'),
    patchNorm: shapes.has('patch_embed.norm.*'),
    normBeforeBlocks: shapes.has('norm_pre.*'),
    qkvBias: shapes.has('blocks.#.attn.qkv.bias'),
    qkNorm: shapes.has('blocks.#.attn.q_norm.*') || shapes.has('blocks.#.attn.k_norm.*'),
    attentionNorm: shapes.has('blocks.#.attn.norm.*'),
    relativePositionBias: shapes.has('rel_pos_bias.relative_position_bias_table')
      ? 'shared'
      : shapes.has('blocks.#.attn.relative_position_bias_table')
        ? 'per-block'
        : 'none',
    layerScale: shapes.has('blocks.#.ls1.gamma') || shapes.has('blocks.#.ls2.gamma'),
    mlp: hidden === 2 * mlpWidth ? 'swiglu' : 'plain',
    packedMlp: mapping.recipes.get('blocks.0.mlp.fc1.weight')!.from.length === 1,
    mlpNorm: shapes.has('blocks.#.mlp.norm.*'),
    prefixNorm: shapes.has('cls_norm.*'),
    poolingQuery: shapes.has('attn_pool.q.*') || !shapes.has('attn_pool.latent'),
    poolingMlpWidth: shapes.ifThere('attn_pool.mlp.fc1.weight', 2)?.[0] ?? 0,
    finalNorm: shapes.has('norm.*') ? 'tokens' : shapes.has('fc_norm.*') ? 'pooled' : 'none',
    pooling: poolingOf(shapes, pooled, width),
    heads: headsOf(mapping) ?? (frequencies ? attentionWidth / (2 * frequencies[3]) : null),
    attentionWidth,
    frequencies: frequencies
      ? { of: frequencies[2] > 1 || frequencies[1] > 1 ? 'per-head' : 'shared', headSize: 2 * frequencies[3] }
      : null,
    representation,
    projection: shapes.ifThere('projection.weight', 2)?.[0] ?? 0,
    projectionBias: shapes.has('projection.bias'),
    positions: shapes.ifThere('pos_embed', 3)?.[1] ?? null,
    relativeBiases: relativeTable?.[0] ?? null,
    text: readText(shapes),
  };
}

/** Widths of the layers before the projection of patches. */
function stemOf(shapes: ShapeReader): number[] {
  const widths: number[] = [];
  for (let i = 0; shapes.has(`patch_embed.stem.${i}.weight`); i++) {
    widths.push(shapes.of(`patch_embed.stem.${i}.weight`, 2)[0]);
  }
  return widths;
}

/** [channels, height, width] */
function patchOf({ recipes }: Mapping, shapes: ShapeReader): number[] {
  const stem = recipes.get('patch_embed.stem.0.weight')?.patch;
  return stem ?? shapes.of('patch_embed.proj.weight', 4).slice(1);
}

/** @param features that the layer behind the pooling reads */
function poolingOf(shapes: ShapeReader, features: number, width: number): Pooling | null {
  if (shapes.has('attn_pool.latent')) return 'attention';
  if (shapes.has('head_dist.*')) return 'class-and-distillation';
  return features === 2 * width ? 'class-and-patches' : null;
}

/** @throws ViTError `bad-input` when blocks differ */
function headsOf({ recipes }: Mapping): number | null {
  const told = [...recipes.values()].filter(({ heads }) => heads !== undefined);
  const other = told.find(({ heads }) => heads !== told[0].heads);
  if (other) {
    throw new ViTError(
      'bad-input',
      `${told[0].from[0]} has ${told[0].heads} heads, but ${other.from[0]} has ${other.heads}.`,
    );
  }
  return told[0]?.heads ?? null;
}

function readText(shapes: ShapeReader): TextDimensions | null {
  if (!shapes.has('text.blocks.#.norm1.weight')) return null;
  const [vocabulary, width] = shapes.of('text.token_embed.weight', 2);
  const [tokens] = shapes.of('text.pos_embed', 2);
  const [mlpWidth] = shapes.of('text.blocks.0.mlp.fc1.weight', 2);
  const depth = shapes.countBlocks('text.blocks');
  const [projection] = shapes.of('text.projection.weight', 2);
  const [, hidden] = shapes.of('text.blocks.0.mlp.fc2.weight', 2);
  return {
    ...{ vocabulary, tokens, width, depth, projection },
    mlpWidth: hidden,
    norm: shapes.has('text.blocks.#.norm1.bias') ? 'layer' : 'rms',
    mlp: mlpWidth === 2 * hidden ? 'swiglu' : 'plain',
    projectionBias: shapes.has('text.projection.bias'),
  };
}

/** Shapes by canonical name. */
class ShapeReader {
  readonly #mapping: Mapping;
  readonly #family: Family;

  constructor(mapping: Mapping, family: Family) {
    this.#mapping = mapping;
    this.#family = family;
  }

  /** Whether there is such a tensor, or what could have become one: `#` stands for any block, a closing `*` for any rest. */
  has(pattern: string): boolean {
    const { recipes, incomplete } = this.#mapping;
    const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replace('#', '\\d+').replace('*', '.+')}$`);
    return [...recipes.keys(), ...incomplete.keys()].some((name) => expression.test(name));
  }

  /** @throws ViTError `unsupported-model` when it is missing, `bad-input` when it has not so many dimensions. */
  of(name: string, rank: number): number[] {
    const shape = this.ifThere(name, rank);
    if (!shape) throw missing([name], this.#mapping.incomplete, this.#family);
    return shape;
  }

  ifThere(name: string, rank: number): number[] | undefined {
    const shape = this.#mapping.recipes.get(name)?.shape;
    if (shape && (shape.length !== rank || shape.includes(0))) {
      const names = namesFor(this.#family, name);
      throw new ViTError('bad-input', `${names} has shape [${shape}], which is not that of ${name}.`);
    }
    return shape;
  }

  countBlocks(prefix: string): number {
    const block = new RegExp(`^${prefix.replace('.', '\\.')}\\.(\\d+)\\.`);
    return Math.max(...[...this.#mapping.recipes.keys()].map((name) => Number(block.exec(name)?.[1] ?? 0))) + 1;
  }
}

/** Tensors that are no part of the network: numbers of a manifest. */
const NUMBERS = ['logit_scale', 'logit_bias'];

/** Tensors whose shapes depend on how the patches are arranged, or on the heads: they are checked when that is known. */
const LATER = /^pos_embed$|relative_position_bias_table$|^rope\.freqs$|_norm\.(weight|bias)$/;

function checkComplete(
  { recipes, incomplete, unused }: Mapping,
  dimensions: Dimensions,
  family: Family,
  lacksNorm: boolean,
): void {
  const expected = tensorShapes(anyArchitecture(dimensions));
  const absent = [...expected.keys()].filter((name) => !recipes.has(name));
  if (absent.length > 0) throw missing(absent, incomplete, family);
  if (dimensions.finalNorm === 'none' && family.conventions.finalNorm !== 'none' && !lacksNorm) {
    throw missing(['norm.weight', 'norm.bias'], incomplete, family);
  }

  const known = (name: string) =>
    expected.has(name) || name === 'rope.freqs' || (dimensions.text !== null && NUMBERS.includes(name));
  const surplus = [...recipes].filter(([name]) => !known(name)).flatMap(([, { from }]) => from);
  const unknown = [...new Set([...unused, ...surplus])];
  if (unknown.length > 0) {
    throw question(
      'ignore',
      `These tensors are no part of a ${family.title}: ${unknown.join(', ')}. They can be left out if the model gives the ` +
        'same results without them.',
    );
  }
  checkShapes(recipes, new Map([...expected].filter(([name]) => !LATER.test(name))));
}

/** @throws ViTError `bad-input` naming every tensor whose shape is another. */
export function checkShapes(recipes: Map<string, Recipe>, expected: Map<string, number[]>): void {
  const wrong = [...expected].filter(([name, shape]) => String(recipes.get(name)!.shape) !== String(shape));
  if (wrong.length === 0) return;
  const lines = wrong.map(([name, shape]) => {
    const { from, shape: actual } = recipes.get(name)!;
    return `\n  ${from.join(', ')}: [${actual}], not [${shape}]`;
  });
  throw new ViTError('bad-input', `The shapes of these tensors do not fit the others:${lines.join('')}`);
}

/** With these dimensions; heads, epsilon and the like change no tensor but those that are checked later. */
function anyArchitecture({
  positions,
  relativeBiases: _,
  frequencies: ___,
  heads: __,
  attentionWidth,
  packedMlp: ____,
  text,
  ...dimensions
}: Dimensions): FullArchitecture {
  const pooling = dimensions.pooling ?? 'class';
  const numbers = { heads: 1, activation: 'gelu' as const, epsilon: 1 };
  return withDefaults({
    ...dimensions,
    ...numbers,
    headSize: attentionWidth,
    imageSize: dimensions.patchSize,
    pooling,
    positionEmbedding: positions === null ? 'none' : 'patches',
    text: text && { ...text, ...numbers, causal: true, pooling: 'last', padding: 0, logitScale: 0 },
  });
}

export function missing(absent: string[], incomplete: Mapping['incomplete'], family: Family): ViTError {
  const names = absent.flatMap((name) => incomplete.get(name) ?? namesFor(family, name));
  return new ViTError(
    'unsupported-model',
    `The checkpoint has no ${shorten(names)}, without which it is no whole ${family.title}.`,
  );
}

/** The first few names and how many there are. */
function shorten(names: string[]): string {
  const shown = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${shown}, … (${names.length} in all)` : shown;
}
