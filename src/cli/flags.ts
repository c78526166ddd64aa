/**
 * Values of flags: from text to what the converter takes. Each throws commander's `InvalidArgumentError`, which becomes
 * a message that names the flag.
 */
import { InvalidArgumentError } from 'commander';
import type { Crop, Resize } from '../model/preprocess.ts';
import { readCrop, readResize, readSize } from '../notation.ts';

export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Give a number.');
  return value;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Give a whole number above 0.');
  return Number(text);
}

/** `0.5,0.5,0.5` */
export function parseNumbers(text: string): number[] {
  return text.split(',').map(parseNumber);
}

export function parseNames(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

/** `224x224`: height x width. */
export function parseSize(text: string): [number, number] {
  return readSize(text) ?? refuse('Give height and width, such as 224x224.');
}

/** Commander makes an empty text of a `null` that a flag is parsed to, so that 'none' must stay a word until here. */
export function orNull<T>(value: T | 'none' | undefined): T | null | undefined {
  return value === 'none' ? null : value;
}

export function parseResize(text: string): Resize | 'none' {
  const ways = 'squash:HxW, shortest-edge:N[:trunc|round], longest-edge:N[:trunc|round], patches:SIZE:MOST or none';
  return readResize(text) ?? refuse(`Give ${ways}.`);
}

export function parseCrop(text: string): Crop | 'none' {
  return readCrop(text) ?? refuse('Give HxW[:floor|half-even] or none.');
}

function refuse(advice: string): never {
  throw new InvalidArgumentError(advice);
}
