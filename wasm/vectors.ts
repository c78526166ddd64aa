/**
 * Four f32 at a time: what kernels share. The compiler inlines the smallest by itself, others where they ask for it.
 */

/** a b + c: one instruction where the module is the relaxed one. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Whole numbers in floats, below 2³¹, to integers. What is no number becomes one. */
function toIntegers(x: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_trunc_f32x4_s(x);
  return i32x4.trunc_sat_f32x4_s(x);
}

/** What is no number stays so. The usual `min` and `max` take several instructions each, since they ask for that on both sides. */
// @inline
export function clamp(x: v128, least: f32, most: f32): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.splat(least)), f32x4.splat(most));
}

/**
 * eˣ to 2e-7 of itself; at most e⁸⁸, at least e⁻⁸⁷. With x = n ln 2 + r and |r| <= ln 2 / 2, a polynomial gives eʳ (fitted for the
 * least largest relative error, 1e-7), and n is added to its exponent.
 */
// @inline
export function exp(x: v128): v128 {
  x = clamp(x, -87, 88);
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(Mathf.LOG2E)));
  // ln 2 in two parts, of which the first times n is exact.
  const r = madd(n, f32x4.splat(2.1219444e-4), madd(n, f32x4.splat(-0.693359375), x));
  let y = madd(r, f32x4.splat(0.00831253), f32x4.splat(0.04189011));
  y = madd(r, y, f32x4.splat(0.16667114));
  y = madd(r, y, f32x4.splat(0.49999232));
  y = madd(f32x4.mul(r, r), y, f32x4.add(r, f32x4.splat(1)));
  return i32x4.add(y, i32x4.shl(toIntegers(n), 23));
}

/** 1 / (1 + e⁻ˣ) */
// @inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
}

export function sumOf(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

export function largestOf(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** As many floats as fit whole vectors. */
export function wholeVectors(floats: i32): i32 {
  return floats & ~3;
}

/** `floats` numbers from one address to another. */
export function copyFloats(from: usize, to: usize, floats: i32): void {
  const whole = (<usize>wholeVectors(floats)) << 2;
  const end = (<usize>floats) << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
  for (; at < end; at += 4) store<f32>(to + at, load<f32>(from + at));
}

/** `rows` rows of `bytes` from one place to another. */
export function copyRows(from: usize, fromStride: usize, to: usize, toStride: usize, rows: i32, bytes: usize): void {
  for (let row = 0; row < rows; row++) {
    memory.copy(to, from, bytes);
    from += fromStride;
    to += toStride;
  }
}
