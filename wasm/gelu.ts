/**
 * GELU of each element: y = x Φ(x) = x (1 + erf(x / √2)) / 2, the exact form.
 *
 * Φ(x) = 1/2 + x P(x²) / Q(x²) for |x| <= 5.4, where Φ is 0 or 1 but for 3e-8. P and Q are fitted for the least largest error: 6e-9,
 * and 2e-7 with the rounding of f32. With the exponential that erf is usually made of it took twice as long.
 */
import { clamp, madd } from './vectors';

export function gelu(x: v128): v128 {
  const c = clamp(x, -5.4, 5.4);
  const s = f32x4.mul(c, c);
  let p = madd(s, f32x4.splat(2.3386750314102756e-8), f32x4.splat(6.359997769322945e-6));
  p = madd(s, p, f32x4.splat(1.643203286221251e-4));
  p = madd(s, p, f32x4.splat(4.650842864066362e-3));
  p = madd(s, p, f32x4.splat(3.337210789322853e-2));
  p = madd(s, p, f32x4.splat(0.398942232131958));
  let q = madd(s, f32x4.splat(1.2165897942395532e-6), f32x4.splat(7.239967817440629e-5));
  q = madd(s, q, f32x4.splat(1.858973759226501e-3));
  q = madd(s, q, f32x4.splat(2.8378615155816078e-2));
  q = madd(s, q, f32x4.splat(0.2503175735473633));
  q = madd(s, q, f32x4.splat(1));
  return f32x4.mul(x, madd(c, f32x4.div(p, q), f32x4.splat(0.5)));
}
