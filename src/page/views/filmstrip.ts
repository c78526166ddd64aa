/**
 * Many photos: a tile each, how many are sure, and what can be done with all of them.
 */
import { signal } from '@preact/signals-core';
import { html, nothing } from 'lit-html';
import { guard } from 'lit-html/directives/guard.js';
import { live } from 'lit-html/directives/live.js';
import { repeat } from 'lit-html/directives/repeat.js';
import { clear, run, stop } from '../engine/photo-queue.ts';
import { makeThumbnail } from '../engine/thumbnail.ts';
import { asCsv, asJson, asTabs, download } from '../export/answer-tables.ts';
import {
  type Answer,
  counts,
  type Filter,
  filter,
  type Order,
  openCount,
  order,
  type Photo,
  photos,
  refused,
  removePhotos,
  selectedId,
  shown,
} from '../state/items.ts';
import { notify } from '../state/notices.ts';
import { kind, question } from '../state/question.ts';
import { format, language, text } from '../text/language.ts';
import { scoreText } from '../text/score.ts';

/** Tiles that are made at first, and whenever the reader comes near the end of them: more at once would be felt. */
const PART = 30;
const limit = signal(PART);

const endInSight = new IntersectionObserver(
  ([{ isIntersecting }]) => {
    if (isIntersecting) limit.value += PART;
  },
  { rootMargin: '600px' },
);

export function stripView(): unknown {
  const all = photos.value;
  const list = shown.value;
  if (all.length < 2) limit.value = PART;
  const isList = all.length > 1;
  // A single photo has its tile, too, and does not show it: it is there when a second one comes.
  return html`
    ${refusedView()}
    ${
      isList
        ? html`
          <h2 id="strip-title">${summary()}</h2>
          ${runView()}
          ${toolsView()}
          ${list.length === 0 ? html`<p class="none">${text().strip.none}</p>` : nothing}`
        : nothing
    }
    <ul class="tiles" ?hidden=${!isList} @keydown=${onKey} @click=${onClick}>
      ${repeat(list.slice(0, limit.value), ({ id }) => id, tileView)}
    </ul>
    ${list.length > limit.value ? moreView() : nothing}`;
}

function summary(): string {
  const { sure, unsure, failed } = counts.value;
  return text().strip.summary(photos.value.length, sure, unsure, failed, format());
}

function runView(): unknown {
  const open = openCount.value;
  if (!run.value || open === 0) return html`<p class="run"></p>`;
  const { strip } = text();
  const { done, since } = run.value;
  const total = done + open;
  const seconds = done > 0 ? ((performance.now() - since) / done / 1000) * open : 0;
  return html`
    <p class="run">
      <progress max=${total} .value=${done} aria-labelledby="run-text"></progress>
      <button class="quiet" type="button" @click=${stop}>${strip.stop}</button>
      <span id="run-text">${strip.progress(done, total, seconds > 0 ? format().duration(seconds) : '', format())}</span>
    </p>`;
}

function toolsView(): unknown {
  const { strip } = text();
  return html`
    <div class="tools">
      ${select(strip.show, filter.value, ['all', 'sure', 'unsure', 'failed'], (value) => {
        filter.value = value as Filter;
      })}
      ${select(strip.order, order.value, ['newest', 'name', 'label', 'score'], (value) => {
        order.value = value as Order;
      })}
      <span class="exports">
        <button class="quiet" type="button" @click=${() => download('answers.csv', 'text/csv', asCsv(shown.value))}>${strip.csv}</button>
        <button class="quiet" type="button" @click=${() => download('answers.json', 'application/json', asJson(shown.value))}>${strip.json}</button>
        <button class="quiet" type="button" @click=${copy}>${strip.copy}</button>
        <button class="quiet" type="button" @click=${clear}>${strip.clear}</button>
      </span>
    </div>`;
}

function select(name: string, value: string, choices: (Filter | Order)[], onChange: (value: string) => void): unknown {
  return html`
    <label>${name}
      <select .value=${live(value)} @change=${({ target }: Event) => onChange((target as HTMLSelectElement).value)}>
        ${choices.map((choice) => html`<option value=${choice} ?selected=${choice === value}>${text().strip[choice]}</option>`)}
      </select>
    </label>`;
}

async function copy(): Promise<void> {
  const { copied, notCopied } = text().strip;
  try {
    await navigator.clipboard.writeText(asTabs(shown.value));
    notify(copied);
  } catch {
    notify(notCopied);
  }
}

/** Drawn again only when its photo is another object. */
function tileView(photo: Photo): unknown {
  const isSelected = photo.id === selectedId.value;
  // Into the boxes.
  const canBeDragged = kind.value === 'things';
  // The second model has its own labels alone.
  const isAsked = question.value !== null;
  return guard([photo, isSelected, canBeDragged, isAsked, language()], () => {
    if (!photo.thumbnail && photo.file) makeThumbnail(photo.id, photo.file);
    const words = wordsOf(photo);
    const beside = isAsked || !photo.second ? '' : wordsOf(photo.second);
    return html`
      <li draggable=${canBeDragged}>
        <button class="tile" type="button" data-id=${photo.id} data-state=${photo.state} aria-pressed=${isSelected} title=${[photo.name, words, beside].filter(Boolean).join(': ')}>
          ${photo.thumbnail ? html`<img src=${photo.thumbnail} alt="" draggable="false" decoding="async">` : html`<span class="blank"></span>`}
          <span class="unseen">${photo.name}: </span>
          <span class="caption">${words}</span>
          ${beside ? html`<span class="caption beside" data-state=${photo.second!.state}>${beside}</span>` : nothing}
        </button>
      </li>`;
  });
}

function wordsOf({ state, best, problem }: Answer): string {
  const { stage } = text();
  switch (state) {
    case 'waiting':
      return stage.waiting;
    case 'working':
      return stage.working;
    case 'failed':
      return problem!(text()).title;
    case 'sure':
    case 'measured':
      return `${best[0].label} ${scoreText(best[0].score, state)}`;
    case 'seen':
      return stage.seen;
    default:
      return stage.notSure;
  }
}

function onClick({ target }: Event): void {
  const id = idOf(target);
  if (id !== null) selectedId.value = id;
}

/** Arrows walk through the tiles, and Delete removes one. */
function onKey(event: KeyboardEvent): void {
  const id = idOf(event.target);
  if (id === null) return;
  const tile = (event.target as Element).closest('li')!;
  const isLeft = getComputedStyle(tile).direction === 'ltr' ? event.key === 'ArrowLeft' : event.key === 'ArrowRight';
  const previous = tile.previousElementSibling;
  const next = tile.nextElementSibling;
  if (event.key === 'Delete') {
    focus(next ?? previous);
    removePhotos((photo) => photo.id === id);
  } else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') focus(isLeft ? previous : next);
  else return;
  event.preventDefault();
}

function focus(tile: Element | null): void {
  tile?.querySelector('button')?.focus();
}

function idOf(target: EventTarget | null): number | null {
  const id = (target as Element).closest<HTMLElement>('[data-id]')?.dataset.id;
  return id === undefined ? null : Number(id);
}

function moreView(): unknown {
  return html`<p class="more"><button class="quiet" type="button" @click=${() => {
    limit.value += PART;
  }}>${text().strip.more}</button></p>`;
}

/** Watches for the end of the tiles to come in sight, whenever there is one. */
export function watchEnd(root: HTMLElement): void {
  new MutationObserver(() => {
    endInSight.disconnect();
    const end = root.querySelector('.more');
    if (end) endInSight.observe(end);
  }).observe(root, { childList: true, subtree: true });
}

function refusedView(): unknown {
  const files = refused.value;
  if (files.length === 0) return nothing;
  return html`
    <details class="refused">
      <summary>${text().strip.refused(files.length, format())}</summary>
      <ul>
        ${files.map(({ problem }) => {
          const { title, sentence } = problem(text());
          return html`<li><strong>${title}.</strong> ${sentence}</li>`;
        })}
      </ul>
    </details>`;
}
