/**
 * The one dialog of the page: opened with a title and a view that is kept as the state has it.
 */
import { html } from 'lit-html';
import { text } from '../text/language.ts';
import { mount } from './mount.ts';

export function openDialog(title: () => string, content: () => unknown): void {
  const dialog = document.querySelector<HTMLDialogElement>('#dialog')!;
  const root = document.createElement('div');
  dialog.replaceChildren(root);
  mount(
    root,
    () => html`
      <header>
        <h2 id="dialog-title">${title()}</h2>
        <button class="quiet" type="button" aria-label=${text().settings.close} @click=${() => dialog.close()}>×</button>
      </header>
      ${content()}`,
  );
  dialog.showModal();
}
