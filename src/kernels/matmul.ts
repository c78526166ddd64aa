import source from '../../shaders/matmul.wgsl?raw';
import type { Capabilities } from '../gpu/capabilities.ts';
import type { ColumnLayout } from '../gpu/columns.ts';
import { ceilDiv, type Grid, type Kernel, roundUp } from '../gpu/kernel.ts';
import { type Constants, continued, specialise } from '../gpu/specialise.ts';
import { type OptionalShader, type OptionalShaders, shaderOf } from './optional-shaders.ts';
import { QUAD_ROWS } from './product-tiling.ts';

/** Threads of a workgroup. */
const WORKGROUP = 64;
/** Outputs that lie together in a packed weight, and columns of a thread's tile, but for `subgroups`. */
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
  /** The weight has so few, and its scales; `storage` is what may be multiplied. */
  bits?: 8 | 4;
}

/** A run of a tensor's elements from `first` on, whole numbers of its `scales`, of which all have as many elements. */
interface ScaledPiece {
  data: Float32Array<ArrayBuffer>;
  first: number;
  /** Of the whole tensor. */
  length: number;
  scales?: Float32Array<ArrayBuffer>;
}

/** A weight in few bits on its way into its buffer: codes, then scales. */
export interface FewBits {
  codeBytes: number;
  /** Of both. */
  bytes: number;
  /** Remembers the scales. */
  codesOf(piece: ScaledPiece): Float32Array<ArrayBuffer>;
  /** @param codes of whole blocks */
  stored(codes: Float32Array): Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer>;
  /** As the shader takes them. @param factors of each output, where there are some */
  placedScales(factors?: Float32Array): Float32Array<ArrayBuffer>;
}

export type WeightStorage = 'f32' | 'f16';

/** How the work is split: see the shaders. All but `direct` are optional. */
export type MatmulTiling =
  | { entry: 'direct' }
  /** `splits`: threads that share a tile, 2, 4 or 8; they must divide `inputs / 4`. */
  | { entry: 'split'; splits: number }
  /** `threadRows`: 4 or 8. */
  | { entry: 'staged'; threadRows: number }
  /** Needs subgroups. */
  | { entry: 'subgroups' }
  /** Needs f16, and a weight of it: what is multiplied is rounded to f16. */
  | { entry: 'half' }
  /** Needs subgroups and their matrices: what is multiplied is rounded to the type of the weight. */
  | { entry: 'matrix'; matrix: SubgroupMatrix };

/** Rows, columns and depth of a product that a subgroup computes at once, and the largest size of a subgroup. */
export interface SubgroupMatrix {
  M: number;
  N: number;
  K: number;
  lanes: number;
}

export const DIRECT: MatmulTiling = { entry: 'direct' };

/** Rows and columns of a workgroup's tile of `matrix`, in four quarters. */
const MATRIX_TILE = 64;
const MOST_THREADS = 256;

/** What each way to split the work but `direct` is made of. */
const SHADERS = {
  split: 'matmul.split.wgsl',
  staged: 'matmul.staged.wgsl',
  subgroups: 'matmul.subgroups.wgsl',
  half: 'matmul.half.wgsl',
  matrix: 'matmul.subgroup-matrix.wgsl',
} as const satisfies Record<string, OptionalShader>;

/** What widens weights of few bits. */
const FEW_BITS = { 8: 'matmul.i8.wgsl', 4: 'matmul.i4.wgsl' } as const;

/**
 * Every way to split the work that a GPU can take.
 * @param sizes with `norm` only those that can do it
 */
export function matmulVariants(
  { inputs, norm = null, storage = 'f32' }: Pick<MatmulSizes, 'inputs' | 'norm' | 'storage'>,
  capabilities: Capabilities,
): MatmulTiling[] {
  const staged = [4, 8].map((threadRows) => ({ entry: 'staged', threadRows }) as const);
  if (norm) return staged;
  const matrix = matrixFor(capabilities, storage);
  return [
    DIRECT,
    ...[2, 4, 8].filter((n) => (inputs / 4) % n === 0).map((splits) => ({ entry: 'split', splits }) as const),
    ...staged,
    ...(capabilities.subgroups ? [{ entry: 'subgroups' } as const] : []),
    ...(capabilities.f16 && storage === 'f16' ? [{ entry: 'half' } as const] : []),
    ...(matrix ? [{ entry: 'matrix', matrix } as const] : []),
  ];
}

/** Matrices that take weights as they are stored and sum in f32; null where there are none. */
function matrixFor({ subgroups, matrices, lanes }: Capabilities, storage: WeightStorage): SubgroupMatrix | null {
  const quarter = MATRIX_TILE / 2;
  const depth = stageDepth(storage);
  const config = matrices.find(({ M, N, K, componentType, resultComponentType }) => {
    const fits = quarter % M === 0 && quarter % N === 0 && N % PANEL === 0 && depth % K === 0;
    return fits && componentType === storage && resultComponentType === 'f32';
  });
  if (!config || !subgroups || 4 * lanes > MOST_THREADS) return null;
  return { M: config.M, N: config.N, K: config.K, lanes };
}

/** Inputs of `matrix` in workgroup memory at once: what leaves it below 16 KiB. */
function stageDepth(storage: WeightStorage): number {
  return storage === 'f16' ? 32 : 16;
}

/**
 * Bindings x, weight, bias (any buffer when there is none), norm (weight, then bias; any buffer when there is none), y.
 * @param shaders where `tiling` is not direct
 */
export function matmul(sizes: MatmulSizes, tiling: MatmulTiling = DIRECT, shaders: OptionalShaders = {}): Kernel {
  const { inputs, outputs, bias, activation, accumulate, norm = null, storage = 'f32', bits } = sizes;
  if (norm && tiling.entry !== 'staged') throw new RangeError(`Matmul ${tiling.entry} has no LayerNorm.`);
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
    ...splitConstants(sizes, tiling),
  };
  const rounds = ROUNDING.has(tiling.entry);
  let [file, code] = ['matmul.wgsl', source];
  const more = [bits && FEW_BITS[bits], tiling.entry !== 'direct' && SHADERS[tiling.entry]];
  for (const name of more) if (name) [file, code] = [name, continued(code, shaderOf(name, shaders))];
  return {
    name: 'matmul',
    entry: tiling.entry,
    variant: variantOf(sizes, tiling),
    bindings: ['read', 'read', 'read', 'read', 'write'],
    code: specialise(file, code, constants, bits && !rounds ? 'f32' : storage),
    grid: gridOf(outputs, tiling),
    ...(rounds && storage === 'f16' && { tolerance: HALF_TOLERANCE }),
  };
}

/** What a simpler kernel in its place would not do, that which goes first. */
function variantOf({ norm, storage, bits }: MatmulSizes, { entry }: MatmulTiling): string | undefined {
  if (norm) return 'norm';
  if (bits) return 'few';
  if (storage === 'f16' && !ROUNDING.has(entry)) return 'f16';
  return entry === 'direct' ? undefined : entry;
}

/** Those that round what they multiply to the type of the weight. */
const ROUNDING = new Set<MatmulTiling['entry']>(['half', 'matrix']);
/** The contract's bound for f16. */
const HALF_TOLERANCE = 2e-3;

function splitConstants({ inputs, norm = null, storage = 'f32' }: MatmulSizes, tiling: MatmulTiling): Constants {
  switch (tiling.entry) {
    case 'split':
      if ((inputs / 4) % tiling.splits !== 0)
        throw new RangeError(`${tiling.splits} threads cannot share ${inputs / 4} blocks of inputs.`);
      return { SPLITS: tiling.splits };
    case 'staged':
      return {
        THREAD_ROWS: tiling.threadRows,
        NORM: norm !== null,
        WIDTH: norm?.columns ?? 1,
        EPSILON: norm?.epsilon ?? 0,
      };
    case 'matrix': {
      const { M, N, K, lanes } = tiling.matrix;
      const stage = stageDepth(storage);
      return { MATRIX_ROWS: M, MATRIX_COLUMNS: N, MATRIX_DEPTH: K, LANES: lanes, STAGE_DEPTH: stage };
    }
    default:
      return {};
  }
}

function gridOf(outputs: number, tiling: MatmulTiling): Kernel['grid'] {
  const panels = ceilDiv(outputs, PANEL);
  const threads = (count: number): Grid => [ceilDiv(count, WORKGROUP), 1, 1];
  switch (tiling.entry) {
    case 'direct':
    case 'half':
      return (rows) => threads(ceilDiv(rows, ROW_TILE) * panels);
    case 'split':
      return (rows) => threads(ceilDiv(rows, 4) * panels * tiling.splits);
    case 'staged':
      return (rows) => [ceilDiv(panels, 8), ceilDiv(rows, 8 * tiling.threadRows), 1];
    case 'subgroups':
      return (rows) => threads(ceilDiv(rows, QUAD_ROWS) * ceilDiv(panels, 2) * 4);
    case 'matrix':
      return (rows) => [ceilDiv(outputs, MATRIX_TILE), ceilDiv(rows, MATRIX_TILE), 1];
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
