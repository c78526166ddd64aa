import source from '../../shaders/normalize.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';
import { packPixel } from './resize.ts';

const WORKGROUP = 64;

export interface NormalizeSizes {
  /** 1 (grey) or 3. */
  channels: number;
  /** [height, width] of the network's image. */
  imageSize: readonly [number, number];
  /** RGB bytes outside the photo. */
  fill: readonly number[];
}

/** Bindings window, x, table, pixels. Work is counted in images: one. */
export function normalize({ channels, imageSize: [height, width], fill }: NormalizeSizes): Kernel {
  return {
    name: 'normalize',
    code: specialise('normalize.wgsl', source, {
      CHANNELS: channels,
      HEIGHT: height,
      WIDTH: width,
      FILL: packPixel(fill),
    }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: () => [ceilDiv(height * width, WORKGROUP), 1, 1],
  };
}

/** Where a photo lies in the network's image: the shader's `Window`. */
export interface NormalizeWindow {
  left: number;
  top: number;
  columns: number;
  rows: number;
  /** Index within the batch. */
  image: number;
}

export const NORMALIZE_WINDOW_BYTES = 20;

export function packNormalizeWindow({ left, top, columns, rows, image }: NormalizeWindow) {
  return Uint32Array.of(left, top, columns, rows, image);
}
