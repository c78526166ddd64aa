/**
 * The ways in which a canonical tensor is made of a checkpoint's.
 */
import { ViTError } from '../../error.ts';
import { elementCount } from '../checkpoint.ts';
import { gather, rowMajor } from '../strided.ts';
import type { Rule, Transform } from './family.ts';

/** The same numbers under another name. */
export function renamed(to: string, from: string): Rule {
  return { to, from: [from], transform: asItIs };
}

/** Several tensors one below the other, such as Q, K and V. */
export function stacked(to: string, ...from: string[]): Rule {
  return { to, from, transform: stackRows };
}

/** The biases of Q and V, with zeros for K, which has none (BEiT). */
export function withoutKey(to: string, query: string, value: string): Rule {
  return { to, from: [query, value], transform: zerosBetween };
}

/** The same numbers as `[1, 1, D]` or `[1, N, D]`, where the library keeps `[D]` or `[N, D]`. */
export function asTokens(to: string, from: string): Rule {
  return { to, from: [from], transform: leadingOnes };
}

/** `[1, rows, columns, D]` as `[1, rows * columns, D]`. */
export function patchGridRows(to: string, from: string): Rule {
  return {
    to,
    from: [from],
    transform: {
      shape([shape]) {
        requireRank(shape, 4);
        return [1, shape[1] * shape[2], shape[3]];
      },
      apply: ([values]) => values,
    },
  };
}

/** Of rows that are Q, K and V one below the other: `count` thirds from third `first` on. */
export function thirds(to: string, from: string, first: number, count: number): Rule {
  return {
    to,
    from: [from],
    transform: {
      shape([[rows, ...columns]]) {
        if (rows % 3 !== 0) throw new ViTError('bad-input', `${rows} rows are no Q, K and V one below the other.`);
        return [(rows / 3) * count, ...columns];
      },
      apply: ([values]) => values.slice((values.length / 3) * first, (values.length / 3) * (first + count)),
    },
  };
}

/** `[in, out]` as `[out, in]`. */
export function transposed(to: string, from: string): Rule {
  return { to, from: [from], transform: permuted([1, 0]) };
}

/** The same elements with the axes in another order: axis i of the outcome is axis `order[i]` of the input. */
export function permuted(order: readonly number[]): Transform {
  return {
    shape([shape]) {
      requireRank(shape, order.length);
      return order.map((axis) => shape[axis]);
    },
    apply: ([values], [shape]) => permute(values, shape, order),
  };
}

export function permute(
  values: Float32Array<ArrayBuffer>,
  shape: readonly number[],
  order: readonly number[],
): Float32Array<ArrayBuffer> {
  const strides = rowMajor(shape);
  const view = { offset: 0, shape: order.map((axis) => shape[axis]), strides: order.map((axis) => strides[axis]) };
  return gather(values, view);
}

/** @throws ViTError `bad-input` when there are not so many axes */
export function requireRank(shape: readonly number[], rank: number): void {
  if (shape.length === rank && elementCount(shape) > 0) return;
  throw new ViTError('bad-input', `shape [${shape}] where ${rank} axes are expected.`);
}

/** Zeros for the outputs of a linear layer that has no bias, or of several, one below the other. */
export function zeroBias(to: string, ...weights: string[]): Rule {
  const shape: Transform['shape'] = (shapes) => [stackRows.shape(shapes)[0]];
  return { to, from: weights, transform: { shape, apply: (_, shapes) => new Float32Array(shape(shapes)[0]) } };
}

/** The projection of patches that are vectors in the order row, column, channel: `[D, …]` to `[D, channel, row, column]`. */
export function patchProjection(from: string, patchSize: readonly [number, number]): Rule {
  const vectors = (shape: readonly number[]) => {
    requireRank(shape, 2);
    return [shape[0], ...patchSize, channelsOf(shape[1], patchSize)];
  };
  const order = [0, 3, 1, 2];
  return {
    to: 'patch_embed.proj.weight',
    from: [from],
    transform: {
      shape: ([shape]) => order.map((axis) => vectors(shape)[axis]),
      apply: ([values], [shape]) => permute(values, vectors(shape), order),
    },
  };
}

/** How many channels patches of so many numbers have. */
export function channelsOf(features: number, [height, width]: readonly [number, number]): number {
  const channels = features / (height * width);
  if (Number.isInteger(channels)) return channels;
  throw new ViTError(
    'bad-input',
    `patches of ${features} numbers are no whole channels of ${height}x${width} pixels. Another size of patches is needed.`,
  );
}

const asItIs: Transform = {
  shape: ([shape]) => [...shape],
  apply: ([values]) => values,
};

const leadingOnes: Transform = {
  shape: ([shape]) => [...new Array(Math.max(0, 3 - shape.length)).fill(1), ...shape],
  apply: ([values]) => values,
};

export const stackRows: Transform = {
  shape(shapes) {
    const [, ...columns] = shapes[0];
    if (shapes.some(([, ...others]) => String(others) !== String(columns))) {
      throw new ViTError(
        'bad-input',
        `Tensors of shapes ${shapes.map((shape) => `[${shape}]`).join(', ')} do not stack.`,
      );
    }
    return [shapes.reduce((rows, shape) => rows + shape[0], 0), ...columns];
  },
  apply(inputs) {
    const result = new Float32Array(inputs.reduce((length, values) => length + values.length, 0));
    let offset = 0;
    for (const values of inputs) {
      result.set(values, offset);
      offset += values.length;
    }
    return result;
  },
};

const zerosBetween: Transform = {
  shape: ([query, value]) => stackRows.shape([query, query, value]),
  apply([query, value], shapes) {
    return stackRows.apply([query, new Float32Array(query.length), value], shapes);
  },
};
