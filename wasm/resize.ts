/**
 * One pass of Pillow's resize, in integers: y = clamp((2^21 + Σ byte weight) >> 22, 0, 255), with weights in units of 2^-22. A pass along
 * rows has lines of pixels side by side, one down columns has lines of pixels below each other.
 *
 *   x       `lines` lines of RGBA pixels, `xLine` bytes apart, their pixels `xPixel` bytes
 *   bounds  [count][2] i32: the first pixel of a line that an output is made of, and how many
 *   pairs   [count][taps / 2][4] i16: of two neighbouring weights the lower halves, signed, and what is above these. `taps` is even; weights
 *           beyond an output's own are zero
 *   y       `lines` lines of `count` RGBA pixels, in the same way
 *
 * Products of 16 bits are summed two at a time by one instruction, where those of 32 bits take several each. Sums are right modulo
 * 2^32, and whole ones stay below 2^31.
 */
const BITS = 22;
const LOWER_BITS = 16;

export function resize(
  x: usize,
  xLine: usize,
  xPixel: usize,
  lines: i32,
  bounds: usize,
  pairs: usize,
  taps: i32,
  count: i32,
  y: usize,
  yLine: usize,
  yPixel: usize,
): void {
  const boundsEnd = bounds + ((<usize>count) << 3);
  const weightBytes = (<usize>taps) << 2;
  for (; lines > 0; lines--) {
    let to = y;
    let weights = pairs;
    for (let bound = bounds; bound < boundsEnd; bound += 8) {
      let from = x + <usize>load<i32>(bound) * xPixel;
      const end = from + <usize>load<i32>(bound, 4) * xPixel;
      let lower = i32x4.splat(1 << (BITS - 1));
      let upper = i32x4.splat(0);
      for (let w = weights; from < end; from += 2 * xPixel, w += 8) {
        const a = v128.load32_zero(from);
        const b = v128.load32_zero(from + xPixel);
        // The same channel of both, side by side.
        const both = i16x8.extend_low_i8x16_u(
          v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        );
        lower = i32x4.add(lower, i32x4.dot_i16x8_s(both, v128.load32_splat(w)));
        upper = i32x4.add(upper, i32x4.dot_i16x8_s(both, v128.load32_splat(w, 4)));
      }
      const sum = i32x4.shr_s(i32x4.add(i32x4.shl(upper, LOWER_BITS), lower), BITS);
      const words = i16x8.narrow_i32x4_s(sum, sum);
      v128.store32_lane(to, i8x16.narrow_i16x8_u(words, words), 0);
      to += yPixel;
      weights += weightBytes;
    }
    x += xLine;
    y += yLine;
  }
}
