/**
 * The state of the model: how far it is loaded, where it runs, or why it cannot.
 */
import type { ModelInfo, Progress, Support } from '../index.ts';
import { bytesOf } from './format.ts';
import { backendName, backendSentence, modelSentence, type Problem } from './sentences.ts';

const STAGES: Record<Progress['stage'], string> = {
  manifest: 'Opening the model',
  weights: 'Downloading the model',
  compile: 'Compiling the shaders',
  ready: 'Ready',
};

export class Status {
  readonly #box = document.querySelector<HTMLElement>('#engine')!;
  readonly #line = document.querySelector<HTMLElement>('#engine-line')!;
  readonly #bar = document.querySelector<HTMLProgressElement>('#progress')!;
  readonly #detail = document.querySelector<HTMLElement>('#engine-detail')!;
  readonly #retry = document.querySelector<HTMLButtonElement>('#retry')!;
  readonly #technical = document.querySelector<HTMLDetailsElement>('#technical')!;

  constructor(retry: () => void) {
    this.#retry.addEventListener('click', retry);
  }

  loading(): void {
    this.#show('loading', 'Getting ready', '');
    this.#bar.value = 0;
  }

  progress({ stage, loaded, total }: Progress): void {
    this.#show('loading', STAGES[stage], total > 0 ? bytesOf(loaded, total) : '');
    // Compiling has no known length: with every byte here the bar runs without a value.
    if (total > 0 && loaded >= total) this.#bar.removeAttribute('value');
    else this.#bar.value = total > 0 ? loaded / total : 0;
  }

  /** @returns what there is to announce. */
  ready(info: ModelInfo, support: Support): string {
    this.#show('ready', backendName(info), `${backendSentence(info, support)} ${modelSentence(info)}`);
    return `${backendName(info)}. ${backendSentence(info, support)}`;
  }

  /** @returns what there is to announce. */
  failed({ title, sentence, detail = '' }: Problem): string {
    this.#show('failed', title, sentence);
    document.querySelector('#technical-text')!.textContent = detail;
    return `${title}. ${sentence}`;
  }

  #show(state: 'loading' | 'ready' | 'failed', line: string, detail: string): void {
    // A button that vanishes under the keyboard's focus would throw the reader back to the top of the page.
    if (state !== 'failed' && document.activeElement === this.#retry) this.#box.focus();
    this.#box.dataset.state = state;
    this.#line.textContent = line;
    this.#detail.textContent = detail;
    this.#bar.hidden = state !== 'loading';
    this.#retry.hidden = this.#technical.hidden = state !== 'failed';
    this.#technical.open = false;
  }
}
