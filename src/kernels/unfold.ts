import source from '../../shaders/unfold.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;

export interface UnfoldSizes {
  channels: number;
  /** [height, width] */
  imageSize: readonly [number, number];
  /** [height, width] */
  patchSize: readonly [number, number];
}

/** Bindings pixels, y. Work is counted in images; rows of y are padded with zeros to a multiple of 4 floats. */
export function unfold({ channels, imageSize, patchSize }: UnfoldSizes): Kernel {
  const patches = (imageSize[0] / patchSize[0]) * (imageSize[1] / patchSize[1]);
  const vectors = ceilDiv(channels * patchSize[0] * patchSize[1], 4);
  return {
    name: 'unfold',
    code: specialise('unfold.wgsl', source, {
      CHANNELS: channels,
      HEIGHT: imageSize[0],
      WIDTH: imageSize[1],
      PATCH_HEIGHT: patchSize[0],
      PATCH_WIDTH: patchSize[1],
    }),
    bindings: ['read', 'write'],
    grid: (images) => [ceilDiv(patches * vectors, WORKGROUP), 1, images],
  };
}
