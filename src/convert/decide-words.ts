/**
 * Decides how words become token ids, and whether the tokenizer that came with a checkpoint can be trusted with them.
 */
import { ViTError } from '../error.ts';
import type { Architecture } from '../model/architecture.ts';
import { checkTokenizer } from '../text/check-tokenizer.ts';
import { MOST_BYTES } from '../text/tokenizer-limits.ts';
import type { Words } from '../weights/manifest.ts';
import type { Finding } from './decisions.ts';
import { sha256 } from './sha256.ts';

export const TOKENIZER = 'tokenizer.json';

/** What can be said before a tensor is read. */
export type WordForm = Pick<Words, 'clean' | 'template'>;

/**
 * @param bytes of tokenizer.json
 * @param template given, with `{}` in a label's place
 * @returns null where words cannot be had
 * @throws ViTError `bad-input` for a template without `{}`; `bad-manifest` for a tokenizer that is none, or means harm
 */
export function decideWords(
  architecture: Architecture,
  hasBias: boolean,
  { tokenizer: bytes, template }: { tokenizer?: Uint8Array<ArrayBuffer>; template?: string },
  note: (finding: Finding) => void,
): WordForm | null {
  const { text } = architecture;
  if (!text) {
    if (bytes) note({ what: 'left out', value: TOKENIZER, why: 'there is no text tower' });
    if (template === undefined) return null;
    throw new ViTError('bad-input', 'A template is of a model with a text tower, and this one has none.');
  }
  if (template !== undefined && !template.includes('{}')) {
    throw new ViTError(
      'bad-input',
      `The template ${JSON.stringify(template)} has no {}, which a label takes the place of.`,
    );
  }
  if (!bytes) {
    note({ what: 'words', value: 'none', why: 'no tokenizer.json: texts are taken as token ids alone' });
    return null;
  }
  if (bytes.length > MOST_BYTES) {
    throw new ViTError('bad-input', `tokenizer.json has ${bytes.length} bytes; ${MOST_BYTES} are taken at most.`);
  }
  checkTokenizer(parse(bytes), text.vocabulary);
  // A bias makes the loss a sigmoid's: big_vision's models, which saw canonical texts alone.
  const usual: WordForm = hasBias
    ? { clean: 'canonical', template: 'This is a photo of {}.' }
    : { clean: 'html', template: 'a photo of {}' };
  const form = { ...usual, ...(template !== undefined && { template }) };
  const family = hasBias ? 'SigLIP (logit_bias)' : 'CLIP';
  note({ what: 'words', value: form.clean, why: `the convention of a ${family}` });
  note({
    what: 'template',
    value: form.template,
    why: template === undefined ? `the convention of a ${family}` : 'given',
  });
  return form;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ViTError('bad-input', `tokenizer.json is not JSON: ${(cause as Error).message}.`, { cause });
  }
}

/** The entry of a manifest. */
export async function wordsOf(form: WordForm, bytes: Uint8Array<ArrayBuffer>): Promise<Words> {
  return { tokenizer: { file: TOKENIZER, bytes: bytes.length, sha256: await sha256(bytes) }, ...form };
}
