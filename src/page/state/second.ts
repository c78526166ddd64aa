/**
 * The second model, where two are compared; null where there is one. What it says of a photo is `second` of that photo.
 */
import { signal } from '@preact/signals-core';
import type { ModelState } from './model.ts';

export const second = signal<ModelState | null>(null);
