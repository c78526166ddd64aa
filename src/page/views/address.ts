/**
 * A field for the address of a model. Another model is another page: its address can be kept and passed on.
 */
import { html } from 'lit-html';
import { CHECKPOINTS, openCheckpoint } from '../intake/checkpoint.ts';
import { modelAddress } from '../state/settings.ts';
import { text } from '../text/language.ts';

/** @param id of the field: there may be two on the page */
export function addressView(id: string): unknown {
  const { settings } = text();
  return html`
    <form class="address" @submit=${open}>
      <label for=${id}>${settings.address}</label>
      <span class="field">
        <input id=${id} name="model" type="text" aria-describedby="${id}-hint" .value=${modelAddress ?? ''}>
        <button class="quiet" type="submit">${settings.load}</button>
      </span>
      <small class="soft" id="${id}-hint">${settings.addressHint}</small>
      <label class="quiet">
        ${settings.openFiles}
        <input class="unseen" type="file" multiple accept=${CHECKPOINTS} @change=${openFiles}>
      </label>
    </form>`;
}

async function openFiles({ target }: Event): Promise<void> {
  const input = target as HTMLInputElement;
  const files = Array.from(input.files ?? []);
  input.value = '';
  if (files.length === 0) return;
  input.closest('dialog')?.close();
  await openCheckpoint(files);
}

function open(event: Event): void {
  event.preventDefault();
  const typed = new FormData(event.target as HTMLFormElement).get('model') as string;
  const url = new URL(location.href);
  if (typed.trim()) url.searchParams.set('model', typed.trim());
  else url.searchParams.delete('model');
  location.assign(url);
}
