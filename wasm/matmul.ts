/**
 * A linear layer: y = activation(x @ weightᵀ + bias) gamma, in one of three ways: stored, added to what y holds (residual), or
 * multiplied with it (the second half of a SwiGLU).
 *
 *   x       rows of `inputs` floats, `xStride` bytes apart
 *   weight  panels of 8 outputs, [panels][inputs][8], in f32 or f16
 *   bias    [panels][8], or 0 for none; gamma the same
 *   y       rows of panels x 8 floats, `yStride` bytes apart
 *
 * Panels outside, rows inside: a panel stays in the first cache while all rows pass, and each weight is read from memory once.
 * `scratch` takes the sums of a panel, rows x 8 floats, and behind them a panel of f16 in f32.
 */
import { activate } from './activation';
import { widen } from './half';
import { products } from './products';
import { madd } from './vectors';

const STORE = 0;
const ADD = 1;

export function matmul(
  x: usize,
  xStride: usize,
  rows: i32,
  inputs: i32,
  weight: usize,
  isHalf: bool,
  panels: i32,
  bias: usize,
  gamma: usize,
  activation: i32,
  ending: i32,
  y: usize,
  yStride: usize,
  scratch: usize,
): void {
  const column = scratch;
  const widened = column + ((<usize>rows) << 5);
  const panelBytes = (<usize>inputs) << (isHalf ? 4 : 5);
  for (let panel = 0; panel < panels; panel++) {
    let w = weight;
    if (isHalf) {
      widen(weight, widened, inputs << 3);
      w = widened;
    }
    products(x, xStride, rows, inputs, w, column, 32);
    finish(column, 32, rows, 1, bias, gamma, activation, ending, y, yStride);
    weight += panelBytes;
    y += 32;
    if (bias) bias += 32;
    if (gamma) gamma += 32;
  }
}

/** From sums, rows of panels x 8 floats, to y: what comes after the product. */
export function finish(
  sums: usize,
  sumsStride: usize,
  rows: i32,
  panels: i32,
  bias: usize,
  gamma: usize,
  activation: i32,
  ending: i32,
  y: usize,
  yStride: usize,
): void {
  const width = (<usize>panels) << 5;
  for (let side: usize = 0; side < width; side += 16) {
    const added = bias ? v128.load(bias + side) : f32x4.splat(0);
    const factor = gamma ? v128.load(gamma + side) : f32x4.splat(1);
    let from = sums + side;
    let to = y + side;
    for (let row = 0; row < rows; row++) {
      let value = activate(f32x4.add(v128.load(from), added), activation);
      if (ending === STORE) value = f32x4.mul(value, factor);
      else if (ending === ADD) value = madd(value, factor, v128.load(to));
      else value = f32x4.mul(value, v128.load(to));
      v128.store(to, value);
      from += sumsStride;
      to += yStride;
    }
  }
}
