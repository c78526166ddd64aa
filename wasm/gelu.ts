/**
 * GELU of each element: y = x Φ(x) = x (1 + erf(x / √2)) / 2, the exact form.
 */
import { exp, madd } from './vectors';

/** erf to 1.5e-7: Abramowitz and Stegun 7.1.26. */
function erf(x: v128): v128 {
  const one = f32x4.splat(1);
  const t = f32x4.div(one, madd(f32x4.abs(x), f32x4.splat(0.3275911), one));
  let y = madd(t, f32x4.splat(1.061405429), f32x4.splat(-1.453152027));
  y = madd(t, y, f32x4.splat(1.421413741));
  y = madd(t, y, f32x4.splat(-0.284496736));
  y = madd(t, y, f32x4.splat(0.254829592));
  y = f32x4.mul(f32x4.mul(t, y), exp(f32x4.neg(f32x4.mul(x, x))));
  const sign = v128.and(x, f32x4.splat(-0.0));
  return v128.or(f32x4.sub(one, y), sign);
}

export function gelu(x: v128): v128 {
  const half = f32x4.mul(x, f32x4.splat(0.5));
  return madd(half, erf(f32x4.mul(x, f32x4.splat(Mathf.SQRT1_2))), half);
}
