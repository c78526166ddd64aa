/**
 * Images to patches in float64.
 *
 * @param pixels `[batch, channels, height, width]`
 * @returns `[batch * patches, channels * patch height * patch width]`: patches row by row, the pixels of each in the order
 *   channel, row, column
 */
export function unfold(
  pixels: ArrayLike<number>,
  { batch, channels, imageSize, patchSize }: UnfoldShape,
): Float64Array {
  const [height, width] = imageSize;
  const [patchHeight, patchWidth] = patchSize;
  const patches = new Float64Array(batch * channels * height * width);
  let next = 0;
  for (let image = 0; image < batch; image++) {
    for (let top = 0; top < height; top += patchHeight) {
      for (let left = 0; left < width; left += patchWidth) {
        for (let channel = 0; channel < channels; channel++) {
          for (let row = top; row < top + patchHeight; row++) {
            const line = ((image * channels + channel) * height + row) * width;
            for (let column = left; column < left + patchWidth; column++) patches[next++] = pixels[line + column];
          }
        }
      }
    }
  }
  return patches;
}

export interface UnfoldShape {
  batch: number;
  channels: number;
  /** [height, width] */
  imageSize: readonly [number, number];
  /** [height, width] */
  patchSize: readonly [number, number];
}
