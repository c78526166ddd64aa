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
export const labelCount = signal(
  LABEL_COUNTS.find((count) => `${count}` === (address.get('labels') ?? remembered.get('labels'))) ?? 5,
);

/** As it was typed; null for the model that comes with the page. */
export const modelAddress = signal(address.get('model'));

/** Of the second model, where two are compared. */
export const secondAddress = signal(address.get('compare'));

/** The address of the page follows: it can be kept, and passed on. */
export function chooseModel(value: string | null): void {
  modelAddress.value = value;
  setParameter('model', value);
}

export function chooseSecond(value: string | null): void {
  secondAddress.value = value;
  setParameter('compare', value);
}

function setParameter(name: string, value: string | null): void {
  const url = new URL(location.href);
  if (value === null) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  history.replaceState(history.state, '', url);
}

export function chooseBackend(value: Backend): void {
  backend.value = value;
  remembered.set('backend', value);
}

export function chooseLabelCount(value: number): void {
  labelCount.value = value;
  remembered.set('labels', `${value}`);
}
