/**
 * A score as people read it.
 */
import type { PhotoState } from '../state/items.ts';
import { format } from './language.ts';

/** A share in per cent, or the number itself. */
export function scoreText(score: number, state: PhotoState): string {
  return state === 'measured' ? format().number(score) : format().percent(score);
}
