/**
 * Decides what the shapes of the tensors leave open: from flags, then config.json, then what the family takes for
 * granted.
 */
import { ViTError } from '../error.ts';
import { ACTIVATIONS, type Activation, type Architecture } from '../model/architecture.ts';
import type { ConfigFacts } from './configs/facts.ts';
import { type Decisions, fact } from './decisions.ts';
import type { Family } from './families/family.ts';
import type { Dimensions } from './tensors.ts';

/** What flags say, where given. */
export interface ArchitectureFlags {
  heads?: number;
  epsilon?: number;
  activation?: Activation;
  /** [height, width] in pixels. */
  imageSize?: [number, number];
  /** Whether norms stand before attention and MLP (`true`) or after them. */
  normFirst?: boolean;
  /** What Q Kᵀ is multiplied with. */
  qkScale?: number;
}

/**
 * Everything that no tensor tells, besides the image size.
 * @returns `undefined` after a question was asked.
 * @throws ViTError `bad-input` when flags, config.json and tensors contradict each other; `unsupported-model` for what
 *   this version cannot run.
 */
export function decideNumbers(
  dimensions: Dimensions,
  family: Family,
  config: ConfigFacts | undefined,
  flags: ArchitectureFlags,
  decisions: Decisions,
): Pick<Architecture, 'heads' | 'epsilon' | 'activation'> | undefined {
  checkConfigBelongs(config, dimensions);
  const { width, depth, mlpWidth, channels, classes, patchSize } = dimensions;
  decisions.note('patch', patchSize.join('x'), 'shape of the patch embedding');
  decisions.note('channels', channels, 'shape of the patch embedding');
  decisions.note('width', width, 'shape of the patch embedding');
  decisions.note('depth', depth, 'number of blocks');
  decisions.note('MLP width', mlpWidth, 'shape of the first MLP');
  decisions.note('classes', classes, 'shape of the head');

  const convention = <T>(value: T | undefined) => fact(value, `the convention of a ${family.title}`);
  const heads = decisions.choose(
    'heads',
    [fact(flags.heads, '--heads'), config?.heads],
    'The number of attention heads is in no tensor. Give --heads N, or --config config.json.',
  );
  const epsilon = decisions.choose(
    'epsilon',
    [fact(flags.epsilon, '--epsilon'), config?.epsilon, convention(family.conventions.epsilon)],
    'The epsilon of the norms is in no tensor. Give --epsilon X, or --config config.json.',
  );
  const activation = decisions.choose(
    'activation',
    [fact(flags.activation, '--activation'), config?.activation, convention(family.conventions.activation)],
    `The activation of the MLPs is in no tensor. Give --activation ${ACTIVATIONS.join('|')}, or --config config.json.`,
  );
  if (heads !== undefined) checkHeads(heads, width, flags);
  if (epsilon !== undefined && !(epsilon > 0))
    throw new ViTError('bad-input', `epsilon must be above 0, not ${epsilon}.`);
  if (heads === undefined || epsilon === undefined || !activation) return undefined;
  return { heads, activation, epsilon };
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

function checkHeads(heads: number, width: number, { normFirst, qkScale }: ArchitectureFlags): void {
  if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0) {
    throw new ViTError('bad-input', `${heads} heads do not divide the width ${width}.`);
  }
  if (normFirst === false)
    throw new ViTError('unsupported-model', '--norm-last: this version runs pre-norm models only.');
  const usualScale = (width / heads) ** -0.5;
  if (qkScale !== undefined && Math.abs(qkScale - usualScale) > 1e-6 * usualScale) {
    throw new ViTError(
      'unsupported-model',
      `--qk-scale ${qkScale}: this version scales by 1/√(head size) only, here ${usualScale}.`,
    );
  }
}

/**
 * The position embedding tells how many patches there are; which rectangle they form is told, or taken for a square.
 * @returns [height, width] in pixels; `undefined` after a question was asked.
 */
export function decideImageSize(
  { patches, patchSize: [patchHeight, patchWidth] }: Dimensions,
  config: ConfigFacts | undefined,
  flags: ArchitectureFlags,
  decisions: Decisions,
): [number, number] | undefined {
  const told = fact(flags.imageSize, '--image-size') ?? config?.imageSize;
  if (told) {
    const [height, width] = told.value;
    const needed = (height / patchHeight) * (width / patchWidth);
    if (height % patchHeight !== 0 || width % patchWidth !== 0 || needed !== patches) {
      throw new ViTError(
        told === config?.imageSize ? 'bad-input' : 'unsupported-model',
        `${height}x${width} pixels (${told.why}) are ${needed} patches of ${patchHeight}x${patchWidth}, but the position ` +
          `embedding is for a class token and ${patches} patches. This version does not resample it.`,
      );
    }
    decisions.note('image size', `${height}x${width}`, told.why);
    return told.value;
  }
  const side = Math.round(Math.sqrt(patches));
  if (side * side !== patches) {
    decisions.ask(
      `The position embedding is for ${patches} patches, which are no square. Give --image-size HxW ` +
        `(multiples of ${patchHeight} and ${patchWidth}).`,
    );
    return undefined;
  }
  const size: [number, number] = [side * patchHeight, side * patchWidth];
  decisions.note('image size', size.join('x'), `${patches} positions, taken for a square of ${side}x${side} patches`);
  return size;
}
