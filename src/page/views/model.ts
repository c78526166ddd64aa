/**
 * The line that says how far the model is, where it runs, or why it cannot.
 */
import { html, nothing } from 'lit-html';
import { keyed } from 'lit-html/directives/keyed.js';
import type { Question } from '../../index.ts';
import { changeModel } from '../engine/change-model.ts';
import { hasEmbeddedModel, load, modelSize } from '../engine/model.ts';
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
  const words = text().model;
  // Otherwise a button that vanishes under the keyboard's focus would throw the reader back to the top of the page.
  const root = document.querySelector<HTMLElement>('#engine')!;
  if (now.state !== 'failed' && document.activeElement?.id === 'retry') root.focus();
  root.dataset.state = now.state === 'ready' && now.isReplacing ? 'loading' : now.state;
  // The detail has another place in each state, and is another one there: it does not jump.
  return html`
    <div>
      <p class="engine-line" id="engine-line">${line}</p>
      ${now.state === 'loading' ? progressBar(now.progress) : nothing}
      ${keyed(now.state, html`<p class="engine-detail" title=${detail}>${detail}</p>`)}
      ${
        now.state === 'failed'
          ? html`<details><summary>${words.technical}</summary><p>${now.detail}</p></details>`
          : nothing
      }
    </div>
    ${now.state === 'failed' ? wayOut(now.questions) : nothing}`;
}

function wayOut(questions: readonly Question[]): unknown {
  const words = text().model;
  const ask = async () => (await import('./questions.ts')).openQuestions(questions);
  return html`
    <div class="ways-out">
      ${
        questions.length === 0
          ? html`<button class="button" id="retry" type="button" @click=${load}>${words.retry}</button>`
          : html`<button class="button" id="retry" type="button" @click=${ask}>${words.answer}</button>`
      }
      ${
        hasEmbeddedModel()
          ? nothing
          : html`<button class="quiet" type="button" @click=${() => changeModel(null)}>${words.back}</button>`
      }
    </div>`;
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
