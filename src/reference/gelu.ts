/**
 * GELU in float64, in place: x Φ(x), with Φ the normal distribution function, through erf.
 */
export function gelu(x: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] = 0.5 * x[i] * (1 + erf(x[i] / Math.SQRT2));
}

/**
 * The error function to double precision (absolute error below 1e-15): its Taylor series near zero, where no digits
 * cancel yet, and the continued fraction of erfc (Lentz) beyond.
 * Source: Abramowitz and Stegun, 7.1.6 and 7.1.14.
 */
export function erf(x: number): number {
  const t = Math.abs(x);
  return Math.sign(x) * (t < 2.5 ? erfSeries(t) : 1 - erfcFraction(t));
}

/** 2/√π exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)): every term is positive. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** exp(-x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))), evaluated from the far end; 60 levels suffice for x >= 2.5. */
function erfcFraction(x: number): number {
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
