/**
 * What a linear layer ends in. The numbers are those of `ACTIVATIONS` in src/cpu/wasm-kernels.ts.
 */
import { gelu } from './gelu';
import { exp, madd, sigmoid } from './vectors';

/** √(2/π) */
const GELU_TANH_SCALE: f32 = 0.7978845608028654;

/** In place, of whole vectors up to `end`: what it is is asked once. */
export function activate(x: usize, end: usize, activation: i32): void {
  switch (activation) {
    case 1:
      for (; x < end; x += 16) v128.store(x, gelu(v128.load(x)));
      break;
    case 2:
      for (; x < end; x += 16) v128.store(x, geluTanh(v128.load(x)));
      break;
    case 3:
      for (; x < end; x += 16) v128.store(x, quickGelu(v128.load(x)));
      break;
    case 4: // ReLU
      for (; x < end; x += 16) v128.store(x, f32x4.max(v128.load(x), f32x4.splat(0)));
      break;
    case 5:
      for (; x < end; x += 16) v128.store(x, tanh(v128.load(x)));
      break;
    case 6:
      for (; x < end; x += 16) v128.store(x, silu(v128.load(x)));
      break;
  }
}

function quickGelu(x: v128): v128 {
  return f32x4.mul(x, sigmoid(f32x4.mul(x, f32x4.splat(1.702))));
}

function silu(x: v128): v128 {
  return f32x4.mul(x, sigmoid(x));
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
