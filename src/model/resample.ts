/**
 * Position embeddings for another grid of patches, in float64, by the rule of the model's own library. Each rule is
 * separable: along each axis an output is a weighted sum of a few inputs.
 *
 * Where libraries differ: PyTorch's `bicubic` has a = -0.75, and a = -0.5 with antialias; DINO takes for the scale not
 * the ratio of the sizes but (new + 0.1) / old; torchvision and SciPy keep the corners in place.
 */
import type { PositionResampling, RelativeResampling } from './architecture.ts';
import { isComputed, sincosPositions } from './sincos.ts';

/** [rows, columns] */
type Size = readonly [number, number];

/** Inputs and their weights, for one output. */
type Taps = { at: number; weight: number }[];

/**
 * @param embedding `[prefix + rows * columns, width]`; prefix rows are kept as they are
 * @returns the same for the grid `to`
 */
export function resamplePositions(
  embedding: ArrayLike<number>,
  rule: PositionResampling,
  { prefix, width, from, to }: { prefix: number; width: number; from: Size; to: Size },
): Float32Array<ArrayBuffer> {
  const patches = isComputed(rule)
    ? sincosPositions(rule, to, width)
    : resample(embedding, prefix * width, POSITION_TAPS[rule], { width, from, to });
  return withRest(embedding, prefix * width, 0, patches);
}

/**
 * BEiT's table of biases, whose last three rows are those of the class token.
 * @param table `[(2 rows - 1) (2 columns - 1) + 3, heads]`
 * @param from patches, as `to`
 */
export function resampleRelative(
  table: ArrayLike<number>,
  rule: RelativeResampling,
  { heads, from, to }: { heads: number; from: Size; to: Size },
): Float32Array<ArrayBuffer> {
  const taps = RELATIVE_TAPS[rule];
  const sizes = { width: heads, from: differences(from), to: differences(to) };
  return withRest(table, 0, 3 * heads, resample(table, 0, taps, sizes));
}

/** Between two rows of patches there are so many differences. */
function differences([rows, columns]: Size): Size {
  return [2 * rows - 1, 2 * columns - 1];
}

/** `middle` between the first `head` and the last `tail` elements of `all`. */
function withRest(
  all: ArrayLike<number>,
  head: number,
  tail: number,
  middle: Float64Array | Float32Array,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(head + middle.length + tail);
  for (let i = 0; i < head; i++) result[i] = all[i];
  result.set(middle, head);
  for (let i = 0; i < tail; i++) result[head + middle.length + i] = all[all.length - tail + i];
  return result;
}

/** Rows first, then columns; of `[from rows, from columns, width]`, which begins at element `first`. */
function resample(
  input: ArrayLike<number>,
  first: number,
  tapsOf: (from: number, to: number) => Taps[],
  { width, from: [rows, columns], to }: { width: number; from: Size; to: Size },
): Float64Array {
  const wide = new Float64Array(rows * to[1] * width);
  for (const [column, taps] of tapsOf(columns, to[1]).entries()) {
    for (let row = 0; row < rows; row++) {
      for (const { at, weight } of taps) {
        for (let d = 0; d < width; d++) {
          wide[(row * to[1] + column) * width + d] += weight * input[first + (row * columns + at) * width + d];
        }
      }
    }
  }
  const line = to[1] * width;
  const result = new Float64Array(to[0] * line);
  for (const [row, taps] of tapsOf(rows, to[0]).entries()) {
    for (const { at, weight } of taps) {
      for (let i = 0; i < line; i++) result[row * line + i] += weight * wide[at * line + i];
    }
  }
  return result;
}

type Interpolation = Exclude<PositionResampling, 'sincos' | 'sincos-inclusive'>;

const POSITION_TAPS: Record<Interpolation, (from: number, to: number) => Taps[]> = {
  bicubic: (from, to) => cubicTaps(to, from, (i) => centre(i, from / to)),
  // Given a factor, PyTorch takes its inverse for the scale, not the ratio of the sizes that come of it.
  'bicubic-offset': (from, to) => cubicTaps(to, from, (i) => centre(i, from / (to + 0.1))),
  'bicubic-corners': (from, to) => cubicTaps(to, from, (i) => corner(i, from, to)),
  'bicubic-antialias': (from, to) => antialiasTaps(from, to, 2, (x) => cubic(x, -0.5)),
  bilinear: (from, to) => linearTaps(to, from, (i) => centre(i, from / to)),
  'bilinear-antialias': (from, to) => antialiasTaps(from, to, 1, (x) => Math.max(0, 1 - Math.abs(x))),
  'bilinear-corners': (from, to) => linearTaps(to, from, (i) => corner(i, from, to)),
};

const RELATIVE_TAPS: Record<RelativeResampling, (from: number, to: number) => Taps[]> = {
  bilinear: POSITION_TAPS.bilinear,
  geometric: geometricTaps,
};

/** Where the centre of output `i` lies among the inputs, whose centres are at 0, 1, 2, … */
function centre(i: number, scale: number): number {
  return (i + 0.5) * scale - 0.5;
}

/** The same where the first and last outputs lie on the first and last inputs. */
function corner(i: number, from: number, to: number): number {
  return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
}

/** Four inputs; beyond the edge the one at the edge. */
function cubicTaps(count: number, inputs: number, position: (i: number) => number): Taps[] {
  return outputs(count, (i) => {
    const x = position(i);
    return [-1, 0, 1, 2].map((offset) => {
      const at = Math.floor(x) + offset;
      return { at: clamp(at, inputs), weight: cubic(x - at, -0.75) };
    });
  });
}

/** Two inputs; beyond the edge the one at the edge. */
function linearTaps(count: number, inputs: number, position: (i: number) => number): Taps[] {
  return outputs(count, (i) => between(Math.min(Math.max(position(i), 0), inputs - 1), inputs));
}

function between(x: number, inputs: number): Taps {
  const at = Math.floor(x);
  return [
    { at, weight: 1 - (x - at) },
    { at: clamp(at + 1, inputs), weight: x - at },
  ];
}

/**
 * All inputs under a filter that is as wide as an output where those are larger than inputs; the weights sum to 1.
 * @param support half of the filter's width
 */
function antialiasTaps(from: number, to: number, support: number, filter: (x: number) => number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return outputs(to, (i) => {
    const x = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(x - support * stretch + 0.5));
    const end = Math.min(from, Math.trunc(x + support * stretch + 0.5));
    const taps = outputs(end - first, (k) => {
      const at = first + k;
      return { at, weight: filter((at + 0.5 - x) / stretch) };
    });
    const sum = taps.reduce((total, { weight }) => total + weight, 0);
    return taps.map(({ at, weight }) => ({ at, weight: weight / sum }));
  });
}

/**
 * BEiT's: near differences matter more, so the inputs stand for positions whose distances grow by a factor, chosen so
 * that the outermost input lies on the outermost output. Between them it is linear, as timm has it.
 * Source: Microsoft's BEiT, run_class_finetuning.py, and timm, layers/pos_embed_rel.py.
 */
function geometricTaps(from: number, to: number): Taps[] {
  const [half, reach] = [Math.floor(from / 2), Math.floor(to / 2)];
  let [low, high] = [1.01, 1.5];
  let factor = low;
  while (high - low > 1e-6) {
    factor = (low + high) / 2;
    if ((1 - factor ** half) / (1 - factor) > reach) high = factor;
    else low = factor;
  }
  const positions = [0];
  for (let i = 0, distance = 1; i < half; i++) {
    positions.push(distance);
    positions.unshift(-distance);
    distance += factor ** (i + 1);
  }
  return outputs(to, (i) => {
    const x = i - reach;
    const right = positions.findIndex((position) => position >= x);
    if (right === 0) return [{ at: 0, weight: 1 }];
    if (right < 0) return [{ at: from - 1, weight: 1 }];
    const share = (x - positions[right - 1]) / (positions[right] - positions[right - 1]);
    return [
      { at: right - 1, weight: 1 - share },
      { at: right, weight: share },
    ];
  });
}

/** Keys's cubic convolution kernel. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function clamp(at: number, count: number): number {
  return Math.min(Math.max(at, 0), count - 1);
}

function outputs<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
