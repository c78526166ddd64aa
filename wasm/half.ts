/**
 * IEEE 754 binary16 to f32, exactly.
 */

/** @param floats a multiple of 4; a panel has 8 per input */
export function widen(halves: usize, floats: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, halves += 8, floats += 16) {
    const bits = v128.load16x4_u(halves);
    const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
    const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
    // As bits of an f32 the exponent is 112 too small. A product mends that for subnormal halves, too.
    const value = f32x4.mul(magnitude, f32x4.splat(5.192296858534828e33));
    // The largest exponent is infinity or no number, there and here.
    const infinite = i32x4.ge_s(magnitude, i32x4.splat(0x0f800000));
    const widened = v128.bitselect(v128.or(magnitude, i32x4.splat(0x7f800000)), value, infinite);
    v128.store(floats, v128.or(widened, sign));
  }
}
