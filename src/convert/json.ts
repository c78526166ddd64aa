/**
 * Reading values out of JSON that others wrote: each either has the type it should have, is absent, or is an error that
 * names the file and the key.
 */
import { ViTError } from '../error.ts';

export class JsonObject {
  readonly file: string;
  readonly #values: Record<string, unknown>;

  /** @throws ViTError `bad-input` when the value is not a JSON object. */
  constructor(file: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ViTError('bad-input', `${file} is not a JSON object.`);
    }
    this.file = file;
    this.#values = value as Record<string, unknown>;
  }

  get keys(): string[] {
    return Object.keys(this.#values);
  }

  /** `null` counts as absent, as it does in the libraries that write these files. */
  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  /** As it is in the file. */
  value(key: string): unknown {
    return this.#get(key);
  }

  string(key: string): string | undefined {
    return this.#typed(key, 'a string', (value) => typeof value === 'string');
  }

  boolean(key: string): boolean | undefined {
    return this.#typed(key, 'true or false', (value) => typeof value === 'boolean');
  }

  number(key: string): number | undefined {
    return this.#typed(key, 'a number', (value) => typeof value === 'number');
  }

  /** A whole number above zero. */
  count(key: string): number | undefined {
    return this.#typed(key, 'a whole number above 0', isCount);
  }

  numbers(key: string): number[] | undefined {
    return this.#typed(
      key,
      'a list of numbers',
      (value) => Array.isArray(value) && value.every((item) => typeof item === 'number'),
    );
  }

  strings(key: string): string[] | undefined {
    return this.#typed(
      key,
      'a list of strings',
      (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    );
  }

  /** [height, width]: from one number or two. */
  size(key: string): [number, number] | undefined {
    const value = this.#typed<number | [number, number]>(
      key,
      'a size in pixels',
      (size) => isCount(size) || (Array.isArray(size) && size.length === 2 && size.every(isCount)),
    );
    return typeof value === 'number' ? [value, value] : value;
  }

  object(key: string): JsonObject | undefined {
    const value = this.#get(key);
    return value === undefined ? undefined : new JsonObject(`${this.file}, ${key}`, value);
  }

  isObject(key: string): boolean {
    const value = this.#get(key);
    return typeof value === 'object' && !Array.isArray(value);
  }

  /** Labels as a list, or as an object whose keys are the class numbers 0, 1, 2, … */
  labels(key: string): string[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    const labels = Array.isArray(value) ? value : byNumber(value);
    if (!labels.every((label) => typeof label === 'string')) {
      throw new ViTError('bad-input', `${this.file}: ${key} must have one string per class, numbered from 0 on.`);
    }
    return labels;
  }

  #get(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? undefined) : undefined;
  }

  #typed<T>(key: string, kind: string, isValid: (value: unknown) => boolean): T | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (!isValid(value)) {
      throw new ViTError('bad-input', `${this.file}: ${key} must be ${kind}, not ${JSON.stringify(value)}.`);
    }
    return value as T;
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function byNumber(value: unknown): unknown[] {
  const entries = Object.entries(value as object);
  return entries.map((_, index) => (value as Record<string, unknown>)[index]);
}
