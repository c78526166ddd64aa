/**
 * From the shapes of a checkpoint's tensors to what they tell of the architecture, and whether they are a model that
 * can be run: every tensor must be understood, and none may be missing.
 */
import { ViTError } from '../error.ts';
import type { Architecture } from '../model/architecture.ts';
import { tensorShapes } from '../model/tensors.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Family } from './families/family.ts';
import { type Mapping, mapTensors, namesFor, type Recipe } from './families/map-tensors.ts';

/** What tensors tell of an architecture. */
export type Dimensions = Pick<Architecture, 'patchSize' | 'channels' | 'width' | 'depth' | 'mlpWidth' | 'classes'> & {
  /** Patches that the position embedding is for. */
  patches: number;
};

export interface ModelTensors {
  recipes: Map<string, Recipe>;
  dimensions: Dimensions;
  /** Tensors of the checkpoint that are left out, and why. */
  ignored: Mapping['ignored'];
}

/**
 * @param ignore names of tensors to leave out although their meaning is not known
 * @throws ViTError `unsupported-model` naming the tensors that this version cannot run, does not know or misses;
 *   `bad-input` for shapes that contradict each other.
 */
export function modelTensors(checkpoint: Checkpoint, family: Family, ignore: readonly string[] = []): ModelTensors {
  const mapping = mapTensors(family, leaveOut(checkpoint, ignore));
  refuseUnsupported(mapping);
  const dimensions = readDimensions(mapping, family);
  checkComplete(mapping, dimensions, family);
  const dropped = ignore.map((name) => ({ name, why: '--ignore' }));
  return { recipes: mapping.recipes, dimensions, ignored: [...mapping.ignored, ...dropped] };
}

function leaveOut({ tensors }: Checkpoint, ignore: readonly string[]): Checkpoint['tensors'] {
  const unknown = ignore.filter((name) => !tensors.has(name));
  if (unknown.length > 0)
    throw new ViTError('bad-input', `--ignore: the checkpoint has no tensor ${unknown.join(', ')}.`);
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

function readDimensions({ recipes, incomplete }: Mapping, family: Family): Dimensions {
  const shapeOf = (name: string, rank: number): number[] => {
    const shape = recipes.get(name)?.shape;
    if (!shape) throw missing([name], incomplete, family);
    if (shape.length !== rank || shape.includes(0)) {
      throw new ViTError('bad-input', `${namesFor(family, name)} has shape [${shape}], which is not that of ${name}.`);
    }
    return shape;
  };
  const [width, channels, patchHeight, patchWidth] = shapeOf('patch_embed.proj.weight', 4);
  shapeOf('cls_token', 3);
  const [, positions] = shapeOf('pos_embed', 3);
  const [mlpWidth] = shapeOf('blocks.0.mlp.fc1.weight', 2);
  const [classes] = shapeOf('head.weight', 2);
  const blocks = [...recipes.keys()].map((name) => Number(/^blocks\.(\d+)\./.exec(name)?.[1] ?? 0));
  return {
    patchSize: [patchHeight, patchWidth],
    channels,
    width,
    depth: Math.max(...blocks) + 1,
    mlpWidth,
    classes,
    patches: positions - 1,
  };
}

function checkComplete({ recipes, incomplete, unused }: Mapping, dimensions: Dimensions, family: Family): void {
  const expected = tensorShapes(anyArchitecture(dimensions));
  const absent = [...expected.keys()].filter((name) => !recipes.has(name));
  if (absent.length > 0) throw missing(absent, incomplete, family);

  const surplus = [...recipes].filter(([name]) => !expected.has(name)).flatMap(([, { from }]) => from);
  const unknown = [...unused, ...surplus];
  if (unknown.length > 0) {
    throw new ViTError(
      'unsupported-model',
      `These tensors are no part of a ${family.title}: ${unknown.join(', ')}. ` +
        'If the model gives the same results without them, name them with --ignore.',
    );
  }
  const wrong = [...expected].filter(([name, shape]) => String(recipes.get(name)!.shape) !== String(shape));
  if (wrong.length > 0) {
    const lines = wrong.map(([name, shape]) => {
      const { from, shape: actual } = recipes.get(name)!;
      return `\n  ${from.join(', ')}: [${actual}], not [${shape}]`;
    });
    throw new ViTError('bad-input', `The shapes of these tensors do not fit the others:${lines.join('')}`);
  }
}

/** With these dimensions; heads and epsilon change no tensor, nor does how the patches are arranged. */
function anyArchitecture({ patches, ...dimensions }: Dimensions): Architecture {
  const [patchHeight, patchWidth] = dimensions.patchSize;
  const imageSize: [number, number] = [patchHeight, patchWidth * patches];
  return { ...dimensions, imageSize, heads: 1, activation: 'gelu', epsilon: 0 };
}

function missing(absent: string[], incomplete: Mapping['incomplete'], family: Family): ViTError {
  const names = absent.flatMap((name) => incomplete.get(name) ?? namesFor(family, name));
  return new ViTError(
    'unsupported-model',
    `The checkpoint has no ${shorten(names)}. This version runs a ${family.title} with all of its tensors: ` +
      'class token, position embedding, biases, final norm and classification head.',
  );
}

/** The first few names and how many there are. */
function shorten(names: string[]): string {
  const shown = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${shown}, … (${names.length} in all)` : shown;
}
