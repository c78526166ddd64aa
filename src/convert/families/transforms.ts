/**
 * The ways in which a canonical tensor is made of a checkpoint's.
 */
import { ViTError } from '../../error.ts';
import type { Rule, Transform } from './family.ts';

/** The same numbers under another name. */
export function renamed(to: string, from: string): Rule {
  return { to, from: [from], transform: asItIs };
}

/** Several tensors one below the other, such as Q, K and V. */
export function stacked(to: string, ...from: string[]): Rule {
  return { to, from, transform: stackRows };
}

const asItIs: Transform = {
  shape: ([shape]) => [...shape],
  apply: ([values]) => values,
};

const stackRows: Transform = {
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
