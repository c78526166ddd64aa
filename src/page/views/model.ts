/**
 * The line that says how far the model is, where it runs, or why it cannot.
 */
import { html, nothing } from 'lit-html';
import { keyed } from 'lit-html/directives/keyed.js';
import type { Conversion } from '../../index.ts';
import { changeModel } from '../engine/change-model.ts';
import { answer, hasEmbeddedModel, load, modelSize } from '../engine/model.ts';
import { type ModelState, model } from '../state/model.ts';
import { format, text } from '../text/language.ts';
import { backendName, backendSentence } from '../text/where-it-runs.ts';

interface Lines {
  line: string;
  detail: string;
}

export function modelView(): unknown {
  const now = model.value;
  const { line, detail } = linesOf(now);
  const root = document.querySelector<HTMLElement>('#engine')!;
  root.dataset.state = now.state === 'ready' && now.isReplacing ? 'loading' : now.state;
  // The detail has another place in each state, and is another one there: it does not jump.
  return html`
    <div>
      <p class="engine-line" id="engine-line">${line}</p>
      ${now.state === 'loading' ? progressBar(now.progress) : nothing}
      ${keyed(now.state, html`<p class="engine-detail" title=${detail}>${detail}</p>`)}
      ${now.state === 'failed' ? technicalView(now) : nothing}
    </div>
    ${now.state === 'failed' ? waysOut(now) : nothing}`;
}

function waysOut(now: Failed): unknown {
  return html`
    <div class="ways-out">
      ${againView(now, load, answer)}
      ${
        hasEmbeddedModel()
          ? nothing
          : html`<button class="quiet" type="button" @click=${() => changeModel(null)}>${text().model.back}</button>`
      }
    </div>`;
}

type Failed = Extract<ModelState, { state: 'failed' }>;

export function technicalView({ detail }: Failed): unknown {
  return html`<details><summary>${text().model.technical}</summary><p>${detail}</p></details>`;
}

/** To try again; or, where a checkpoint leaves something open, to answer that. */
export function againView({ questions }: Failed, retry: () => void, answer: (given: Conversion) => void): unknown {
  const words = text().model;
  if (questions.length === 0) return html`<button class="button" type="button" @click=${retry}>${words.retry}</button>`;
  const ask = async () => (await import('./questions.ts')).openQuestions(questions, answer);
  return html`<button class="button" type="button" @click=${ask}>${words.answer}</button>`;
}

export function linesOf(now: ModelState): Lines {
  const words = text().model;
  switch (now.state) {
    case 'failed': {
      const { title, sentence } = now.problem(text());
      return { line: title, detail: sentence };
    }
    case 'loading': {
      const { stage, loaded, total } = now.progress ?? { stage: null, loaded: 0, total: 0 };
      const detail = total > 0 ? words.of(format().bytesLike(loaded, total), format().bytes(total)) : '';
      return { line: stage ? words[stage] : words.starting, detail };
    }
    case 'ready': {
      const { info, support, isReplacing, hasMoved } = now;
      const why = hasMoved ? words.movedToCpu : backendSentence(info, support);
      return { line: isReplacing ? words.lost : backendName(info), detail: `${why} ${modelSize(info)}`.trim() };
    }
  }
}

/** Compiling has no known length: with every byte here the bar runs without a value. */
function progressBar(progress: { loaded: number; total: number } | null): unknown {
  const { loaded, total } = progress ?? { loaded: 0, total: 0 };
  return total > 0 && loaded >= total
    ? html`<progress aria-labelledby="engine-line"></progress>`
    : html`<progress aria-labelledby="engine-line" max="1" .value=${total > 0 ? loaded / total : 0}></progress>`;
}
