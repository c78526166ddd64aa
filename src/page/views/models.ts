/**
 * The sheet of models: which there are to choose from, one of one's own, and which are kept in this browser.
 */
import { signal } from '@preact/signals-core';
import { html } from 'lit-html';
import { type CachedModel, cachedModels, clearCache } from '../../index.ts';
import { format, text } from '../text/language.ts';
import { addressView } from './address.ts';
import { catalogueView } from './catalogue.ts';
import { openDialog } from './dialog.ts';

const kept = signal<CachedModel[]>([]);

export async function openModels(): Promise<void> {
  kept.value = await cachedModels();
  openDialog(
    () => text().shell.models,
    () =>
      html`<div class="settings">${catalogueView()}${addressView('model-address', { canCompare: true })}${keptView()}</div>`,
  );
}

function keptView(): unknown {
  const { settings } = text();
  const forget = async (url?: string) => {
    await clearCache(url);
    kept.value = await cachedModels();
  };
  return html`
    <section>
      <h3>${settings.kept}</h3>
      <ul>
        ${kept.value.map(
          ({ name, url, cachedBytes }) => html`
            <li>
              ${settings.keptModel(name, format().bytes(cachedBytes))}
              <button class="quiet" type="button" aria-label=${settings.forgetModel(name)} @click=${() => forget(url)}>
                ${settings.forgetOne}
              </button>
            </li>`,
        )}
      </ul>
      ${
        kept.value.length > 0
          ? html`<button class="quiet" type="button" @click=${() => forget()}>${settings.forget}</button>`
          : html`<p>${settings.nothingKept}</p>`
      }
    </section>`;
}
