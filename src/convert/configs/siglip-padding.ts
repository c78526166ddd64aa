/** The size of Gemma's vocabulary, which SigLIP 2 has. */
const GEMMA = 256_000;

/**
 * What fills up a text of a SigLIP, whose tower attends to it. It is the tokenizer's to say, and configs leave it out or say what is
 * their class's default: SigLIP's own pads with its end of a text, 1, and Gemma's with `<pad>`, 0, where 1 is the end.
 *
 * @param stated in the config
 */
export function siglipPadding(vocabulary: number | undefined, stated: number | undefined): number {
  return vocabulary === GEMMA ? 0 : (stated ?? 1);
}
