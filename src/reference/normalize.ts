/**
 * From bytes `[height, width, 3]` to planes `[channels, height, width]` of (byte / 255 - mean) / std, in float64. The
 * oracle of the normalize kernel, and of `image/normalize-bytes.ts`, which round every operation to f32 as PyTorch does.
 */
import type { Preprocess } from '../model/preprocess.ts';

export function normalize(rgb: ArrayLike<number>, { mean, std }: Pick<Preprocess, 'mean' | 'std'>): Float64Array {
  const channels = mean.length;
  const plane = rgb.length / 3;
  return Float64Array.from({ length: channels * plane }, (_, i) => {
    const channel = Math.floor(i / plane);
    const pixel = 3 * (i % plane);
    const byte = channels === 1 ? grey(rgb[pixel], rgb[pixel + 1], rgb[pixel + 2]) : rgb[pixel + channel];
    return (byte / 255 - mean[channel]) / std[channel];
  });
}

/** Pillow's `convert('L')`: ITU-R 601 luma, rounded to a byte. */
function grey(red: number, green: number, blue: number): number {
  return Math.floor((19595 * red + 38470 * green + 7471 * blue) / 65536 + 0.5);
}
