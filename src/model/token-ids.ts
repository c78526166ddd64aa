/**
 * Token ids on their way to the text tower: checked, padded to the length that the model takes, and with the token found
 * that gives each text its features.
 */
import { shown, ViTError } from '../error.ts';
import type { TextArchitecture } from './text.ts';

/** Token ids `[batch, T]`, and which of its T tokens gives each text its features. */
export interface Texts {
  ids: Uint32Array<ArrayBuffer>;
  ends: Uint32Array<ArrayBuffer>;
}

/** @throws ViTError `bad-input` naming the text and what is wrong with it */
export function prepareTexts(texts: readonly (readonly number[])[], text: TextArchitecture): Texts {
  const { tokens, padding } = text;
  const ids = new Uint32Array(texts.length * tokens).fill(padding);
  const ends = new Uint32Array(texts.length);
  for (const [i, list] of texts.entries()) {
    checkIds(list, i, text);
    ids.set(list, i * tokens);
    ends[i] = endOf(list, i, text);
  }
  return { ids, ends };
}

function checkIds(ids: readonly number[], index: number, { tokens, vocabulary }: TextArchitecture): void {
  if (!Array.isArray(ids) || ids.length < 1 || ids.length > tokens) {
    throw new ViTError('bad-input', `Text ${index} must be a list of 1 to ${tokens} token ids, not ${shown(ids)}.`);
  }
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
  if (wrong === undefined) return;
  throw new ViTError(
    'bad-input',
    `Text ${index} has the token id ${shown(wrong)}; the model has 0 to ${vocabulary - 1}.`,
  );
}

function endOf(ids: readonly number[], index: number, { pooling, endOfText, tokens }: TextArchitecture): number {
  switch (pooling) {
    case 'last':
      return tokens - 1;
    case 'highest-id':
      return ids.indexOf(Math.max(...ids));
    case 'end-of-text': {
      const end = ids.indexOf(endOfText!);
      if (end >= 0) return end;
      throw new ViTError('bad-input', `Text ${index} lacks the token id ${endOfText}, with which every text ends.`);
    }
  }
}
