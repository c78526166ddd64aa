/**
 * A field for the address of a model, and a button for a checkpoint of one's own: all photos are shown to what comes.
 */
import { html } from 'lit-html';
import { changeModel } from '../engine/change-model.ts';
import { CHECKPOINTS } from '../intake/checkpoint.ts';
import { modelAddress } from '../state/settings.ts';
import { text } from '../text/language.ts';

/** @param id of the field: there may be two on the page */
export function addressView(id: string): unknown {
  const { settings } = text();
  return html`
    <form class="address" @submit=${open}>
      <label for=${id}>${settings.address}</label>
      <span class="field">
        <input id=${id} name="model" type="text" aria-describedby="${id}-hint" .value=${modelAddress.value ?? ''}>
        <button class="quiet" type="submit">${settings.load}</button>
      </span>
      <small class="soft" id="${id}-hint">${settings.addressHint}</small>
      <label class="quiet">
        ${settings.openFiles}
        <input class="unseen" type="file" multiple accept=${CHECKPOINTS} @change=${openFiles}>
      </label>
    </form>`;
}

function openFiles({ target }: Event): void {
  const input = target as HTMLInputElement;
  const files = Array.from(input.files ?? []);
  input.value = '';
  if (files.length === 0) return;
  input.closest('dialog')?.close();
  changeModel(files);
}

function open(event: Event): void {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const typed = (new FormData(form).get('model') as string).trim();
  form.closest('dialog')?.close();
  changeModel(typed || null);
}
