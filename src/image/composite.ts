/**
 * Transparent pixels over a background colour: round((colour * alpha + background * (255 - alpha)) / 255) in integers,
 * which is Pillow's `alpha_composite` over an opaque picture.
 */

/** A copy of `rgba`, opaque. `background` is three bytes. */
export function compositeOver(rgba: Uint8Array | Uint8ClampedArray, background: readonly number[]): Uint8Array {
  const result = new Uint8Array(rgba.length).fill(255);
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3];
    for (let c = 0; c < 3; c++) result[i + c] = blend(rgba[i + c], background[c], alpha);
  }
  return result;
}

export function blend(colour: number, background: number, alpha: number): number {
  const sum = colour * alpha + background * (255 - alpha) + 128;
  // Division by 255, rounded, without dividing: exact for sums below 2^16.
  return (sum + (sum >> 8)) >> 8;
}
