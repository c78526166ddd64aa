import source from '../../shaders/layer-norm.wgsl?raw';
import { ceilDiv, type Kernel, spread } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';
import { tiers } from './tiers.ts';

export interface LayerNormSizes {
  /** Features of a row. */
  columns: number;
  epsilon: number;
  /** From one row of the input to the next, in rows: more than 1 picks one of each image. Default 1. */
  rowStep?: number;
  /** The first row of the input. Default 0. */
  firstRow?: number;
}

/** How the work is split: see the shaders. `lanes`: threads that share a row, a power of two. */
export type LayerNormTiling =
  /** Up to 64. */
  | { entry: 'main'; lanes: number }
  /** From 4 to 256. Needs the device's feature `subgroups`. */
  | { entry: 'subgroups'; lanes: number };

/** Rows to rows; bindings x, weight, bias, y. Rows are padded with zeros to a multiple of 4 floats. */
export function layerNorm(
  { columns, epsilon, rowStep = 1, firstRow = 0 }: LayerNormSizes,
  { entry, lanes }: LayerNormTiling = { entry: 'main', lanes: 16 },
): Kernel {
  const vectors = ceilDiv(columns, 4);
  const constants = {
    COLUMNS: columns,
    VECTORS: vectors,
    INPUT_STRIDE: rowStep * vectors,
    INPUT_FIRST: firstRow * vectors,
    EPSILON: epsilon,
    LANES: lanes,
  };
  const kernel = { name: 'layer-norm', entry, bindings: ['read', 'read', 'read', 'write'] } as const;
  if (entry === 'subgroups') {
    const code = specialise('layer-norm.subgroups.wgsl', tiers!.layerNorm, constants);
    return { ...kernel, variant: entry, code, grid: spread };
  }
  const rowsPerWorkgroup = 64 / lanes;
  return {
    ...kernel,
    code: specialise('layer-norm.wgsl', source, { ...constants, ROWS: rowsPerWorkgroup }),
    grid: (rows) => [1, ceilDiv(rows, rowsPerWorkgroup), 1],
  };
}
