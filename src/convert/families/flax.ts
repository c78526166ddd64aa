/**
 * Flax's modules as rules. A kernel is `[in, out]`; those of Q, K and V are `[in, heads, head size]`, and that behind them
 * is `[heads, head size, out]`.
 */
import { ViTError } from '../../error.ts';
import type { Rule, Transform } from './family.ts';
import { permuted, renamed, requireRank, stackRows, transposed } from './transforms.ts';

const swap = permuted([1, 0]);

/** `[in, heads, head size]` to `[heads * head size, in]`, of several one below the other. */
const headRows: Transform = {
  shape: (shapes) => stackRows.shape(shapes.map((shape) => swap.shape([flatHeads(shape, 3, 1)]))),
  apply(inputs, shapes) {
    const flat = shapes.map((shape) => flatHeads(shape, 3, 1));
    const rows = inputs.map((values, i) => swap.apply([values], [flat[i]]));
    return stackRows.apply(
      rows,
      flat.map((shape) => swap.shape([shape])),
    );
  },
  heads([[, count, size], ...others]) {
    // Parts of equal width may still be divided differently.
    if (others.some((other) => other[1] !== count || other[2] !== size)) {
      throw new ViTError(
        'bad-input',
        `Kernels of [${[count, size]}] and [${others[0].slice(1)}] are no heads together.`,
      );
    }
    return count;
  },
};

/** `[heads, head size]`, of several one behind the other. */
const headBiases: Transform = {
  shape: (shapes) => stackRows.shape(shapes.map((shape) => flatHeads(shape, 2, 0))),
  apply: (inputs, shapes) => stackRows.apply(inputs, shapes),
};

/** `[heads, head size, out]` to `[out, heads * head size]`. */
const headColumns: Transform = {
  shape: ([shape]) => swap.shape([flatHeads(shape, 3, 0)]),
  apply: (inputs, [shape]) => swap.apply(inputs, [flatHeads(shape, 3, 0)]),
};

/** The axes `axis` (heads) and the next (head size) as one. */
function flatHeads(shape: readonly number[], rank: number, axis: number): number[] {
  requireRank(shape, rank);
  return [...shape.slice(0, axis), shape[axis] * shape[axis + 1], ...shape.slice(axis + 2)];
}

export function norm(to: string, from: string): Rule[] {
  return [renamed(`${to}.weight`, `${from}/scale`), renamed(`${to}.bias`, `${from}/bias`)];
}

export function dense(to: string, from: string): Rule[] {
  return [transposed(`${to}.weight`, `${from}/kernel`), renamed(`${to}.bias`, `${from}/bias`)];
}

export function mlp(to: string, from: string): Rule[] {
  return [...dense(`${to}.fc1`, `${from}/Dense_0`), ...dense(`${to}.fc2`, `${from}/Dense_1`)];
}

export function attention(to: string, from: string): Rule[] {
  return [...heads(`${to}.qkv`, from, 'query', 'key', 'value'), ...mixed(`${to}.proj`, `${from}/out`)];
}

/** Layers whose outputs are heads, one below the other. */
export function heads(to: string, module: string, ...parts: string[]): Rule[] {
  return [
    { to: `${to}.weight`, from: parts.map((part) => `${module}/${part}/kernel`), transform: headRows },
    { to: `${to}.bias`, from: parts.map((part) => `${module}/${part}/bias`), transform: headBiases },
  ];
}

/** The layer that reads them. */
export function mixed(to: string, from: string): Rule[] {
  return [
    { to: `${to}.weight`, from: [`${from}/kernel`], transform: headColumns },
    renamed(`${to}.bias`, `${from}/bias`),
  ];
}
