/**
 * Values of flags: from text to what the converter takes. Each throws commander's `InvalidArgumentError`, which becomes
 * a message that names the flag.
 */
import { InvalidArgumentError } from 'commander';
import type { Crop, Resize } from '../model/preprocess.ts';

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
  const parts = text.split('x');
  if (parts.length !== 2) throw new InvalidArgumentError('Give height and width, such as 224x224.');
  return [parseCount(parts[0]), parseCount(parts[1])];
}

/** Commander makes an empty text of a `null` that a flag is parsed to, so that 'none' must stay a word until here. */
export function orNull<T>(value: T | 'none' | undefined): T | null | undefined {
  return value === 'none' ? null : value;
}

/** `squash:HxW`, `shortest-edge:N[:trunc|round]`, `longest-edge:N[:trunc|round]`, `patches:SIZE:MOST`, `none`. */
export function parseResize(text: string): Resize | 'none' {
  if (text === 'none') return text;
  const [mode, size = '', rounding = 'trunc', ...rest] = text.split(':');
  if (mode === 'squash' && text.split(':').length === 2) {
    const [height, width] = parseSize(size);
    return { mode, height, width };
  }
  if (mode === 'patches' && text.split(':').length === 3) {
    return { mode, size: parseCount(size), most: parseCount(rounding) };
  }
  const keepsRatio = mode === 'shortest-edge' || mode === 'longest-edge';
  if (keepsRatio && (rounding === 'trunc' || rounding === 'round') && rest.length === 0) {
    return { mode, size: parseCount(size), rounding };
  }
  throw new InvalidArgumentError(
    'Give squash:HxW, shortest-edge:N[:trunc|round], longest-edge:N[:trunc|round], patches:SIZE:MOST or none.',
  );
}

/** `HxW[:floor|half-even]`, `none`. */
export function parseCrop(text: string): Crop | 'none' {
  if (text === 'none') return text;
  const [size, rounding = 'half-even', ...rest] = text.split(':');
  if ((rounding !== 'floor' && rounding !== 'half-even') || rest.length > 0) {
    throw new InvalidArgumentError('Give HxW[:floor|half-even] or none.');
  }
  const [height, width] = parseSize(size);
  return { height, width, rounding };
}
