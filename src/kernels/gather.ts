import source from '../../shaders/gather.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;

export interface GatherSizes {
  /** Columns of x and y. */
  width: number;
  /** Rows `first` to `first + count - 1` of the matrix are in x; indices of others do nothing. */
  first: number;
  count: number;
  /** Rows of what is added, over and over; null for nothing. */
  period: number | null;
}

/** Bindings x, indices, added (any buffer without `period`), y. Rows are those of y, padded to a multiple of 4 floats. */
export function gather({ width, first, count, period }: GatherSizes): Kernel {
  const vectors = ceilDiv(width, 4);
  return {
    name: 'gather',
    code: specialise('gather.wgsl', source, {
      COLUMNS: vectors,
      FIRST: first,
      ROWS: count,
      PERIOD: period ?? 1,
      ADD: period !== null,
    }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (rows) => [ceilDiv(rows * vectors, WORKGROUP), 1, 1],
  };
}

/**
 * Puts a piece of a matrix `[any number, width]`, from element `from` on, to its places in rows `first` to
 * `first + count - 1`, each padded to a multiple of 4 floats. What is of other rows is left out.
 */
export function placeRows(
  packed: Float32Array,
  piece: ArrayLike<number>,
  from: number,
  { width, first, count }: Pick<GatherSizes, 'width' | 'first' | 'count'>,
): void {
  const stride = ceilDiv(width, 4) * 4;
  const begin = Math.max(first * width - from, 0);
  const end = Math.min((first + count) * width - from, piece.length);
  for (let i = begin; i < end; i++) {
    const at = from + i - first * width;
    packed[Math.floor(at / width) * stride + (at % width)] = piece[i];
  }
}
