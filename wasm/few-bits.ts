/**
 * Weights of 8 or 4 bits to f32: each is a signed whole number times the scale that it shares with other inputs of its output.
 *
 *   codes   a panel, [inputs][8]: of 8 bits a byte each. Of 4, [inputs / 2][8] bytes, of which the lower half is of the even input
 *           and the upper of the odd one
 *   scales  [inputs / group][8] in f32
 *   floats  [inputs][8]
 */

export function widenBytes(codes: usize, scales: usize, group: i32, inputs: i32, floats: usize): void {
  for (let input = 0; input < inputs; input += group, scales += 32) {
    const a = v128.load(scales);
    const b = v128.load(scales, 16);
    for (let i = 0; i < group; i++, codes += 8, floats += 32) scaled(v128.load8x8_s(codes), a, b, floats);
  }
}

/** @param group a multiple of 2, as `inputs` is */
export function widenNibbles(codes: usize, scales: usize, group: i32, inputs: i32, floats: usize): void {
  for (let input = 0; input < inputs; input += group, scales += 32) {
    const a = v128.load(scales);
    const b = v128.load(scales, 16);
    for (let i = 0; i < group; i += 2, codes += 8, floats += 64) {
      const pair = v128.load8x8_s(codes);
      scaled(i16x8.shr_s(i16x8.shl(pair, 12), 12), a, b, floats);
      scaled(i16x8.shr_s(pair, 4), a, b, floats + 32);
    }
  }
}

/** Eight whole numbers, times the scales of their outputs. */
// @inline
function scaled(codes: v128, a: v128, b: v128, floats: usize): void {
  v128.store(floats, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(codes)), a));
  v128.store(floats, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(codes)), b), 16);
}
