/**
 * Decides what the shapes of the tensors leave open: from answers, then the config, then what the family takes for
 * granted.
 */
import { ViTError } from '../error.ts';
import {
  type Architecture,
  type Pooling,
  type PositionEmbedding,
  patchGrid,
  withoutDefaults,
} from '../model/architecture.ts';
import type { NormOrder } from '../model/layers.ts';
import { ACTIVATIONS, type Activation } from '../model/layers.ts';
import { isComputed } from '../model/sincos.ts';
import type { TextArchitecture } from '../model/text.ts';
import type { Decisions } from './decisions.ts';
import { type Fact, fact, given } from './fact.ts';
import type { Facts } from './facts.ts';
import type { Conventions, Questions } from './families/family.ts';
import { missing } from './model-tensors.ts';
import type { Dimensions } from './tensor-dimensions.ts';

/** The facts, with what the family takes for granted for a model of these dimensions, and what is asked instead. */
interface Given extends Facts {
  title: string;
  conventions: Conventions;
  questions: Questions;
}

function withConventions(facts: Facts): Given {
  const { family, dimensions, config, answers } = facts;
  // What needs a config is read from it.
  const asked = config || family.needsConfig ? {} : family.withoutConfig?.(dimensions);
  const questions: Questions = { ...asked, ...family.exceptions?.(dimensions) };
  // A layout or a config says which of two libraries' models it is.
  if ((answers.layout ?? 'auto') !== 'auto' || config) delete questions.positionResampling;
  const conventions = Object.entries(family.conventions).filter(([name]) => !(name in questions));
  return { ...facts, title: family.title, conventions: Object.fromEntries(conventions), questions };
}

/**
 * @returns the shortest form, in which what is usual is left out; `undefined` after a question was asked.
 * @throws ViTError `bad-input` when answers, config and tensors contradict each other.
 */
export function decideArchitecture(
  facts: Facts,
  image: ImageFacts | undefined,
  decisions: Decisions,
): Architecture | undefined {
  const { dimensions, answers } = facts;
  noteDimensions(facts, decisions);
  const known = withConventions(facts);
  const numbers = decideNumbers(known, decisions);
  const normOrder = decideNormOrder(known, decisions);
  const pooling = decidePooling(known, decisions);
  const rotary = decideRotary(known, image, decisions);
  const chosen = resamplings(known, decisions);
  const text = decideText(known, numbers?.activation, decisions);
  if (!image || !numbers || !normOrder || !pooling || text === undefined || rotary === undefined) return undefined;
  const { positions: _, relativeBiases: __, frequencies: ___, packedMlp: ____, attentionWidth, ...shown } = dimensions;
  const headSize = attentionWidth / numbers.heads;
  return withoutDefaults({
    ...shown,
    ...image,
    ...numbers,
    ...chosen,
    ...(attentionWidth !== dimensions.width && { headSize }),
    ...attentionScale(answers.qkScale, headSize, decisions),
    normOrder,
    pooling,
    rotary,
    ...attentionPooling(known, pooling),
    // Models of two towers compare directions.
    normalizeEmbedding: dimensions.text !== null,
    text,
  });
}

/** @returns `null` for none, `undefined` after a question was asked. */
function decideRotary(
  { dimensions, config, conventions, title }: Given,
  image: ImageFacts | undefined,
  decisions: Decisions,
): Architecture['rotary'] | undefined {
  const known = config?.rotary ?? fact(conventions.rotary, `the convention of a ${title}`);
  if (!known) {
    if (dimensions.frequencies === null) return null;
    decisions.ask({
      name: 'architecture',
      why: 'There are frequencies of rotary positions, and no tensor shows what they are frequencies of.',
    });
    return undefined;
  }
  if (!image) return undefined;
  const { positions, grid, ofPatch, registers } = known.value;
  const offset = known.value.offset === 'class-token' ? Number(dimensions.classToken) : known.value.offset;
  const own = patchGrid({ ...image, ...dimensions });
  decisions.note('rotary positions', positions, known.why);
  return {
    frequencies: dimensions.frequencies?.of ?? 'shared',
    positions,
    ...(registers && { registers }),
    ...(offset && { offset }),
    // A name speaks of models with its own patches.
    ...(grid && { grid: grid === 'own' || (ofPatch && ofPatch !== dimensions.patchSize[0]) ? own : grid }),
  };
}

/** What is left out where attention pools nothing. */
function attentionPooling(
  { dimensions, config, conventions }: Given,
  pooling: Pooling,
): Partial<Pick<Architecture, 'poolingHeads' | 'poolingQuery' | 'poolingMlpWidth' | 'poolingPrefix'>> {
  const { classToken, distillationToken, registerTokens, poolingQuery, poolingMlpWidth } = dimensions;
  if (pooling !== 'attention') {
    return { poolingHeads: undefined, poolingQuery: undefined, poolingMlpWidth: undefined, poolingPrefix: undefined };
  }
  const isPrefixed = classToken || distillationToken || registerTokens > 0;
  const seesPrefix = config?.poolsPrefix ?? conventions.poolingPrefix ?? true;
  return {
    poolingHeads: config?.poolingHeads?.value ?? conventions.poolingHeads,
    poolingQuery,
    poolingMlpWidth,
    poolingPrefix: seesPrefix || !isPrefixed,
  };
}

function noteDimensions({ dimensions, answers }: Facts, decisions: Decisions): void {
  const { patchSize, channels, width, depth, mlpWidth, classes, registerTokens, text } = dimensions;
  decisions.note('patch', patchSize.join('x'), answers.patchSize ? 'given' : 'shape of the patch embedding');
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
  if (dimensions.norm === 'rms') decisions.note('norms', 'RMSNorm', 'they have no bias');
  if (!dimensions.qkvBias) decisions.note('bias of Q, K and V', 'none', 'there is no such tensor');
  if (text && answers.text === false) decisions.note('left out', 'the text tower', 'given');
  else if (text) decisions.note('text', `${text.depth} blocks of width ${text.width}`, 'there is a text tower');
}

function decideNumbers(
  { dimensions, title, conventions, questions, config, answers }: Given,
  decisions: Decisions,
): Pick<Architecture, 'heads' | 'epsilon' | 'activation'> | undefined {
  const { heads: shapeHeads, attentionWidth } = dimensions;
  const convention = <T>(value: T | undefined) => fact(value, `the convention of a ${title}`);
  const heads = decisions.choose(
    'heads',
    [
      given(answers.heads),
      fact(shapeHeads ?? undefined, 'shape of the attention'),
      config?.heads(dimensions),
      headsOfSize(conventions.headSize, attentionWidth, title),
    ],
    { name: 'heads', why: 'The number of attention heads is in no tensor.' },
  );
  if (heads !== undefined) checkHeads(heads, attentionWidth);
  if (heads !== undefined && shapeHeads !== null && heads !== shapeHeads) {
    throw new ViTError('bad-input', `heads ${heads} (given), but the tensors have ${shapeHeads}.`);
  }
  const epsilon = decisions.choose(
    'epsilon',
    [given(answers.epsilon), config?.epsilon, convention(conventions.epsilon)],
    questions.epsilon ?? { name: 'epsilon', why: 'The epsilon of the norms is in no tensor.' },
  );
  const activation = decisions.choose(
    'activation',
    [given(answers.activation), config?.activation, convention(conventions.activation)],
    questions.activation ?? {
      name: 'activation',
      why: 'The activation of the MLPs is in no tensor.',
      choices: ACTIVATIONS,
    },
  );
  if (epsilon !== undefined && !(epsilon > 0)) {
    throw new ViTError('bad-input', `epsilon must be above 0, not ${epsilon}.`);
  }
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
  { title, conventions, questions, config, answers }: Given,
  decisions: Decisions,
): NormOrder | undefined {
  const { normFirst } = answers;
  return decisions.choose<NormOrder>(
    'norm order',
    [
      given(normFirst === undefined ? undefined : normFirst ? 'first' : 'last'),
      config?.normOrder,
      fact(conventions.normOrder, `the convention of a ${title}`),
    ],
    questions.normOrder ?? {
      name: 'normFirst',
      why: 'Whether norms stand before attention and MLP (true) or after them (false) is in no tensor.',
      choices: ['true', 'false'],
    },
  );
}

/** @returns `undefined` after a question was asked. */
function decidePooling(known: Given, decisions: Decisions): Pooling | undefined {
  const { dimensions, family, title, conventions, questions, config, answers } = known;
  const { pooling: shown, finalNorm, classToken, distillationToken, classes } = dimensions;
  const stated = given<Pooling>(answers.pooling) ?? config?.pooling;
  if (stated) checkPooling(stated, dimensions);
  if (shown) {
    decisions.note('pooling', shown, 'tensors that only this pooling has');
    return shown;
  }
  // timm's DeiT without a head hands on the mean of both tokens.
  const both = distillationToken && classes === 0 && finalNorm === 'tokens' && family.layout === 'timm';
  const averages = finalNorm === 'pooled' || !classToken;
  const usual: Pooling = both ? 'class-and-distillation' : averages ? 'patches' : 'class';
  const convention = fact(conventions.pooling ?? usual, `the convention of a ${title}`);
  return decisions.choose<Pooling>(
    'pooling',
    [stated, questions.pooling ? undefined : convention],
    questions.pooling ?? { name: 'pooling', why: '' },
  );
}

/** What is stated must be what the tensors are for. */
function checkPooling(
  { value, why }: Fact<Pooling>,
  { pooling: shown, classToken, distillationToken, registerTokens }: Dimensions,
): void {
  // The one distilled DeiT has a head for each token, whatever its config says of the class token.
  const isSame = shown === null ? value !== 'attention' : value === shown || (value === 'class' && distillationToken);
  if (!isSame) {
    throw new ViTError(
      'bad-input',
      `pooling ${value} (${why}), but the tensors are ${shown ? `those of "${shown}"` : 'not those of it'}.`,
    );
  }
  if (value === 'class' && !classToken) {
    const first = registerTokens > 0 ? 'a register token' : 'a patch';
    throw new ViTError('bad-input', `pooling class (${why}), but there is no class token: it would be ${first}.`);
  }
}

function resamplings(
  { dimensions, family, config, conventions, questions, title }: Given,
  decisions: Decisions,
): Pick<Architecture, 'positionResampling' | 'relativeResampling'> {
  const { positions, relativeBiases } = dimensions;
  const { relativeResampling } = conventions;
  const positionResampling = config?.positionResampling?.value ?? conventions.positionResampling;
  const why =
    family.resamples === false
      ? `PyTorch's: ${title} has no rule for other image sizes`
      : `what ${title} does at other image sizes`;
  const chosen: Pick<Architecture, 'positionResampling' | 'relativeResampling'> = {};
  if (questions.positionResampling) decisions.ask(questions.positionResampling);
  if (positionResampling && (positions !== null || isComputed(positionResampling))) {
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
  qkScale: number | undefined,
  headSize: number,
  decisions: Decisions,
): Pick<Architecture, 'attentionScale'> {
  const usual = headSize ** -0.5;
  if (qkScale === undefined || Math.abs(qkScale - usual) <= 1e-6 * usual) return {};
  if (!(qkScale > 0)) throw new ViTError('bad-input', `The scale of Q K must be above 0, not ${qkScale}.`);
  decisions.note('attention scale', qkScale, 'given');
  return { attentionScale: qkScale };
}

/**
 * @returns `null` for no text tower, `undefined` after a question was asked.
 */
function decideText(
  { dimensions, family, title, conventions, config, answers }: Given,
  activation: Activation | undefined,
  decisions: Decisions,
): TextArchitecture | null | undefined {
  if (dimensions.text === null || answers.text === false) return null;
  if (!config?.text && !family.text) {
    decisions.ask({
      name: 'text',
      why: 'What the text tower is like is in no tensor. Without a config it can only be left out (false).',
      choices: ['false'],
    });
    return undefined;
  }
  const { projectionBias, projection: _, norm, mlp, ...shown } = dimensions.text;
  const heads = decisions.choose(
    'text heads',
    [
      given(answers.textHeads),
      fact(config?.text?.value.heads, config?.text?.why ?? ''),
      headsOfSize(conventions.headSize, shown.width, title),
    ],
    { name: 'textHeads', why: 'The number of attention heads of the text tower is in no tensor.' },
  );
  // Both towers of such a family have one activation.
  if (heads === undefined || activation === undefined) return undefined;
  const value = { activation, ...(config?.text?.value ?? family.text!), heads };
  decisions.note('text pooling', value.pooling, config?.text?.why ?? `the convention of a ${title}`);
  checkHeads(value.heads, shown.width);
  // The two numbers are tensors, which are read later.
  const departures = {
    ...(norm !== 'layer' && { norm }),
    ...(mlp !== 'plain' && { mlp }),
    ...(projectionBias && { projectionBias }),
  };
  return { ...shown, ...value, ...departures, logitScale: 0 };
}

export type ImageFacts = Pick<Architecture, 'imageSize' | 'positionEmbedding'>;

/**
 * The position embedding shows how many patches there are; which rectangle they form is stated, or taken for a square. Both
 * together say which other tokens have a position.
 * @returns `undefined` after a question was asked.
 */
export function decideImage(
  { dimensions, family, config, answers }: Facts,
  decisions: Decisions,
): ImageFacts | undefined {
  const { patchSize, positions, relativeBiases } = dimensions;
  if (answers.patchSize && String(answers.patchSize) !== String(patchSize)) {
    const [given, actual] = [answers.patchSize, patchSize].map((size) => size.join('x'));
    throw new ViTError(
      'bad-input',
      `patches of ${given} (given), but the patch embedding is for patches of ${actual}.`,
    );
  }
  const ofTokens = config?.positionEmbedding?.value ?? family.conventions.positionEmbedding;
  const candidates = positions === null ? [] : positionRules(dimensions, ofTokens);
  const stated = given(answers.imageSize) ?? config?.imageSize;
  // Those that are computed are of patches alone.
  const rule = config?.positionResampling?.value ?? family.conventions.positionResampling;
  const without: PositionEmbedding = rule && isComputed(rule) ? 'patches' : 'none';
  const isTurned = Boolean(config?.rotary ?? family.conventions.rotary ?? dimensions.frequencies);
  const hasNone = positions === null && relativeBiases === null && without === 'none';
  if (hasNone && !isTurned) throw missing(['pos_embed'], new Map(), family);
  if (stated) {
    const [rows, columns] = [0, 1].map((side) => stated.value[side] / patchSize[side]);
    const whole = Number.isInteger(rows) && Number.isInteger(columns);
    const fitting = candidates.find(({ patches }) => patches === rows * columns);
    const isOfTable = relativeBiases === null || relativeBiases === (2 * rows - 1) * (2 * columns - 1) + 3;
    const fits = positions === null ? isOfTable : fitting;
    if (!whole || !fits) throw wrongSize(dimensions, stated.value, stated.why);
    decisions.note('image size', stated.value.join('x'), stated.why);
    return { imageSize: stated.value, positionEmbedding: fitting?.positionEmbedding ?? without };
  }
  if (positions === null && relativeBiases === null) {
    decisions.ask({
      name: 'imageSize',
      why: 'No tensor shows how large the images are that the model was trained with.',
    });
    return undefined;
  }
  const square = (patches: number) => Number.isInteger(Math.sqrt(patches)) && patches > 0;
  const fitting = candidates.find(({ patches }) => square(patches));
  const side = positions === null ? (Math.sqrt(relativeBiases! - 3) + 1) / 2 : Math.sqrt(fitting?.patches ?? 0);
  if (side === 0 || !Number.isInteger(side)) {
    const counts = candidates.length > 0 ? `${candidates[0].patches} patches, which are no square` : 'no square grid';
    decisions.ask({
      name: 'imageSize',
      why: `The position embedding is for ${counts}: height and width are multiples of ${patchSize[0]} and ${patchSize[1]}.`,
    });
    return undefined;
  }
  const imageSize: [number, number] = [side * patchSize[0], side * patchSize[1]];
  const count = positions === null ? `${relativeBiases} relative positions` : `${fitting!.patches} positions`;
  decisions.note('image size', imageSize.join('x'), `${count}, taken for a square of ${side}x${side} patches`);
  return { imageSize, positionEmbedding: fitting?.positionEmbedding ?? 'none' };
}

/** Which tokens may have positions, and how many patches there are then. */
function positionRules(
  dimensions: Dimensions,
  stated: PositionEmbedding | undefined,
): { positionEmbedding: PositionEmbedding; patches: number }[] {
  const possible = prefixes(dimensions);
  // Without other tokens all rules are one.
  const allowed = possible.length === 1 ? possible : possible.filter(([rule]) => rule === (stated ?? rule));
  return allowed.map(([positionEmbedding, prefix]) => ({ positionEmbedding, patches: dimensions.positions! - prefix }));
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
