/**
 * What is understood of a config file: a table of its keys. A key that stands in no table may change what a model computes
 * without a trace in its tensors, so it is asked about; a key that is understood at some values alone is refused at others.
 */
import { ViTError } from '../../error.ts';
import type { JsonObject } from '../json.ts';
import type { Dimensions } from '../tensor-dimensions.ts';

export type Key =
  /** The reader of the file makes facts of it. */
  | { read: true }
  /** No result depends on it. */
  | { unused: true }
  /** The tensors show it, too. */
  | { same: Shown }
  /** What this version can run. */
  | { only: readonly unknown[] };

/** What the tensors show in place of a key's value; the value itself where they show nothing. */
type Shown = (dimensions: Dimensions, value: unknown) => unknown;

export type Keys = Readonly<Record<string, Key>>;

export const read: Key = { read: true };
export const unused: Key = { unused: true };
export const same = (shown: Shown): Key => ({ same: shown });
export const only = (...values: unknown[]): Key => ({ only: values });

/** The same of each key, in a list with spaces. */
export const each = (keys: string, key: Key): Keys => Object.fromEntries(keys.split(' ').map((name) => [name, key]));

/** A key that only training reads. */
export const training = unused;

/** A key whose value the tensors show, too, to see whether the two belong together. */
export interface Claim {
  /** `config.json has hidden_size 768` */
  claim: string;
  value: unknown;
  shown: Shown;
}

/** A key that no table has. */
export interface UnknownKey {
  key: string;
  /** `config.json has foo 3` */
  claim: string;
}

/** @throws ViTError `unsupported-model` for a key that has a value this version cannot run */
export function checkKeys(config: JsonObject, keys: Keys): { claims: Claim[]; unknown: UnknownKey[] } {
  const claims: Claim[] = [];
  const unknown: UnknownKey[] = [];
  for (const key of config.keys) {
    if (!config.has(key)) continue;
    const value = config.value(key);
    const claim = `${config.file} has ${key} ${text(value)}`;
    const rule = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (!rule) unknown.push({ key, claim });
    else if ('same' in rule) claims.push({ claim, value, shown: rule.same });
    else if ('only' in rule && !rule.only.some((known) => text(known) === text(value))) {
      const known = rule.only.map(text).join(' or ');
      throw new ViTError(
        'unsupported-model',
        `${claim}, which this version cannot run${known && `; it can ${known}`}.`,
      );
    }
  }
  return { claims, unknown };
}

/** @throws ViTError `bad-input` naming the first key that says something else than the tensors */
export function checkClaims(claims: readonly Claim[], dimensions: Dimensions): void {
  for (const { claim, value, shown } of claims) {
    const actual = shown(dimensions, value);
    if (text(actual) === text(value)) continue;
    throw new ViTError(
      'bad-input',
      `${claim}, but the tensors have ${text(actual)}. Is it the config of this checkpoint?`,
    );
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** [height, width], in the form that the file has. */
export function square(size: readonly number[], value: unknown): unknown {
  return typeof value === 'number' && size[0] === size[1] ? size[0] : size;
}
