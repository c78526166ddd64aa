import source from '../../shaders/patchify.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;

export interface PatchifySizes {
  channels: number;
  /** [height, width] */
  imageSize: readonly [number, number];
  /** [height, width] */
  patchSize: readonly [number, number];
  /** Tokens in front of the patches. */
  prefix: number;
  /** D */
  width: number;
}

/** Bindings pixels, weight, starts, y. Work is counted in images. */
export function patchify({ channels, imageSize, patchSize, prefix, width }: PatchifySizes): Kernel {
  const outputs = ceilDiv(width, 4);
  const patches = (imageSize[0] / patchSize[0]) * (imageSize[1] / patchSize[1]);
  return {
    name: 'patchify',
    code: specialise('patchify.wgsl', source, {
      CHANNELS: channels,
      HEIGHT: imageSize[0],
      WIDTH: imageSize[1],
      PATCH_HEIGHT: patchSize[0],
      PATCH_WIDTH: patchSize[1],
      PREFIX: prefix,
      OUTPUTS: outputs,
    }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (images) => [ceilDiv(outputs * ceilDiv(patches, 4), WORKGROUP), 1, images],
  };
}

/**
 * The convolution's weight as the shader reads it.
 * @param weight `[width, features]`
 * @returns `[features, width rounded up to 4]`
 */
export function packPatchWeight(weight: ArrayLike<number>, width: number): Float32Array<ArrayBuffer> {
  const features = weight.length / width;
  const packed = new Float32Array(features * ceilDiv(width, 4) * 4);
  placePatchWeight(packed, weight, 0, width, features);
  return packed;
}

/** Puts a piece of the weight, from element `first` on, to its places in what `packPatchWeight` returns. */
export function placePatchWeight(
  packed: Float32Array,
  piece: ArrayLike<number>,
  first: number,
  width: number,
  features: number,
): void {
  const stride = ceilDiv(width, 4) * 4;
  let d = Math.floor(first / features);
  let f = first % features;
  for (let i = 0; i < piece.length; i++) {
    packed[f * stride + d] = piece[i];
    if (++f === features) {
      f = 0;
      d++;
    }
  }
}
