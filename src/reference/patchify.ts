/**
 * Images to tokens in float64: a convolution whose stride is its kernel size, with prefix tokens in front and what each
 * token starts from added.
 */
import { matmul } from './matmul.ts';

/**
 * @param pixels `[batch, channels, height, width]`, normalised
 * @param weight `[D, channels, patch height, patch width]`
 * @param bias `[D]`; `null` for none
 * @param starts `[N, D]`, as from `tokenStarts`: the prefix tokens, then what is added to each patch
 * @returns `[batch * N, D]`
 */
export function patchify(
  pixels: ArrayLike<number>,
  { weight, bias, starts }: PatchifyTensors,
  { batch, channels, imageSize, patchSize, width: D }: PatchifyShape,
): Float64Array {
  const [height, width] = imageSize;
  const [patchHeight, patchWidth] = patchSize;
  const gridColumns = width / patchWidth;
  const patches = (height / patchHeight) * gridColumns;
  const N = starts.length / D;
  const prefix = N - patches;
  const features = channels * patchHeight * patchWidth;
  const tokens = new Float64Array(batch * N * D);
  const patch = new Float64Array(features);
  for (let image = 0; image < batch; image++) {
    tokens.set(starts, image * N * D);
    for (let p = 0; p < patches; p++) {
      const top = Math.floor(p / gridColumns) * patchHeight;
      const left = (p % gridColumns) * patchWidth;
      let feature = 0;
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < patchHeight; y++) {
          const line = ((image * channels + c) * height + top + y) * width + left;
          for (let x = 0; x < patchWidth; x++) patch[feature++] = pixels[line + x];
        }
      }
      const at = (image * N + prefix + p) * D;
      const token = matmul(patch, weight, bias, { rows: 1, inputs: features, outputs: D });
      for (let d = 0; d < D; d++) tokens[at + d] += token[d];
    }
  }
  return tokens;
}

export interface PatchifyTensors {
  weight: ArrayLike<number>;
  bias: ArrayLike<number> | null;
  starts: Float64Array;
}

export interface PatchifyShape {
  batch: number;
  channels: number;
  imageSize: readonly [number, number];
  patchSize: readonly [number, number];
  /** D */
  width: number;
}
