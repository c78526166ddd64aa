/**
 * One photo on the page: waiting, being looked at, answered or failed. It only shows; `main.ts` says what and when.
 *
 * Its size is fixed from the start, whatever comes: nothing below it may move.
 */
import type { Classification, ModelInfo, Timing } from '../index.ts';
import { milliseconds, percent } from './format.ts';
import { notSure, type Problem } from './sentences.ts';

/** Where no better threshold was measured: below one half, all the other labels together are likelier than the best. */
const HALF = 0.5;

export const SHOWN_LABELS = 5;

export class Card {
  readonly element: HTMLElement;
  readonly #name: string;

  /** @param isOneOfSeveral a smaller card, for a list. */
  constructor(name: string, isOneOfSeveral: boolean) {
    const template = document.querySelector<HTMLTemplateElement>('template#card')!;
    this.element = template.content.firstElementChild!.cloneNode(true) as HTMLElement;
    this.#name = name;
    this.#say('.name', name);
    this.element.classList.toggle('one-of-several', isOneOfSeveral);
    this.#state('waiting', 'Waiting');
  }

  /** Shows the photo itself; where the browser cannot, an empty frame stays. */
  show(photo: Blob): void {
    const image = this.#part<HTMLImageElement>('img');
    const url = URL.createObjectURL(photo);
    image.onload = () => URL.revokeObjectURL(url);
    image.onerror = () => {
      image.hidden = true;
      this.#part('.photo').classList.add('blank');
      URL.revokeObjectURL(url);
    };
    image.alt = this.#name;
    image.src = url;
  }

  working({ imageSize, patchSize }: ModelInfo['architecture']): void {
    this.element.style.setProperty('--rows', `${imageSize[0] / patchSize[0]}`);
    this.element.style.setProperty('--columns', `${imageSize[1] / patchSize[1]}`);
    this.#state('working', 'Looking');
  }

  /** @returns what there is to announce. */
  answered(best: Classification[], { decode, preprocess, run }: Timing, { labels, calibration }: ModelInfo): string {
    const isSure = best[0].score >= (calibration?.threshold ?? HALF);
    this.#state(isSure ? 'answered' : 'unsure', isSure ? best[0].label : 'Not sure');
    for (const [i, row] of this.element.querySelectorAll<HTMLElement>('.scores li').entries()) {
      if (best[i]) fillRow(row, best[i]);
      else row.remove();
    }
    if (!isSure) this.#say('.note', notSure(labels));
    const times = [
      `Decode ${milliseconds(decode)}`,
      `Preprocess ${milliseconds(preprocess)}`,
      `Run ${milliseconds(run)}`,
    ];
    for (const [i, span] of this.element.querySelectorAll('.times span').entries()) span.textContent = times[i];
    const ranking = best.map(({ label, score }) => `${label} ${percent(score)}`).join(', ');
    return isSure ? `${this.#name}: ${ranking}.` : `${this.#name}: not sure. ${notSure(labels)} Guesses: ${ranking}.`;
  }

  /** @returns what there is to announce. */
  failed({ title, sentence }: Problem): string {
    this.#state('failed', title);
    this.#say('.note', sentence);
    return `${title}. ${sentence}`;
  }

  /** Told not to be a photo at once: a row of words, without a place for a picture. */
  refused(problem: Problem): string {
    this.#part('.photo').remove();
    this.#part('.scores').remove();
    this.element.classList.replace('one-of-several', 'words') || this.element.classList.add('words');
    return this.failed(problem);
  }

  #state(state: string, verdict: string): void {
    this.element.dataset.state = state;
    this.#say('.verdict', verdict);
  }

  #say(part: string, text: string): void {
    this.#part(part).textContent = text;
  }

  #part<T extends HTMLElement>(selector: string): T {
    return this.element.querySelector<T>(selector)!;
  }
}

function fillRow(row: HTMLElement, { label, score }: Classification): void {
  const [name, bar, share] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
  name.textContent = label;
  share.textContent = percent(score);
  bar.style.setProperty('--score', `${score}`);
}
