/**
 * A linear layer: y = activation(x @ weightᵀ + bias) gamma, in one of three ways: stored, added to what y holds (residual), or
 * multiplied with it (the second half of a SwiGLU).
 *
 *   x       rows of `inputs` floats, `xStride` bytes apart
 *   weight  panels of 8 outputs, [panels][inputs][8], in f32 or f16 or, as wasm/few-bits.ts has them, in 8 or 4 bits
 *   scales  of these: [panels][inputs / group][8]
 *   bias    [panels][8], or 0 for none; gamma the same
 *   y       rows of panels x 8 floats, `yStride` bytes apart
 *
 * Panels outside, rows inside: a panel stays in the first cache while all rows pass, and each weight is read from memory once.
 * Two panels are finished together, since 16 floats are a line of the cache: with 8 each line of y came and went four times, which
 * was a tenth of the time.
 * `scratch` takes the results of two panels, rows x 16 floats, and behind them a panel that is widened to f32.
 */
import { activate } from './activation';
import { widenBytes, widenNibbles } from './few-bits';
import { widen } from './half';
import { products } from './products';
import { madd } from './vectors';

const ADD = 1;
const MULTIPLY = 2;

export function matmul(
  x: usize,
  xStride: usize,
  rows: i32,
  inputs: i32,
  weight: usize,
  bits: i32,
  scales: usize,
  group: i32,
  panels: i32,
  bias: usize,
  gamma: usize,
  activation: i32,
  ending: i32,
  y: usize,
  yStride: usize,
  scratch: usize,
): void {
  const widened = scratch + ((<usize>rows) << 6);
  // Eight outputs of so many bits.
  const panelBytes = <usize>(inputs * bits);
  const scaleBytes: usize = bits < 16 ? (<usize>(inputs / group)) << 5 : 0;
  for (let panel = 0; panel < panels; panel += 2) {
    const width: usize = panel + 1 < panels ? 64 : 32;
    for (let side: usize = 0; side < width; side += 32) {
      if (bits === 16) widen(weight, widened, inputs << 3);
      else if (bits === 8) widenBytes(weight, scales, group, inputs, widened);
      else if (bits === 4) widenNibbles(weight, scales, group, inputs, widened);
      products(x, xStride, rows, inputs, bits === 32 ? weight : widened, bias, scratch + side, width);
      weight += panelBytes;
      scales += scaleBytes;
      if (bias) bias += 32;
    }
    activate(scratch, scratch + <usize>rows * width, activation);
    finish(scratch, rows, width, gamma, ending, y, yStride);
    y += width;
    if (gamma) gamma += width;
  }
}

/** From rows of `width` bytes to y. What is to be done is asked once. */
function finish(from: usize, rows: i32, width: usize, gamma: usize, ending: i32, y: usize, yStride: usize): void {
  const end = from + <usize>rows * width;
  const skipped = yStride - width;
  if (gamma && ending !== MULTIPLY) {
    for (; from < end; y += skipped) {
      for (let side: usize = 0; side < width; side += 16, from += 16, y += 16) {
        const sum = ending === ADD ? v128.load(y) : f32x4.splat(0);
        v128.store(y, madd(v128.load(from), v128.load(gamma + side), sum));
      }
    }
  } else if (ending === ADD) {
    for (; from < end; y += skipped) {
      for (const rowEnd = from + width; from < rowEnd; from += 16, y += 16) {
        v128.store(y, f32x4.add(v128.load(from), v128.load(y)));
      }
    }
  } else if (ending === MULTIPLY) {
    for (; from < end; y += skipped) {
      for (const rowEnd = from + width; from < rowEnd; from += 16, y += 16) {
        v128.store(y, f32x4.mul(v128.load(from), v128.load(y)));
      }
    }
  } else {
    for (; from < end; y += skipped) {
      for (const rowEnd = from + width; from < rowEnd; from += 16, y += 16) v128.store(y, v128.load(from));
    }
  }
}
