import source from '../../shaders/layer-norm.wgsl?raw';
import { ceilDiv, type Kernel, spread } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

export interface LayerNormSizes {
  /** Features of a row. */
  columns: number;
  epsilon: number;
  /** From one row of the input to the next, in rows: more than 1 picks one of each image. Default 1. */
  rowStep?: number;
  /** The first row of the input. Default 0. */
  firstRow?: number;
  /** Equal slices of the columns, each of which is padded. Default 1. */
  groups?: number;
  /** Default `layer`. */
  norm?: 'layer' | 'rms';
  /** Add to what y holds instead of replacing it. */
  accumulate?: boolean;
  /**
   * Of every `rows` rows, those from `second` on have another weight and bias, which follow the first two, and those from `end` on
   * stay as they are. Default: all are alike.
   */
  period?: { rows: number; second: number; end: number };
}

/** How the work is split: threads that share a row, a power of two up to 64. */
export interface LayerNormTiling {
  lanes: number;
}

/** Rows to rows; bindings x, affine (weight, then bias), y. Groups are padded with zeros to a multiple of 4 floats. */
export function layerNorm(
  {
    columns,
    epsilon,
    rowStep = 1,
    firstRow = 0,
    groups = 1,
    norm = 'layer',
    accumulate = false,
    period = { rows: 1, second: 1, end: 1 },
  }: LayerNormSizes,
  { lanes }: LayerNormTiling = { lanes: 16 },
): Kernel {
  const groupVectors = ceilDiv(columns / groups, 4);
  const vectors = groups * groupVectors;
  const constants = {
    COLUMNS: columns,
    VECTORS: vectors,
    GROUP: columns / groups,
    GROUP_VECTORS: groupVectors,
    INPUT_STRIDE: rowStep * vectors,
    INPUT_FIRST: firstRow * vectors,
    EPSILON: epsilon,
    RMS: norm === 'rms',
    ACCUMULATE: accumulate,
    PERIOD: period.rows,
    SECOND: period.second,
    END: period.end,
    LANES: lanes,
  };
  const rowsPerWorkgroup = 64 / lanes;
  return {
    name: 'layer-norm',
    entry: 'main',
    bindings: ['read', 'read', 'write'],
    code: specialise('layer-norm.wgsl', source, { ...constants, ROWS: rowsPerWorkgroup }),
    grid: (rows) => spread(ceilDiv(rows, rowsPerWorkgroup)),
  };
}
