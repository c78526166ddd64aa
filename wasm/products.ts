/**
 * y = bias + x w, the heart of matmul and attention.
 *
 *   x     rows of `inputs` floats, `xStride` bytes apart
 *   w     a panel: [inputs][8], so that a core reads it in order
 *   bias  [8], or 0 for none: at the bottom of memory are zeros
 *   y     rows of 8 floats, `yStride` bytes apart
 *
 * A tile of rows by 8 outputs stays in registers while `inputs` runs. Four rows fill the 16 registers where a product takes one
 * for itself before it is added; with madd there is room for six. Measured in Chromium 156 on an AMD EPYC, one core, in
 * GFLOP/s for 197 rows of 192: plain 4 rows 38, 6 rows 25 (spilled); relaxed 4 rows 48, 6 rows 47 to 56. Unrolling `inputs`
 * by hand costs a fifth: the browser does it already.
 *
 * Rows that the last tile lacks are the last row again, so that there is one tile and not four.
 */
import { madd } from './vectors';

/** Bytes of 8 floats. */
const STEP: usize = 32;

export function products(
  x: usize,
  xStride: usize,
  rows: i32,
  inputs: i32,
  w: usize,
  bias: usize,
  y: usize,
  yStride: usize,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) sixRows(x, xStride, rows, w, w + <usize>inputs * STEP, bias, y, yStride);
  else fourRows(x, xStride, rows, w, w + <usize>inputs * STEP, bias, y, yStride);
}

function fourRows(
  x: usize,
  xStride: usize,
  rows: i32,
  w: usize,
  end: usize,
  bias: usize,
  y: usize,
  yStride: usize,
): void {
  const last = rows - 1;
  const a = v128.load(bias);
  const b = v128.load(bias, 16);
  for (let row = 0; row < rows; row += 4) {
    const r1 = <usize>min(row + 1, last);
    const r2 = <usize>min(row + 2, last);
    const r3 = <usize>min(row + 3, last);
    let x0 = x + <usize>row * xStride;
    let x1 = x + r1 * xStride;
    let x2 = x + r2 * xStride;
    let x3 = x + r3 * xStride;
    let a0 = a;
    let b0 = b;
    let a1 = a;
    let b1 = b;
    let a2 = a;
    let b2 = b;
    let a3 = a;
    let b3 = b;
    for (let at = w; at < end; at += STEP) {
      const wa = v128.load(at);
      const wb = v128.load(at, 16);
      const v0 = v128.load32_splat(x0);
      a0 = madd(v0, wa, a0);
      b0 = madd(v0, wb, b0);
      const v1 = v128.load32_splat(x1);
      a1 = madd(v1, wa, a1);
      b1 = madd(v1, wb, b1);
      const v2 = v128.load32_splat(x2);
      a2 = madd(v2, wa, a2);
      b2 = madd(v2, wb, b2);
      const v3 = v128.load32_splat(x3);
      a3 = madd(v3, wa, a3);
      b3 = madd(v3, wb, b3);
      x0 += 4;
      x1 += 4;
      x2 += 4;
      x3 += 4;
    }
    store8(y + <usize>row * yStride, a0, b0);
    store8(y + r1 * yStride, a1, b1);
    store8(y + r2 * yStride, a2, b2);
    store8(y + r3 * yStride, a3, b3);
  }
}

function sixRows(
  x: usize,
  xStride: usize,
  rows: i32,
  w: usize,
  end: usize,
  bias: usize,
  y: usize,
  yStride: usize,
): void {
  const last = rows - 1;
  const a = v128.load(bias);
  const b = v128.load(bias, 16);
  for (let row = 0; row < rows; row += 6) {
    const r1 = <usize>min(row + 1, last);
    const r2 = <usize>min(row + 2, last);
    const r3 = <usize>min(row + 3, last);
    const r4 = <usize>min(row + 4, last);
    const r5 = <usize>min(row + 5, last);
    let x0 = x + <usize>row * xStride;
    let x1 = x + r1 * xStride;
    let x2 = x + r2 * xStride;
    let x3 = x + r3 * xStride;
    let x4 = x + r4 * xStride;
    let x5 = x + r5 * xStride;
    let a0 = a;
    let b0 = b;
    let a1 = a;
    let b1 = b;
    let a2 = a;
    let b2 = b;
    let a3 = a;
    let b3 = b;
    let a4 = a;
    let b4 = b;
    let a5 = a;
    let b5 = b;
    for (let at = w; at < end; at += STEP) {
      const wa = v128.load(at);
      const wb = v128.load(at, 16);
      const v0 = v128.load32_splat(x0);
      a0 = madd(v0, wa, a0);
      b0 = madd(v0, wb, b0);
      const v1 = v128.load32_splat(x1);
      a1 = madd(v1, wa, a1);
      b1 = madd(v1, wb, b1);
      const v2 = v128.load32_splat(x2);
      a2 = madd(v2, wa, a2);
      b2 = madd(v2, wb, b2);
      const v3 = v128.load32_splat(x3);
      a3 = madd(v3, wa, a3);
      b3 = madd(v3, wb, b3);
      const v4 = v128.load32_splat(x4);
      a4 = madd(v4, wa, a4);
      b4 = madd(v4, wb, b4);
      const v5 = v128.load32_splat(x5);
      a5 = madd(v5, wa, a5);
      b5 = madd(v5, wb, b5);
      x0 += 4;
      x1 += 4;
      x2 += 4;
      x3 += 4;
      x4 += 4;
      x5 += 4;
    }
    store8(y + <usize>row * yStride, a0, b0);
    store8(y + r1 * yStride, a1, b1);
    store8(y + r2 * yStride, a2, b2);
    store8(y + r3 * yStride, a3, b3);
    store8(y + r4 * yStride, a4, b4);
    store8(y + r5 * yStride, a5, b5);
  }
}

// @inline
function store8(to: usize, a: v128, b: v128): void {
  v128.store(to, a);
  v128.store(to, b, 16);
}
