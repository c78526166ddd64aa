/**
 * Decides what the shapes of the tensors leave open: from flags, then config.json, then what the family takes for
 * granted.
 */
import { ViTError } from '../error.ts';
import {
  ACTIVATIONS,
  type Activation,
  type Architecture,
  type NormOrder,
  type Pooling,
  type PositionEmbedding,
  withoutDefaults,
} from '../model/architecture.ts';
import type { TextArchitecture } from '../model/text.ts';
import type { ConfigFacts } from './configs/facts.ts';
import { type Decisions, type Fact, fact } from './decisions.ts';
import type { Conventions, Family, Questions } from './families/family.ts';
import type { Dimensions } from './tensors.ts';

/** What flags say, where given. */
export interface ArchitectureFlags {
  heads?: number;
  /** Of a text tower. */
  textHeads?: number;
  epsilon?: number;
  activation?: Activation;
  /** [height, width] in pixels. */
  imageSize?: [number, number];
  /** [height, width] in pixels. */
  patchSize?: [number, number];
  pooling?: (typeof TOKEN_POOLINGS)[number];
  /** Whether norms stand before attention and MLP (`true`) or after them. */
  normFirst?: boolean;
  /** What Q Kᵀ is multiplied with. */
  qkScale?: number;
  /** False leaves out a text tower: the embeddings of images stay what they are. */
  text?: boolean;
}

/** Poolings that are in no tensor. */
export const TOKEN_POOLINGS = ['class', 'patches', 'all'] as const;

/** What a family takes for granted for a model of these dimensions, and what is asked instead. */
export interface Usual {
  title: string;
  conventions: Conventions;
  questions: Questions;
  /** Whether the library resamples positions at all. */
  resamples: boolean;
}

/** @param isTold whether a layout or a config.json says which of two libraries' models it is */
export function usualOf(family: Family, dimensions: Dimensions, isTold: boolean): Usual {
  const questions = { ...family.exceptions?.(dimensions) };
  if (isTold) delete questions.positionResampling;
  const conventions = Object.entries(family.conventions).filter(([name]) => !(name in questions));
  const { title, resamples = true } = family;
  return { title, conventions: Object.fromEntries(conventions), questions, resamples };
}

/**
 * @returns the shortest form, in which what is usual is left out; `undefined` after a question was asked.
 * @throws ViTError `bad-input` when flags, config.json and tensors contradict each other.
 */
export function decideArchitecture(
  dimensions: Dimensions,
  image: ImageFacts | undefined,
  family: Family,
  config: ConfigFacts | undefined,
  flags: ArchitectureFlags & { layout?: string },
  decisions: Decisions,
): Architecture | undefined {
  checkConfigBelongs(config, dimensions);
  noteDimensions(dimensions, flags, decisions);
  const { positions: _, relativeBiases: __, attentionWidth, text, ...told } = dimensions;
  const isTold = (flags.layout ?? 'auto') !== 'auto' || config !== undefined;
  const usual = usualOf(family, dimensions, isTold);
  const numbers = decideNumbers(dimensions, usual, config, flags, decisions);
  const normOrder = decideNormOrder(usual, flags, decisions);
  const pooling = decidePooling(dimensions, family, usual, config, flags, decisions);
  const chosen = resamplings(dimensions, usual, decisions);
  const withText = text !== null && (flags.text ?? true);
  const textArchitecture = withText
    ? decideText(text, family, usual, numbers?.activation, config, flags, decisions)
    : null;
  if (!image || !numbers || !normOrder || !pooling || textArchitecture === undefined) return undefined;
  const headSize = attentionWidth / numbers.heads;
  return withoutDefaults({
    ...told,
    ...image,
    ...numbers,
    ...chosen,
    ...(attentionWidth !== dimensions.width && { headSize }),
    ...attentionScale(flags, headSize, decisions),
    normOrder,
    pooling,
    // Models of two towers compare directions.
    normalizeEmbedding: text !== null,
    text: textArchitecture,
  });
}

function checkConfigBelongs(config: ConfigFacts | undefined, dimensions: Dimensions): void {
  for (const [key, { dimension, value }] of Object.entries(config?.dimensions ?? {})) {
    if (dimensions[dimension] === value) continue;
    throw new ViTError(
      'bad-input',
      `config.json has ${key} ${value}, but the tensors have ${dimensions[dimension]}. Is it the config of this checkpoint?`,
    );
  }
}

function noteDimensions(dimensions: Dimensions, flags: ArchitectureFlags, decisions: Decisions): void {
  const { patchSize, channels, width, depth, mlpWidth, classes, registerTokens, text } = dimensions;
  decisions.note('patch', patchSize.join('x'), flags.patchSize ? '--patch-size' : 'shape of the patch embedding');
  decisions.note('channels', channels, 'shape of the patch embedding');
  decisions.note('width', width, 'shape of the patch embedding');
  decisions.note('depth', depth, 'number of blocks');
  decisions.note('MLP width', mlpWidth, 'shape of the first MLP');
  if (dimensions.mlp === 'swiglu') decisions.note('MLP', 'SwiGLU', 'its first layer is twice as wide');
  decisions.note('classes', classes, classes > 0 ? 'shape of the head' : 'there is no head');
  if (!dimensions.classToken) decisions.note('class token', 'none', 'there is no such tensor');
  if (registerTokens > 0) decisions.note('register tokens', registerTokens, 'shape of the register tokens');
  if (dimensions.pixelNorm) decisions.note('norm of pixels', 'per patch', 'there is such a tensor');
  if (dimensions.attentionWidth !== width) {
    decisions.note('width of all heads', dimensions.attentionWidth, 'shape of the attention');
  }
  if (!dimensions.qkvBias) decisions.note('bias of Q, K and V', 'none', 'there is no such tensor');
  if (text && flags.text === false) decisions.note('left out', 'the text tower', '--no-text');
  else if (text) decisions.note('text', `${text.depth} blocks of width ${text.width}`, 'there is a text tower');
}

function decideNumbers(
  { heads: shapeHeads, attentionWidth }: Dimensions,
  { title, conventions, questions }: Usual,
  config: ConfigFacts | undefined,
  flags: ArchitectureFlags,
  decisions: Decisions,
): Pick<Architecture, 'heads' | 'epsilon' | 'activation'> | undefined {
  const convention = <T>(value: T | undefined) => fact(value, `the convention of a ${title}`);
  const { headSize } = conventions;
  const usualHeads = headsOfSize(headSize, attentionWidth, title);
  const heads = decisions.choose(
    'heads',
    [fact(flags.heads, '--heads'), fact(shapeHeads ?? undefined, 'shape of the attention'), config?.heads, usualHeads],
    'The number of attention heads is in no tensor. Give --heads N, or --config config.json.',
  );
  if (heads !== undefined) checkHeads(heads, attentionWidth);
  if (heads !== undefined && shapeHeads !== null && heads !== shapeHeads) {
    throw new ViTError('bad-input', `--heads ${heads}, but the tensors have ${shapeHeads}. Leave it out.`);
  }
  const epsilon = decisions.choose(
    'epsilon',
    [fact(flags.epsilon, '--epsilon'), config?.epsilon, convention(conventions.epsilon)],
    questions.epsilon ?? 'The epsilon of the norms is in no tensor. Give --epsilon X, or --config config.json.',
  );
  const activation = decisions.choose(
    'activation',
    [fact(flags.activation, '--activation'), config?.activation, convention(conventions.activation)],
    questions.activation ??
      `The activation of the MLPs is in no tensor. Give --activation ${ACTIVATIONS.join('|')}, or --config config.json.`,
  );
  if (epsilon !== undefined && !(epsilon > 0))
    throw new ViTError('bad-input', `epsilon must be above 0, not ${epsilon}.`);
  if (heads === undefined || epsilon === undefined || !activation) return undefined;
  return { heads, activation, epsilon };
}

function headsOfSize(headSize: number | undefined, width: number, title: string): Fact<number> | undefined {
  if (headSize === undefined || width % headSize !== 0) return undefined;
  return fact(width / headSize, `heads of ${headSize}, the convention of a ${title}`);
}

function checkHeads(heads: number, width: number): void {
  if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0) {
    throw new ViTError('bad-input', `${heads} heads do not divide the width ${width}.`);
  }
}

function decideNormOrder(
  { title, conventions }: Usual,
  { normFirst }: ArchitectureFlags,
  decisions: Decisions,
): NormOrder | undefined {
  const order = normFirst === undefined ? undefined : normFirst ? 'first' : 'last';
  return decisions.choose<NormOrder>(
    'norm order',
    [
      fact(order, normFirst ? '--norm-first' : '--norm-last'),
      fact(conventions.normOrder, `the convention of a ${title}`),
    ],
    'Whether norms stand before attention and MLP or after them is in no tensor. Give --norm-first or --norm-last.',
  );
}

/** @returns `undefined` after a question was asked. */
function decidePooling(
  { pooling, finalNorm, classToken, distillationToken, classes }: Dimensions,
  { layout }: Family,
  { title, conventions, questions }: Usual,
  config: ConfigFacts | undefined,
  flags: ArchitectureFlags,
  decisions: Decisions,
): Pooling | undefined {
  if (flags.pooling && pooling && pooling !== flags.pooling) {
    throw new ViTError('bad-input', `--pooling ${flags.pooling}, but by its tensors the pooling is "${pooling}".`);
  }
  if (pooling) {
    decisions.note('pooling', pooling, 'tensors that only this pooling has');
    return pooling;
  }
  // timm's DeiT without a head hands on the mean of both tokens.
  const both = distillationToken && classes === 0 && finalNorm === 'tokens' && layout === 'timm';
  const averages = finalNorm === 'pooled' || !classToken;
  const usual: Pooling = both ? 'class-and-distillation' : averages ? 'patches' : 'class';
  const convention = fact(conventions.pooling ?? usual, `the convention of a ${title}`);
  return decisions.choose<Pooling>(
    'pooling',
    [fact(flags.pooling, '--pooling'), config?.pooling, questions.pooling ? undefined : convention],
    questions.pooling ?? '',
  );
}

function resamplings(
  { positions, relativeBiases }: Dimensions,
  { conventions, questions, title, resamples }: Usual,
  decisions: Decisions,
): Pick<Architecture, 'positionResampling' | 'relativeResampling'> {
  const { positionResampling, relativeResampling } = conventions;
  const why = resamples
    ? `what ${title} does at other image sizes`
    : `PyTorch's: ${title} has no rule for other image sizes`;
  const chosen: Pick<Architecture, 'positionResampling' | 'relativeResampling'> = {};
  if (questions.positionResampling) decisions.ask(questions.positionResampling);
  if (positions !== null && positionResampling) {
    chosen.positionResampling = positionResampling;
    decisions.note('resampling of positions', positionResampling, why);
  }
  if (relativeBiases !== null && relativeResampling) {
    chosen.relativeResampling = relativeResampling;
    decisions.note('resampling of relative positions', relativeResampling, why);
  }
  return chosen;
}

function attentionScale(
  { qkScale }: ArchitectureFlags,
  headSize: number,
  decisions: Decisions,
): Pick<Architecture, 'attentionScale'> {
  const usual = headSize ** -0.5;
  if (qkScale === undefined || Math.abs(qkScale - usual) <= 1e-6 * usual) return {};
  if (!(qkScale > 0)) throw new ViTError('bad-input', `--qk-scale must be above 0, not ${qkScale}.`);
  decisions.note('attention scale', qkScale, '--qk-scale');
  return { attentionScale: qkScale };
}

/** @returns `undefined` after a question was asked. */
function decideText(
  { projectionBias, ...dimensions }: NonNullable<Dimensions['text']>,
  family: Family,
  { title, conventions }: Usual,
  activation: Activation | undefined,
  config: ConfigFacts | undefined,
  flags: ArchitectureFlags,
  decisions: Decisions,
): TextArchitecture | undefined {
  if (!config?.text && !family.text) {
    decisions.ask(
      'What the text tower is like is in no tensor. Give --config config.json, or leave it out with --no-text.',
    );
    return undefined;
  }
  const why = `the convention of a ${title}`;
  const heads = decisions.choose(
    'text heads',
    [
      fact(flags.textHeads, '--text-heads'),
      fact(config?.text?.value.heads, config?.text?.why ?? ''),
      headsOfSize(conventions.headSize, dimensions.width, title),
    ],
    'The number of attention heads of the text tower is in no tensor. Give --text-heads N.',
  );
  // Both towers of such a family have one activation.
  if (heads === undefined || activation === undefined) return undefined;
  const value = { activation, ...(config?.text?.value ?? family.text!), heads };
  decisions.note('text pooling', value.pooling, config?.text?.why ?? why);
  checkHeads(value.heads, dimensions.width);
  // The two numbers are tensors, which are read later.
  return { ...dimensions, ...value, ...(projectionBias && { projectionBias }), logitScale: 0 };
}

export type ImageFacts = Pick<Architecture, 'imageSize' | 'positionEmbedding'>;

/**
 * The position embedding tells how many patches there are; which rectangle they form is told, or taken for a square. Both
 * together tell which other tokens have a position.
 * @returns `undefined` after a question was asked.
 */
export function decideImage(
  dimensions: Dimensions,
  config: ConfigFacts | undefined,
  flags: ArchitectureFlags,
  decisions: Decisions,
): ImageFacts | undefined {
  const { patchSize, positions, relativeBiases } = dimensions;
  if (flags.patchSize && String(flags.patchSize) !== String(patchSize)) {
    const [given, actual] = [flags.patchSize, patchSize].map((size) => size.join('x'));
    throw new ViTError('bad-input', `--patch-size ${given}, but the patch embedding is for patches of ${actual}.`);
  }
  const candidates: { positionEmbedding: PositionEmbedding; patches: number }[] =
    positions === null
      ? []
      : prefixes(dimensions).map(([positionEmbedding, prefix]) => ({ positionEmbedding, patches: positions - prefix }));
  const told = fact(flags.imageSize, '--image-size') ?? config?.imageSize;
  if (told) {
    const [rows, columns] = [0, 1].map((side) => told.value[side] / patchSize[side]);
    const whole = Number.isInteger(rows) && Number.isInteger(columns);
    const fitting = candidates.find(({ patches }) => patches === rows * columns);
    const fits = positions === null ? relativeBiases === (2 * rows - 1) * (2 * columns - 1) + 3 : fitting;
    if (!whole || !fits) throw wrongSize(dimensions, told.value, told.why);
    decisions.note('image size', told.value.join('x'), told.why);
    return { imageSize: told.value, positionEmbedding: fitting?.positionEmbedding ?? 'none' };
  }
  const square = (patches: number) => Number.isInteger(Math.sqrt(patches)) && patches > 0;
  const fitting = candidates.find(({ patches }) => square(patches));
  const side = positions === null ? (Math.sqrt(relativeBiases! - 3) + 1) / 2 : Math.sqrt(fitting?.patches ?? 0);
  if (side === 0 || !Number.isInteger(side)) {
    const counts = candidates.length > 0 ? `${candidates[0].patches} patches, which are no square` : 'no square grid';
    decisions.ask(
      `The position embedding is for ${counts}. Give --image-size HxW (multiples of ${patchSize[0]} and ${patchSize[1]}).`,
    );
    return undefined;
  }
  const imageSize: [number, number] = [side * patchSize[0], side * patchSize[1]];
  const count = positions === null ? `${relativeBiases} relative positions` : `${fitting!.patches} positions`;
  decisions.note('image size', imageSize.join('x'), `${count}, taken for a square of ${side}x${side} patches`);
  return { imageSize, positionEmbedding: fitting?.positionEmbedding ?? 'none' };
}

/** Which tokens in front of the patches may have positions, and how many they are: the usual case first. */
function prefixes({ classToken, distillationToken, registerTokens }: Dimensions): [PositionEmbedding, number][] {
  const others = Number(classToken) + Number(distillationToken);
  const possible: [PositionEmbedding, number][] = [['all', others + registerTokens]];
  if (registerTokens > 0) possible.push(['all-but-registers', others]);
  if (others + registerTokens > 0) possible.push(['patches', 0]);
  return possible;
}

function wrongSize(
  { patchSize, positions, relativeBiases }: Dimensions,
  size: [number, number],
  why: string,
): ViTError {
  const [height, width] = size;
  const needed = (height / patchSize[0]) * (width / patchSize[1]);
  const rows = positions === null ? `${relativeBiases} relative positions` : `${positions} rows`;
  return new ViTError(
    'bad-input',
    `${height}x${width} pixels (${why}) are ${needed} patches of ${patchSize.join('x')}, but the position embedding has ` +
      `${rows}. Give the image size that the checkpoint was trained for; other sizes are a matter of loading the model.`,
  );
}
