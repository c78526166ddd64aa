/**
 * The labels of a model as people keep them: a JSON array, a JSON object by number or by name, Keras's
 * imagenet_class_index.json, or a text file with a label per line.
 */
import { ViTError } from '../error.ts';

/**
 * @param text of the file
 * @param where names the file in messages
 * @returns one per class, in the order of the classes
 * @throws ViTError `bad-input` for another form, and for numbers with gaps
 */
export function parseLabels(text: string, where: string): string[] {
  const content = text.replace(/^\uFEFF/, '');
  return /^\s*[[{]/.test(content) ? fromJson(content, where) : fromLines(content, where);
}

function fromLines(text: string, where: string): string[] {
  const lines = text.trimEnd().split(/\r?\n/);
  const empty = lines.findIndex((line) => line.trim() === '');
  if (empty >= 0)
    throw new ViTError('bad-input', `${where}: line ${empty + 1} is empty; one label per line is expected.`);
  return lines.map((line) => line.trim());
}

function fromJson(text: string, where: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ViTError('bad-input', `${where} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const values = Array.isArray(json) ? json : byNumber(json as Record<string, unknown>, where);
  // `["n01440764", "tench"]`: an id, and the name.
  const labels = values.map((value) => (Array.isArray(value) && value.length === 2 ? value[1] : value));
  const strange = labels.findIndex((label) => typeof label !== 'string');
  if (strange < 0) return labels as string[];
  throw new ViTError(
    'bad-input',
    `${where}: class ${strange} has ${JSON.stringify(values[strange])} where a label is expected.`,
  );
}

/** `{"0": "cat"}`, or `{"cat": 0}`. */
function byNumber(json: Record<string, unknown>, where: string): unknown[] {
  const entries = Object.entries(json);
  const isReversed = entries.every(([, value]) => typeof value === 'number');
  const labels: unknown[] = [];
  for (const [key, value] of entries) {
    const [index, label] = isReversed ? [value as number, key] : [Number(key), value];
    if (!Number.isInteger(index) || index < 0 || index >= entries.length || labels[index] !== undefined) {
      throw new ViTError('bad-input', `${where} must number its ${entries.length} labels from 0 on; there is ${key}.`);
    }
    labels[index] = label;
  }
  return labels;
}
