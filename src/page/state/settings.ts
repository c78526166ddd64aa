/**
 * What a person chose: which model, what it runs on, how many labels. The address comes first (`?model=`, `?backend=`),
 * then the last visit.
 */
import { signal } from '@preact/signals-core';
import { remembered } from './remembered.ts';

export type Backend = 'auto' | 'webgpu' | 'cpu';

export const BACKENDS: readonly Backend[] = ['auto', 'webgpu', 'cpu'];
export const LABEL_COUNTS = [3, 5, 10];

const address = new URLSearchParams(location.search);

function startingBackend(): Backend {
  const asked = address.get('backend') ?? remembered.get('backend') ?? 'auto';
  return BACKENDS.find((name) => name === asked) ?? 'auto';
}

export const backend = signal<Backend>(startingBackend());

/** Labels with bars beside the photo. */
export const labelCount = signal(LABEL_COUNTS.find((count) => `${count}` === remembered.get('labels')) ?? 5);

/** As it was typed; null for the model that comes with the page. */
export const modelAddress = address.get('model');

export function chooseBackend(value: Backend): void {
  backend.value = value;
  remembered.set('backend', value);
}

export function chooseLabelCount(value: number): void {
  labelCount.value = value;
  remembered.set('labels', `${value}`);
}
