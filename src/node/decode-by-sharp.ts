/**
 * The package sharp as the decoder of pictures, under the settings that make its bytes those of Pillow: colours as they are
 * stored. Measured with sharp 0.34 (libvips 8.17) on all files of test/fixtures/decode: every byte is equal. It reads no BMP.
 */
import type { Sharp } from 'sharp';
import type { PixelData } from '../client/image-input.ts';
import { ViTError } from '../error.ts';
import { MAX_PIXELS } from '../image/decode.ts';
import type { Decode } from './pictures.ts';

export const decodeBySharp: Decode = async (bytes, { orientation }) => {
  const sharp = await loadSharp();
  const picture = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error', ignoreIcc: true });
  const { format, space } = await picture.metadata();
  if (format === 'svg') throw new Error('it is an SVG, which has no pixels of its own.');
  const turned = orientation === 'exif' ? picture.autoOrient() : picture;
  if (space !== 'cmyk') return pixelsOf(turned.toColourspace('srgb').ensureAlpha());
  const { data, width, height } = await pixelsOf(turned.pipelineColourspace('cmyk').toColourspace('cmyk'));
  return { data: rgbOfInk(data), width, height };
};

async function pixelsOf(picture: Sharp): Promise<PixelData> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** Without colour management, as Pillow does it. @param ink `[pixels, 4]` of cyan, magenta, yellow, black */
function rgbOfInk(ink: ArrayLike<number>): Uint8Array {
  const rgb = new Uint8Array((ink.length / 4) * 3);
  for (let pixel = 0; pixel < ink.length / 4; pixel++) {
    const light = 255 - ink[pixel * 4 + 3];
    for (let c = 0; c < 3; c++) {
      // A division by 255, rounded.
      const product = ink[pixel * 4 + c] * light + 128;
      rgb[pixel * 3 + c] = light - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
}

/** @throws ViTError `bad-input` where it is not installed */
export async function loadSharp() {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    const ways = 'npm install sharp; or give loadViT the option decode, or pixels as { data, width, height }';
    throw new ViTError('bad-input', `Pictures are decoded by sharp, which is not installed: ${ways}.`, { cause });
  }
}
