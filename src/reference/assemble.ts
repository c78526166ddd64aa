/**
 * Patches to tokens in float64: prefix tokens in front, position embeddings added.
 */

/**
 * What tokens are before any pixel is added.
 *
 * @param prefix tokens of `[any number, D]` each
 * @param position `[positionPrefix + patches, D]`; `null` for none
 * @returns `[N, D]`: rows of `position` for the first `positionPrefix` tokens and for the patches, and the prefix tokens
 */
export function tokenStarts(
  prefix: ArrayLike<number>[],
  position: ArrayLike<number> | null,
  { tokens: N, width: D, positionPrefix }: StartsShape,
): Float64Array {
  const starts = new Float64Array(N * D);
  const prefixFloats = prefix.reduce((sum, token) => sum + token.length, 0);
  if (position) {
    for (let i = 0; i < positionPrefix * D; i++) starts[i] = position[i];
    for (let i = positionPrefix * D; i < position.length; i++) {
      starts[prefixFloats - positionPrefix * D + i] = position[i];
    }
  }
  let at = 0;
  for (const token of prefix) {
    for (let i = 0; i < token.length; i++) starts[at++] += token[i];
  }
  return starts;
}

export interface StartsShape {
  /** N */
  tokens: number;
  /** D */
  width: number;
  positionPrefix: number;
}

/**
 * @param patches `[batch * patches, D]`
 * @param starts `[N, D]`
 * @returns `[batch * N, D]`
 */
export function assemble(patches: Float64Array, starts: Float64Array, batch: number): Float64Array {
  const tokens = new Float64Array(batch * starts.length);
  const perImage = patches.length / batch;
  const prefix = starts.length - perImage;
  for (let image = 0; image < batch; image++) {
    const at = image * starts.length;
    tokens.set(starts, at);
    for (let i = 0; i < perImage; i++) tokens[at + prefix + i] += patches[image * perImage + i];
  }
  return tokens;
}
