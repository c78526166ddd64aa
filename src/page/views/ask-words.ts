/**
 * Fields for words and for the sentence around them; or what kind of model it takes, and how to get one.
 */
import { html, nothing } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { ModelInfo } from '../../index.ts';
import { keepAsking } from '../engine/ask.ts';
import { asking, template, words } from '../engine/ask-words.ts';
import { changeModel } from '../engine/change-model.ts';
import { WORDS_OFFER } from '../state/catalogue.ts';
import { model, textProgress } from '../state/model.ts';
import { format, text } from '../text/language.ts';
import { addressView } from './address.ts';
import { shownView } from './asked.ts';

keepAsking();

export function wordsView(): unknown {
  const now = model.value;
  if (now.state !== 'ready') return html`<p class="soft">${text().stage.waitingForModel}</p>`;
  return now.info.words && now.info.architecture.text ? fieldsView(now.info.words) : needsView(now.info);
}

function fieldsView({ template: usual }: NonNullable<ModelInfo['words']>): unknown {
  const texts = text().words;
  return html`
    <div class="words">
      <p>
        <label for="words">${texts.label}</label>
        <textarea
          id="words"
          rows="4"
          autocomplete="off"
          placeholder=${texts.example}
          .value=${live(words.value)}
          @input=${({ target }: Event) => {
            words.value = (target as HTMLTextAreaElement).value;
          }}
        ></textarea>
      </p>
      <p>
        <label for="template">${texts.template}</label>
        <input
          id="template"
          type="text"
          autocomplete="off"
          aria-describedby="template-hint"
          .value=${live(template.value ?? usual)}
          @input=${({ target }: Event) => {
            template.value = (target as HTMLInputElement).value;
          }}
        >
        <small class="soft" id="template-hint">${texts.templateHint}</small>
      </p>
    </div>
    <div class="status" role="status">
      <p>${statusOf()}</p>
      ${asking.value.state === 'asked' ? shownView() : nothing}
    </div>`;
}

function statusOf(): string {
  const texts = text().words;
  const now = asking.value;
  switch (now.state) {
    case 'none':
      return texts.none;
    case 'one':
      return texts.one;
    case 'no-place':
      return texts.noPlace;
    case 'asking': {
      const { loaded, total } = textProgress.value ?? { loaded: 0, total: 0 };
      if (loaded >= total) return texts.asking;
      return texts.loading(format().bytesLike(loaded, total), format().bytes(total));
    }
    case 'asked':
      return texts.asked(now.count, format());
    case 'failed':
      return `${texts.failed} ${now.detail}`;
  }
}

function needsView({ architecture }: ModelInfo): unknown {
  const texts = text().words;
  if (architecture.text) return html`<p>${texts.noTokenizer}</p>`;
  const { address, name, bytes } = WORDS_OFFER;
  return html`
    <p>${texts.needs}</p>
    <p>
      <button class="button" type="button" @click=${() => changeModel(address)}>${text().catalogue.load(name, format().bytes(bytes))}</button>
    </p>
    <p class="soft">${texts.how}</p>
    ${addressView('words-model')}`;
}
