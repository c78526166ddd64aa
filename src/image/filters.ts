/**
 * Resampling filters, and the coefficients that they give for one axis: which source pixels make up each output
 * pixel, and in what proportion.
 *
 * The numbers are Pillow's to the last bit: computed in float64, normalised to a sum of one, then rounded to fixed
 * point, so that the resize itself is integer arithmetic that a CPU and a GPU do alike. Pure functions, no pixels.
 */
import type { Filter } from '../model/preprocess.ts';

/** Fraction bits of a weight: 32 bits less 8 of the pixel, less 2 for sums that overshoot (negative lobes). */
export const PRECISION_BITS = 22;

/** One axis of a resize, in the layout that the GPU reads. */
export interface Coefficients {
  /** Output pixels. */
  count: number;
  /** Most source pixels that any output pixel reads: the row length of `weights`. */
  taps: number;
  /** `[count, 2]`: index of the first source pixel, and how many follow from there on. */
  bounds: Int32Array<ArrayBuffer>;
  /** `[count, taps]`: weights in units of 2^-22, zero beyond the output pixel's own number. */
  weights: Int32Array<ArrayBuffer>;
}

interface Kernel {
  /** Half width in source pixels, when not shrinking. */
  support: number;
  /** Weight at a distance of `x` source pixels; not normalised. */
  at(x: number): number;
}

const KERNELS: Record<Exclude<Filter, 'nearest'>, Kernel> = {
  // Half open, so that a source pixel on the border between two outputs counts once.
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    at(x) {
      const distance = Math.abs(x);
      if (distance === 0) return 1;
      return distance >= 1 ? 0 : sinc(distance) * (0.54 + 0.46 * Math.cos(distance * Math.PI));
    },
  },
  bicubic: {
    support: 2,
    at(x) {
      const a = -0.5;
      const distance = Math.abs(x);
      if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
      return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * a : 0;
    },
  },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/**
 * Coefficients that take `from` source pixels to `to` output pixels, for the output pixels `first` to `first + count`
 * only: what a crop throws away is never computed.
 */
export function coefficients(filter: Filter, from: number, to: number, first = 0, count = to): Coefficients {
  if (filter === 'nearest') return nearest(from, to, first, count);
  const { support: halfWidth, at } = KERNELS[filter];
  const scale = from / to;
  // Shrinking widens the filter, so that every source pixel is heard.
  const widening = Math.max(scale, 1);
  const support = halfWidth * widening;
  const inverse = 1 / widening;

  const bounds = new Int32Array(2 * count);
  let taps = 1;
  for (let i = 0; i < count; i++) {
    const centre = (first + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    bounds[2 * i] = start;
    bounds[2 * i + 1] = end - start;
    taps = Math.max(taps, end - start);
  }

  const weights = new Int32Array(count * taps);
  const exact = new Float64Array(taps);
  for (let i = 0; i < count; i++) {
    const centre = (first + i + 0.5) * scale;
    const start = bounds[2 * i];
    const length = bounds[2 * i + 1];
    let sum = 0;
    for (let k = 0; k < length; k++) {
      exact[k] = at((k + start - centre + 0.5) * inverse);
      sum += exact[k];
    }
    for (let k = 0; k < length; k++) {
      weights[i * taps + k] = toFixedPoint(sum === 0 ? exact[k] : exact[k] / sum);
    }
  }
  return { count, taps, bounds, weights };
}

/** Rounds half away from zero. */
function toFixedPoint(weight: number): number {
  return Math.trunc(weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5));
}

/**
 * Pillow's nearest is no filter but an affine walk over the source. Positions are summed up step by step as there:
 * `(i + 0.5) * scale` rounds differently, and takes the neighbouring pixel where a position falls on a border.
 */
function nearest(from: number, to: number, first: number, count: number): Coefficients {
  const bounds = new Int32Array(2 * count);
  const scale = from / to;
  let position = 0.5 * scale;
  for (let i = 0; i < first + count; i++, position += scale) {
    if (i < first) continue;
    bounds[2 * (i - first)] = Math.min(from - 1, Math.trunc(position));
    bounds[2 * (i - first) + 1] = 1;
  }
  return { count, taps: 1, bounds, weights: new Int32Array(count).fill(2 ** PRECISION_BITS) };
}
