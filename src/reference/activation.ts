import type { Activation } from '../model/architecture.ts';
import { gelu } from './gelu.ts';

/** Applies an activation to every element, in place, in float64. */
export function activate(x: Float64Array, activation: Activation | null): void {
  if (activation === 'gelu') gelu(x);
  else if (activation !== null) {
    const f = SCALAR[activation];
    for (let i = 0; i < x.length; i++) x[i] = f(x[i]);
  }
}

const SCALAR: Record<Exclude<Activation, 'gelu'>, (x: number) => number> = {
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quick_gelu: (x) => x / (1 + Math.exp(-1.702 * x)),
  relu: (x) => Math.max(x, 0),
};
