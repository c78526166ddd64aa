/**
 * Tokenizers made up for tests, in the form of `tokenizer.json`.
 */
import type { ModelFiles } from '../../src/interface.ts';
import type { Words } from '../../src/weights/manifest.ts';
import { sha256 } from '../../src/weights/verify.ts';

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];

/** Ids of letters are 0 to 25; a text begins with 28 and ends with 29. */
export function lettersTokenizer() {
  const vocab = Object.fromEntries(
    [...LETTERS, '<unk>', '<start>', '<end>'].map((token, i) => [token, i < 26 ? i : i + 1]),
  );
  return {
    added_tokens: [
      { id: 28, content: '<start>', special: true },
      { id: 29, content: '<end>', special: true },
    ],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: { type: 'BertProcessing', sep: ['<end>', 29], cls: ['<start>', 28] },
    decoder: null,
    model: { type: 'BPE', unk_token: '<unk>', vocab, merges: [] },
  };
}

/** `w12 w5` is 12 and 5, with nothing before and behind. */
export function numbersTokenizer(vocabulary: number) {
  const vocab = Object.fromEntries(Array.from({ length: vocabulary }, (_, id) => [`w${id}`, id]));
  return {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    decoder: null,
    model: { type: 'WordPiece', unk_token: 'w0', continuing_subword_prefix: '##', vocab },
  };
}

/** A model in memory that takes words. */
export async function withWords(
  files: ModelFiles,
  tokenizer: object,
  form: Pick<Words, 'clean' | 'template'> = { clean: 'html', template: 'a {}' },
): Promise<ModelFiles> {
  const bytes = new TextEncoder().encode(JSON.stringify(tokenizer));
  const entry = { file: 'tokenizer.json', bytes: bytes.length, sha256: await sha256(bytes) };
  return { ...files, manifest: { ...files.manifest, words: { tokenizer: entry, ...form } }, tokenizer: bytes };
}
