/**
 * Images to tokens in float64: a convolution whose stride is its kernel size, with the class token in front and the
 * position embedding added.
 */

/**
 * @param pixels `[batch, channels, height, width]`, normalised
 * @param weight `[D, channels, patch height, patch width]`
 * @param bias `[D]`
 * @param classToken `[D]`
 * @param position `[N, D]`
 * @returns `[batch * N, D]`
 */
export function patchify(
  pixels: ArrayLike<number>,
  { weight, bias, classToken, position }: PatchifyTensors,
  { batch, channels, imageSize, patchSize, width: D }: PatchifyShape,
): Float64Array {
  const [height, width] = imageSize;
  const [patchHeight, patchWidth] = patchSize;
  const gridColumns = width / patchWidth;
  const patches = (height / patchHeight) * gridColumns;
  const features = channels * patchHeight * patchWidth;
  const tokens = new Float64Array(batch * (1 + patches) * D);
  const patch = new Float64Array(features);
  for (let image = 0; image < batch; image++) {
    const firstRow = image * (1 + patches);
    for (let d = 0; d < D; d++) tokens[firstRow * D + d] = classToken[d] + position[d];
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
      for (let d = 0; d < D; d++) {
        let sum = bias[d] + position[(1 + p) * D + d];
        for (let f = 0; f < features; f++) sum += patch[f] * weight[d * features + f];
        tokens[(firstRow + 1 + p) * D + d] = sum;
      }
    }
  }
  return tokens;
}

export interface PatchifyTensors {
  weight: ArrayLike<number>;
  bias: ArrayLike<number>;
  classToken: ArrayLike<number>;
  position: ArrayLike<number>;
}

export interface PatchifyShape {
  batch: number;
  channels: number;
  imageSize: readonly [number, number];
  patchSize: readonly [number, number];
  /** D */
  width: number;
}
