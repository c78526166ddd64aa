/**
 * What a person typed in answer to the questions of a checkpoint, as the library takes it.
 */
import type { Conversion } from '../../index.ts';
import { readCrop, readResize, readSize } from '../../notation.ts';

type Reader = (typed: string) => unknown;

const numbers: Reader = (typed) => typed.split(/[\s,;]+/).map(number);
const names: Reader = (typed) => typed.split(/\s*[,\n]\s*/).filter(Boolean);
const truth: Reader = (typed) => ({ true: true, false: false })[typed];

const READERS: Record<string, Reader> = {
  heads: number,
  textHeads: number,
  epsilon: number,
  qkScale: number,
  imageSize: size,
  patchSize: size,
  normFirst: truth,
  text: truth,
  ignore: names,
  ignoreKeys: names,
  labels: names,
  config: parse,
  preprocessor: parse,
  calibration: parse,
  'preprocess.mean': numbers,
  'preprocess.std': numbers,
  'preprocess.resize': resize,
  'preprocess.crop': crop,
};

/** @returns undefined where it cannot be read */
export function readAnswer(name: string, typed: string): unknown {
  const value = (READERS[name] ?? String)(typed.trim());
  const isBroken = (part: unknown) => part === undefined || part === '' || Number.isNaN(part);
  return (Array.isArray(value) ? value.length === 0 || value.some(isBroken) : isBroken(value)) ? undefined : value;
}

/** @param answered by the names of questions, which may be parts of an option: `preprocess.mean` */
export function conversionOf(answered: Iterable<[name: string, value: unknown]>): Conversion {
  const conversion: Record<string, unknown> = {};
  for (const [name, value] of answered) {
    const [option, part] = name.split('.');
    conversion[option] = part ? { ...(conversion[option] as object), [part]: value } : value;
  }
  return conversion;
}

function number(typed: string): number {
  return typed.trim() === '' ? Number.NaN : Number(typed);
}

/** `224` is a square. */
function size(typed: string): unknown {
  return readSize(plain(typed.replace(/^\d+$/, '$&x$&'))) ?? undefined;
}

function resize(typed: string): unknown {
  return answerFrom(readResize(plain(typed)));
}

function crop(typed: string): unknown {
  return answerFrom(readCrop(plain(typed)));
}

/** People write `224 × 224`. */
function plain(typed: string): string {
  return typed.replace(/\s*[x×]\s*/g, 'x');
}

/** `none` is an answer, and what cannot be read is not. */
function answerFrom<T>(value: T | 'none' | null): T | null | undefined {
  return value === 'none' ? null : (value ?? undefined);
}

function parse(typed: string): unknown {
  try {
    return JSON.parse(typed);
  } catch {
    return undefined;
  }
}
