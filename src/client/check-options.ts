/**
 * Arguments of public functions, looked at before anything is done: what is not understood is refused by name, with what
 * there is instead.
 */
import { shown, ViTError } from '../error.ts';

/** What a value must be, in words, and whether it is. */
export type Rule = readonly [mustBe: string, holds: (value: unknown) => boolean];

export const BOOLEAN: Rule = ['true or false', (value) => typeof value === 'boolean'];
/** Looked at where it is used. */
export const ANY: Rule = ['', () => true];
export const NUMBER: Rule = ['a number', (value) => typeof value === 'number' && !Number.isNaN(value)];
export const FUNCTION: Rule = ['a function', (value) => typeof value === 'function'];
export const LIST: Rule = ['a list', Array.isArray];
export const OBJECT: Rule = ['an object', isObject];
/** Of any realm. */
export const SIGNAL: Rule = ['an AbortSignal', (value) => isObject(value) && 'aborted' in value];

export function oneOf(...names: (string | number)[]): Rule {
  return [`one of ${names.join(', ')}`, (value) => names.includes(value as string)];
}

/** One rule for each option that there is. */
export type Rules<T> = { readonly [K in keyof Required<T>]: Rule };

/** @throws ViTError `bad-input` naming the option that does not exist, or that is something else than it must be */
export function checkOptions<T extends object>(call: string, options: T, rules: Rules<T>): T {
  if (!isObject(options)) throw badInput(`The options of ${call}() must be an object, not ${shown(options)}.`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw badInput(`${call}() has no option ${shown(name)}; there are ${Object.keys(rules).join(', ')}.`);
    }
    const [mustBe, holds] = rules[name as keyof T];
    if (value !== undefined && !holds(value)) {
      throw badInput(`${call}(): ${name} must be ${mustBe}, not ${shown(value)}.`);
    }
  }
  return options;
}

export function badInput(message: string, cause?: unknown): ViTError {
  return new ViTError('bad-input', message, { cause });
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
