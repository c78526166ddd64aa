/**
 * A field for the address of a model, and a button for one's own files: all photos are shown to what comes, in the place of the
 * model that is here, or beside it.
 */
import { html, nothing } from 'lit-html';
import { changeModel } from '../engine/change-model.ts';
import { MODEL_FILES } from '../intake/model-files.ts';
import { EMBEDDED } from '../state/catalogue.ts';
import { chooseSecond, modelAddress } from '../state/settings.ts';
import { text } from '../text/language.ts';

/** @param id of the field: there may be two on the page */
export function addressView(id: string, { canCompare = false } = {}): unknown {
  const { settings, compare } = text();
  return html`
    <form class="address" @submit=${open}>
      <label for=${id}>${settings.address}</label>
      <span class="field">
        <input id=${id} name="model" type="text" aria-describedby="${id}-hint" .value=${modelAddress.value ?? ''}>
        <button class="quiet" type="submit">${settings.load}</button>
        ${canCompare ? html`<button class="quiet" type="submit" value="compare">${compare.compare}</button>` : nothing}
      </span>
      <small class="soft" id="${id}-hint">${settings.addressHint}</small>
      <label class="quiet">
        ${settings.openFiles}
        <input class="unseen" type="file" multiple accept=${MODEL_FILES} @change=${openFiles}>
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

function open(event: SubmitEvent): void {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const typed = (new FormData(form).get('model') as string).trim();
  form.closest('dialog')?.close();
  if ((event.submitter as HTMLButtonElement | null)?.value === 'compare') chooseSecond(typed || EMBEDDED.address);
  else changeModel(typed || null);
}
