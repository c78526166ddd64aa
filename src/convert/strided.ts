/**
 * Views into a flat run of elements, as PyTorch's tensors are and as Fortran order is: where element [i, j, …] lies at
 * `offset + i * strides[0] + j * strides[1] + …`. Pure arithmetic; reads no file.
 */
import { elementCount } from './checkpoint.ts';

/** All in elements. */
export interface View {
  offset: number;
  shape: readonly number[];
  strides: readonly number[];
}

/** The strides of row-major order. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** The strides of column-major order. */
export function columnMajor(shape: readonly number[]): number[] {
  return rowMajor([...shape].reverse()).reverse();
}

/** Whether the elements lie in row-major order without gaps. An axis of one element may have any stride. */
export function isRowMajor({ shape, strides }: View): boolean {
  const usual = rowMajor(shape);
  return shape.every((size, axis) => size <= 1 || strides[axis] === usual[axis]);
}

/** Elements from `offset` to the end of the last one that the view holds. */
export function spanOf({ shape, strides }: View): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((span, size, axis) => span + (size - 1) * strides[axis], 1);
}

/**
 * @param span the elements from the view's offset on, `spanOf(view)` of them
 * @returns the view's elements in row-major order
 */
export function gather(span: Float32Array<ArrayBuffer>, view: View): Float32Array<ArrayBuffer> {
  const { shape, strides } = view;
  if (isRowMajor(view)) return span;
  const result = new Float32Array(elementCount(shape));
  const last = shape.length - 1;
  const [columns, step] = [shape[last], strides[last]];
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; ) {
    for (let column = 0; column < columns; column++) result[to++] = span[from + column * step];
    // On to the next row: like an odometer, the axes before the last turn over.
    for (let axis = last - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}
