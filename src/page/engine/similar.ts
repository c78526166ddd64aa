/**
 * Which patches of a photo are alike to the model: the cosine similarity of their tokens after the final norm. The network is
 * run once for a photo; whichever patch is chosen then, it is a product of vectors.
 */
import type { ViT } from '../../index.ts';
import { draw, type Patch, shade } from './overlay.ts';

interface Similar {
  canvas: HTMLCanvasElement;
  show(patch: Patch): void;
}

export async function similarPatches(vit: ViT, file: Blob, signal: AbortSignal): Promise<Similar> {
  const { imageSize, patchSize } = vit.info.architecture;
  const [rows, columns] = imageSize.map((size, i) => size / patchSize[i]);
  const { tokens } = await vit.forward(await pixelsOf(vit, file, signal), { outputs: ['tokens'], signal });
  const directions = normalised(tokens!.data, tokens!.shape.at(-1)!, rows * columns);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [columns, rows];
  return {
    canvas,
    show: ({ row, column }) => draw(canvas, (pixels) => shade(pixels, cosines(directions, row * columns + column))),
  };
}

/** `[1, 3, height, width]`, as the model is shown it. */
async function pixelsOf(vit: ViT, file: Blob, signal: AbortSignal) {
  const { mean, std } = vit.info.preprocess;
  const { data, width, height } = await vit.preprocess(file, undefined, { signal });
  const pixels = new Float32Array(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < height * width; i++) {
      pixels[channel * height * width + i] = (data[3 * i + channel] / 255 - mean[channel]) / std[channel];
    }
  }
  return { data: pixels, shape: [1, 3, height, width] };
}

/** Those of the patches, of length 1. The class token and registers stand before them. */
function normalised(tokens: Float32Array, width: number, count: number): Float32Array[] {
  const first = tokens.length / width - count;
  return Array.from({ length: count }, (_, i) => {
    const token = tokens.subarray((first + i) * width, (first + i + 1) * width);
    const length = Math.hypot(...token) || 1;
    return token.map((value) => value / length);
  });
}

/** The chosen patch is as alike as the one that is most alike: it would leave the others in the dark. */
function cosines(directions: Float32Array[], of: number): Float32Array {
  const chosen = directions[of];
  const values = Float32Array.from(directions, (direction) => direction.reduce((sum, x, i) => sum + x * chosen[i], 0));
  values[of] = -1;
  values[of] = Math.max(...values);
  return values;
}
