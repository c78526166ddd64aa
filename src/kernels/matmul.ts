import subgroups from '../../shaders/matmul.subgroups.wgsl?raw';
import source from '../../shaders/matmul.wgsl?raw';
import type { ColumnLayout } from '../gpu/columns.ts';
import { ceilDiv, type Kernel, roundUp } from '../gpu/kernel.ts';
import { continued, specialise } from '../gpu/specialise.ts';
import type { SubgroupMatrix } from './matmul.subgroup-matrix.ts';
import { tiers } from './tiers.ts';

/** Threads of a workgroup. */
const WORKGROUP = 64;
/** Outputs that lie together in a packed weight, and columns of every thread's tile. */
export const PANEL = 8;

/** Rows that one thread of `direct` computes: buffers of rows are padded to a multiple of it. */
export const ROW_TILE = 8;

export interface MatmulSizes {
  /** Columns of x and of the weight's outputs, padding included: multiples of 4. y has as many, with SwiGLU half. */
  inputs: number;
  outputs: number;
  bias: boolean;
  /** `swiglu` takes a weight and a bias packed with `SwigluColumns`, and neither lacks a bias nor accumulates. */
  activation: 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'relu' | 'tanh' | 'swiglu' | null;
  /** Add to what y holds instead of replacing it. */
  accumulate: boolean;
  /** LayerNorm of x, of which `columns` mean something: only `staged` can do it. Default none. */
  norm?: { columns: number; epsilon: number } | null;
  /** Of the weight as it is stored. Products and sums are f32. Default `'f32'`. */
  storage?: WeightStorage;
}

export type WeightStorage = 'f32' | 'f16';

/** How the work is split: see the shader. Sizes not given are those that most GPUs like. */
export type MatmulTiling =
  | { entry: 'direct' }
  /** `splits`: threads that share a tile, 2, 4 or 8; they must divide `inputs / 4`. */
  | { entry: 'split'; splits: number }
  /** `threadRows`: 4 or 8. */
  | { entry: 'staged'; threadRows: number }
  /** Needs the device's feature `subgroups`. */
  | { entry: 'subgroups' }
  /** Needs the device's features `subgroups` and `chromium-experimental-subgroup-matrix`; see `matmul.subgroup-matrix.ts`. */
  | { entry: 'matrix'; matrix: SubgroupMatrix };

export const DIRECT: MatmulTiling = { entry: 'direct' };

/** Bindings x, weight, bias (any buffer when there is none), norm (weight, then bias; any buffer when there is none), y. */
export function matmul(sizes: MatmulSizes, tiling: MatmulTiling = DIRECT): Kernel {
  const { inputs, outputs, bias, activation, accumulate, norm = null, storage = 'f32' } = sizes;
  const panels = ceilDiv(outputs, PANEL);
  const { splits, threadRows } = { splits: 1, threadRows: 8, ...tiling };
  if ((inputs / 4) % splits !== 0)
    throw new RangeError(`${splits} threads cannot share ${inputs / 4} blocks of inputs.`);
  if (norm && tiling.entry !== 'staged') throw new RangeError(`A matmul that is ${tiling.entry} has no LayerNorm.`);
  const constants = {
    INPUTS: inputs / 4,
    OUTPUTS: outputs / 4,
    BIAS: bias,
    GELU: activation === 'gelu',
    GELU_TANH: activation === 'gelu_tanh',
    QUICK_GELU: activation === 'quick_gelu',
    RELU: activation === 'relu',
    TANH: activation === 'tanh',
    SWIGLU: activation === 'swiglu',
    ACCUMULATE: accumulate,
  };
  const kernel = {
    name: 'matmul',
    entry: tiling.entry,
    variant:
      [norm && 'norm', storage === 'f16' && 'f16', tiling.entry !== 'direct' && tiling.entry].find(Boolean) ||
      undefined,
    bindings: ['read', 'read', 'read', 'read', 'write'],
  } as const;
  switch (tiling.entry) {
    case 'subgroups':
      return {
        ...kernel,
        code: specialise('matmul.subgroups.wgsl', continued(source, subgroups), constants, storage),
        grid: (rows) => [ceilDiv(ceilDiv(rows, ROW_TILE) * ceilDiv(panels, 4), WORKGROUP / 4), 1, 1],
      };
    case 'matrix':
      return { ...kernel, ...tiers!.matrixMatmul(constants, tiling.matrix, outputs, storage) };
    default:
      return {
        ...kernel,
        code: specialise(
          'matmul.wgsl',
          source,
          {
            ...constants,
            NORM: norm !== null,
            WIDTH: norm?.columns ?? 1,
            EPSILON: norm?.epsilon ?? 0,
            SPLITS: splits,
            THREAD_ROWS: threadRows,
          },
          storage,
        ),
        grid(rows) {
          if (tiling.entry === 'staged') return [ceilDiv(panels, 8), ceilDiv(rows, 8 * threadRows), 1];
          const threads = ceilDiv(rows, tiling.entry === 'split' ? 4 : ROW_TILE) * panels * splits;
          return [ceilDiv(threads, WORKGROUP), 1, 1];
        },
      };
  }
}

/** Where the rows of a SwiGLU's weight go, gates before what they gate: in turn four of the ones and four of the others. */
export class SwigluColumns implements ColumnLayout {
  readonly count: number;
  readonly stride: number;
  readonly #width: number;

  /** @param width of the product: half of the rows */
  constructor(width: number) {
    this.count = 2 * width;
    this.stride = 2 * roundUp(width, 4);
    this.#width = width;
  }

  at(column: number): number {
    const part = column < this.#width ? 0 : 4;
    const within = column % this.#width;
    return (within >> 2) * 8 + part + (within & 3);
  }
}

/** Floats of a packed weight. */
export function packedLength(inputs: ColumnLayout, outputs: ColumnLayout): number {
  return inputs.stride * roundUp(outputs.stride, PANEL);
}

/**
 * A linear layer's weight in the shader's 4x4 blocks.
 * @param weight `[outputs, inputs]`, as in a checkpoint
 * @returns `[outputs / 8, inputs / 4, 2, 4 inputs, 4 outputs]`, zero in the padding
 */
export function packWeight(
  weight: ArrayLike<number>,
  inputs: ColumnLayout,
  outputs: ColumnLayout,
): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(packedLength(inputs, outputs));
  placeWeight(packed, weight, 0, inputs, outputs);
  return packed;
}

/** Puts a piece of the weight, from element `first` on, to its places in what `packWeight` returns. */
export function placeWeight(
  packed: Float32Array,
  piece: ArrayLike<number>,
  first: number,
  inputs: ColumnLayout,
  outputs: ColumnLayout,
): void {
  const places = placesOf(inputs);
  let i = first % inputs.count;
  for (let o = Math.floor(first / inputs.count), done = 0; done < piece.length; o++, i = 0) {
    const start = startOf(o, inputs, outputs);
    const end = Math.min(inputs.count, i + piece.length - done);
    for (; i < end; i++) packed[start + places[i]] = piece[done++];
  }
}

/** Multiplies each output of a packed weight by its own factor, as far as there are factors. */
export function scaleWeight(
  packed: Float32Array,
  factors: ArrayLike<number>,
  inputs: ColumnLayout,
  outputs: ColumnLayout,
): void {
  const places = placesOf(inputs);
  for (let o = 0; o < factors.length; o++) {
    const start = startOf(o, inputs, outputs);
    for (const place of places) packed[start + place] *= factors[o];
  }
}

/** Where an output begins. */
function startOf(output: number, inputs: ColumnLayout, outputs: ColumnLayout): number {
  const at = outputs.at(output);
  return Math.floor(at / PANEL) * inputs.stride * PANEL + ((at >> 2) & 1) * 16 + (at & 3);
}

/** Where the inputs of an output lie, from its beginning on. */
function placesOf(inputs: ColumnLayout): Uint32Array {
  return Uint32Array.from({ length: inputs.count }, (_, i) => {
    const at = inputs.at(i);
    return (at >> 2) * 4 * PANEL + (at & 3) * 4;
  });
}
