/**
 * From words to the token ids of a text tower, by the model's own tokenizer. The work is `@huggingface/tokenizers`'; here are
 * what comes before (the form of the text) and after (the length).
 */
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { ViTError } from '../error.ts';
import type { TextArchitecture } from '../model/text.ts';
import type { Words } from '../weights/manifest.ts';
import { checkTokenizer } from './check-tokenizer.ts';
import { cleanText } from './clean.ts';
import { MOST_CHARACTERS } from './tokenizer-limits.ts';

export interface Tokenizer {
  /**
   * @param truncate cut a text that is too long, as the model's library does, instead of refusing it
   * @returns ids without padding, at most as many as the model takes
   * @throws ViTError `bad-input` for a text that is too long, naming it
   */
  encode(text: string, truncate?: boolean): number[];
}

/**
 * @param bytes of `tokenizer.json`, verified
 * @throws ViTError `bad-manifest` for what is no tokenizer, is another model's, or could take a page's time or memory
 */
export function openTokenizer(bytes: Uint8Array, { clean }: Words, text: TextArchitecture): Tokenizer {
  const library = openLibrary(bytes, text);
  return {
    encode: (words, truncate = false) => encode(library, cleanText(words, clean), text.tokens, truncate, words),
  };
}

function openLibrary(bytes: Uint8Array, { vocabulary }: TextArchitecture): Library {
  try {
    return new Library(checkTokenizer(JSON.parse(new TextDecoder().decode(bytes)), vocabulary), {});
  } catch (error) {
    if (error instanceof ViTError) throw error;
    const { message } = error as Error;
    throw new ViTError('bad-manifest', `The model's tokenizer.json cannot be used: ${message}.`, { cause: error });
  }
}

/** @param asked the text as the caller has it, for messages */
function encode(library: Library, text: string, tokens: number, truncate: boolean, asked: string): number[] {
  const shown = `"${asked.slice(0, 40)}${asked.length > 40 ? '…' : ''}"`;
  if (text.length > MOST_CHARACTERS && !truncate) {
    throw tooLong(shown, `${text.length} characters; give ${MOST_CHARACTERS} at most`);
  }
  const kept = text.slice(0, MOST_CHARACTERS);
  const { ids } = library.encode(kept);
  if (ids.length <= tokens) return ids;
  if (!truncate) throw tooLong(shown, `${ids.length} tokens; the model takes ${tokens}`);
  const { ids: words } = library.encode(kept, { add_special_tokens: false });
  // What begins and ends every text stays.
  const before = ids.findIndex((_, start) => words.every((id, i) => ids[start + i] === id));
  const end = ids.slice(before + words.length);
  return [...ids.slice(0, tokens - end.length), ...end];
}

function tooLong(shown: string, why: string): ViTError {
  return new ViTError(
    'bad-input',
    `The text ${shown} has ${why}. Shorten it, or have it cut: embedText(texts, { truncate: true }).`,
  );
}
