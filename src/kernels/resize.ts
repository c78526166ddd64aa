import source from '../../shaders/resize.wgsl?raw';
import { ceilDiv, type Grid, type Kernel, spread } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;

export interface ResizeOptions {
  /** Down the columns instead of along the rows. */
  vertical: boolean;
  /** RGB bytes that transparent pixels show; without it alpha is not looked at. */
  background?: readonly number[];
  /** Whether colours become grey first. */
  grey?: boolean;
}

/** Bindings size, coefficients, x, y. Work is counted in pixels of the output. */
export function resize({ vertical, background, grey = false }: ResizeOptions): Kernel {
  return {
    name: 'resize',
    code: specialise('resize.wgsl', source, {
      VERTICAL: vertical,
      COMPOSITE: background !== undefined,
      BACKGROUND: background ? packPixel(background) : 0,
      GREY: grey,
    }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: pixelGrid,
  };
}

/** One thread per pixel, over as many dimensions as that takes. */
export function pixelGrid(pixels: number): Grid {
  return spread(ceilDiv(pixels, WORKGROUP));
}

/** What one pass does to one photo: the shader's `Pass`. */
export interface ResizePass {
  /** Of the output. */
  width: number;
  height: number;
  taps: number;
  /** Pixels from one row of the input to the next. */
  stride: number;
  /** Source row with which the input begins. */
  firstRow: number;
  /** Pixel of a row of the input that the vertical pass begins with. Default 0. */
  firstColumn?: number;
  /** Pixel of the output buffer with which this pass begins. */
  outputFirst: number;
}

export const RESIZE_PASS_BYTES = 28;

export function packResizePass({ width, height, taps, stride, firstRow, firstColumn = 0, outputFirst }: ResizePass) {
  return Uint32Array.of(width, height, taps, stride, firstRow, firstColumn, outputFirst);
}

/** RGB bytes as a pixel of these buffers: red lowest, opaque. */
export function packPixel([red, green, blue]: readonly number[]): number {
  return (red | (green << 8) | (blue << 16) | (255 << 24)) >>> 0;
}
