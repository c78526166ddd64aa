/**
 * What a linear layer ends in. The numbers are those of `ACTIVATIONS` in src/cpu/kernels.ts.
 */
import { gelu } from './gelu';
import { exp, madd, sigmoid } from './vectors';

/** √(2/π) */
const GELU_TANH_SCALE: f32 = 0.7978845608028654;

export function activate(x: v128, activation: i32): v128 {
  switch (activation) {
    case 1:
      return gelu(x);
    case 2:
      return geluTanh(x);
    case 3: // quick GELU
      return f32x4.mul(x, sigmoid(f32x4.mul(x, f32x4.splat(1.702))));
    case 4: // ReLU
      return f32x4.max(x, f32x4.splat(0));
    case 5:
      return tanh(x);
    case 6: // SiLU
      return f32x4.mul(x, sigmoid(x));
    default:
      return x;
  }
}

/** x (1 + tanh u) / 2 = x sigmoid(2u) with u = √(2/π) (x + 0.044715 x³) */
function geluTanh(x: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(x, x), x);
  const u = madd(cube, f32x4.splat(0.044715), x);
  return f32x4.mul(x, sigmoid(f32x4.mul(u, f32x4.splat(2 * GELU_TANH_SCALE))));
}

/** 1 - 2 / (e²ˣ + 1) */
function tanh(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(exp(f32x4.add(x, x)), one)));
}
