/**
 * Boxes for things of one's own: a name and photos in each, and how well the model tells them apart.
 */
import { signal } from '@preact/signals-core';
import { html, nothing } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { keepAsking } from '../engine/ask.ts';
import { asFile, fromFile, lesson, nameOf, putArrivals, putHeld, putPhoto } from '../engine/teach.ts';
import { download } from '../export/answer-tables.ts';
import { fromFiles } from '../intake/arrivals.ts';
import { heldBy } from '../intake/transfer.ts';
import { findPhoto, selected, selectedId } from '../state/items.ts';
import {
  addBox,
  type Box,
  boxes,
  type Example,
  nameBox,
  removeBox,
  removeExample,
  thumbnails,
} from '../state/things.ts';
import { format, text } from '../text/language.ts';
import { shownView } from './asked.ts';

/** The kind of data of a photo of this page that is dragged into a box. */
const PHOTO = 'application/x-vit-photo';

keepAsking();

addEventListener('dragstart', ({ target, dataTransfer }) => {
  const element = target as Element;
  const id = element.querySelector<HTMLElement>('[data-id]')?.dataset.id ?? selectedId.value;
  if (element.closest('.tiles, .frame') && id !== null) dataTransfer!.setData(PHOTO, `${id}`);
});

export function thingsView(): unknown {
  const { things } = text();
  return html`
    <p class="soft">${things.lead}</p>
    <div class="boxes">
      ${repeat(boxes.value, ({ id }) => id, boxView)}
      <p class="another"><button class="quiet" type="button" @click=${another}>${things.another}</button></p>
    </div>
    <div class="status" role="status">
      <p>${statusOf()}</p>
      ${lesson.value.state === 'learned' ? shownView() : nothing}
    </div>
    <p class="doings">
      <button class="quiet" type="button" ?disabled=${lesson.value.state !== 'learned'} @click=${save}>${things.save}</button>
      <span>
        <input class="unseen" id="things-file" type="file" accept="application/json,.json" @change=${load}>
        <label class="button second" for="things-file">${things.load}</label>
      </span>
    </p>`;
}

/** Which box something is dragged over. */
const over = signal<number | null>(null);

function boxView(box: Box, index: number): unknown {
  const { things } = text();
  const name = nameOf(box);
  const count = box.examples.length;
  return html`
    <fieldset
      class="box"
      data-box=${box.id}
      ?data-over=${over.value === box.id}
      @dragover=${(event: DragEvent) => onOver(event, box)}
      @dragleave=${onLeave}
      @drop=${(event: DragEvent) => onDrop(event, box)}
    >
      <legend class="unseen">${name}</legend>
      <p class="box-name">
        <input
          type="text"
          maxlength="60"
          autocomplete="off"
          aria-label=${things.name(index + 1)}
          placeholder=${things.box(index + 1)}
          .value=${box.name}
          @input=${({ target }: Event) => nameBox(box.id, (target as HTMLInputElement).value)}
        >
        <button class="quiet" type="button" aria-label=${things.removeBox(name)} title=${things.removeBox(name)} @click=${() => removeBox(box.id)}>×</button>
      </p>
      ${count > 0 ? html`<ul class="examples">${repeat(box.examples, ({ id }) => id, exampleView)}</ul>` : html`<p class="empty">${things.empty}</p>`}
      <p class="box-doings">
        <span class="count">${count > 0 ? things.count(count, format()) : nothing}</span>
        <input class="unseen" id="box-${box.id}" type="file" accept="image/*" multiple aria-label=${things.addTo(name)} @change=${(event: Event) => pick(event, box)}>
        <label class="button second" for="box-${box.id}">${things.add}</label>
        <button class="quiet" type="button" ?disabled=${!selected.value?.file} aria-label=${things.addShownTo(name)} @click=${() => addShown(box)}>${things.addShown}</button>
      </p>
    </fieldset>`;
}

function exampleView({ id, name }: Example): unknown {
  const { things } = text();
  const square = thumbnails.value.get(id);
  const words = things.takeOut(name || things.fromFile);
  return html`
    <li>
      <button class="example" type="button" aria-label=${words} title=${words} @click=${takeOut} data-example=${id}>
        ${square ? html`<img src=${square} alt="" draggable="false">` : html`<span class="blank"></span>`}
      </button>
    </li>`;
}

function statusOf(): string {
  const { things, stage } = text();
  const now = lesson.value;
  switch (now.state) {
    case 'few':
      return things.few;
    case 'twice':
      return things.twice(now.name);
    case 'waiting':
      return stage.waitingForModel;
    case 'learning':
      return things.learning;
    case 'failed':
      return now.detail;
    case 'learned': {
      const { accuracy } = now.head;
      if (accuracy === null) return things.unmeasured;
      const right = Math.round(accuracy * now.judged);
      return things.accuracy(right, now.judged, format());
    }
  }
}

function another(): void {
  const { id } = addBox();
  // After it is drawn.
  requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-box="${id}"] input`)?.focus());
}

function pick({ target }: Event, box: Box): void {
  const input = target as HTMLInputElement;
  const files = Array.from(input.files ?? []);
  // So that the same file can be picked again.
  input.value = '';
  if (files.length > 0) putArrivals(box.id, fromFiles(files));
}

function addShown(box: Box): void {
  if (selected.value) putPhoto(box.id, selected.value);
}

/** The keyboard goes on with the neighbour. */
function takeOut({ currentTarget }: Event): void {
  const button = currentTarget as HTMLElement;
  const item = button.closest('li')!;
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const field = button.closest('fieldset')!.querySelector<HTMLElement>('input[type="file"]')!;
  (next?.querySelector('button') ?? field).focus();
  removeExample(Number(button.dataset.example));
}

function onOver(event: DragEvent, box: Box): void {
  const { types } = event.dataTransfer!;
  if (!['Files', 'text/uri-list', PHOTO].some((type) => types.includes(type))) return;
  event.preventDefault();
  event.dataTransfer!.dropEffect = 'copy';
  over.value = box.id;
}

function onLeave({ currentTarget, relatedTarget }: DragEvent): void {
  if (!(currentTarget as Element).contains(relatedTarget as Element | null)) over.value = null;
}

function onDrop(event: DragEvent, box: Box): void {
  event.preventDefault();
  over.value = null;
  const photo = findPhoto(Number(event.dataTransfer!.getData(PHOTO)));
  if (photo) putPhoto(box.id, photo);
  else putHeld(box.id, heldBy(event.dataTransfer!));
}

async function save(): Promise<void> {
  download('things.json', 'application/json', await asFile());
}

async function load({ target }: Event): Promise<void> {
  const input = target as HTMLInputElement;
  const file = input.files?.[0];
  input.value = '';
  if (file) await fromFile(file);
}
