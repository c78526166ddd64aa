/**
 * A video on the stage, of a camera, a screen or a file, and the answer to its last picture; null while there is none.
 */
import { signal } from '@preact/signals-core';
import type { Classification } from '../../index.ts';
import type { Verdict } from './verdict.ts';

export interface Live {
  video: HTMLVideoElement;
  /** Where it comes from. */
  name(): string;
  /** The camera looks at the person: shown as a mirror does. */
  isMirrored: boolean;
  isPaused: boolean;
  /** Null before the first answer. */
  verdict: Verdict | null;
  best: Classification[];
  /** Pictures per second. */
  rate: number;
  pause(): void;
  stop(): void;
  keep(): void;
  /** Null where there is no other camera. */
  flip: (() => void) | null;
}

export const live = signal<Live | null>(null);
