/**
 * Rows picked by index: y[i] = x[indices[i]], with row i modulo their number of `added` on top.
 *
 *   x        rows of `columns` numbers in f32 or f16, as many apart as those of y, which are `stride` bytes apart
 *   indices  [count] u32
 *   added    [addedRows], as far apart as x; none with 0 rows
 */
import { addRows } from './assemble';
import { widen } from './half';

export function gather(
  x: usize,
  isHalf: bool,
  indices: usize,
  count: i32,
  columns: i32,
  stride: usize,
  added: usize,
  addedRows: i32,
  y: usize,
): void {
  const xStride = isHalf ? stride >> 1 : stride;
  for (let i = 0; i < count; i++) {
    let from = x + <usize>load<u32>(indices + ((<usize>i) << 2)) * xStride;
    if (isHalf) {
      // Rows have room for whole vectors.
      widen(from, y, (columns + 3) & ~3);
      from = y;
    }
    if (addedRows > 0) addRows(from, added + <usize>(i % addedRows) * stride, columns, y);
    else if (!isHalf) memory.copy(y, from, (<usize>columns) << 2);
    y += stride;
  }
}
