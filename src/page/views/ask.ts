/**
 * What the photos are asked: a choice, and below it the boxes or the words, which come when they are chosen.
 */
import { signal } from '@preact/signals-core';
import { html, nothing } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { notify } from '../state/notices.ts';
import { type Kind, kind } from '../state/question.ts';
import { text } from '../text/language.ts';

const KINDS: Kind[] = ['labels', 'things', 'words'];

/** Kept once they are there: what is in the boxes stays, and what it shows. */
const panels = signal<Partial<Record<Kind, () => unknown>>>({});

const LOAD: Partial<Record<Kind, () => Promise<() => unknown>>> = {
  things: async () => (await import('./things.ts')).thingsView,
  words: async () => (await import('./ask-words.ts')).wordsView,
};

export function askView(): unknown {
  const { ask } = text();
  const choice = (value: Kind) => html`
    <label>
      <input class="unseen" type="radio" name="kind" value=${value} .checked=${live(kind.value === value)} @change=${() => chooseKind(value)}>
      <span>${ask[value]}</span>
    </label>`;
  return html`
    <fieldset class="looks">
      <legend class="unseen">${ask.legend}</legend>
      ${KINDS.map(choice)}
    </fieldset>
    ${KINDS.map((value) => {
      const panel = panels.value[value];
      return panel ? html`<div class="panel" ?hidden=${kind.value !== value}>${panel()}</div>` : nothing;
    })}`;
}

/** While nobody waits for anything: a click then unfolds them at once, and nothing moves later. */
export function fetchPanels(): void {
  const whenIdle = window.requestIdleCallback ?? setTimeout;
  // What cannot be had is asked for again when it is chosen.
  whenIdle(() => {
    for (const load of Object.values(LOAD)) load().catch(() => {});
  });
}

export async function chooseKind(value: Kind): Promise<void> {
  kind.value = value;
  const load = LOAD[value];
  if (!load || panels.value[value]) return;
  try {
    panels.value = { ...panels.value, [value]: await load() };
  } catch {
    kind.value = 'labels';
    notify(text().nothing.notLoaded);
  }
}
