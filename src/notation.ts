/**
 * How a size, `resize` and `crop` are written, in flags of the command line and in the page's form. Whatever is not understood is
 * null: who asked says what to give.
 */
import type { Crop, Resize } from './model/preprocess.ts';

/** `224x336`: [height, width]. */
export function readSize(text: string): [height: number, width: number] | null {
  const [, height, width] = /^([1-9]\d*)x([1-9]\d*)$/.exec(text) ?? [];
  return height === undefined ? null : [Number(height), Number(width)];
}

/** `squash:HxW`, `shortest-edge:N[:trunc|round]`, `longest-edge:N[:trunc|round]`, `patches:SIZE:MOST`, `none`. */
export function readResize(text: string): Resize | 'none' | null {
  if (text === 'none') return text;
  const [mode, first = '', second, ...rest] = text.split(':');
  if (rest.length > 0) return null;
  const [height, width] = readSize(first) ?? [];
  if (mode === 'squash' && second === undefined && height && width) return { mode, height, width };
  const size = readCount(first);
  if (size === null) return null;
  const most = readCount(second ?? '');
  if (mode === 'patches') return most === null ? null : { mode, size, most };
  const rounding = second ?? 'trunc';
  if ((mode !== 'shortest-edge' && mode !== 'longest-edge') || (rounding !== 'trunc' && rounding !== 'round'))
    return null;
  return { mode, size, rounding };
}

/** `HxW[:floor|half-even]`, `none`. */
export function readCrop(text: string): Crop | 'none' | null {
  if (text === 'none') return text;
  const [first, rounding = 'half-even', ...rest] = text.split(':');
  const [height, width] = readSize(first) ?? [];
  if (!height || !width || rest.length > 0 || (rounding !== 'floor' && rounding !== 'half-even')) return null;
  return { height, width, rounding };
}

function readCount(text: string): number | null {
  return /^[1-9]\d*$/.test(text) ? Number(text) : null;
}
