/**
 * Whether a `tokenizer.json` can be trusted with the time and memory of a page. It comes with a model, from anywhere: its
 * regular expressions may take years for a line of text, and its replacements may make gigabytes of it.
 */
import { ViTError } from '../error.ts';
import { DEEPEST, MOST_GROWTH, MOST_PARTS, whyNotRegex } from './tokenizer-limits.ts';

export interface TokenizerJson {
  model: { type: string; vocab: Record<string, number> | [string, number][] };
  added_tokens: { id: number; content: string }[];
  normalizer: unknown;
  pre_tokenizer: unknown;
  post_processor: unknown;
  decoder: unknown;
}

/**
 * @param json parsed
 * @param vocabulary token ids of the text tower are below it
 * @throws ViTError `bad-manifest` naming what is wrong with it
 */
export function checkTokenizer(json: unknown, vocabulary: number): TokenizerJson {
  const fail = (problem: string): never => {
    throw new ViTError('bad-manifest', `The model's tokenizer.json ${problem}.`);
  };
  const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!isRecord(json) || !isRecord(json.model)) return fail('is none of Hugging Face: it has no "model"');
  const { model, added_tokens: added = [] } = json as { model: Record<string, unknown>; added_tokens?: unknown };
  if (!['BPE', 'Unigram', 'WordPiece'].includes(model.type as string)) {
    fail(`is of the type ${JSON.stringify(model.type)?.slice(0, 40)}, which this version does not know`);
  }
  if (!isRecord(model.vocab)) fail('has no vocabulary');
  if (!Array.isArray(added) || !added.every((token) => isRecord(token) && typeof token.content === 'string')) {
    fail('has added_tokens that are none');
  }
  const ids = Array.isArray(model.vocab) ? [model.vocab.length - 1] : Object.values(model.vocab as object);
  for (const id of [...ids, ...(added as { id: unknown }[]).map(({ id }) => id)]) {
    if (Number.isInteger(id) && id >= 0 && id < vocabulary) continue;
    fail(`is another model's: it has the token id ${id}, and the text tower has 0 to ${vocabulary - 1}`);
  }
  let parts = 0;
  let growth = 1;
  const walk = (value: unknown, depth: number): void => {
    if (!isRecord(value)) return;
    if (depth > DEEPEST || ++parts > MOST_PARTS) fail('has a pipeline of too many parts');
    const { Regex: regex, content, prepend } = value;
    if (regex !== undefined) {
      const why = typeof regex === 'string' ? whyNotRegex(regex) : 'is no text';
      if (why) fail(`has the regular expression ${JSON.stringify(regex)?.slice(0, 80)}, which ${why}`);
    }
    for (const put of [content, prepend]) if (typeof put === 'string') growth *= put.length + 1;
    if (growth > MOST_GROWTH) fail('makes texts too long: it has too many replacements');
    for (const inner of Object.values(value)) walk(inner, depth + 1);
  };
  walk(json.normalizer, 0);
  walk(json.pre_tokenizer, 0);
  return {
    ...(json as unknown as TokenizerJson),
    added_tokens: added as TokenizerJson['added_tokens'],
    normalizer: json.normalizer ?? null,
    pre_tokenizer: json.pre_tokenizer ?? null,
    post_processor: json.post_processor ?? null,
    // Ids are never made words again.
    decoder: null,
  };
}
