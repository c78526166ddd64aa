/**
 * Reads JSON that others wrote: a value either has the type it should have, or there is an error that names its path.
 */
import { type ErrorCode, shown, ViTError } from '../error.ts';

/** A value within the JSON, with its path for messages. Only own properties count. */
export class Field {
  readonly value: unknown;
  readonly #where: string;
  readonly #name: string;
  readonly #code: ErrorCode;

  /** @param code of the error that a wrong value is */
  constructor(value: unknown, where: string, name: string, code: ErrorCode = 'bad-manifest') {
    this.value = value;
    this.#where = where;
    this.#name = name;
    this.#code = code;
  }

  path(name: string): string {
    return `${this.#where}: ${this.#name ? `${this.#name}.` : ''}${name}`;
  }

  fail(problem: string): never {
    throw new ViTError(this.#code, `${this.#where}: ${this.#name} ${problem}.`.replace(':  ', ': '));
  }

  has(name: string): boolean {
    return Object.hasOwn(this.record(), name);
  }

  get(name: string): Field {
    const path = this.#name ? `${this.#name}.${name}` : name;
    return new Field(this.has(name) ? this.record()[name] : undefined, this.#where, path, this.#code);
  }

  record(): Record<string, unknown> {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.#mustBe('an object');
    return value as Record<string, unknown>;
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') this.#mustBe('true or false');
    return this.value as boolean;
  }

  string(): string {
    if (typeof this.value !== 'string') this.#mustBe('a string');
    return this.value as string;
  }

  number(): number {
    if (typeof this.value !== 'number' || !Number.isFinite(this.value)) this.#mustBe('a number');
    return this.value as number;
  }

  integer(min: number, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.value as number;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      this.#mustBe(
        max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min} on` : `a whole number in ${min}..${max}`,
      );
    }
    return value;
  }

  /** [height, width] */
  pair(): [number, number] {
    return this.list((value) => value.integer(1), 2) as [number, number];
  }

  /** [red, green, blue], in bytes */
  rgb(): [number, number, number] {
    return this.list((byte) => byte.integer(0, 255), 3) as [number, number, number];
  }

  /** @param count of its entries; any number where it is left out */
  list<T>(parse: (item: Field) => T, count?: number): T[] {
    const value = this.value as unknown[];
    if (!Array.isArray(value)) this.#mustBe('an array');
    if (value.length !== (count ?? value.length)) this.fail(`has ${value.length} entries instead of ${count}`);
    return Array.from(value, (item, i) => parse(new Field(item, this.#where, `${this.#name}[${i}]`, this.#code)));
  }

  oneOf<T extends string>(names: readonly T[]): T {
    if (!names.includes(this.value as T)) this.#mustBe(`one of ${names.join(', ')}`);
    return this.value as T;
  }

  nullable<T>(parse: (field: Field) => T): T | null {
    return this.value === null ? null : parse(this);
  }

  #mustBe(what: string): never {
    if (this.value === undefined) this.fail('is missing');
    this.fail(`must be ${what}, not ${shown(this.value)}`);
  }
}
