/**
 * What linear layers end in, in float64.
 */
import type { Activation } from '../model/layers.ts';
import { gelu } from './gelu.ts';

/** Applies an activation to every element, in place. */
export function activate(x: Float64Array, activation: Activation | 'tanh' | null): void {
  if (activation === 'gelu') gelu(x);
  else if (activation !== null) {
    const f = SCALAR[activation];
    for (let i = 0; i < x.length; i++) x[i] = f(x[i]);
  }
}

/** Of rows of gate and up, `2 * width` each: silu(gate) * up, with silu(x) = x / (1 + exp(-x)). */
export function swiglu(x: Float64Array, width: number): Float64Array {
  const y = new Float64Array(x.length / 2);
  for (let i = 0; i < y.length; i++) {
    const row = Math.floor(i / width);
    const gate = x[i + row * width];
    y[i] = (gate / (1 + Math.exp(-gate))) * x[i + (row + 1) * width];
  }
  return y;
}

const SCALAR: Record<Exclude<Activation, 'gelu'> | 'tanh', (x: number) => number> = {
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quick_gelu: (x) => x / (1 + Math.exp(-1.702 * x)),
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
};
