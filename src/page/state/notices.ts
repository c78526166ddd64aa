/**
 * What is said once: in a toast that goes by itself, and to screen readers.
 */
import { signal } from '@preact/signals-core';

const SECONDS = 8;

export const toast = signal<string | null>(null);

let timer = 0;

/** For every "nothing happened". */
export function notify(sentence: string): void {
  toast.value = sentence;
  announce(sentence);
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    toast.value = null;
  }, SECONDS * 1000);
}

const KEPT = 30;

/** A log: lines are read one after another, where replacing one text would swallow answers that arrive together. */
export function announce(sentence: string): void {
  const log = document.querySelector('#announcements')!;
  const line = document.createElement('p');
  line.textContent = sentence;
  log.append(line);
  if (log.childElementCount > KEPT) log.firstElementChild!.remove();
}
