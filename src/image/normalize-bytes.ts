/**
 * From bytes to what a network reads: f32 planes of (byte / 255 - mean) / std. Each operation is rounded to f32, as
 * PyTorch does it.
 *
 * A byte has 256 values, so the formula is evaluated 256 times per channel and looked up from there on; the GPU gets
 * the same table, and with it the same floats, whatever its division is worth.
 */
import { ViTError } from '../error.ts';
import type { Preprocess } from '../model/preprocess.ts';

/**
 * `[channels, 256]`: the normalised value of every byte.
 * @throws ViTError `bad-manifest` if mean or std does not have one number per channel, or a std is 0.
 */
export function normalizeTable(
  { mean, std }: Pick<Preprocess, 'mean' | 'std'>,
  channels: number,
): Float32Array<ArrayBuffer> {
  if (mean.length !== channels || std.length !== channels || std.some((value) => value === 0)) {
    throw new ViTError(
      'bad-manifest',
      `preprocess has ${mean.length} means and ${std.length} stds for ${channels} channels: ` +
        'give one of each per channel, and no std of 0.',
    );
  }
  const { fround } = Math;
  return Float32Array.from({ length: channels * 256 }, (_, i) => {
    const c = i >> 8;
    return fround(fround(fround((i & 255) / 255) - fround(mean[c])) / fround(std[c]));
  });
}

/** `rgb` bytes `[height, width, 3]` to `[channels, height, width]`; one channel is Pillow's grey, which grey bytes keep. */
export function normalize(rgb: Uint8Array, table: Float32Array, channels: number): Float32Array<ArrayBuffer> {
  const plane = rgb.length / 3;
  const result = new Float32Array(channels * plane);
  for (let i = 0; i < plane; i++) {
    if (channels === 1) result[i] = table[grey(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2])];
    else for (let c = 0; c < channels; c++) result[c * plane + i] = table[256 * c + rgb[3 * i + c]]!;
  }
  return result;
}

/** Pillow's `convert('L')`: ITU-R 601 luma in 16-bit fixed point. */
function grey(red: number, green: number, blue: number): number {
  return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
}
