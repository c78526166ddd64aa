/**
 * A model at another image size than the one it was trained for: its manifest at that size, and the tensors that depend on
 * positions in the image. Those are resampled as they arrive; the files do not change.
 */
import { shown, ViTError } from '../error.ts';
import { type FullArchitecture, patchGrid, positionPrefix } from '../model/architecture.ts';
import { preprocessAt } from '../model/preprocess.ts';
import { resamplePositions, resampleRelative } from '../model/resample.ts';
import type { LoadedManifest } from './manifest.ts';
import type { TensorPiece } from './tensor-assembler.ts';

/**
 * @param imageSize [height, width] in pixels
 * @throws ViTError `bad-input` when it is no multiple of the patch size, with the nearest ones that are
 */
export function atImageSize(manifest: LoadedManifest, imageSize: readonly [number, number]): LoadedManifest {
  const { architecture, preprocess } = manifest;
  const size = checkSize(imageSize, architecture.patchSize);
  return {
    ...manifest,
    architecture: { ...architecture, imageSize: size },
    preprocess: preprocessAt(preprocess, architecture.imageSize, size),
  };
}

function checkSize(imageSize: readonly number[], patchSize: readonly [number, number]): [number, number] {
  const isSize = imageSize.length === 2 && imageSize.every((side) => Number.isSafeInteger(side) && side > 0);
  if (!isSize) {
    throw new ViTError('bad-input', `imageSize must be [height, width] in pixels, not ${imageSize.map(shown)}.`);
  }
  const [height, width] = imageSize;
  if (height % patchSize[0] !== 0 || width % patchSize[1] !== 0) {
    const nearest = [0, 1].map((side) => nearestMultiples(imageSize[side], patchSize[side]));
    throw new ViTError(
      'bad-input',
      `The image size [${imageSize}] is not a multiple of the patch size [${patchSize}]; the nearest valid ` +
        `${nearest.map((sizes, side) => `${side === 0 ? 'height' : 'width'} is ${sizes.join(' or ')}`).join(', ')}.`,
    );
  }
  return [height, width];
}

/** `size` itself if it is a multiple. */
function nearestMultiples(size: number, step: number): number[] {
  const below = Math.floor(size / step) * step;
  if (below === size) return [size];
  return below > 0 ? [below, below + step] : [step];
}

/**
 * @param from the architecture that the tensors were stored for
 * @param to the one at another image size
 * @returns what takes the pieces of tensors, and hands them on to `sink`: those of position embeddings and of tables of
 *   relative positions resampled by the model's rule, all others as they are
 */
export function resampling(
  from: FullArchitecture,
  to: FullArchitecture,
  sink: (piece: TensorPiece) => void,
): (piece: TensorPiece) => void {
  if (String(from.imageSize) === String(to.imageSize)) return sink;
  const { heads, width, positionResampling, relativeResampling } = from;
  const grids = { from: patchGrid(from), to: patchGrid(to) };
  const collected = new Map<string, { data: Float32Array<ArrayBuffer>; missing: number }>();
  return (piece) => {
    const { name, length, first } = piece;
    const isTable = name.endsWith('relative_position_bias_table');
    if (name !== 'pos_embed' && !isTable) return sink(piece);
    const tensor = collected.get(name) ?? { data: new Float32Array(length), missing: length };
    collected.set(name, tensor);
    tensor.data.set(piece.data, first);
    tensor.missing -= piece.data.length;
    if (tensor.missing > 0) return;
    collected.delete(name);
    const data = isTable
      ? resampleRelative(tensor.data, relativeResampling, { heads, ...grids })
      : resamplePositions(tensor.data, positionResampling, { prefix: positionPrefix(from), width, ...grids });
    sink({ name, length: data.length, first: 0, data });
  };
}
