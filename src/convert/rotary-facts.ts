/**
 * What is known of a model's rotary positions before its tensors are looked at.
 */
import type { Rotary } from '../model/rotary.ts';

export interface RotaryFacts extends Pick<Rotary, 'positions' | 'registers'> {
  /** `class-token`: 1 where there is one. */
  offset?: number | 'class-token';
  /** Which features are a pair: 2 i and 2 i + 1, or i and i + K/2. */
  pairs: 'neighbours' | 'halves';
  /** The grid that positions are scaled to; `own`: that of the checkpoint's image size. */
  grid?: [rows: number, columns: number] | 'own' | null;
  /** The side of the patches that `grid` is of; where the checkpoint's are others, its own grid is meant. */
  ofPatch?: number;
  /** How frequencies are computed; `null` where a tensor holds them. */
  bands: Bands | null;
}

/** Of K/4 bands m there are the frequencies turns / base^(m / (K/4)), for the first half of the pairs along one axis. */
export interface Bands {
  base: number;
  turns: number;
  first: 'row' | 'column';
}

/** DINOv3's, of the libraries that do not store them. */
export function dinov3At(base: number): RotaryFacts {
  return { pairs: 'halves', positions: 'centred', bands: { base, turns: 2 * Math.PI, first: 'row' } };
}

export const DINOV3 = dinov3At(100);
