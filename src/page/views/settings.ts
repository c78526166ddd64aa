/**
 * What can be chosen, what is kept, and whether this machine computes right.
 */
import { signal } from '@preact/signals-core';
import { html, nothing } from 'lit-html';
import { type CachedModel, cachedModels, clearCache } from '../../index.ts';
import { check, report } from '../engine/check.ts';
import { load } from '../engine/session.ts';
import { notify } from '../state/notices.ts';
import { remembered } from '../state/remembered.ts';
import {
  BACKENDS,
  type Backend,
  backend,
  chooseBackend,
  chooseLabelCount,
  LABEL_COUNTS,
  labelCount,
} from '../state/settings.ts';
import { format, LANGUAGES, type Language, language, speak, text } from '../text/language.ts';
import { addressView } from './address.ts';
import { catalogueView } from './catalogue.ts';
import { openDialog } from './dialog.ts';

const kept = signal<CachedModel[]>([]);

export async function openSettings(): Promise<void> {
  kept.value = await cachedModels();
  openDialog(
    () => text().settings.title,
    () =>
      html`<div class="settings">${choicesView()}${catalogueView()}${addressView('model-address')}${keptView()}${checkView()}</div>`,
  );
}

function choicesView(): unknown {
  const { settings } = text();
  return html`
    ${choice(settings.language, language(), Object.entries(LANGUAGES), (value) => {
      remembered.set('lang', value);
      speak(value as Language);
    })}
    ${choice(
      settings.runsOn,
      backend.value,
      BACKENDS.map((name) => [name, settings[name]]),
      (value) => {
        chooseBackend(value as Backend);
        load();
      },
    )}
    ${choice(
      settings.labels,
      `${labelCount.value}`,
      LABEL_COUNTS.map((count) => [`${count}`, format().number(count)]),
      (value) => chooseLabelCount(Number(value)),
    )}`;
}

function choice(
  name: string,
  value: string,
  choices: [value: string, name: string][],
  onChange: (value: string) => void,
): unknown {
  return html`
    <label><span>${name}</span>
      <select @change=${({ target }: Event) => onChange((target as HTMLSelectElement).value)}>
        ${choices.map(([key, words]) => html`<option value=${key} ?selected=${key === value}>${words}</option>`)}
      </select>
    </label>`;
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

function checkView(): unknown {
  const { settings } = text();
  const now = report.value;
  const copy = async () => {
    await navigator.clipboard.writeText(now.text);
    notify(settings.reportCopied);
  };
  return html`
    <section>
      <h3>${settings.check}</h3>
      <p role="status">
        ${
          now.state === 'done'
            ? html`${settings.checked(now.passed, now.error.toExponential(1))} ${settings.measured(format().milliseconds(now.milliseconds))}`
            : now.state === 'running'
              ? settings.checking
              : nothing
        }
      </p>
      <button class="quiet" type="button" ?disabled=${now.state === 'running'} @click=${check}>${settings.start}</button>
      <button class="quiet" type="button" ?disabled=${now.state !== 'done'} @click=${copy}>${settings.copyReport}</button>
    </section>`;
}
