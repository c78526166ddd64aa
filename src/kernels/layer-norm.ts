import source from '../../shaders/layer-norm.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

export interface LayerNormSizes {
  /** Features of a row. */
  columns: number;
  epsilon: number;
  /** From one row of the input to the next, in rows: more than 1 picks one of each image. Default 1. */
  rowStep?: number;
  /** The first row of the input. Default 0. */
  firstRow?: number;
  /** Threads that share a row: a power of two. Default 16. */
  lanes?: number;
}

/** Rows to rows; bindings x, weight, bias, y. Rows are padded with zeros to a multiple of 4 floats. */
export function layerNorm({ columns, epsilon, rowStep = 1, firstRow = 0, lanes = 16 }: LayerNormSizes): Kernel {
  const vectors = ceilDiv(columns, 4);
  const rowsPerWorkgroup = 64 / lanes;
  return {
    name: 'layer-norm',
    code: specialise('layer-norm.wgsl', source, {
      COLUMNS: columns,
      VECTORS: vectors,
      INPUT_STRIDE: rowStep * vectors,
      INPUT_FIRST: firstRow * vectors,
      EPSILON: epsilon,
      LANES: lanes,
      ROWS: rowsPerWorkgroup,
    }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (rows) => [1, ceilDiv(rows, rowsPerWorkgroup), 1],
  };
}
