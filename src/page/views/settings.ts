/**
 * What can be chosen, and whether this machine computes right.
 */
import { html, nothing } from 'lit-html';
import { check, report } from '../engine/check.ts';
import { load } from '../engine/model.ts';
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
import { openDialog } from './dialog.ts';

export function openSettings(): void {
  openDialog(
    () => text().settings.title,
    () => html`<div class="settings">${choicesView()}${checkView()}</div>`,
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
      <div class="field">
        <button class="quiet" type="button" ?disabled=${now.state === 'running'} @click=${check}>${settings.start}</button>
        <button class="quiet" type="button" ?disabled=${now.state !== 'done'} @click=${copy}>${settings.copyReport}</button>
      </div>
      <p role="status">
        ${
          now.state === 'done'
            ? html`${settings.checked(now.passed, now.error.toExponential(1))} ${settings.measured(format().milliseconds(now.milliseconds))}`
            : now.state === 'running'
              ? settings.checking
              : nothing
        }
      </p>
    </section>`;
}
