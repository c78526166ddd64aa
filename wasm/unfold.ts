/**
 * An image to its patches: patches row by row, the pixels of each in the order channel, row, column.
 *
 *   pixels  [channels, height, width]
 *   y       one row per patch, `yStride` bytes apart
 */
import { copyFloats } from './vectors';

export function unfold(
  pixels: usize,
  channels: i32,
  height: i32,
  width: i32,
  patchHeight: i32,
  patchWidth: i32,
  y: usize,
  yStride: usize,
): void {
  for (let top = 0; top < height; top += patchHeight) {
    for (let left = 0; left < width; left += patchWidth) {
      let to = y;
      for (let channel = 0; channel < channels; channel++) {
        for (let row = 0; row < patchHeight; row++) {
          const line = (channel * height + top + row) * width + left;
          copyFloats(pixels + ((<usize>line) << 2), to, patchWidth);
          to += (<usize>patchWidth) << 2;
        }
      }
      y += yStride;
    }
  }
}
